"""Watchlists: organisations, groups and persons to look for, beyond states and cities.

A watchlist is a YAML list of `{id, kind, name, names}`: `kind` organisation, group or person; `name` in English;
`names` by language, `any` for those that all languages share, each written as in `states.yaml`
(see docs/add-a-language.md). Files in this folder are read, and those that `add` names.
"""

from functools import cache
from pathlib import Path

import msgspec

from pipeline.enrich.lexicon import read_yaml

FOLDER = Path(__file__).parent
_added: list[Path] = []


class Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Somebody or something on a watchlist."""

    id: str
    kind: str
    name: str
    names: dict[str, tuple[str, ...]] = {}


def add(*files: Path) -> None:
    """Further watchlists, before anything has been read; for a user's own.

    Raises:
        ValueError: a file is not a watchlist; the message names file and field.
    """
    for file in files:
        _read(file)
        _added.append(file)
    watchlists.cache_clear()


def own() -> tuple[Path, ...]:
    """The files that were added, in their order."""
    return tuple(_added)


@cache
def watchlists() -> tuple[Entry, ...]:
    """Every entry of every list."""
    return tuple(entry for file in (*sorted(FOLDER.glob("*.yaml")), *_added) for entry in _read(file))


@cache
def entry(id_: str) -> Entry | None:
    """The entry of an id, None where no list has it."""
    return next((entry for entry in watchlists() if entry.id == id_), None)


def _read(file: Path) -> list[Entry]:
    try:
        return msgspec.convert(read_yaml(file) or [], list[Entry])
    except msgspec.ValidationError as error:
        raise ValueError(f"{file.name}: {error}") from None
