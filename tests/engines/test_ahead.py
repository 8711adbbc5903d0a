"""Other processes help with a backlog; what comes of it is the same to the letter, whatever becomes of them."""

import logging
import multiprocessing
import os
import random
import select
import signal
import subprocess
import threading
from collections.abc import Sequence
from datetime import datetime
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import pytest

from pipeline.alerting.rules import RuleSet
from pipeline.engines import ahead
from pipeline.engines.embedded import Embedded
from pipeline.enrich import stage, themes, watchlists
from pipeline.topology import stages
from tests.engines.files import folder, held
from tests.engines.test_kill import WORDS, Job, seeds
from tests.engines.toys import NOON, article, graph, rule_set

BACKLOG = [article(number % 700, f"{WORDS[number % 7]} {number // 500}") for number in range(1000)]
"""Every kind of trouble."""


@pytest.fixture(autouse=True)
def _one_other_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ahead, "spare_cores", lambda: 1)


@pytest.fixture
def helped(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Set once another process has decided something."""
    happened, give = threading.Event(), ahead.Ahead.give

    def watched(self: ahead.Ahead, chunk: Sequence[Any], made: Sequence[Any]) -> None:
        give(self, chunk, made)
        if any(made):
            happened.set()

    monkeypatch.setattr(ahead.Ahead, "give", watched)
    return happened


def shuffled(job: Job) -> Job:
    articles = list(job.articles)
    random.Random(7).shuffle(articles)
    return job._replace(articles=articles)


def toys() -> Job:
    return Job(BACKLOG, rule_set("toy"), graph())


def opened(job: Job, path: Path) -> Embedded:
    def clock() -> datetime:
        return NOON

    return Embedded(path, job.rules, clock=clock, graph=job.graph)


def first(engine: Embedded) -> ahead.Ahead:
    """The stage that is helped."""
    found = engine._runners[0].stage
    assert isinstance(found, ahead.Ahead)
    return found


def pids(engine: Embedded) -> list[int]:
    """The processes that help."""
    return [worker._process.pid for worker in first(engine)._workers]


def alone(job: Job, path: Path) -> dict[str, list[Any]]:
    """What the work leaves when nobody helps."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ahead, "spare_cores", lambda: 0)
        engine = opened(job, path)
    engine.append(job.articles)
    finish(engine)
    return held(path)


def finish(engine: Embedded) -> None:
    while engine.process():
        pass
    engine.close()


def ends(pid: int) -> bool:
    """Whether a process ends within ten seconds."""
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([handle], [], [], 10)[0])
    finally:
        os.close(handle)


@pytest.mark.parametrize("job", [pytest.param(toys, id="toys"), pytest.param(seeds, id="seeds")])
def test_a_backlog_comes_to_the_same(job: Any, helped: threading.Event, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ahead, "BACKLOG", 100)
    work = shuffled(job())
    with folder() as at:
        engine = opened(work, at / "helped.db")
        engine.append(work.articles)
        engine.process(7)
        assert helped.wait(60)
        finish(engine)
        assert held(at / "helped.db") == alone(work, at / "alone.db")


def test_the_user_s_own_names_are_known_to_those_who_help(
    tmp_path: Path, helped: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ahead, "BACKLOG", 50)
    monkeypatch.setattr(watchlists, "_added", [])
    own = tmp_path / "own.yaml"
    own.write_text("[{id: ZORBA, kind: organisation, name: Zorba League, names: {any: [Zorba League]}}]")
    watchlists.add(own)
    themes.add()  # lets go of what was made without them
    try:
        rules = RuleSet.starter()
        named = [article(number, f"Zorba League meets for the {number}th time in Baku") for number in range(100)]
        engine = opened(Job(named, rules, stages(rules)), Path(":memory:"))
        engine.append(named)
        engine.process(7)
        assert helped.wait(60)
        while engine.process():
            pass
        found = [engine.reader.article(one.id) for one in named]
        engine.close()
    finally:
        watchlists._added.clear()
        watchlists.add()
        themes.add()
    assert [[actor.id for actor in one.actors if actor.id == "ZORBA"] for one in found if one] == [["ZORBA"]] * 100


def test_a_file_that_has_changed_since_it_was_read_is_no_basis() -> None:
    rules, own, _ = stage.Enrich(rule_set("toy")).elsewhere().args  # type: ignore[attr-defined]
    with pytest.raises(ValueError, match="has changed since it was read"):
        stage._made(rules, own, ())


