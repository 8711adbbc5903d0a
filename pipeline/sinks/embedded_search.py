"""Search in the engine's own file: FTS5 over words, a table of terms, and the predicate of KQL as the last word.

A query is narrowed to a superset by the terms that it cannot hold without; each article left is asked the query itself.
So a search finds exactly what a rule with the same query holds for.
"""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import chain, islice

import msgspec

from pipeline.alerting.conditions import EXISTS, Clause
from pipeline.alerting.kql import Query, parse
from pipeline.model.codec import Time, decode, encode
from pipeline.model.document import FIELDS, TEXT, Document, search_document
from pipeline.model.enriched import EnrichedArticle

FACETS = ("states", "happenings", "cities", "themes", "language", "source.name", "rules")
MOST_VALUES = 12
"""Values of a facet that are shown."""
MOST_ASKED = 20_000
"""Articles that are asked a query, newest first; older ones are left out, and the page says so."""
BARS = 40
"""Bars of the histogram, at most."""
STEPS = tuple(timedelta(hours=hours) for hours in (1, 3, 6, 12, 24, 24 * 7, 24 * 30, 24 * 365))

_TERMS = tuple(field for field in FIELDS.values() if field.kind in ("keyword", "boolean"))
_TERM_NAMES = frozenset(field.name for field in _TERMS)
_NEVER_IN_WORDS = str.maketrans({mark: chr(0xE000 + ord(mark)) for mark in map(chr, range(128)) if not mark.isalnum()})
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

SCHEMA = (
    """CREATE TABLE IF NOT EXISTS search_documents (
           document INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, at REAL NOT NULL, value BLOB NOT NULL)""",
    "CREATE INDEX IF NOT EXISTS search_at ON search_documents (at)",
    """CREATE TABLE IF NOT EXISTS search_terms (
           field TEXT NOT NULL, value TEXT NOT NULL, document INTEGER NOT NULL,
           PRIMARY KEY (field, value, document)) WITHOUT ROWID""",
    # The words are folded already; this tokenizer only splits at the spaces between them.
    "CREATE VIRTUAL TABLE IF NOT EXISTS search_words USING fts5(words, content='', detail=none, tokenize='ascii')",
)


class Bar(msgspec.Struct, frozen=True):
    """Articles of one interval of the histogram."""

    start: Time
    count: int


class Value(msgspec.Struct, frozen=True):
    """A value of a facet and the articles that have it."""

    value: str
    count: int


class SearchPage(msgspec.Struct, frozen=True, kw_only=True):
    """What a query found."""

    hits: tuple[EnrichedArticle, ...]
    """Newest first, by the time they were published, or came where that is unknown or in the future."""
    total: int
    complete: bool = True
    """False where only the newest MOST_ASKED articles could be asked."""
    facets: dict[str, tuple[Value, ...]] = {}
    """Of the whole result, most frequent first."""
    histogram: tuple[Bar, ...] = ()
    """Of the whole result, by the same time; intervals without articles too."""
    step: float = 0
    """Seconds of an interval."""


