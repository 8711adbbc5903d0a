"""The demo, as a newcomer starts it."""

import json
import re
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pipeline.alerting.rules import RuleSet
from pipeline.engines.embedded import Embedded
from pipeline.model.article import Article, Source, article_id

COMMAND = [sys.executable, "-c", "from pipeline.cli import main; main()", "demo"]


def once(folder: Path, *options: str) -> str:
    ended = subprocess.run(
        [*COMMAND, "--once", *options], cwd=folder, capture_output=True, text=True, timeout=120, check=False
    )
    assert ended.returncode == 0, ended.stderr
    assert ended.stderr == ""
    return ended.stdout


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the demo has been run, over something that an earlier one has left and `--fresh` forgets."""
    made = tmp_path_factory.mktemp("demo")
    earlier = made / ".wirewatch" / "demo"
    earlier.mkdir(parents=True)
    engine = Embedded(earlier / "wirewatch.db", RuleSet.starter())
    source = Source(id="old")
    engine.append([Article(id=article_id(None, "old", "1"), source=source, title="Old", revision="0")])
    engine.close()
    (made / "first.txt").write_text(once(made, "--fresh"))
    return made


def test_once_processes_every_seed_and_prints_the_alerts(folder: Path) -> None:
    said = (folder / "first.txt").read_text()
    seeds = len(Path(__file__).parents[1].joinpath("seeds", "labels.jsonl").read_bytes().splitlines())
    assert f"{seeds} articles in, {seeds} tagged" in said
    assert "dead letters" not in said
    assert "diplomatic-premises-hit (diplomacy desk)" in said
    assert said.count("  rule  ") >= 8


def test_a_second_start_raises_nothing_twice(folder: Path) -> None:
    assert once(folder) == (folder / "first.txt").read_text()


def test_other_commands_read_the_data_of_the_demo(folder: Path) -> None:
    found = subprocess.run(
        [*COMMAND[:-1], "search", "embassy", "--json"], cwd=folder, capture_output=True, text=True, check=True
    )
    assert len(found.stdout.splitlines()) >= 3
    assert "the demo's data" in found.stderr


@contextmanager
def started(folder: Path) -> Iterator[subprocess.Popen[str]]:
    """The demo, live, with its console on any free port."""
    settings = folder / "wirewatch.yaml"
    settings.write_text("console: {port: 0}\n")
    process = subprocess.Popen(COMMAND, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        settings.unlink()


@pytest.mark.parametrize("name", [signal.SIGINT, signal.SIGTERM])
def test_live_it_alerts_serves_the_console_and_stops(tmp_path: Path, name: signal.Signals) -> None:
    with started(tmp_path) as process:
        assert process.stdout
        address = ""
        for line in process.stdout:
            if found := re.search(r"console: (http://\S+)", line):
                address = found[1]
            if re.match(r"[A-Z]+ raised  ", line):
                break
        with urllib.request.urlopen(f"{address}/?format=json", timeout=60) as answer:
            assert json.load(answer)
        process.send_signal(name)
        out, err = process.communicate(timeout=60)
        assert process.returncode == 0, err
        assert "Traceback" not in out + err
        assert "stopped; " in err


def test_a_second_demo_on_the_same_data_is_refused(tmp_path: Path) -> None:
    with started(tmp_path) as process:
        assert process.stdout
        process.stdout.readline()
        ended = subprocess.run([*COMMAND, "--once"], cwd=tmp_path, capture_output=True, text=True, check=False)
        assert ended.returncode == 1
        assert ended.stderr.startswith("wirewatch: ")
        assert ended.stderr.count("\n") == 1
        assert process.poll() is None
