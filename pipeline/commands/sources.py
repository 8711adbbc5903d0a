"""`sources`: what is polled and how it does; find, try and add one, hand over many, write a new kind."""

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import urlsplit

import typer

from pipeline.commands import show
from pipeline.commands.common import fail, note, on_terminal, open_reader, settings
from pipeline.commands.source_kinds import list_kinds, new_kind

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from connectors.discover import Candidate, Found
    from connectors.sdk import Bad
    from connectors.sdk.check import Verdict
    from connectors.sdk.declare import Declared
    from pipeline.model.article import Article
    from pipeline.model.health import SourceHealth
    from pipeline.settings import Settings

SHOWN = 5
"""Newest items that `try` and `add` show."""
Json = Annotated[bool, typer.Option("--json", help="One JSON object a line.")]


def register(app: typer.Typer) -> None:
    group = typer.Typer(help="Where articles come from.", invoke_without_command=True)
    group.callback()(_list_by_default)
    group.command("list")(list_sources)
    group.command("add")(add_source)
    group.command("try")(try_source)
    group.command("import")(import_opml)
    group.command("export")(export_opml)
    group.command("kinds")(list_kinds)
    group.command("new")(new_kind)
    app.add_typer(group, name="sources")


def _list_by_default(context: typer.Context, as_json: Json = False) -> None:
    if context.invoked_subcommand is None:
        list_sources(as_json)


def list_sources(as_json: Json = False) -> None:
    """List the sources with their health.

    In a pipe a line each, tab-separated: id, kind, name, state, items, last success, last item, lag in seconds, items a
    day, items on a usual day, next poll, what is wrong.

    Examples:

        wirewatch sources

        wirewatch sources --json
    """
    given = settings()
    health = {found.id: found for found in _health(given)}
    ids = list(dict.fromkeys([*(source.id for source in given.sources), *health]))
    names = {source.id: (source.kind.name, source.source.name or source.id) for source in given.sources}
    if as_json:
        from pipeline.model.codec import encode

        for id_ in ids:
            if id_ in health:
                typer.echo(encode(health[id_]).decode())
            else:
                kind, name = names[id_]
                typer.echo(encode({"id": id_, "kind": kind, "name": name, "state": None}).decode())
        return
    if not ids:
        note("no sources yet: add one with `wirewatch sources add URL`")
        return
    rows = [(id_, *(names.get(id_) or (health[id_].kind, health[id_].name)), health.get(id_)) for id_ in ids]
    if on_terminal():
        _print_table(rows)
        return
    for id_, kind, name, found in rows:
        typer.echo("\t".join(show.printable(cell) for cell in (id_, kind, name, *_condition(found))))


def _print_table(rows: "Sequence[tuple[str, str, str, SourceHealth | None]]") -> None:
    """For people: how long ago and how soon, and under each source what is wrong with it."""
    from datetime import UTC, datetime

    from rich.console import Console
    from rich.padding import Padding
    from rich.table import Table
    from rich.text import Text

    now = datetime.now(UTC)
    console = Console()
    table = Table(box=None, header_style="dim", pad_edge=False)
    for heading in ("source", "kind", "state", "last success", "last item", "lag", "a day (usual)", "next poll"):
        table.add_column(heading, overflow="fold")
    troubles = []
    for id_, kind, name, found in rows:
        label = id_ if name in ("", id_) else f"{id_} ({name})"
        if found is None:
            table.add_row(Text(show.printable(label)), kind, "not polled yet")
            continue
        cells = (
            _ago(found.last_success, now),
            _ago(found.last_item, now),
            _span(found.lag) if found.lag is not None else "-",
            f"{found.per_day:.3g} ({found.usual_per_day:.3g})",
            f"in {_span((found.next_poll - now).total_seconds())}" if found.next_poll else "-",
        )
        state = Text(found.state, style={"ok": "green", "silent": "yellow"}.get(found.state, "red"))
        table.add_row(Text(show.printable(label)), kind, state, *cells)
        if found.error:
            troubles.append((id_, _trouble(found)))
    console.print(table)
    for id_, trouble in troubles:
        console.print(
            Padding(Text.assemble((f"{show.printable(id_)}: ", "bold"), show.printable(trouble)), (1, 0, 0, 0))
        )


def _ago(time: "datetime | None", now: "datetime") -> str:
    return f"{_span((now - time).total_seconds())} ago" if time else "-"


def _span(seconds: float) -> str:
    """A length of time in the largest unit that it fills twice."""
    seconds = max(0.0, seconds)
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"


