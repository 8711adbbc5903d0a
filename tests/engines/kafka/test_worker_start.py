"""A worker that is started before anything is set up, and one with names of its user's own."""

import asyncio
import inspect
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from aiokafka.consumer import group_coordinator

from pipeline.alerting.rules import RuleSet
from pipeline.engines.kafka.app import FAILED, MISCONFIGURED
from pipeline.engines.kafka.log import KafkaLog
from pipeline.engines.kafka.rules import Published, publish
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


def test_a_taken_port_is_one_error_and_no_start_again(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        command = [sys.executable, "-m", "pipeline.cli", "worker", "--stages", "enrich", "--port", str(port)]
        more = {"WIREWATCH_KAFKA_BOOTSTRAP": "127.0.0.1:9", "WIREWATCH_DATA": str(tmp_path)}
        done = subprocess.run(command, env=dict(os.environ) | more, capture_output=True, text=True, timeout=60)
    assert done.returncode == MISCONFIGURED
    assert done.stderr.count(f"port {port} of the health page is taken") == 1
    assert "started again" not in done.stderr


def test_rules_read_before_an_outage_are_told_and_an_outage_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    class Away(Published):
        looks = 0
        known = iter(RuleSet.starter())

        async def catch_up(self) -> None:
            self.looks += 1
            if self.looks == 2:
                self.rules["one"] = next(self.known)
            if self.looks < 6:
                raise OSError("no broker")
            self.rules["two"] = next(self.known)

    async def follow() -> list[int]:
        rules = Away(Kafka(bootstrap="127.0.0.1:9")).follow(every=0.0)
        return [len(await anext(rules)) for _ in range(3)]

    assert asyncio.run(follow()) == [0, 1, 2]
    assert len(caplog.records) == 1


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
