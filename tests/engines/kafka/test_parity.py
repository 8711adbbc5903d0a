"""The labelled replay through Kafka and Faust, and its recorded order through the embedded engine: the same of both."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from pipeline.alerting.rules import RuleSet
from pipeline.engines.kafka.log import KafkaLog
from pipeline.engines.kafka.rules import publish
from pipeline.engines.kafka.topics import set_up
from pipeline.model.article import Article, from_input
from pipeline.settings import Kafka
from pipeline.topics import ARTICLES, ENRICHED
from tests.stack.parity import embedded, on_kafka
from tests.stack.topics import records, wait_for
from tests.stack.workers import Worker

REPLAY = Path(__file__).parents[4] / "shared" / "eval" / "replay" / "articles.jsonl"


@pytest.fixture(scope="module")
def articles() -> list[Article]:
    """The replay, in order of arrival, each article published as long before now as it was before it was fetched."""
    if not REPLAY.exists():
        pytest.skip(f"without the labelled replay in {REPLAY.parent}")
    return [_moved(from_input(line)[1]) for line in REPLAY.read_bytes().splitlines()]


def _moved(article: Article) -> Article:
    now = datetime.now(UTC)
    age = article.fetched - article.published if article.fetched and article.published else None
    return msgspec.structs.replace(article, fetched=now, published=now - age if age is not None else None)


def test_the_replay_comes_to_the_same_in_both_engines(articles: list[Article], bootstrap: str, tmp_path: Path) -> None:
    given = Kafka(bootstrap=bootstrap, partitions=2)
    set_up(given, 35)
    asyncio.run(publish(given, RuleSet.starter()))
    worker = Worker(tmp_path, bootstrap, "enrich,relate,correlate,inbox", {"WIREWATCH_KAFKA_PARTITIONS": "2"})
    worker.start()
    log = KafkaLog(given)
    heads: list[int] = []
    try:
        log.append(articles)
        wanted = {article.id for article in articles}
        wait_for("every article is finished", lambda: wanted <= {r.key.decode() for r in records(bootstrap, ARTICLES)})

        def still() -> bool:
            heads.append(len(on_kafka(bootstrap).alerts))
            return len(heads) > 15 and len(set(heads[-15:])) == 1

        wait_for("the alerts stand still", still)
    finally:
        log.close()
        worker.stop()
    ours, theirs = on_kafka(bootstrap), embedded(records(bootstrap, ENRICHED), RuleSet.starter())
    assert ours.articles == theirs.articles
    assert ours.alerts == theirs.alerts
    assert len(ours.alerts) > 17
    assert ours.doubles == 0
