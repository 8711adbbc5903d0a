"""SourceHealth: how a source is doing, as its connector last saw it."""

from typing import Literal

import msgspec

from pipeline.model.codec import Time

SourceState = Literal["ok", "failing", "backing-off", "silent"]


FailureKind = Literal["transient", "rate-limited", "auth", "gone", "bad-data", "blocked", "unexpected"]


class SourceHealth(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The latest word on one source."""

    id: str
    kind: str
    """Kind of connector: feed, folder, …"""
    name: str
    state: SourceState
    """`failing`: the last poll failed; `backing-off`: several did, and polls are further apart;
    `silent`: polls succeed and nothing comes."""
    last_poll: Time | None = None
    """Last attempt, whether it succeeded or not."""
    last_item: Time | None = None
    """When the last new item was acknowledged."""
    items: int = 0
    """Acknowledged since the source was first polled."""
    failures: int = 0
    """Polls that failed in a row."""
    next_poll: Time | None = None
    error: str | None = None
    """What is wrong, in a sentence that says what to do."""
    failure: FailureKind | None = None
    """What kind of thing is wrong: `transient` passes by itself, `unexpected` is a fault of the connector."""
    first_poll: Time | None = None
    """When it was first polled with success."""
    last_success: Time | None = None
    """Last poll that succeeded."""
    lag: float | None = None
    """Seconds from the publication of the newest item to its arrival, when items last came."""
    per_day: float = 0.0
    """New items a day, over the last day or so; what was there at the first poll does not count."""
    usual_per_day: float = 0.0
    """The same over the last two weeks or so."""
