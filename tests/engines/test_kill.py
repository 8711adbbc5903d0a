"""kill -9 at any moment loses nothing and repeats nothing."""

import multiprocessing
import os
import random
import signal
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from multiprocessing.connection import Connection
from pathlib import Path
from typing import NamedTuple

import pytest

from pipeline.alerting.rules import RuleSet
from pipeline.engines.embedded import Embedded
from pipeline.model.article import Article, from_input
from pipeline.stage import AnyStage
from pipeline.topology import stages
from tests.engines.files import folder, held
from tests.engines.toys import NOON, article, graph, rule_set

KILLS = 40
SEEDS = Path(__file__).parents[2] / "seeds" / "articles"
WORDS = ("Bridge fires", "Harbour fires", "Bridge quiet", "Market refused", "Harbour jams", "Square unfoldable", "Hill")


class Job(NamedTuple):
    """Articles, and the stages that they go through."""

    articles: Sequence[Article]
    rules: RuleSet
    graph: Sequence[AnyStage]


def toys() -> Job:
    """Every kind of trouble."""
    articles = [article(number % 450, f"{WORDS[number % 7]} {number // 300}") for number in range(600)]
    return Job(articles, rule_set("toy"), graph())


def seeds() -> Job:
    """The real stages on the seeds, some of which come twice."""
    lines = [line for path in sorted(SEEDS.glob("*.jsonl")) for line in path.read_bytes().splitlines()]
    articles = [from_input(line)[1] for line in lines]
    rules = RuleSet.starter()
    return Job([*articles, *articles[:80]], rules, stages(rules))


def work(job: Job, path: Path, seed: int, tell: Connection | None = None) -> None:
    """Goes on from the cursor to the end, in batches that the seed decides; each article arrives at its own minute."""
    chance = random.Random(seed)
    arrived = 0

    def clock() -> datetime:
        return NOON + timedelta(minutes=arrived)

    engine = Embedded(path, job.rules, clock=clock, graph=job.graph)
    for number in range(int(engine.cursor("known") or 0), len(job.articles)):
        arrived = number
        engine.append([job.articles[number]], ("known", str(number + 1)))
        if tell:
            tell.send_bytes(b"one")
        if chance.random() < 0.5:
            engine.process(chance.choice((1, 3, 20)))
    while engine.process():
        pass
    engine.close()


def killed(job: Job, path: Path, chance: random.Random, most: int) -> int | None:
    """Lets a process take in some articles and kills it a moment later, or while it starts; its exit code."""
    processes = multiprocessing.get_context("fork")
    told, tell = processes.Pipe(duplex=False)
    process = processes.Process(target=work, args=(job, path, chance.random(), tell))
    process.start()
    tell.close()
    for _ in range(chance.randint(0, most)):
        told.recv_bytes()
    process.join(chance.uniform(0.0, 0.01))
    os.kill(process.pid or 0, signal.SIGKILL)
    process.join()
    return process.exitcode


@pytest.mark.parametrize(("made", "most"), [pytest.param(toys, 12, id="toys"), pytest.param(seeds, 3, id="seeds")])
def test_forty_kills_leave_what_an_undisturbed_run_leaves(made: Callable[[], Job], most: int) -> None:
    chance, job = random.Random(20260301), made()
    with folder() as at:
        work(job, at / "undisturbed.db", 0)

        ends = [killed(job, at / "killed.db", chance, most) for _ in range(KILLS)]
        work(job, at / "killed.db", 1)

        expected, found = held(at / "undisturbed.db"), held(at / "killed.db")
    assert ends == [-signal.SIGKILL] * KILLS
    for table, rows in expected.items():
        assert found[table] == rows, table
    assert expected["alerts"]
