"""Whether a worker lives and how far it is behind: /healthz for orchestrators, /metrics for Prometheus."""

import time
from collections.abc import Sequence
from typing import Any, Protocol

import faust
from faust.types import TP, EventT
from faust.web import Request, Response, View
from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest

STUCK = 60.0
"""Seconds that a batch may be in hand before the worker is called stuck: what it waits for is away, or it hangs.

As long may messages wait without any being handled.
"""


class Work(Protocol):
    """What does the work of a stage, and counts it."""

    busy_since: float | None
    handled: int
    dead: int


class Health:
    """What a worker says of itself.

    Args:
        app: of the stage; `serve` gives it the two pages.
        stage: its name.
        work: that the app does.
    """

    def __init__(self, app: faust.App, stage: str, work: Work) -> None:
        self._app = app
        self._stage = stage
        self._work = work
        self._next: dict[TP, int] = {}
        self._waits: tuple[int, float] | None = None
        """While messages wait: how many had been handled when that was first seen, and when that was."""
        self._registry = CollectorRegistry()
        self._handled = self._counter("messages", "Messages handled", stage)
        self._dead = self._counter("dead_letters", "Messages refused for good", stage)
        self._lag = Gauge(
            "wirewatch_lag", "Messages that wait", ["stage", "topic", "partition"], registry=self._registry
        )
        self._age = Gauge("wirewatch_busy_seconds", "Time in the batch at hand", ["stage"], registry=self._registry)

    def _counter(self, name: str, text: str, stage: str) -> Counter:
        counter = Counter(f"wirewatch_{name}", text, ["stage"], registry=self._registry)
        counter.labels(stage)
        return counter

    def progress(self, events: Sequence[EventT[Any]]) -> None:
        """A batch is done: everything it caused is acknowledged."""
        for event in events:
            self._next[event.message.tp] = event.message.offset + 1

    def lag(self) -> dict[TP, int]:
        """Messages that wait, by partition, for those that the group has ever handled anything of."""
        consumer: Any = self._app.consumer
        begun = {tp: self._next.get(tp) or consumer._committed_offset.get(tp) for tp in consumer.assignment()}
        return {tp: max(0, (consumer.highwater(tp) or 0) - offset) for tp, offset in begun.items() if offset}

    def busy(self) -> float:
        """Seconds that the batch in hand has taken so far; 0 where there is none."""
        since = self._work.busy_since
        return time.monotonic() - since if since else 0.0

    def waiting(self) -> float:
        """Seconds since it was first seen that messages wait, while none has been handled; 0 where none wait."""
        if not any(self.lag().values()):
            self._waits = None
            return 0.0
        now, handled = time.monotonic(), self._work.handled
        if self._waits is None or self._waits[0] != handled:
            self._waits = handled, now
        return now - self._waits[1]

    def _metrics(self) -> bytes:
        stage = self._stage
        for counter, value in ((self._handled, self._work.handled), (self._dead, self._work.dead)):
            child = counter.labels(stage)
            child.inc(value - child._value.get())
        self._lag.clear()
        for tp, lag in self.lag().items():
            self._lag.labels(stage, tp.topic, tp.partition).set(lag)
        self._age.labels(stage).set(self.busy())
        return generate_latest(self._registry)

    def serve(self) -> None:
        """Gives the app its pages."""
        health = self

        @self._app.page("/healthz")
        async def healthz(view: View, request: Request) -> Response:  # noqa: ARG001
            busy, waiting = health.busy(), health.waiting()
            stuck = max(busy, waiting) > STUCK
            body = {
                "stage": health._stage,
                "state": "stuck" if stuck else "ok",
                "busy_seconds": round(busy, 1),
                "waiting_seconds": round(waiting, 1),
                "lag": sum(health.lag().values()),
                "handled": health._work.handled,
            }
            return view.json(body, status=503 if stuck else 200)

        @self._app.page("/metrics")
        async def metrics(view: View, request: Request) -> Response:  # noqa: ARG001
            return view.bytes(health._metrics(), content_type="text/plain; version=0.0.4")
