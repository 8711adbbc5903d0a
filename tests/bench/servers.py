"""Figures of the real engine: Kafka, Faust and Elasticsearch on this machine, beside the plainest form of the job."""

import asyncio
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import msgspec
from elasticsearch import Elasticsearch as Client
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import KafkaAdminClient

from pipeline.alerting.rules import RuleSet
from pipeline.engines.kafka.log import KafkaLog
from pipeline.engines.kafka.rules import publish
from pipeline.engines.kafka.topics import set_up
from pipeline.model import cloudevent
from pipeline.model.article import Article
from pipeline.model.codec import encode
from pipeline.settings import Http, Kafka
from pipeline.sinks.elasticsearch import mapping
from pipeline.sinks.elasticsearch.setup import set_up as set_up_search
from pipeline.topics import DESKS, ENRICHED, desk_topic
from tests.bench import plain, processor
from tests.bench.texts import long_articles
from tests.stack.elasticsearch import Elasticsearch
from tests.stack.kafka import Kafka as Broker
from tests.stack.topics import wait_for
from tests.stack.workers import Worker

Figures = dict[str, float]
PARTITIONS = 2
WARM = 600
"""Articles before it is measured: a JVM compiles what it runs often, and is slow before."""
BATCH = 50
"""Articles that a connector delivers at once."""


class Servers(NamedTuple):
    """Both servers, set up."""

    folder: Path
    kafka: Kafka
    search: str
    sessions: Mapping[int, str]
    """Id of a session -> whose processes are in it."""

    @property
    def environment(self) -> dict[str, str]:
        """What a worker is told."""
        return {"WIREWATCH_ELASTICSEARCH_URL": self.search, "WIREWATCH_KAFKA_PARTITIONS": str(PARTITIONS)}

    def worker(self, name: str, stages: str) -> Worker:
        """A worker of some stages, started."""
        made = Worker(self.folder / name, self.kafka.bootstrap, stages, self.environment)
        made.start()
        return made


@contextmanager
def servers() -> Iterator[Servers]:
    """Starts both for one measurement.

    Raises:
        StackError: they cannot be started here.
    """
    with tempfile.TemporaryDirectory() as folder:
        broker, node = Broker(Path(folder) / "kafka"), Elasticsearch(Path(folder) / "elasticsearch")
        try:
            broker.start()
            node.start()
            kafka = Kafka(bootstrap=broker.bootstrap, partitions=PARTITIONS)
            set_up(kafka, 35)
            asyncio.run(publish(kafka, RuleSet.starter()))
            set_up_search(Http(url=node.url), 35)
            yield Servers(
                Path(folder),
                kafka,
                node.url,
                {broker.session: "kafka", node.session: "elasticsearch", os.getsid(0): "connector"},
            )
        finally:
            broker.stop()
            node.stop()


def stack(quick: bool) -> Figures:
    """Articles/s from the connector to searchable, for the plain form and for ours, in turn on the same servers."""
    count = 300 if quick else 2000
    with servers() as given:
        client = Client(given.search)
        plainly, spent_plainly = _plain(given, client, count)
        worker = given.worker("whole", "enrich,relate,correlate,inbox,sink")
        try:
            log = KafkaLog(given.kafka)
            ours, spent = _rate(
                client,
                mapping.ARTICLES,
                lambda articles: log.append(_now(articles)),
                list(long_articles(count, seed=11)),
                {**given.sessions, worker.session: "supervisor"},
            )
            figures = _latency(given, log, 5 if quick else 30)
            log.close()
        finally:
            worker.stop()
    return (
        {"ours": ours, "plain": plainly, "ratio": ours / plainly}
        | {f"by {name}": milliseconds for name, milliseconds in spent.items()}
        | {f"plain by {name}": milliseconds for name, milliseconds in spent_plainly.items()}
        | figures
    )


def _plain(given: Servers, client: Client, count: int) -> tuple[float, Figures]:
    admin = KafkaAdminClient(bootstrap_servers=given.kafka.bootstrap)
    admin.create_topics({plain.TOPIC: {"num_partitions": PARTITIONS, "replication_factor": 1}})
    admin.close()
    client.indices.create(index=plain.INDEX)
    producer = KafkaProducer(bootstrap_servers=given.kafka.bootstrap, acks="all", max_request_size=1 << 22)
    command = [sys.executable, "-m", "tests.bench.plain", given.kafka.bootstrap, given.search]
    with subprocess.Popen(
        [*command, str(given.folder / "plain")], stdout=subprocess.DEVNULL, start_new_session=True
    ) as process:
        try:

            def send(articles: Sequence[Article]) -> None:
                for article in articles:
                    producer.send(plain.TOPIC, key=article.id.encode(), value=encode(article))
                producer.flush()

            sessions = {**given.sessions, process.pid: "app"}
            return _rate(client, plain.INDEX, send, list(long_articles(count, seed=12)), sessions)
        finally:
            producer.close()
            process.send_signal(signal.SIGTERM)
            with suppress(subprocess.TimeoutExpired):
                process.wait(10)
            process.kill()


