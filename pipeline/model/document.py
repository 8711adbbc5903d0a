"""The search document: what rules and searches see of a finished article.

`FIELDS` is the one list of what can be asked. A `Document` answers for one article, reading a field when it is first
asked for; `Document.as_dict` is the same as plain data, for Elasticsearch and for whoever wants to look at it.
"""

from collections.abc import Callable, Iterable, Mapping
from operator import attrgetter
from typing import Any, Literal, NamedTuple

from pipeline.model.enriched import Actor, Claim, EnrichedArticle, Event, Facility, Field, Span
from pipeline.model.tokens import Tokens

Kind = Literal["keyword", "text", "number", "date", "boolean"]
Subject = Any
"""What a field is read from: the article, or one item of a nested list."""
Where = Callable[[EnrichedArticle, Subject, Any], Span | None]

TEXT: tuple[Field, ...] = ("title", "summary", "body")
"""Where free text looks."""

HAPPENED = ("reported", "claimed")
"""Statuses of events that count as having happened."""


class FieldType(NamedTuple):
    """A field that can be asked for."""

    name: str
    kind: Kind
    nested: str | None
    """The nested list whose items have it."""
    read: Callable[[Subject], Any]
    """From the article or item to a value, a tuple of values, or None."""
    where: Where | None
    """The words that gave a value; None where no words did."""


def _within(mentions: Iterable[Span], span: Span) -> Span | None:
    """The first mention inside a span, else the span."""
    for mention in mentions:
        if mention.field == span.field and span.start <= mention.start and mention.end <= span.end:
            return mention
    return span


def _trigger(_: EnrichedArticle, event: Event, __: Any) -> Span | None:
    return event.words[0] if event.words else event.span


def _event_span(_: EnrichedArticle, event: Event, __: Any) -> Span | None:
    return event.span


def _event_facility(article: EnrichedArticle, event: Event, _: Any) -> Span | None:
    wanted = event.facility.id if event.facility else None
    return _within((m for f in article.facilities if f.id == wanted for m in f.mentions), event.span)


def _event_place(article: EnrichedArticle, event: Event, _: Any) -> Span | None:
    wanted = event.place.id if event.place else None
    return _within((m for p in article.places if p.id == wanted for m in p.mentions), event.span)


def _event_actor(article: EnrichedArticle, event: Event, actor: str) -> Span | None:
    return _within((m for a in article.actors if a.id == actor for m in a.mentions), event.span)


def _claim_span(_: EnrichedArticle, claim: Claim, __: Any) -> Span | None:
    return claim.span


def _mention(_: EnrichedArticle, item: Actor | Facility, __: Any) -> Span | None:
    return item.mentions[0] if item.mentions else None


def _first(spans: Iterable[Span]) -> Span | None:
    return next(iter(spans), None)


def _states(article: EnrichedArticle) -> tuple[str, ...]:
    """An organ counts as its state."""
    return _unique(a.id.partition("/")[0] for a in article.actors if a.kind in ("state", "organ"))


def _unique(values: Iterable[str | None]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(value for value in values if value))


def _states_where(article: EnrichedArticle, _: Any, state: str) -> Span | None:
    return _first(
        m
        for a in article.actors
        if a.kind in ("state", "organ") and a.id.partition("/")[0] == state
        for m in a.mentions
    )


def _actor_where(article: EnrichedArticle, _: Any, value: str) -> Span | None:
    return _first(m for a in article.actors if value in (a.id, a.name) for m in a.mentions)


def _place_where(article: EnrichedArticle, _: Any, value: str) -> Span | None:
    return _first(m for p in article.places if value in (p.id, p.name, p.country, p.kind) for m in p.mentions)


def _owner_where(article: EnrichedArticle, _: Any, owner: str) -> Span | None:
    return _first(m for f in article.facilities if f.owner == owner for m in f.mentions)


def _theme_where(article: EnrichedArticle, _: Any, theme: str) -> Span | None:
    return _first(m for t in article.themes if t.id == theme for m in t.mentions)


def _happening_where(article: EnrichedArticle, _: Any, what: str) -> Span | None:
    return _first(e.words[0] if e.words else e.span for e in article.events if e.what == what and e.status in HAPPENED)


