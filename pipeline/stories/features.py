"""What of an article can be compared with another: features hashed to integers, small enough to be kept for weeks."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import combinations
from typing import NamedTuple
from zlib import crc32

from pipeline.alerting.wording import has_phrase
from pipeline.enrich.tables import capitals
from pipeline.model.enriched import EnrichedArticle, Span
from pipeline.stories.facts import facts, main_states
from pipeline.stories.kinds import LIMITS, Kind, feature
from pipeline.stories.latin import skeleton
from pipeline.stories.numbers import Number, numbers
from pipeline.stories.texts import UNSPACED, Names, counted, names, sketch, tokens

ORDER = 20
"""States, cities, persons and numbers that are kept in order."""
LEAD = 4_000
"""Characters of a body whose words, names and numbers are compared: what follows is mostly background."""
ASIDE = frozenset({"past", "hypothetical", "threatened"})
"""Statuses of events that an article only mentions."""


class Traits(NamedTuple):
    """An article reduced to what is compared."""

    features: tuple[int, ...]
    """Without words; the most telling of each kind."""
    perhaps: tuple[int, ...]
    """Names that may be ordinary words: they open a sentence, or stand in a script without capitals."""
    words: Mapping[int, int]
    """Every word, with how often it is used."""
    sketch: tuple[int, ...]
    """The smallest hashes of three words in a row, ascending: a sample that two copies share."""
    order: tuple[int, ...]
    """16-bit hashes of states, cities, persons and numbers as they follow one another."""
    gist: int
    """Hash of the title's words and of `order`: where it is the same, an edit has changed no more than wording."""
    names: Mapping[str, str]
    """Every word that may be a name, and its consonants."""


def traits(article: EnrichedArticle) -> Traits:
    """Everything that is compared, read once."""
    unspaced = article.language.code in UNSPACED
    title, body = article.title, _lead(article.body or article.summary)
    text = f"{title}\n{body}"
    title_tokens, body_tokens = tokens(title, unspaced=unspaced), tokens(body, unspaced=unspaced)
    said = numbers(text, article.language.code, {*title_tokens, *body_tokens})
    named = names(text)
    order = _order(article, [number for number in said if number.start > len(title)])
    return Traits(
        features=tuple(_features(article, named, said)),
        perhaps=tuple(feature(Kind.NAME, part) for part in (*named.opening, *named.uncased)),
        words=counted(body_tokens, title_tokens, unspaced=unspaced),
        sketch=sketch(body_tokens or title_tokens),
        order=order,
        gist=crc32(repr((title_tokens, order)).encode("utf-8", "surrogatepass")),
        names=named.written,
    )


def _lead(body: str) -> str:
    if len(body) <= LEAD:
        return body
    end = body.rfind(" ", 0, LEAD)
    return body[: end if end > 0 else LEAD]


def _features(article: EnrichedArticle, named: Names, said: list[Number]) -> Iterator[int]:
    found: dict[Kind, dict[int, int]] = {kind: {} for kind in LIMITS}
    main = main_states(article)

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
    for number in said:
        add(Kind.FIGURE if number.value > 99 else Kind.NUMBER, str(number.value))
    for name, times in named.inside.items():
        add(Kind.NAME, name, times)
    for kind, times_said in found.items():
        yield from sorted(times_said, key=times_said.__getitem__, reverse=True)[: LIMITS[kind]]


def _name_key(name: str) -> str:
    """The last two parts of a name, so that a patronymic or an initial does not matter."""
    return " ".join([part for part in skeleton(name).split(" ") if part][-2:])


def _order(article: EnrichedArticle, said: list[Number]) -> tuple[int, ...]:
    """States, cities, persons and numbers of the body as they follow one another, the same one twice in a row once."""
    before = len(article.title) + 1
    marks = sorted([*_marks(article), *((number.start - before, str(number.value)) for number in said)])
    hashes = [crc32(mark.encode("utf-8", "surrogatepass")) & 0xFFFF for _, mark in marks]
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
