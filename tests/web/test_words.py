"""How the console puts times, ages and names."""

from datetime import UTC, datetime, timedelta

import pytest

from pipeline.web.words import age, count, names

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("ago", "said"),
    [
        (timedelta(seconds=59), "now"),
        (timedelta(minutes=3), "3 min"),
        (timedelta(hours=2), "2 h"),
        (timedelta(hours=47), "47 h"),
        (timedelta(days=5), "5 d"),
        (timedelta(minutes=-3), "in 3 min"),
    ],
)
def test_ages(ago: timedelta, said: str) -> None:
    assert age(NOW - ago, NOW) == said


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ([], ""),
        (["A"], "A"),
        (["A", "A"], "A"),
        (["A", "B"], "A and B"),
        (["A", "B", "C"], "A, B and C"),
        (["A", "B", "C", "D"], "A, B and 2 more"),
    ],
)
def test_names(given: list[str], said: str) -> None:
    assert names(given) == said


def test_counts() -> None:
    assert [count(1, "story", "stories"), count(1200, "article")] == ["1 story", "1,200 articles"]
