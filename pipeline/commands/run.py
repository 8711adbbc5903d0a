"""`run`: the pipeline over the sources of wirewatch.yaml."""

from typing import Annotated

import typer

from pipeline.commands.common import fail, open_engine, settings

EXAMPLE = """there are no sources yet. Add one:

    wirewatch sources add https://example.org/feed.xml

or write wirewatch.yaml yourself:

    sources:
      - {kind: feed, id: example, url: https://example.org/feed.xml}
      - {kind: folder, id: inbox, path: inbox}

To see it work first: wirewatch demo"""


def register(app: typer.Typer) -> None:
    app.command()(run)


def run(
    once: Annotated[bool, typer.Option("--once", help="Take in what there is, print the alerts, and end.")] = False,
    console: Annotated[bool, typer.Option("--console/--no-console", help="Serve the console.")] = True,
) -> None:
    """Read the sources of wirewatch.yaml, raise alerts, and serve the console, until Ctrl-C.

    Examples:

        wirewatch run

        WIREWATCH_CONSOLE_PORT=9000 wirewatch run

        wirewatch --config news.yaml run --once
    """
    given = settings()
    if not given.sources:
        fail(EXAMPLE)
    from connectors.sdk.outlets import Outlets
    from pipeline.commands import live

    outlets = Outlets.load(given.outlets) if given.outlets else Outlets()
    job = live.Job(open_engine(given), given.sources, outlets, given.allow, given.polite, given.site_rules)
    try:
        if once:
            live.run_once(job)
        else:
            live.run_live(job, given.console if console else None, from_start=False)
    finally:
        job.close()
