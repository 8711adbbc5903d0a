"""Which words make which event, as `events.yaml` says."""

from functools import cache
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple

from pipeline.enrich.lexicon import read_yaml
from pipeline.model.enriched import Status


class Slot(NamedTuple):
    """What may stand in one place of a pattern."""

    words: frozenset[str]
    """Concepts."""
    names: frozenset[str]
    """Kinds of names, as `@state`."""


class Pattern(NamedTuple):
    """One way of telling an event."""

    number: int
    """Of the pattern among all."""
    slots: tuple[Slot, ...]
    key: frozenset[str]
    """The concepts it is looked for by: of the first slot that no name fills, else of the first."""
    others: tuple[frozenset[str], ...]
    """The concepts of the other slots that no name fills: a sentence without them cannot hold the pattern."""
    near: int
    checks: tuple[str, ...]
    excluded: frozenset[str]
    status: Status | None


class Spec(NamedTuple):
    """An event of `events.yaml`."""

    what: str
    type: str
    mode: str | None
    context: tuple[str, ...]
    states: int
    lead: bool
    unless: frozenset[str]
    patterns: tuple[Pattern, ...]


@cache
def specs() -> dict[str, Spec]:
    """Every event by its name, in the order of the file."""
    data = read_yaml(Path(__file__).parent / "events.yaml")
    groups = {name: frozenset(text.split()) for name, text in data["groups"].items()}
    numbers = count()
    return {
        what: Spec(
            what=what,
            type=entry["type"],
            mode=entry.get("mode"),
            context=tuple(entry.get("context", ())),
            states=entry.get("states", 0),
            lead=entry.get("lead", False),
            unless=frozenset(entry.get("unless", ())),
            patterns=tuple(_pattern(next(numbers), pattern, groups) for pattern in entry["patterns"]),
        )
        for what, entry in data["events"].items()
    }


@cache
def by_concept() -> dict[str, tuple[tuple[Spec, Pattern], ...]]:
    """Concepts to the patterns that are looked for by them."""
    index: dict[str, tuple[tuple[Spec, Pattern], ...]] = {}
    for spec in specs().values():
        for pattern in spec.patterns:
            for concept in pattern.key:
                index[concept] = (*index.get(concept, ()), (spec, pattern))
    return index


def _pattern(number: int, data: dict[str, Any], groups: dict[str, frozenset[str]]) -> Pattern:
    slots = tuple(_slot(slot, groups) for slot in data["all"])
    key, *others = [slot.words for slot in slots if not slot.names] or [slots[0].words]
    return Pattern(
        number=number,
        slots=slots,
        key=key,
        others=tuple(others),
        near=data.get("near", 0),
        checks=tuple(data.get("check", ())),
        excluded=frozenset(data.get("not", ())),
        status=data.get("status"),
    )


def _slot(text: str, groups: dict[str, frozenset[str]]) -> Slot:
    fillers = frozenset[str]().union(*(groups.get(word, (word,)) for word in text.split()))
    names = frozenset(filler for filler in fillers if filler.startswith("@"))
    return Slot(fillers - names, names)
