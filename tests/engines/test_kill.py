"""kill -9 at any moment loses nothing and repeats nothing."""

import multiprocessing
import os
import random
import signal
from datetime import datetime, timedelta
from multiprocessing.connection import Connection
from pathlib import Path

from pipeline.engines.embedded import Embedded
from tests.engines.files import folder, held
from tests.engines.toys import NOON, article, graph, rule_set

KILLS = 40
WORDS = ("Bridge fires", "Harbour fires", "Bridge quiet", "Market refused", "Harbour jams", "Square unfoldable", "Hill")
ARTICLES = [article(number % 450, f"{WORDS[number % 7]} {number // 300}") for number in range(600)]


def work(path: Path, seed: int, tell: Connection | None = None) -> None:
    """Goes on from the cursor to the end, in batches that the seed decides; each article arrives at its own minute."""
    chance = random.Random(seed)
    arrived = 0

    def clock() -> datetime:
        return NOON + timedelta(minutes=arrived)

    engine = Embedded(path, rule_set("toy"), clock=clock, graph=graph())
    for number in range(int(engine.cursor("known") or 0), len(ARTICLES)):
        arrived = number
        engine.append([ARTICLES[number]], ("known", str(number + 1)))
        if tell:
            tell.send_bytes(b"one")
        if chance.random() < 0.5:
            engine.process(chance.choice((1, 3, 20)))
    while engine.process():
        pass
    engine.close()


def killed(path: Path, chance: random.Random) -> int | None:
    """Lets a process take in some articles and kills it a moment later, or while it starts; its exit code."""
    processes = multiprocessing.get_context("fork")
    told, tell = processes.Pipe(duplex=False)
    process = processes.Process(target=work, args=(path, chance.random(), tell))
    process.start()
    tell.close()
    for _ in range(chance.randint(0, 12)):
        told.recv_bytes()
    process.join(chance.uniform(0.0, 0.01))
    os.kill(process.pid or 0, signal.SIGKILL)
    process.join()
    return process.exitcode


def test_forty_kills_leave_what_an_undisturbed_run_leaves() -> None:
    chance = random.Random(20260301)
    with folder() as at:
        work(at / "undisturbed.db", 0)

        ends = [killed(at / "killed.db", chance) for _ in range(KILLS)]
        work(at / "killed.db", 1)

        expected, found = held(at / "undisturbed.db"), held(at / "killed.db")
    assert ends == [-signal.SIGKILL] * KILLS
    for table, rows in expected.items():
        assert found[table] == rows, table
        assert rows, table
