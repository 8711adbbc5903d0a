"""How ten thousand sources fare in one process: started, polled against a local server, and written to the log."""

import asyncio
import multiprocessing
import resource
import tempfile
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path

from connectors.sdk.polite import Polite
from connectors.sdk.runner import Runner
from pipeline import settings
from pipeline.alerting.rules import RuleSet
from pipeline.engines.embedded import Embedded
from pipeline.model.article import Article
from pipeline.model.dead_letter import DeadLetter
from pipeline.model.health import SourceHealth

ITEMS = 5
"""In each feed."""
TEXT = "The ferry between the islands sails again, and those who waited were let on board first. " * 8


def _feed(path: str) -> bytes:
    items = "".join(
        f"<item><title>Report {number} of {path}</title><link>http://127.0.0.1{path}/{number}</link>"
        f"<pubDate>Tue, 30 Apr 2030 09:0{number}:00 GMT</pubDate><description>{TEXT}</description></item>"
        for number in range(ITEMS)
    )
    return f'<rss version="2.0"><channel><title>{path}</title>{items}</channel></rss>'.encode()


def _serve(told: Connection) -> None:
    """Answers every path with a feed of its own, until the process is ended."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while head := await reader.readline():
                while await reader.readline() not in (b"\r\n", b""):
                    pass
                body = _feed(head.split()[1].decode())
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/rss+xml\r\n")
                writer.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)
                await writer.drain()
        writer.close()

    async def main() -> None:
        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        told.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(main())


class _Counting:
    """The embedded engine's log, and how much went into it when."""

    def __init__(self, engine: Embedded, stop: threading.Event, until: int) -> None:
        self._engine = engine
        self._stop = stop
        self._until = until
        self.first = 0.0
        self.items = 0
        self.polled: set[str] = set()
        self.cursor, self.sources = engine.cursor, engine.sources

    def append(self, articles: Sequence[Article], cursor: tuple[str, str] | None = None) -> None:
        self._engine.append(articles, cursor)
        self.items += len(articles)
        self.first = self.first or time.monotonic()

    def reject(self, letter: DeadLetter) -> None:
        self._engine.reject(letter)

    def health(self, source: SourceHealth) -> None:
        self._engine.health(source)
        if source.last_success:
            self.polled.add(source.id)
        if len(self.polled) == self._until:
            self._stop.set()


def polling(quick: bool) -> dict[str, float]:
    """Sources started and polled by one process, all of them once or for as long as a minute and a half."""
    count, longest = (1_000, 15.0) if quick else (10_000, 90.0)
    here, there = multiprocessing.Pipe()
    server = multiprocessing.get_context("spawn").Process(target=_serve, args=(there,), daemon=True)
    server.start()
    port = here.recv()
    stop = threading.Event()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "wirewatch.yaml"
        file.write_text(
            "sources:\n"
            + "".join(f"- {{kind: feed, url: 'http://127.0.0.1:{port}/{n}', pages: false}}\n" for n in range(count))
        )
        began = time.monotonic()
        given = settings.load(file, {})
        loaded = time.monotonic()
        engine = Embedded(Path(folder) / "wirewatch.db", RuleSet.starter())
        log = _Counting(engine, stop, count)
        timer = threading.Timer(longest, stop.set)
        timer.start()
        begun, spent = time.monotonic(), time.process_time()
        Runner(log, given.sources, allow=["127.0.0.1"], polite=Polite(gap=0)).run(stop)
        took, spent = time.monotonic() - begun, time.process_time() - spent
        timer.cancel()
        engine.close()
    server.kill()
    return {
        "load": loaded - began,
        "first": log.first - begun,
        "polls": len(log.polled) / took,
        "items": log.items / took,
        "cost": 1000 * spent / max(1, len(log.polled)),
        "polled": len(log.polled),
        "memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }
