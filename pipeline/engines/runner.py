"""One stage at work: its state, its place in its input, and what a batch of messages comes to."""

import sqlite3
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import msgspec

from pipeline.engines.ahead import Ahead
from pipeline.engines.errors import StoreError
from pipeline.engines.store import Entry, Logged, Store, moment
from pipeline.model.alert import Alert
from pipeline.model.codec import decode, encode
from pipeline.model.dead_letter import dead_letter
from pipeline.model.enriched import EnrichedArticle
from pipeline.stage import AnyStage, Effect, Message, Snapshots, StateChange, restoring
from pipeline.topics import ALERTS, ARTICLES, DEAD_LETTERS

LARGEST = 4 * 1024 * 1024
"""Bytes of a record, at most."""

KINDS: dict[str, type[msgspec.Struct]] = {ARTICLES: EnrichedArticle, ALERTS: Alert}
"""Topics whose records readers ask for by what they say."""


class Outcome(NamedTuple):
    """What a batch comes to: written as one transaction, or not at all."""

    entries: Sequence[Entry]
    read: Sequence[Any]
    """What each entry says, decoded, where its topic is in KINDS; else None."""
    changes: Sequence[StateChange]
    seq: int
    offset: int
    now: int


class Runner:
    """Runs one stage. Its state is read from the file when first needed, and again after anything has gone wrong.

    Args:
        prepared: what others have prepared of messages, by their values; taken out as it is used.
    """

    def __init__(self, stage: AnyStage, store: Store, prepared: dict[bytes, object] | None = None) -> None:
        self.stage = stage
        self._prepared = {} if prepared is None else prepared
        self._store = store
        self._state: Any = None
        self._fresh = False
        self._unfoldable: dict[int, str] = {}
        with store.transaction() as connection:
            connection.execute("INSERT OR IGNORE INTO stages VALUES (?, ?, 0, 0, 0)", (stage.name, stage.input))
            place = connection.execute("SELECT seq, offset, now FROM stages WHERE stage = ?", (stage.name,)).fetchone()
        self.seq, self.offset, self.now = place

    @property
    def state(self) -> Any:
        """Every change so far, folded in order."""
        if not self._fresh:
            self._state = self._folded()
            self._fresh = True
        return self._state

    def discard(self) -> None:
        """The state in memory is no longer that of the file."""
        self._fresh, self._state = False, None

    def _folded(self) -> Any:
        stage = self.stage
        with self._store.reading() as connection:
            snapshot = connection.execute("SELECT state FROM snapshots WHERE stage = ?", (stage.name,)).fetchone()
            changes = connection.execute("SELECT key, change FROM changes WHERE stage = ? ORDER BY id", (stage.name,))
            try:
                state = stage.load(snapshot[0]) if snapshot and isinstance(stage, Snapshots) else stage.empty()
                with restoring(stage, state) as fold:
                    for key, change in changes:
                        fold(StateChange(key, change))
            except sqlite3.Error:
                raise
            except Exception as error:
                raise StoreError(
                    f"what {stage.name} has kept in {self._store.path} cannot be read ({said_by(error)}): "
                    "start the wirewatch that wrote it, or put a backup in its place."
                ) from error
        return state

    def next(self, limit: int) -> Sequence[Logged]:
        """The messages that wait, oldest first."""
        if isinstance(self.stage, Ahead):
            self.stage.look(self._store, self.seq, self.offset)
        return self._store.after(self.stage.input, self.seq, limit)

    def waiting_since(self) -> int | None:
        """The clock of the stage when it will handle the message that waits longest; None where none waits."""
        at = self._store.first_after(self.stage.input, self.seq)
        return None if at is None else max(self.now, at)

    def decide(self, records: Sequence[Logged]) -> Outcome:
        """Handles the messages, and folds what was decided into the state in memory; nothing is written yet.

        A message that the stage cannot handle becomes a dead letter, and its neighbours are unharmed.
        """
        try:
            return self._decide(records)
        except _UnfoldableError as error:
            self._unfoldable[error.offset] = error.reason
            self.discard()
            return self.decide(records)
        except BaseException:
            self.discard()
            raise

    def _decide(self, records: Sequence[Logged]) -> Outcome:
        stage, state, now = self.stage, self.state, self.now
        entries: list[Entry] = []
        read: list[Any] = []
        changes: list[StateChange] = []
        for seq, offset, key, value, at in records:
            now = max(now, at)
            try:
                if offset in self._unfoldable:
                    raise ValueError(self._unfoldable[offset])
                prepared = self._prepared.pop(value, None) if self._prepared else None
                decision = stage.decide(state, Message(key, value, offset, moment(now), prepared))
                effects = list(allowed(stage, decision.effects))
                sent = [Entry(effect.topic, effect.key, effect.value, now) for effect in effects]
                said = [_read(effect) for effect in effects]
                decided = tuple(decision.changes)
            except Exception as error:
                entries.append(refused(stage.name, stage.input, Logged(seq, offset, key, value, now), error))
                read.append(None)
                continue
            self._fold(state, decided, offset)
            entries += sent
            read += said
            changes += decided
        return Outcome(entries, read, changes, records[-1].seq, records[-1].offset, now)

    def _fold(self, state: Any, changes: Sequence[StateChange], offset: int) -> None:
        try:
            for change in changes:
                self.stage.fold(state, change)
        except Exception as error:
            raise _UnfoldableError(offset, f"its change cannot be folded: {said_by(error)}") from error

    def look_away(self) -> None:
        """Lets go of messages that were looked at before their turn."""
        if isinstance(self.stage, Ahead):
            self.stage.discard()

    def close(self) -> None:
        """Ends what the stage does beside."""
        if isinstance(self.stage, Ahead):
            self.stage.close()

    def wrote(self, outcome: Outcome) -> None:
        """The outcome is in the file."""
        self.seq, self.offset, self.now = outcome.seq, outcome.offset, outcome.now
        self._unfoldable.clear()


