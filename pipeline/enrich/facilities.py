"""Diplomatic facilities, composed of what they are, whose, and where: in any case, word order and language."""

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple, cast

from pipeline.enrich import composition, tables
from pipeline.enrich.genre import genre
from pipeline.enrich.grammar import grammar, is_ours
from pipeline.enrich.lexicon import Hit
from pipeline.enrich.reading import Mention, Reading
from pipeline.model.enriched import Facility, FacilityKind, Span

KINDS = frozenset(("embassy", "consulate", "residence", "mission", "un-premises"))


OURS = 100
"""What "our embassy" counts for the outlet's own state, in mentions of it."""


EMBASSY_CITY = 300_000
"""Inhabitants of the least city without a capital's rank that has embassies, such as The Hague."""


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
    heads = composition.heads(reading, KINDS, frozenset(["embassy-row"]))
    if not heads:
        return
    names = composition.candidates(reading, hits)
    found = [_find(reading, number, heads, names) for number in range(len(heads))]
    found = [_as_embassy(one, found) for one in _adopt(reading, found, hits)]
    named = _merge(reading, [one for one in found if one.owner])
    _add(reading, found, named)


def _find(reading: Reading, number: int, heads: Sequence[Hit], names: Sequence[Hit]) -> Found:
    head = heads[number]
    tied = composition.tie(reading, number, heads, names)
    start, end = head.start, head.end
    if tied.named:
        start, end = min(start, tied.named.start), max(end, tied.named.end)
    owner = "UN" if head.value == "un-premises" else tied.owner
    if grammar(reading.language).locative and is_ours(reading, head.start, head.end):
        owner = reading.article.source.country or owner
    if head.value == "embassy" and _is_lesser(tied.city):
        return Found(start, end, head.value, owner, None, None)
    return Found(start, end, head.value, owner, tied.city, tied.country)


def _is_lesser(city: str | None) -> bool:
    """A town too small for embassies: the quarter of a capital, or its namesake."""
    place = tables.cities().get(city or "")
    return place is not None and not place.capital and place.population < EMBASSY_CITY


def _adopt(reading: Reading, found: list[Found], hits: Sequence[Hit]) -> list[Found]:
    """Gives "our embassy in Baghdad", which no owner stands beside, to the state that the article speaks of most.

    The outlet's own state is preferred; a facility named with its owner that stands there goes before.
    """
    owned = [one for one in found if one.owner]
    adopted = []
    for one in found:
        known = any(one.kind in (other.kind, "mission") and _agree(one, other) for other in owned)
        if one.owner or not one.country or known:
            adopted.append(one)
            continue
        spoken = Counter(hit.value for hit in hits if hit.kind in ("state", "adjective", "demonym"))
        spoken.update(
            tables.capitals()[hit.value] for hit in hits if hit.kind == "city" and hit.value in tables.capitals()
        )
        home = reading.article.source.country
        if home and home != one.country and genre(reading).kind == "news":
            spoken[home] += OURS if is_ours(reading, one.start, one.end) else 1
        del spoken[one.country]
        adopted.append(one._replace(owner=spoken.most_common(1)[0][0]) if spoken else one)
    return adopted


def _as_embassy(one: Found, found: Sequence[Found]) -> Found:
    """A state's "diplomatic mission" is its embassy or consulate where the text has one in the same place."""
    if one.kind != "mission" or not one.owner:
        return one
    same = [other for other in found if other.kind in ("embassy", "consulate") and other.owner == one.owner]
    return one._replace(kind=same[0].kind) if same and _agree(one, same[0]) else one


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
    for (kind, owner), known in groups.items():
        for at, one in enumerate(known):
            if one.city is None:
                city = _likely_host(reading, kind, owner, one.country)
                country = tables.cities()[city].country if city else one.country
                known[at] = one._replace(city=city, country=country)
    return groups


def _agree(one: Found, other: Found) -> bool:
    if one.city and other.city:
        return one.city == other.city
    return not (one.country and other.country) or one.country == other.country


def _likely_host(reading: Reading, kind: str, owner: str, country: str | None) -> str | None:
    """The city that the article speaks of most; embassies stand in capitals."""
    cities = Counter(
        {
            id_: len(place.mentions) + (2 if tables.cities()[id_].capital else 0)
            for id_, place in reading.places.items()
            if place.kind == "city"
            and place.country != owner
            and country in (None, place.country)
            and (kind != "embassy" or tables.cities()[id_].capital)
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
