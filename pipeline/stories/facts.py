"""Facts: what an article says of whom and where an event concerns, so that two events of a kind can be told apart."""

from collections import Counter
from collections.abc import Iterator, Sequence
from zlib import crc32

from pipeline.model.enriched import EnrichedArticle, Event
from pipeline.stories.kinds import Kind

DISPUTED_SOURCE = frozenset(
    {"premises-damaged", "munition-crossed-border", "leader-attacked", "ceasefire-violated", "coup", "border-closed"}
)
"""Events of which two sides name different authors: another author does not make it another event."""

BETWEEN_STATES = frozenset(
    {"ambassador-summoned", "protest-delivered", "diplomats-expelled", "ambassador-recalled", "relations-cut"}
)
"""Events that one state does to another."""


def fact(what: str, slot: str, value: str) -> int:
    """A fact: the same for the same value, comparable by `slot_of` for different ones."""
    key = crc32(f"{what}/{slot}".encode()) & 0xFFF
    return Kind.FACT << 28 | key << 16 | crc32(value.encode("utf-8", "surrogatepass")) & 0xFFFF


def slot_of(number: int) -> int:
    """Event and slot of a fact, without its value."""
    return number >> 16


def main_states(article: EnrichedArticle) -> list[str]:
    """The states that an article speaks of most, three at most; organs count for theirs."""
    counts: Counter[str] = Counter()
    for actor in article.actors:
        if actor.kind in ("state", "organ"):
            counts[actor.id.partition("/")[0]] += len(actor.mentions) or 1
    return sorted(counts, key=lambda state: (-counts[state], state))[:3]


def facts(event: Event, main: Sequence[str] = ()) -> Iterator[int]:
    """What sets an event apart from another of its kind: whose premises, in which town, between whom.

    Who did it to whom is one slot: languages differ in how surely the two are told apart. Where the author is what
    two sides dispute, only the other party counts; where an event between two states does not say which, they are the
    two that the article speaks of most, `main`.
    """
    if event.facility and event.facility.owner:
        yield fact(event.what, "owner", event.facility.owner)
    actors = event.target if event.what in DISPUTED_SOURCE else (*event.source, *event.target)
    parties = dict.fromkeys(actor if actor.startswith("person/") else actor.partition("/")[0] for actor in actors)
    for party in main if event.what in BETWEEN_STATES and len(parties) < 2 else parties:
        yield fact(event.what, "parties", party)
    city = (event.facility and event.facility.city) or (event.place and event.place.kind == "city" and event.place.name)
    if city:
        yield fact(event.what, "city", city)
