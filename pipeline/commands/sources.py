"""`sources`: what is polled and how it does; try one, add one."""

import asyncio
import re
from contextlib import aclosing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import urlsplit

import typer

from pipeline.commands import show
from pipeline.commands.common import fail, note, on_terminal, open_reader, settings

if TYPE_CHECKING:
    from connectors.sdk import Bad
    from connectors.sdk.declare import Declared
    from pipeline.model.article import Article
    from pipeline.model.health import SourceHealth
    from pipeline.settings import Settings

SHOWN = 5
"""Newest items that `try` and `add` show."""


def register(app: typer.Typer) -> None:
    group = typer.Typer(help="Where articles come from.", invoke_without_command=True)
    group.callback()(_list_by_default)
    group.command("list")(list_sources)
    group.command("try")(try_source)
    group.command("add")(add_source)
    app.add_typer(group, name="sources")


def _list_by_default(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        list_sources()


def list_sources() -> None:
    """List the sources with their health.

    Examples:

        wirewatch sources
    """
    given = settings()
    health = {found.id: found for found in _health(given)}
    ids = list(dict.fromkeys([*(source.id for source in given.sources), *health]))
    names = {source.id: (source.kind.name, source.source.name or source.id) for source in given.sources}
    rows = []
    for id_ in ids:
        found = health.get(id_)
        kind, name = names.get(id_) or (found.kind, found.name)  # type: ignore[union-attr]
        rows.append((id_, kind, name, *_condition(found)))
    if not rows:
        note("no sources yet: add one with `wirewatch sources add URL`")
        return
    headings = ("id", "kind", "name", "state", "items", "last item", "next poll", "error")
    if not on_terminal():
        for row in rows:
            typer.echo("\t".join(show.printable(cell) for cell in row))
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, header_style="dim", pad_edge=False)
    for heading in headings:
        table.add_column(heading, overflow="fold")
    for row in rows:
        table.add_row(*(Text(show.printable(cell)) for cell in row))
    Console().print(table)


def _health(given: "Settings") -> "list[SourceHealth]":
    if given.kafka.bootstrap:
        return _health_on_servers(given)
    from pipeline.engines.embedded import Reader

    for path in (given.database, given.data / "demo" / "wirewatch.db"):
        if path.exists():
            return Reader(path).sources()
    return []


def _health_on_servers(given: "Settings") -> "list[SourceHealth]":
    """From Elasticsearch, or, without it, from the topic, which takes longer."""
    if given.elasticsearch.url:
        return open_reader().sources()
    from pipeline.engines.kafka.looking import whole
    from pipeline.model.codec import decode
    from pipeline.model.health import SourceHealth
    from pipeline.topics import HEALTH

    latest = {record.key: record.value for record in whole(given.kafka, [HEALTH])}
    return [decode(value, SourceHealth) for _, value in sorted(latest.items()) if value is not None]


def _condition(health: "SourceHealth | None") -> tuple[str, ...]:
    if health is None:
        return "not polled yet", "0", "-", "-", ""
    return (
        health.state,
        str(health.items),
        show.stamp(health.last_item),
        show.stamp(health.next_poll),
        health.error or "",
    )


def try_source(
    target: Annotated[str, typer.Argument(metavar="NAME|URL|FOLDER", help="A source's id, a feed's URL, or a folder.")],
) -> None:
    """Poll a source once and show its newest items as they would enter the pipeline. Nothing is kept.

    Examples:

        wirewatch sources try https://example.org/feed.xml

        wirewatch sources try inbox
    """
    given = settings()
    declared = next((source for source in given.sources if source.id == target), None)
    if declared is None:
        declared = _declared(_entry(target, None, None))
    _show(_poll(declared, given))


