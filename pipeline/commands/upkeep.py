"""`dead-letters`, `forget`, `backup`: what keeps an installation in order."""

import base64
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.commands import show
from pipeline.commands.common import (
    database,
    fail,
    need_elasticsearch,
    note,
    on_terminal,
    open_engine,
    open_file,
    settings,
)
from pipeline.model.codec import encode

if TYPE_CHECKING:
    from pipeline.engines.records import Forgotten
    from pipeline.model.dead_letter import DeadLetter
    from pipeline.settings import Settings

EVERY = 1_000_000
"""Dead letters, more than there ever are."""


def register(app: typer.Typer) -> None:
    letters = typer.Typer(help="What could not be processed: look at it, and put it back.", invoke_without_command=True)
    letters.callback()(_list_by_default)
    letters.command("list")(list_letters)
    letters.command("replay")(replay_letters)
    app.add_typer(letters, name="dead-letters")
    app.command()(forget)
    app.command()(backup)


def _list_by_default(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        list_letters()


def list_letters(
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, help="At most so many.")] = 100,
    json: Annotated[bool, typer.Option("--json", help="JSON Lines, with the bytes in base64.")] = False,
) -> None:
    """List what could not be processed, newest first, with the reason.

    Examples:

        wirewatch dead-letters

        wirewatch dead-letters list --json | jq -r .bytes | base64 -d
    """
    letters = _letters(settings(), limit)
    if not letters:
        note("no dead letters")
    for id_, letter in letters:
        if json:
            typer.echo(encode({"id": id_, "letter": letter}))
        elif on_terminal():
            typer.secho(f"{id_}  {show.stamp(letter.at)}  {letter.stage}  {show.printable(letter.key)}", bold=True)
            typer.echo(f"    {show.printable(letter.reason)}")
            head = base64.b64decode(letter.bytes)[:200].decode("utf-8", "replace")
            typer.echo(f"    {letter.size:,} bytes: {show.printable(head)[:100]}")
        else:
            reason = show.printable(letter.reason)
            typer.echo(f"{id_}\t{show.stamp(letter.at)}\t{letter.stage}\t{show.printable(letter.key)}\t{reason}")


def replay_letters(
    ids: Annotated[list[int] | None, typer.Argument(metavar="[ID]...", help="Ids, as `list` shows them.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="All of them.")] = False,
) -> None:
    """Put dead letters back into the topics they came from, once what stopped them is mended.

    Examples:

        wirewatch dead-letters replay 4 7

        wirewatch dead-letters replay --all
    """
    if bool(ids) == everything:
        fail("name the ids to replay, or --all")
    given = settings()
    if given.kafka.bootstrap:
        wanted, count = _put_back(given, ids)
        typer.echo(f"{count} of {wanted} put back")
        return
    engine = open_engine(given, database(given))
    try:
        chosen = ids or [id_ for id_, _ in engine.reader.dead_letters(limit=EVERY)]
        count = engine.replay_dead_letters(chosen)
        while engine.process():
            pass
    finally:
        engine.close()
    typer.echo(f"{count} of {len(chosen)} put back")


def _letters(given: "Settings", limit: int) -> "list[tuple[int, DeadLetter]]":
    if not given.kafka.bootstrap:
        return open_file().dead_letters(limit=limit)
    from pipeline.engines.kafka.looking import dead_letters

    return dead_letters(given.kafka, limit)


def _put_back(given: "Settings", ids: list[int] | None) -> tuple[int, int]:
    """Puts dead letters back on Kafka, all where none is named; how many were meant, and how many could be had."""
    from pipeline.engines.kafka.looking import put_back

    letters = [(id_, letter) for id_, letter in reversed(_letters(given, EVERY)) if not ids or id_ in ids]
    done = put_back(given.kafka, letters)
    if given.elasticsearch.url:
        from pipeline.sinks.elasticsearch.forgetting import erase_letters

        erase_letters(given, [letter for id_, letter in letters if id_ in done])
    return len(ids or letters), len(done)


def forget(
    target: Annotated[str, typer.Argument(metavar="URL|SOURCE", help="An article's URL or id, or a source's id.")],
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Delete an article, or everything of a source, for good: from the log, the search and the alerts.

    On Kafka, topics with a retention keep what they hold until then; it says which.

    Examples:

        wirewatch forget https://example.org/2026/03/story

        wirewatch forget example-news --yes
    """
    given = settings()
    if given.kafka.bootstrap:
        _forget_on_servers(given, target, yes)
        return
    path = database(given)
    if not yes:
        typer.confirm(f"Delete {target} from {path} for good?", abort=True, err=True)
    engine = open_engine(given, path)
    try:
        gone = engine.forget(target)
    finally:
        engine.close()
    _tell_forgotten(gone, target)


def _tell_forgotten(gone: "Forgotten", target: str) -> None:
    if not gone.articles:
        fail(f"nothing is known of `{target}`; give an article's URL or id, or a source's id", 1)
    typer.echo(f"{gone.articles} articles and {gone.alerts} alerts deleted, {gone.changed} alerts changed")


def _forget_on_servers(given: "Settings", target: str, yes: bool) -> None:
    need_elasticsearch(given)
    from pipeline.engines.kafka.topics import IN_TRANSIT
    from pipeline.sinks.elasticsearch.forgetting import forget as run

    if not yes:
        typer.confirm(f"Delete {target} from Kafka and Elasticsearch for good?", abort=True, err=True)
    gone, behind = run(given, target)
    _tell_forgotten(gone, target)
    note(
        f"what is still there: articles.raw.v1, articles.enriched.v1 and alerts.candidates.v1 for up to {IN_TRANSIT} "
        f"days, the desks' topics and dead-letters.v1 for up to {given.retention_days}, and articles.v1 and "
        "alerts.cases.v1 until the broker next compacts them"
    )
    if behind:
        fail(f"{' and '.join(behind)} did not catch up in time: say it again once there is no lag", 1)


def backup(to: Annotated[Path, typer.Argument(metavar="FILE", help="Where to; must not exist yet.")]) -> None:
    """Copy all data into one file. To restore, put the file in the place of .wirewatch/wirewatch.db.

    Examples:

        wirewatch backup wirewatch-2026-03-31.db
    """
    given = settings()
    if given.kafka.bootstrap:
        fail("a backup is of the data folder; on Kafka, use the means of the brokers and snapshots of Elasticsearch")
    open_file().backup(to)
    typer.echo(f"{to}: {to.stat().st_size:,} bytes")