def _rate(
    client: Client,
    index: str,
    send: Callable[[Sequence[Article]], None],
    articles: Sequence[Article],
    sessions: Mapping[int, str],
) -> tuple[float, Figures]:
    """Articles/s from the first delivery to the last being searchable, after a few that warm everything up.

    Beside it the milliseconds of processor time that an article costs, by process.
    """
    warm = min(WARM, len(articles) // 2)
    send(articles[:warm])
    wait_for(f"{index} has the first {warm}", lambda: _found(client, index) >= warm, 180)
    before = processor.seconds(sessions)
    began = time.monotonic()
    for start in range(warm, len(articles), BATCH):
        send(articles[start : start + BATCH])
    wait_for(f"{index} has all {len(articles)}", lambda: _found(client, index) >= len(articles), 300)
    took = time.monotonic() - began
    spent = processor.seconds(sessions)
    count = len(articles) - warm
    return count / took, {name: 1000 * (spent[name] - before.get(name, 0.0)) / count for name in spent}


def _found(client: Client, index: str) -> int:
    """Documents that can be searched; Elasticsearch refreshes once a second by itself, and is not asked more often."""
    time.sleep(0.5)
    return int(client.count(index=index)["count"])


def _now(articles: Sequence[Article]) -> list[Article]:
    now = datetime.now(UTC)
    return [msgspec.structs.replace(article, published=now, fetched=now) for article in articles]


def _latency(given: Servers, log: KafkaLog, seconds: int) -> Figures:
    """Milliseconds from fetched to the alert in a subscriber's hands, at 50 articles a second."""
    sent: dict[str, float] = {}
    waits: list[float] = []
    ended = threading.Event()
    ready = threading.Event()

    def subscribe() -> None:
        consumer = KafkaConsumer(bootstrap_servers=given.kafka.bootstrap, group_id=None, enable_auto_commit=False)
        places = [TopicPartition(desk_topic(desk), 0) for desk in DESKS]
        consumer.assign(places)
        consumer.seek_to_end(*places)
        for place in places:
            consumer.position(place)
        ready.set()
        while not ended.is_set():
            for batch in consumer.poll(timeout_ms=50).values():
                now = time.perf_counter()
                for record in batch:
                    newest = cloudevent.alert_of(record.value).articles[-1].id
                    if newest in sent:
                        waits.append(1000 * (now - sent.pop(newest)))
        consumer.close()

    subscriber = threading.Thread(target=subscribe)
    subscriber.start()
    ready.wait(30)
    articles = list(long_articles(seconds * 50, seed=13))
    begin = time.perf_counter()
    for number, article in enumerate(articles):
        if (left := begin + number / 50 - time.perf_counter()) > 0:
            time.sleep(left)
        sent[article.id] = time.perf_counter()
        log.append(_now([article]))
    time.sleep(5)
    ended.set()
    subscriber.join()
    if not waits:
        raise RuntimeError("no article alerted")
    ordered = sorted(waits)
    return {"p50": ordered[len(ordered) // 2], "p99": ordered[int(0.99 * (len(ordered) - 1))], "alerting": len(ordered)}


def scaling(quick: bool) -> Figures:
    """Articles/s that enrich takes off its topic with one worker and with two; seconds to take over from a dead one."""
    count = 300 if quick else 1200
    with servers() as given:
        log = KafkaLog(given.kafka)
        first = given.worker("first", "enrich")
        second: Worker | None = None
        try:
            log.append(list(long_articles(100, seed=20)))
            _enriched(given, 100)
            one = _drained(given, log, count, 21)
            second = given.worker("second", "enrich")
            log.append(list(long_articles(40, seed=22)))
            wait_for("the second has joined", lambda: len(_members(given, "wirewatch-enrich")) == 2, 120)
            time.sleep(3)
            two = _drained(given, log, count, 23)
            first.kill()
            enrich = _until_more(given, log, ENRICHED, 24)
            relate = _takeover(given, log)
        finally:
            for worker in (first, second):
                if worker:
                    worker.kill()
            log.close()
    return {"one": one, "two": two, "ratio": two / one, "enrich takeover": enrich, "relate takeover": relate}


def _drained(given: Servers, log: KafkaLog, count: int, seed: int) -> float:
    before = _end(given, ENRICHED)
    articles = list(long_articles(count, seed=seed))
    began = time.monotonic()
    log.append(articles)
    wait_for("all are enriched", lambda: _end(given, ENRICHED) >= before + count, 300)
    return count / (time.monotonic() - began)


def _takeover(given: Servers, log: KafkaLog) -> float:
    """Seconds from the death of the worker that relates to the first article of its successor."""
    first = given.worker("relating", "relate")
    time.sleep(5)
    second = given.worker("waiting", "relate")
    wait_for("two may relate", lambda: len(_members(given, "wirewatch-relate")) == 2, 120)
    time.sleep(3)
    first.kill()
    try:
        return _until_more(given, log, "articles.v1", 25)
    finally:
        second.kill()


def _until_more(given: Servers, log: KafkaLog, topic: str, seed: int) -> float:
    """Seconds until each partition's share of some new articles comes out at a topic."""
    articles = list(long_articles(40, seed=seed))
    before = _end(given, topic)
    began = time.monotonic()
    log.append(articles)
    wait_for(f"{topic} goes on", lambda: _end(given, topic) >= before + len(articles), 180)
    return time.monotonic() - began


def _enriched(given: Servers, count: int) -> None:
    wait_for(f"{count} are enriched", lambda: _end(given, ENRICHED) >= count, 180)


def _end(given: Servers, topic: str) -> int:
    consumer = KafkaConsumer(bootstrap_servers=given.kafka.bootstrap, group_id=None, enable_auto_commit=False)
    try:
        places = [TopicPartition(topic, number) for number in consumer.partitions_for_topic(topic) or ()]
        return sum(consumer.end_offsets(places).values())
    finally:
        consumer.close()


def _members(given: Servers, group: str) -> Sequence[Mapping[str, object]]:
    admin = KafkaAdminClient(bootstrap_servers=given.kafka.bootstrap)
    try:
        described = admin.describe_groups([group])
        return list(described[group]["members"])
    finally:
        admin.close()
