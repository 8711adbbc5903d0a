"""The runner: cursors move with their items, failures back off and are told, nothing stops polling."""

import asyncio
import dataclasses
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from connectors.pages import load_site_rules
from connectors.sdk import (
    Bad,
    BadDataError,
    Batch,
    Context,
    Kind,
    RateLimitedError,
    SourceConfig,
    TransientError,
    source,
)
from connectors.sdk.declare import DeclarationError, Declared, declare
from connectors.sdk.outlets import Outlets
from connectors.sdk.runner import Runner
from connectors.sdk.source import kinds
from connectors.sdk.vitals import Vitals
from pipeline.model.article import Source
from pipeline.model.health import SourceHealth
from tests.connectors.log import MemoryLog


class NoConfig(SourceConfig):
    pass


Poll = Callable[[NoConfig, Context], AsyncIterator[Batch]]


def declared(poll: Poll) -> Declared:
    kind: Kind[NoConfig] = source("test", config=NoConfig)(poll)
    return Declared("test", kind, NoConfig(), Source(id="test", name="Test", kind="test"))


def run(
    log: MemoryLog, poll: Callable[[NoConfig, Context], AsyncIterator[Batch]], outlets: Outlets | None = None
) -> None:
    Runner(log, [declared(poll)], outlets=outlets).run(threading.Event(), once=True)


async def counting(_: NoConfig, context: Context) -> AsyncIterator[Batch]:
    """Three batches of one article; the cursor is the number of the next."""
    for number in range(int(context.cursor or 0), 3):
        article = context.article(key=str(number), title=f"Title {number}")
        yield Batch([article], cursor=str(number + 1), next_poll=0)
    yield Batch(next_poll=60)


def test_items_and_cursor_go_together() -> None:
    log = MemoryLog()
    run(log, counting)
    assert [article.title for article in log.articles] == ["Title 0", "Title 1", "Title 2"]
    assert log.cursors == {"test": '"3"'}
    run(log, counting)
    assert len(log.articles) == 3


@pytest.mark.parametrize("failing", [1, 2, 3])
def test_nothing_is_skipped_when_the_log_refuses(failing: int) -> None:
    log = MemoryLog()
    log.failing = failing
    for _ in range(failing + 1):
        run(log, counting)
    assert [article.title for article in log.articles] == ["Title 0", "Title 1", "Title 2"]


def test_bad_items_become_dead_letters_and_neighbours_go_on() -> None:
    async def mixed(_: NoConfig, context: Context) -> AsyncIterator[Batch]:
        yield Batch([Bad("k", "why", b"\xff"), context.article(key="a", title="Kept")], cursor="1", next_poll=60)

    log = MemoryLog()
    run(log, mixed)
    assert [article.title for article in log.articles] == ["Kept"]
    (letter,) = log.letters
    assert (letter.key, letter.reason, letter.size, letter.stage) == ("k", "why", 1, "connector test")
    assert log.healths["test"].items == 1


@pytest.mark.parametrize(
    ("error", "said"),
    [(TransientError("it is down; wait"), "it is down; wait"), (ZeroDivisionError("x"), "ZeroDivisionError: x")],
)
def test_a_failure_is_told_and_counted(error: Exception, said: str) -> None:
    async def failing(_: NoConfig, __: Context) -> AsyncIterator[Batch]:
        raise error
        yield Batch()

    log = MemoryLog()
    states = []
    for _ in range(3):
        run(log, failing)
        states.append(log.healths["test"].state)
    health = log.healths["test"]
    assert states == ["failing", "failing", "backing-off"]
    assert (health.failures, health.error) == (3, said)
    assert health.next_poll is not None
    assert health.last_poll is not None
    assert health.next_poll > health.last_poll


def test_a_success_heals() -> None:
    log = MemoryLog()
    log.failing = 1
    run(log, counting)
    assert log.healths["test"].failures == 1
    run(log, counting)
    assert (log.healths["test"].state, log.healths["test"].failures, log.healths["test"].error) == ("ok", 0, None)


def test_polls_succeed_and_nothing_comes() -> None:
    times = iter([datetime(2030, 1, 1, tzinfo=UTC) + timedelta(days=day) for day in (0, 0, 0, 0, 9, 9, 9, 9)])
    last = [datetime(2030, 1, 1, tzinfo=UTC)]

    def clock() -> datetime:
        last[0] = next(times, last[0])
        return last[0]

    async def poll(_: NoConfig, context: Context) -> AsyncIterator[Batch]:
        items = [] if context.cursor else [context.article(key="a", title="Once")]
        yield Batch(items, cursor="1", next_poll=60)

    log = MemoryLog()
    for _ in range(4):
        Runner(log, [declared(poll)], clock=clock).run(threading.Event(), once=True)
    assert log.healths["test"].state == "silent"


