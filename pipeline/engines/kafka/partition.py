"""A stage over one partition of its input: its state, how far it has come, and what a batch of messages comes to."""

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from typing import Any, NamedTuple

import msgspec

from pipeline.engines.runner import allowed, refused_letter, said_by
from pipeline.engines.store import moment
from pipeline.stage import AnyStage, Effect, Message, StateChange, restoring
from pipeline.topics import DEAD_LETTERS

Cause = tuple[int, int]
"""Which message of a stage upstream caused a record: the offset of that message, and the how manieth record it was."""


class Arrived(NamedTuple):
    """A record of the input topic."""

    key: str
    value: bytes
    offset: int
    at: int
    """Log time in microseconds: the stage's upstream, where it keeps one, else the broker's append time."""
    cause: Cause | None
    """From the stage upstream, where that one is ordered; a second record with it is the first one sent again."""


class Position(msgspec.Struct, frozen=True, array_like=True):
    """How far a stage has come in a partition; written behind what it has done to the state."""

    offset: int
    """Of the last message that the state covers."""
    now: int
    """The stage's clock, microseconds."""
    cause: Cause
    """The latest of those that came with messages."""


class Sent(NamedTuple):
    """A record to send; `number` counts those of one message."""

    effect: Effect
    offset: int
    number: int
    now: int


class Outcome(NamedTuple):
    """What a batch comes to, in the order of its messages."""

    sent: Sequence[Sent]
    changes: Sequence[StateChange]
    position: Position


class UnfoldableError(Exception):
    """A change cannot be folded: the message of this offset is refused, and the state has to be read again."""

    def __init__(self, offset: int, reason: str) -> None:
        super().__init__(reason)
        self.offset, self.reason = offset, reason


class Partition:
    """State of a stage over one partition. Fold its log from the beginning, then decide each batch."""

    def __init__(self, stage: AnyStage) -> None:
        self.stage = stage
        self.state: Any = stage.empty()
        self.position = Position(-1, 0, (-1, -1))
        self.refused: dict[int, str] = {}
        """Offsets whose changes cannot be folded, and why."""

    def restoring(self) -> AbstractContextManager[Callable[[StateChange], None]]:
        """Gives what takes in changes from the stage's own log; before its end the state is not to be read."""
        return restoring(self.stage, self.state)

    def decide(self, messages: Iterable[Arrived]) -> Outcome:
        """Handles messages in order and folds what was decided; those that the state covers are skipped.

        A message that the stage cannot handle becomes a dead letter, and its neighbours are unharmed.

        Raises:
            UnfoldableError: the state is no longer to be used; read it again and pass over that message.
        """
        sent: list[Sent] = []
        changes: list[StateChange] = []
        for message in messages:
            if message.offset <= self.position.offset:
                continue
            now = max(self.position.now, message.at)
            effects, changed = self._handle(message, now)
            try:
                for change in changed:
                    self.stage.fold(self.state, change)
            except Exception as error:
                raise UnfoldableError(message.offset, f"its change cannot be folded: {said_by(error)}") from error
            self.position = Position(message.offset, now, max(self.position.cause, message.cause or (-1, -1)))
            sent += [Sent(effect, message.offset, number, now) for number, effect in enumerate(effects)]
            changes += changed
        return Outcome(sent, changes, self.position)

    def _handle(self, message: Arrived, now: int) -> tuple[Sequence[Effect], Sequence[StateChange]]:
        if message.cause and message.cause <= self.position.cause:
            return (), ()
        try:
            if message.offset in self.refused:
                raise ValueError(self.refused[message.offset])
            decision = self.stage.decide(self.state, Message(message.key, message.value, message.offset, moment(now)))
            return list(allowed(self.stage, decision.effects)), tuple(decision.changes)
        except Exception as error:
            letter = refused_letter(
                self.stage.name, self.stage.input, message.offset, message.key, message.value, now, error
            )
            return (Effect(DEAD_LETTERS, message.key, letter),), ()
