"""Generations of indices: `reindex` builds the next one behind the alias, and then the alias moves at once."""

import re
from collections.abc import Mapping
from typing import Any

HIDDEN: Mapping[str, Any] = {"match_none": {}}
"""Filter of the alias on an index that is being built: the template gives it the alias, and nobody sees it."""
_GENERATION = re.compile(r"-g(\d+)(?:-|$)")


def generations(aliases: Mapping[str, Any]) -> dict[str, int]:
    """The generation that each alias shows, from an answer of `GET /_alias`."""
    found: dict[str, int] = {}
    for index, about in aliases.items():
        number = generation_of(index)
        for alias, how in about["aliases"].items():
            if number and how.get("filter") != HIDDEN:
                found[alias] = max(found.get(alias, 1), number)
    return found


def generation_of(index: str) -> int | None:
    """The generation in an index's name; None where it has none."""
    named = _GENERATION.search(index)
    return int(named[1]) if named else None
