"""The seeds as a wire: articles dropped into a folder one after the other, and feeds on a local server.

What happened over days in the seeds is moved to the hours before the demo was first started, in the same order, so
that it is news. The moment is kept beside the data: a later start sees the same times, and nothing is new twice.
"""

import hashlib
import os
import re
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import msgspec

from connectors.sdk.declare import Declared, declare
from pipeline.model.codec import decode, encode

HOURS = timedelta(hours=20)
"""Into which the seeds' days are squeezed."""
PAUSE = 0.12
"""Seconds between two articles."""
PORT = 8586
ISO = re.compile(r"\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)")
RFC_822 = re.compile(r"\b(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d? \w{3} \d{4} \d\d:\d\d:\d\d (?:GMT|UT|[+-]\d{4})")
TYPES = {".xml": "application/xml", ".json": "application/feed+json", ".html": "text/html; charset=utf-8"}


class _Kept(msgspec.Struct):
    """What a later start must know."""

    began: datetime
    port: int


class Seeds:
    """Serves the feeds while it is entered.

    Args:
        seeds: the folder of the seeds.
        folder: of the demo's data.
    """

    def __init__(self, seeds: Path, folder: Path) -> None:
        self._articles = _articles(seeds / "articles")
        self._inbox = folder / "inbox"
        self._inbox.mkdir(exist_ok=True)
        kept_in = folder / "demo.json"
        kept = decode(kept_in.read_bytes(), _Kept) if kept_in.exists() else _Kept(datetime.now(UTC), PORT)
        self._move = _mover([_fetched(article) for article in self._articles], kept.began)
        self._server = _server(kept.port)
        kept.port = self._server.server_address[1]
        kept_in.write_bytes(encode(kept))
        base = f"http://127.0.0.1:{kept.port}"
        files = [file for file in sorted((seeds / "feeds").rglob("*")) if file.suffix in TYPES]
        self._server.pages = {
            f"/{file.relative_to(seeds / 'feeds').as_posix()}": (self._current(file, base), TYPES[file.suffix])
            for file in files
        }
        inbox = {"kind": "folder", "id": "inbox", "name": "Inbox", "path": str(self._inbox), "every": 0.3}
        feeds = [
            {"kind": "feed", "id": file.stem, "url": f"{base}/{file.name}", "every": 30}
            for file in files
            if file.parent == seeds / "feeds"
        ]
        self.sources: list[Declared] = [declare(entry) for entry in (inbox, *feeds)]
        self.allow = ("127.0.0.1",)

    def __enter__(self) -> "Seeds":
        threading.Thread(target=self._server.serve_forever, args=(0.05,), name="feeds", daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def deliver(self, stop: threading.Event, pause: float = PAUSE) -> None:
        """Drops the articles that the inbox does not have yet, in order of arrival, `pause` seconds apart."""
        for number, article in enumerate(self._articles, 1):
            name = f"{number:03}-{article['id']}.json"
            if (self._inbox / name).exists():
                continue
            moved = article | {
                key: self._move(datetime.fromisoformat(article[key])).isoformat()
                for key in ("published", "fetched")
                if article.get(key)
            }
            unfinished = self._inbox / f".{name}"
            unfinished.write_bytes(encode(moved))
            os.replace(unfinished, self._inbox / name)
            if stop.wait(pause):
                return

    def _current(self, file: Path, base: str) -> bytes:
        """A feed or page as it is served: with its own address, and its times moved."""
        text = file.read_text("utf-8").replace("{{base}}", base)
        text = ISO.sub(lambda found: self._move(datetime.fromisoformat(found[0])).isoformat(timespec="seconds"), text)
        return RFC_822.sub(lambda found: format_datetime(self._move(parsedate_to_datetime(found[0]))), text).encode()


def _articles(folder: Path) -> list[dict[str, Any]]:
    """Every article in order of arrival from the first story on; what is older comes last, as news often does."""
    lines = [line for file in sorted(folder.glob("*.jsonl")) for line in file.read_bytes().splitlines() if line.strip()]
    articles = [msgspec.json.decode(line) for line in lines]
    start = _fetched(articles[0])
    return sorted(articles, key=lambda article: (_fetched(article) < start, _fetched(article)))


def _fetched(article: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(article.get("fetched") or article["published"])


def _mover(times: list[datetime], began: datetime) -> Callable[[datetime], datetime]:
    """Moves times so that the newest is a minute before `began`, squeezed into HOURS where they take longer."""
    newest, oldest = max(times), min(times)
    scale = min(1.0, HOURS / (newest - oldest)) if newest > oldest else 1.0
    end = began - timedelta(minutes=1)
    return lambda time: min(end, end - (newest - time) * scale).astimezone(UTC)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    pages: dict[str, tuple[bytes, str]]


def _server(port: int) -> _Server:
    try:
        return _Server(("127.0.0.1", port), _Handler)
    except OSError:  # taken
        return _Server(("127.0.0.1", 0), _Handler)


class _Handler(BaseHTTPRequestHandler):
    """Answers from memory, conditionally where asked."""

    server: _Server

    def do_GET(self) -> None:
        body, kind = self.server.pages.get(self.path, (b"", ""))
        etag = f'"{hashlib.sha256(body).hexdigest()[:16]}"'
        if not body:
            self.send_error(404)
            return
        unchanged = self.headers.get("if-none-match") == etag
        self.send_response(304 if unchanged else 200)
        self.send_header("ETag", etag)
        if not unchanged:
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if not unchanged:
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Says nothing: the terminal belongs to the alerts."""
