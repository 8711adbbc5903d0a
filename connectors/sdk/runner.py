"""Polls sources and hands what they bring to the log. Never stops polling: what fails is tried again, further apart."""

import asyncio
import random
import threading
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing, suppress
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Protocol, cast

import msgspec

from connectors.pages import SiteRules
from connectors.sdk import schedule
from connectors.sdk.declare import Declared
from connectors.sdk.errors import SourceError
from connectors.sdk.fetch import Fetch, Limits
from connectors.sdk.outlets import Outlets
from connectors.sdk.polite import Patience, Polite
from connectors.sdk.source import Bad, Batch, Context, utcnow
from connectors.sdk.vitals import Vitals
from pipeline.model.article import Article
from pipeline.model.dead_letter import DeadLetter, dead_letter
from pipeline.model.health import FailureKind, SourceHealth

TOPIC = "articles.raw.v1"
STARTS = 200
"""Sources that are polled for the first time a second."""
BUDGET = 600.0
"""Seconds that a source may take without bringing a batch, its turns at hosts not counted."""
KEPT_OPEN = timedelta(minutes=1)
"""Waiting over which a source is kept as it is; before a longer wait it is closed, and begins anew after."""
LEAVE_WITHIN = 4.5
"""Seconds that sources get to end what they are at."""


class Log(Protocol):
    """What an engine offers to connectors."""

    def append(self, articles: Sequence[Article], cursor: tuple[str, str] | None = None) -> None:
        """Returns when articles and cursor are committed together."""

    def reject(self, letter: DeadLetter) -> None: ...

    def cursor(self, source: str) -> str | None: ...

    def health(self, source: SourceHealth) -> None: ...

    def sources(self) -> list[SourceHealth]: ...


class Shares(Protocol):
    """Says which of the sources this process has to poll, where several processes divide them."""

    def follow(
        self,
        stop: threading.Event,
        take: Callable[[Collection[str], Callable[[], None]], None],
        give: Callable[[Collection[str]], None],
    ) -> None:
        """Works until `stop` is set.

        Args:
            stop: ends it.
            take: called with the sources that have become ours; before they are polled, and in the thread of the log,
                the function given with them is called.
            give: called with the sources that are ours no longer; returns when nothing polls them any more.
        """


def _back_off(kind: FailureKind, failures: int, retry_after: float | None) -> float:
    return schedule.after_failure(kind, failures, retry_after, random.random())


