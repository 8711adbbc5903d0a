"""A stage as a Faust app of its own: its agent, its clock, its health page."""

import asyncio
import logging
import os
import socket
import sys
import threading
import time
from collections.abc import Callable, Coroutine, Sequence
from functools import partial
from typing import Any, NamedTuple, NoReturn, cast

import faust
from faust.types import EventT, StreamT

from pipeline.alerting.rules import RuleSet
from pipeline.engines.kafka import clients
from pipeline.engines.kafka.health import Health, Work
from pipeline.engines.kafka.ledger import LostError
from pipeline.engines.kafka.rules import Published
from pipeline.engines.kafka.sending import StoppedError
from pipeline.engines.kafka.stage_worker import StageWorker, StateError, arrived
from pipeline.enrich.stage import Enrich
from pipeline.settings import Settings
from pipeline.stories.relate import Relate
from pipeline.topology import kafka_stages

BATCH = 100
"""Messages at once: a few tenths of a second of work, after which the group hears of us again."""
WITHIN = 0.02
"""Seconds to wait for a batch to fill."""
ENRICH, RELATE, SINK = Enrich.name, Relate.name, "sink"
TICK_EVERY = 30.0
"""Seconds."""
LEAVE_WITHIN = 8.0
"""Seconds that a graceful stop may take; then the process ends as it is, which costs nothing but a repetition."""

FAILED, MISCONFIGURED = 70, 78
"""Exit codes, as in sysexits.h: something unforeseen (start again), and what no start can mend."""
PORT_FREE_WITHIN = 5.0
"""Seconds that the port of the health page may still be held by a worker that has just been killed."""

log = logging.getLogger("wirewatch.kafka")


def app_of(stage: str, settings: Settings, slot: str, port: int) -> faust.App:
    """A Faust app that takes part in the group of a stage.

    Args:
        stage: its name.
        slot: of this worker; one that comes back under the same name gets its partitions back at once.
        port: of its health page.
    """
    folder = settings.data / "faust" / f"{stage}-{slot}"
    folder.mkdir(parents=True, exist_ok=True)
    return faust.App(
        f"wirewatch-{stage}",
        **clients.faust(settings.kafka),
        autodiscover=False,
        datadir=str(folder),
        broker_client_id=f"wirewatch-{stage}",
        broker_commit_interval=0.5,
        broker_session_timeout=10.0,
        broker_heartbeat_interval=3.0,
        broker_max_poll_interval=86_400.0,
        broker_request_timeout=20.0,
        consumer_group_instance_id=f"{socket.gethostname()}-{stage}-{slot}",
        consumer_max_fetch_size=2 * clients.LARGEST_REQUEST,
        consumer_auto_offset_reset="earliest",
        topic_allow_declare=False,
        topic_disable_leader=True,
        stream_buffer_maxsize=4 * BATCH,
        web_port=port,
        web_bind=settings.console.host,
        web_in_thread=True,
    )


class _Worker(faust.Worker):
    """A worker that leaves in time when asked to, whatever it waits for."""

    def _on_sigterm(self) -> None:
        self._hurry()
        super()._on_sigterm()

    def _on_sigint(self) -> None:
        self._hurry()
        super()._on_sigint()

    def _hurry(self) -> None:
        timer = threading.Timer(LEAVE_WITHIN, _leave, (0,))
        timer.daemon = True
        timer.start()