def _trouble(found: "SourceHealth") -> str:
    """Kind of failure and sentence."""
    return ": ".join(part for part in (found.failure, found.error) if part)


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


def _condition(found: "SourceHealth | None") -> tuple[str, ...]:
    """State, items, last success, last item, lag in seconds, items a day, as usual, next poll, what is wrong."""
    if found is None:
        return ("not polled yet", "0", *("-" for _ in range(6)), "")
    return (
        found.state,
        str(found.items),
        show.stamp(found.last_success),
        show.stamp(found.last_item),
        "-" if found.lag is None else f"{found.lag:.0f}",
        f"{found.per_day:.3g}",
        f"{found.usual_per_day:.3g}",
        show.stamp(found.next_poll),
        _trouble(found),
    )


def try_source(
    target: Annotated[str, typer.Argument(metavar="NAME|URL|FOLDER", help="A source's id, an address, or a folder.")],
    pick: Annotated[int, typer.Option(min=1, help="Which of several that are found at an address.")] = 1,
) -> None:
    """Poll a source once and show its newest items as they would enter the pipeline. Nothing is kept.

    Examples:

        wirewatch sources try my-source

        wirewatch sources try https://example.org/
    """
    given = settings()
    declared = next((source for source in given.sources if source.id == target), None)
    if declared is None:
        declared = _declared(_chosen(target, pick, given))
    _show(_poll(declared, given))


