"""A stage's own log of one partition: what its state is made of, written by one worker at a time, a batch or nothing.

Each batch is a Kafka transaction: the changes, then the position that they bring the stage to. Opening a ledger takes
it away from whoever had it before (the broker fences that producer), so that a worker that was thought dead and wakes
can write nothing any more; and it ends what that one had left open, so that a reader never waits for it.
"""

import asyncio
import logging
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

import msgspec
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaError, ProducerFenced

from pipeline.engines.kafka import clients
from pipeline.engines.kafka.partition import Outcome, Partition, Position
from pipeline.engines.kafka.reading import until
from pipeline.engines.kafka.sending import StoppedError, patiently, started
from pipeline.settings import Kafka
from pipeline.stage import StateChange

POSITION = b"@position"
"""Key of the record that says how far the stage has come; no change has a key like it."""

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Position).decode

log = logging.getLogger("wirewatch.kafka")


class LostError(Exception):
    """Another worker has taken the partition over; this one must not go on with it."""


class Ledger:
    """Own log of one partition of a stage.

    Args:
        given: the broker.
        topic: of the log.
        partition: of the log and of the stage's input.
        stopping: asked while the broker is away; once true, StoppedError is raised.
    """

    def __init__(self, given: Kafka, topic: str, partition: int, stopping: Callable[[], bool]) -> None:
        self._given = given
        self._place = TopicPartition(topic, partition)
        self._stopping = stopping
        self._producer: AIOKafkaProducer | None = None
        self._read_to = 0

    async def open(self) -> None:
        """Takes the log over."""
        await patiently(f"{self._place.topic} cannot be opened", self._start, self._stopping)

    async def _start(self) -> None:
        await self.close()
        producer = AIOKafkaProducer(
            **clients.aiokafka(self._given),
            transactional_id=f"wirewatch-{self._place.topic}-{self._place.partition}",
            transaction_timeout_ms=60_000,
            max_batch_size=1024 * 1024,
            max_request_size=clients.LARGEST_REQUEST,
            request_timeout_ms=15_000,
        )
        self._producer = await started(producer)

    async def close(self) -> None:
        """Lets go of the connection."""
        producer, self._producer = self._producer, None
        if producer:
            await producer.stop()

    async def catch_up(self, partition: Partition) -> int:
        """Folds what is in the log and not in the state; how many records were read.

        Raises:
            GoneError: the log no longer goes on where the state ends: begin with an empty one.
        """
        return await patiently(f"{self._place.topic} cannot be read", lambda: self._catch_up(partition), self._stopping)

    async def _catch_up(self, partition: Partition) -> int:
        consumer = AIOKafkaConsumer(
            **clients.aiokafka(self._given),
            group_id=None,
            enable_auto_commit=False,
            isolation_level="read_committed",
            max_partition_fetch_bytes=2 * clients.LARGEST_REQUEST,
            fetch_max_wait_ms=100,
        )
        await consumer.start()
        try:
            consumer.assign([self._place])
            first = (await consumer.beginning_offsets([self._place]))[self._place]
            end = (await consumer.end_offsets([self._place]))[self._place]
            if self._read_to and not first <= self._read_to <= end:
                raise GoneError
            consumer.seek(self._place, max(first, self._read_to))
            with partition.restoring() as fold:
                return await self._read(consumer, end, partition, fold)
        finally:
            await consumer.stop()

    async def _read(
        self, consumer: AIOKafkaConsumer, end: int, partition: Partition, fold: Callable[[StateChange], None]
    ) -> int:
        read = 0
        async for batch in until(consumer, self._place, end):
            for record in batch:
                if record.key == POSITION:
                    partition.position = _decode(record.value)
                else:
                    fold(StateChange(record.key.decode(), record.value or b""))
                self._read_to = record.offset + 1
            read += len(batch)
        return read

    async def write(self, outcome: Outcome) -> None:
        """Writes a batch's changes and the position behind them; returns when the broker has them for good.

        Raises:
            LostError: another worker has the partition now.
            StoppedError: it was time to stop before the batch was written.
        """
        records = [(change.key.encode(), change.value or None) for change in outcome.changes]
        records.append((POSITION, _encode(outcome.position)))
        pause = 0.1
        while True:
            try:
                self._read_to = await self._transaction(records)
                return
            except ProducerFenced as error:
                raise LostError(f"{self._place.topic}/{self._place.partition} has been taken over") from error
            except KafkaError as error:
                if self._stopping():
                    raise StoppedError(f"{self._place.topic} cannot be written") from error
                log.warning("%s is not written yet (%s: %s)", self._place.topic, type(error).__name__, error)
                await asyncio.sleep(pause)
                pause = min(2 * pause, 5.0)
            await self.open()
            if await self._has(outcome.position):
                return

    async def _transaction(self, records: list[tuple[bytes, bytes | None]]) -> int:
        """Writes records as one; the offset after the last."""
        assert self._producer
        await self._producer.begin_transaction()
        futures = [
            await self._producer.send(self._place.topic, value, key, partition=self._place.partition)
            for key, value in records
        ]
        written = await asyncio.gather(*futures)
        await self._producer.commit_transaction()
        return int(written[-1].offset) + 1

    async def _has(self, position: Position) -> bool:
        """Whether a batch whose commit was not answered is there all the same; then it is passed over."""
        probe = _Probe()
        before = self._read_to
        await self.catch_up(probe)
        if probe.position == position:
            return True
        self._read_to = before
        return False


class GoneError(Exception):
    """The log does not go on where the state ends."""


class _Probe(Partition):
    """Looks for the position only."""

    def __init__(self) -> None:
        self.position = Position(-1, 0, (-1, -1))

    def restoring(self) -> AbstractContextManager[Callable[[StateChange], None]]:
        """Passes over changes, which the state in memory has already."""
        return nullcontext(lambda _: None)
