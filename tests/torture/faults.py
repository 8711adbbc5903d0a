"""One run: articles in, faults meanwhile, and at the end every id counted at every stage."""

import asyncio
import json
import random
import shutil
import subprocess
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
from elasticsearch import Elasticsearch as Client
from kafka import KafkaProducer, TopicPartition
from kafka.admin import KafkaAdminClient

from pipeline.alerting.rules import RuleSet
from pipeline.engines.kafka.rules import publish
from pipeline.engines.kafka.topics import set_up
from pipeline.model.article import Article
from pipeline.model.codec import encode
from pipeline.settings import Http
from pipeline.settings import Kafka as Settings
from pipeline.sinks.elasticsearch.setup import set_up as set_up_search
from pipeline.topics import ARTICLES, CANDIDATES, DEAD_LETTERS, ENRICHED, RAW
from tests.stack.elasticsearch import Elasticsearch
from tests.stack.kafka import Kafka
from tests.stack.parity import embedded, on_kafka
from tests.stack.process import end_with_parent
from tests.stack.proxy import Proxy
from tests.stack.topics import records, wait_for
from tests.stack.workers import Worker
from tests.torture.documents import Documents, documents
from tests.torture.material import hostile_articles, poison

PARTITIONS = 2
STAGES = "enrich,relate,correlate,inbox"
FILE = 20
"""Articles of a file that is dropped for the connector."""
_WITH_US = end_with_parent if sys.platform == "linux" else None
"""A connector ends when the torture does, however it does."""
PATIENCE = 300.0
"""Seconds that a run may take to come to rest after its last fault."""


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What a run came to."""

    fault: str
    times: int
    delivered: int
    lost: int
    """Articles acknowledged that are at no end."""
    duplicates: int
    """Articles or alerts of which there are two bodies."""
    different: int
    """Articles and alerts that are not, field by field, what the embedded engine makes of the same order."""
    dead: int
    alerts: int
    seconds: float

    @property
    def clean(self) -> bool:
        """Whether nothing was lost and nothing there twice."""
        return not (self.lost or self.duplicates or self.different)


@dataclass
class Bench:
    """Servers and workers that a fault may lay hands on."""

    folder: Path
    chance: random.Random
    broker: Kafka
    wire: Proxy
    settings: Settings
    workers: list[Worker] = field(default_factory=list)
    articles: Sequence[Article] = ()
    poisoned: int = 0
    feeder: subprocess.Popen[bytes] | None = None
    """The connector as it runs now."""
    node: Elasticsearch | None = None
    """Where documents are written, if anywhere."""
    trimmed: dict[str, list[Any]] = field(default_factory=lambda: defaultdict(list))
    """Records that topics no longer have."""

    def worker(self) -> Worker:
        """One more worker of all stages."""
        number = len(self.workers)
        more = {"WIREWATCH_KAFKA_PARTITIONS": str(PARTITIONS)}
        stages = STAGES
        if self.node:
            more["WIREWATCH_ELASTICSEARCH_URL"] = self.node.url
            stages += ",sink"
        made = Worker(self.folder / f"w{number}", self.settings.bootstrap, stages, more)
        made.start()
        self.workers.append(made)
        return made

    def records(self, topic: str) -> list[Any]:
        """All that a topic has ever held."""
        return self.trimmed[topic] + records(self.broker.bootstrap, topic)


Harm = Callable[[Bench], int]
"""What is done while articles flow; how many times it was done."""


class Fault(NamedTuple):
    """What goes wrong, and what runs meanwhile."""

    harm: Harm
    searched: bool = False
    """Whether Elasticsearch is there, and its documents are counted too."""
    connects: bool = False
    """Whether articles come by `wirewatch connect` out of a folder of files."""


def run(name: str, fault: Fault, count: int, seed: int, folder: Path) -> Outcome:
    """Delivers `count` articles while a fault does its harm, waits for rest, and counts."""
    began = time.monotonic()
    bench = _bench(folder / name.replace(" ", "-"), seed)
    try:
        if fault.searched:
            bench.node = Elasticsearch(bench.folder / "elasticsearch")
            bench.node.start()
            set_up_search(Http(url=bench.node.url), 35)
        bench.worker()
        bench.articles = list(hostile_articles(count, seed))
        feeding = (_connect, (bench,)) if fault.connects else (_feed, (bench, count, seed))
        feeder = threading.Thread(target=feeding[0], args=feeding[1], daemon=True)
        feeder.start()
        times = fault.harm(bench)
        feeder.join(PATIENCE)
        if feeder.is_alive():
            raise TimeoutError("the connector never delivered everything")
        _rest(bench)
        return _counted(name, times, bench, time.monotonic() - began)
    finally:
        for worker in bench.workers:
            worker.kill()
        if bench.feeder:
            bench.feeder.kill()
        bench.wire.close()
        bench.broker.stop()
        if bench.node:
            bench.node.stop()


def _bench(folder: Path, seed: int) -> Bench:
    shutil.rmtree(folder, ignore_errors=True)
    broker = Kafka(folder / "kafka", heap="512m", behind_proxy=True)
    wire = Proxy(broker.inner, broker.advertised)
    broker.start()
    settings = Settings(bootstrap=f"127.0.0.1:{wire.port}", partitions=PARTITIONS)
    set_up(settings, 35)
    asyncio.run(publish(settings, RuleSet.starter()))
    return Bench(folder, random.Random(seed), broker, wire, settings)


def _feed(bench: Bench, count: int, seed: int) -> None:
    """The connector, started again whenever it was killed, until it has delivered everything."""
    command = [sys.executable, "-m", "tests.torture.feeder", bench.settings.bootstrap, str(count), str(seed)]
    while True:
        with subprocess.Popen(command, stdin=subprocess.DEVNULL, preexec_fn=_WITH_US) as bench.feeder:
            if bench.feeder.wait() == 0:
                return


def _connect(bench: Bench) -> None:
    """Files dropped into a folder, and what reads them, started again whenever it was killed."""
    incoming = bench.folder / "incoming"
    incoming.mkdir()
    config = bench.folder / "wirewatch.yaml"
    sources = [{"kind": "folder", "id": "incoming", "path": str(incoming)}]
    config.write_text(json.dumps({"sources": sources, "kafka": {"bootstrap": bench.settings.bootstrap}}))
    threading.Thread(target=_drop, args=(bench.articles, incoming), daemon=True).start()
    command = [sys.executable, "-m", "pipeline.cli", "--config", str(config), "connect"]
    wanted = {article.id for article in bench.articles}
    while not wanted <= _ids(bench, RAW):
        with (bench.folder / "connect.log").open("ab") as log:
            bench.feeder = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, preexec_fn=_WITH_US
            )
        while bench.feeder.poll() is None and not wanted <= _ids(bench, RAW):
            time.sleep(1)
        bench.feeder.terminate()
        bench.feeder.wait()


def _drop(articles: Sequence[Article], into: Path) -> None:
    """A file of some articles every now and then, whole from the first moment on."""
    for start in range(0, len(articles), FILE):
        unfinished = into / f"{start:06}.tmp"
        unfinished.write_bytes(b"".join(encode(article) + b"\n" for article in articles[start : start + FILE]))
        unfinished.rename(unfinished.with_suffix(".jsonl"))
        time.sleep(0.2)


def _rest(bench: Bench) -> None:
    """Waits until every article is finished or dead and the alerts stand still."""
    wanted = {article.id for article in bench.articles}
    wait_for("every article is finished", lambda: wanted <= _ids(bench, ARTICLES) | _ids(bench, DEAD_LETTERS), PATIENCE)
    heads: list[tuple[int, ...]] = []

    def still() -> bool:
        time.sleep(1)
        topics = ("alerts.candidates.v1", "alerts.state.v1", "alerts.cases.v1", DEAD_LETTERS)
        heads.append(tuple(len(records(bench.broker.bootstrap, topic)) for topic in topics))
        return len(heads) > 12 and len(set(heads[-12:])) == 1

    wait_for("the alerts stand still", still, PATIENCE)
    if bench.node:
        node = bench.node
        wait_for("all is written", lambda: not documents(bench.broker.bootstrap, node.url).lost, PATIENCE)


def _ids(bench: Bench, topic: str) -> set[str]:
    return {(record.key or b"").decode("utf-8", "replace") for record in bench.records(topic)}


def _counted(name: str, times: int, bench: Bench, seconds: float) -> Outcome:
    bootstrap = bench.broker.bootstrap
    wanted = {article.id for article in bench.articles}
    lost = len(wanted - (_ids(bench, RAW) & _ids(bench, ENRICHED) & _ids(bench, ARTICLES)))
    ours, theirs = on_kafka(bootstrap), embedded(bench.records(ENRICHED), RuleSet.starter())
    written = documents(bootstrap, bench.node.url) if bench.node else Documents(0, 0, 0)
    return Outcome(
        fault=name,
        times=times,
        delivered=len(bench.articles),
        lost=lost + written.lost,
        duplicates=ours.doubles + written.doubles,
        different=_differences(ours.articles, theirs.articles)
        + _differences(ours.alerts, theirs.alerts)
        + written.different,
        dead=len({(r.key, r.value) for r in records(bootstrap, DEAD_LETTERS)}) - bench.poisoned,
        alerts=len(ours.alerts),
        seconds=seconds,
    )


def _differences(ours: dict[Any, Any], theirs: dict[Any, Any]) -> int:
    return sum(ours.get(key) != theirs.get(key) for key in ours.keys() | theirs.keys())


# ---- the faults


def nothing() -> Fault:
    """No fault at all."""
    return Fault(lambda _: 0, searched=True)


def kill_workers(times: int) -> Fault:
    """Every stage of the worker killed (-9) at random moments."""

    def harm(bench: Bench) -> int:
        done = 0
        while done < times:
            time.sleep(bench.chance.uniform(1.0, 5.0))
            done += bench.workers[0].kill_stages()
        return done

    return Fault(harm)


def kill_connector(times: int, connects: bool = False) -> Fault:
    """The connector, our own or `wirewatch connect`, killed (-9) at random moments and started again."""

    def harm(bench: Bench) -> int:
        done = 0
        while done < times and (bench.feeder is None or bench.feeder.poll() != 0):
            time.sleep(bench.chance.uniform(1.5, 4.0))
            if bench.feeder and bench.feeder.poll() is None:
                bench.feeder.kill()
                done += 1
        return done

    return Fault(harm, connects=connects)


def kill_broker(times: int) -> Fault:
    """The broker killed (-9) and started again a few seconds later."""

    def harm(bench: Bench) -> int:
        for _ in range(times):
            time.sleep(bench.chance.uniform(3.0, 8.0))
            bench.broker.kill()
            time.sleep(bench.chance.uniform(1.0, 6.0))
            bench.broker.start()
        return times

    return Fault(harm)


def hang_broker(times: int) -> Fault:
    """The broker stopped where it stands for some seconds: connections open, no answer."""

    def harm(bench: Bench) -> int:
        for _ in range(times):
            time.sleep(bench.chance.uniform(3.0, 6.0))
            bench.broker.pause()
            time.sleep(bench.chance.uniform(12.0, 20.0))
            bench.broker.resume()
        return times

    return Fault(harm)


def cut_network(times: int) -> Fault:
    """The wire to the broker cut for some seconds, in the middle of whatever is on it."""

    def harm(bench: Bench) -> int:
        for _ in range(times):
            time.sleep(bench.chance.uniform(1.0, 5.0))
            bench.wire.cut()
            time.sleep(bench.chance.uniform(0.2, 8.0))
            bench.wire.mend()
        return times

    return Fault(harm)


def workers_come_and_go(times: int) -> Fault:
    """A second worker joins, and leaves by a stop or a kill."""

    def harm(bench: Bench) -> int:
        for number in range(times):
            time.sleep(bench.chance.uniform(2.0, 5.0))
            second = bench.worker()
            time.sleep(bench.chance.uniform(8.0, 15.0))
            if number % 2:
                second.kill()
            else:
                second.stop()
        return times

    return Fault(harm)


def poison_messages(times: int) -> Fault:
    """Twelve kinds of message that no stage can handle, between good ones."""

    def harm(bench: Bench) -> int:
        producer = KafkaProducer(bootstrap_servers=bench.settings.bootstrap)
        for _ in range(times):
            for key, value in poison(bench.articles[0]).values():
                producer.send(RAW, key=key, value=value)
                time.sleep(bench.chance.uniform(0.0, 0.3))
                bench.poisoned += 1
        producer.flush()
        producer.close()
        return times * 12

    return Fault(harm)


def roll_workers(times: int) -> Fault:
    """Two workers, stopped and started again one after the other, as for an upgrade."""

    def harm(bench: Bench) -> int:
        bench.worker()
        for _ in range(times):
            for worker in bench.workers:
                time.sleep(bench.chance.uniform(4.0, 8.0))
                worker.stop()
                worker.start()
        return times * len(bench.workers)

    return Fault(harm)


def lose_elasticsearch(times: int, seconds: float) -> Fault:
    """Elasticsearch killed (-9), and started again after a while."""

    def harm(bench: Bench) -> int:
        assert bench.node
        for _ in range(times):
            time.sleep(bench.chance.uniform(1.0, 4.0))
            bench.node.kill()
            time.sleep(seconds)
            bench.node.start()
        return times

    return Fault(harm, searched=True)


def fill_disk(times: int) -> Fault:
    """The block that Elasticsearch puts on indices when its disk is full, taken off after a while."""

    def harm(bench: Bench) -> int:
        assert bench.node
        client = Client(bench.node.url)
        for _ in range(times):
            time.sleep(bench.chance.uniform(1.0, 4.0))
            for blocked in (True, False):
                full = {"index.blocks.read_only_allow_delete": blocked}
                client.indices.put_settings(index="wirewatch-*", settings=full)
                time.sleep(bench.chance.uniform(5.0, 10.0))
        client.close()
        return times

    return Fault(harm, searched=True)


def trim_history(times: int) -> Fault:
    """Workers killed, and before they come back what they have committed is gone from their topics."""

    def harm(bench: Bench) -> int:
        admin = KafkaAdminClient(bootstrap_servers=bench.settings.bootstrap)
        for _ in range(times):
            wait_for("articles come through", lambda: bool(records(bench.broker.bootstrap, ARTICLES)), PATIENCE)
            time.sleep(bench.chance.uniform(1.0, 5.0))
            bench.workers[0].kill()
            for stage, topic in (("enrich", RAW), ("relate", ENRICHED), ("correlate", CANDIDATES)):
                _trim(bench, admin, f"wirewatch-{stage}", topic)
            bench.workers[0].start()
        admin.close()
        return times

    return Fault(harm)


def _trim(bench: Bench, admin: KafkaAdminClient, group: str, topic: str) -> None:
    committed = admin.list_group_offsets(group)[group]
    until = {place: found.offset for place, found in committed.items() if place.topic == topic and found.offset > 0}

    def goes(record: Any) -> bool:
        return bool(record.offset < until.get(TopicPartition(topic, record.partition), 0))

    bench.trimmed[topic] += filter(goes, records(bench.broker.bootstrap, topic))
    admin.delete_records(until)