def add_source(
    target: Annotated[
        str, typer.Argument(metavar="URL|FOLDER", help="A site's front page, a feed's URL, or a folder.")
    ],
    id: Annotated[str | None, typer.Option("--id", help="Its id; made from the address by default.")] = None,  # noqa: A002
    name: Annotated[str | None, typer.Option(help="Its name; the site's own by default.")] = None,
    pick: Annotated[int, typer.Option(min=1, help="Which of several that are found.")] = 1,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Find the feed, sitemap or article list of a site, show its newest items, ask, and write it into wirewatch.yaml.

    Examples:

        wirewatch sources add https://example.org/

        wirewatch sources add https://example.org/ --pick 2

        wirewatch sources add inbox/ --id inbox --yes
    """
    from pipeline.commands.source_entries import add_entries
    from pipeline.settings import FILE

    given = settings()
    file = given.file or FILE
    entry = _chosen(target, pick, given)
    entry |= {"id": id or entry["id"]} | ({"name": name} if name else {})
    if any(source.id == entry["id"] for source in given.sources):
        fail(f"there is a source `{entry['id']}` already; choose another with --id")
    if same := next(
        (source for source in given.sources if _where(source) == (entry.get("url") or entry["path"])), None
    ):
        note(f"`{same.id}` reads the same address already")
    _show(_poll(_declared(entry), given))
    if not yes:
        typer.confirm(f"Add it to {file} as `{entry['id']}`?", abort=True, err=True)
    add_entries(file, [entry])
    typer.echo(f"{file}: added `{entry['id']}`; `wirewatch run` polls it")


def import_opml(
    file: Annotated[Path, typer.Argument(metavar="FILE.opml", help="As a feed reader exports it.")],
) -> None:
    """Add the feeds of an OPML file to wirewatch.yaml; those that are there already are passed over.

    Examples:

        wirewatch sources import subscriptions.opml
    """
    from connectors.opml import read_opml
    from connectors.sdk import BadDataError
    from pipeline.commands.source_entries import add_entries
    from pipeline.model.article import canonical_url
    from pipeline.settings import FILE

    given = settings()
    target = given.file or FILE
    try:
        feeds = read_opml(file.read_bytes())
    except BadDataError as error:
        fail(f"{file}: {error}")
    known = {canonical_url(where) for source in given.sources if (where := _where(source))}
    taken = {source.id for source in given.sources}
    entries = []
    for feed in feeds:
        if canonical_url(feed.url) in known:
            continue
        id_ = _free(_slug(feed.name) if feed.name else _id_of(feed.url), taken)
        taken.add(id_)
        entries.append({"kind": "feed", "id": id_, "url": feed.url} | ({"name": feed.name} if feed.name else {}))
    if entries:
        add_entries(target, entries)
    there = f", {len(feeds) - len(entries)} were there already" if len(entries) < len(feeds) else ""
    typer.echo(f"{target}: added {len(entries)} feeds{there}; `wirewatch run` polls them")


def export_opml(
    file: Annotated[Path | None, typer.Argument(metavar="[FILE]", help="Standard output by default.")] = None,
) -> None:
    """Write the feeds among the sources as OPML, which any feed reader takes.

    Examples:

        wirewatch sources export feeds.opml
    """
    from connectors.opml import Subscription, write_opml

    sources = [source for source in settings().sources if source.kind.name == "feed"]
    text = write_opml(Subscription(_where(source), source.source.name or source.id) for source in sources)
    if file is None:
        typer.echo(text, nl=False)
        return
    file.write_text(text, "utf-8")
    typer.echo(f"{file}: {len(sources)} feeds")


def _where(source: "Declared") -> str:
    """The address or folder that a source is read from; empty where it has none."""
    config = source.config
    return str(getattr(config, "url", "") or getattr(config, "path", ""))


def _chosen(target: str, pick: int, given: "Settings") -> dict[str, Any]:
    """The entry for a folder, or for the candidate with number `pick` of those found at an address."""
    if re.fullmatch(r"(\w[\w-]*\.)+[^\W\d]{2,}(/\S*)?", target) and not Path(target).exists():
        target = f"https://{target}"
    if re.match(r"https?://", target, re.I):
        found = _search(target, given)
        if pick > len(found.candidates):
            fail(f"--pick {pick}: only {len(found.candidates)} found at {target}")
        _show_candidates(found.candidates, pick)
        entry = found.candidates[pick - 1].entry
        rest = {key: value for key, value in entry.items() if key != "kind"}
        named = {"name": found.name} if found.name else {}
        return {"kind": entry["kind"], "id": _id_of(target), **named, **rest}
    if not Path(target).is_dir():
        fail(f"`{target}` is no source's id, no http(s) address, and no folder")
    return {"kind": "folder", "id": _slug(Path(target).resolve().name), "path": target}


def _search(url: str, given: "Settings") -> "Found":
    import asyncio

    from connectors.discover import discover
    from connectors.sdk import Fetch, SourceError

    async def search() -> "Found":
        fetch = Fetch(allow=given.allow)
        try:
            return await discover(url, fetch)
        finally:
            await fetch.aclose()

    try:
        found = asyncio.run(search())
    except SourceError as error:
        fail(str(error), 1)
    if not found.candidates:
        fail(
            f"no feed, no sitemap and no list of articles was found at {url}; give the address of the page that lists "
            f"the articles, or write an entry of `kind: page-list` (`wirewatch sources kinds page-list`)",
            1,
        )
    return found


def _show_candidates(candidates: "list[Candidate]", pick: int) -> None:
    """What was found, numbered, beside the output."""
    for number, one in enumerate(candidates, 1):
        about = [show.printable(one.title)] if one.title else []
        about.append(f"{one.items} items")
        if one.newest:
            about.append(f"newest {show.stamp(one.newest)}")
        about += [reason for given, reason in ((one.comments, "comments"), (not one.alive, "left behind")) if given]
        mark = "*" if number == pick else " "
        kind = "news sitemap" if one.news else one.entry["kind"]
        note(f"{mark} {number}  {kind}  {show.printable(one.entry['url'])}  ({', '.join(about)}; {one.found})")
    if len(candidates) > 1:
        note("--pick N takes another")


def _id_of(url: str) -> str:
    return _slug((urlsplit(url).hostname or "").removeprefix("www."))


def _slug(text: str) -> str:
    return re.sub(r"[\W_]+", "-", text.lower()).strip("-")[:60] or "source"


def _free(id_: str, taken: set[str]) -> str:
    """The id, or the first with a number behind it that nothing has."""
    number, free = 1, id_
    while free in taken:
        number += 1
        free = f"{id_}-{number}"
    return free


def _declared(entry: dict[str, Any]) -> "Declared":
    from connectors.sdk.declare import DeclarationError, declare

    try:
        return declare(entry)
    except DeclarationError as error:
        fail(str(error))


def _poll(declared: "Declared", given: "Settings") -> "list[Article | Bad]":
    """The newest items of one poll, bad ones last."""
    import asyncio

    from connectors.sdk import Fetch
    from connectors.sdk.check import check

    async def poll() -> "Verdict":
        fetch = Fetch(allow=given.allow)
        try:
            return await check(declared, fetch, pages=SHOWN, site_rules=given.site_rules)
        finally:
            await fetch.aclose()

    verdict = asyncio.run(poll())
    if not verdict.items and verdict.kind not in ("ok", "empty"):
        fail(f"{verdict.kind}: {verdict.sentence}", 1)
    return sorted(verdict.items, key=_newest_first)[:SHOWN]


def _newest_first(item: "Article | Bad") -> tuple[bool, float]:
    published = getattr(item, "published", None)
    return not hasattr(item, "published"), -published.timestamp() if published else 0.0


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
