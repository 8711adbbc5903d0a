"""Replay: recorded articles, their `fetched` being the clock."""

from datetime import timedelta

import pytest

from pipeline.engines.replay import replay
from pipeline.model.article import Article
from tests.engines.toys import NOON, article, graph, rule_set


def at(minute: int | None, number: int, title: str) -> Article:
    return article(number, title, fetched=None if minute is None else NOON + timedelta(minutes=minute))


CHANGES = [
    pytest.param([at(0, 1, "Bridge fires")], [("raised", 0)], id="one"),
    pytest.param([at(0, 1, "Bridge fires"), at(90, 2, "Hill calm")], [("raised", 0)], id="nothing heard of the rule"),
    pytest.param(
        [at(0, 1, "Bridge fires"), at(90, 2, "Hill fires")],
        [("raised", 0), ("resolved", 60), ("raised", 90)],
        id="quiet, at its due time",
    ),
    pytest.param(
        [at(30, 1, "Bridge fires"), at(0, 2, "Bridge fires on")],
        [("raised", 30), ("updated", 30)],
        id="time does not go back",
    ),
    pytest.param(
        [at(5, 1, "Bridge fires"), at(None, 2, "Bridge fires on")],
        [("raised", 5), ("updated", 5)],
        id="where `fetched` is missing time stands still",
    ),
    pytest.param([], [], id="empty"),
]


@pytest.mark.parametrize(("given", "changes"), CHANGES)
def test_every_change_in_order(given: list[Article], changes: list[tuple[str, int]]) -> None:
    result = replay(given, rule_set("toy"), graph=graph())
    assert [(a.change, (a.times.changed - NOON) / timedelta(minutes=1)) for a in result.alerts] == changes


def test_a_finished_article_for_every_line() -> None:
    lines = [
        at(n, *line)
        for n, line in enumerate([(1, "Hill"), (2, "x refused"), (1, "Hill"), (1, "Hill high"), (1, "Hill")])
    ]
    result = replay(lines, rule_set("toy"), graph=graph())
    assert [article and (article.title, article.version) for article in result.articles] == [
        ("Hill", 1),
        None,
        ("Hill", 1),
        ("Hill high", 3),
        ("Hill", 1),
    ]
    assert [letter.key for letter in result.dead_letters] == [lines[1].id]


def test_progress_is_told() -> None:
    told: list[int] = []
    replay([at(n, n, "Hill") for n in range(120)], rule_set("toy"), graph=graph(), progress=told.append)
    assert told == [50, 100, 120]
