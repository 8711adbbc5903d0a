"""What is written to a real Elasticsearch: everything, once, in its newest version, whatever becomes of the server."""

import asyncio
import threading
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from elasticsearch import AsyncElasticsearch, Elasticsearch

from pipeline.engines.kafka.sending import StoppedError
from pipeline.model.codec import encode
from pipeline.model.enriched import EnrichedArticle, Language, StoryRef
from pipeline.settings import Http
from pipeline.sinks.elasticsearch import mapping
from pipeline.sinks.elasticsearch.setup import set_up
from pipeline.sinks.elasticsearch.sink import Record, Refused, Write, Writer, write_of
from pipeline.topics import ARTICLES, DEAD_LETTERS
from tests.engines.toys import article
from tests.stack import elasticsearch as stack
from tests.stack.fixtures import begun
from tests.stack.topics import wait_for

NOON = datetime(2026, 3, 31, 12, tzinfo=UTC)
LARGEST = 1024 * 1024
"""Bytes of a request that this server takes."""


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[stack.Elasticsearch]:
    """A node of this module's own, which takes small requests only."""
    made: list[stack.Elasticsearch] = []

    def start() -> None:
        made.append(stack.Elasticsearch(tmp_path_factory.mktemp("elasticsearch")))
        with (made[0].folder / "home" / "config" / "elasticsearch.yml").open("a") as config:
            config.write("http.max_content_length: 1mb\n")
        made[0].start()
        set_up(Http(url=made[0].url), 35)

    begun(start)
    yield made[0]
    made[0].stop()


@pytest.fixture
def client(node: stack.Elasticsearch) -> Iterator[Elasticsearch]:
    made = Elasticsearch(node.url)
    yield made
    made.close()


def finished(number: int, version: int = 1, title: str = "", stored: datetime = NOON) -> EnrichedArticle:
    """An article as relate sends it."""
    raw = article(number, title or f"Title {number}")
    return EnrichedArticle(
        **msgspec.structs.asdict(raw),
        language=Language(code="en", confidence=1.0, by="input"),
        story=StoryRef(id=raw.id, origin=raw.id),
        stored=stored,
        version=version,
    )


def write(made: EnrichedArticle) -> Write:
    """What the sink makes of the record of an article."""
    found = write_of(Record(ARTICLES, 0, made.version or 0, made.id, encode(made), 0))
    assert found
    return found


def written(
    node: stack.Elasticsearch, writes: Sequence[Write], stopping: Callable[[], bool] = lambda: False
) -> list[Refused]:
    """Writes and waits until that is done; what was refused."""

    async def work() -> list[Refused]:
        writer = Writer(AsyncElasticsearch(node.url), stopping, timeout=2.0)
        try:
            return await writer.write(writes)
        finally:
            await writer.close()

    return asyncio.run(work())


def titles(client: Elasticsearch, ids: Sequence[str]) -> dict[str, str]:
    """Titles of the articles among these that are found, each counted once."""
    client.indices.refresh(index=mapping.ARTICLES)
    found = client.search(index=mapping.ARTICLES, query={"ids": {"values": list(ids)}}, size=1000)["hits"]["hits"]
    assert len({hit["_id"] for hit in found}) == len(found), "an article has two documents"
    return {hit["_id"]: hit["_source"]["title"] for hit in found}


def test_the_newest_version_stays_whatever_the_order(node: stack.Elasticsearch, client: Elasticsearch) -> None:
    versions = [finished(1, version, f"Version {version}") for version in (3, 7, 5, 7)]
    assert not written(node, [write(made) for made in versions])
    assert not written(node, [write(versions[0])])
    assert titles(client, [versions[0].id]) == {versions[0].id: "Version 7"}


def test_where_the_newest_is_refused_the_newest_that_can_be_written_stays(
    node: stack.Elasticsearch, client: Elasticsearch
) -> None:
    old, older = (write(finished(2, version, f"Version {version}")) for version in (4, 2))
    refused = written(node, [older, old, old._replace(version=6, document=b'{"stored": "yesterday"}')])
    assert [made.version for made, _ in refused] == [6]
    assert titles(client, [old.id]) == {old.id: "Version 4"}


