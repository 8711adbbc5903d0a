"""Dates as APIs write them, and as they want them written."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

MILLISECONDS = 100_000_000_000
"""From here on a number counts milliseconds since 1970, not seconds: in seconds it would be the year 5138."""

FORMATS: dict[str, Callable[[datetime], str]] = {
    "iso": lambda time: time.strftime("%Y-%m-%dT%H:%M:%SZ"),
    "date": lambda time: time.strftime("%Y-%m-%d"),
    "compact": lambda time: time.strftime("%Y%m%dT%H%M%SZ"),
    "epoch": lambda time: str(int(time.timestamp())),
    "epoch-ms": lambda time: str(int(time.timestamp() * 1000)),
}
"""Ways to write a time in UTC, by name; any other is a pattern of strftime."""


def read_date(value: Any) -> datetime | None:
    """A time in UTC from RFC 3339, RFC 2822, seconds or milliseconds since 1970, `20261124T143000Z`,
    `20261124143000` or a date alone. None where it is none of these. Without an offset it is taken for UTC.
    """
    try:
        if isinstance(value, bool) or value is None:
            return None
        if isinstance(value, int | float):
            return _epoch(value)
        time = _text(value.strip()) if isinstance(value, str) else None
        return time and (time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC))
    except (ValueError, TypeError, OverflowError, OSError, IndexError):
        return None


def _epoch(number: float) -> datetime:
    return datetime.fromtimestamp(number / 1000 if abs(number) >= MILLISECONDS else number, UTC)


def _text(text: str) -> datetime:
    if text.isascii() and text.isdecimal() and len(text) != 8:
        return datetime.strptime(text, "%Y%m%d%H%M%S") if len(text) == 14 else _epoch(int(text))
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return parsedate_to_datetime(text)


def write_date(time: datetime, form: str) -> str:
    """`time` in UTC in one of FORMATS or as strftime's pattern says."""
    known = FORMATS.get(form)
    return known(time.astimezone(UTC)) if known else time.astimezone(UTC).strftime(form)


def step(form: str) -> timedelta:
    """The smallest difference that a format shows."""
    start = datetime(2000, 1, 1, tzinfo=UTC)
    units = (timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1))
    shown = (unit for unit in units if write_date(start + unit, form) != write_date(start, form))
    return next(shown, timedelta(days=1))