def test_a_few_messages_are_done_without_help(monkeypatch: pytest.MonkeyPatch) -> None:
    def popen(*_: object, **__: object) -> None:
        raise AssertionError("nobody was needed")

    monkeypatch.setattr(subprocess, "Popen", popen)
    engine = opened(toys(), Path(":memory:"))
    engine.append(BACKLOG[: ahead.BACKLOG - 1])
    finish(engine)


def test_help_that_cannot_be_had_is_done_without(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def popen(*_: object, **__: object) -> None:
        raise OSError(12, "Cannot allocate memory")

    monkeypatch.setattr(subprocess, "Popen", popen)
    engine = opened(toys(), tmp_path / "helped.db")
    engine.append(BACKLOG)
    finish(engine)
    assert held(tmp_path / "helped.db") == alone(toys(), tmp_path / "alone.db")
    assert len(caplog.records) == 1


def test_the_end_of_one_that_helps_is_told_once_and_changes_nothing(
    helped: threading.Event, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    with folder() as at:
        engine = opened(toys(), at / "helped.db")
        engine.append(BACKLOG)
        engine.process(7)
        assert helped.wait(60)
        (pid,) = pids(engine)
        os.kill(pid, signal.SIGKILL)
        assert ends(pid)
        finish(engine)
        assert held(at / "helped.db") == alone(toys(), at / "alone.db")
    assert [record.message.partition(":")[0] for record in caplog.records] == [
        "a process that helps with the backlog has ended unexpectedly"
    ]


def test_one_that_stops_answering_is_given_up(helped: threading.Event, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ahead, "PATIENCE", 0.1)
    with folder() as at:
        engine = opened(toys(), at / "helped.db")
        engine.append(BACKLOG)
        engine.process(7)
        assert helped.wait(60)
        (pid,) = pids(engine)
        os.kill(pid, signal.SIGSTOP)
        engine.append([article(1000 + number) for number in range(ahead.WINDOW)])  # some of which it must get
        finish(engine)
        assert ends(pid)
        assert engine_found(at / "helped.db") == 1000 + ahead.WINDOW


def engine_found(path: Path) -> int:
    (count,) = (offset for name, _, offset, _ in held(path)["stages"] if name == "enrich")
    return int(count)


def test_those_who_help_go_once_the_backlog_is_gone(helped: threading.Event) -> None:
    engine = opened(toys(), Path(":memory:"))
    engine.append(BACKLOG)
    engine.process(7)
    assert helped.wait(60)
    while engine.process():
        pass
    (pid,) = pids(engine)
    first(engine)._needed_until = 0
    engine.process()
    assert pids(engine) == []
    assert ends(pid)
    engine.close()


def test_forgetting_takes_away_what_was_decided_ahead(helped: threading.Event) -> None:
    engine = opened(toys(), Path(":memory:"))
    engine.append(BACKLOG)
    engine.process(7)
    assert helped.wait(60)
    assert engine.forget("gazette").articles == 700
    assert not first(engine)._done
    finish(engine)


def live(path: Path, tell: Connection) -> None:
    """Runs as the command does, in a session of its own, and tells who helps."""
    os.setsid()
    ahead.spare_cores = lambda: 1
    stop = threading.Event()
    signal.signal(signal.SIGINT, lambda *_: stop.set())
    engine = opened(toys(), path)
    engine.append(BACKLOG)
    engine.process(1)
    tell.send(pids(engine))
    while not stop.wait(0.001):
        engine.process(1)
    engine.close()


@pytest.mark.parametrize(("sent", "code"), [(signal.SIGINT, 0), (signal.SIGKILL, -signal.SIGKILL)])
def test_nobody_who_helps_outlives_a_process_that_ends(
    sent: signal.Signals, code: int, capfd: pytest.CaptureFixture[str]
) -> None:
    processes = multiprocessing.get_context("spawn")
    with folder() as at:
        told, tell = processes.Pipe(duplex=False)
        process = processes.Process(target=live, args=(at / "ended.db", tell))
        process.start()
        (pid,) = told.recv()
        os.killpg(process.pid or 0, sent)  # as Ctrl-C does
        process.join()
        assert process.exitcode == code
        assert ends(pid)
        assert not capfd.readouterr().err
        engine = opened(toys(), at / "ended.db")  # nobody holds it
        finish(engine)
        assert held(at / "ended.db") == alone(toys(), at / "alone.db")
