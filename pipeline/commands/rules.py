"""`rules check`: whether rules can be read, and what is wrong where they cannot."""

from pathlib import Path
from typing import Annotated

import typer

from pipeline.commands.common import rule_set, settings


def register(app: typer.Typer) -> None:
    group = typer.Typer(help="Check rules.", no_args_is_help=True)
    group.command()(check)
    app.add_typer(group, name="rules")


def check(
    paths: Annotated[list[Path] | None, typer.Argument(metavar="[PATH]...", help="Rule files or folders.")] = None,
) -> None:
    """Check rules: these files and folders, or where none are named the rules in use.

    Every mistake is named with file, line, column and the nearest field there is; the exit code is then 2.

    Examples:

        wirewatch rules check

        wirewatch rules check my-rules/ other.yaml
    """
    for path in paths or ():
        if not path.exists():
            raise typer.BadParameter(f"{path} does not exist")
    found = sorted(rule_set(settings(), paths or (), alone=bool(paths)), key=lambda rule: rule.id)
    for rule in found:
        typer.echo(f"{rule.id}\t{rule.desk}\t{rule.severity}\t{rule.title}")
    typer.echo(f"{len(found)} rules, no mistakes", err=True)
