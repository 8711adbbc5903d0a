"""The description of every kind of source, made from its configuration: `docs/source-kinds.md`."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from connectors.sdk.source import Kind, kind, kinds

PAGE = Path(__file__).parents[3] / "docs" / "source-kinds.md"
HEAD = """# Kinds of source
What each kind is configured with, under `sources` in `wirewatch.yaml`. Made from the configuration models by \
`python -m connectors.sdk.testing.docs`; `wirewatch sources kinds` shows the same of what is installed.

Every source also has these keys:

| key | meaning |
|---|---|
| `kind` | one of the kinds below, or of an installed package |
| `id` | by which it is known in articles, cursors and health; made from the configuration where it is not given |
| `name` | of the outlet, as people know it |
| `country` | of the outlet, ISO 3166-1 alpha-3 |
| `owner` | id of who owns it; outlets of one owner are not independent of one another |
| `affiliation` | alpha-3 of the state that controls it |
| `reliability` | Admiralty code, A to F |
| `every` | seconds between polls; left to the schedule where it is not given |
"""


def entry(kind: Kind[Any]) -> str:
    """The description of one kind in Markdown: what it is, its keys, an example."""
    schema = kind.config.model_json_schema()
    rows = "\n".join(_rows(schema, schema))
    examples = [
        yaml.safe_dump([{"kind": kind.name, **example}], sort_keys=False, allow_unicode=True)
        for example in schema.get("examples", ())
    ]
    shown = "".join(f"\n```yaml\n{example}```\n" for example in examples)
    return f"## `{kind.name}`\n{kind.summary}\n\n| key | type | default | meaning |\n|---|---|---|---|\n{rows}\n{shown}"


def page() -> str:
    """The whole page, with every kind of this distribution."""
    found = [_loaded(name) for name, offered in kinds().items() if offered.value.startswith("connectors.")]
    return "\n".join([HEAD, *(entry(kind) for kind in found if kind)])


def _loaded(name: str) -> Kind[Any] | None:
    try:
        return kind(name)
    except ModuleNotFoundError:
        return None


def _rows(node: Mapping[str, Any], root: Mapping[str, Any], above: str = "") -> Iterator[str]:
    """A row for each key, those of an inner object after it as `outer.inner`."""
    for key, value in node.get("properties", {}).items():
        name = above + key
        default = "required" if key in node.get("required", ()) else _default(value)
        yield f"| `{name}` | {_type(value, root)} | {default} | {' '.join(value.get('description', '').split())} |"
        if name.count(".") < 3:
            for inner in _objects(value, root):
                yield from _rows(inner, root, f"{name}.")


def _default(value: Mapping[str, Any]) -> str:
    default = value.get("default")
    if default is None or default in ({}, [], ""):
        return ""
    return f"`{yaml.safe_dump(default, default_flow_style=True).removesuffix(chr(10)).removesuffix('...').strip()}`"


def _objects(value: Mapping[str, Any], root: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The models a value may be."""
    for option in _options(value, root):
        inner = next(iter(_options(option["items"], root)), {}) if isinstance(option.get("items"), Mapping) else option
        if inner.get("properties"):
            yield inner


def _options(value: Mapping[str, Any], root: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The schemas a value may follow, references resolved."""
    if "$ref" in value:
        return _options(root["$defs"][value["$ref"].rpartition("/")[2]], root)
    several = [*value.get("anyOf", ()), *value.get("oneOf", ()), *value.get("allOf", ())]
    return [option for part in several for option in _options(part, root)] if several else [value]


def _type(value: Mapping[str, Any], root: Mapping[str, Any]) -> str:
    names = [_named(option, root) for option in _options(value, root) if option.get("type") != "null"]
    return " or ".join(dict.fromkeys(names))


def _named(option: Mapping[str, Any], root: Mapping[str, Any]) -> str:
    if option.get("format") == "password":
        return "secret"
    if "enum" in option or "const" in option:
        return " or ".join(f"`{choice}`" for choice in option.get("enum", [option.get("const")]))
    if option.get("type") == "array":
        return f"list of {_type(option.get('items') or {}, root)}"
    if option.get("type") == "object" and isinstance(more := option.get("additionalProperties"), Mapping):
        return f"mapping to {_type(more, root)}"
    names = {"object": "mapping", "string": option.get("format", "text"), "boolean": "yes or no"}
    kind = str(option.get("type", "anything"))
    return str(names.get(kind, kind)).replace("uri", "URL")
