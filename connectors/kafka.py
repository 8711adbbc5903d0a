"""Articles that stand on a topic of another Kafka: a bridge from any topic."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any, Literal

import msgspec
from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError
from pydantic import ConfigDict, Field

from connectors.formats.articles import read_json
from connectors.sdk import AuthError, Bad, Batch, Context, GoneError, Secret, SourceConfig, TransientError, source
from pipeline.engines.kafka import clients
from pipeline.model.article import Article
from pipeline.settings import Kafka, Mechanism

BATCH = 500
"""Records taken at a time."""
WAIT = 200
"""Milliseconds that records are waited for."""
QUIET = 1.0
"""Seconds between looks where there were none."""
ANSWER = 10_000
"""Milliseconds in which a broker must answer."""
NEW_PARTITIONS = 300.0
"""Seconds between looks for partitions that were added."""


class KafkaConfig(SourceConfig):
    """Which topic, on which brokers."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"bootstrap": "kafka.newsroom.example:9092", "topic": "wire.articles"}]}
    )

    bootstrap: str = Field(description="host:port of a broker, several with commas between.")
    topic: str = Field(
        description="The topic; each record is an article, in our own form or as ninjs, or a list of them."
    )
    start: Literal["earliest", "latest"] = Field("earliest", description="Where to begin the first time.")
    tls: bool = Field(False, description="Speak TLS.")
    ca_file: str = Field("", description="PEM of the authority, where it is none of the system's.")
    mechanism: Mechanism | None = Field(None, description="Of SASL, with `user` and `password`.")
    user: str = Field("", description="User, where a mechanism is given.")
    password: Secret | None = Field(None, description="Password, where a mechanism is given.")


@source("kafka", config=KafkaConfig)
async def kafka(config: KafkaConfig, context: Context) -> AsyncIterator[Batch]:
    """Articles of a topic of another Kafka."""
    offsets = _read_cursor(context.cursor)
    consumer = await _call(KafkaConsumer, **_arguments(config))
    try:
        looked = float("-inf")
        while True:
            if asyncio.get_running_loop().time() - looked >= NEW_PARTITIONS:
                await _call(_assign, consumer, config.topic, offsets)
                looked = asyncio.get_running_loop().time()
            records = await _call(consumer.poll, timeout_ms=WAIT, max_records=BATCH)
            if not records:
                yield Batch(next_poll=QUIET)
                continue
            items: list[Article | Bad] = []
            for place, found in records.items():
                for record in found:
                    key = f"{place.topic}[{place.partition}]@{record.offset}"
                    items.extend(await read_json(record.value or b"", key, context) if record.value else ())
                offsets[str(place.partition)] = found[-1].offset + 1
            yield Batch(items, dict(offsets), next_poll=0)
    finally:
        with suppress(KafkaError):
            await asyncio.shield(_call(consumer.close))


def _read_cursor(cursor: Any) -> dict[str, int]:
    """Offset of the next record of each partition."""
    try:
        return msgspec.convert(cursor or {}, dict[str, int])
    except msgspec.ValidationError:
        return {}


def _arguments(config: KafkaConfig) -> dict[str, Any]:
    given = Kafka(
        bootstrap=config.bootstrap,
        tls=config.tls,
        ca_file=config.ca_file,
        mechanism=config.mechanism,
        user=config.user,
        password=config.password.get_secret_value() if config.password else "",
    )
    return {
        **clients.kafka_python(given),
        "group_id": None,
        "enable_auto_commit": False,
        "auto_offset_reset": config.start,
        "bootstrap_timeout_ms": ANSWER,
        "request_timeout_ms": ANSWER,
    }


def _assign(consumer: KafkaConsumer, topic: str, offsets: dict[str, int]) -> None:
    """Reads every partition from where the cursor stands; an offset that is no longer kept gives way to the start."""
    partitions = consumer.partitions_for_topic(topic)
    if not partitions:
        raise GoneError(f"there is no topic `{topic}` there, or it may not be read; check the name and the rights")
    places = [TopicPartition(topic, number) for number in sorted(partitions)]
    consumer.assign(places)
    for place in places:
        offset = offsets.get(str(place.partition))
        if offset is not None:
            first, behind = consumer.beginning_offsets([place])[place], consumer.end_offsets([place])[place]
            consumer.seek(place, offset if first <= offset <= behind else first)


async def _call(function: Any, *args: Any, **kwargs: Any) -> Any:
    """Does what blocks in a thread, and gives its failures their types."""
    try:
        return await asyncio.to_thread(function, *args, **kwargs)
    except KafkaError as error:
        said = f"Kafka does not answer as it should: {error}"
        if "auth" in type(error).__name__.lower():
            raise AuthError(f"{said}; check `user`, `password` and the rights on the topic") from None
        raise TransientError(f"{said}; check `bootstrap`") from None
