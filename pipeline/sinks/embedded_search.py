"""Search in the engine's own file: FTS5 over words and terms, and the predicate of KQL as the last word.

A query is narrowed to a superset by the terms that it cannot hold without; each article left is asked the query itself.
So a search finds exactly what a rule with the same query holds for.
"""

import sqlite3
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import islice
from typing import Any

import msgspec

from pipeline.alerting.conditions import EXISTS, Clause
from pipeline.alerting.kql import Query, parse
from pipeline.model.codec import Time, decode, encode
from pipeline.model.document import FIELDS, TEXT, search_document
from pipeline.model.enriched import EnrichedArticle
from pipeline.model.tokens import Tokens

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
_PARTS = ("events.facility", "events.place")
_Readers = dict[str, list[tuple[str, Callable[[Any], Any]]]]


def _readers() -> dict[str | None, _Readers]:
    """How to read terms: nested list, or None for the article -> part of an item that may be missing, or "" -> fields.

    Most events have neither facility nor place, and then need not be asked for half of their fields.
    """
    found: dict[str | None, _Readers] = {}
    for field in _TERMS:
        part = field.name.rpartition(".")[0]
        part = part.partition(".")[2] if part in _PARTS else ""
        found.setdefault(field.nested, {}).setdefault(part, []).append((field.name, field.read))
    return found


_READ = _readers()
_TERM = "\ue100"
"""Begins a term, and stands between its field and its value."""
_NEVER_IN_WORDS = str.maketrans({mark: chr(0xE000 + ord(mark)) for mark in map(chr, range(128)) if not mark.isalnum()})
_MARKS = [(chr(mark), kept) for mark, kept in _NEVER_IN_WORDS.items() if mark != ord(" ")]
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

