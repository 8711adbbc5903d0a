"""What of an article can be compared with another: features hashed to integers, small enough to be kept for weeks.

A feature is 32 bits: its kind in the highest four, a hash of what it says in the others.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from enum import IntEnum
from itertools import combinations, islice
from typing import NamedTuple
from zlib import crc32

from pipeline.alerting.wording import has_phrase
from pipeline.enrich.tables import capitals
from pipeline.model.enriched import EnrichedArticle, Event, Span
from pipeline.stories.latin import skeleton, words
from pipeline.stories.numbers import numbers


class Kind(IntEnum):
    """Kinds of features; 0 to 15, as a feature has four bits for it."""

    FACILITY = 0
    """Owner of a diplomatic facility; owner, kind and city of one."""
    PAIR = 1
    """Two states that an article speaks of most, together: far rarer than each."""
    FACT = 2
    """A slot of an event and what fills it: 12 bits of the one, 16 of the other."""
    HAPPENING = 3
    STATE = 4
    ORGANISATION = 5
    PERSON = 6
    CITY = 7
    REGION = 8
    """A region, or a capital, which stands for its country as often as for itself."""
    FIGURE = 9
    """A number of three digits or more."""
    NUMBER = 10
    NAME = 11
    """Consonants of a capitalised word, or of a part of a person's name."""
    SHORT_WORD = 12
    WORD = 13
    LONG_WORD = 14
    GRAM = 15
    """Two characters of a script that has no spaces."""


LIMITS = {
    Kind.FACILITY: 6,
    Kind.PAIR: 3,
    Kind.FACT: 8,
    Kind.HAPPENING: 4,
    Kind.STATE: 6,
    Kind.ORGANISATION: 5,
    Kind.PERSON: 6,
    Kind.CITY: 6,
    Kind.REGION: 3,
    Kind.FIGURE: 4,
    Kind.NUMBER: 6,
    Kind.NAME: 14,
}
"""Features kept of an article by kind, so that a record of it stays near 500 bytes."""

SKETCH = 24
ORDER = 24
UNSPACED = frozenset({"zh", "ja", "th", "lo", "km", "my"})
STEM = 6
"""Letters of a word that are compared: enough to tell words apart, few enough to lose most endings."""

DISPUTED_SOURCE = frozenset(
    {"premises-damaged", "munition-crossed-border", "leader-attacked", "ceasefire-violated", "coup", "border-closed"}
)
"""Events of which two sides name different authors: another author does not make it another event."""

BETWEEN_STATES = frozenset(
    {"ambassador-summoned", "protest-delivered", "diplomats-expelled", "ambassador-recalled", "relations-cut"}
)
"""Events that one state does to another."""

ASIDE = frozenset({"past", "hypothetical", "threatened"})
"""Statuses of events that an article only mentions."""

# A word after another one, perhaps a capital first: blocks of Latin and Cyrillic mix cases, isupper has the last word.
_OPENING = re.compile(r"(?:^|[.!?…:\n\"«»„“”‘’(—–-])\s*([A-ZÀ-ÞĀ-ɏΆ-ΫЀ-ЯҊ-ԯԱ-Ֆ][^\W\d_]{2,})")
_UNCASED = re.compile(r"[\u0590-\u05ff\u0620-\u06ff\u10d0-\u10ff]{4,}")
_CAPITALISED = re.compile(r"(?<=[\w,;][ \u00a0])[A-ZÀ-ÞĀ-ɏΆ-ΫЀ-ЯҊ-ԯԱ-Ֆ][^\W\d_]{2,}")


class Traits(NamedTuple):
    """An article reduced to what is compared."""

    features: tuple[int, ...]
    """Without words; the most telling of each kind."""
    perhaps: tuple[int, ...]
    """Names that may be ordinary words: they open a sentence, or stand in a script without capitals."""
    words: dict[int, float]
    """Every word, with its weight in the article."""
    sketch: tuple[int, ...]
    """The smallest hashes of three words in a row, ascending: a sample that two copies share."""
    order: tuple[int, ...]
    """16-bit hashes of states, cities, persons and numbers as they follow one another."""


def feature(kind: Kind, text: str) -> int:
    """The feature of a kind that says `text`."""
    return kind << 28 | crc32(text.encode("utf-8", "surrogatepass")) & 0xFFFFFFF


def fact(what: str, slot: str, value: str) -> int:
    """A fact: the same for the same value, comparable by `slot_of` for different ones."""
    key = crc32(f"{what}/{slot}".encode()) & 0xFFF
    return Kind.FACT << 28 | key << 16 | crc32(value.encode("utf-8", "surrogatepass")) & 0xFFFF


def slot_of(number: int) -> int:
    """Event and slot of a fact, without its value."""
    return number >> 16


def traits(article: EnrichedArticle) -> Traits:
    """Everything that is compared, read once."""
    unspaced = article.language.code in UNSPACED
    tokens = _tokens(article.body or article.summary, unspaced)
    title = _tokens(article.title, unspaced)
    return Traits(
        features=tuple(_features(article)),
        perhaps=tuple(perhaps_names(f"{article.title}\n{article.body or article.summary}")),
        words=_weighted(tokens, title, unspaced),
        sketch=sketch(tokens or title),
        order=_order(article),
    )


def sketch(tokens: list[str]) -> tuple[int, ...]:
    """The smallest hashes of three tokens in a row. Two texts share them as far as one holds the other's words."""
    hashes = [crc32(token.encode("utf-8", "surrogatepass")) for token in tokens]
    shingles = {
        (a * 0x9E3779B1 ^ b * 0x85EBCA77 ^ c * 0xC2B2AE3D) * 0x27D4EB2F >> 7 & 0xFFFFFFFF
        for a, b, c in zip(hashes, islice(hashes, 1, None), islice(hashes, 2, None), strict=False)
    }
    return tuple(sorted(shingles)[:SKETCH])


