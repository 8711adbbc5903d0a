"""From a connector to those who read, over a real Kafka and a real Elasticsearch, with every client a stranger's."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest
from elasticsearch import Elasticsearch
from kafka import KafkaConsumer
from starlette.testclient import TestClient
from typer.testing import CliRunner

from pipeline import cli
from pipeline.alerting.rules import RuleSet
from pipeline.commands.common import ProblemError
from pipeline.engines.kafka import looking
from pipeline.engines.kafka.log import KafkaLog
from pipeline.engines.kafka.rules import publish
from pipeline.engines.kafka.topics import set_up as set_up_topics
from pipeline.model.article import Article, from_input
from pipeline.model.codec import encode
from pipeline.model.dead_letter import dead_letter
from pipeline.model.health import SourceHealth
from pipeline.settings import Settings, load
from pipeline.sinks.elasticsearch.generations import generations
from pipeline.sinks.elasticsearch.mapping import ARTICLES as ARTICLES_ALIAS
from pipeline.sinks.elasticsearch.mapping import index_of
from pipeline.sinks.elasticsearch.reader import Reader
from pipeline.sinks.elasticsearch.reindex import REBUILT
from pipeline.sinks.elasticsearch.setup import set_up
from pipeline.topics import ALERTS, ARTICLES, CURSORS, DESKS, RAW, desk_topic
from pipeline.web.app import create_app
from tests.engines.toys import article
from tests.stack.elasticsearch import Elasticsearch as Server
from tests.stack.topics import records, wait_for
from tests.stack.workers import Worker
from tests.web.conftest import EMBASSY

SEEDS = Path(__file__).parents[2] / "seeds" / "articles"
OUTLET = b"caspian"
"""Who reported on the embassy, as every naming of the article has it."""
DIPLOMACY = desk_topic("diplomacy")


class Installation(NamedTuple):
    """wirewatch on servers, with all of its stages at work."""

    settings: Settings
    environment: dict[str, str]
    sink: Worker
    articles: list[Article]
    """What a connector has taken in: seeds, and the report on the embassy, which is fresh."""

    @property
    def bootstrap(self) -> str:
        return self.settings.kafka.bootstrap


@pytest.fixture(scope="module")
def running(bootstrap: str, elasticsearch_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    folder = tmp_path_factory.mktemp("installation")
    environment = {
        "WIREWATCH_KAFKA_BOOTSTRAP": bootstrap,
        "WIREWATCH_KAFKA_PARTITIONS": "2",
        "WIREWATCH_ELASTICSEARCH_URL": elasticsearch_url,
        "WIREWATCH_DATA": str(folder / "data"),
    }
    settings = load(environ=environment)
    set_up_topics(settings.kafka, settings.retention_days)
    set_up(settings.elasticsearch, settings.retention_days)
    asyncio.run(publish(settings.kafka, RuleSet.starter()))
    lines = [line for file in sorted(SEEDS.glob("0[2-4]*.jsonl")) for line in file.read_bytes().splitlines()]
    articles = [*(from_input(line)[1] for line in lines), msgspec.structs.replace(EMBASSY, published=None)]
    log = KafkaLog(settings.kafka)
    log.append(articles, ("seeds", "1"))
    log.health(SourceHealth(id="seeds", kind="folder", name="Seeds", state="ok", items=len(articles)))
    letter = dead_letter(
        stage="enrich", topic=RAW, offset=0, key="k", reason="it was jammed", at=datetime.now(UTC), data=b"{}"
    )
    log.reject(letter)
    log.reject(letter)
    log.close()
    worker = Worker(folder, bootstrap, "enrich,relate,correlate,inbox", environment)
    sink = Worker(folder, bootstrap, "sink", environment)
    try:
        worker.start()
        sink.start()
        yield Installation(settings, environment, sink, articles)
    finally:
        worker.stop()
        sink.stop()


@pytest.fixture
def reader(running: Installation) -> Iterator[Reader]:
    """What the console reads, once everything has come through."""
    made = Reader(running.settings)
    wait_for(
        "not all came through", lambda: not any(made.counts().lag.values()) and bool(records(running.bootstrap, ALERTS))
    )
    Elasticsearch(running.settings.elasticsearch.url).indices.refresh(index="wirewatch-*")
    yield made
    made.close()


@pytest.fixture
def command(running: Installation, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., Any]:
    """Runs a command of the installation."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("WIREWATCH_")]:
        monkeypatch.delenv(name)

    def run(*arguments: str) -> Any:
        return CliRunner().invoke(cli.app, arguments, env=running.environment, catch_exceptions=False)

    return run


