"""Fixtures with real servers: started on first use, ended with the tests that asked, their logs kept on failure.

`KAFKA_BOOTSTRAP` and `ELASTICSEARCH_URL` name other servers to use instead; they must have nothing of wirewatch's yet.
"""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.stack.elasticsearch import Elasticsearch
from tests.stack.java import StackError
from tests.stack.kafka import Kafka


def begun(start: Callable[[], object]) -> None:
    """Runs what starts a server; where it cannot be started the test is skipped, or fails where CI is set."""
    try:
        start()
    except StackError as error:
        if os.environ.get("CI"):
            pytest.fail(f"the real servers could not be started: {error}", pytrace=False)
        pytest.skip(f"without real servers: {error}")


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[Kafka]:
    """A Kafka broker of this module's own, which may be killed and started again."""
    folder = tmp_path_factory.mktemp("kafka")
    made: list[Kafka] = []

    def start() -> None:
        made.append(Kafka(folder))
        made[0].start()

    begun(start)
    yield made[0]
    made[0].stop()
    _keep_logs(folder, request)


@pytest.fixture(scope="module")
def bootstrap(request: pytest.FixtureRequest) -> str:
    """Address of a broker that nobody kills."""
    named = os.environ.get("KAFKA_BOOTSTRAP")
    return named or str(request.getfixturevalue("broker").bootstrap)


@pytest.fixture(scope="session")
def node(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[Elasticsearch]:
    """An Elasticsearch node without security, shared by the whole run."""
    folder = tmp_path_factory.mktemp("elasticsearch")
    made: list[Elasticsearch] = []

    def start() -> None:
        made.append(Elasticsearch(folder))
        made[0].start()

    begun(start)
    yield made[0]
    made[0].stop()
    _keep_logs(folder, request)
    shutil.rmtree(folder / "home", ignore_errors=True)


@pytest.fixture(scope="session")
def elasticsearch_url(request: pytest.FixtureRequest) -> str:
    """Address of a node that nobody kills."""
    named = os.environ.get("ELASTICSEARCH_URL")
    return named or str(request.getfixturevalue("node").url)


def _keep_logs(folder: Path, request: pytest.FixtureRequest) -> None:
    """Says where a server's log is, where a test has failed."""
    if request.session.testsfailed:
        for log in folder.glob("*.log"):
            print(f"\nlog of a server: {log}")
