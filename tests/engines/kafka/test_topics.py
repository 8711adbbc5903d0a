"""Setting up a broker: what is missing is made, what is there is compared and never altered."""

import pytest
from kafka.admin import KafkaAdminClient

from pipeline.engines.kafka.topics import set_up, topics
from pipeline.settings import Kafka, SettingsError
from pipeline.topics import ALERTS, ARTICLES, CANDIDATES, DESKS, RAW, desk_topic


@pytest.fixture(scope="module")
def given(bootstrap: str) -> Kafka:
    return Kafka(bootstrap=bootstrap, partitions=2)


def test_every_desk_has_a_topic(given: Kafka) -> None:
    assert {desk_topic(desk) for desk in DESKS} <= {topic.name for topic in topics(given, 35)}


def test_a_dry_run_makes_nothing_and_a_second_run_finds_all_the_same(given: Kafka) -> None:
    first = set_up(given, 35, dry_run=True)
    assert {step.what for step in first} == {"create"}
    assert {step.what for step in set_up(given, 35, dry_run=True)} == {"create"}
    assert set_up(given, 35) == first
    assert {step.what for step in set_up(given, 35)} == {"same"}


def test_what_differs_is_told_and_left_alone(given: Kafka) -> None:
    set_up(given, 35)
    found = {step.name: step for step in set_up(given, 36)}
    assert found[ARTICLES].what == "differs"
    assert "retention.ms" in found[ARTICLES].text
    assert {step.what for step in set_up(given, 35)} == {"same"}


def test_the_partitions_of_a_keyed_topic_must_stay(given: Kafka) -> None:
    set_up(given, 35)
    found = {step.name: step for step in set_up(Kafka(bootstrap=given.bootstrap, partitions=3), 35)}
    assert found[CANDIDATES].what == "refused"
    assert "set kafka.partitions to 2" in found[CANDIDATES].text
    assert found[RAW].what == "differs"


def test_topics_carry_the_time_of_the_broker_and_four_mebibytes(given: Kafka) -> None:
    set_up(given, 35)
    admin = KafkaAdminClient(bootstrap_servers=given.bootstrap)
    try:
        described = {topic["name"] for topic in admin.describe_topics()}
    finally:
        admin.close()
    assert {ALERTS, ARTICLES} <= described
    for topic in topics(given, 35):
        assert topic.config["message.timestamp.type"] == "LogAppendTime"
        assert int(topic.config["max.message.bytes"]) > 4 * 1024 * 1024


def test_a_broker_that_is_not_there_is_one_clear_error() -> None:
    with pytest.raises(SettingsError, match=r"kafka\.bootstrap: 127\.0\.0\.1:1"):
        set_up(Kafka(bootstrap="127.0.0.1:1"), 35)