def test_it_polls_again_however_often_it_failed() -> None:
    stop = threading.Event()
    polls = 0

    async def flaky(_: NoConfig, context: Context) -> AsyncIterator[Batch]:
        nonlocal polls
        polls += 1
        if polls < 30:
            raise TransientError("not yet")
        yield Batch([context.article(key="a", title="At last")], next_poll=3600)

    class Stopping(MemoryLog):
        def health(self, source: SourceHealth) -> None:
            super().health(source)
            if source.items:
                stop.set()

    log = Stopping()
    Runner(log, [declared(flaky)], back_off=lambda *_: 0.0).run(stop)
    assert polls == 30
    assert [article.title for article in log.articles] == ["At last"]
    assert log.healths["test"].state == "ok"


def test_stops_while_a_source_waits() -> None:
    async def patient(_: NoConfig, context: Context) -> AsyncIterator[Batch]:
        yield Batch([context.article(key="a", title="x")], next_poll=3600)

    stop = threading.Event()
    runner = threading.Thread(target=Runner(MemoryLog(), [declared(patient)]).run, args=(stop,))
    runner.start()
    stop.set()
    runner.join(timeout=2)
    assert not runner.is_alive()


def test_outlets_are_filled_in_where_a_source_says_nothing() -> None:
    table = Outlets({"test": Source(id="test", name="Other", country="PRT", affiliation="PRT", reliability="B")})
    log = MemoryLog()
    run(log, counting, table)
    found = log.articles[0].source
    assert (found.name, found.country, found.affiliation, found.reliability) == ("Test", "PRT", "PRT", "B")


def test_retry_after_is_a_floor() -> None:
    error = RateLimitedError("slow down")
    error.retry_after = 1000.0

    async def limited(_: NoConfig, __: Context) -> AsyncIterator[Batch]:
        raise error
        yield Batch()

    log = MemoryLog()
    run(log, limited)
    health = log.healths["test"]
    assert health.next_poll
    assert health.last_poll
    assert (health.next_poll - health.last_poll).total_seconds() >= 1000
    assert health.failure == "rate-limited"


def at(minutes: float) -> datetime:
    return datetime(2030, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)


@pytest.mark.parametrize(
    ("health", "every", "minutes"),
    [
        ({}, None, 0),
        ({"last_poll": at(-3), "next_poll": at(7)}, None, 7),
        ({"last_poll": at(-30), "next_poll": at(-20)}, None, 0),
        ({"last_poll": at(-3), "next_poll": at(7)}, 300.0, 2),
        ({"last_poll": at(-3), "next_poll": at(7), "failures": 2, "failure": "gone"}, None, 0),
        ({"last_poll": at(-3), "next_poll": at(7), "failures": 2, "failure": "rate-limited"}, None, 7),
        ({"last_poll": at(-3), "next_poll": at(10**6)}, None, 24 * 60),
    ],
    ids=["new", "polled just now", "overdue", "every is shorter now", "failed", "asked to wait", "a clock went wrong"],
)
def test_when_a_source_is_due_after_a_restart(health: dict[str, Any], every: float | None, minutes: float) -> None:
    vitals = Vitals(SourceHealth(id="a", kind="feed", name="A", state="ok", **health), lambda: at(0))
    assert vitals.due(every) == minutes * 60


def test_a_restart_polls_nothing_that_is_not_due() -> None:
    polled = []

    async def poll(_: NoConfig, __: Context) -> AsyncIterator[Batch]:
        polled.append(1)
        yield Batch()

    log = MemoryLog()
    run(log, poll)
    stop = threading.Event()
    threading.Timer(0.3, stop.set).start()
    Runner(log, [declared(poll)]).run(stop)
    assert len(polled) == 1


def test_a_source_that_hangs_is_cut_off_and_others_go_on() -> None:
    stop = threading.Event()

    async def hanging(_: NoConfig, __: Context) -> AsyncIterator[Batch]:
        await asyncio.Event().wait()
        yield Batch()

    class Stopping(MemoryLog):
        def health(self, source: SourceHealth) -> None:
            super().health(source)
            if len(self.healths) == 2:
                stop.set()

    log = Stopping()
    other = dataclasses.replace(declared(counting), id="other")
    Runner(log, [declared(hanging), other], budget=0.2).run(stop)
    assert len(log.articles) == 3
    assert (log.healths["test"].failure, log.healths["other"].failure) == ("transient", None)
    assert "brought nothing" in (log.healths["test"].error or "")


def test_a_source_that_does_not_let_itself_be_ended_is_left_behind() -> None:
    stop = threading.Event()
    begun = threading.Event()

    async def stubborn(_: NoConfig, __: Context) -> AsyncIterator[Batch]:
        while True:
            with suppress(asyncio.CancelledError):
                begun.set()
                await asyncio.sleep(3600)
        yield Batch()

    thread = threading.Thread(target=Runner(MemoryLog(), [declared(stubborn)]).run, args=(stop,), daemon=True)
    thread.start()
    assert begun.wait(5)
    stop.set()
    thread.join(timeout=10)
    assert not thread.is_alive()


