"""The embedded engine: one process, one SQLite file. A batch's effects, changes and offset are one transaction."""

import json
import logging
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

from pipeline.alerting.rules import RuleSet
from pipeline.engines import keeping, tables
from pipeline.engines.ahead import helped
from pipeline.engines.dead_letters import original
from pipeline.engines.errors import StoreUnavailableError, is_of_the_file
from pipeline.engines.forgetting import forget
from pipeline.engines.reader import Reader
from pipeline.engines.records import Counts, Forgotten
from pipeline.engines.runner import KINDS, LARGEST, Outcome, Runner, refused
from pipeline.engines.store import Entry, Logged, Store, micros
from pipeline.model.alert import Alert
from pipeline.model.article import Article
from pipeline.model.candidate import Action, CorrelateInput, RuleChange, Tick
from pipeline.model.codec import decode, encode
from pipeline.model.dead_letter import DeadLetter
from pipeline.model.enriched import EnrichedArticle
from pipeline.model.health import SourceHealth
from pipeline.sinks.embedded_search import EmbeddedSearch
from pipeline.stage import AnyStage
from pipeline.topics import ARTICLES, CANDIDATES, DEAD_LETTERS, RAW
from pipeline.topology import stages

TICK_EVERY = timedelta(seconds=30)
KEEP_EVERY = timedelta(hours=1)
IDLE = 0.2
"""Seconds between looks at the clock while nothing arrives."""
PAUSES = (0.1, 30.0)
"""Seconds before the first repetition after trouble, and at most; each pause is twice the one before."""

ROUND = 50
"""Messages a stage takes at once while it runs: a burst must not keep its first alert waiting."""
LONG = 0.3
"""Seconds of a round after which the next takes half as many, as when languages are met for the first time."""

__all__ = ["Embedded", "Reader"]

log = logging.getLogger("wirewatch.engine")


def utcnow() -> datetime:
    """The system's clock, UTC."""
    return datetime.now(UTC)


