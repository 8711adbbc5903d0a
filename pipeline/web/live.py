"""`/events`: every change of an alert as it happens, as server-sent events (WHATWG HTML, section 9.2)."""

import time
from collections.abc import AsyncIterator

import anyio
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from pipeline.model.alert import Alert
from pipeline.model.cloudevent import event
from pipeline.model.codec import decode
from pipeline.topics import ALERTS, DESKS
from pipeline.web.pages import Console, console, problem

POLL = 0.2
"""Seconds between two looks at the log."""
HEARTBEAT = 15.0
"""Seconds of silence after which a comment is sent, so that proxies and clients know the stream is alive."""
BATCH = 100


def stream(request: Request) -> Response:
    """Events named `alert`: `data` is a CloudEvent with the alert in it, as JSON; `id` its place in the log.

    `Last-Event-ID` (or `?after=`) resumes after that place and misses nothing; without it the stream begins now.
    `?desk=` keeps one desk.
    """
    desk = request.query_params.get("desk", "")
    if desk and desk not in DESKS:
        return problem(request, 400, "No such desk", f"Choose one of {', '.join(DESKS)}.")
    after = request.headers.get("last-event-id", request.query_params.get("after", ""))
    if after and not (after.isdecimal() and len(after) < 19):
        return problem(request, 400, "No such place", "Last-Event-ID is the id of an event of this stream.")
    served = console(request)
    begin = int(after) if after else served.reader.head(ALERTS)
    return StreamingResponse(
        events(served, begin, desk), headers={"X-Accel-Buffering": "no"}, media_type="text/event-stream"
    )


async def events(served: Console, after: int, desk: str) -> AsyncIterator[str]:
    """The stream from a place in the log on, until the server stops or the client leaves."""
    yield "retry: 1000\n: wirewatch\n\n"
    last_sent = time.monotonic()
    while not served.stopping():
        records = await run_in_threadpool(served.reader.tail, ALERTS, after, BATCH)
        for record in records:
            after = record.offset
            alert = decode(record.value, Alert)
            if not desk or alert.desk == desk:
                yield f"id: {record.offset}\nevent: alert\ndata: {event(alert, record.value).decode()}\n\n"
                last_sent = time.monotonic()
        if time.monotonic() - last_sent > HEARTBEAT:
            yield ": still here\n\n"
            last_sent = time.monotonic()
        if len(records) < BATCH:
            await anyio.sleep(POLL)


routes = [Route("/events", stream)]
