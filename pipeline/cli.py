"""The `wirewatch` command."""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from pipeline.commands import dashboards, demo, operate, read, rules, run, search, setup, sources, upkeep, worker
from pipeline.commands.common import ProblemError

EXIT_CODES = {
    "SettingsError": 2,
    "RuleErrors": 2,
    "KqlError": 2,
    "OutletsError": 2,
    "StoreError": 1,
    "KibanaError": 1,
    "AddressError": 1,
    "ElasticsearchError": 1,
    "OSError": 1,
}
"""Errors that are told in a line, by name, so that nothing has to be imported in order to fail."""

app = typer.Typer(
    name="wirewatch",
    help="Reads the world's news as it appears and raises alerts that explain themselves.",
    epilog="Start with: wirewatch demo",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"wirewatch {version('wirewatch')}")
        raise typer.Exit


@app.callback()
def _root(
    config: Annotated[
        Path | None,
        typer.Option("--config", metavar="FILE", help="Configuration, instead of wirewatch.yaml (WIREWATCH_CONFIG)."),
    ] = None,
    _: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")] = False,
) -> None:
    if config:
        os.environ["WIREWATCH_CONFIG"] = str(config)


for module in (demo, run, read, search, rules, sources, upkeep, setup, dashboards, worker, operate):
    module.register(app)


def main() -> None:
    """Runs the command line; whatever goes wrong is one line on standard error and exit code 1 or 2."""
    try:
        app()
    except ProblemError as problem:
        _say(problem)
        sys.exit(problem.code)
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:
        sys.stderr.close()  # whoever read the output has left
        sys.exit(1)
    except Exception as error:
        code = _known(error)
        if code is None:
            raise
        _say(error)
        sys.exit(code)


def _known(error: Exception) -> int | None:
    """The exit code for errors whose message is meant for the person; None for a defect of wirewatch."""
    names = {kind.__name__ for kind in type(error).__mro__}
    return next((code for name, code in EXIT_CODES.items() if name in names), None)


def _say(error: Exception) -> None:
    typer.echo(f"wirewatch: {error}", err=True)


if __name__ == "__main__":
    main()
