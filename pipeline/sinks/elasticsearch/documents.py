"""Documents of Elasticsearch from what flows, and back from their exact copy in `payload`."""

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from pipeline.enrich.tables import countries
from pipeline.model.alert import Alert, AlertArticle
from pipeline.model.codec import decode, encode
from pipeline.model.dead_letter import DeadLetter
from pipeline.model.document import FIELDS, NESTED, TEXT, FieldType, View, search_document
from pipeline.model.enriched import EnrichedArticle, Facility, Place
from pipeline.model.health import SourceHealth
from pipeline.sinks.elasticsearch.mapping import analyzers, words_of
from pipeline.sinks.embedded_search import time_of

LONGEST_WORD = 255
"""UTF-16 units of a word that the `whitespace` analyzer keeps whole."""

_TEXTS = tuple(field for field in FIELDS.values() if field.kind == "text" and not field.nested)
_NESTED_TEXTS = {
    nested: tuple(field for field in FIELDS.values() if field.kind == "text" and field.nested == nested)
    for nested in NESTED
}


def indexed(word: str) -> str:
    """A folded word as the index has it: a very long one is told apart by its hash."""
    if len(word) <= LONGEST_WORD // 2 or len(word.encode("utf-16-le")) // 2 <= LONGEST_WORD:
        return word
    return word[:64] + hashlib.sha256(word.encode()).hexdigest()


def article_document(article: EnrichedArticle) -> dict[str, Any]:
    """The document of a finished article."""
    document = search_document(article)
    plain: dict[str, Any] = msgspec.to_builtins(document.as_dict())
    _add_words(plain, document, _TEXTS, 0)
    for nested, fields in _NESTED_TEXTS.items():
        for item, view in zip(plain.get(nested, ()), document.items(nested), strict=False):
            _add_words(item, view, fields, len(nested) + 1)
    if article.places:
        plain["places"]["location"] = [_point(place) for place in article.places]
    for item, facility in zip(plain.get("facilities", ()), article.facilities, strict=False):
        if facility.lat is not None and facility.lon is not None:
            item["location"] = _point(facility)
    plain["time"] = msgspec.to_builtins(time_of(article))
    plain["extras"] = _extras(article)
    plain["payload"] = encode(article).decode()
    return plain


def stemmed(article: EnrichedArticle) -> dict[str, str]:
    """The text of an article in the field of its language, for a cluster that has an analyzer of it."""
    code = article.language.code
    if code not in analyzers():
        return {}
    return {code: "\n".join(text for name in TEXT if (text := getattr(article, name)))}


def article_of(document: Mapping[str, Any]) -> EnrichedArticle:
    """The article that a document was made of, to the letter."""
    return decode(document["payload"], EnrichedArticle)


def _add_words(into: dict[str, Any], view: View, fields: Iterable[FieldType], prefix: int) -> None:
    for field in fields:
        if not view.values(field):
            continue
        *path, name = words_of(field.name[prefix:]).split(".")
        target = into
        for step in path:
            target = target[step]
        words = view.text(field).words
        if max(map(len, words), default=0) > LONGEST_WORD // 2:
            words = [indexed(word) for word in words]
        target[name] = " ".join(words)


def _point(where: Place | Facility) -> dict[str, float | None]:
    return {"lat": where.lat, "lon": where.lon}


def _extras(article: EnrichedArticle) -> dict[str, Any]:
    """What is known of an article beyond what queries ask."""
    extras: dict[str, Any] = {
        "language": {"by": article.language.by, "confidence": str(article.language.confidence)},
    }
    if article.raw:
        extras["raw"] = {"sha256": article.raw.sha256, "content_type": article.raw.content_type}
    if article.story and article.story.merged:
        extras["merged"] = list(article.story.merged)
    return extras


