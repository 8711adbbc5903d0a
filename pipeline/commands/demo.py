"""`demo`: the whole of wirewatch on the articles and feeds in seeds/."""

import shutil
import threading
from pathlib import Path
from typing import Annotated

import typer

from pipeline.commands.common import fail, note, rule_set, settings

SEEDS = Path(__file__).parents[2] / "seeds"


def register(app: typer.Typer) -> None:
    app.command()(demo)


def demo(
    once: Annotated[bool, typer.Option("--once", help="Process everything, print the alerts, and end.")] = False,
    fresh: Annotated[bool, typer.Option("--fresh", help="Forget earlier demos first.")] = False,
) -> None:
    """See wirewatch at work on the articles and feeds in seeds/: alerts here, the console in a browser.

    Starting it again goes on where it stopped and raises nothing twice. Its data is in .wirewatch/demo, and the other
    commands read it as long as you have none of your own: try `wirewatch search embassy`.

    Examples:

        wirewatch demo

        wirewatch demo --once --fresh
    """
    if not SEEDS.is_dir():
        fail("the demo needs the folder seeds/ beside the source code: run it from a clone of wirewatch", 1)
    from connectors.sdk.outlets import Outlets
    from pipeline.commands import live
    from pipeline.commands.seeds import Seeds
    from pipeline.engines.embedded import Embedded

    given = settings()
    folder = given.data / "demo"
    database = folder / "wirewatch.db"
    rules = rule_set()
    if fresh and database.exists():
        Embedded(database, rules).close()  # refuses where a demo is running
        shutil.rmtree(folder)
    known = database.exists()
    folder.mkdir(parents=True, exist_ok=True)
    job = live.Job(Embedded(database, rules), outlets=Outlets.load(SEEDS / "sources.yaml"))
    try:
        with Seeds(SEEDS, folder) as seeds:
            job.sources, job.allow = seeds.sources, seeds.allow
            if once:
                seeds.deliver(threading.Event(), pause=0)
                live.run_once(job)
                return
            job.feeders = (seeds.deliver,)
            if known:
                note(f"going on from last time, {live.summary(job.engine.counts())}; --fresh starts over")
            live.run_live(job, given.console, from_start=not known, any_port=True)
    finally:
        job.close()
