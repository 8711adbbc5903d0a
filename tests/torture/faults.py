"""One run: articles in, faults meanwhile, and at the end every id counted at every stage."""

import asyncio
import random
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
from kafka import KafkaProducer

from pipeline.alerting.rules import RuleSet
from pipeline.engines.kafka.rules import publish
from pipeline.engines.kafka.topics import set_up
from pipeline.model.article import Article
from pipeline.settings import Kafka as Settings
from pipeline.topics import ARTICLES, DEAD_LETTERS, ENRICHED, RAW
from tests.stack.kafka import Kafka
from tests.stack.parity import embedded, on_kafka
from tests.stack.proxy import Proxy
from tests.stack.topics import records, wait_for
from tests.stack.workers import Worker
from tests.torture.material import hostile_articles, poison

PARTITIONS = 2
STAGES = "enrich,relate,correlate,inbox"
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

    def worker(self) -> Worker:
        """One more worker of all stages."""
        number = len(self.workers)
        more = {"WIREWATCH_KAFKA_PARTITIONS": str(PARTITIONS)}
        made = Worker(self.folder / f"w{number}", self.settings.bootstrap, STAGES, more)
        made.start()
        self.workers.append(made)
        return made


Fault = Callable[[Bench], int]
"""Does its harm while articles flow; how many times it was done."""


def run(name: str, fault: Fault, count: int, seed: int, folder: Path) -> Outcome:
    """Delivers `count` articles while a fault does its harm, waits for rest, and counts."""
    began = time.monotonic()
    bench = _bench(folder / name.replace(" ", "-"), seed)
    try:
        bench.worker()
        bench.articles = list(hostile_articles(count, seed))
        feeder = threading.Thread(target=_feed, args=(bench, count, seed), daemon=True)
        feeder.start()
        times = fault(bench)
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
        with subprocess.Popen(command, stdin=subprocess.DEVNULL) as bench.feeder:
            if bench.feeder.wait() == 0:
                return


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


def _ids(bench: Bench, topic: str) -> set[str]:
    return {(record.key or b"").decode("utf-8", "replace") for record in records(bench.broker.bootstrap, topic)}


def _counted(name: str, times: int, bench: Bench, seconds: float) -> Outcome:
    bootstrap = bench.broker.bootstrap
    wanted = {article.id for article in bench.articles}
    lost = len(wanted - (_ids(bench, RAW) & _ids(bench, ENRICHED) & _ids(bench, ARTICLES)))
    ours, theirs = on_kafka(bootstrap), embedded(bootstrap, RuleSet.starter())
    return Outcome(
        fault=name,
        times=times,
        delivered=len(bench.articles),
        lost=lost,
        duplicates=ours.doubles,
        different=_differences(ours.articles, theirs.articles) + _differences(ours.alerts, theirs.alerts),
        dead=len({(r.key, r.value) for r in records(bootstrap, DEAD_LETTERS)}) - bench.poisoned,
        alerts=len(ours.alerts),
        seconds=seconds,
    )


def _differences(ours: dict[Any, Any], theirs: dict[Any, Any]) -> int:
    return sum(ours.get(key) != theirs.get(key) for key in ours.keys() | theirs.keys())


# ---- the faults


def nothing(_: Bench) -> int:
    """No fault at all."""
    return 0


def kill_workers(times: int) -> Fault:
    """Every stage of the worker killed (-9) at random moments."""

    def fault(bench: Bench) -> int:
        done = 0
        while done < times:
            time.sleep(bench.chance.uniform(1.0, 5.0))
            done += bench.workers[0].kill_stages()
        return done

    return fault


def kill_connector(times: int) -> Fault:
    """The connector killed (-9) at random moments, and started again."""

    def fault(bench: Bench) -> int:
        done = 0
        while done < times and (bench.feeder is None or bench.feeder.poll() != 0):
            time.sleep(bench.chance.uniform(1.5, 4.0))
            if bench.feeder and bench.feeder.poll() is None:
                bench.feeder.kill()
                done += 1
        return done

    return fault


def kill_broker(times: int) -> Fault:
    """The broker killed (-9) and started again a few seconds later."""

    def fault(bench: Bench) -> int:
        for _ in range(times):
            time.sleep(bench.chance.uniform(3.0, 8.0))
            bench.broker.kill()
            time.sleep(bench.chance.uniform(1.0, 6.0))
            bench.broker.start()
        return times

    return fault


def hang_broker(times: int) -> Fault:
    """The broker stopped where it stands for some seconds: connections open, no answer."""

    def fault(bench: Bench) -> int:
        for _ in range(times):
            time.sleep(bench.chance.uniform(3.0, 6.0))
            bench.broker.pause()
            time.sleep(bench.chance.uniform(12.0, 20.0))
            bench.broker.resume()
        return times

    return fault


def cut_network(times: int) -> Fault:
    """The wire to the broker cut for some seconds, in the middle of whatever is on it."""

    def fault(bench: Bench) -> int:
        for _ in range(times):
            time.sleep(bench.chance.uniform(1.0, 5.0))
            bench.wire.cut()
            time.sleep(bench.chance.uniform(0.2, 8.0))
            bench.wire.mend()
        return times

    return fault


def workers_come_and_go(times: int) -> Fault:
    """A second worker joins, and leaves by a stop or a kill."""

    def fault(bench: Bench) -> int:
        for number in range(times):
            time.sleep(bench.chance.uniform(2.0, 5.0))
            second = bench.worker()
            time.sleep(bench.chance.uniform(8.0, 15.0))
            if number % 2:
                second.kill()
            else:
                second.stop()
        return times

    return fault


def poison_messages(times: int) -> Fault:
    """Twelve kinds of message that no stage can handle, between good ones."""

    def fault(bench: Bench) -> int:
        producer = KafkaProducer(bootstrap_servers=bench.settings.bootstrap)
        for _ in range(times):
            for key, value in poison(bench.articles[0]).values():
                producer.send(RAW, key=key, value=value)
                time.sleep(bench.chance.uniform(0.0, 0.3))
                bench.poisoned += 1
        producer.flush()
        producer.close()
        return times * 12

    return fault
