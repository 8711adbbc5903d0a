"""`connect`, `console`, `reindex`: what runs beside the workers on Kafka."""

import dataclasses
import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.commands.common import fail, need_elasticsearch, need_kafka, note, settings

if TYPE_CHECKING:
    from connectors.sdk.outlets import Outlets
    from pipeline.settings import Settings


def register(app: typer.Typer) -> None:
    app.command()(connect)
    app.command()(console)
    app.command()(reindex)


LEAVE_WITHIN = 8.0
"""Seconds that connectors get to end what they are at; what was not acknowledged is fetched again by the next start."""


def connect(
    once: Annotated[bool, typer.Option("--once", help="Take in what there is, and end.")] = False,
    seeds: Annotated[bool, typer.Option("--seeds", help="Where there are no sources yet, the demo's.")] = False,
) -> None:
    """Poll the sources of wirewatch.yaml and put what they bring on Kafka, until SIGTERM.

    While no broker answers it waits; a source's place moves on only behind what the broker has acknowledged. Started
    several times, with the same wirewatch.yaml, the processes divide the sources; those of one that dies are polled by
    the others within seconds.

    Examples:

        wirewatch connect

        wirewatch connect --seeds --once
    """
    given = settings()
    need_kafka(given, "connectors put articles on Kafka (`wirewatch run` reads them without)")
    demo = seeds and not given.sources
    if not given.sources and not demo:
        fail("there are no sources yet: add one with `wirewatch sources add URL`, or try it with --seeds")
    from connectors.sdk.outlets import Outlets

    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(message)s")
    logging.getLogger("kafka").setLevel(logging.CRITICAL)  # what it says ten times a second, the log says once
    stop = _stopping(leave_within=LEAVE_WITHIN)
    if demo:
        _connect_demo(given, stop, once)
        return
    _connect(given, Outlets.load(given.outlets) if given.outlets else Outlets(), stop, once)


def _connect(given: "Settings", outlets: "Outlets", stop: threading.Event, once: bool) -> None:
    from connectors.sdk.runner import Runner
    from pipeline.engines.kafka.patient_log import PatientLog
    from pipeline.engines.kafka.shares import KafkaShares

    log = PatientLog(given.kafka, stop)
    shares = KafkaShares(given.kafka, log, (source.id for source in given.sources))
    runner = Runner(
        log,
        given.sources,
        outlets=outlets,
        allow=given.allow,
        polite=given.polite,
        site_rules=given.site_rules,
        shares=None if once else shares,
    )
    try:
        runner.run(stop, once=once)
    finally:
        log.close()


def _connect_demo(given: "Settings", stop: threading.Event, once: bool) -> None:
    """The articles and feeds in seeds/, as the demo delivers them."""
    from connectors.sdk.outlets import Outlets
    from pipeline.commands.demo import SEEDS
    from pipeline.commands.seeds import Seeds

    folder = given.data / "seeds"
    folder.mkdir(parents=True, exist_ok=True)
    with Seeds(SEEDS, folder) as seeds:
        if once:
            seeds.deliver(stop, pause=0)
        else:
            threading.Thread(target=seeds.deliver, args=(stop,), daemon=True).start()
        given = dataclasses.replace(given, sources=tuple(seeds.sources), allow=seeds.allow)
        _connect(given, Outlets.load(SEEDS / "sources.yaml"), stop, once)


def console(
    port: Annotated[int | None, typer.Option(help="Instead of console.port; 0 takes a free one.")] = None,
) -> None:
    """Serve the console, until Ctrl-C: over Kafka and Elasticsearch where they are set, else over the data folder.

    Over the data folder it only shows; `wirewatch run` serves one that can act on alerts.

    Examples:

        wirewatch console --port 9000
    """
    from pipeline.commands.common import open_reader
    from pipeline.web.server import serve

    given = settings()
    reader = open_reader()
    act = None
    if given.kafka.bootstrap:
        from pipeline.engines.kafka.looking import actions

        act = actions(given.kafka, reader.alert)
    stop = _stopping()
    served = serve(reader, act, given.console.host, given.console.port if port is None else port, stop)
    note(f"console: {served.url}")
    while not stop.wait(1):
        pass
    served.join(timeout=3)


@contextmanager
def _progress(what: str) -> Iterator[Callable[[int, int], None]]:
    """Takes how much is done and how much there is; a bar on standard error, where that is a terminal."""
    import sys

    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def reindex(
    from_topic: Annotated[bool, typer.Option("--from-topic", help="Build the indices anew from the topics.")] = False,
    drop_old: Annotated[
        bool, typer.Option("--drop-old", help="Drop the indices that are not shown any more, at the end.")
    ] = False,
) -> None:
    """Build the indices of articles and alerts anew from the topics, and show them once they are whole.

    The sink may go on meanwhile. What the topics no longer hold is not in the new indices; the old ones stay until they
    are dropped. Run one at a time.

    Examples:

        wirewatch reindex --from-topic

        wirewatch reindex --drop-old
    """
    given = settings()
    need_kafka(given, "there are no topics to build indices from")
    need_elasticsearch(given)
    if not (from_topic or drop_old):
        fail("say what to do: --from-topic, --drop-old, or both")
    from pipeline.sinks.elasticsearch import reindex as module

    if from_topic:
        with _progress("reading the topics") as told:
            counts = module.reindex(given, told)
        typer.echo(", ".join(f"{count} in {alias}" for alias, count in counts.items()))
    if drop_old:
        for index in module.drop_hidden(given):
            typer.echo(f"dropped {index}")


def _stopping(leave_within: float | None = None) -> threading.Event:
    """An event that SIGTERM and Ctrl-C set.

    Args:
        leave_within: seconds after which the process ends all the same; None for never.
    """
    from pipeline.commands.live import stop_on_signals

    stop = threading.Event()
    stop_on_signals(stop)
    if leave_within is not None:

        def leave() -> None:
            import os

            stop.wait()
            time.sleep(leave_within)
            os._exit(0)

        threading.Thread(target=leave, daemon=True).start()
    return stop