def _speaker_where(article: EnrichedArticle, _: Any, speaker: str) -> Span | None:
    return _first(c.span for c in article.claims if (c.speaker.actor or c.speaker.text) == speaker)


def _withdrawal_where(article: EnrichedArticle, _: Any, __: Any) -> Span | None:
    return article.withdraws


def _path(path: str) -> Callable[[Subject], Any]:
    """Reads `a.b` of a subject; None as soon as one step is missing."""
    if "." not in path:
        return attrgetter(path)
    steps = path.split(".")

    def read(subject: Subject) -> Any:
        for step in steps:
            subject = getattr(subject, step, None)
            if subject is None:
                return None
        return subject

    return read


def _all(items: str, path: str) -> Callable[[EnrichedArticle], tuple[Any, ...]]:
    """Reads `path` of every item of a list, each value once."""
    read = _path(path)
    return lambda article: tuple(dict.fromkeys(read(item) for item in getattr(article, items)))


def _flat(kind: Kind, *names: str, where: Where | None = None) -> list[FieldType]:
    return [FieldType(name, kind, None, _path(name), where) for name in names]


def _nested(items: str, kind: Kind, *paths: str, where: Where) -> list[FieldType]:
    return [FieldType(f"{items}.{path}", kind, items, _path(path), where) for path in paths]


def _made(name: str, read: Callable[[EnrichedArticle], Any], where: Where | None, kind: Kind = "keyword") -> FieldType:
    return FieldType(name, kind, None, read, where)


_SOURCE = ("id", "name", "kind", "country", "owner", "affiliation", "reliability")
_PLACE = ("id", "name", "country", "kind")
_FACILITY = ("id", "kind", "owner", "city", "country")

FIELDS: Mapping[str, FieldType] = {
    field.name: field
    for field in [
        *_flat("text", *TEXT),
        *_flat("keyword", "id", "url", "revision", "published_origin", "edited", "ruleset", "authors", "rules"),
        *_flat("keyword", *(f"source.{name}" for name in _SOURCE)),
        *_flat("keyword", "story.id", "story.origin", "story.duplicate_of"),
        *_flat("date", "published", "fetched", "stored"),
        *_flat("number", "version", "raw.size"),
        *_flat("boolean", "truncated"),
        _made("withdraws", lambda a: a.withdraws is not None, _withdrawal_where, "boolean"),
        _made("language", lambda a: a.language.code, None),
        _made("language.code", lambda a: a.language.code, None),
        _made("states", _states, _states_where),
        _made(
            "organisations",
            lambda a: _unique(x.id for x in a.actors if x.kind in ("organisation", "group")),
            _actor_where,
        ),
        _made("persons", lambda a: _unique(x.name for x in a.actors if x.kind == "person"), _actor_where),
        _made("cities", lambda a: _unique(p.name for p in a.places if p.kind == "city"), _place_where),
        _made("countries", lambda a: _unique(p.country for p in a.places), _place_where),
        _made("facility_owners", lambda a: _unique(f.owner for f in a.facilities), _owner_where),
        _made("happenings", lambda a: _unique(e.what for e in a.events if e.status in HAPPENED), _happening_where),
        _made("themes", lambda a: _unique(t.id for t in a.themes), _theme_where),
        _made("speakers", lambda a: _unique(c.speaker.actor or c.speaker.text for c in a.claims), _speaker_where),
        *[_made(f"places.{name}", _all("places", name), _place_where) for name in _PLACE],
        *[_made(f"places.{name}", _all("places", name), None, "number") for name in ("lat", "lon")],
        *_nested("events", "keyword", "what", "type", "mode", "context", where=_trigger),
        *_nested("events", "keyword", "status", where=_event_span),
        *_nested("events", "keyword", "source", "target", where=_event_actor),
        *_nested("events", "keyword", *(f"facility.{name}" for name in _FACILITY), where=_event_facility),
        *_nested("events", "keyword", *(f"place.{name}" for name in _PLACE), where=_event_place),
        *_nested("events", "text", "when", where=_event_span),
        *_nested("claims", "text", "about", "speaker.text", where=_claim_span),
        *_nested("claims", "keyword", "speaker.actor", "speaker.role", "stance", "event", where=_claim_span),
        *_nested("claims", "boolean", "speaker.anonymous", "quoted", where=_claim_span),
        *_nested("actors", "keyword", "id", "kind", "name", "roles", where=_mention),
        *_nested("facilities", "keyword", *_FACILITY, where=_mention),
        *_nested("facilities", "number", "lat", "lon", where=_mention),
    ]
}
"""Every field that a query may name, by its full dotted name."""

