"""Where a partition ends."""

from collections.abc import Callable

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