def _tokens(text: str, unspaced: bool) -> list[str]:
    tokens = words(text)
    if not unspaced:
        return tokens
    return [pair for token in tokens for pair in _pairs(token)]


def _pairs(token: str) -> Iterator[str]:
    if token.isascii() or len(token) < 3:
        yield token
    else:
        yield from (token[at : at + 2] for at in range(len(token) - 1))


def _weighted(tokens: list[str], title: list[str], unspaced: bool) -> dict[int, float]:
    counts = Counter(tokens)
    counts.update(title * 2)
    weighted: dict[int, float] = {}
    for token, count in counts.items():
        kind = _word_kind(token, unspaced)
        if kind is not None:
            key = feature(kind, token[:STEM])
            weighted[key] = min(weighted.get(key, 0.0) + count, 4.0)
    return weighted


def _word_kind(token: str, unspaced: bool) -> Kind | None:
    length = len(token)
    if token.isdigit():
        return None
    if unspaced and not token.isascii():
        return Kind.GRAM if length == 2 else None
    if length < 4:
        return None
    return Kind.SHORT_WORD if length < 6 else Kind.WORD if length < 9 else Kind.LONG_WORD


def _features(article: EnrichedArticle) -> Iterator[int]:
    found: dict[Kind, dict[int, int]] = {kind: {} for kind in LIMITS}
    text = f"{article.title}\n{article.body or article.summary}"
    main = _main_states(article)

    def add(kind: Kind, said: str, times: int = 1) -> None:
        key = feature(kind, said)
        found[kind][key] = found[kind].get(key, 0) + times

    for facility in article.facilities:
        if facility.owner:
            add(Kind.FACILITY, facility.owner, len(facility.mentions))
            if facility.city:
                add(Kind.FACILITY, f"{facility.owner} {facility.kind} {facility.city}", len(facility.mentions))
    for event in article.events:
        if event.status not in ASIDE:
            add(Kind.HAPPENING, event.what)
            for key in facts(event, main[:2]) if has_phrase(event.what) else ():
                found[Kind.FACT][key] = found[Kind.FACT].get(key, 0) + 1
    for actor in article.actors:
        if actor.kind == "person":
            add(Kind.PERSON, _name_key(actor.name), len(actor.mentions))
            for part in skeleton(actor.name).split(" "):
                if len(part) > 2:
                    add(Kind.NAME, part)
        else:
            add(Kind.STATE if actor.kind == "state" else Kind.ORGANISATION, actor.id, len(actor.mentions))
    for one, other in combinations(sorted(main), 2):
        add(Kind.PAIR, f"{one} {other}")
    for place in article.places:
        if place.kind != "country":
            town = place.kind == "city" and place.id not in capitals()
            add(Kind.CITY if town else Kind.REGION, place.id, len(place.mentions))
    for _, number in numbers(text, article.language.code):
        add(Kind.FIGURE if number > 99 else Kind.NUMBER, str(number))
    for name, times in names(text).items():
        add(Kind.NAME, name, times)
    for kind, counted in found.items():
        yield from sorted(counted, key=lambda key: -counted[key])[: LIMITS[kind]]


def _main_states(article: EnrichedArticle) -> list[str]:
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


def names(text: str) -> Counter[str]:
    """Consonants of capitalised words inside sentences, with how often each occurs."""
    found = " ".join(word for word in _CAPITALISED.findall(text) if word[0].isupper())
    return Counter(part for part in skeleton(found).split(" ") if len(part) > 2)


def perhaps_names(text: str) -> Iterator[int]:
    """Features of words that are names if others are known to use them so."""
    cased = [word for word in _OPENING.findall(text) if word[0].isupper()]
    uncased = [word.removeprefix("و").removeprefix("ب").removeprefix("ال") for word in _UNCASED.findall(text)]
    for found, least in ((cased, 3), (uncased, 4)):
        for part in dict.fromkeys(skeleton(" ".join(found)).split(" ")):
            if len(part) >= least:
                yield feature(Kind.NAME, part)


def _name_key(name: str) -> str:
    """The last two parts of a name, so that a patronymic or an initial does not matter."""
    return " ".join([part for part in skeleton(name).split(" ") if part][-2:])


def _order(article: EnrichedArticle) -> tuple[int, ...]:
    """States, cities, persons and numbers of the body as they follow one another, the same one twice in a row once."""
    marks = list(_marks(article))
    body = article.body or article.summary
    marks += [(start, str(number)) for start, number in numbers(body, article.language.code)]
    marks.sort()
    hashes = [crc32(said.encode("utf-8", "surrogatepass")) & 0xFFFF for _, said in marks]
    return tuple(now for before, now in zip([None, *hashes], hashes, strict=False) if before != now)[:ORDER]


def _marks(article: EnrichedArticle) -> Iterator[tuple[int, str]]:
    for actor in article.actors:
        if actor.kind in ("state", "organ", "organisation"):
            yield from _starts(actor.mentions, actor.id)
        elif actor.kind == "person":
            yield from _starts(actor.mentions, skeleton(actor.name).strip().rpartition(" ")[2])
    for place in article.places:
        if place.kind == "city":
            yield from _starts(place.mentions, place.id)


def _starts(mentions: Iterable[Span], said: str) -> Iterator[tuple[int, str]]:
    for span in mentions:
        if span.field != "title":
            yield span.start, said
