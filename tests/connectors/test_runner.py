"""The runner: cursors move with their items, failures back off and are told, nothing stops polling."""

import threading
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta

import pytest

from connectors.sdk import Bad, Batch, Context, Kind, RateLimitedError, SourceConfig, TransientError, source
from connectors.sdk.declare import DeclarationError, Declared, declare
from connectors.sdk.outlets import Outlets
from connectors.sdk.runner import Runner, delay
from connectors.sdk.source import kinds
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


@pytest.mark.parametrize(
    ("failures", "retry_after", "jitter", "seconds"),
    [
        (1, None, 1.0, 15.0),
        (1, None, 0.0, 7.5),
        (2, None, 1.0, 30.0),
        (5, None, 1.0, 240.0),
        (50, None, 1.0, 21_600.0),
        (10**9, None, 0.0, 10_800.0),
        (1, 500.0, 0.0, 500.0),
        (1, 10**9, 0.0, 86_400.0),
    ],
)
def test_delay(failures: int, retry_after: float | None, jitter: float, seconds: float) -> None:
    assert delay(failures, retry_after, jitter) == seconds


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
    assert (health.next_poll - health.last_poll).total_seconds() == 1000


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
