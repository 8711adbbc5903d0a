"""The one SQLite file as a log of topics: one writer, transactions, places in the log."""

import fcntl
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO, NamedTuple

from pipeline.engines.errors import StoreError, explained
from pipeline.engines.schema import prepare

MEMORY = ":memory:"

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class Entry(NamedTuple):
    """A record to be written."""

    topic: str
    key: str
    value: bytes
    at: int
    """Log time, microseconds since 1970."""


class Logged(NamedTuple):
    """A record of one topic, as a stage reads it."""

    seq: int
    offset: int
    key: str
    value: bytes
    at: int


def micros(time: datetime) -> int:
    """Microseconds since 1970, UTC."""
    return (time - _EPOCH) // _MICROSECOND


def moment(at: int) -> datetime:
    """The time of so many microseconds since 1970, UTC."""
    return _EPOCH + timedelta(microseconds=at)


class Store:
    """The only writer of one file, usable from several threads: `lock` guards `connection`.

    Args:
        path: of the file, made if missing; ":memory:" for one that is never written.

    Raises:
        StoreError: another process has it, or it is no wirewatch file; the message says what to do.
    """

    def __init__(self, path: Path | str) -> None:
        self.path = path
        self.in_memory = str(path) == MEMORY
        self.lock = threading.RLock()
        self._held = None if self.in_memory else _hold(Path(path))
        try:
            self.connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=5)
        except sqlite3.Error as error:
            self._release()
            raise explained(error, path) from error
        try:
            prepare(self.connection, path)
        except sqlite3.Error as error:
            self.close()
            raise explained(error, path) from error
        except StoreError:
            self.close()
            raise
        self._heads: dict[str, int] | None = None

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Everything written inside becomes durable at its end, or nothing does.

        Raises:
            StoreError: SQLite could not; StoreUnavailableError where repeating may help.
        """
        with self.lock:
            connection = self.connection
            try:
                connection.execute("BEGIN IMMEDIATE")
                yield connection
                connection.execute("COMMIT")
            except BaseException as error:
                self._heads = None
                if connection.in_transaction:
                    with suppress(sqlite3.Error):  # the first error is the one to tell
                        connection.execute("ROLLBACK")
                if isinstance(error, sqlite3.Error):
                    raise explained(error, self.path) from error
                raise

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """The writer's connection, for a short read.

        Raises:
            StoreError: SQLite could not.
        """
        with self.lock:
            try:
                yield self.connection
            except sqlite3.Error as error:
                raise explained(error, self.path) from error

    def write(self, entries: Iterable[Entry]) -> list[int]:
        """Adds records to their topics inside the open transaction; their places in the file."""
        execute = self.connection.execute
        if self._heads is None:
            self._heads = dict(execute("SELECT topic, head FROM topics"))
        heads, touched, seqs = self._heads, set(), []
        for topic, key, value, at in entries:
            offset = heads.get(topic, 0) + 1
            heads[topic] = offset
            touched.add(topic)
            row = execute(
                "INSERT INTO log (topic, offset, key, value, at) VALUES (?, ?, ?, ?, ?)",
                (topic, offset, key, value, at),
            )
            seqs.append(row.lastrowid or 0)
        self.connection.executemany(
            "INSERT INTO topics VALUES (?, ?) ON CONFLICT (topic) DO UPDATE SET head = excluded.head",
            [(topic, heads[topic]) for topic in sorted(touched)],
        )
        return seqs

    def after(self, topic: str, seq: int, limit: int) -> Sequence[Logged]:
        """The next records of a topic after a place in the file, oldest first."""
        with self.reading() as connection:
            rows = connection.execute(
                "SELECT seq, offset, key, value, at FROM log WHERE topic = ? AND seq > ? ORDER BY seq LIMIT ?",
                (topic, seq, limit),
            ).fetchall()
        return [Logged._make(row) for row in rows]

    def first_after(self, topic: str, seq: int) -> int | None:
        """Log time of the next record of a topic after a place in the file."""
        with self.reading() as connection:
            row = connection.execute(
                "SELECT at FROM log WHERE topic = ? AND seq > ? ORDER BY seq LIMIT 1", (topic, seq)
            ).fetchone()
        return None if row is None else int(row[0])

    def close(self) -> None:
        """Closes the file; another process may have it then."""
        with self.lock:
            self.connection.close()
            self._release()

    def _release(self) -> None:
        if self._held:
            self._held.close()
            self._held = None


def _hold(path: Path) -> IO[str]:
    """Takes the lock file beside the database, which the system gives back when the process ends, however it ends."""
    beside = path.with_name(path.name + ".lock")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        held = beside.open("w")
    except OSError as error:
        raise StoreError(f"{beside} cannot be written ({error.strerror}): name a folder that may be written.") from None
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        held.close()
        raise StoreError(
            f"{path} is in use by another wirewatch: stop that one, or name another file. "
            "(Reading commands such as `alerts` and `search` work beside it.)"
        ) from None
    return held
