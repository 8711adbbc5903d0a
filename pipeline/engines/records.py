"""What an engine hands to those who look at it."""

from datetime import datetime
from typing import NamedTuple

import msgspec


class Record(NamedTuple):
    """A record of the log, as subscribers see it."""

    offset: int
    """Place in the file, over all topics: what `tail` goes on after."""
    topic: str
    key: str
    value: bytes
    at: datetime
    """Log time, UTC."""


class Counts(msgspec.Struct, frozen=True, kw_only=True):
    """How far the work is."""

    articles: int = 0
    """Acknowledged, ever."""
    tagged: int = 0
    """Enriched, ever."""
    searched: int = 0
    """Finished and put into the search, ever, revisions included."""
    alerts: int = 0
    """Kept."""
    open_alerts: int = 0
    dead_letters: int = 0
    """Waiting to be looked at."""
    lag: dict[str, int] = {}
    """Messages before each stage."""
    trouble: str | None = None
    """Why nothing moves just now, and what to do."""


class Forgotten(msgspec.Struct, frozen=True, kw_only=True):
    """What `forget` took away."""

    articles: int
    """Forgotten."""
    alerts: int
    """Gone, because they rested on those articles alone."""
    changed: int
    """Alerts that stay and no longer name them."""
