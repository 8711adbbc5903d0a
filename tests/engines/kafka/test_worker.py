"""Whole workers as processes over a real broker: killed again and again, they end with what the embedded engine has."""

import random
import time
from pathlib import Path

import pytest

from pipeline.alerting.rules import RuleSet
from pipeline.engines.kafka.log import KafkaLog
from pipeline.engines.kafka.rules import publish
from pipeline.engines.kafka.topics import set_up
from pipeline.settings import Kafka
from pipeline.topics import ARTICLES, DEAD_LETTERS, ENRICHED
from tests.eval.material import seed_articles
from tests.stack.parity import embedded, on_kafka
from tests.stack.topics import records, wait_for
from tests.stack.workers import Worker

STAGES = "enrich,relate,correlate,inbox"


@pytest.fixture(scope="module")
def given(bootstrap: str) -> Kafka:
    import asyncio

    kafka = Kafka(bootstrap=bootstrap, partitions=2)
    set_up(kafka, 35)
    asyncio.run(publish(kafka, RuleSet.starter()))
    return kafka


def test_killed_workers_lose_nothing_and_repeat_nothing(given: Kafka, tmp_path: Path) -> None:
    chance = random.Random(7)
    articles = list(seed_articles().values())
    worker = Worker(tmp_path, given.bootstrap, STAGES, {"WIREWATCH_KAFKA_PARTITIONS": "2"})
    worker.start()
    log = KafkaLog(given)
    killed = 0
    try:
        for start in range(0, len(articles), 16):
            log.append(articles[start : start + 16], ("seeds", str(start)))
            time.sleep(chance.uniform(1.0, 3.0))
            killed += worker.kill_stages()
        wanted = {article.id for article in articles}
        wait_for(
            "every article is finished",
            lambda: wanted <= {record.key.decode() for record in records(given.bootstrap, ARTICLES)},
            150,
        )
        settled: list[int] = []

        def still() -> bool:
            settled.append(len(on_kafka(given.bootstrap).alerts))
            return len(settled) > 15 and len(set(settled[-15:])) == 1

        wait_for("alerts stand still", still, 60)
        took = worker.stop()
    finally:
        log.close()
        worker.kill()
    assert killed >= 10, worker.log.read_text()[-2000:]
    assert took < 10
    assert records(given.bootstrap, DEAD_LETTERS) == []
    assert {record.key.decode() for record in records(given.bootstrap, ENRICHED)} == wanted
    ours, theirs = on_kafka(given.bootstrap), embedded(records(given.bootstrap, ENRICHED), RuleSet.starter())
    assert ours.articles == theirs.articles
    assert ours.alerts.keys() == theirs.alerts.keys()
    assert ours.alerts == theirs.alerts
    assert ours.doubles == 0
    assert ours.alerts