def alert_document(alert: Alert) -> dict[str, Any]:
    """The document of an alert after its latest change."""
    times = alert.times
    delays = {
        name: (times.raised - since).total_seconds()
        for name, since in (("published_to_raised", times.published), ("fetched_to_raised", times.fetched))
        if since
    }
    ids = list(dict.fromkeys(actor.id.partition("/")[0] for actor in alert.actors if not _is_person(actor.id)))
    document = {
        "id": alert.id,
        "sequence": alert.sequence,
        "change": alert.change,
        "rule": alert.rule,
        "desk": alert.desk,
        "severity": alert.severity,
        "headline": alert.headline,
        "summary": alert.summary,
        "reliability": alert.reliability,
        "because": [{"condition": reason.condition, "article": reason.article} for reason in alert.because],
        "story": alert.story,
        "origins": alert.origins,
        "article_count": alert.article_count,
        "articles": [_alert_article(article) for article in alert.articles],
        "claims": alert.claims,
        "actors": alert.actors,
        "states": [id_ for id_ in ids if id_ in countries()],
        "organisations": [id_ for id_ in ids if id_ not in countries()],
        "persons": [actor.name for actor in alert.actors if _is_person(actor.id)],
        "countries": list(dict.fromkeys(place.country for place in alert.places)),
        "places": [
            {
                "id": place.id,
                "name": place.name,
                "country": place.country,
                "location": {"lat": place.lat, "lon": place.lon},
            }
            for place in alert.places
        ],
        "times": times,
        "delays": delays,
        "acknowledged": alert.acknowledged,
        "closed": alert.closed,
        "open": is_open(alert),
        "snoozed_until": alert.snoozed_until,
        "named": _named(alert),
        "payload": encode(alert).decode(),
    }
    plain: dict[str, Any] = msgspec.to_builtins(document)
    return plain


def _named(alert: Alert) -> list[str]:
    """Every article that an alert names."""
    shown = (id_ for article in alert.articles for id_ in (article.id, article.duplicate_of) if id_)
    grounds = (reason.article for reason in alert.because)
    said = (claim.article for claim in alert.claims)
    return list(dict.fromkeys([*shown, *grounds, *said]))


def is_open(alert: Alert) -> bool:
    """Whether it is not over: neither resolved nor retracted nor closed."""
    return not alert.closed and alert.change not in ("resolved", "retracted")


def _is_person(actor: str) -> bool:
    return actor.startswith("person/")


def _alert_article(article: AlertArticle) -> dict[str, Any]:
    plain: dict[str, Any] = msgspec.to_builtins(article)
    plain["source"].pop("kind", None)
    return plain


_STANDS_IN_THE_ALERT = ("articles", "because", "claims", "actors")


def change_document(alert: Alert) -> dict[str, Any]:
    """The document of one change of an alert: what is counted of it; all of the alert as it then was, as payload."""
    document = alert_document(alert)
    for name in _STANDS_IN_THE_ALERT:
        del document[name]
    return document


def alert_of(document: Mapping[str, Any]) -> Alert:
    """The alert that a document was made of, to the letter."""
    return decode(document["payload"], Alert)


def dead_letter_document(letter: DeadLetter) -> dict[str, Any]:
    """The document of a message that was refused; its bytes are in the payload alone."""
    plain: dict[str, Any] = msgspec.to_builtins(letter)
    del plain["bytes"]
    return plain | {"payload": encode(letter).decode()}


def dead_letter_of(document: Mapping[str, Any]) -> DeadLetter:
    """The dead letter that a document was made of, to the letter."""
    return decode(document["payload"], DeadLetter)


def health_document(health: SourceHealth) -> dict[str, Any]:
    """The document of a source's health."""
    plain: dict[str, Any] = msgspec.to_builtins(health)
    return plain | {"payload": encode(health).decode()}


def health_of(document: Mapping[str, Any]) -> SourceHealth:
    """The health that a document was made of, to the letter."""
    return decode(document["payload"], SourceHealth)
