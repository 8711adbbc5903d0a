"""Which sources are whose: many connector processes divide them through the assignment of a consumer group.

The group subscribes to the topic of cursors and reads nothing of it: whoever is assigned a partition polls the sources
whose cursors are kept there. Kafka notices within a session's time-out that a process has died, and assigns its
partitions to the others. They begin at the cursors that it left, so that articles may come twice and none is skipped.
"""

import asyncio
import logging
import threading
from collections.abc import Callable, Collection, Iterable

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.coordinator.assignors.sticky.sticky_assignor import StickyPartitionAssignor
from aiokafka.partitioner import murmur2

from pipeline.engines.errors import StoreUnavailableError
from pipeline.engines.kafka import clients
from pipeline.engines.kafka.patient_log import PatientLog
from pipeline.engines.kafka.sending import StoppedError, patiently
from pipeline.settings import Kafka
from pipeline.topics import CURSORS

GROUP = "wirewatch-connectors"
SESSION, HEARTBEAT = 10_000, 3_000
"""Milliseconds after which a process that says nothing is taken for dead, and between its signs of life."""
REBALANCE = 30_000
"""Milliseconds that processes get to end their polls before partitions move."""
LOOK = 200
"""Milliseconds between looks at `stop`."""

Take = Callable[[Collection[str], Callable[[], None]], None]
Give = Callable[[Collection[str]], None]

log = logging.getLogger("wirewatch.kafka")


def partition_of(source: str, partitions: int) -> int:
    """The partition that the producer puts a source's cursor into."""
    return int(murmur2(source.encode()) & 0x7FFF_FFFF) % partitions


class KafkaShares:
    """Tells the runner which sources are its own.

    Args:
        given: the broker, which may be away at first.
        kept: the log that the runner writes to; it learns where other processes left off.
        sources: ids of all that there are, the same for every process.
    """

    def __init__(self, given: Kafka, kept: PatientLog, sources: Iterable[str]) -> None:
        self._given = given
        self._log = kept
        self._sources = tuple(sources)

    def follow(self, stop: threading.Event, take: Take, give: Give) -> None:
        """Takes part in the group until `stop` is set. It has a loop of its own: heartbeats wait for no poll."""
        asyncio.run(self._follow(stop, take, give))

    async def _follow(self, stop: threading.Event, take: Take, give: Give) -> None:
        consumer = AIOKafkaConsumer(
            **clients.aiokafka(self._given),
            group_id=GROUP,
            enable_auto_commit=False,
            auto_offset_reset="latest",
            session_timeout_ms=SESSION,
            heartbeat_interval_ms=HEARTBEAT,
            rebalance_timeout_ms=REBALANCE,
            partition_assignment_strategy=[StickyPartitionAssignor],
        )
        holding = _Holding(self._ids, self._log, take, give)
        said = False
        consumer.subscribe([CURSORS], listener=_Listener(consumer, holding))
        try:
            await patiently("no share of the sources can be had", consumer.start, stop.is_set)
            while not stop.is_set():
                await consumer.getmany(timeout_ms=LOOK)
                holding.check()
                if not said and not consumer.partitions_for_topic(CURSORS):
                    log.error("there is no topic %s; run `wirewatch setup`", CURSORS)
                    said = True
        except (StoppedError, StoreUnavailableError):
            if not stop.is_set():
                raise
        finally:
            await holding.drop()
            await consumer.stop()

    def _ids(self, numbers: Collection[int], partitions: int) -> list[str]:
        return [id_ for id_ in self._sources if partition_of(id_, partitions) in numbers]


class _Holding:
    """The partitions at hand, and the polling of their sources."""

    def __init__(
        self, ids: Callable[[Collection[int], int], list[str]], kept: PatientLog, take: Take, give: Give
    ) -> None:
        self._ids = ids
        self._log = kept
        self._take = take
        self._give = give
        self._taking: asyncio.Task[None] | None = None
        self._ours: list[str] = []

    def add(self, numbers: set[int], partitions: int) -> None:
        """Begins with the sources of these, beside the coordination of the group."""
        self._ours = self._ids(numbers, partitions)
        self._taking = asyncio.create_task(asyncio.to_thread(self._take, self._ours, lambda: self._log.reread(numbers)))

    async def drop(self) -> None:
        """Returns when nothing polls the sources at hand any more."""
        if self._taking:
            await asyncio.wait([self._taking])
        await asyncio.to_thread(self._give, self._ours)
        self._ours = []

    def check(self) -> None:
        """Raises what went wrong when sources were begun with."""
        if self._taking and self._taking.done():
            self._taking.result()


class _Listener(ConsumerRebalanceListener):  # type: ignore[misc]
    """What the group's coordinator calls."""

    def __init__(self, consumer: AIOKafkaConsumer, holding: _Holding) -> None:
        self._consumer = consumer
        self._holding = holding

    async def on_partitions_revoked(self, revoked: Collection[TopicPartition]) -> None:  # noqa: ARG002
        await self._holding.drop()

    async def on_partitions_assigned(self, assigned: Collection[TopicPartition]) -> None:
        self._consumer.pause(*assigned)  # the assignment is all that is wanted of it
        known = self._consumer.partitions_for_topic(CURSORS) or ()
        if assigned:
            self._holding.add({place.partition for place in assigned}, len(known))
