"""What a stage is: a function from state, message and time to effects and changes. No I/O, no clock, no engine."""

from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime
from functools import partial
from typing import Any, NamedTuple, Protocol, TypeVar, runtime_checkable


class Message(NamedTuple):
    """A record of a topic, as a stage sees it."""

    key: str
    value: bytes
    offset: int
    """In its input topic; grows, never repeats."""
    now: datetime
    """Log time, made monotone by the engine; UTC."""
    prepared: object = None
    """What the stage's `prepare` gives for the value, where an engine had it done beforehand."""


class Effect(NamedTuple):
    """A record that a stage sends."""

    topic: str
    key: str
    value: bytes
    says: object = None
    """What `value` encodes, where the stage has it at hand: saves an engine that wants to know from decoding it."""


class StateChange(NamedTuple):
    """A change of a stage's state, such as one record of a log."""

    key: str
    value: bytes
    """Empty: what the key stood for is gone."""


class Decision(NamedTuple):
    """What a message causes: records to send, and changes of the stage's state."""

    effects: Sequence[Effect]
    changes: Sequence[StateChange] = ()


State = TypeVar("State")
Restored = TypeVar("Restored", contravariant=True)


class Stage(Protocol[State]):
    """A stage of the graph.

    `decide` reads the state and never alters it; `fold` is the only thing that does, and a state is what
    comes of folding every change ever decided, in order, into `empty()`. An exception from `decide` means
    that the message can never be handled: it becomes a dead letter, and the state is as before.
    """

    @property
    def name(self) -> str: ...

    @property
    def input(self) -> str:
        """The topic it reads."""

    @property
    def outputs(self) -> tuple[str, ...]:
        """Every topic it sends to."""

    def empty(self) -> State: ...

    def decide(self, state: State, message: Message) -> Decision: ...

    def fold(self, state: State, change: StateChange) -> None: ...


AnyStage = Stage[Any]


@runtime_checkable
class Restores(Protocol[Restored]):
    """What a stage may offer besides, so that a long log of its changes is read fast."""

    def restoring(self, state: Restored) -> AbstractContextManager[Callable[[StateChange], None]]:
        """Gives what folds a change, for as long as only folding is to be done.

        At its end the state is the same as if `fold` had been called, to the letter; before, it is not to be read.
        """


def restoring(stage: AnyStage, state: Any) -> AbstractContextManager[Callable[[StateChange], None]]:
    """What folds a log into the state of any stage, as fast as the stage can."""
    return stage.restoring(state) if isinstance(stage, Restores) else nullcontext(partial(stage.fold, state))


@runtime_checkable
class Snapshots(Protocol[State]):
    """What a stage with a state may offer besides, so that its changes need not all be kept for ever.

    Folding on after `load(dump(state))` gives the same as folding on after `state`, to the letter.
    """

    def dump(self, state: State) -> bytes: ...

    def load(self, data: bytes) -> State: ...

    def forget(self, state: State, articles: Collection[str]) -> None:
        """Takes out of the state every word of the articles with these ids, and what rested on them alone."""


@runtime_checkable
class Pure(Stage[Any], Protocol):
    """A stage without a state that decides from a message's value alone, so that any process may do it, at any time."""

    def elsewhere(self) -> Callable[[], AnyStage]:
        """Makes the same stage in another process, or raises there if it cannot; can be pickled."""


@runtime_checkable
class Prepares(Protocol):
    """What a stage may offer besides, so that other processes can do a part of its work; can be pickled."""

    def prepare(self, value: bytes) -> object:
        """What `decide` would make of a message's value, whatever its state; can be pickled."""
