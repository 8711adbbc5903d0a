"""A partition to its end, and where that is."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition

from pipeline.engines.kafka import clients
from pipeline.engines.kafka.sending import patiently
from pipeline.settings import Kafka


async def end_of(given: Kafka, topic: str, partition: int, stopping: Callable[[], bool]) -> int:
    """The offset that the next record of a partition will have."""

    async def ask() -> int:
        consumer = AIOKafkaConsumer(**clients.aiokafka(given), group_id=None, enable_auto_commit=False)
        await consumer.start()
        try:
            place = TopicPartition(topic, partition)
            return int((await consumer.end_offsets([place]))[place])
        finally:
            await consumer.stop()

    return await patiently(f"{topic} cannot be read", ask, stopping)


async def until(consumer: AIOKafkaConsumer, place: TopicPartition, end: int) -> AsyncIterator[Sequence[Any]]:
    """Batches of records from where a consumer stands in a partition to an offset."""
    while await consumer.position(place) < end:
        for batch in (await consumer.getmany(place, timeout_ms=500)).values():
            yield batch
        await asyncio.sleep(0)  # a group's heartbeat must not starve behind a long log
