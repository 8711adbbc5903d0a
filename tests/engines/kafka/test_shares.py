"""Connector processes divide the sources on a real Kafka: each source is one process's, and a death skips nothing."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from kafka.admin import KafkaAdminClient

from pipeline.engines.kafka.log import KafkaLog
from pipeline.engines.kafka.shares import GROUP, partition_of
from pipeline.engines.kafka.topics import SHARES, set_up
from pipeline.model.article import Article
from pipeline.model.codec import decode
from pipeline.settings import Kafka
from pipeline.topics import CURSORS, RAW
from tests.stack.process import end_with_parent
from tests.stack.topics import records, wait_for

SOURCES = [f"folder-{number}" for number in range(12)]


class Connect:
    """`wirewatch connect` as a process."""

    def __init__(self, folder: Path, bootstrap: str) -> None:
        self.log = folder / f"connect-{len(list(folder.glob('connect-*')))}.log"
        environment = {
            "WIREWATCH_CONFIG": str(folder / "wirewatch.yaml"),
            "WIREWATCH_KAFKA_BOOTSTRAP": bootstrap,
        }
        with self.log.open("wb") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "pipeline.cli", "connect"],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                env=dict(os.environ) | environment,
                preexec_fn=end_with_parent if sys.platform == "linux" else None,
            )

    def end(self, how: signal.Signals) -> None:
        if self.process.poll() is None:
            self.process.send_signal(how)
        self.process.wait(20)


@pytest.fixture
def installation(tmp_path: Path, bootstrap: str) -> tuple[Path, str]:
    set_up(Kafka(bootstrap=bootstrap, partitions=2), 35)
    entries = []
    for source in SOURCES:
        (tmp_path / source).mkdir()
        entries.append({"kind": "folder", "id": source, "path": str(tmp_path / source), "every": 0.2})
    (tmp_path / "wirewatch.yaml").write_text(yaml.safe_dump({"sources": entries}))
    return tmp_path, bootstrap


def write(folder: Path, number: int) -> set[str]:
    """One more item for every source; their titles."""
    titles = {f"{source} item {number}" for source in SOURCES}
    for title in titles:
        line = json.dumps({"id": title, "title": title})
        with (folder / title.split()[0] / "items.jsonl").open("a") as file:
            file.write(line + "\n")
    return titles


def arrived(bootstrap: str) -> set[str]:
    return {decode(record.value, Article).title for record in records(bootstrap, RAW)}


def shares(bootstrap: str) -> list[int]:
    """How many partitions each process has."""
    admin = KafkaAdminClient(bootstrap_servers=bootstrap)
    try:
        members = admin.describe_groups([GROUP])[GROUP]["members"]
    finally:
        admin.close()
    assignments = [one["member_assignment"] for one in members if one["member_assignment"]]  # none while they move
    return [len(topic["partitions"]) for one in assignments for topic in one["assigned_partitions"]]


def test_what_a_dead_process_polled_is_polled_by_the_other(installation: tuple[Path, str]) -> None:
    folder, bootstrap = installation
    wanted = write(folder, 0)
    first = Connect(folder, bootstrap)
    second = None
    try:
        wait_for("the first process took in nothing", lambda: wanted <= arrived(bootstrap))
        second = Connect(folder, bootstrap)
        wait_for("the sources are not divided", lambda: shares(bootstrap) == [SHARES // 2, SHARES // 2])
        for number in range(1, 4):
            wanted |= write(folder, number)
        wait_for("two processes skip something", lambda: wanted <= arrived(bootstrap))
        first.end(signal.SIGKILL)
        for number in range(4, 7):
            wanted |= write(folder, number)
        wait_for("a death skipped something", lambda: wanted <= arrived(bootstrap))
        second.end(signal.SIGTERM)
        assert second.process.returncode == 0, second.log.read_text()
    finally:
        first.end(signal.SIGKILL)
        if second:
            second.end(signal.SIGKILL)
    log = KafkaLog(Kafka(bootstrap=bootstrap))
    try:
        assert all(log.cursor(source) for source in SOURCES)
        for record in records(bootstrap, CURSORS):
            assert record.partition == partition_of(record.key.decode(), SHARES)
        log.reread([partition_of(SOURCES[0], SHARES)])
        assert log.cursor(SOURCES[0])
    finally:
        log.close()