def test_a_subscriber_gets_the_alert_as_a_cloudevent(running: Installation) -> None:
    consumer = KafkaConsumer(
        DIPLOMACY, bootstrap_servers=running.bootstrap, auto_offset_reset="earliest", consumer_timeout_ms=60_000
    )
    record = next(iter(consumer))
    consumer.close()
    event = json.loads(record.value)
    headers = {name: value.decode() for name, value in record.headers}
    assert headers["content-type"] == "application/cloudevents+json; charset=UTF-8"
    assert {f"ce_{name}" for name in event if name not in ("data", "datacontenttype")} <= set(headers)
    assert {name: headers[f"ce_{name}"] for name in ("specversion", "id", "source", "type", "subject")} == {
        "specversion": "1.0",
        "id": f"{event['data']['id']}/1",
        "source": "/wirewatch/desks/diplomacy",
        "type": "org.wirewatch.alert.raised",
        "subject": record.key.decode(),
    }
    assert datetime.fromisoformat(headers["ce_time"]) == datetime.fromisoformat(event["time"])
    assert event["data"]["rule"]["id"] == "diplomatic-premises-hit"


def test_a_stranger_finds_the_article(running: Installation, reader: Reader) -> None:
    client = Elasticsearch(running.settings.elasticsearch.url)
    query = {"bool": {"filter": [{"term": {"states": "AZE"}}, {"match": {"title": "embassy"}}]}}
    found = client.search(index="wirewatch-articles", query=query, size=100)["hits"]["hits"]
    assert EMBASSY.id in {hit["_id"] for hit in found}
    count = client.count(index="wirewatch-articles")["count"]
    assert count == len({article.id for article in running.articles})
    assert reader.search("", limit=0).total == count


def test_the_reader_gives_what_the_topics_hold(running: Installation, reader: Reader) -> None:
    finished = {record.key.decode(): record.value for record in records(running.bootstrap, ARTICLES)}
    article = reader.article(EMBASSY.id)
    assert article
    assert msgspec.json.Encoder(order="deterministic").encode(article) == finished[EMBASSY.id]
    (alert,) = [
        alert for alert in reader.alerts(desk="diplomacy", open_only=True) if alert.articles[0].id == EMBASSY.id
    ]
    assert reader.alert(alert.id) == alert
    assert [state.sequence for state in reader.alert_history(alert.id)] == list(range(1, alert.sequence + 1))
    story = reader.story(alert.story)
    assert story
    assert EMBASSY.id in story.articles
    assert [source.id for source in reader.sources()] == ["seeds"]
    assert [letter.reason for _, letter in reader.dead_letters()] == ["it was jammed"]
    everything = reader.tail(ALERTS, 0)
    assert everything[-1].offset == reader.head(ALERTS)
    assert reader.tail(ALERTS, everything[1].offset, limit=1) == everything[2:3]
    assert not reader.tail(ALERTS, reader.head(ALERTS))
    counts = reader.counts()
    assert (counts.articles, counts.alerts, counts.lag["sink"]) == (len(running.articles), len(reader.alerts()), 0)


def test_the_console_shows_and_acts(running: Installation, reader: Reader) -> None:
    app = create_app(reader, act=looking.actions(running.settings.kafka, reader.alert))
    with TestClient(app, base_url="http://127.0.0.1") as client:
        alert = next(alert for alert in reader.alerts(desk="diplomacy") if alert.articles[0].id == EMBASSY.id)
        pages = ("/", f"/alerts/{alert.id}", f"/articles/{EMBASSY.id}", f"/stories/{alert.story}", "/sources")
        for page in (*pages, "/search?q=states:AZE", "/dead-letters", "/healthz"):
            assert client.get(page).status_code == 200, page
        assert "embassy in Kyiv" in client.get(f"/articles/{EMBASSY.id}").text
        before = reader.head(ALERTS)
        answer = client.post(f"/alerts/{alert.id}", data={"do": "acknowledge"}, headers={"Origin": "http://127.0.0.1"})
        assert answer.status_code == 200
        wait_for("the action did nothing", lambda: reader.tail(ALERTS, before) != [])
        assert reader.tail(ALERTS, before)[0].key == alert.id
        wait_for("the sink did not write it", lambda: getattr(reader.alert(alert.id), "acknowledged", False))


def test_commands_read_the_servers(reader: Reader, command: Callable[..., Any]) -> None:
    assert EMBASSY.id in command("search", "states: AZE and cities: Kyiv").stdout
    alert = next(alert for alert in reader.alerts(desk="diplomacy") if alert.articles[0].id == EMBASSY.id)
    assert alert.id in command("alerts", "--desk", "diplomacy").stdout
    assert "diplomatic-premises-hit holds" in command("explain", "diplomatic-premises-hit", EMBASSY.url).stdout
    assert command("sources").stdout.split("\t")[:4] == ["seeds", "folder", "Seeds", "ok"]
    with pytest.raises(ProblemError, match="snapshots"):
        command("backup", "x.db")


def test_a_subscriber_by_command_gets_every_event(running: Installation, reader: Reader) -> None:
    assert reader.alerts()
    events = {
        json.loads(record.value)["id"] for desk in DESKS for record in records(running.bootstrap, desk_topic(desk))
    }
    command = [sys.executable, "-m", "pipeline.cli", "subscribe", "--json", "--all", "--group", "night"]
    with subprocess.Popen(command, env=os.environ | running.environment, stdout=subprocess.PIPE) as subscriber:
        assert subscriber.stdout
        got = {json.loads(subscriber.stdout.readline())["id"] for _ in events}
        subscriber.send_signal(signal.SIGINT)
    assert got == events


