"""How alerts and articles look on a terminal and in a pipe."""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from pipeline.model.alert import Alert, LedgerEntry

if TYPE_CHECKING:
    from rich.console import RenderableType

COLOURS = {"critical": "bold white on red", "high": "bold red", "medium": "yellow", "low": "cyan"}
VERBS = {
    "asserts": "says so",
    "confirms": "confirms",
    "denies": "denies",
    "warns": "warns",
    "demands": "demands",
    "announces": "announces",
    "declines-to-comment": "does not comment",
}
MAX_CLAIMS, MAX_WORDS = 5, 160


def stamp(time: datetime | None) -> str:
    """A time in UTC, to the minute."""
    return time.strftime("%Y-%m-%d %H:%M") if time else "-"


def printable(text: str) -> str:
    """Text of unknown origin, safe for a terminal: no control characters, one line."""
    return "".join(c if c.isprintable() else " " for c in " ".join(text.split()))


def alert_row(alert: Alert) -> str:
    """An alert as one tab-separated line: changed, id, change, severity, desk, rule, origins, headline."""
    return "\t".join(
        (
            stamp(alert.times.changed),
            alert.id,
            alert.change,
            alert.severity,
            alert.desk,
            alert.rule.id,
            str(alert.origins),
            printable(alert.headline),
        )
    )


def alert_lines(alert: Alert) -> list[str]:
    """An alert as a block of plain lines."""
    title, *rest = _parts(alert)
    return [title, *("  " + line for line in rest)]


def alert_block(alert: Alert) -> "RenderableType":
    """An alert as a block for a terminal."""
    from rich.markup import escape
    from rich.padding import Padding
    from rich.text import Text

    colour = COLOURS[alert.severity]
    title, *rest = _parts(alert)
    label, _, headline = title.partition("  ")
    text = Text.from_markup(f"[{colour}] {escape(label)} [/] [bold]{escape(headline)}[/]")
    for line in rest:
        name, _, value = line.partition("  ")
        text.append("\n")
        text.append(f"  {name:<11}", style="dim")
        text.append(value.strip())
    return Padding(text, (0, 0, 1, 0))


def _parts(alert: Alert) -> list[str]:
    places = ", ".join(dict.fromkeys(place.name for place in alert.places[:4]))
    sources = dict.fromkeys(article.source.name or article.source.id for article in alert.articles)
    grade = f"{alert.reliability.source}{alert.reliability.information}"
    lines = [f"{alert.severity.upper()} {alert.change}  {printable(alert.headline)}"]
    if alert.summary and alert.summary != alert.headline:
        lines.append(f"what       {printable(alert.summary)}")
    lines.append(f"rule       {alert.rule.id} ({alert.desk} desk)" + (f", {places}" if places else ""))
    lines.append(f"behind it  {_plural(alert.origins, 'independent source')}, {_plural(len(alert.articles), 'article')}"
                 f" ({printable(', '.join(list(sources)[:5]))}), grade {grade}")  # fmt: skip
    lines += [f"{'claims' if number == 0 else '':<9}  {claim}" for number, claim in enumerate(_claims(alert.claims))]
    if alert.because:
        reason = alert.because[-1]
        lines.append(f"because    “{printable(reason.words)[:MAX_WORDS]}”")
    times = alert.times
    lines.append(f"times      published {stamp(times.published)}, fetched {stamp(times.fetched)}, "
                 f"raised {stamp(times.raised)} UTC")  # fmt: skip
    return lines


def _claims(claims: Sequence[LedgerEntry]) -> list[str]:
    """The latest word of each speaker, newest last."""
    latest = {(claim.speaker, claim.stance): claim for claim in claims}
    return [f"{printable(c.speaker)[:80]} {VERBS[c.stance]}" for c in list(latest.values())[-MAX_CLAIMS:]]


def _plural(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"