def _read(effect: Effect) -> Any:
    """What an effect says, where readers ask for it."""
    kind = KINDS.get(effect.topic)
    return effect.says or decode(effect.value, kind) if kind else None


class _UnfoldableError(Exception):
    def __init__(self, offset: int, reason: str) -> None:
        super().__init__(reason)
        self.offset, self.reason = offset, reason


def allowed(stage: AnyStage, effects: Iterable[Effect]) -> Iterable[Effect]:
    """The effects, each checked.

    Raises:
        ValueError: one goes where its stage may not send, or is too large.
        UnicodeError: its key is no text.
    """
    for effect in effects:
        if effect.topic not in stage.outputs:
            raise ValueError(f"{stage.name} sends to {effect.topic}, which is none of its outputs")
        if len(effect.value) > LARGEST:
            raise ValueError(f"a record for {effect.topic} has {len(effect.value):,} bytes, over {LARGEST:,}")
        effect.key.encode()
        yield effect


def refused(stage: str, topic: str, record: Logged, error: Exception) -> Entry:
    """The dead letter of a message, stamped with its own log time."""
    letter = refused_letter(stage, topic, record.offset or None, record.key, record.value, record.at, error)
    return Entry(DEAD_LETTERS, record.key, letter, record.at)


def refused_letter(
    stage: str, topic: str, offset: int | None, key: str, value: bytes, at: int, error: Exception
) -> bytes:
    """A dead letter as it is stored: what was refused, where and why; `at` in microseconds."""
    reason = said_by(error)
    return encode(
        dead_letter(stage=stage, topic=topic, offset=offset, key=key, reason=reason, at=moment(at), data=value)
    )


def said_by(error: Exception) -> str:
    """An error as a reason that any file and screen can hold."""
    words = str(error) if isinstance(error, ValueError) and str(error) else f"{type(error).__name__}: {error}"
    return words[:2000].encode("utf-8", "backslashreplace").decode()