def test_dead_letters_go_back_once(running: Installation, command: Callable[..., Any]) -> None:
    (line,) = command("dead-letters").stdout.splitlines()
    number = line.split("\t")[0]
    assert "1 of 1 put back" in command("dead-letters", "replay", number).stdout
    assert b"{}" in [record.value for record in records(running.bootstrap, RAW)]
    wait_for("it was not refused again", lambda: "Object missing" in command("dead-letters").stdout)
    assert number not in [line.split("\t")[0] for line in command("dead-letters").stdout.splitlines()]


def test_connect_takes_in_what_there_is(running: Installation, tmp_path: Path) -> None:
    (tmp_path / "inbox").mkdir()
    (tmp_path / "inbox" / "one.json").write_bytes(encode({"id": "one", "source": {"id": "x"}, "title": "Quiet day"}))
    (tmp_path / "wirewatch.yaml").write_text(f"sources: [{{kind: folder, id: inbox, path: {tmp_path / 'inbox'}}}]\n")
    done = subprocess.run(
        [sys.executable, "-m", "pipeline.cli", "--config", str(tmp_path / "wirewatch.yaml"), "connect", "--once"],
        env=os.environ | running.environment,
        timeout=60,
    )
    assert done.returncode == 0
    assert [record for record in records(running.bootstrap, RAW) if b"Quiet day" in record.value]
    assert [record.value for record in records(running.bootstrap, CURSORS) if record.key == b"inbox"]


def test_indices_are_built_anew_behind_their_alias(
    running: Installation, reader: Reader, command: Callable[..., Any]
) -> None:
    client = Elasticsearch(running.settings.elasticsearch.url)
    before = {alert.id: alert for alert in reader.alerts()}
    articles = reader.search("", limit=0).total
    client.delete(index=index_of(ARTICLES_ALIAS, datetime.now(UTC)), id=EMBASSY.id, refresh=True)
    said = command("reindex", "--from-topic").stdout
    assert f"{articles} in wirewatch-articles" in said
    shown = generations(client.indices.get_alias(name="wirewatch-*").body)
    assert {alias: shown[alias] for alias in REBUILT} == dict.fromkeys(REBUILT, 2)
    assert {alert.id: alert for alert in reader.alerts()} == before
    assert reader.article(EMBASSY.id)
    late = msgspec.structs.replace(EMBASSY, title="Another embassy", published=None, revision="f" * 16)
    log = KafkaLog(running.settings.kafka)
    log.append([late])
    log.close()
    wait_for("the sink does not follow", lambda: getattr(reader.article(EMBASSY.id), "title", "") == late.title)
    assert "dropped wirewatch-articles-g1-" in command("reindex", "--drop-old").stdout
    assert reader.search("", limit=0).total == articles


def test_what_is_forgotten_is_gone(running: Installation, reader: Reader, command: Callable[..., Any]) -> None:
    concerned = [alert for alert in reader.alerts() if EMBASSY.id in {article.id for article in alert.articles}]
    assert concerned
    said = command("forget", EMBASSY.url, "--yes")
    assert said.stdout.startswith("1 articles and ")
    assert "articles.raw.v1" in said.stderr
    assert reader.article(EMBASSY.id) is None
    for alert in concerned:
        latest = reader.alert(alert.id)
        states = [latest, *reader.alert_history(alert.id)] if latest else reader.alert_history(alert.id)
        assert not any(OUTLET in encode(state) for state in states)
        record = [record for record in records(running.bootstrap, ALERTS) if record.key.decode() == alert.id][-1]
        assert OUTLET not in record.value
    about_it = [record for record in records(running.bootstrap, ARTICLES) if record.key.decode() == EMBASSY.id]
    assert about_it[-1].value is None
    with pytest.raises(ProblemError, match="nothing is known"):
        command("forget", EMBASSY.url, "--yes")
    source = running.articles[0].source.id
    assert reader.search(f'source.id: "{source}"').total
    command("forget", source, "--yes")
    assert not reader.search(f'source.id: "{source}"').total


def test_a_sink_waits_for_elasticsearch_and_ends_in_time_all_the_same(
    running: Installation, reader: Reader, node: Server
) -> None:
    def put(number: int) -> str:
        raw = article(number, f"Quiet title {number}")
        log = KafkaLog(running.settings.kafka)
        log.append([raw])
        log.close()
        return raw.id

    def busy() -> bool:
        with urllib.request.urlopen(f"http://127.0.0.1:{running.sink.port}/healthz", timeout=10) as answer:
            return bool(json.load(answer)["busy_seconds"])

    node.pause()
    try:
        ids = [put(1)]
        wait_for("the sink has nothing to do", busy)
        assert running.sink.stop() < 10
    finally:
        node.resume()
    running.sink.start()
    ids.append(put(2))
    wait_for("articles are lost", lambda: all(reader.article(id_) for id_ in ids))
