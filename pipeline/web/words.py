"""How the console puts things: times, ages, severities, grades, counts."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import get_args

from pipeline.model.alert import Alert, Desk, LedgerEntry, Severity

SEVERITIES: tuple[Severity, ...] = get_args(Severity)
"""Least first."""
DESKS: tuple[Desk, ...] = get_args(Desk)
STANCES = ("asserts", "confirms", "announces", "denies", "warns", "demands", "declines-to-comment")

STANCE_WORDS = {
    "asserts": "Says so",
    "confirms": "Confirms",
    "announces": "Announces",
    "denies": "Denies",
    "warns": "Warns",
    "demands": "Demands",
    "declines-to-comment": "Does not comment",
}

SOURCE_GRADES = {
    "A": "completely reliable",
    "B": "usually reliable",
    "C": "fairly reliable",
    "D": "not usually reliable",
    "E": "unreliable",
    "F": "reliability unknown",
}
"""Admiralty code (AJP-2.1), first character."""

INFORMATION_GRADES = {
    1: "confirmed",
    2: "probably true",
    3: "possibly true",
    4: "doubtful",
    5: "improbable",
    6: "cannot be judged",
}
"""Admiralty code (AJP-2.1), second character."""

RETRACTED_SHOWN = timedelta(days=1)
"""A retracted alert stays among the open ones this long: who saw it raised must see it taken back."""


def iso(time: datetime) -> str:
    """RFC 3339 in UTC, to the second."""
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def clock(time: datetime) -> str:
    """To the minute, in UTC, as in `24 Nov 14:02`; the year where it is another than this one is in the full form."""
    time = time.astimezone(UTC)
    return f"{time.day} {time:%b} {time:%H:%M}"


def full(time: datetime) -> str:
    """To the second, as in `2026-11-24 14:02:07 UTC`."""
    return time.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def day(time: datetime) -> str:
    """As in `Tuesday 24 November 2026`."""
    time = time.astimezone(UTC)
    return f"{time:%A} {time.day} {time:%B} {time.year}"


def length(seconds: float) -> str:
    """A duration in its largest unit: `0.4 s`, `12 s`, `3 min`, `2 h`, `5 d`."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 60:
        return f"{seconds:.0f} s"
    if seconds < 3600:
        return f"{seconds / 60:.0f} min"
    if seconds < 48 * 3600:
        return f"{seconds / 3600:.0f} h"
    return f"{seconds / 86400:.0f} d"


def age(time: datetime, now: datetime) -> str:
    """How long ago: `now` under a minute, then `3 min`, `2 h`, `5 d`; `in 3 min` for the future."""
    seconds = (now - time).total_seconds()
    if abs(seconds) < 60:
        return "now"
    return length(seconds) if seconds > 0 else f"in {length(-seconds)}"


def count(number: int, one: str, many: str = "") -> str:
    """`1 article`, `2 articles`."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def names(items: Iterable[str], most: int = 3) -> str:
    """`A`, `A and B`, `A, B and 2 more`; repeats are dropped."""
    unique = list(dict.fromkeys(items))
    if len(unique) > most:
        return ", ".join(unique[: most - 1]) + f" and {len(unique) - most + 1} more"
    return " and ".join([", ".join(unique[:-1]), unique[-1]] if len(unique) > 1 else unique)


def speakers(alert: Alert, stance: str) -> list[str]:
    """Who takes that stance in the ledger of an alert, earliest first: by English name where it is known."""
    known = {actor.id: actor.name for actor in alert.actors}
    return list(dict.fromkeys(known.get(c.actor or "", c.speaker) for c in alert.claims if c.stance == stance))


def languages(alert: Alert) -> list[str]:
    """Codes of the languages an alert was read in, in the order they came."""
    return list(dict.fromkeys(article.language for article in alert.articles))


def by_stance(claims: Sequence[LedgerEntry]) -> list[tuple[str, list[LedgerEntry]]]:
    """The ledger grouped by stance, earliest first within each; stances that nobody takes are left out."""
    groups = [(stance, [claim for claim in claims if claim.stance == stance]) for stance in STANCES]
    return [(stance, sorted(group, key=lambda claim: claim.since)) for stance, group in groups if group]


def is_open(alert: Alert, now: datetime) -> bool:
    """Whether an alert still asks for attention."""
    if alert.closed or alert.change == "resolved":
        return False
    return alert.change != "retracted" or now - alert.times.changed < RETRACTED_SHOWN
