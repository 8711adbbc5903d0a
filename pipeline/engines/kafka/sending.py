"""Sends records and does not return before the broker has every one, in the order of each partition, however long."""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Callable, Coroutine, Iterable, Sequence
from functools import partial
from typing import Any, NamedTuple, TypeVar

from aiokafka import AIOKafkaProducer
from aiokafka.errors import (
    KafkaError,
    MessageSizeTooLargeError,
    PolicyViolationError,
    RecordListTooLargeError,
    RecordTooLargeError,
)
from aiokafka.partitioner import DefaultPartitioner

from pipeline.engines.kafka import clients
from pipeline.settings import Kafka

T = TypeVar("T")
Headers = Sequence[tuple[str, bytes]]
PAUSES = (0.1, 5.0)
"""Seconds before the first repetition, and at most; each pause is twice the one before."""
FOR_GOOD = (MessageSizeTooLargeError, RecordListTooLargeError, RecordTooLargeError, PolicyViolationError)
"""What no repetition can mend."""

log = logging.getLogger("wirewatch.kafka")


class Outgoing(NamedTuple):
    """A record to send."""

    topic: str
    key: str | None
    value: bytes | None
    headers: Headers = ()
    partition: int | None = None
    """None: by the key."""


class StoppedError(Exception):
    """The worker was asked to stop while the broker could not be reached; nothing after this may be taken as sent."""


class Sender:
    """A producer that gives up only when told to.

    aiokafka retries a batch inside a time-out; past that a batch is built again and sent before any that follows it
    in its partition, so that an outage cannot change the order of a key.

    Args:
        given: the broker.
        stopping: asked between attempts; once true, `send` raises StoppedError.
    """

    def __init__(self, given: Kafka, stopping: Callable[[], bool] = lambda: False) -> None:
        self._given = given
        self._stopping = stopping
        self._producer: AIOKafkaProducer | None = None
        self._partitions: dict[str, list[int]] = {}
        self._choose = DefaultPartitioner()
        self.latest = 0
        """The broker's time of what it last acknowledged, microseconds."""

    async def start(self) -> None:
        """Connects, as often as it takes."""
        await patiently("no broker answers", self._connect, self._stopping)

    async def _connect(self) -> None:
        producer = AIOKafkaProducer(
            **clients.aiokafka(self._given),
            acks="all",
            linger_ms=0,
            max_batch_size=1024 * 1024,
            max_request_size=clients.LARGEST_REQUEST,
            request_timeout_ms=15_000,
        )
        self._producer = await started(producer)

    async def stop(self) -> None:
        """Disconnects; everything that `send` returned for is with the broker."""
        if self._producer:
            await self._producer.stop()

    async def send(self, outgoing: Iterable[Outgoing]) -> list[tuple[Outgoing, str]]:
        """Sends all, and returns those that the broker will never take, with the reason.

        Raises:
            StoppedError: it was time to stop before all were sent.
        """
        lanes: dict[tuple[str, int], list[Outgoing]] = defaultdict(list)
        for record in outgoing:
            lanes[record.topic, await self._partition(record)].append(record)
        done = await asyncio.gather(
            *(self._lane(*place, records) for place, records in lanes.items()), return_exceptions=True
        )
        refused: list[tuple[Outgoing, str]] = []
        for result in done:
            if isinstance(result, BaseException):
                raise result
            refused += result
        return refused

    async def partitions(self, topic: str) -> list[int]:
        """Partitions of a topic, waiting for it to be there."""
        if topic not in self._partitions:
            trouble = f"topic {topic} is not there (has `wirewatch setup` been run?)"
            self._partitions[topic] = await patiently(trouble, partial(self._ask_partitions, topic), self._stopping)
        return self._partitions[topic]

    async def _ask_partitions(self, topic: str) -> list[int]:
        assert self._producer
        return sorted(await self._producer.partitions_for(topic))

    async def _partition(self, record: Outgoing) -> int:
        if record.partition is not None:
            return record.partition
        every = await self.partitions(record.topic)
        return int(self._choose(None if record.key is None else record.key.encode(), every, every))

    async def _lane(self, topic: str, partition: int, records: Sequence[Outgoing]) -> list[tuple[Outgoing, str]]:
        """Sends the records of one partition, one batch after the other."""
        refused: list[tuple[Outgoing, str]] = []
        rest = list(records)
        alone = False
        while rest:
            attempt = partial(self._batch, topic, partition, rest[:1] if alone else rest)
            try:
                taken = await patiently(f"{topic} cannot be written", attempt, self._stopping)
            except FOR_GOOD as error:
                if not alone and len(rest) > 1:
                    alone = True  # find the one that is refused
                    continue
                refused.append((rest[0], f"{type(error).__name__}: {error}"))
                taken = 1
            rest = rest[taken:]
        return refused

    async def _batch(self, topic: str, partition: int, records: Sequence[Outgoing]) -> int:
        """Sends as many of the first records as one batch takes; how many."""
        assert self._producer
        batch = self._producer.create_batch()
        taken = 0
        for record in records:
            key = None if record.key is None else record.key.encode()
            if batch.append(timestamp=None, key=key, value=record.value, headers=list(record.headers)) is None:
                break
            taken += 1
        done = await (await self._producer.send_batch(batch, topic, partition=partition))
        self.latest = max(self.latest, 1000 * (done.timestamp or 0))
        return taken


async def started(producer: AIOKafkaProducer) -> AIOKafkaProducer:
    """The producer, connected, or with nothing of it left behind."""
    try:
        await producer.start()
    except BaseException:
        await producer.stop()
        raise
    return producer


async def patiently(trouble: str, attempt: Callable[[], Coroutine[Any, Any, T]], stopping: Callable[[], bool]) -> T:
    """Attempts until it succeeds; says once what is wrong, and once that it is over.

    Raises:
        StoppedError: it is time to stop.
    """
    pause, said = PAUSES[0], False
    while True:
        try:
            result = await attempt()
        except FOR_GOOD:
            raise
        except (KafkaError, OSError, TimeoutError) as error:
            if stopping():
                raise StoppedError(trouble) from error
            if not said:
                log.error("%s (%s: %s); trying again for as long as it takes", trouble, type(error).__name__, error)
                said = True
            await asyncio.sleep(pause)
            pause = min(2 * pause, PAUSES[1])
        else:
            if said:
                log.warning("over: %s", trouble)
            return result
