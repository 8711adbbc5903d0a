"""A worker that is started before anything is set up, and one with names of its user's own."""

import asyncio
import inspect
import subprocess
import sys
from pathlib import Path

import yaml
from aiokafka.consumer import group_coordinator

from pipeline.alerting.rules import RuleSet
from pipeline.engines.kafka.app import FAILED
from pipeline.engines.kafka.log import KafkaLog
from pipeline.engines.kafka.rules import publish
from pipeline.engines.kafka.topics import set_up
from pipeline.model.codec import decode
from pipeline.model.enriched import EnrichedArticle
from pipeline.settings import Kafka
from pipeline.topics import ENRICHED
from tests.engines.toys import article
from tests.stack.topics import records, wait_for
from tests.stack.workers import Worker


def test_articles_wait_for_the_rules_and_are_read_with_the_users_own_names(bootstrap: str, tmp_path: Path) -> None:
    given = Kafka(bootstrap=bootstrap, partitions=1)
    set_up(given, 35)
    names = tmp_path / "names.yaml"
    own = {"id": "NORTHLIGHT", "kind": "organisation", "name": "Northlight", "names": {"en": ["Northlight Group"]}}
    names.write_text(yaml.safe_dump([own]))
    worker = Worker(tmp_path, bootstrap, "enrich", {"WIREWATCH_WATCHLISTS": str(names)})
    worker.start()
    log = KafkaLog(given)
    try:
        log.append([article(1, "The ambassador was shown round the new terminal by the Northlight Group")])
        wait_for("the worker says what it waits for", lambda: "no rules are published yet" in worker.log.read_text())
        assert records(bootstrap, ENRICHED) == []
        asyncio.run(publish(given, RuleSet.starter()))
        wait_for("the article is read", lambda: len(records(bootstrap, ENRICHED)) == 1)
    finally:
        log.close()
        worker.stop()
    read = decode(records(bootstrap, ENRICHED)[0].value, EnrichedArticle)
    assert read.ruleset == RuleSet.starter().hash
    assert "NORTHLIGHT" in {actor.id for actor in read.actors}


def test_a_consumer_that_has_left_its_group_for_good_ends_the_process() -> None:
    said = "Unexpected error in coordinator routine"
    assert said in inspect.getsource(group_coordinator)
    code = (
        "import logging; from pipeline.engines.kafka.app import NeverAgain; "
        "client = logging.getLogger('aiokafka.consumer.group_coordinator'); client.addFilter(NeverAgain()); "
        f"client.error('another error'); client.error({said!r}); print('still here')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == FAILED
    assert "still here" not in done.stdout