def add_source(
    target: Annotated[str, typer.Argument(metavar="URL|FOLDER", help="A feed's URL, or a folder.")],
    id: Annotated[str | None, typer.Option("--id", help="Its id; made from the address by default.")] = None,  # noqa: A002
    name: Annotated[str | None, typer.Option(help="Its name.")] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Show the newest items of a feed or folder, ask, and write it into wirewatch.yaml.

    Examples:

        wirewatch sources add https://example.org/feed.xml

        wirewatch sources add inbox/ --id inbox --yes
    """
    from pipeline.settings import FILE

    given = settings()
    file = given.file or FILE
    entry = _entry(target, id, name)
    if any(source.id == entry["id"] for source in given.sources):
        fail(f"there is a source `{entry['id']}` already; choose another with --id")
    _show(_poll(_declared(entry), given))
    if not yes:
        typer.confirm(f"Add it to {file} as `{entry['id']}`?", abort=True, err=True)
    _write(file, entry)
    typer.echo(f"{file}: added `{entry['id']}`; `wirewatch run` polls it")


def _entry(target: str, id_: str | None, name: str | None) -> dict[str, Any]:
    if re.match(r"https?://", target, re.I):
        place = urlsplit(target)
        entry = {"kind": "feed", "id": id_ or _slug((place.hostname or "").removeprefix("www.")), "url": target}
    elif Path(target).is_dir():
        entry = {"kind": "folder", "id": id_ or _slug(Path(target).resolve().name), "path": target}
    else:
        fail(f"`{target}` is no source's id, no http(s) address, and no folder")
    return entry | ({"name": name} if name else {})


def _slug(text: str) -> str:
    return re.sub(r"\W+", "-", text.lower()).strip("-") or "source"


def _declared(entry: dict[str, Any]) -> "Declared":
    from connectors.sdk.declare import DeclarationError, declare

    try:
        return declare(entry)
    except DeclarationError as error:
        fail(str(error))


def _poll(declared: "Declared", given: "Settings") -> "list[Article | Bad]":
    """The newest items of one poll."""
    from connectors.sdk import Context, Fetch, SourceError

    async def poll() -> list["Article | Bad"]:
        fetch = Fetch(allow=given.allow)
        items: list[Article | Bad] = []
        try:
            context = Context(source=declared.source, fetch=fetch)
            async with aclosing(declared.kind.poll(declared.config, context)) as batches:  # type: ignore[type-var]
                async for batch in batches:
                    items.extend(batch.items)
                    if items or batch.next_poll != 0:
                        break
        finally:
            await fetch.aclose()
        return sorted(items, key=_published, reverse=True)[:SHOWN]

    try:
        return asyncio.run(poll())
    except SourceError as error:
        fail(str(error), 1)


def _published(item: "Article | Bad") -> float:
    published = getattr(item, "published", None)
    return published.timestamp() if published else 0.0


def _show(items: "list[Article | Bad]") -> None:
    from connectors.sdk import Bad

    if not items:
        note("it answers, and holds nothing just now")
    for item in items:
        if isinstance(item, Bad):
            typer.echo(f"- would be a dead letter: {show.printable(item.key)}: {show.printable(item.reason)}")
            continue
        typer.echo(f"- {show.printable(item.title) or '(no title)'}")
        origin = f" ({item.published_origin})" if item.published_origin else ""
        typer.echo(f"  {show.stamp(item.published)}{origin}  {item.url or ''}")
        typer.echo(f"  {len(item.body):,} characters: {show.printable(item.body)[:160]}")


def _write(file: Path, entry: dict[str, Any]) -> None:
    """Adds the entry at the end of `sources`, leaving everything else, comments included, as it is.

    Raises:
        ProblemError: the file would not be right afterwards.
    """
    import os

    from pipeline import settings as module

    text = file.read_text("utf-8") if file.exists() else ""
    new = _with_entry(text, entry)
    draft = file.with_name(f".{file.name}.part")
    draft.write_text(new, "utf-8")
    try:
        module.load(draft)
    except module.SettingsError as error:
        draft.unlink()
        fail(f"{file} cannot be added to by itself ({error}); write this under `sources:`\n{_as_yaml(entry, '  ')}")
    os.replace(draft, file)


def _with_entry(text: str, entry: dict[str, Any]) -> str:
    import yaml

    root = yaml.compose(text, Loader=yaml.SafeLoader) if text.strip() else None
    pairs = root.value if isinstance(root, yaml.MappingNode) else []
    node = next((value for key, value in pairs if key.value == "sources"), None)
    if node is None:
        gap = "\n" if text and not text.endswith("\n") else ""
        return f"{text}{gap}sources:\n{_as_yaml(entry, '  ')}"
    if not isinstance(node, yaml.SequenceNode) or node.flow_style or not node.value:
        raise typer.BadParameter("`sources` in the file is no plain list of lines; add the entry by hand")
    indent = " " * (node.start_mark.column)
    lines = text.splitlines(keepends=True)
    last = node.value[-1].end_mark
    at = last.line + (1 if last.column else 0)
    if lines and not lines[-1].endswith("\n"):
        lines[-1] += "\n"
    return "".join([*lines[:at], _as_yaml(entry, indent), *lines[at:]])


def _as_yaml(entry: dict[str, Any], indent: str) -> str:
    import yaml

    body = yaml.safe_dump(entry, sort_keys=False, allow_unicode=True).splitlines()
    return "".join(f"{indent}{'- ' if number == 0 else '  '}{line}\n" for number, line in enumerate(body))
