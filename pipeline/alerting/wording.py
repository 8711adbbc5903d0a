"""Headlines and facts in English, composed from what was read."""

import re
from collections.abc import Iterable, Iterator
from functools import cache
from importlib.resources import files

import yaml

from pipeline.enrich.tables import countries
from pipeline.model.enriched import EnrichedArticle, Event

FACTS = 4
"""Facts of one article that a summary may use."""

FACILITIES = {"un-premises": "UN premises", "mission": "diplomatic mission"}
"""Kinds of facilities that are called otherwise."""

_SLOT = re.compile(r"\{([^}]+)\}")


def headline(article: EnrichedArticle, events: Iterable[Event]) -> str:
    """The best attested and best described of the events, in words; empty where there is none."""
    ranked = sorted(_phrased(article, events), key=lambda phrase: -phrase[0])
    return ranked[0][1] if ranked else ""


def facts(article: EnrichedArticle, events: Iterable[Event]) -> tuple[str, ...]:
    """A short sentence for every kind of event among these."""
    found: dict[str, tuple[float, str]] = {}
    for event in events:
        for phrase in _phrased(article, [event]):
            if event.what not in found or phrase[0] > found[event.what][0]:
                found[event.what] = phrase
    return tuple(f"{text}." for _, text in found.values())[:FACTS]


def has_phrase(what: str) -> bool:
    """Whether headlines tell of this kind of event: those of PLOVER at large, such as a demand, they do not."""
    return what in _phrases()


def names(article: EnrichedArticle) -> dict[str, str]:
    """English names of the actors of an article, by id."""
    return {actor.id: _with_article(actor.name) for actor in article.actors}


def state_name(code: str) -> str | None:
    """The English name of a state by its alpha-3 code."""
    country = countries().get(code)
    return _with_article(country.name) if country else None


def possessive(name: str) -> str:
    """Whose: `Azerbaijan's`, `the Netherlands'`."""
    return f"{name}'" if name.endswith("s") else f"{name}'s"


def _phrased(article: EnrichedArticle, events: Iterable[Event]) -> Iterator[tuple[float, str]]:
    known = names(article)
    for event in events:
        slots = _slots(event, known)
        for pattern in _phrases().get(event.what, ()):
            wanted = _SLOT.findall(pattern)
            if all(slots.get(slot) for slot in wanted):
                yield len(wanted) + (event.status == "reported") / 2, _filled(pattern, slots)
                break


def _filled(pattern: str, slots: dict[str, str | None]) -> str:
    text = _SLOT.sub(lambda match: slots[match[1]] or "", pattern)
    return text[:1].upper() + text[1:]


def _slots(event: Event, known: dict[str, str]) -> dict[str, str | None]:
    facility, place = event.facility, event.place
    city = facility.city if facility and facility.city else place.name if place and place.kind == "city" else None
    slots: dict[str, str | None] = {
        "owner": _name((facility.owner,), known) if facility and facility.owner else None,
        "facility": FACILITIES.get(facility.kind, facility.kind) if facility else None,
        "city": city,
        "place": city or (place.name if place else None),
        "source": _name(event.source, known),
        "target": _name(event.target, known),
    }
    if slots["source"] == slots["target"]:
        slots["source"] = None
    if slots["place"] is None and facility and facility.country:
        slots["place"] = state_name(facility.country)
    slots |= {f"{slot}'s": possessive(name) for slot, name in slots.items() if name}
    return slots


def _name(actors: Iterable[str], known: dict[str, str]) -> str | None:
    """The name of the first actor that has one; an organ goes by its state."""
    for actor in actors:
        name = state_name(actor.partition("/")[0]) if not actor.startswith("person/") else None
        if name := name or known.get(actor):
            return name
    return None


def _with_article(name: str) -> str:
    name = name.removeprefix("The ")
    plural = name.startswith(("United ", "Netherlands", "Philippines")) or name.endswith(
        (" Islands", " Republic", " Union")
    )
    return f"the {name}" if plural else name


@cache
def _phrases() -> dict[str, list[str]]:
    table: dict[str, list[str]] = yaml.safe_load(files("pipeline.alerting").joinpath("phrases.yaml").read_text("utf-8"))
    return table
