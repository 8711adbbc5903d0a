"""Looks into topics as a stranger would, by kafka-python."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError

PATIENCE = 90.0


@contextmanager
def reading(bootstrap: str) -> Iterator[Any]:
    """A consumer without a group."""
    consumer = KafkaConsumer(bootstrap_servers=bootstrap, group_id=None, enable_auto_commit=False)
    try:
        yield consumer
    finally:
        consumer.close()


def records(bootstrap: str, topic: str) -> list[Any]:
    """Every record of a topic, partition by partition; a broker that has just come back is waited for."""
    until = time.monotonic() + PATIENCE
    while True:
        try:
            return _records(bootstrap, topic)
        except KafkaError:
            if time.monotonic() > until:
                raise
            time.sleep(0.5)


def _records(bootstrap: str, topic: str) -> list[Any]:
    with reading(bootstrap) as consumer:
        places = [TopicPartition(topic, number) for number in sorted(consumer.partitions_for_topic(topic) or ())]
        consumer.assign(places)
        consumer.seek_to_beginning(*places)
        ends = consumer.end_offsets(places)
        found: list[Any] = []
        while any(consumer.position(place) < ends[place] for place in places):
            for batch in consumer.poll(timeout_ms=500).values():
                found += batch
    return sorted(found, key=lambda record: (record.partition, record.offset))


def wait_for(what: str, holds: Callable[[], bool], patience: float = PATIENCE) -> None:
    """Waits until something holds.

    Raises:
        TimeoutError: it never did.
    """
    until = time.monotonic() + patience
    while not holds():
        if time.monotonic() > until:
            raise TimeoutError(f"after {patience:.0f} s: {what}")
        time.sleep(0.2)
