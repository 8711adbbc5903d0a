"""Enrichers of one's own: chosen by name, under a budget, and harmless when they fail."""

import logging
import re
import time
from collections.abc import Iterator
from importlib.metadata import EntryPoint
from pathlib import Path

import msgspec
import pytest

from pipeline.alerting.rules import RuleSet
from pipeline.enrich import enrich, plugins, stage
from pipeline.model.enriched import EnrichedArticle
from tests.enrich.test_events import article

PAGE = Path(__file__).parents[2] / "docs" / "enrichers.md"
BRIDGE = article("", "The bridge at Narva was closed.")


def shout(read: EnrichedArticle) -> EnrichedArticle:
    return msgspec.structs.replace(read, authors=(*read.authors, "shout"))


def whisper(read: EnrichedArticle) -> EnrichedArticle:
    return msgspec.structs.replace(read, authors=(*read.authors, "whisper"))


def fail(read: EnrichedArticle) -> EnrichedArticle:
    raise RuntimeError(read.id)


def sleep(read: EnrichedArticle) -> EnrichedArticle:
    time.sleep(0.2)
    return shout(read)


sleep.budget = 0.01  # type: ignore[attr-defined]


def lose(read: EnrichedArticle) -> EnrichedArticle:
    return msgspec.structs.replace(read, id="another")


@pytest.fixture(autouse=True)
def offered(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The functions above, as a package would offer them."""
    names = ("shout", "whisper", "fail", "sleep", "lose", "missing")
    points = [EntryPoint(name, f"tests.enrich.test_plugins:{name}", plugins.GROUP) for name in names]
    monkeypatch.setattr(plugins, "entry_points", lambda group: points if group == plugins.GROUP else [])
    yield
    plugins._chosen.clear()


def test_none_runs_that_is_not_chosen() -> None:
    assert enrich(BRIDGE).authors == ()


@pytest.mark.parametrize("names", [("shout", "whisper"), ("whisper", "shout")])
def test_those_chosen_run_in_their_order(names: tuple[str, ...]) -> None:
    plugins.add(*names)
    plugins.add(*names)  # as a command does that reads its settings twice
    assert plugins.own() == names
    assert enrich(BRIDGE).authors == names
    assert plugins.failures() == {"shout": 0, "whisper": 0}


@pytest.mark.parametrize("name", ["fail", "sleep", "lose"])
def test_a_failure_leaves_the_article_is_counted_and_said_once(name: str, caplog: pytest.LogCaptureFixture) -> None:
    plain = enrich(BRIDGE)
    plugins.add(name, "whisper")
    with caplog.at_level(logging.WARNING, "wirewatch.enrich"):
        found = [enrich(BRIDGE) for _ in range(2)]
    assert [msgspec.structs.replace(one, authors=()) for one in found] == [plain] * 2
    assert [one.authors for one in found] == [("whisper",)] * 2
    assert plugins.failures() == {name: 2, "whisper": 0}
    assert [record.getMessage().startswith(f"enricher `{name}`") for record in caplog.records] == [True]


@pytest.mark.parametrize(("name", "message"), [("none", "no `none` is installed"), ("missing", "cannot be loaded")])
def test_what_cannot_be_chosen_is_said(name: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        plugins.add(name)


def test_another_process_has_the_same_ones() -> None:
    plugins.add("whisper")
    arguments = stage.Enrich(RuleSet([])).elsewhere().args  # type: ignore[attr-defined]
    assert ("whisper",) in arguments[1]


def test_the_example_of_the_documentation_runs() -> None:
    code = re.search(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    assert code is not None
    names: dict[str, object] = {}
    exec(code[1], names)
    bridges = plugins._Plugin("bridges", names["bridges"])  # type: ignore[arg-type]
    assert [theme.id for theme in bridges(enrich(BRIDGE)).themes][-1:] == ["bridges"]
    assert bridges.failures.total() == 0
