"""Keeping the file small: retention, snapshots, compaction."""

import logging
import sqlite3
from collections.abc import Sequence
from datetime import datetime, timedelta

from pipeline.engines.errors import StoreError
from pipeline.engines.runner import Runner
from pipeline.engines.store import Store, micros
from pipeline.sinks.embedded_search import EmbeddedSearch
from pipeline.stage import Snapshots
from pipeline.topics import ALERTS, CANDIDATES, ENRICHED

log = logging.getLogger("wirewatch.engine")

BETWEEN_STAGES = timedelta(days=1)
"""What only passes from stage to stage is kept so long after it was handled; states and results do not need it."""
SNAPSHOT_AFTER = 1_000
"""Changes of a stage that are kept before a snapshot takes their place."""
AT_ONCE = 500
"""Rows let go in one transaction, so that nobody waits long."""
PAGES_AT_ONCE = 5_000
"""Free pages given back to the disk each time."""


def retain(
    store: Store, search: EmbeddedSearch | None, runners: Sequence[Runner], now: datetime, retention: timedelta
) -> None:
    """Lets go of what is older than the retention by log time, bit by bit.

    An alert goes when it is over and so old; the latest state of an open one stays. No message goes unhandled.
    """
    before = micros(now - retention)
    passing = micros(now - min(retention, BETWEEN_STAGES))
    while _articles(store, search, before):
        pass
    with store.transaction() as connection:
        connection.execute("DELETE FROM alerts WHERE NOT open AND at < ?", (before,))
        connection.execute(
            "DELETE FROM merges WHERE into_story NOT IN (SELECT story FROM articles WHERE story NOT NULL)"
        )
    handled = {runner.stage.input: runner.seq for runner in runners}
    with store.reading() as connection:
        topics = [topic for (topic,) in connection.execute("SELECT topic FROM topics")]
    for topic in topics:
        limit = passing if topic in (ENRICHED, CANDIDATES) else before
        while _records(store, topic, handled.get(topic), limit):
            pass
    for runner in runners:
        try:
            snapshot(store, runner, SNAPSHOT_AFTER)
        except Exception as error:
            if isinstance(error, StoreError):
                raise
            log.exception("%s cannot give a snapshot of its state; all its changes are kept", runner.stage.name)
    with store.reading() as connection:
        connection.execute(f"PRAGMA incremental_vacuum({PAGES_AT_ONCE})").fetchall()


def _articles(store: Store, search: EmbeddedSearch | None, before: int) -> int:
    with store.transaction() as connection:
        old = connection.execute("SELECT id FROM articles WHERE at < ? LIMIT ?", (before, AT_ONCE)).fetchall()
        if search:
            for (id_,) in old:
                search.delete(id_)
        connection.executemany("DELETE FROM articles WHERE id = ?", old)
    return len(old)


def _records(store: Store, topic: str, handled: int | None, before: int) -> int:
    needed = "AND seq NOT IN (SELECT seq FROM alerts)" if topic == ALERTS else ""
    with store.transaction() as connection:
        return connection.execute(
            f"""DELETE FROM log WHERE seq IN (
                    SELECT seq FROM log WHERE topic = ?1 AND (?2 IS NULL OR seq <= ?2) AND at < ?3 {needed}
                    ORDER BY seq LIMIT ?4)""",
            (topic, handled, before, AT_ONCE),
        ).rowcount


def snapshot(store: Store, runner: Runner, after: int = 0) -> None:
    """Puts the state of a stage, if it offers that, in the place of more than `after` changes."""
    stage = runner.stage
    if not isinstance(stage, Snapshots):
        return
    with store.reading() as connection:
        (kept,) = connection.execute("SELECT COUNT(*) FROM changes WHERE stage = ?", (stage.name,)).fetchone()
    if kept <= after:
        return
    state = stage.dump(runner.state)
    with store.transaction() as connection:
        save_snapshot(connection, stage.name, state)


def save_snapshot(connection: sqlite3.Connection, stage: str, state: bytes) -> None:
    """A stage's whole state in the place of its changes."""
    connection.execute("INSERT OR REPLACE INTO snapshots VALUES (?, ?)", (stage, state))
    connection.execute("DELETE FROM changes WHERE stage = ?", (stage,))


def compact(store: Store, search: EmbeddedSearch | None, runners: Sequence[Runner]) -> None:
    """Snapshots of every state, and a file without gaps."""
    for runner in runners:
        snapshot(store, runner)
    vacuum(store, search)


def vacuum(store: Store, search: EmbeddedSearch | None) -> None:
    """Writes the file anew without gaps and without what was deleted, and empties the write-ahead log."""
    if search:
        with store.transaction():
            search.compact()
    with store.reading() as connection:
        connection.execute("VACUUM")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
