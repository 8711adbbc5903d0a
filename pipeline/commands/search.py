"""`search`, `alerts`, `subscribe`, `explain`: what an analyst asks of the data."""

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.commands import show
from pipeline.commands.common import fail, note, on_terminal, open_file, open_reader, rule_set, settings
from pipeline.model.codec import encode

if TYPE_CHECKING:
    from pipeline.model.alert import Alert
    from pipeline.model.enriched import EnrichedArticle
    from pipeline.settings import Settings
    from pipeline.web.reader import Reads

FOLLOW = 0.2
"""Seconds between looks at the log."""

Json = Annotated[bool, typer.Option("--json", help="JSON Lines.")]
Limit = Annotated[int, typer.Option("--limit", "-n", min=1, help="At most so many.")]


def register(app: typer.Typer) -> None:
    app.command()(search)
    app.command()(alerts)
    app.command()(subscribe)
    app.command()(explain)


def search(
    query: Annotated[str, typer.Argument(metavar="QUERY", help="In KQL, the language of rules and of Kibana.")],
    limit: Limit = 20,
    since: Annotated[str | None, typer.Option(metavar="TIME", help="From this day or time on, as 2026-03-31.")] = None,
    until: Annotated[str | None, typer.Option(metavar="TIME", help="Before this day or time.")] = None,
    json: Json = False,
) -> None:
    """Find articles.

    Examples:

        wirewatch search 'embassy and cities: Kyiv'

        wirewatch search 'events: { what: premises-damaged and facility.owner: AZE }'

        wirewatch search 'language: uk and states: POL' --since 2026-03-01 --json | jq .title
    """
    page = open_reader().search(query, limit=limit, since=_time(since), until=_time(until))
    articles = page.hits
    if not page.complete:
        note("only the newest articles could be asked: narrow the query by a word or a time")
    if json:
        _json_lines(articles)
        return
    if not articles:
        note("no article is found by that")
        return
    if not on_terminal():
        for article in articles:
            typer.echo(_article_row(article))
        return
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, header_style="dim", pad_edge=False)
    for heading in ("published", "source", "lang", "title", "id"):
        table.add_column(heading, no_wrap=heading != "title", overflow="fold")
    for article in articles:
        table.add_row(*_cells(article))
    console = Console()
    console.print(table)
    console.print(f"[dim]{len(articles)} of {page.total}[/]")


def alerts(
    id: Annotated[str | None, typer.Argument(metavar="[ALERT]", help="Show this one in full.")] = None,  # noqa: A002
    desk: Annotated[str | None, typer.Option(metavar="DESK", help="Of one desk.")] = None,
    rule: Annotated[str | None, typer.Option(metavar="RULE", help="Of one rule.")] = None,
    open_only: Annotated[bool, typer.Option("--open", help="Neither resolved, retracted nor closed.")] = False,
    limit: Limit = 100,
    json: Json = False,
) -> None:
    """List alerts as they stand, the one that changed last first.

    Examples:

        wirewatch alerts --open

        wirewatch alerts --desk diplomacy --json | jq .headline

        wirewatch alerts 3f2a…   (the id, or its beginning)
    """
    reader = open_reader()
    found = [_one_alert(reader, id)] if id else _alerts(reader, desk, rule, open_only, limit)
    if json:
        _json_lines(found)
    elif on_terminal():
        from rich.console import Console

        console = Console()
        for alert in reversed(found):
            console.print(show.alert_block(alert))
            console.print(f"[dim]  id         {alert.id}[/]\n")
    else:
        for alert in found:
            typer.echo("\n".join(show.alert_lines(alert)) if id else show.alert_row(alert))
    if not found:
        note("no alerts")


def subscribe(
    desk: Annotated[str | None, typer.Argument(metavar="[DESK]", help="One desk; all where none is named.")] = None,
    json: Annotated[bool, typer.Option("--json", help="CloudEvents, one a line, as on the desk's topic.")] = False,
    everything: Annotated[bool, typer.Option("--all", help="First everything that is still in the log.")] = False,
    group: Annotated[
        str | None, typer.Option(metavar="NAME", help="On Kafka: go on where subscribers of this name have come to.")
    ] = None,
) -> None:
    """Follow alerts as they are raised and change, until Ctrl-C.

    Examples:

        wirewatch subscribe

        wirewatch subscribe diplomacy --json | while read -r event; do …; done

        wirewatch subscribe --group night-shift
    """
    from pipeline.topics import DESKS, desk_topic

    _check_desk(desk)
    given = settings()
    topics = [desk_topic(name) for name in ([desk] if desk else DESKS)]
    if group and not given.kafka.bootstrap:
        fail("--group needs Kafka: set kafka.bootstrap, or leave it out")
    with _from_kafka(given, topics, everything, group) if given.kafka.bootstrap else _from_file(everything) as events:
        note(f"following {'the ' + desk + ' desk' if desk else 'all desks'}; Ctrl-C ends")
        for topic, value in events:
            if topic not in topics:
                continue
            if json:
                sys.stdout.buffer.write(value + b"\n")
                sys.stdout.buffer.flush()
            else:
                _show_event(value)