SCHEMA = (
    """CREATE TABLE IF NOT EXISTS search_documents (
           document INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, at REAL NOT NULL, value BLOB NOT NULL)""",
    "CREATE INDEX IF NOT EXISTS search_at ON search_documents (at)",
    # Words of the text, folded already, and terms, a field and a value each; the tokenizer only splits at the spaces
    # between them.
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
            (article.id, time_of(article).timestamp(), encode(article)),
        )
        number = cursor.lastrowid
        self._connection.execute("INSERT INTO search_words (rowid, words) VALUES (?, ?)", (number, _words(article)))

    def delete(self, article_id: str) -> None:
        """Takes an article out, if it is there."""
        row = self._connection.execute(
            "SELECT document, value FROM search_documents WHERE id = ?", (article_id,)
        ).fetchone()
        if row is None:
            return
        number, value = row
        words = _words(decode(value, EnrichedArticle))
        self._connection.execute(
            "INSERT INTO search_words (search_words, rowid, words) VALUES ('delete', ?, ?)", (number, words)
        )
        self._connection.execute("DELETE FROM search_documents WHERE document = ?", (number,))

    def rebuild(self) -> None:
        """Makes the index anew from the articles that are there."""
        self._connection.execute("DROP TABLE IF EXISTS search_words")
        self.create()
        for number, value in self._connection.execute("SELECT document, value FROM search_documents"):
            words = _words(decode(value, EnrichedArticle))
            self._connection.execute("INSERT INTO search_words (rowid, words) VALUES (?, ?)", (number, words))

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
            f"""SELECT at, value FROM search_documents WHERE at >= ? AND at < ? {narrowed}
                ORDER BY at DESC, document DESC""",
            (*bounds, *arguments),
        )
        found: list[float] = []
        counts: dict[str, Counter[str]] = {field: Counter() for field in FACETS}
        hits: list[EnrichedArticle] = []
        for at, value in islice(rows, MOST_ASKED):
            article = decode(value, EnrichedArticle)
            document = search_document(article)
            if not asked.matches(document):
                continue
            for name, counted in counts.items():
                counted.update(map(_shown, document.all_values(FIELDS[name])))
            if offset <= len(found) < offset + limit:
                hits.append(article)
            found.append(at)
        step = step_between(min(found), max(found)) if found else 0
        return SearchPage(
            hits=tuple(hits),
            total=len(found),
            complete=next(rows, None) is None,
            facets={name: _most_frequent(counted) for name, counted in counts.items()},
            histogram=bars(Counter(int(at // step) for at in found), step),
            step=step,
        )


def _most_frequent(counted: Counter[str]) -> tuple[Value, ...]:
    ranked = sorted(counted.items(), key=lambda item: (-item[1], item[0]))
    return tuple(Value(value, count) for value, count in ranked[:MOST_VALUES])


def time_of(article: EnrichedArticle) -> datetime:
    """When an article was published, as far as that can be believed: never after it came."""
    came = article.stored or article.fetched
    return min(article.published or came or _EPOCH, came or article.published or _EPOCH)


def _words(article: EnrichedArticle) -> str:
    """What an article is found by: the distinct words of its texts, and its terms."""
    words = " ".join(Tokens(getattr(article, name) for name in TEXT).vocabulary)
    for mark, kept in _MARKS:
        if mark in words:
            words = words.replace(mark, kept)
    return " ".join((words, *_terms(article)))


def _kept(word: str) -> str:
    """A word as the tokenizer of the table keeps it whole."""
    return word if word.isalnum() else word.translate(_NEVER_IN_WORDS)


def _terms(article: EnrichedArticle) -> set[str]:
    found: set[tuple[str, object]] = set()
    for nested, groups in _READ.items():
        for subject in getattr(article, nested) if nested else (article,):
            for part, fields in groups.items():
                if part and getattr(subject, part) is None:
                    continue
                for name, read in fields:
                    value = read(subject)
                    if isinstance(value, tuple):
                        found.update([(name, each) for each in value])
                    else:
                        found.add((name, value))
    kept = [said for said in found if said[1] is not None and said[1] != ""]
    terms = set(map(_terms_met.__getitem__, kept))
    return terms.union(map(_term, {name for name, _ in kept}))


class _Terms(dict[tuple[str, Any], str]):
    """The terms of fields and their values met lately: news repeats them."""

    def __missing__(self, said: tuple[str, Any]) -> str:
        if len(self) >= REMEMBERED:
            self.clear()
        name, value = said
        found = self[said] = _term(name, _shown(value))
        return found


REMEMBERED = 50_000
_terms_met = _Terms()


@lru_cache(maxsize=4096)
def _term(field: str, value: str = "") -> str:
    """A field and its value as one word of the table, which no text has; without a value, that there may be one."""
    return f"{_TERM}{_kept(field)}{_TERM}{_kept(value)}"


def _shown(value: object) -> str:
    return value if isinstance(value, str) else str(value).lower() if isinstance(value, bool) else str(value)


def _narrowed(query: Query) -> tuple[str, list[str]]:
    """SQL that leaves a superset of what the query finds, and its arguments."""
    clauses = [words for words in map(_choices, query.required_terms()) if words]
    if not clauses:
        return "", []
    asked = " AND ".join("(" + " OR ".join(f'"{word}"' for word in sorted(words)) + ")" for words in clauses)
    return "AND document IN (SELECT rowid FROM search_words WHERE search_words MATCH ?)", [asked]


def _choices(clause: Clause) -> set[str]:
    """Words of the table of which a document has one; none where the table does not know."""
    found = set()
    for field, value in clause.terms:
        if not field and value != EXISTS:
            found.add(_kept(value))
        elif field in _TERM_NAMES:
            found.add(_term(field) if value == EXISTS else _term(field, value))
        else:
            return set()
    return found


def step_between(first: float, last: float) -> float:
    """Seconds of the histogram's intervals between two times."""
    return next((s for s in STEPS if (last - first) / s.total_seconds() < BARS), STEPS[-1]).total_seconds()


def bars(counts: Counter[int], step: float) -> tuple[Bar, ...]:
    """The histogram, oldest first, from the number of each interval since 1970 and the articles in it."""
    if not counts:
        return ()
    first, last = min(counts), max(counts)
    return tuple(
        Bar(datetime.fromtimestamp(number * step, UTC), counts[number])
        for number in range(max(first, last - BARS + 1), last + 1)
    )
