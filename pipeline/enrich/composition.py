"""What belongs to an office, a facility or a person: whose they are, and where, told by the words between."""

import re
from bisect import bisect_left
from collections.abc import Sequence
from typing import NamedTuple

from pipeline.enrich import tables
from pipeline.enrich.grammar import grammar, is_located, words_between
from pipeline.enrich.lexicon import Hit
from pipeline.enrich.reading import Reading

NEAR, FAR = 3, 6
"""Words that may stand between a head word and its owner, and its host."""
PLACED = frozenset(("city", "city-adjective"))
NAMED = frozenset(("state", "adjective", "organisation", *PLACED))

_CAPITAL = frozenset(("capital",))
_BREAK = re.compile(r"[.;:!?…\n\"«»“”„()。！？；]")


class Tied(NamedTuple):
    """Owner (alpha-3 or organisation), the words that name it, and host: GeoNames id of the city, alpha-3."""

    owner: str | None
    named: Hit | None
    city: str | None
    country: str | None


def candidates(reading: Reading, hits: Sequence[Hit]) -> list[Hit]:
    """The names that may own or host something, "the Ukrainian capital" among them as its city."""
    capitals = _capitals(reading, hits)
    spent = {hit for hit in hits if any(one.start <= hit.start and hit.end <= one.end for one in capitals)}
    names = [hit for hit in hits if hit.kind in NAMED and hit not in spent] + capitals
    names.sort()
    return names


def heads(reading: Reading, concepts: frozenset[str], barred: frozenset[str] = frozenset()) -> list[Hit]:
    """The words of some concepts, the longest of those that overlap, none that overlaps a barred concept's."""
    bars = reading.words_of(barred)
    found: list[Hit] = []
    for hit in reading.words_of(concepts):
        if bars and any(bar.start < hit.end and hit.start < bar.end for bar in bars):
            continue
        if found and hit.start < found[-1].end:
            if hit.end - hit.start > found[-1].end - found[-1].start:
                found[-1] = hit
            continue
        found.append(hit)
    return found


def tie(reading: Reading, number: int, heads: Sequence[Hit], names: Sequence[Hit]) -> Tied:
    """Owner and host of the head word of this number, as far as its own sentence says."""
    head = heads[number]
    first, last = _room(reading, number, heads)
    names = names[bisect_left(names, (first,)) : bisect_left(names, (last,))]
    owner, cost, named = None, 99.0, None
    for name in names:
        if name.kind in PLACED:
            continue
        price = _owner_cost(reading, head, name)
        if price is not None and price < cost:
            owner, cost, named = name.value, price, name
    if owner is None:
        owner, named = _capital_owner(reading, head, names)
    city, country = _host(reading, head, names, named)
    return Tied(owner, named, city, country)


def _capitals(reading: Reading, hits: Sequence[Hit]) -> list[Hit]:
    """The Ukrainian capital, столиця України: the city that is meant, as a hit of its own."""
    found = []
    for word in reading.words_of(_CAPITAL):
        for hit in hits:
            if hit.kind not in ("state", "adjective"):
                continue
            beside = 0 <= word.start - hit.end <= 2 or 0 <= hit.start - word.end <= 5
            country = tables.countries().get(hit.value)
            if beside and country and country.capital:
                start, end = min(word.start, hit.start), max(word.end, hit.end)
                found.append(Hit(start, end, "city", country.capital))
                break
    return found


def _room(reading: Reading, number: int, heads: Sequence[Hit]) -> tuple[int, int]:
    """The part of the sentence that belongs to a head word: not beyond a break or another head word."""
    head = heads[number]
    first, last = reading.sentences[reading.sentence_at(head.start)]
    for before in _BREAK.finditer(reading.text, first, head.start):
        first = before.end()
    if after := _BREAK.search(reading.text, head.end, last):
        last = after.start()
    if number and heads[number - 1].end > first:
        first = heads[number - 1].end
    if number + 1 < len(heads) and heads[number + 1].start < last:
        last = heads[number + 1].start
    return first, last


def _owner_cost(reading: Reading, head: Hit, name: Hit) -> float | None:
    """How far a name is from owning the head word, in words; None where it does not."""
    rules = grammar(reading.language)
    if name.start < head.end and head.start < name.end:
        return 0.0
    before = name.start < head.start
    gap = (name.end, head.start) if before else (head.end, name.start)
    between = words_between(reading, *gap)
    side = rules.adjective if name.kind == "adjective" else rules.owner
    if name.kind == "organisation":
        side = "both"
    if side not in ("both", "before" if before else "after"):
        return None
    if name.kind != "adjective" and is_located(reading, name.start, name.end):
        return None
    if "," in reading.text[gap[0] : gap[1]]:
        return None
    if before:
        room = NEAR if rules.spaced else 8
        return float(len(between)) if len(between) <= room else None
    if not rules.spaced:
        return len(between) / 2 if len(between) <= 2 else None
    rest = [word for word in between if word not in rules.of]
    return len(rest) + 0.5 if len(rest) <= 1 and len(between) <= FAR else None


def _capital_owner(reading: Reading, head: Hit, names: Sequence[Hit]) -> tuple[str | None, Hit | None]:
    """Moscow's embassy: a capital right before the head word, in the genitive."""
    for name in names:
        if name.kind == "city" and name.end <= head.start:
            country = tables.capitals().get(name.value)
            tail = reading.folded[name.end : head.start].split()
            if country and tail == ["s"]:
                return country, name
    return None, None


def _host(reading: Reading, head: Hit, names: Sequence[Hit], owner: Hit | None) -> tuple[str | None, str | None]:
    """City (GeoNames id) and country where the head word's thing stands."""
    sentence = reading.sentence_at(head.start)
    best: tuple[float, Hit] | None = None
    for name in names:
        if name == owner or name.kind in ("organisation", "adjective"):
            continue
        if reading.sentence_at(name.start) != sentence:
            continue
        before = name.start < head.start
        between = words_between(reading, *((name.end, head.start) if before else (head.end, name.start)))
        located = is_located(reading, name.start, name.end)
        if name.kind == "state" and not located:
            continue
        if name.kind != "state" and not located and len(between) > (1 if before else 0):
            continue
        if len(between) > (FAR if grammar(reading.language).spaced else 10):
            continue
        price = len(between) + (0.0 if located else 2.0) + (1.0 if name.kind == "state" else 0.0) + (0.5 * before)
        if best is None or price < best[0]:
            best = price, name
    if best is None:
        return None, None
    name = best[1]
    if name.kind == "state":
        return None, name.value
    return name.value, tables.cities()[name.value].country
