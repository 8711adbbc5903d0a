"""A source as somebody declares it: a mapping of keys every source has and the keys of its kind."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

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


@dataclass(frozen=True)
class Declared:
    """A source ready to be polled."""

    id: str
    kind: Kind[Any]
    config: msgspec.Struct
    source: Source


def declare(entry: Mapping[str, Any]) -> Declared:
    """Checks one entry of `sources` against the keys of its kind.

    The id, where none is given, is the kind and a hash of the configuration.

    Raises:
        DeclarationError: a key is missing, unknown or of the wrong type, or no package offers the kind.
    """
    common = _convert(entry, _Common)
    try:
        found = kind(common.kind)
    except LookupError as error:
        raise DeclarationError("kind", str(error)) from None
    own = {key: value for key, value in entry.items() if key not in _Common.__struct_fields__}
    config = _convert(own, found.config)
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
    return Declared(source_id, found, config, source)


def _convert(value: Mapping[str, Any], to: type[msgspec.Struct]) -> Any:
    try:
        return msgspec.convert(value, to)
    except msgspec.ValidationError as error:
        message, _, path = str(error).partition(" - at `$.")
        unknown = message.split("`")[1] if "unknown field" in message else ""
        raise DeclarationError(path.rstrip("`") or unknown, message) from None