NESTED = tuple(dict.fromkeys(field.nested for field in FIELDS.values() if field.nested))
"""Lists of which a query asks conditions of one and the same item: `events: { … }`."""


class View:
    """Fields of one subject, each read once."""

    __slots__ = (
        "_texts",
        "_values",
        "_where",
        "article",
        "subject",
    )

    def __init__(self, article: EnrichedArticle, subject: Subject) -> None:
        self.article = article
        self.subject = subject
        self._values: dict[str, tuple[Any, ...]] = {}
        self._where: dict[tuple[str, Any], Span | None] = {}
        self._texts: dict[str, Tokens] = {}

    def values(self, field: FieldType) -> tuple[Any, ...]:
        """The values of a field; empty where it is missing. An empty string counts as missing."""
        found = self._values.get(field.name)
        if found is None:
            value = field.read(self.subject)
            items = value if isinstance(value, tuple) else (value,)
            found = self._values[field.name] = tuple(item for item in items if item is not None and item != "")
        return found

    def text(self, field: FieldType) -> Tokens:
        """The words of a text field."""
        found = self._texts.get(field.name)
        if found is None:
            found = self._texts[field.name] = Tokens(self.values(field))
        return found

    def where(self, field: FieldType, value: Any) -> Span | None:
        """The words of the article that gave the field this value; None where no words did."""
        if field.where is None:
            return None
        key = field.name, value
        if key not in self._where:
            self._where[key] = field.where(self.article, self.subject, value)
        return self._where[key]

    def text_span(self, field: FieldType, at: int, length: int) -> Span | None:
        """Where some tokens of a text field stand, counted as in `text`.

        In a nested text field, whose places in the article nobody kept, the item's own span stands for all.
        """
        if field.nested:
            return self.where(field, None)
        text = self.text(field)
        start, end = text.place(at)
        if length > 1:
            end = text.place(at + length - 1)[1]
        return Span(field=field.name, start=start, end=end)  # type: ignore[arg-type]


class Document(View):
    """The search document of one article."""

    __slots__ = ("_items",)

    def __init__(self, article: EnrichedArticle) -> None:
        super().__init__(article, article)
        self._items: dict[str, list[View]] = {}

    def items(self, nested: str) -> list[View]:
        """The items of a nested list."""
        found = self._items.get(nested)
        if found is None:
            found = self._items[nested] = [View(self.article, item) for item in getattr(self.article, nested)]
        return found

    def all_values(self, field: FieldType) -> tuple[Any, ...]:
        """The values of a field, over all items where it is nested."""
        if field.nested is None:
            return self.values(field)
        return tuple(value for item in self.items(field.nested) for value in item.values(field))

    def as_dict(self) -> dict[str, Any]:
        """The document as plain data: nested lists under their names, missing fields left out."""
        plain: dict[str, Any] = {}
        for nested in NESTED:
            fields = [field for field in FIELDS.values() if field.nested == nested]
            if items := [_plain(item, fields, len(nested) + 1) for item in self.items(nested)]:
                plain[nested] = items
        return plain | _plain(self, [field for field in FIELDS.values() if not field.nested], 0)


def _plain(view: View, fields: Iterable[FieldType], prefix: int) -> dict[str, Any]:
    """Dotted names become objects; a second name of one value (`language.code`) is left out."""
    plain: dict[str, Any] = {}
    for field in fields:
        values = view.values(field)
        if not values or field.name.rpartition(".")[0] in FIELDS:
            continue
        *path, name = field.name[prefix:].split(".")
        target = plain
        for step in path:
            target = target.setdefault(step, {})
        target[name] = list(values) if isinstance(field.read(view.subject), tuple) else values[0]
    return plain


def search_document(article: EnrichedArticle) -> Document:
    """What rules and searches see of an article."""
    return Document(article)
