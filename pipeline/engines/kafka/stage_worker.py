"""What an agent does with a batch of messages.

The one order of things: decide a batch; send what it causes and wait for every acknowledgement; send what it did to
the state, to the stage's own log, and wait; only then let Faust commit the offsets. Faust commits a batch also when the
body of its agent raises or is cancelled, so nothing may ever leave that body but the end of the work: whatever else
happens ends the process, nothing has been committed, and the supervisor starts it again.
"""

import asyncio
import logging
import time
from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from typing import Any

from faust.types import EventT

from pipeline.engines.kafka.ledger import GoneError, Ledger
from pipeline.engines.kafka.partition import Arrived, Cause, Outcome, Partition, Sent, UnfoldableError
from pipeline.engines.kafka.reading import end_of
from pipeline.engines.kafka.sending import Outgoing, Sender
from pipeline.engines.runner import refused_letter
from pipeline.model import cloudevent
from pipeline.model.candidate import Tick
from pipeline.model.codec import encode
from pipeline.settings import Kafka
from pipeline.stage import AnyStage
from pipeline.topics import CANDIDATES, DEAD_LETTERS, DESKS, STATE, desk_topic

DESK_TOPICS = frozenset(map(desk_topic, DESKS))
CAUSE, NOW = "wirewatch-cause", "wirewatch-now"
"""Headers of what a stage with a state sends: which message caused it, and the stage's clock in microseconds."""

log = logging.getLogger("wirewatch.kafka")


class StateError(Exception):
    """The state's log and the input do not belong together; the message says what to do."""


class _Held:
    """A partition's state, and its log, where the stage has one."""

    def __init__(self, stage: AnyStage, ledger: Ledger | None) -> None:
        self.partition = Partition(stage)
        self.ledger = ledger
        self.current = ledger is None
        """Whether the state holds all of the log, and nobody else can have written it since."""


