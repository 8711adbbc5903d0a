"""Laws: how the work is cut, interrupted, repeated or ticked changes nothing, to the letter."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from pipeline.engines.embedded import Embedded
from pipeline.engines.replay import replay
from pipeline.model.alert import Alert
from pipeline.model.article import Article
from tests.engines.files import folder, held
from tests.engines.toys import NOON, article, graph, rule_set

law = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])

TITLES = (
    "Bridge fires",
    "Bridge fires on",
    "Bridge calm",
    "Harbour fires",
    "Hill refused",
    "Hill jams",
    "Hill unfoldable",
)


class Arrival(NamedTuple):
    """An article and the minutes that pass before it arrives."""

    article: Article
    wait: int


arrivals = st.lists(
    st.builds(
        Arrival,
        st.builds(article, st.integers(1, 4), st.sampled_from(TITLES)),
        st.sampled_from((0, 1, 25, 70)),
    ),
    min_size=1,
    max_size=12,
)
cuts = st.lists(st.sampled_from(("append", "append", "1", "2", "200", "reopen", "tick")), max_size=30)


class Clock:
    """Stands still between arrivals."""

    def __init__(self) -> None:
        self.time = NOON

    def __call__(self) -> datetime:
        return self.time


def opened(path: Path, clock: Clock) -> Embedded:
    return Embedded(path, rule_set("toy"), clock=clock, graph=graph())


def run(path: Path, arriving: Sequence[Arrival], steps: Sequence[str], *, ticks: bool = False) -> list[Alert]:
    """Appends in order and does the rest as the steps say; every state of every alert in the end."""
    clock, waiting = Clock(), list(arriving)
    engine = opened(path, clock)
    for step in [*steps, *["append"] * len(arriving)]:
        if step == "append" and waiting:
            arrival = waiting.pop(0)
            clock.time += timedelta(minutes=arrival.wait)
            engine.append([arrival.article], ("wire", str(len(waiting))))
        elif step == "reopen":
            engine.close()
            engine = opened(path, clock)
        elif step == "tick" and ticks and waiting:
            engine.tick()
        elif step.isdigit():
            engine.process(int(step))
    while engine.process():
        pass
    history = [state for alert in engine.reader.alerts() for state in engine.reader.alert_history(alert.id)]
    engine.close()
    return sorted(history, key=lambda alert: (alert.id, alert.sequence))


@law
@given(arrivals, cuts)
def test_batches_and_reopening_change_nothing(arriving: list[Arrival], steps: list[str]) -> None:
    with folder() as at:
        run(at / "plain.db", arriving, ())
        run(at / "cut.db", arriving, steps)
        assert held(at / "cut.db") == held(at / "plain.db")


BACKLOG = [Arrival(article(n, "Bridge fires"), wait) for n, wait in enumerate((0, 40, 40, 10))]
"""An alert that the second article keeps awake, if no tick overtakes it."""


@law
@example(BACKLOG, ["append", "200", "append", "append", "tick"])
@example(BACKLOG, ["append", "200", "append", "append", "1", "tick"])
@given(arrivals, cuts)
def test_ticks_make_it_sooner_never_different(arriving: list[Arrival], steps: list[str]) -> None:
    with folder() as at:
        plain = run(at / "plain.db", arriving, ())
        assert run(at / "ticked.db", arriving, steps, ticks=True) == plain


@law
@given(arrivals)
def test_repeating_everything_changes_nothing(arriving: list[Arrival]) -> None:
    again = [Arrival(arrival.article, 0) for arrival in arriving]
    with folder() as at:
        once = run(at / "once.db", arriving, ())
        twice = run(at / "twice.db", [*arriving, *again], ())
        assert twice == once
        for table in ("articles", "alerts", "changes"):
            assert held(at / "twice.db")[table] == held(at / "once.db")[table]


@law
@given(arrivals)
def test_a_replay_gives_what_the_file_gave(arriving: list[Arrival]) -> None:
    fetched, time = [], NOON
    for arrival in arriving:
        time += timedelta(minutes=arrival.wait)
        fetched.append(article(0, fetched=time))
    with folder() as at:
        lived = run(at / "lived.db", arriving, ())
    recorded = [
        Article(
            **{name: getattr(a.article, name) for name in a.article.__struct_fields__ if name != "fetched"},
            fetched=f.fetched,
        )
        for a, f in zip(arriving, fetched, strict=True)
    ]
    result = replay(recorded, rule_set("toy"), graph=graph())
    assert sorted(result.alerts, key=lambda alert: (alert.id, alert.sequence)) == lived


@pytest.mark.parametrize("limit", [1, 7, 200])
def test_the_size_of_batches_changes_nothing(limit: int) -> None:
    arriving = [Arrival(article(n % 40, TITLES[n % 7]), n % 3 * 20) for n in range(60)]
    with folder() as at:
        run(at / "plain.db", arriving, ())
        run(at / "cut.db", arriving, ["append", "append", str(limit)] * 30)
        assert held(at / "cut.db") == held(at / "plain.db")
