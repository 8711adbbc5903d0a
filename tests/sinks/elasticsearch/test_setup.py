"""`wirewatch setup` on a real Elasticsearch: what is missing is made, what differs is told, nothing is destroyed."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from elasticsearch import BadRequestError, Elasticsearch

from pipeline.engines.kafka.sending import StoppedError
from pipeline.model.codec import encode
from pipeline.model.health import SourceHealth
from pipeline.settings import Http, SettingsError
from pipeline.sinks.elasticsearch.client import connect_async
from pipeline.sinks.elasticsearch.documents import alert_document, article_document
from pipeline.sinks.elasticsearch.mapping import (
    ALERTS,
    ALIASES,
    ARTICLES,
    CHANGES,
    SOURCES,
    VERSION,
    index_of,
    template,
)
from pipeline.sinks.elasticsearch.setup import check, create, drop_old, old_indices, set_up
from pipeline.sinks.elasticsearch.sink import Record, Writer, write_of
from pipeline.topics import HEALTH
from tests.sinks.corpus import corpus
from tests.sinks.elasticsearch.conftest import wipe
from tests.sinks.elasticsearch.test_documents import alert

NOW = datetime(2026, 3, 15, tzinfo=UTC)


@pytest.fixture(autouse=True)
def nothing(client: Elasticsearch) -> Iterator[None]:
    yield
    wipe(client)


def steps(given: Http, **options: Any) -> list[tuple[str, str]]:
    return [(step.what, step.name) for step in set_up(given, 35, now=NOW, **options)]


def test_it_makes_what_is_missing_once(given: Http, client: Elasticsearch) -> None:
    first = [("create", name) for name in (*ALIASES, *(index_of(alias, NOW) for alias in ALIASES))]
    assert steps(given, dry_run=True) == first
    assert not client.indices.get(index="wirewatch-*")
    assert steps(given) == first
    assert steps(given) == [("same", name) for _, name in first]
    for alias in ALIASES:
        assert set(client.indices.get_alias(name=alias)) == {index_of(alias, NOW)}
    check(given)


def test_the_next_month_has_mapping_and_alias_by_its_template(given: Http, client: Elasticsearch) -> None:
    set_up(given, 35, now=NOW)
    create(client, "wirewatch-articles-g1-2026.04")
    create(client, "wirewatch-articles-g1-2026.04")
    assert "wirewatch-articles-g1-2026.04" in client.indices.get_alias(name=ARTICLES)
    with pytest.raises(BadRequestError, match="strict_dynamic_mapping_exception"):
        client.index(index="wirewatch-articles-g1-2026.04", document={"of_a_newer_wirewatch": 1})


def test_a_template_that_somebody_changed_is_told_and_kept(given: Http, client: Elasticsearch) -> None:
    set_up(given, 35, now=NOW)
    changed = template(SOURCES)
    changed["template"]["settings"]["index"]["number_of_shards"] = 3
    put(client, SOURCES, changed)
    told = [step for step in set_up(given, 35, now=NOW) if step.what == "differs"]
    assert [(step.name, step.text) for step in told] == [
        (SOURCES, "template: settings.index.number_of_shards is 3, wanted 1")
    ]


def test_a_newer_template_is_refused(given: Http, client: Elasticsearch) -> None:
    newer = template(CHANGES)
    newer["_meta"] = newer["template"]["mappings"]["_meta"] = {"version": VERSION + 1}
    put(client, CHANGES, newer)
    refused = [step for step in set_up(given, 35, now=NOW) if step.what == "refused"]
    assert [step.name for step in refused] == [CHANGES]
    assert "upgrade this wirewatch" in refused[0].text
    create(client, index_of(CHANGES, NOW))
    with pytest.raises(SettingsError, match="is of a newer wirewatch"):
        check(given)


@pytest.mark.parametrize(
    ("version", "what_to_do"), [(VERSION + 1, "upgrade this wirewatch"), (VERSION - 1, "run `wirewatch setup`")]
)
def test_nothing_is_written_into_indices_of_another_version(
    given: Http, client: Elasticsearch, version: int, what_to_do: str
) -> None:
    other = template(SOURCES)
    other["_meta"] = other["template"]["mappings"]["_meta"] = {"version": version}
    put(client, SOURCES, other)
    create(client, index_of(SOURCES, NOW))
    health = SourceHealth(id="s", kind="feed", name="S", state="ok")
    record = write_of(Record(HEALTH, 0, 1, "s", encode(health), 0))
    assert record

    async def write() -> None:
        writer = Writer(connect_async(given), stopping=lambda: True)
        try:
            await writer.write([record])
        finally:
            await writer.close()

    with pytest.raises(StoppedError, match=what_to_do):
        asyncio.run(write())
    assert not client.count(index=SOURCES)["count"]


def test_an_older_one_is_replaced_and_its_indices_get_the_new_fields(given: Http, client: Elasticsearch) -> None:
    older = template(ARTICLES)
    older["_meta"] = older["template"]["mappings"]["_meta"] = {"version": VERSION - 1}
    del older["template"]["mappings"]["properties"]["extras"]
    put(client, ARTICLES, older)
    create(client, index_of(ARTICLES, NOW))
    assert ("create", ARTICLES) in steps(given)
    client.index(index=index_of(ARTICLES, NOW), document=article_document(corpus()[0]))
    assert {what for what, _ in steps(given)} == {"same"}


def test_months_past_the_retention_are_told_and_dropped_on_demand(given: Http, client: Elasticsearch) -> None:
    set_up(given, 35, now=NOW)
    months = [f"wirewatch-articles-g1-2026.0{month}" for month in (1, 2)]
    for name in months:
        create(client, name)
    assert old_indices(client, ARTICLES, timedelta(days=35), NOW) == months[:1]
    assert ("differs", months[0]) in steps(given)
    assert ("drop", months[0]) in steps(given, drop=True, dry_run=True)
    assert ("drop", months[0]) in steps(given, drop=True)
    assert sorted(client.indices.get_alias(name=ARTICLES)) == [months[1], index_of(ARTICLES, NOW)]
    assert drop_old(client, SOURCES, timedelta(days=1), NOW + timedelta(days=4000)) == []


def test_a_month_with_an_open_alert_stays(given: Http, client: Elasticsearch) -> None:
    set_up(given, 35, now=NOW)
    for month, change in (("01", "updated"), ("02", "resolved")):
        index = f"{ALERTS}-g1-2025.{month}"
        create(client, index)
        document = alert_document(msgspec.structs.replace(alert(), change=change))
        client.index(index=index, document=document, refresh=True)
    assert drop_old(client, ALERTS, timedelta(days=35), NOW) == [f"{ALERTS}-g1-2025.02"]


def test_who_needs_the_indices_is_told_to_set_up(given: Http) -> None:
    with pytest.raises(SettingsError, match=r"has no wirewatch-articles; run `wirewatch setup`"):
        check(given)
    with pytest.raises(SettingsError, match=r"elasticsearch\.url cannot be reached"):
        set_up(Http(url="http://127.0.0.1:9"), 35)


def put(client: Elasticsearch, name: str, body: dict[str, Any]) -> None:
    inner = {key: value for key, value in body.items() if key != "_meta"}
    client.indices.put_index_template(name=name, **inner, meta=body["_meta"])
