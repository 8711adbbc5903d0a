"""The schedule: when a source is polled next, and laws that hold whatever comes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.sdk import AuthError, BadDataError, BlockedError, GoneError, RateLimitedError, TransientError
from connectors.sdk.schedule import (
    BACK_OFF,
    DAY,
    HOUR,
    JITTER,
    LONGEST,
    MINUTE,
    SHORTEST,
    Pace,
    adaptive,
    after_batch,
    after_failure,
    averaged,
    failure_kind,
)
from pipeline.model.health import FailureKind

OLD = 30 * DAY


@pytest.mark.parametrize(
    ("pace", "wait"),
    [
        (Pace(), 10 * MINUTE),
        (Pace(known=HOUR, per_day=24 * 60), 2 * MINUTE),
        (Pace(known=HOUR, per_day=1), 10 * MINUTE),
        (Pace(known=OLD, per_day=24, usual=24), 30 * MINUTE),
        (Pace(known=OLD, per_day=96, usual=24), 7.5 * MINUTE),
        (Pace(known=OLD, per_day=0, usual=24), 30 * MINUTE),
        (Pace(known=OLD, per_day=0.1, usual=0.1, silent=HOUR), HOUR),
        (Pace(known=OLD, silent=4 * DAY), 4 * HOUR),
        (Pace(known=OLD, silent=400 * DAY), DAY),
    ],
    ids=[
        "unknown", "new and busy", "new and quiet", "one an hour", "busier than usual", "quieter than usual", "rare",
        "silent for days", "silent for a year",
    ],
)  # fmt: skip
def test_the_pace_of_a_source_is_the_pace_of_its_polls(pace: Pace, wait: float) -> None:
    assert adaptive(pace) == wait


@pytest.mark.parametrize(
    ("next_poll", "at_least", "every", "wait"),
    [
        (0, 900.0, 300.0, 0.0),
        (None, 0.0, None, 600.0),
        (None, 900.0, None, 900.0),
        (None, 10**8, None, DAY),
        (None, 0.0, 300.0, 300.0),
        (None, 900.0, 300.0, 900.0),
        (None, 0.0, 5.0, 120.0),
        (1.5, 0.0, None, 1.5),
        (1.5, 0.0, 5.0, 5.0),
        (1.5, 900.0, None, 900.0),
        (10**8, 0.0, None, DAY),
    ],
    ids=[
        "more is waiting", "pace", "max-age", "a max-age of years", "every", "max-age over every", "every, too soon",
        "as the kind says", "every instead", "as the kind says, but max-age", "too late",
    ],
)  # fmt: skip
def test_after_a_batch(next_poll: float | None, at_least: float, every: float | None, wait: float) -> None:
    assert after_batch(next_poll, at_least, every, Pace()) == wait


@pytest.mark.parametrize(
    ("kind", "failures", "retry_after", "wait"),
    [
        ("transient", 1, None, 2 * MINUTE),
        ("transient", 3, None, 8 * MINUTE),
        ("transient", 50, None, 6 * HOUR),
        ("transient", 10**9, None, 6 * HOUR),
        ("transient", 1, 1.0, 2 * MINUTE),
        ("transient", 1, 500.0, 500.0),
        ("transient", 1, 10.0**9, DAY),
        ("rate-limited", 1, None, 15 * MINUTE),
        ("gone", 1, None, 30 * MINUTE),
        ("gone", 9, None, DAY),
        ("unexpected", 1, None, 2 * MINUTE),
    ],
)
def test_after_a_failure(kind: FailureKind, failures: int, retry_after: float | None, wait: float) -> None:
    assert after_failure(kind, failures, retry_after) == wait


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (TransientError(), "transient"),
        (RateLimitedError(), "rate-limited"),
        (AuthError(), "auth"),
        (GoneError(), "gone"),
        (BadDataError(), "bad-data"),
        (BlockedError(), "blocked"),
        (ZeroDivisionError(), "unexpected"),
    ],
)
def test_kinds_of_failure(error: Exception, kind: str) -> None:
    assert failure_kind(error) == kind


seconds = st.floats(0, 10 * DAY)
paces = st.builds(Pace, per_day=st.floats(0, 1e6), usual=st.floats(0, 1e6), known=seconds, silent=seconds)
share = st.floats(0, 1)
everies = st.none() | st.floats(0.1, 10 * DAY)


@given(paces, seconds, everies, share)
def test_no_poll_is_too_soon_or_too_late(pace: Pace, at_least: float, every: float | None, jitter: float) -> None:
    wait = after_batch(None, at_least, every, pace, jitter)
    assert max(SHORTEST, min(LONGEST, at_least)) <= wait <= LONGEST
    assert wait <= (1 + JITTER) * max(SHORTEST, at_least, every or adaptive(pace))


@given(paces, st.floats(1, 10))
def test_what_brings_more_is_polled_no_later(pace: Pace, times: float) -> None:
    busier = Pace(pace.per_day * times, pace.usual * times, pace.known, pace.silent)
    assert adaptive(busier) <= adaptive(pace)


@given(st.sampled_from(sorted(BACK_OFF)), st.integers(1, 10**6), st.none() | seconds, share)
def test_failing_sources_are_polled_less_and_never_given_up(
    kind: FailureKind, failures: int, retry_after: float | None, jitter: float
) -> None:
    wait = after_failure(kind, failures, retry_after, jitter)
    assert max(SHORTEST, min(LONGEST, retry_after or 0)) <= wait <= LONGEST
    assert after_failure(kind, failures) <= after_failure(kind, failures + 1)


@given(st.floats(0, 1e4), st.integers(1, 100), st.floats(MINUTE, DAY), st.floats(0, OLD))
def test_a_steady_stream_keeps_its_rate_and_any_other_moves_towards_what_comes(
    rate: float, items: int, gap: float, known: float
) -> None:
    new = items / gap * DAY
    assert averaged(new, items, gap, known, DAY) == pytest.approx(new)
    low, high = sorted((rate, new))
    assert low - 1e-6 <= averaged(rate, items, gap, known, DAY) <= high + 1e-6
