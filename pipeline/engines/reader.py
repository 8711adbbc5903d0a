"""The read side of a file: alerts, articles, stories, search and the log, while another thread or process writes."""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from pipeline.engines import dead_letters
from pipeline.engines.copying import backup
from pipeline.engines.errors import StoreError, explained
from pipeline.engines.records import Counts, Record
from pipeline.engines.schema import VERSION, checked_version
from pipeline.engines.store import Store, moment
from pipeline.model.alert import Alert
from pipeline.model.codec import decode
from pipeline.model.dead_letter import DeadLetter
from pipeline.model.enriched import EnrichedArticle
from pipeline.model.health import SourceHealth
from pipeline.model.story import Story
from pipeline.sinks.embedded_search import EmbeddedSearch, SearchPage
from pipeline.topics import ALERTS, ARTICLES, DEAD_LETTERS, ENRICHED, RAW


class Reader:
    """Reads a file that this or another process writes; usable from any thread, each with its own connection.

    Args:
        source: path of the file, or the store itself where it lives in memory.

    Raises:
        StoreError: there is no such file, or it cannot be read; the message says what to do.
    """

    def __init__(self, source: Path | str | Store) -> None:
        self._store = source if isinstance(source, Store) else None
        self._path = source.path if isinstance(source, Store) else source
        self._mine = threading.local()
        self._opened: list[sqlite3.Connection] = []
        with self._reading():
            pass

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        if self._store:
            with self._store.reading() as connection:
                yield connection
            return
        try:
            yield self._connection()
        except sqlite3.Error as error:
            raise explained(error, self._path) from error

    def _connection(self) -> sqlite3.Connection:
        connection: sqlite3.Connection | None = getattr(self._mine, "connection", None)
        if connection is None:
            connection = self._mine.connection = _opened(Path(self._path))
            self._opened.append(connection)
        return connection

    def alerts(
        self, *, desk: str | None = None, rule: str | None = None, open_only: bool = False, limit: int = 100
    ) -> list[Alert]:
        """The latest state of each alert, the one that changed last first."""
        with self._reading() as connection:
            rows = connection.execute(
                """SELECT value FROM alerts WHERE (?1 IS NULL OR desk = ?1) AND (?2 IS NULL OR rule = ?2)
                   AND (open OR NOT ?3) ORDER BY seq DESC LIMIT ?4""",
                (desk, rule, open_only, limit),
            ).fetchall()
        return [decode(value, Alert) for (value,) in rows]

    def alert(self, id: str) -> Alert | None:  # noqa: A002
        """An alert as it is now."""
        with self._reading() as connection:
            row = connection.execute("SELECT value FROM alerts WHERE id = ?", (id,)).fetchone()
        return decode(row[0], Alert) if row else None

    def alert_history(self, id: str) -> list[Alert]:  # noqa: A002
        """Every state of an alert that is still in the log, oldest first."""
        with self._reading() as connection:
            rows = connection.execute(
                f"SELECT value FROM log WHERE topic = '{ALERTS}' AND key = ? ORDER BY seq", (id,)
            ).fetchall()
        return [decode(value, Alert) for (value,) in rows]

    def article(self, id: str) -> EnrichedArticle | None:  # noqa: A002
        """The latest revision of a finished article."""
        with self._reading() as connection:
            row = connection.execute(
                "SELECT value FROM log WHERE seq = (SELECT seq FROM articles WHERE id = ?)", (id,)
            ).fetchone()
        return decode(row[0], EnrichedArticle) if row else None

    def story(self, id: str) -> Story | None:  # noqa: A002
        """A story by its id, or by the id of one that it has taken in."""
        with self._reading() as connection:
            merged = connection.execute("SELECT into_story FROM merges WHERE story = ?", (id,)).fetchone()
            current = merged[0] if merged else id
            rows = connection.execute(
                "SELECT id, at, arrived, origin FROM articles WHERE story = ? ORDER BY first", (current,)
            ).fetchall()
        first = self.article(rows[0][0]) if rows else None
        if first is None:
            return None
        return Story(
            id=current,
            title=first.title,
            first=moment(min(arrived for _, _, arrived, _ in rows)),
            last=moment(max(at for _, at, _, _ in rows)),
            articles=tuple(article for article, _, _, _ in rows),
            origins=len({origin for _, _, _, origin in rows}),
        )

    def search(
        self,
        query: str,
        *,
        limit: int = 20,
        offset: int = 0,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> SearchPage:
        """The articles that a KQL query finds.

        Raises:
            KqlError: the query is none; with line and column.
        """
        with self._reading() as connection:
            return EmbeddedSearch(connection).search(query, limit=limit, offset=offset, since=since, until=until)

    def tail(self, topic: str, after: int, limit: int = 500) -> list[Record]:
        """Records after a place in the file (0: from the beginning), oldest first; `topic` may hold * ("alerts.*")."""
        found: list[Record] = []
        with self._reading() as connection:
            for (name,) in connection.execute("SELECT topic FROM topics WHERE topic GLOB ?", (topic,)).fetchall():
                rows = connection.execute(
                    "SELECT seq, topic, key, value, at FROM log WHERE topic = ? AND seq > ? ORDER BY seq LIMIT ?",
                    (name, after, limit),
                )
                found += [Record(seq, name, key, value, moment(at)) for seq, name, key, value, at in rows]
        return sorted(found)[:limit]

    def head(self, topic: str) -> int:
        """Place of the last record of a topic, which may hold *; 0 where there is none."""
        last = 0
        with self._reading() as connection:
            for (name,) in connection.execute("SELECT topic FROM topics WHERE topic GLOB ?", (topic,)).fetchall():
                newest = "SELECT seq FROM log WHERE topic = ? ORDER BY seq DESC LIMIT 1"
                for (seq,) in connection.execute(newest, (name,)):
                    last = max(last, seq)
        return last

    def dead_letters(self, limit: int = 100) -> list[tuple[int, DeadLetter]]:
        """Dead letters with their ids, newest first."""
        with self._reading() as connection:
            return dead_letters.listed(connection, limit)

    def sources(self) -> list[SourceHealth]:
        """The latest word on every source, by id."""
        with self._reading() as connection:
            rows = connection.execute("SELECT value FROM health ORDER BY source").fetchall()
        return [decode(value, SourceHealth) for (value,) in rows]

    def counts(self) -> Counts:
        """How far the work is."""
        with self._reading() as connection:
            heads = dict(connection.execute("SELECT topic, head FROM topics"))
            inputs = connection.execute("SELECT stage, input, offset FROM stages").fetchall()
            alerts, still_open = connection.execute("SELECT COUNT(*), COALESCE(SUM(open), 0) FROM alerts").fetchone()
            letters = connection.execute("SELECT COUNT(*) FROM log WHERE topic = ?", (DEAD_LETTERS,)).fetchone()[0]
        return Counts(
            articles=heads.get(RAW, 0),
            tagged=heads.get(ENRICHED, 0),
            searched=heads.get(ARTICLES, 0),
            alerts=alerts,
            open_alerts=still_open,
            dead_letters=letters,
            lag={stage: heads.get(topic, 0) - offset for stage, topic, offset in inputs},
        )

    def backup(self, to: Path) -> None:
        """Copies the file as it is now, while this or another process goes on writing it.

        Raises:
            StoreError: `to` exists already or cannot be written.
        """
        with self._reading() as connection:
            backup(connection, to)

    def close(self) -> None:
        """Closes the connections of every thread."""
        for connection in self._opened:
            connection.close()
        self._opened.clear()
        self._mine = threading.local()


def _opened(path: Path) -> sqlite3.Connection:
    if not path.exists():
        raise StoreError(f"there is no {path}: start `wirewatch run` or `wirewatch demo` first, or name another file.")
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None, check_same_thread=False, timeout=5
    )
    try:
        version = checked_version(connection, path)
        if version is None or version < VERSION:
            raise StoreError(
                f"{path} is empty or of an older wirewatch: start `wirewatch run` once to bring it up to date."
            )
    except BaseException:
        connection.close()
        raise
    return connection