def test_text_is_stemmed_only_where_the_index_has_an_analyzer_of_the_language(
    node: stack.Elasticsearch, client: Elasticsearch
) -> None:
    stored = NOON + timedelta(days=400)
    made = mapping.template(mapping.ARTICLES, {"en": "simple"})["template"]
    client.indices.create(index=mapping.index_of(mapping.ARTICLES, stored), mappings=made["mappings"])
    assert not written(node, [write(finished(3, title="Embassy", stored=stored))])
    client.indices.refresh(index=mapping.ARTICLES)
    assert client.count(index=mapping.ARTICLES, query={"match": {"stemmed.en": "embassy"}})["count"] == 1


def test_a_document_lies_in_the_index_of_its_month(node: stack.Elasticsearch, client: Elasticsearch) -> None:
    months = [NOON, NOON + timedelta(days=1), NOON + timedelta(days=31)]
    made = [finished(10 + number, stored=stored) for number, stored in enumerate(months)]
    written(node, [write(one) for one in made])
    client.indices.refresh(index=mapping.ARTICLES)
    found = client.search(index=mapping.ARTICLES, query={"ids": {"values": [one.id for one in made]}})["hits"]["hits"]
    assert {hit["_id"]: hit["_index"] for hit in found} == {
        one.id: mapping.index_of(mapping.ARTICLES, stored) for one, stored in zip(made, months, strict=True)
    }


def test_what_can_never_be_written_is_refused_and_its_neighbours_are_not(
    node: stack.Elasticsearch, client: Elasticsearch
) -> None:
    good = [write(finished(number)) for number in range(20, 24)]
    no_date = good[1]._replace(id="no-date", document=b'{"stored": "yesterday"}')
    long_id = good[1]._replace(id="i" * 600)
    refused = written(node, [good[0], no_date, good[1], long_id, good[2], good[3]])
    assert [(made.id, reason[:3]) for made, reason in refused] == [("no-date", "400"), ("i" * 600, "400")]
    assert "yesterday" in refused[0][1]
    assert set(titles(client, [made.id for made in good])) == {made.id for made in good}


def test_a_request_that_is_too_large_is_split(node: stack.Elasticsearch, client: Elasticsearch) -> None:
    def long(number: int, characters: int) -> Write:
        return write(msgspec.structs.replace(finished(number), body="word " * (characters // 5)))

    writes = [long(30 + number, 150_000) for number in range(5)]
    refused = written(node, [*writes[:2], long(40, LARGEST), *writes[2:]])
    assert [reason[:3] for _, reason in refused] == ["413"]
    assert len(titles(client, [made.id for made in writes])) == 5


def test_a_server_that_is_full_hangs_or_is_away_is_waited_for(node: stack.Elasticsearch, client: Elasticsearch) -> None:
    index = mapping.index_of(mapping.ARTICLES, NOON)
    writes = [write(finished(number)) for number in range(100, 160)]
    written(node, writes[:1])

    def during(some: Sequence[Write], trouble: Callable[[], None], over: Callable[[], None]) -> None:
        trouble()
        results: list[list[Refused]] = []
        thread = threading.Thread(target=lambda: results.append(written(node, some)))
        thread.start()
        thread.join(1.0)
        assert thread.is_alive(), "it did not wait"
        over()
        thread.join(60)
        assert results == [[]]

    def blocked(is_blocked: bool) -> None:
        client.indices.put_settings(index=index, settings={"index.blocks.read_only_allow_delete": is_blocked})

    during(writes[0:10], lambda: blocked(True), lambda: blocked(False))
    during(writes[10:20], node.pause, node.resume)
    during(writes[20:40], node.kill, node.start)
    client.indices.delete(index=index)
    during(writes[40:], node.pause, node.resume)
    assert not written(node, writes[:40])
    assert len(titles(client, [made.id for made in writes])) == len(writes)


def test_a_stop_ends_the_waiting(node: stack.Elasticsearch) -> None:
    stop = threading.Event()
    node.pause()
    raised: list[BaseException] = []

    def work() -> None:
        try:
            written(node, [write(finished(200))], stop.is_set)
        except StoppedError as error:
            raised.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    stop.set()
    try:
        wait_for("it did not stop", lambda: not thread.is_alive(), 10)
    finally:
        node.resume()
    assert raised


@pytest.mark.parametrize(
    ("topic", "value"),
    [(ARTICLES, b"{"), (ARTICLES, encode(article(1, "Not related"))), (DEAD_LETTERS, b"null")],
)
def test_a_record_that_is_no_document_is_refused(topic: str, value: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        write_of(Record(topic, 0, 0, "key", value, 0))
    assert write_of(Record(topic, 0, 0, "key", None, 0)) is None
