"""What connectors write to: articles, cursors and health on Kafka, by kafka-python."""

import json
import time
from collections.abc import Collection, Iterator, Sequence
from typing import Any

import msgspec
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.errors import KafkaError, MessageSizeTooLargeError

from pipeline.engines.errors import StoreUnavailableError
from pipeline.engines.kafka import clients
from pipeline.engines.kafka.topics import LARGEST
from pipeline.engines.runner import refused_letter
from pipeline.model.article import Article
from pipeline.model.codec import decode, encode
from pipeline.model.dead_letter import DeadLetter
from pipeline.model.health import SourceHealth
from pipeline.settings import Kafka
from pipeline.topics import CURSORS, DEAD_LETTERS, HEALTH, RAW

PATIENCE = 180.0
"""Seconds that one delivery may take before the connector hears that nothing was taken in."""


class KafkaLog:
    """The log that connectors append to. Use it from one thread.

    A cursor is sent only when the broker has acknowledged every article before it, so that after a crash at any moment
    a connector begins at or before the first article that is missing.
    """

    def __init__(self, given: Kafka) -> None:
        self._given = given
        self._producer = KafkaProducer(
            **clients.kafka_python(given),
            acks="all",
            linger_ms=5,
            max_request_size=clients.LARGEST_REQUEST,
            delivery_timeout_ms=int(1000 * PATIENCE),
            request_timeout_ms=15_000,
            max_block_ms=120_000,
        )
        self._cursors: dict[str, str] | None = None

    def append(self, articles: Sequence[Article], cursor: tuple[str, str] | None = None) -> None:
        """Takes articles in, then moves the cursor (source id, opaque cursor) behind them; durable when it returns.

        An article that cannot be written becomes a dead letter beside the others.

        Raises:
            StoreUnavailableError: not everything was acknowledged, and the cursor stands where it stood.
        """
        self._send([(RAW, article.id, *_written(article)) for article in articles])
        if cursor:
            source, value = cursor
            self._send([(CURSORS, source, value.encode(), None)])
            self._known_cursors()[source] = value

    def reject(self, letter: DeadLetter) -> None:
        """Keeps what a connector could not make an article of."""
        self._send([(DEAD_LETTERS, letter.key, encode(letter), None)])

    def cursor(self, source: str) -> str | None:
        """Where a connector has to go on; None where it has never been."""
        return self._known_cursors().get(source)

    def reread(self, partitions: Collection[int]) -> None:
        """Learns the cursors in some partitions anew, which another process may have written."""
        known = self._cursors if self._cursors is not None else {}
        self._cursors = known | {source: value.decode() for source, value in self._whole(CURSORS, partitions)}

    def health(self, source: SourceHealth) -> None:
        """The latest word on a source."""
        self._send([(HEALTH, source.id, encode(source), None)])

    def sources(self) -> list[SourceHealth]:
        """The latest word on every source, by id."""
        latest = dict(self._whole(HEALTH))
        return [decode(latest[id_], SourceHealth) for id_ in sorted(latest)]

    def close(self) -> None:
        """Closes the producer; everything that was acknowledged is with the broker."""
        self._producer.close(timeout=5)

    def _known_cursors(self) -> dict[str, str]:
        if self._cursors is None:
            self._cursors = {source: value.decode() for source, value in self._whole(CURSORS)}
        return self._cursors

    def _send(self, records: Sequence[tuple[str, str, bytes, Exception | None]]) -> None:
        waiting = [(record, self._produce(*record)) for record in records]
        refused = []
        try:
            self._producer.flush(timeout=PATIENCE)
            for (topic, key, value, _), future in waiting:
                try:
                    future.get(timeout=PATIENCE)
                except MessageSizeTooLargeError as error:
                    refused.append((topic, key, value, error))
        except KafkaError as error:
            raise StoreUnavailableError(f"Kafka at {self._given.bootstrap} does not take articles: {error}") from error
        if refused:
            self._send([(topic, key, value, error) for topic, key, value, error in refused])

    def _produce(self, topic: str, key: str, value: bytes, error: Exception | None) -> Any:
        if error:
            letter = refused_letter("append", topic, None, key, value, micros_now(), error)
            return self._producer.send(DEAD_LETTERS, key=key.encode(), value=letter)
        return self._producer.send(topic, key=key.encode(), value=value)

    def _whole(self, topic: str, partitions: Collection[int] | None = None) -> Iterator[tuple[str, bytes]]:
        """Keys and values of some partitions, or all of them, from the beginning to the present end."""
        consumer = KafkaConsumer(**clients.kafka_python(self._given), group_id=None, enable_auto_commit=False)
        try:
            numbers = (consumer.partitions_for_topic(topic) or ()) if partitions is None else partitions
            places = [TopicPartition(topic, number) for number in sorted(numbers)]
            if not places:
                return
            consumer.assign(places)
            consumer.seek_to_beginning(*places)
            ends = consumer.end_offsets(places)
            while any(consumer.position(place) < end for place, end in ends.items()):
                for records in consumer.poll(timeout_ms=500).values():
                    for record in records:
                        if record.value is not None:
                            yield (record.key or b"").decode(), record.value
        except KafkaError as error:
            raise StoreUnavailableError(f"{topic} cannot be read from {self._given.bootstrap}: {error}") from error
        finally:
            consumer.close()


def micros_now() -> int:
    """The time, microseconds since 1970."""
    return time.time_ns() // 1000


def _written(article: Article) -> tuple[bytes, Exception | None]:
    """The article as it is sent, or as far as it can be written, with what is wrong."""
    try:
        value = encode(article)
        article.id.encode()
    except (ValueError, TypeError, msgspec.MsgspecError) as error:
        return json.dumps(msgspec.to_builtins(article), default=str).encode(), error
    if len(value) > LARGEST:
        return value, ValueError(f"an article of {len(value):,} bytes, over {LARGEST:,}")
    return value, None