def test_what_stands_behind_a_yield_may_rely_on_the_log() -> None:
    log, seen = MemoryLog(), []

    async def marking(_: NoConfig, context: Context) -> AsyncIterator[Batch]:
        yield Batch([context.article(key="a", title="x")], cursor=1, next_poll=0)
        seen.append(len(log.articles))
        yield Batch()

    run(log, marking)
    assert seen[0] == 1


@pytest.mark.parametrize(
    ("polls", "failures"),
    [(["good"], 0), (["bad"], 1), (["bad", "bad"], 2), (["bad", "good"], 0), (["half", "half"], 2)],
    ids=["good", "bad", "bad twice", "healed by a good batch", "good at first, then bad"],
)
def test_health_needs_a_poll_that_is_good_to_its_end(polls: list[str], failures: int) -> None:
    left = list(polls)

    async def poll(_: NoConfig, context: Context) -> AsyncIterator[Batch]:
        what = left.pop(0)
        if what == "half":
            yield Batch([context.article(key="a", title="x")], cursor=1, next_poll=0)
        if what != "good":
            raise BadDataError("no feed")
        yield Batch()

    log = MemoryLog()
    for _ in polls:
        run(log, poll)
    assert log.healths["test"].failures == failures
    assert (log.healths["test"].last_success is not None) == (failures == 0)


def test_lag_and_rates_are_told() -> None:
    """Ten items wait at the first poll, then one comes an hour, published ten minutes before."""
    hours = iter(range(50))
    now = [at(0)]

    async def poll(_: NoConfig, context: Context) -> AsyncIterator[Batch]:
        hour = next(hours)
        now[0] = at(60 * hour)
        published = now[0] - timedelta(minutes=10)
        keys = range(10) if hour == 0 else [100 + hour]
        yield Batch([context.article(key=str(key), title="x", published=published) for key in keys], cursor=1)

    log = MemoryLog()
    for _ in range(49):
        Runner(log, [declared(poll)], clock=lambda: now[0]).run(threading.Event(), once=True)
    health = log.healths["test"]
    assert (health.items, health.lag, health.first_poll) == (58, 600.0, at(0))
    assert (round(health.per_day, 3), round(health.usual_per_day, 3)) == (24, 24)


class Hands:
    """Shares that are dealt by the test."""

    def __init__(self, deal: Callable[..., None]) -> None:
        self.deal = deal

    def follow(self, stop: threading.Event, take: Any, give: Any) -> None:
        self.deal(take, give)
        stop.set()


def test_shares_are_taken_and_given_back() -> None:
    log, told = MemoryLog(), []
    ours = threading.Event()

    async def poll(_: NoConfig, context: Context) -> AsyncIterator[Batch]:
        number = 0
        while True:
            number += 1
            yield Batch([context.article(key=str(number), title="x")], cursor=number, next_poll=0.01)
            ours.set()

    def deal(take: Any, give: Any) -> None:
        take(["test", "unknown"], lambda: told.append("before"))
        assert ours.wait(5)
        give(["test"])
        told.append(str(len(log.articles)))
        ours.clear()
        assert not ours.wait(0.1)
        told.append(str(len(log.articles)))

    Runner(log, [declared(poll)], shares=Hands(deal)).run(threading.Event())
    assert told[0] == "before"
    assert told[1] == told[2]


def test_kinds_that_ship() -> None:
    assert {"feed", "folder"} <= kinds().keys()


@pytest.mark.parametrize(
    ("entry", "key", "said"),
    [
        ({}, "", "kind"),
        ({"kind": "fax"}, "kind", "no kind of source is called `fax`"),
        ({"kind": "feed"}, "url", "is missing"),
        ({"kind": "feed", "url": 7}, "url", "valid string"),
        ({"kind": "feed", "url": "https://a.example/", "evry": 7}, "evry", "there is no such key; feed has pages, url"),
        ({"kind": "feed", "url": "https://a.example/", "every": 0}, "every", "> 0"),
        ({"kind": "feed", "url": "https://a.example/", "reliability": "G"}, "reliability", "Invalid enum"),
    ],
)
def test_what_is_wrong_with_a_declaration_is_named(entry: dict[str, object], key: str, said: str) -> None:
    with pytest.raises(DeclarationError) as raised:
        declare(entry)
    assert raised.value.key == key
    assert said in raised.value.message


def test_pages_are_read_by_the_rules_that_are_given(tmp_path: Path) -> None:
    (tmp_path / "rules.yaml").write_text("- {sites: [127.0.0.1], body: p.text}\n")
    rules = load_site_rules([tmp_path])

    async def poll(_: NoConfig, context: Context) -> AsyncIterator[Batch]:
        assert context.site_rules == rules
        yield Batch([context.article(key="1", title="Read by them")])

    log = MemoryLog()
    Runner(log, [declared(poll)], site_rules=rules).run(threading.Event(), once=True)
    assert [article.title for article in log.articles] == ["Read by them"]
