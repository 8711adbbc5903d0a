"""Which facility and place an event befell, who did it, and to whom."""

from collections.abc import Sequence
from typing import Literal

from pipeline.enrich.lexicon import Hit
from pipeline.enrich.sentence import PLACES, Sentence
from pipeline.model.enriched import Facility, Place

_KINDS: dict[str, Literal["embassy", "consulate", "residence", "mission", "un-premises"]] = {
    "embassy": "embassy",
    "consulate": "consulate",
    "residence": "residence",
    "mission": "mission",
    "un-premises": "un-premises",
    "embassy-vehicle": "embassy",
}
_ACTING = frozenset(["state", "government", "organ", "organisation", "group", "adjective"])


def facility_of(sentence: Sentence, words: Sequence[Hit]) -> Facility | None:
    """The facility that an event befell: the one named at its words, else one of that kind, else what the words say."""
    reading = sentence.context.reading
    word = next((word for word in words if word.value in _KINDS or word.value == "@facility"), None)
    if word is None:
        return None
    for mention in reading.mentions_between(sentence.start, sentence.end, ("facility",)):
        if mention.start < word.end and word.start < mention.end:
            return _bare(reading.facilities.get(mention.id))
    kind = _KINDS.get(word.value, "embassy")
    alike = [facility for facility in reading.facilities.values() if facility.kind == kind]
    if alike:
        return _bare(alike[0])
    if len(reading.facilities) == 1:
        return _bare(next(iter(reading.facilities.values())))
    return Facility(id=f"{kind}/-/-/-", kind=kind)


def _bare(facility: Facility | None) -> Facility | None:
    if facility is None:
        return None
    return Facility(
        id=facility.id, kind=facility.kind, owner=facility.owner, city=facility.city, country=facility.country,
        lat=facility.lat, lon=facility.lon,
    )  # fmt: skip


def place_of(sentence: Sentence, words: Sequence[Hit]) -> Place | None:
    """The place nearest to the words, in their sentence."""
    reading, start = sentence.context.reading, words[0].start
    places = reading.mentions_between(sentence.start, sentence.end, PLACES)
    nearest = min(places, key=lambda mention: abs(mention.start - start), default=None)
    place = reading.places.get(nearest.id) if nearest else None
    if place is None:
        return None
    return Place(id=place.id, name=place.name, country=place.country, lat=place.lat, lon=place.lon, kind=place.kind)


def sides(
    sentence: Sentence, words: Sequence[Hit], facility: Facility | None
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Source and target: whose the first word is stands beside it; the other actor of the sentence acted."""
    actors = sentence.context.reading.mentions_between(sentence.start, sentence.end, _ACTING)
    first = words[0]
    beside = [actor for actor in actors if sentence.context.near(first, [actor], 2)]
    target: Sequence[str] = (facility.owner,) if facility and facility.owner else [actor.id for actor in beside[:1]]
    states = {id_.split("/")[0] for id_ in target}
    others = [actor for actor in actors if actor.id.split("/")[0] not in states and actor not in beside[:1]]
    trigger = words[1] if len(words) > 1 else first
    others.sort(key=lambda actor: abs(actor.start - trigger.start))
    return tuple(actor.id for actor in others[:1]), tuple(target)


def subject_and_object(sentence: Sentence, words: Sequence[Hit]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Source and target of a deed in general: who stands before its verb, and behind it."""
    verb = words[0].start
    actors = sentence.context.reading.mentions_between(sentence.start, sentence.end, _ACTING)
    before = [actor.id for actor in actors if actor.start < verb]
    after = [actor.id for actor in actors if actor.start >= verb]
    source = (before or after)[:1]
    others = [id_ for id_ in after if id_.split("/")[0] != source[0].split("/")[0]]
    return tuple(source), tuple(others[:1])