class _Seldom(logging.Filter):
    """Lets a complaint of the clients through once a minute: while the broker is away they have ten a second."""

    def __init__(self) -> None:
        super().__init__()
        self._said: dict[str, float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether it is time again for a message of this kind."""
        now = time.monotonic()
        if now - self._said.get(str(record.msg), -60.0) < 60.0:
            return False
        self._said[str(record.msg)] = now
        return True


class NeverAgain(logging.Filter):
    """Ends the process when aiokafka gives its place in the group up for good, as after an answer without brokers.

    It says so in its log and nowhere else; the process would stay up and never be given a message again.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        """Lets every other message through."""
        if str(record.msg).startswith("Unexpected error in coordinator routine"):
            log.critical("the consumer has left its group for good; this worker starts anew", exc_info=record.exc_info)
            _leave(FAILED)
        return True


def run_stage(name: str, settings: Settings, slot: str, port: int) -> None:
    """Runs one stage until SIGTERM; ends the process."""
    if not _is_free(settings.console.host, port):
        log.critical("%s: port %d of the health page is taken; give the worker another with --port", name, port)
        _leave(MISCONFIGURED)
    app = app_of(name, settings, slot, port)

    def stopping() -> bool:
        return bool(app.should_stop)

    if name == SINK:
        from pipeline.engines.kafka import sink_worker

        sink = sink_worker.SinkWorker(settings, stopping)

        async def write(events: Sequence[EventT[Any]]) -> None:
            await sink.handle([sink_worker.record_of(event) for event in events])

        _agent(app, name, sink_worker.TOPICS, Batches(sink_worker.BATCH, sink_worker.WITHIN), sink, sink.start, write)
        _execute(app)
    stage = next(stage for stage in kafka_stages(RuleSet([])) if stage.name == name)
    work = StageWorker(stage, settings.kafka, stopping)

    async def handle(events: Sequence[EventT[Any]]) -> None:
        await work.handle([arrived(event) for event in events])

    _agent(app, name, (stage.input,), Batches(BATCH, WITHIN), work, partial(_ready, work, settings), handle)

    async def doubt(*_: Any, **__: Any) -> None:
        work.doubt()

    app.on_partitions_revoked.connect(doubt)
    if name == RELATE:

        async def tick() -> None:
            if not app.rebalancing:  # else it is not certain what is ours
                places = app.consumer.assignment()
                await _unharmed(work.tick([place.partition for place in places if place.topic == stage.input]))

        app.timer(TICK_EVERY)(tick)
    _execute(app)


def _is_free(host: str, port: int) -> bool:
    """Whether a port can be listened on, at the latest when a worker that was just killed has let go of it."""
    until = time.monotonic() + PORT_FREE_WITHIN
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    while True:
        try:
            socket.create_server((host, port), family=family).close()
            return True
        except OSError:
            if time.monotonic() > until:
                return False
            time.sleep(0.2)


class Batches(NamedTuple):
    """How the agent takes messages."""

    most: int
    within: float
    """Seconds to wait for a batch to fill."""


def _agent(
    app: faust.App,
    name: str,
    topics: Sequence[str],
    batches: Batches,
    work: Work,
    start: Callable[[], Coroutine[Any, Any, None]],
    handle: Callable[[Sequence[EventT[Any]]], Coroutine[Any, Any, None]],
) -> None:
    """Gives the app its one agent and its pages."""
    health = Health(app, name, work)
    health.serve()
    topic = app.topic(*topics, key_type=bytes, value_type=bytes, key_serializer="raw", value_serializer="raw")

    async def agent(stream: StreamT[Any]) -> None:
        await _unharmed(start())
        async for events in cast("Any", stream).take_events(batches.most, within=batches.within):
            await _unharmed(handle(events))
            health.progress(events)

    app.agent(topic, concurrency=1, name=name)(agent)


def _execute(app: faust.App) -> NoReturn:
    """Runs the app until SIGTERM and ends the process."""
    threading.Thread(target=_end_with_parent, args=(os.getppid(),), daemon=True).start()
    seldom = _Seldom()
    for client in [name for name in logging.root.manager.loggerDict if name.startswith(("aiokafka", "elastic_"))]:
        logging.getLogger(client).addFilter(seldom)
    logging.getLogger("aiokafka.consumer.group_coordinator").addFilter(NeverAgain())
    worker = _Worker(app, loglevel="WARNING", redirect_stdouts=False)
    worker.spinner = None
    try:
        worker.execute_from_commandline()
    except SystemExit as ended:
        _leave(ended.code if isinstance(ended.code, int) else 0)
    _leave(0)


def _end_with_parent(parent: int) -> None:
    """Ends the process when the supervisor is gone: a stage that nobody looks after must not hold its partitions."""
    while os.getppid() == parent:
        time.sleep(1)
    _leave(0)


async def _ready(work: StageWorker, settings: Settings) -> None:
    """Connects, and for enrichment waits for the rules and follows them from then on."""
    await work.start()
    if work.stage.name != ENRICH:
        return
    published = await Published(settings.kafka).__aenter__()
    if not published.rules:
        log.error("no rules are published yet: run `wirewatch setup`; articles wait until then")
    while not published.rules:
        await asyncio.sleep(2)
        await published.catch_up()
    following = published.follow()
    work.replace(Enrich(await anext(following)))

    async def follow() -> None:
        async for rules in following:
            log.warning("%d rules from now on (%s)", len(rules), rules.hash)
            work.replace(Enrich(rules))

    _following.add(asyncio.create_task(follow()))


_following: set[asyncio.Task[None]] = set()
"""Held, so that they are not collected while they run."""


async def _unharmed(work: Coroutine[Any, Any, None]) -> None:
    """Awaits what must come to its end: anything else ends the process, before Faust can commit."""
    try:
        await work
    except StoppedError as error:
        log.warning("stopped while %s; the batch in hand will be done by the next start", error)
        _leave(0)
    except StateError as error:
        log.critical("%s", error)
        _leave(MISCONFIGURED)
    except LostError as error:
        log.warning("%s; this worker joins anew", error)
        _leave(FAILED)
    except asyncio.CancelledError:
        _leave(0)
    except BaseException:
        log.critical("the batch in hand could not be done", exc_info=True)
        _leave(FAILED)


def _leave(code: int) -> NoReturn:
    sys.stderr.flush()
    os._exit(code)
