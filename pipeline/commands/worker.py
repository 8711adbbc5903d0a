"""`worker`: stages of the pipeline on Kafka."""

import logging
import signal
import threading
from typing import Annotated

import typer

from pipeline.commands.common import apply_lexicons, fail, settings


def register(app: typer.Typer) -> None:
    app.command()(worker)
    app.command(hidden=True)(stage)


STAGES = ("enrich", "relate", "correlate", "inbox", "sink")


def worker(
    stages: Annotated[
        str, typer.Option("--stages", metavar="A,B,…", help=f"Which of {', '.join(STAGES)}; all without it.")
    ] = ",".join(STAGES),
    port: Annotated[
        int, typer.Option(help="Of /healthz and /metrics of the first stage; the others have the next.")
    ] = 6066,
) -> None:
    """Take part in the work on Kafka, each stage in a process of its own, until SIGTERM.

    Start as many as you like: enrich, correlate and sink are spread over them, relate runs in one and moves when that
    one ends.

    Examples:

        wirewatch worker

        wirewatch worker --stages enrich --port 7000
    """
    wanted = [name.strip() for name in stages.split(",") if name.strip()]
    unknown = [name for name in wanted if name not in STAGES]
    if unknown or not wanted:
        fail(f"--stages: no stage {', '.join(unknown) or 'named'}; there are {', '.join(STAGES)}")
    given = settings()
    if not given.kafka.bootstrap:
        fail("kafka.bootstrap is not set: a worker needs a broker (`wirewatch run` needs none)")
    if "sink" in wanted and not given.elasticsearch.url:
        others = ",".join(name for name in STAGES if name != "sink")
        fail(f"elasticsearch.url is not set: the sink needs it; `--stages {others}` does without")
    from pipeline.engines.kafka.supervisor import supervise

    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(message)s")
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    raise typer.Exit(supervise(wanted, given, port, stop))


def stage(name: str, slot: str, port: int) -> None:
    """One stage in this process; what `worker` starts."""
    from pipeline.engines.kafka.app import run_stage

    given = settings()
    apply_lexicons(given)
    run_stage(name, given, slot, port)