class Embedded:
    """Runs the graph in this process.

    Any thread may append, act and read; one at a time processes.

    Args:
        path: of the file, made if missing; ":memory:" for a replay.
        rules: asked of every article from now on; changes of them reach the alerts they concern.
        retention_days: how long articles, records and finished alerts are kept, by log time.
        clock: stamps what arrives; stages see nothing else of time.
        graph: stages to run instead of the topology's.
        searchable: whether finished articles go into the search; a replay has no use for it.

    Raises:
        StoreError: the file is in use, damaged, another program's or a newer wirewatch's; the message says what to do.
    """

    def __init__(
        self,
        path: Path | str,
        rules: RuleSet,
        *,
        retention_days: int = 35,
        clock: Callable[[], datetime] = utcnow,
        graph: Sequence[AnyStage] | None = None,
        searchable: bool = True,
    ) -> None:
        self._retention = timedelta(days=retention_days)
        self._clock = clock
        self._store = Store(path)
        try:
            self._search = EmbeddedSearch(self._store.connection) if searchable else None
            if self._search:
                with self._store.transaction():
                    self._search.create()
            self._runners = _runners(stages(rules) if graph is None else graph, self._store)
            self._working = threading.RLock()
            self._wake = threading.Condition()
            self._arrived = False
            self._trouble: str | None = None
            self._ticked = self._kept = datetime.min.replace(tzinfo=UTC)
            self.reader = Reader(self._store if self._store.in_memory else path)
            self._tell_rules(rules.changes())
        except BaseException:
            self._store.close()
            raise

    # What comes in

    def append(self, articles: Sequence[Article], cursor: tuple[str, str] | None = None) -> None:
        """Takes articles in, and moves the cursor (source id, opaque cursor) behind them; durable when it returns.

        An article that cannot be written as JSON becomes a dead letter beside the others.

        Raises:
            StoreUnavailableError: nothing was taken in; try again later.
        """
        at = micros(self._clock())
        entries = [_entry(article, at) for article in articles]
        with self._store.transaction() as connection:
            self._store.write(entries)
            if cursor:
                connection.execute("INSERT OR REPLACE INTO cursors VALUES (?, ?)", cursor)
        self._notify()

    def reject(self, letter: DeadLetter) -> None:
        """Keeps what a connector could not make an article of."""
        with self._store.transaction():
            self._store.write([Entry(DEAD_LETTERS, letter.key, encode(letter), micros(letter.at))])

    def cursor(self, source: str) -> str | None:
        """Where a connector has to go on; None where it has never been."""
        with self._store.reading() as connection:
            row = connection.execute("SELECT cursor FROM cursors WHERE source = ?", (source,)).fetchone()
        return row[0] if row else None

    def health(self, source: SourceHealth) -> None:
        """The latest word on a source."""
        with self._store.transaction() as connection:
            connection.execute("INSERT OR REPLACE INTO health VALUES (?, ?)", (source.id, encode(source)))

    def sources(self) -> list[SourceHealth]:
        """The latest word on every source, by id."""
        return self.reader.sources()

    def act(self, action: Action) -> None:
        """Puts a user's action in line.

        Raises:
            LookupError: there is no such alert, or it is of another rule.
        """
        alert = self.reader.alert(action.alert)
        if alert is None or alert.rule.id != action.rule:
            raise LookupError(f"there is no alert {action.alert} of rule {action.rule}: `wirewatch alerts` lists them")
        self._put([action])

    def tick(self) -> None:
        """Lets time pass for every rule that has an open alert."""
        with self._store.reading() as connection:
            rules = [
                rule for (rule,) in connection.execute("SELECT DISTINCT rule FROM alerts WHERE open ORDER BY rule")
            ]
        self._put([Tick(rule=rule) for rule in rules])

    def _put(self, messages: Sequence[CorrelateInput]) -> None:
        """Adds to what correlate reads, stamped no later than anything that still has to pass the stages before it.

        Without that a tick could overtake an article in a backlog, and let an alert fall asleep that it keeps awake.
        """
        if not messages:
            return
        with self._store.transaction():
            at = micros(self._clock())
            for runner in self._runners:
                waiting = runner.waiting_since() if runner.stage.input != CANDIDATES else None
                at = at if waiting is None else min(at, waiting)
            self._store.write([Entry(CANDIDATES, message.rule, encode(message), at) for message in messages])
        self._notify()

    def _tell_rules(self, changes: Iterable[RuleChange]) -> None:
        """Tells correlate what has changed in the rules since the file was last open."""
        with self._store.reading() as connection:
            known = {rule: decode(change, RuleChange) for rule, change in connection.execute("SELECT * FROM rules")}
        now = {change.rule: change for change in changes}
        gone = {
            rule: RuleChange(rule=rule, version=change.version, removed=True)
            for rule, change in known.items()
            if rule not in now
        }
        news = [change for rule, change in sorted((now | gone).items()) if change != known.get(rule)]
        if not news:
            return
        with self._store.transaction() as connection:
            at = micros(self._clock())
            self._store.write([Entry(CANDIDATES, change.rule, encode(change), at) for change in news])
            connection.executemany(
                "INSERT OR REPLACE INTO rules VALUES (?, ?)", [(change.rule, encode(change)) for change in news]
            )

    def _notify(self) -> None:
        with self._wake:
            self._arrived = True
            self._wake.notify_all()

    # The work

    def process(self, limit: int = 200) -> int:
        """One round: each stage takes at most `limit` messages, one transaction a batch; number of messages handled.

        Raises:
            StoreUnavailableError: the batch in hand is undone and will be repeated by the next round.
        """
        with self._working:
            return sum(self._batch(runner, limit) for runner in self._runners)

    def _batch(self, runner: Runner, limit: int) -> int:
        records = runner.next(limit)
        if not records:
            return 0
        outcome = runner.decide(records)
        try:
            self._write(runner, outcome)
        except BaseException:
            runner.discard()
            raise
        runner.wrote(outcome)
        return len(records)

    def _write(self, runner: Runner, outcome: Outcome) -> None:
        name = runner.stage.name
        with self._store.transaction() as connection:
            self._record(outcome.entries, outcome.read)
            connection.executemany(
                "INSERT INTO changes (stage, key, change) VALUES (?, ?, ?)",
                [(name, *change) for change in outcome.changes],
            )
            connection.execute(
                "UPDATE stages SET seq = ?, offset = ?, now = ? WHERE stage = ?",
                (outcome.seq, outcome.offset, outcome.now, name),
            )

    def _record(self, entries: Sequence[Entry], read: Sequence[Any]) -> None:
        """Writes records, and what they say to where readers ask for it."""
        for entry, said, seq in zip(entries, read, self._store.write(entries), strict=True):
            if isinstance(said, EnrichedArticle):
                self._record_article(entry, said, seq)
            elif isinstance(said, Alert):
                tables.save_alert(self._store.connection, said, seq, entry)

    def _record_article(self, entry: Entry, article: EnrichedArticle, seq: int) -> None:
        tables.save_article(self._store.connection, article, seq, entry.at)
        if not self._search:
            return
        self._store.connection.execute("SAVEPOINT search")
        try:
            self._search.index(article)
        except Exception as error:
            if isinstance(error, sqlite3.Error) and is_of_the_file(error):
                raise
            self._store.connection.execute("ROLLBACK TO search")
            record = Logged(seq, 0, entry.key, entry.value, entry.at)
            self._store.write([refused("search", ARTICLES, record, error)])
        self._store.connection.execute("RELEASE search")

    def run(self, stop: threading.Event, on_round: Callable[[Counts], None] | None = None) -> None:
        """Works until told to stop, wakes as soon as something arrives, and outlives a full disk.

        Raises:
            StoreError: the file can no longer be used; the message says what to do.
        """
        pause, longest = PAUSES
        size = 1
        while not stop.is_set():
            self._arrived = False
            began = time.monotonic()
            try:
                handled = self.process(size)
                self._keep_time()
            except StoreUnavailableError as error:
                if self._trouble is None:
                    log.error("%s", error)
                self._trouble = str(error)
                handled = 0
            else:
                self._trouble, pause = None, PAUSES[0]
            size = min(ROUND, 2 * size) if time.monotonic() - began < LONG else max(1, size // 2)
            if on_round:
                with suppress(StoreUnavailableError):
                    on_round(self.counts())
            if self._trouble:
                stop.wait(pause)
                pause = min(2 * pause, longest)
            elif not handled:
                self._rest()

    def _rest(self) -> None:
        with self._wake:
            if not self._arrived:
                self._wake.wait(IDLE)

    def _keep_time(self) -> None:
        now = self._clock()
        if now - self._ticked >= TICK_EVERY:
            self._ticked = now
            self.tick()
        if now - self._kept >= KEEP_EVERY:
            self._kept = now
            self.retain()

    def counts(self) -> Counts:
        """How far the work is."""
        return msgspec.structs.replace(self.reader.counts(), trouble=self._trouble)

    # The keeping

    def retain(self) -> None:
        """Lets go of what is older than the retention."""
        with self._working:
            keeping.retain(self._store, self._search, self._runners, self._clock(), self._retention)

    def compact(self) -> None:
        """Lets go of what is old, keeps each state as a snapshot, and gives the free space back to the disk."""
        with self._working:
            keeping.retain(self._store, self._search, self._runners, self._clock(), self._retention)
            keeping.compact(self._store, self._search, self._runners)

    def backup(self, to: Path) -> None:
        """Copies the file as it is now, while work goes on.

        Raises:
            StoreError: `to` exists already or cannot be written.
        """
        self.reader.backup(to)

    def forget(self, target: str) -> Forgotten:
        """Takes an article (by URL or id) or all articles of a source (by its id) out of everything, for good.

        An alert that rested on them alone goes too; others no longer name them.
        """
        with self._working:
            for runner in self._runners:
                runner.look_away()
            return forget(self._store, self._search, self._runners, target)

    def replay_dead_letters(self, ids: Iterable[int]) -> int:
        """Puts the messages of dead letters back into their topics; how many could be.

        Those that were cut, and are no longer in the log whole, stay where they are.
        """
        put = 0
        with self._working, self._store.transaction() as connection:
            at = micros(self._clock())
            for id_ in ids:
                letter = original(connection, id_)
                if letter is None:
                    continue
                kind = KINDS.get(letter.topic)
                self._record([letter._replace(at=at)], [decode(letter.value, kind) if kind else None])
                connection.execute("DELETE FROM log WHERE topic = ? AND offset = ?", (DEAD_LETTERS, id_))
                put += 1
        self._notify()
        return put

    def close(self) -> None:
        """Closes the file. Whoever runs the engine in another thread stops that one first."""
        with self._working:
            for runner in self._runners:
                runner.close()
            self.reader.close()
            self._store.close()


def _runners(graph: Sequence[AnyStage], store: Store) -> list[Runner]:
    """A runner a stage; what helpers of one have prepared for the next lies between the two."""
    runners = []
    prepared: dict[bytes, object] = {}
    for stage, following in zip(graph, [*graph[1:], None], strict=True):
        for_the_next: dict[bytes, object] = {}
        runners.append(Runner(helped(stage, following, for_the_next), store, prepared))
        prepared = for_the_next
    return runners


def _entry(article: Article, at: int) -> Entry:
    """A record of the article, or a dead letter of one that cannot be written."""
    try:
        value = encode(article)
        article.id.encode()
        if len(value) > LARGEST:
            raise ValueError(f"an article of {len(value):,} bytes, over {LARGEST:,}")
    except (ValueError, TypeError, msgspec.MsgspecError) as error:
        data = json.dumps(msgspec.to_builtins(article), default=str).encode()
        return refused("append", RAW, Logged(0, 0, ascii(article.id), data, at), error)
    return Entry(RAW, article.id, value, at)
