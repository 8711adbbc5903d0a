"""How alerts and articles look on a terminal and in a pipe."""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from pipeline.model.alert import Alert, LedgerEntry

if TYPE_CHECKING:
    from rich.console import RenderableType

COLOURS = {"critical": "bold white on red", "high": "bold red", "medium": "yellow", "low": "cyan"}
SAID = {
    "asserts": "asserted by",
    "confirms": "confirmed by",
    "announces": "announced by",
    "denies": "denied by",
    "warns": "warning from",
    "demands": "demand from",
    "declines-to-comment": "no comment from",
}
SPEAKERS, WORDS = 3, 160
"""Speakers of a kind, and characters of the words that made a rule hold, that a block shows."""


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
    return [_title(alert), *(f"  {name:<10} {text}" for name, text in _facts(alert))]


def alert_block(alert: Alert) -> "RenderableType":
    """An alert as a block for a terminal."""
    from rich.console import Group
    from rich.padding import Padding
    from rich.table import Table
    from rich.text import Text

    label = f" {alert.severity.upper()} {alert.change} "
    title = Text.assemble((label, COLOURS[alert.severity]), " ", (printable(alert.headline), "bold"))
    facts = Table.grid(padding=(0, 1))
    facts.add_column(style="dim", no_wrap=True)
    facts.add_column(overflow="fold")
    for name, text in _facts(alert):
        facts.add_row(f"  {name}", Text(text))
    return Padding(Group(title, facts), (0, 0, 1, 0))


def _title(alert: Alert) -> str:
    return f"{alert.severity.upper()} {alert.change}  {printable(alert.headline)}"


def _facts(alert: Alert) -> list[tuple[str, str]]:
    """Name and text of each line under the headline."""
    facts = [("what", printable(alert.summary))] if alert.summary and alert.summary != alert.headline else []
    places = ", ".join(dict.fromkeys(place.name for place in alert.places[:4]))
    facts.append(("rule", f"{alert.rule.id} ({alert.desk} desk)" + (f", {places}" if places else "")))
    outlets = list(dict.fromkeys(article.source.name or article.source.id for article in alert.articles))
    articles = alert.article_count or len(alert.articles)
    counted = f"{_plural(alert.origins, 'independent source')}, {_plural(articles, 'article')}"
    grade = f"grade {alert.reliability.source}{alert.reliability.information}"
    facts.append(("behind it", f"{counted} ({printable(', '.join(outlets[:5]))}), {grade}"))
    claims = _claims(alert.claims)
    facts += [("claims" if claim is claims[0] else "", claim) for claim in claims]
    if alert.because:
        facts.append(("because", f"“{printable(alert.because[-1].words)[:WORDS]}”"))
    times = alert.times
    came = f"published {stamp(times.published)}, fetched {stamp(times.fetched)}, raised {stamp(times.raised)} UTC"
    return [*facts, ("times", came)]


def _claims(claims: Sequence[LedgerEntry]) -> list[str]:
    """Who said what, a line for each kind of saying."""
    speakers: dict[str, dict[str, None]] = {}
    for claim in claims:
        speakers.setdefault(claim.stance, {})[printable(claim.speaker)[:80]] = None
    lines = []
    for stance, said in SAID.items():
        if names := list(speakers.get(stance, ())):
            more = f" and {len(names) - SPEAKERS} more" if len(names) > SPEAKERS else ""
            lines.append(f"{said} {'; '.join(names[:SPEAKERS])}{more}")
    return lines


def _plural(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"