class EmbeddedSearch:
    """Indexes finished articles and answers queries, within the transaction of its connection."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def create(self) -> None:
        """Makes the tables where they are missing."""
        for statement in SCHEMA:
            self._connection.execute(statement)

    def index(self, article: EnrichedArticle) -> None:
        """Adds an article, in place of its older revision."""
        self.delete(article.id)
        cursor = self._connection.execute(
            "INSERT INTO search_documents (id, at, value) VALUES (?, ?, ?)",
            (article.id, _time(article).timestamp(), encode(article)),
        )
        number = cursor.lastrowid
        document = search_document(article)
        self._connection.execute("INSERT INTO search_words (rowid, words) VALUES (?, ?)", (number, _words(document)))
        self._connection.executemany(
            "INSERT INTO search_terms VALUES (?, ?, ?)",
            [(field, value, number) for field, value in sorted(_terms(document))],
        )

    def delete(self, article_id: str) -> None:
        """Takes an article out, if it is there."""
        row = self._connection.execute(
            "SELECT document, value FROM search_documents WHERE id = ?", (article_id,)
        ).fetchone()
        if row is None:
            return
        number, value = row
        document = search_document(decode(value, EnrichedArticle))
        self._connection.execute(
            "INSERT INTO search_words (search_words, rowid, words) VALUES ('delete', ?, ?)", (number, _words(document))
        )
        self._connection.executemany(
            "DELETE FROM search_terms WHERE field = ? AND value = ? AND document = ?",
            [(field, term, number) for field, term in _terms(document)],
        )
        self._connection.execute("DELETE FROM search_documents WHERE document = ?", (number,))

    def compact(self) -> None:
        """Writes the index of words anew, without a trace of what has been deleted."""
        self._connection.execute("INSERT INTO search_words (search_words) VALUES ('optimize')")

    def search(
        self,
        query: str,
        *,
        limit: int = 20,
        offset: int = 0,
        since: datetime | None = None,
        until: datetime | None = None,
        now: datetime | None = None,
    ) -> SearchPage:
        """The articles a KQL query finds, published from `since` to before `until`; an empty query finds all.

        Raises:
            KqlError: the query cannot be read; the message says where and what to write.
        """
        asked = parse(query, now or datetime.now(UTC))
        narrowed, arguments = _narrowed(asked)
        bounds = (since.timestamp() if since else float("-inf"), until.timestamp() if until else float("inf"))
        rows = self._connection.execute(
            f"""SELECT document, at, value FROM search_documents WHERE at >= ? AND at < ? {narrowed}
                ORDER BY at DESC, document DESC""",
            (*bounds, *arguments),
        )
        found: list[tuple[int, float]] = []
        hits: list[EnrichedArticle] = []
        for number, at, value in islice(rows, MOST_ASKED):
            article = decode(value, EnrichedArticle)
            if not asked.matches(search_document(article)):
                continue
            if offset <= len(found) < offset + limit:
                hits.append(article)
            found.append((number, at))
        step, bars = _histogram([at for _, at in found])
        return SearchPage(
            hits=tuple(hits),
            total=len(found),
            complete=next(rows, None) is None,
            facets=self._facets([number for number, _ in found]),
            histogram=bars,
            step=step,
        )

    def _facets(self, documents: Sequence[int]) -> dict[str, tuple[Value, ...]]:
        wanted = encode(documents).decode()
        return {
            field: tuple(
                Value(value, count)
                for value, count in self._connection.execute(
                    """SELECT value, COUNT(*) AS count FROM search_terms
                       WHERE field = ? AND document IN (SELECT value FROM json_each(?))
                       GROUP BY value ORDER BY count DESC, value LIMIT ?""",
                    (field, wanted, MOST_VALUES),
                )
            )
            for field in FACETS
        }


def _time(article: EnrichedArticle) -> datetime:
    """When an article was published, as far as that can be believed: never after it came."""
    came = article.stored or article.fetched
    return min(article.published or came or _EPOCH, came or article.published or _EPOCH)


def _words(document: Document) -> str:
    """The distinct words of title, summary and body, as the tokenizer of the table keeps them whole."""
    found = dict.fromkeys(chain.from_iterable(document.text(FIELDS[name]).words for name in TEXT))
    return " ".join(_kept(word) for word in found)


def _kept(word: str) -> str:
    return word if word.isalnum() else word.translate(_NEVER_IN_WORDS)


def _terms(document: Document) -> set[tuple[str, str]]:
    return {(field.name, _shown(value)) for field in _TERMS for value in document.all_values(field)}


def _shown(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _narrowed(query: Query) -> tuple[str, list[str]]:
    """SQL that leaves a superset of what the query finds, and its arguments."""
    parts: list[str] = []
    arguments: list[str] = []
    for clause in query.required_terms():
        choices = list(_choices(clause))
        if not choices or any(choice is None for choice in choices):
            continue
        parts.append("AND document IN (" + " UNION ".join(sql for sql, _ in filter(None, choices)) + ")")
        arguments += chain.from_iterable(given for _, given in filter(None, choices))
    return " ".join(parts), arguments


def _choices(clause: Clause) -> Iterator[tuple[str, tuple[str, ...]] | None]:
    """How to find the documents that have a term; None where the tables do not know."""
    words = [_kept(term.value) for term in clause.terms if not term.field and term.value != EXISTS]
    if words:
        asked = " OR ".join(f'"{word}"' for word in sorted(words))
        yield "SELECT rowid FROM search_words WHERE search_words MATCH ?", (asked,)
    for field, value in sorted(clause.terms):
        if not field and value != EXISTS:
            continue
        if field not in _TERM_NAMES:
            yield None
        elif value == EXISTS:
            yield "SELECT document FROM search_terms WHERE field = ?", (field,)
        else:
            yield "SELECT document FROM search_terms WHERE field = ? AND value = ?", (field, value)


def _histogram(times: Iterable[float]) -> tuple[float, tuple[Bar, ...]]:
    """Seconds of an interval and the bars, oldest first."""
    moments = sorted(times)
    if not moments:
        return 0, ()
    step = next((s for s in STEPS if (moments[-1] - moments[0]) / s.total_seconds() < BARS), STEPS[-1]).total_seconds()
    first, last = int(moments[0] // step), int(moments[-1] // step)
    counts = dict.fromkeys(range(max(first, last - BARS + 1), last + 1), 0)
    for moment in moments:
        if (number := int(moment // step)) in counts:
            counts[number] += 1
    return step, tuple(Bar(datetime.fromtimestamp(number * step, UTC), count) for number, count in counts.items())
