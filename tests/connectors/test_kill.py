"""kill -9 of a process that polls feeds which forget what is old: nothing is skipped, nothing comes twice."""

import multiprocessing
import os
import random
import signal
import sqlite3
import threading
import time
from contextlib import closing
from http.server import BaseHTTPRequestHandler
from pathlib import Path

from connectors.sdk import Polite, schedule
from connectors.sdk.declare import declare
from connectors.sdk.runner import Runner
from pipeline.alerting.rules import RuleSet
from pipeline.engines.embedded import Embedded
from pipeline.model.article import article_id
from tests.connectors.server import Answer, body, serving

FEEDS, ITEMS, LISTED, KILLS = 4, 150, 60, 6
"""Feeds, items that each publishes, how many it lists at a time, and how often its reader is killed."""
TEXT = "The ferry stays in port, the harbour office said, and nobody knows for how long. " * 6


def poll(path: Path, base: str) -> None:
    """A process that polls for ever, hours of it in seconds."""
    schedule.SHORTEST = 0.1
    engine = Embedded(path, RuleSet.starter())
    sources = [
        declare({"kind": "feed", "id": f"feed-{number}", "url": f"{base}/{number}", "every": 0.1, "pages": False})
        for number in range(FEEDS)
    ]
    Runner(engine, sources, allow=("127.0.0.1",), polite=Polite(gap=0.0)).run(threading.Event())


def document(feed: int, newest: int) -> bytes:
    items = "".join(
        f"<item><guid>{feed}-{number}</guid><link>https://quay.example/{feed}/{number}</link>"
        f"<title>Notice {number}</title><description>{TEXT}</description></item>"
        for number in range(newest, max(0, newest - LISTED), -1)
    )
    return f'<rss version="2.0"><channel><title>Quay</title>{items}</channel></rss>'.encode()


def publishing(feed: int, newest: list[int]) -> Answer:
    """Shows the latest items, and publishes three more whenever somebody has asked."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        body(document(feed, newest[feed]), "application/rss+xml")(handler)
        newest[feed] = min(ITEMS, newest[feed] + 3)

    return answer


def articles(path: Path) -> list[str]:
    if not path.exists():
        return []
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        return [key for (key,) in connection.execute("SELECT key FROM log WHERE topic = 'articles.raw.v1'")]


def test_nothing_is_skipped_and_nothing_comes_twice(tmp_path: Path) -> None:
    path, newest, chance = tmp_path / "wirewatch.db", [3] * FEEDS, random.Random(5)
    spawn = multiprocessing.get_context("spawn")
    with serving() as server:
        server.answers = {f"/{feed}": publishing(feed, newest) for feed in range(FEEDS)}
        for kill in range(KILLS + 1):
            asked = len(server.asked)
            process = spawn.Process(target=poll, args=(path, server.base), daemon=True)
            process.start()
            until = time.monotonic() + 60
            enough = FEEDS * ITEMS if kill == KILLS else 0
            while time.monotonic() < until and (len(server.asked) == asked or len(set(articles(path))) < enough):
                time.sleep(0.02)
            time.sleep(chance.uniform(0.0, 0.6))
            assert process.pid
            os.kill(process.pid, signal.SIGKILL)
            process.join()
    found = articles(path)
    wanted = {
        article_id(f"https://quay.example/{feed}/{number}", "", "")
        for feed in range(FEEDS)
        for number in range(1, ITEMS + 1)
    }
    assert set(found) == wanted
    assert len(found) == len(wanted)
