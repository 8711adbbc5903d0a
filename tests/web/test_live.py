"""The stream of alerts over real HTTP: what it sends, where it goes on, and that it ends with the server."""

import json
import threading
from typing import Any

import httpx
import pytest

from pipeline.engines.embedded import Embedded
from pipeline.web.server import Serving, serve
from tests.web.conftest import TRUCE


def events(url: str, wanted: int, **headers: str) -> list[tuple[str, dict[str, Any]]]:
    """The next events of a stream, as (id, data)."""
    found: list[tuple[str, dict[str, Any]]] = []
    place = ""
    with httpx.stream("GET", url, headers=headers, timeout=10) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        for line in answer.iter_lines():
            if line.startswith("id: "):
                place = line[4:]
            elif line.startswith("data: "):
                found.append((place, json.loads(line[6:])))
                if len(found) == wanted:
                    break
    return found


def test_every_change_is_sent_and_a_reader_goes_on_where_it_stopped(console: Serving, engine: Embedded) -> None:
    known = engine.counts().alerts
    (*_, (last, event)) = events(f"{console.url}/events?after=0", known)
    alert = event["data"]
    assert (event["specversion"], event["id"]) == ("1.0", f"{alert['id']}/1")
    assert (alert["sequence"], alert["change"]) == (1, "raised")
    engine.append([TRUCE])
    while engine.process():
        pass
    ((place, event),) = events(f"{console.url}/events", 1, **{"Last-Event-ID": last})
    assert int(place) > int(last)
    assert event["data"]["rule"]["id"] == "ceasefire-change"


def test_a_desk_hears_its_own_alerts_only(console: Serving, engine: Embedded) -> None:
    engine.append([TRUCE])
    while engine.process():
        pass
    ((_, event),) = events(f"{console.url}/events?desk=conflict&after=0", 1)
    assert event["data"]["desk"] == "conflict"


@pytest.mark.parametrize("asked", ["desk=sports", "after=x", "after=-1", f"after={2**70}"])
def test_a_stream_that_cannot_be_is_refused(console: Serving, asked: str) -> None:
    assert httpx.get(f"{console.url}/events?{asked}").status_code == 400


def test_the_server_stops_though_streams_are_open(engine: Embedded) -> None:
    stop = threading.Event()
    serving = serve(engine.reader, None, "127.0.0.1", 0, stop)
    with httpx.stream("GET", f"{serving.url}/events", timeout=10) as answer:
        lines = answer.iter_lines()
        assert next(lines) == "retry: 1000"
        stop.set()
        assert serving.join(30)
        assert list(lines)[:2] == [": wirewatch", ""]