class Runner:
    """Polls sources in one event loop; calls of the log run one at a time in a thread beside it."""

    def __init__(
        self,
        log: Log,
        sources: Sequence[Declared],
        *,
        outlets: Outlets | None = None,
        allow: Sequence[str] = (),
        limits: Limits | None = None,
        polite: Polite | None = None,
        site_rules: SiteRules | None = None,
        fetch: Callable[[], Fetch] | None = None,
        shares: Shares | None = None,
        clock: Callable[[], datetime] = utcnow,
        back_off: Callable[[FailureKind, int, float | None], float] = _back_off,
        budget: float = BUDGET,
    ) -> None:
        """
        Args:
            log: takes in what comes.
            sources: all that there are.
            outlets: what is known of publishers.
            allow: hosts that may be fetched from though they are not public.
            limits: of one fetch.
            polite: how to spare hosts.
            site_rules: how the pages of some sites are read.
            fetch: makes the way out to the network, instead of `allow`, `limits` and `polite`.
            shares: which sources are ours; all of them by default.
            clock: the time.
            back_off: seconds to wait, from a failure's kind, the number of failures in a row, and Retry-After.
            budget: seconds that a source may take without bringing a batch.
        """
        self._log = log
        self._sources = {source.id: source for source in sources}
        self._outlets = outlets or Outlets()
        self._fetch = fetch or partial(Fetch, allow=allow, limits=limits, polite=polite or Polite())
        self._site_rules = site_rules
        self._shares = shares
        self._clock = clock
        self._back_off = back_off
        self._budget = budget

    def run(self, stop: threading.Event, *, once: bool = False) -> None:
        """Polls until `stop` is set; with `once`, until every source has delivered what it has or has failed."""
        loop = (
            asyncio.new_event_loop()
        )  # asyncio.run would wait for ever for a source that does not let itself be ended
        try:
            loop.run_until_complete(self._run(stop, once))
        finally:
            loop.close()

    async def _run(self, stop: threading.Event, once: bool) -> None:
        fetch = self._fetch()
        with ThreadPoolExecutor(1, "log") as thread:
            self._begin(fetch, thread, once)
            shared: asyncio.Future[None] | None = None
            try:
                if self._shares and not once:
                    shared = self._share(self._shares, stop)
                    await shared
                else:
                    await self._take(self._sources)
                    await self._until(stop)
            finally:
                await self._give(list(self._tasks))
                await fetch.aclose()

    def _begin(self, fetch: Fetch, thread: ThreadPoolExecutor, once: bool) -> None:
        self._way_out = fetch
        self._thread = thread
        self._once = once
        self._tasks: dict[str, asyncio.Task[None]] = {}

    async def _until(self, stop: threading.Event) -> None:
        """Until all sources have ended, or `stop` is set, which is seen within a tenth of a second."""
        open_: Collection[asyncio.Task[None]] = list(self._tasks.values())
        while open_ and not stop.is_set():
            _, open_ = await asyncio.wait(open_, timeout=0.1)

    def _share(self, shares: Shares, stop: threading.Event) -> "asyncio.Future[None]":
        """Follows the shares in a thread, which calls back into this event loop."""
        loop = asyncio.get_running_loop()

        def take(ids: Collection[str], before: Callable[[], None]) -> None:
            asyncio.run_coroutine_threadsafe(self._take(ids, before), loop).result()

        def give(ids: Collection[str]) -> None:
            asyncio.run_coroutine_threadsafe(self._give(ids), loop).result()

        ended: asyncio.Future[None] = loop.create_future()

        def work() -> None:
            error: BaseException | None = None
            try:
                shares.follow(stop, take, give)
            except BaseException as raised:  # raised again where it is awaited
                error = raised
            loop.call_soon_threadsafe(lambda: ended.set_exception(error) if error else ended.set_result(None))

        threading.Thread(target=work, name="shares", daemon=True).start()
        return ended

    async def _take(self, ids: Collection[str], before: Callable[[], None] | None = None) -> None:
        """Begins to poll sources, spread over time so that they do not all start at once."""
        if before:
            await self._call(before)
        earlier = {health.id: health for health in await self._call(self._log.sources)}
        begun = 0
        for id_ in ids:
            if id_ not in self._sources or id_ in self._tasks:
                continue
            source = self._sources[id_]
            vitals = self._vitals(source, earlier.get(id_))
            wait = 0.0 if self._once else vitals.due(source.every)
            if wait == 0 and not self._once:
                wait, begun = begun / STARTS, begun + 1
            self._tasks[id_] = asyncio.create_task(self._follow(source, vitals, wait), name=f"source {id_}")

    async def _give(self, ids: Collection[str]) -> None:
        """Ends the polling of sources, and what of theirs is on its way to the log."""
        tasks = [task for id_ in ids if (task := self._tasks.pop(id_, None))]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=LEAVE_WITHIN)
            await self._call(lambda: None)

    def _vitals(self, source: Declared, earlier: SourceHealth | None) -> Vitals:
        publisher = self._outlets.fill(source.source)
        health = earlier or SourceHealth(id=source.id, kind=source.kind.name, name="", state="ok")
        health = msgspec.structs.replace(health, kind=source.kind.name, name=publisher.name or source.id)
        return Vitals(health, self._clock)

    async def _follow(self, source: Declared, vitals: Vitals, wait: float) -> None:
        """Polls one source as long as it is ours."""
        task = asyncio.current_task()
        while self._tasks.get(source.id) is task:
            await asyncio.sleep(wait)
            failure: Exception | None = None
            try:
                wait = await self._poll(source, vitals)
            except Exception as error:  # a source must not end its own polling, whatever it raises
                failure = error
            if self._tasks.get(source.id) is not task:
                return  # it was given away, and did not let itself be ended
            if failure:
                kind = schedule.failure_kind(failure)
                wait = self._back_off(kind, vitals.health.failures + 1, getattr(failure, "retry_after", None))
                said = str(failure) if isinstance(failure, SourceError) else f"{type(failure).__name__}: {failure}"
                vitals.failed(kind, said, wait)
                with suppress(Exception):  # the log may be what failed
                    await self._tell(vitals)
            if self._once and (failure or wait):
                return

    async def _poll(self, source: Declared, vitals: Vitals) -> float:
        """One poll, from the stored cursor up to where it is to wait; returns for how long."""
        cursor = _decoded(await self._call(partial(self._log.cursor, source.id)))
        context = Context(
            source=self._outlets.fill(source.source),
            fetch=self._way_out,
            cursor=cursor,
            now=self._clock,
            failures=vitals.health.failures,
            site_rules=self._site_rules,
        )
        patience = Patience(self._budget)
        began, wait, batch, brought = self._clock(), schedule.UNKNOWN, None, False
        async with patience.spent(), aclosing(cast("Any", source.kind.poll(source.config, context))) as batches:
            async for batch in batches:
                with patience.waiting():
                    wait = await self._took(source, vitals, batch)
                    brought = brought or bool(batch.items)
                    if wait or self._clock() - began > KEPT_OPEN:
                        await self._succeeded(vitals, wait)
                    if wait > KEPT_OPEN.total_seconds() or (self._once and wait):
                        return wait
                    await asyncio.sleep(wait)
        if batch is None:
            return wait
        again = 0.0 if brought or batch.next_poll else schedule.SHORTEST  # it said that there is more, and ended
        await self._succeeded(vitals, again)
        return again

    async def _took(self, source: Declared, vitals: Vitals, batch: Batch) -> float:
        """Commits a batch, and says how long to wait behind it."""
        await self._call(partial(self._deliver, source, batch))
        vitals.brought([item for item in batch.items if isinstance(item, Article)])
        return schedule.after_batch(batch.next_poll, batch.at_least, source.every, vitals.pace(), random.random())

    async def _succeeded(self, vitals: Vitals, wait: float) -> None:
        vitals.succeeded(wait)
        await self._tell(vitals)

    async def _tell(self, vitals: Vitals) -> None:
        if vitals.is_news():
            await self._call(partial(self._log.health, vitals.health))
            vitals.told()

    def _deliver(self, source: Declared, batch: Batch) -> None:
        articles = []
        for item in batch.items:
            if isinstance(item, Bad):
                self._log.reject(
                    dead_letter(
                        stage=f"connector {source.id}",
                        topic=TOPIC,
                        offset=None,
                        key=item.key,
                        reason=item.reason,
                        at=self._clock(),
                        data=item.data,
                    )
                )
            else:
                articles.append(msgspec.structs.replace(item, source=self._outlets.fill(item.source)))
        if articles or batch.cursor is not None:
            cursor = None if batch.cursor is None else (source.id, msgspec.json.encode(batch.cursor).decode())
            self._log.append(articles, cursor)

    async def _call(self, function: Callable[[], Any]) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._thread, function)


def _decoded(cursor: str | None) -> Any:
    try:
        return None if cursor is None else msgspec.json.decode(cursor)
    except msgspec.DecodeError:
        return None
