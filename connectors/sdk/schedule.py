"""When a source is polled next. Pure functions; times in seconds, rates in items a day."""

import math
from dataclasses import dataclass

from connectors.sdk.errors import (
    AuthError,
    BadDataError,
    BlockedError,
    GoneError,
    RateLimitedError,
    TransientError,
)
from pipeline.model.health import FailureKind

MINUTE, HOUR, DAY = 60.0, 3600.0, 86_400.0
SHORTEST, LONGEST = 2 * MINUTE, DAY
"""Seconds between polls, where a kind does not say itself that its next poll is sooner."""
UNKNOWN = 10 * MINUTE
"""Between polls of a source that is known for less than a day."""
JITTER = 0.1
"""Share of the wait that is added at random, so that sources do not come to march in step."""

KINDS: tuple[tuple[type[Exception], FailureKind], ...] = (
    (TransientError, "transient"),
    (RateLimitedError, "rate-limited"),
    (AuthError, "auth"),
    (GoneError, "gone"),
    (BadDataError, "bad-data"),
    (BlockedError, "blocked"),
)
BACK_OFF: dict[FailureKind, tuple[float, float]] = {
    "transient": (SHORTEST, 6 * HOUR),
    "unexpected": (SHORTEST, 6 * HOUR),
    "rate-limited": (15 * MINUTE, LONGEST),
    "bad-data": (10 * MINUTE, 12 * HOUR),
    "auth": (30 * MINUTE, LONGEST),
    "gone": (30 * MINUTE, LONGEST),
    "blocked": (30 * MINUTE, LONGEST),
}
"""Wait after the first failure, doubled with every further one, and the longest."""


@dataclass(frozen=True)
class Pace:
    """How often new items come."""

    per_day: float = 0.0
    """Over the last day or so."""
    usual: float = 0.0
    """Over the last two weeks or so."""
    known: float = 0.0
    """Seconds since the source was first polled."""
    silent: float = 0.0
    """Seconds since its last item, or since it is known."""


def failure_kind(error: BaseException) -> FailureKind:
    """The kind of a failure; `unexpected` where a source raised what is none of its types."""
    return next((name for kind, name in KINDS if isinstance(error, kind)), "unexpected")


def adaptive(pace: Pace) -> float:
    """Half the time between two items, at most an hour, or a 24th of the time in which nothing has come."""
    rate = max(pace.per_day, pace.usual)
    longest = UNKNOWN if pace.known < DAY else min(LONGEST, max(HOUR, pace.silent / 24))
    return min(longest, max(SHORTEST, DAY / 2 / rate)) if rate > 0 else longest


def after_batch(
    next_poll: float | None, at_least: float, every: float | None, pace: Pace, jitter: float = 0.0
) -> float:
    """
    Args:
        next_poll: what the batch says: 0 where more is waiting, None where it is left to the schedule.
        at_least: seconds that the other side asked for, by TTL, max-age or Expires.
        every: seconds that the source is declared with, instead of the pace.
        pace: how often new items come.
        jitter: 0 to 1, at random.
    """
    if next_poll == 0:
        return 0.0
    if next_poll is not None:
        return min(LONGEST, max(every or next_poll, at_least))
    return _bounded(max(every or adaptive(pace), at_least), jitter)


def after_failure(kind: FailureKind, failures: int, retry_after: float | None = None, jitter: float = 0.0) -> float:
    """The wait after so many failures in a row; what the server asked for is a floor."""
    first, longest = BACK_OFF[kind]
    return _bounded(max(min(longest, first * 2.0 ** min(failures - 1, 32)), retry_after or 0.0), jitter)


def _bounded(wait: float, jitter: float) -> float:
    return min(LONGEST, max(SHORTEST, wait) * (1 + JITTER * jitter))


def averaged(rate: float, items: int, seconds: float, known: float, over: float) -> float:
    """A rate in items a day, brought up to date with what came in the last `seconds`.

    An exponential average over the time `over`, and a plain one as long as the source is not `known` that long.
    """
    if seconds <= 0:
        return rate
    weight = seconds / max(known, seconds) if known < over else 1 - math.exp(-seconds / over)
    return rate + (items / seconds * DAY - rate) * weight