class StageWorker:
    """What the agent of a stage does with a batch; usable without Faust, which only brings the batches.

    Args:
        stage: what to run.
        given: the broker.
        stopping: whether the worker has been asked to end.
    """

    def __init__(self, stage: AnyStage, given: Kafka, stopping: Callable[[], bool] = lambda: False) -> None:
        self.stage = stage
        self._given = given
        self._sender = Sender(given, stopping)
        self._stopping = stopping
        self._held: dict[int, _Held] = {}
        self._one = asyncio.Lock()
        """Held while a batch or a tick is in hand: time must not overtake what is on its way."""
        self._log = STATE.get(stage.name)
        self.busy_since: float | None = None
        self.handled = 0
        self.dead = 0

    async def start(self) -> None:
        """Connects to the broker."""
        await self._sender.start()

    async def stop(self) -> None:
        """Disconnects."""
        for number in list(self._held):
            await self._let_go(number)
        await self._sender.stop()

    def state_of(self, partition: int) -> Any:
        """The state that is held for a partition."""
        return self._held[partition].partition.state

    def replace(self, stage: AnyStage) -> None:
        """Goes on with another stage of the same kind, which has no state, from the next batch on."""
        self.stage = stage
        self._held.clear()

    def doubt(self) -> None:
        """Partitions have changed hands: each log is taken over and read on before the next message is handled."""
        for held in self._held.values():
            held.current = held.ledger is None

    async def handle(self, batch: Sequence[tuple[int, Arrived]]) -> None:
        """Handles messages, each with its partition; returns when all that they caused is acknowledged.

        Raises:
            StoppedError: it was time to stop; the batch must not be committed.
            StateError: the state does not belong to this input.
        """
        self.busy_since = time.monotonic()
        async with self._one:
            await self._handle(batch)
        self.handled += len(batch)
        self.busy_since = None

    async def _handle(self, batch: Sequence[tuple[int, Arrived]]) -> None:
        by_partition: dict[int, list[Arrived]] = defaultdict(list)
        for partition, message in batch:
            by_partition[partition].append(message)
        outcomes = {number: await self._decide(number, messages) for number, messages in by_partition.items()}
        await self._send([sent for outcome in outcomes.values() for sent in outcome.sent])
        await asyncio.gather(*(self._keep(number, outcome) for number, outcome in outcomes.items()))

    async def _keep(self, number: int, outcome: Outcome) -> None:
        ledger = self._held[number].ledger
        if ledger:
            await ledger.write(outcome)

    async def _decide(self, number: int, messages: Sequence[Arrived]) -> Outcome:
        held = await self._current(number)
        try:
            return held.partition.decide(messages)
        except UnfoldableError as error:
            refused = held.partition.refused | {error.offset: error.reason}
            await self._let_go(number)
            (await self._current(number)).partition.refused = refused
            return await self._decide(number, messages)

    async def _let_go(self, number: int) -> None:
        held = self._held.pop(number)
        if held.ledger:
            await held.ledger.close()

    async def _current(self, number: int) -> _Held:
        """The partition's state with everything in its log folded, the log being ours."""
        if number not in self._held:
            ledger = Ledger(self._given, self._log, number, self._stopping) if self._log else None
            self._held[number] = _Held(self.stage, ledger)
        held = self._held[number]
        if held.current or not held.ledger:
            return held
        began = time.monotonic()
        await held.ledger.open()
        try:
            read = await held.ledger.catch_up(held.partition)
        except GoneError:
            await self._let_go(number)
            return await self._current(number)
        await self._check(number, held.partition.position.offset)
        held.current = True
        if read:
            took = time.monotonic() - began
            log.warning("%s/%d: state read from %d records in %.1f s", self.stage.name, number, read, took)
        return held

    async def _check(self, number: int, covered: int) -> None:
        """Refuses a state that speaks of messages the input has never had."""
        end = await end_of(self._given, self.stage.input, number, self._stopping)
        if covered >= end:
            raise StateError(
                f"{self._log} covers {self.stage.input}/{number} to offset {covered}, past its end {end}: the topic "
                "was made anew. Remove both topics and run `wirewatch setup`."
            )

    async def _send(self, sent: Sequence[Sent]) -> None:
        """Sends effects; one that the broker refuses for good becomes a dead letter."""
        outgoing = {id(record): (record, one) for one in sent for record in [self._outgoing(one)]}
        refused = await self._sender.send([record for record, _ in outgoing.values()])
        letters = [
            Outgoing(
                DEAD_LETTERS,
                record.key,
                refused_letter(
                    self.stage.name,
                    record.topic,
                    one.offset,
                    one.effect.key,
                    one.effect.value,
                    one.now,
                    ValueError(f"the broker refuses it: {reason}"),
                ),
            )
            for record, reason in refused
            for one in [outgoing[id(record)][1]]
        ]
        self.dead += len(letters) + sum(one.effect.topic == DEAD_LETTERS for one in sent)
        await self._sender.send(letters)

    def _outgoing(self, sent: Sent) -> Outgoing:
        effect = sent.effect
        headers = [(CAUSE, f"{sent.offset}.{sent.number}".encode()), (NOW, str(sent.now).encode())] if self._log else []
        if effect.topic in DESK_TOPICS:
            headers += cloudevent.headers(cloudevent.alert_of(effect.value))
        return Outgoing(effect.topic, effect.key, effect.value, headers)

    async def tick(self, assigned: Collection[int]) -> None:
        """Lets time pass in correlate: as far as this stage has come, or, where no message waits before it, as far as
        the broker had come before that was asked, for what comes later will not be stamped earlier.

        Args:
            assigned: partitions that this worker has been given; one without any is silent.

        Raises:
            StoppedError: it was time to stop.
            StateError: the state does not belong to this input.
        """
        async with self._one:
            come = [await self._come(number) for number in assigned]
            if not come:
                return
            value, headers = encode(Tick(rule="*")), [(NOW, str(min(come)).encode())]
            everywhere = await self._sender.partitions(CANDIDATES)
            await self._sender.send([Outgoing(CANDIDATES, None, value, headers, number) for number in everywhere])

    async def _come(self, number: int) -> int:
        """The time before which nothing can come any more from a partition, microseconds."""
        position = (await self._current(number)).partition.position
        before = self._sender.latest
        end = await end_of(self._given, self.stage.input, number, self._stopping)
        return max(position.now, before) if position.offset + 1 >= end else position.now


def arrived(event: EventT[Any]) -> tuple[int, Arrived]:
    """A Faust event as what a stage is given, with its partition."""
    message = event.message
    headers = dict(message.headers or {})
    at = int(headers[NOW]) if NOW in headers else round(message.timestamp * 1000) * 1000
    cause: Cause | None = None
    if CAUSE in headers:
        offset, _, number = headers[CAUSE].decode().partition(".")
        cause = int(offset), int(number)
    key = (message.key or b"").decode("utf-8", "backslashreplace")
    return message.partition, Arrived(key, message.value or b"", message.offset, at, cause)
