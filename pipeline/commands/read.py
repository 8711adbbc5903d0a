"""`enrich` and `replay`: articles in, what was read in them out, with nothing kept."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from pipeline.commands.common import fail, note, on_terminal, rule_set, settings
from pipeline.commands.lines import BadLine, Line, read_articles, size
from pipeline.model.alert import Alert
from pipeline.model.article import Article
from pipeline.model.codec import encode
from pipeline.model.enriched import EnrichedArticle

Files = Annotated[
    list[Path] | None, typer.Argument(metavar="[FILE]...", help="JSON Lines; standard input where none or - is named.")
]
Rules = Annotated[
    list[Path] | None, typer.Option("--rules", metavar="PATH", help="A rule file or folder to apply too; repeatable.")
]
Watchlist = Annotated[
    list[Path] | None, typer.Option("--watchlist", metavar="PATH", help="Own names to look for; repeatable.")
]


def register(app: typer.Typer) -> None:
    app.command()(enrich)
    app.command()(replay)


def enrich(files: Files = None, rules: Rules = None, watchlist: Watchlist = None) -> None:
    """Read articles and write what is found in them: JSON Lines in, JSON Lines out, in order.

    An article is an object with `source` {`id`, `name`, `country`}, `title`, `body`, `published` (RFC 3339), and `url`
    or `id`; other keys are ignored. Each line of output carries the `id` of its input, and under `rules` the rules that
    hold for it. A bad line is reported on stderr with its number and field; the others go on, and the exit code is 1.

    Examples:

        wirewatch enrich articles.jsonl > enriched.jsonl

        cat articles.jsonl | wirewatch enrich --rules my-rules/ | jq -c '{id, rules}'
    """
    from pipeline.enrich import enrich as read

    chosen = rule_set(settings(), rules or (), watchlist or ())
    out, bad = sys.stdout.buffer, 0
    with _progress("reading", size(files or ())) as advance:
        for line in read_articles(files or (), advance):
            if isinstance(line, BadLine):
                bad += 1
                note(f"wirewatch: {line.where}: {line.reason}")
                continue
            try:
                found = read(line.article, chosen)
            except Exception as error:  # whatever one article breaks, its neighbours are read
                bad += 1
                note(f"wirewatch: {line.where}: could not be read: {type(error).__name__}: {error}")
                continue
            out.write(encode(msgspec.structs.replace(found, id=line.id)) + b"\n")
            out.flush()
    if bad:
        raise typer.Exit(1)


def replay(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Articles as JSON Lines, in arrival order; -: stdin.")],
    articles: Annotated[
        Path | None, typer.Option("--articles", metavar="OUT", help="Write a finished article for every line here.")
    ] = None,
    alerts: Annotated[
        Path | None, typer.Option("--alerts", metavar="OUT", help="Write every change of every alert here.")
    ] = None,
    rules: Rules = None,
    watchlist: Watchlist = None,
) -> None:
    """Run recorded articles through the whole pipeline in memory: stories, alerts and all.

    The clock is each article's `fetched`; where that is missing, `published`, else the time of the line before. Alerts
    name articles by the `id` of their lines. Without --articles and --alerts the changes of alerts are printed.

    Examples:

        wirewatch replay last-week.jsonl

        wirewatch replay last-week.jsonl --articles out/articles.jsonl --alerts out/alerts.jsonl
    """
    from pipeline.engines.replay import replay as run

    chosen = rule_set(settings(), rules or (), watchlist or ())
    with _progress("reading", size([file])) as advance:
        read = list(read_articles([file], advance))
    lines = [line for line in read if isinstance(line, Line)]
    bad = [line for line in read if isinstance(line, BadLine)]
    for refused in bad:
        note(f"wirewatch: {refused.where}: {refused.reason}")
    names: dict[str, str] = {}
    for line in lines:
        names.setdefault(line.article.id, line.id)
    with _progress("replaying", len(lines)) as advance:
        done = 0

        def progress(count: int) -> None:
            nonlocal done
            advance(count - done)
            done = count

        result = run(list(_clocked(lines)), chosen, progress=progress)
    for letter in result.dead_letters:
        note(f"wirewatch: {names.get(letter.key, letter.key)}: {letter.stage} could not handle it: {letter.reason}")
    if articles:
        finished = (
            encode(_named_article(article, line.id, names))
            if article
            else encode({"id": line.id, "error": "became a dead letter"})
            for line, article in zip(lines, result.articles, strict=True)
        )
        _write(articles, finished)
    changes = [_named_alert(alert, names) for alert in result.alerts]
    if alerts:
        _write(alerts, (encode(alert) for alert in changes))
    if not (articles or alerts):
        _print(changes)
    if bad or result.dead_letters:
        raise typer.Exit(1)


def _clocked(lines: list[Line]) -> Iterator[Article]:
    """The articles, each with the time at which it arrived."""
    last: datetime | None = None
    for line in lines:
        last = line.article.fetched or line.article.published or last
        yield msgspec.structs.replace(line.article, fetched=last)


def _named_article(article: EnrichedArticle, name: str, names: dict[str, str]) -> EnrichedArticle:
    story = article.story
    if story:
        duplicate = story.duplicate_of and names.get(story.duplicate_of, story.duplicate_of)
        story = msgspec.structs.replace(story, origin=names.get(story.origin, story.origin), duplicate_of=duplicate)
    return msgspec.structs.replace(article, id=name, story=story)


def _named_alert(alert: Alert, names: dict[str, str]) -> Alert:
    """The alert with every article named as its input line names it."""

    def name(given: str) -> str:
        return names.get(given, given)

    return msgspec.structs.replace(
        alert,
        because=tuple(msgspec.structs.replace(reason, article=name(reason.article)) for reason in alert.because),
        claims=tuple(msgspec.structs.replace(claim, article=name(claim.article)) for claim in alert.claims),
        articles=tuple(
            msgspec.structs.replace(
                article,
                id=name(article.id),
                origin=name(article.origin),
                duplicate_of=article.duplicate_of and name(article.duplicate_of),
            )
            for article in alert.articles
        ),
    )


def _write(path: Path, lines: Iterator[bytes]) -> None:
    if path == Path("-"):
        for line in lines:
            sys.stdout.buffer.write(line + b"\n")
        return
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as stream:
            stream.writelines(line + b"\n" for line in lines)
    except OSError as error:
        fail(f"{path}: cannot be written: {error.strerror}")


def _print(changes: list[Alert]) -> None:
    from pipeline.commands import show

    if on_terminal():
        from rich.console import Console

        console = Console()
        for alert in changes:
            console.print(show.alert_block(alert))
    else:
        for alert in changes:
            typer.echo(show.alert_row(alert))


@contextmanager
def _progress(what: str, total: int | None) -> Iterator[Callable[[int], object]]:
    """A progress bar on standard error, where that is a terminal and the output is not."""
    if not sys.stderr.isatty() or on_terminal():
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=total)
        yield lambda count: bar.advance(task, count)