Events = Iterator[tuple[str, bytes]]
"""Topics and values, as they come."""


@contextmanager
def _from_file(everything: bool) -> Iterator[Events]:
    from pipeline.topics import desk_topic

    pattern = desk_topic("*")
    reader = open_file()
    begin = 0 if everything else reader.head(pattern)

    def events() -> Events:
        after = begin
        while True:
            records = reader.tail(pattern, after)
            for record in records:
                after = record.offset
                yield record.topic, record.value
            if not records:
                time.sleep(FOLLOW)

    yield events()


@contextmanager
def _from_kafka(given: "Settings", topics: Sequence[str], everything: bool, group: str | None) -> Iterator[Events]:
    """Those of a group are committed once they have been shown."""
    from pipeline.engines.kafka.looking import following

    with following(given.kafka, topics, from_start=everything, group=group) as records:
        yield ((record.topic, record.value) for record in records if record.value is not None)


def explain(
    rule: Annotated[str, typer.Argument(metavar="RULE", help="Id of a rule.")],
    article: Annotated[str, typer.Argument(metavar="ARTICLE", help="Id or URL, or a file with one article in JSON.")],
    rules: Annotated[
        list[Path] | None, typer.Option("--rules", metavar="PATH", help="A rule file or folder to look in too.")
    ] = None,
) -> None:
    """Say which conditions of a rule hold for an article, which do not, and on which words.

    Examples:

        wirewatch explain diplomatic-premises-hit https://example.org/embassy

        wirewatch explain my-rule article.json --rules my-rules/
    """
    from pipeline.model.document import search_document

    chosen = rule_set(settings(), rules or ())
    if chosen.get(rule) is None:
        fail(f"there is no rule `{rule}`; there are: {', '.join(sorted(known.id for known in chosen))}")
    found = _article(article)
    document = search_document(found)
    query = chosen.query(rule)
    holds = query.matches(document)
    typer.echo(f"{rule} {'holds' if holds else 'does not hold'} for: {show.printable(found.title)}")
    for evidence in query.evidence(document):
        words = ""
        if evidence.span:
            text: str = getattr(found, evidence.span.field)
            words = f"  “{show.printable(text[evidence.span.start : evidence.span.end])[:200]}”"
        typer.echo(f"  {'yes' if evidence.held else 'no ':<4}{evidence.condition}{words}")


def _article(given: str) -> "EnrichedArticle":
    from pipeline.model.article import article_id, canonical_url

    file = Path(given)
    if given == "-" or (len(given) < 1000 and file.is_file()):
        from pipeline.commands.lines import BadLine, read_articles
        from pipeline.enrich import enrich

        for line in read_articles([file]):
            if isinstance(line, BadLine):
                fail(f"{line.where}: {line.reason}")
            return enrich(line.article, rule_set(settings()))
        fail(f"{given}: holds no article")
    reader = open_reader()
    found = reader.article(given) or reader.article(article_id(canonical_url(given), "", ""))
    return found or fail(f"there is no article `{given}`; give its id, its URL or a file", 1)


def _alerts(reader: "Reads", desk: str | None, rule: str | None, open_only: bool, limit: int) -> "list[Alert]":
    _check_desk(desk)
    return reader.alerts(desk=desk, rule=rule, open_only=open_only, limit=limit)


def _one_alert(reader: "Reads", given: str) -> "Alert":
    exact = reader.alert(given)
    if exact:
        return exact
    similar = [alert for alert in reader.alerts(limit=10_000) if alert.id.startswith(given)]
    if len(similar) != 1:
        fail(f"{'no' if not similar else 'more than one'} alert's id begins with `{given}`", 1)
    return similar[0]


def _check_desk(desk: str | None) -> None:
    from pipeline.topics import DESKS

    if desk and desk not in DESKS:
        fail(f"there is no desk `{desk}`; there are: {', '.join(DESKS)}")


def _show_event(value: bytes) -> None:
    from pipeline.model.cloudevent import alert_of

    alert = alert_of(value)
    if on_terminal():
        from rich.console import Console

        Console().print(show.alert_block(alert))
    else:
        typer.echo("\n".join(show.alert_lines(alert)))
        sys.stdout.flush()


def _json_lines(values: "Sequence[Alert | EnrichedArticle]") -> None:
    for value in values:
        sys.stdout.buffer.write(encode(value) + b"\n")
    sys.stdout.buffer.flush()


def _cells(article: "EnrichedArticle") -> tuple[str, ...]:
    name = article.source.name or article.source.id
    return (
        show.stamp(article.published),
        show.printable(name),
        article.language.code,
        show.printable(article.title),
        article.id,
    )


def _article_row(article: "EnrichedArticle") -> str:
    published, name, language, title, id_ = _cells(article)
    return "\t".join((published, id_, language, name, title, article.url or ""))


def _time(text: str | None) -> datetime | None:
    if not text:
        return None
    try:
        given = datetime.fromisoformat(text)
    except ValueError:
        fail(f"`{text}` is no day or time such as 2026-03-31 or 2026-03-31T18:00")
    return given.replace(tzinfo=UTC) if given.tzinfo is None else given.astimezone(UTC)
