"""The bridge from another Kafka, on a real broker: every record once, from where the cursor stands."""

import json
from typing import Any

import pytest
from kafka import KafkaProducer
from kafka.admin import KafkaAdminClient, NewTopic

from connectors.sdk import Batch, GoneError, TransientError
from tests.connectors.poll import articles, bad, last_cursor, poll


@pytest.fixture(scope="module")
def topic(bootstrap: str) -> str:
    """A topic of two partitions with three articles, a list, ninjs, something broken and a tombstone."""
    name = "newsroom.articles"
    admin = KafkaAdminClient(bootstrap_servers=bootstrap)
    admin.create_topics([NewTopic(name, 2, 1)])
    admin.close()
    put(bootstrap, name, [record(1), record(2), record(3), [record(4), record(5)], ninjs(6)])
    put(bootstrap, name, [None, "broken"], partition=1)
    return name


def record(number: int) -> dict[str, str]:
    return {"url": f"https://wire.example/{number}", "title": f"Title {number}", "body": "Text."}


def ninjs(number: int) -> dict[str, str]:
    return {"uri": f"urn:wire:{number}", "headline": f"Title {number}", "body_text": "Text."}


def put(bootstrap: str, topic: str, values: list[Any], partition: int = 0) -> None:
    producer = KafkaProducer(bootstrap_servers=bootstrap)
    for value in values:
        data = None if value is None else b"{" if value == "broken" else json.dumps(value).encode()
        producer.send(topic, value=data, key=b"k", partition=partition)
    producer.flush()
    producer.close()


def look(bootstrap: str, topic: str, cursor: Any = None, **config: Any) -> list[Batch]:
    return poll(cursor, kind="kafka", bootstrap=bootstrap, topic=topic, **config)


def test_every_record_comes_once_and_the_cursor_goes_on(bootstrap: str, topic: str) -> None:
    first = look(bootstrap, topic)
    assert sorted(found.title for found in articles(first)) == [f"Title {number}" for number in range(1, 7)]
    assert [item.key for item in bad(first)] == [f"{topic}[1]@1"]
    assert last_cursor(first) == {"0": 5, "1": 2}
    assert not articles(look(bootstrap, topic, last_cursor(first)))
    put(bootstrap, topic, [record(7)], partition=1)
    assert [found.title for found in articles(look(bootstrap, topic, last_cursor(first)))] == ["Title 7"]


def test_what_is_no_longer_kept_gives_way_to_the_first_that_is(bootstrap: str, topic: str) -> None:
    assert len(articles(look(bootstrap, topic, {"0": 99, "1": 99}))) >= 6


def test_only_what_is_new_where_that_is_wanted(bootstrap: str, topic: str) -> None:
    assert not articles(look(bootstrap, topic, start="latest"))


def test_what_is_wrong_is_said(bootstrap: str) -> None:
    with pytest.raises(GoneError, match="no topic `other`"):
        look(bootstrap, "other")
    with pytest.raises(TransientError, match="`bootstrap`"):
        look("127.0.0.1:1", "other")
