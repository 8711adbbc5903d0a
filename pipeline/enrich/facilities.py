"""Diplomatic facilities, composed of what they are, whose, and where: in any case, word order and language."""

import re
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple, cast

from pipeline.enrich import tables
from pipeline.enrich.grammar import grammar, is_located, words_between
from pipeline.enrich.lexicon import Hit
from pipeline.enrich.reading import Mention, Reading
from pipeline.model.enriched import Facility, FacilityKind, Span

KINDS = frozenset(("embassy", "consulate", "residence", "mission", "un-premises"))
NEAR, FAR = 3, 6
"""Words that may stand between a facility and its owner, and its host."""
PLACED = frozenset(("city", "city-adjective"))
NAMED = frozenset(("state", "adjective", "organisation", *PLACED))

_BREAK = re.compile(r"[.;:!?…\n\"«»“”„()。！？；]")


class Found(NamedTuple):
    """A facility's words, with what stands beside them."""

    start: int
    end: int
    kind: str
    owner: str | None
    city: str | None
    """GeoNames id."""
    country: str | None


def compose(reading: Reading, hits: Sequence[Hit]) -> None:
    """Adds the facilities named in the text to the reading, with every mention of them.

    A mention without an owner belongs to the last facility of its kind, or to the first that follows.
    """
    heads = _heads(reading)
    if not heads:
        return
    names = [hit for hit in hits if hit.kind in NAMED] + _capitals(reading, hits)
    names.sort()
    found = [_find(reading, number, heads, names) for number in range(len(heads))]
    found = _adopt(reading, found, hits)
    named = _merge(reading, [one for one in found if one.owner])
    _add(reading, found, named)


def _heads(reading: Reading) -> list[Hit]:
    """Facility words, the longest of those that overlap; not those inside a street's or restaurant's name."""
    barred = [hit for hit in reading.words if hit.value == "embassy-row"]
    heads: list[Hit] = []
    for hit in reading.words:
        if hit.value not in KINDS or any(bar.start < hit.end and hit.start < bar.end for bar in barred):
            continue
        if heads and hit.start < heads[-1].end:
            if hit.end - hit.start > heads[-1].end - heads[-1].start:
                heads[-1] = hit
            continue
        heads.append(hit)
    return heads


def _capitals(reading: Reading, hits: Sequence[Hit]) -> list[Hit]:
    """The Ukrainian capital, столиця України: the city that is meant, as a hit of its own."""
    found = []
    for word in reading.words:
        if word.value != "capital":
            continue
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


def _find(reading: Reading, number: int, heads: Sequence[Hit], names: Sequence[Hit]) -> Found:
    head = heads[number]
    first, last = _room(reading, number, heads)
    owner, cost, owner_hit = None, 99.0, None
    for name in names:
        if not first <= name.start < last or name.kind in PLACED:
            continue
        price = _owner_cost(reading, head, name)
        if price is not None and price < cost:
            owner, cost, owner_hit = name.value, price, name
    if owner is None:
        owner, owner_hit = _capital_owner(reading, head, names, first)
    if head.value == "un-premises":
        owner = "UN"
    city, country = _host(reading, head, names, (first, last), owner_hit)
    start, end = head.start, head.end
    if owner_hit:
        start, end = min(start, owner_hit.start), max(end, owner_hit.end)
    return Found(start, end, head.value, owner, city, country)


def _room(reading: Reading, number: int, heads: Sequence[Hit]) -> tuple[int, int]:
    """The part of the sentence that belongs to a facility word: not beyond a break or another facility word."""
    head = heads[number]
    first, last = reading.sentences[reading.sentence_at(head.start)]
    for stop in _BREAK.finditer(reading.text, first, head.start):
        first = stop.end()
    if stop := _BREAK.search(reading.text, head.end, last):
        last = stop.start()
    if number and heads[number - 1].end > first:
        first = heads[number - 1].end
    if number + 1 < len(heads) and heads[number + 1].start < last:
        last = heads[number + 1].start
    return first, last


def _owner_cost(reading: Reading, head: Hit, name: Hit) -> float | None:
    """How far a state's name is from owning the facility, in words; None where it does not."""
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


def _capital_owner(reading: Reading, head: Hit, names: Sequence[Hit], first: int) -> tuple[str | None, Hit | None]:
    """Moscow's embassy: a capital right before the facility, in the genitive."""
    for name in names:
        if name.kind == "city" and first <= name.start and name.end <= head.start:
            country = tables.capitals().get(name.value)
            tail = reading.folded[name.end : head.start].split()
            if country and tail == ["s"]:
                return country, name
    return None, None


