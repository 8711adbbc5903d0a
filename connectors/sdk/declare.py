"""A source as somebody declares it: a mapping of keys every source has and the keys of its kind."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import msgspec
from pydantic import BaseModel, ValidationError

from connectors.sdk.source import Kind, kind
from pipeline.model.article import Grade, Source


class DeclarationError(ValueError):
    """A declaration is wrong: `key` (empty where it is none in particular) and `message` say what."""

    def __init__(self, key: str, message: str) -> None:
        super().__init__(f"{key}: {message}" if key else message)
        self.key = key
        self.message = message


class _Common(msgspec.Struct, kw_only=True):
    """The keys every source has."""

    kind: str
    id: str = ""
    name: str = ""
    country: str | None = None
    owner: str | None = None
    affiliation: str | None = None
    reliability: Grade | None = None
    every: Annotated[float, msgspec.Meta(gt=0)] | None = None
    """Seconds between polls; left to the schedule where it is not given."""


@dataclass(frozen=True)
class Declared:
    """A source ready to be polled."""

    id: str
    kind: Kind[Any]
    config: BaseModel
    source: Source
    every: float | None = None


def declare(entry: Mapping[str, Any]) -> Declared:
    """Checks one entry of `sources` against the keys of its kind.

    The id, where none is given, is the kind and a hash of the configuration.

    Raises:
        DeclarationError: a key is missing, unknown or of the wrong type, or no package offers the kind.
    """
    common = _common(entry)
    try:
        found = kind(common.kind)
    except LookupError as error:
        raise DeclarationError("kind", str(error)) from None
    own = {key: value for key, value in entry.items() if key not in _Common.__struct_fields__}
    config = _config(own, found)
    digest = hashlib.sha256(msgspec.json.encode(own, order="deterministic")).hexdigest()[:8]
    source_id = common.id or f"{common.kind}-{digest}"
    source = Source(
        id=source_id,
        name=common.name,
        kind=common.kind,
        country=common.country,
        owner=common.owner,
        affiliation=common.affiliation,
        reliability=common.reliability,
    )
    return Declared(source_id, found, config, source, common.every)


def _common(entry: Mapping[str, Any]) -> _Common:
    try:
        return msgspec.convert(entry, _Common)
    except msgspec.ValidationError as error:
        message, _, path = str(error).partition(" - at `$.")
        raise DeclarationError(path.rstrip("`"), message) from None


def _config(own: Mapping[str, Any], found: Kind[Any]) -> BaseModel:
    try:
        config: BaseModel = found.config.model_validate(own)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        key = ".".join(str(part) for part in first["loc"])
        if first["type"] == "extra_forbidden":
            message = f"there is no such key; {found.name} has {', '.join(sorted(found.config.model_fields))}"
        elif first["type"] == "missing":
            message = "is missing"
        else:
            message = first["msg"].removeprefix("Value error, ")
        raise DeclarationError(key, message) from None
    return config
