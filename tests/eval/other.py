"""Scorers of the public development sets: language, places, events."""

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Callable
from itertools import accumulate
from pathlib import Path
from typing import Any, NamedTuple

from pipeline.model.article import Article
from pipeline.model.enriched import EnrichedArticle
from tests.eval.baseline import alpha3_by_alpha2
from tests.eval.material import article_of, records
from tests.eval.scoring import SAME_LANGUAGE, Tally, tally

Enricher = Callable[[Article], EnrichedArticle]

QUADS = {
    "verbal cooperation": ("AGREE", "CONSULT", "SUPPORT"),
    "material cooperation": ("COOPERATE", "AID", "RETREAT"),
    "verbal conflict": ("REQUEST", "ACCUSE", "REJECT", "THREATEN"),
    "material conflict": ("PROTEST", "SANCTION", "MOBILIZE", "COERCE", "ASSAULT"),
}
QUAD_OF = {kind: quad for quad, kinds in QUADS.items() for kind in kinds}


class Figure(NamedTuple):
    """A figure of a set, what a naive build gets according to the sets' own description, and what went wrong."""

    name: str
    value: float
    naive: str
    errors: list[str]


def languages(folder: Path, name: str, enrich: Enricher) -> list[Figure]:
    """Macro accuracy over languages."""
    asked: Counter[str] = Counter()
    right: Counter[str] = Counter()
    errors = []
    for record in records(folder, name):
        want = _same(record["gold"]["language"])
        read = enrich(article_of(record)).language
        asked[want] += 1
        if _same(read.code) == want:
            right[want] += 1
        else:
            text = record["text"][:100]
            errors.append(f"{record['id']}  {want} read as {read.code} {read.confidence:.2f} by {read.by}: {text}")
    value = sum(right[code] / count for code, count in asked.items()) / len(asked)
    naive = {"language-sentences": "langdetect .675", "language-word-pairs": "langdetect .559"}[name]
    return [Figure(f"{name} macro accuracy", value, naive, errors)]


def _same(code: str) -> str:
    return SAME_LANGUAGE.get(code, code)


def places(folder: Path, name: str, enrich: Enricher) -> list[Figure]:
    """Overlap F1 of mentions, and the share of matched ones with the right country."""
    total, errors = Tally(), []
    countries: list[bool] = []
    alpha3 = alpha3_by_alpha2()
    for record in records(folder, name):
        article = enrich(article_of(record))
        text = record["text"]
        stored, given = _ruler(article.body), _ruler(text)
        read = [
            (stored[span.start], stored[span.end], place)
            for place in article.places
            for span in place.mentions
            if span.field == "body"
        ]
        gold = [(given[each["start"]], given[each["end"]], each) for each in record["gold"]["places"]]
        spare = [pair for pair in read if not any(_overlap(pair, other) for other in gold)]
        missed = [pair for pair in gold if not any(_overlap(pair, other) for other in read)]
        total = total.plus(Tally(len(gold) - len(missed), len(spare), len(missed)))
        for pair in gold:
            country = alpha3.get(pair[2].get("country") or "")
            matched = [other[2].country for other in read if _overlap(pair, other)]
            if country and matched:
                countries.append(country in matched)
                if country not in matched:
                    errors.append(f"{record['id']}  country of {pair[2]['name']}: {country}, read {matched[0]}")
        errors += [f"{record['id']}  missing {_around(text, given, pair)}" for pair in missed]
        errors += [f"{record['id']}  wrong   {_around(text, given, pair)} ({pair[2].name})" for pair in spare]
    naive = {"places-en": ".755", "places-ru": ".28"}[name]
    figures = [Figure(f"{name} overlap F1", total.f1 or 0.0, naive, errors)]
    if countries:
        figures.append(Figure(f"{name} country right", sum(countries) / len(countries), ".92", []))
    return figures


def _ruler(text: str) -> list[int]:
    """For each code point how many letters and digits precede it: the same in a text and in its cleaned form."""
    return [0, *accumulate(map(str.isalnum, text))]


def _overlap(one: tuple[int, int, Any], other: tuple[int, int, Any]) -> bool:
    return one[0] < other[1] and other[0] < one[1]


def _around(text: str, ruler: list[int], pair: tuple[int, int, Any]) -> str:
    start, end = bisect_left(ruler, pair[0] + 1) - 1, bisect_left(ruler, pair[1])
    before, after = text[max(0, start - 40) : start], text[end : end + 40]
    return f"{before}[{text[start:end]}]{after}".replace("\n", " ")


def events(folder: Path, name: str, enrich: Enricher) -> list[Figure]:
    """Macro F1 of the first event's PLOVER type, and of its quad class; F1 of the states that act and are acted on."""
    types: dict[str, Tally] = defaultdict(Tally)
    quads: dict[str, Tally] = defaultdict(Tally)
    actors, errors = Tally(), []
    for record in records(folder, name):
        gold = record["gold"]
        article = enrich(article_of(record))
        read = article.events[0].type if article.events else "none"
        _count(types, read, gold["event"])
        _count(quads, QUAD_OF.get(read, "none"), QUAD_OF.get(gold["event"], "none"))
        codes = {each["code"][:3] for side in ("source", "target") for each in _actors(gold[side]) if each["code"]}
        found = {actor.id[:3] for actor in article.actors if actor.kind in ("state", "organ")}
        actors = actors.plus(tally(frozenset(found), frozenset(codes)))
        if read != gold["event"]:
            what = ", ".join(f"{event.what} {event.type}" for event in article.events) or "nothing"
            errors.append(f"{record['id']}  {gold['event']}, read {what}: {record['text'][:160]}")
    return [
        Figure(f"{name} type macro F1", _macro(types), ".299", errors),
        Figure(f"{name} quad class macro F1", _macro(quads), ".455", []),
        Figure(f"{name} actor codes F1", actors.f1 or 0.0, ".837", []),
    ]


def _actors(side: Any) -> list[dict[str, Any]]:
    """The coded actors of a side; some records have none, or only words."""
    return side if isinstance(side, list) else []


def _count(tallies: dict[str, Tally], read: str, gold: str) -> None:
    if read == gold:
        tallies[gold] = tallies[gold].plus(Tally(right=1))
    else:
        tallies[gold] = tallies[gold].plus(Tally(missed=1))
        tallies[read] = tallies[read].plus(Tally(wrong=1))


def _macro(tallies: dict[str, Tally]) -> float:
    """Mean F1 of the classes that the gold has."""
    classes = [each for each in tallies.values() if each.right + each.missed]
    return sum(each.f1 or 0.0 for each in classes) / len(classes) if classes else 0.0


SETS: dict[str, Callable[[Path, str, Enricher], list[Figure]]] = {
    "language-sentences": languages,
    "language-word-pairs": languages,
    "places-en": places,
    "places-ru": places,
    "events-plover": events,
}
