"""The topics of the graph as data, and the command that creates or checks them."""

import time
from collections.abc import Sequence
from typing import Literal, NamedTuple

from kafka.admin import ConfigResource, ConfigResourceType, KafkaAdminClient
from kafka.errors import KafkaError, TopicAlreadyExistsError

from pipeline.engines.kafka import clients
from pipeline.settings import Kafka, SettingsError
from pipeline.topics import (
    ACTIONS,
    ALERTS,
    ARTICLES,
    CANDIDATES,
    CURSORS,
    DEAD_LETTERS,
    DESKS,
    ENRICHED,
    HEALTH,
    RAW,
    RULES,
    STATE,
    desk_topic,
)

HOUR, DAY = 3_600_000, 86_400_000
"""Milliseconds."""
LARGEST = 4 * 1024 * 1024
"""Bytes of a record, at most."""
OVERHEAD = 64 * 1024
"""Bytes that key, headers and the batch around a record may take besides."""

IN_TRANSIT = 7
"""Days that a topic keeps what another stage has long read."""
REMEMBERED = 45
"""Days that relate's own log is kept: it knows an article for 35 days after its latest revision."""


VISIBLE_WITHIN = 10.0
"""Seconds that are waited for a topic that was made."""
SHARES = 60
"""Partitions of the cursors: the most processes that sources can be divided among."""


class Topic(NamedTuple):
    """A topic as it should be."""

    name: str
    partitions: int
    keyed: bool
    """Whether records find their partition by key: the number of partitions must never change then."""
    config: dict[str, str]


def topics(given: Kafka, retention_days: int) -> tuple[Topic, ...]:
    """Every topic of the graph."""
    spread = given.partitions

    def topic(
        name: str,
        partitions: int = 1,
        *,
        days: int | None = None,
        cleanup: Literal["delete", "compact", "compact,delete"] = "delete",
        keyed: bool = True,
        tombstones: int | None = None,
    ) -> Topic:
        """`tombstones`: days that it is remembered what was forgotten, as long as other topics speak of it."""
        config = {
            "cleanup.policy": cleanup,
            "message.timestamp.type": "LogAppendTime",
            "max.message.bytes": str(LARGEST + OVERHEAD),
            "min.insync.replicas": "2" if given.replication > 2 else "1",
        }
        if days:
            config["retention.ms"] = str(days * DAY)
        if cleanup == "compact":
            config["segment.ms"] = str(HOUR)  # what was replaced goes soon, and is not read at every start
        if tombstones:
            config["delete.retention.ms"] = str(tombstones * DAY)
        return Topic(name, partitions, keyed, config)

    return (
        topic(RAW, spread, days=IN_TRANSIT, keyed=False),
        topic(ENRICHED, days=IN_TRANSIT),
        topic(ARTICLES, spread, days=retention_days, cleanup="compact,delete", tombstones=retention_days),
        topic(CANDIDATES, spread, days=IN_TRANSIT),
        topic(STATE["relate"], days=REMEMBERED),
        topic(STATE["correlate"], spread, cleanup="compact"),
        *(topic(desk_topic(desk), days=retention_days) for desk in DESKS),
        topic(ALERTS, cleanup="compact"),
        topic(ACTIONS, days=IN_TRANSIT),
        topic(RULES, cleanup="compact"),
        topic(CURSORS, SHARES, cleanup="compact", keyed=False),  # each process reads how many there are
        topic(HEALTH, cleanup="compact"),
        topic(DEAD_LETTERS, days=retention_days, keyed=False),
    )


class Step(NamedTuple):
    """What `setup` did, would do, or found different."""

    what: Literal["create", "replace", "same", "differs", "refused", "drop"]
    name: str
    text: str


def set_up(given: Kafka, retention_days: int, *, dry_run: bool = False) -> list[Step]:
    """Creates the topics that are missing and compares the others; never alters or removes one.

    Raises:
        SettingsError: the broker cannot be reached, or refuses.
    """
    wanted = topics(given, retention_days)
    try:
        admin = KafkaAdminClient(**clients.kafka_python(given), bootstrap_timeout_ms=10_000)
        try:
            existing = set(admin.list_topics())
            here = [topic for topic in wanted if topic.name in existing]
            steps = _compare(admin, here)
            missing = [topic for topic in wanted if topic.name not in existing]
            if missing and not dry_run:
                _create(admin, missing, given.replication)
            steps += [Step("create", topic.name, _described(topic)) for topic in missing]
        finally:
            admin.close()
    except KafkaError as error:
        raise SettingsError(f"kafka.bootstrap: {given.bootstrap}: {error or type(error).__name__}") from None
    return sorted(steps, key=lambda step: step.name)


def _create(admin: KafkaAdminClient, missing: Sequence[Topic], replication: int) -> None:
    for topic in missing:
        try:
            admin.create_topics(
                {
                    topic.name: {
                        "num_partitions": topic.partitions,
                        "replication_factor": replication,
                        "configs": topic.config,
                    }
                }
            )
        except TopicAlreadyExistsError:  # another setup was first
            continue
    until = time.monotonic() + VISIBLE_WITHIN
    while {topic.name for topic in missing} - set(admin.list_topics()) and time.monotonic() < until:
        time.sleep(0.1)  # a topic of many partitions is made before every broker knows of it


def _described(topic: Topic) -> str:
    settings = ", ".join(f"{key}={value}" for key, value in topic.config.items())
    return f"{topic.partitions} partitions, {settings}"


def _compare(admin: KafkaAdminClient, here: Sequence[Topic]) -> list[Step]:
    if not here:
        return []
    described = {topic["name"]: len(topic["partitions"]) for topic in admin.describe_topics([t.name for t in here])}
    resources = [ConfigResource(ConfigResourceType.TOPIC, topic.name) for topic in here]
    configs = admin.describe_configs(resources, config_filter="all")["topic"]
    return [
        _compared(topic, described[topic.name], {key: entry["value"] for key, entry in configs[topic.name].items()})
        for topic in here
    ]


def _compared(topic: Topic, partitions: int, config: dict[str, str]) -> Step:
    if partitions != topic.partitions and topic.keyed:
        return Step(
            "refused",
            topic.name,
            f"has {partitions} partitions and kafka.partitions says {topic.partitions}: records find their partition "
            f"by key, so that the number must stay; set kafka.partitions to {partitions}",
        )
    different = [
        f"{key} is {config.get(key)}, wanted {value}"
        for key, value in topic.config.items()
        if sorted((config.get(key) or "").split(",")) != sorted(value.split(","))
    ]
    if partitions != topic.partitions:
        different.append(f"{partitions} partitions, wanted {topic.partitions}")
    return Step("differs", topic.name, "; ".join(different)) if different else Step("same", topic.name, "")