def _host(
    reading: Reading, head: Hit, names: Sequence[Hit], room: tuple[int, int], owner: Hit | None
) -> tuple[str | None, str | None]:
    """City (GeoNames id) and country where the facility stands, as far as its own sentence says."""
    first, last = room
    best: tuple[float, Hit] | None = None
    for name in names:
        if name == owner or not first <= name.start < last or name.kind in ("organisation", "adjective"):
            continue
        before = name.start < head.start
        between = words_between(reading, *((name.end, head.start) if before else (head.end, name.start)))
        located = is_located(reading, name.start, name.end)
        if name.kind == "state" and not located:
            continue
        if name.kind != "state" and not located and len(between) > (1 if before else 3):
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


def _adopt(reading: Reading, found: list[Found], hits: Sequence[Hit]) -> list[Found]:
    """Gives "our embassy in Baghdad", which no owner stands beside, to the state that the article speaks of most.

    The outlet's own state is preferred; a facility named with its owner that stands there goes before.
    """
    owned = [one for one in found if one.owner]
    adopted = []
    for one in found:
        if one.owner or not one.country or any(one.kind == other.kind and _agree(one, other) for other in owned):
            adopted.append(one)
            continue
        spoken = Counter(hit.value for hit in hits if hit.kind in ("state", "adjective", "demonym"))
        spoken.update(
            tables.capitals()[hit.value] for hit in hits if hit.kind == "city" and hit.value in tables.capitals()
        )
        home = reading.article.source.country
        if home and home != one.country:
            spoken[home] += 3
        del spoken[one.country]
        adopted.append(one._replace(owner=spoken.most_common(1)[0][0]) if spoken else one)
    return adopted


def _merge(reading: Reading, found: Sequence[Found]) -> dict[tuple[str, str], list[Found]]:
    """Facilities by kind and owner: those whose hosts do not contradict one another are one.

    Where no mention says the host, it is the city that the article speaks of most outside the owner's own country.
    """
    groups: dict[tuple[str, str], list[Found]] = {}
    for one in found:
        known = groups.setdefault((one.kind, cast("str", one.owner)), [])
        for at, other in enumerate(known):
            if _agree(one, other):
                known[at] = Found(
                    other.start,
                    other.end,
                    other.kind,
                    other.owner,
                    other.city or one.city,
                    other.country or one.country,
                )
                break
        else:
            known.append(one)
    for (_, owner), known in groups.items():
        for at, one in enumerate(known):
            if one.city is None:
                city = _likely_host(reading, owner, one.country)
                country = tables.cities()[city].country if city else one.country
                known[at] = one._replace(city=city, country=country)
    return groups


def _agree(one: Found, other: Found) -> bool:
    if one.city and other.city:
        return one.city == other.city
    return not (one.country and other.country) or one.country == other.country


def _likely_host(reading: Reading, owner: str, country: str | None) -> str | None:
    cities = Counter(
        {
            id_: len(place.mentions) + (2 if tables.cities()[id_].capital else 0)
            for id_, place in reading.places.items()
            if place.kind == "city" and place.country != owner and country in (None, place.country)
        }
    )
    return cities.most_common(1)[0][0] if cities else None


def _add(reading: Reading, found: Sequence[Found], named: dict[tuple[str, str], list[Found]]) -> None:
    spans: dict[str, list[Span]] = {}
    models: dict[str, Facility] = {}
    latest: dict[str, Found] = {}
    for known in named.values():
        for one in known:
            model = _model(one)
            models[model.id] = model
    for one in found:
        if one.owner:
            target = next((other for other in named[one.kind, one.owner] if _agree(one, other)), None)
        else:
            target = _referent(one, latest, named)
        if target is None:
            continue
        latest[one.kind] = latest[""] = target
        id_ = _model(target).id
        reading.mentions.append(Mention(one.start, one.end, "facility", id_))
        spans.setdefault(id_, []).append(reading.span(one.start, one.end))
    for id_, mentions in spans.items():
        model = models[id_]
        reading.facilities[id_] = Facility(
            id=id_,
            kind=model.kind,
            owner=model.owner,
            city=model.city,
            country=model.country,
            lat=model.lat,
            lon=model.lon,
            mentions=tuple(mentions),
        )


def _referent(one: Found, latest: dict[str, Found], named: dict[tuple[str, str], list[Found]]) -> Found | None:
    """Whom "the embassy", "the mission" means: the last of its kind named, else the next; a mission may be any."""
    if one.kind in latest and _agree(one, latest[one.kind]):
        return latest[one.kind]
    same = [other for (kind, _), known in named.items() for other in known if kind == one.kind and _agree(one, other)]
    if same:
        return same[0]
    if one.kind == "mission" and "" in latest:
        return latest[""]
    if one.kind == "mission" and len(named) == 1:
        return next(iter(named.values()))[0]
    return None


def _model(one: Found) -> Facility:
    city = tables.cities().get(one.city or "")
    return Facility(
        id=f"{one.kind}/{one.owner or '-'}/{one.country or '-'}/{city.name if city else '-'}",
        kind=cast("FacilityKind", one.kind),
        owner=one.owner,
        city=city.name if city else None,
        country=one.country,
        lat=city.lat if city else None,
        lon=city.lon if city else None,
    )
