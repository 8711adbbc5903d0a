"""The specification of Kibana's Dashboards API, where it lies beside the project."""

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

SHARED = Path(__file__).parents[3] / "shared" / "kibana"
FILLED_IN = {"filter", "query"}
"""Properties without a default in the specification that it nevertheless only requires of answers."""


def specification() -> dict[str, Any]:
    """The OpenAPI document; where it is not there the test is left out."""
    files = sorted(SHARED.glob("dashboards-openapi-*.json"))
    if not files:
        pytest.skip(f"without the specification of the Dashboards API in {SHARED}")
    document: dict[str, Any] = json.loads(files[-1].read_text("utf-8"))
    return document


def validator(document: dict[str, Any]) -> Draft202012Validator:
    """Validates what is sent to create or replace a dashboard."""
    schemas = document["components"]["schemas"]
    operation = document["paths"]["/api/dashboards/{id}"]["put"]
    body = operation["requestBody"]["content"]["application/json"]["schema"]
    root = {**body, "components": document["components"]}
    _ask_less(root, schemas)
    return Draft202012Validator(root)


def _ask_less(schema: Any, schemas: dict[str, Any]) -> None:
    """Takes out of `required` what the server fills in."""
    if isinstance(schema, list):
        for inner in schema:
            _ask_less(inner, schemas)
    elif isinstance(schema, dict):
        properties = schema.get("properties")
        if isinstance(properties, dict) and isinstance(schema.get("required"), list):
            schema["required"] = [
                name
                for name in schema["required"]
                if name not in FILLED_IN and not _optional(properties.get(name, {}), schemas)
            ]
        for inner in schema.values():
            _ask_less(inner, schemas)


def _optional(schema: dict[str, Any], schemas: dict[str, Any]) -> bool:
    if "$ref" in schema:
        schema = schemas[schema["$ref"].rpartition("/")[2]]
    return "default" in schema or bool(schema.get("x-oas-optional"))
