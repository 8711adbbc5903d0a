"""Polls sources and hands what they bring to the log. Never stops polling: what fails is tried again, further apart."""

import asyncio
import random
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing, suppress
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Protocol, cast

import msgspec

from connectors.sdk.declare import Declared
from connectors.sdk.errors import SourceError
from connectors.sdk.fetch import Fetch, Limits
from connectors.sdk.outlets import Outlets
from connectors.sdk.source import Bad, Batch, Context, utcnow
from pipeline.model.article import Article
from pipeline.model.dead_letter import DeadLetter, dead_letter
from pipeline.model.health import SourceHealth, SourceState

TOPIC = "articles.raw.v1"
DEFAULT_POLL = 600.0
"""Seconds between polls where a source does not say."""
FIRST_DELAY, LONGEST_DELAY = 15.0, 6 * 3600.0
"""Seconds before a failed poll is repeated: the first, doubled with every further failure, up to the longest."""
SILENT_AFTER = timedelta(days=3)
HEALTH_EVERY = timedelta(seconds=30)


class Log(Protocol):
    """What an engine offers to connectors."""

    def append(self, articles: Sequence[Article], cursor: tuple[str, str] | None = None) -> None:
        """Returns when articles and cursor are committed together."""

    def reject(self, letter: DeadLetter) -> None: ...

    def cursor(self, source: str) -> str | None: ...

    def health(self, source: SourceHealth) -> None: ...

    def sources(self) -> list[SourceHealth]: ...


def delay(failures: int, retry_after: float | None = None, jitter: float | None = None) -> float:
    """Seconds until a source that failed `failures` times in a row is polled again.

    `jitter`, 0 to 1 and random by default, spreads the delay over its upper half. What the server asked for is a floor.
    """
    spread = random.random() if jitter is None else jitter
    longest = min(LONGEST_DELAY, FIRST_DELAY * 2.0 ** min(failures - 1, 32))
    return max(longest * (0.5 + spread / 2), min(retry_after or 0.0, 24 * 3600.0))


class Runner:
    """Polls every source in one event loop; calls of the log run one at a time in a thread beside it."""

    def __init__(
        self,
        log: Log,
        sources: Sequence[Declared],
        *,
        outlets: Outlets | None = None,
        allow: Sequence[str] = (),
        limits: Limits | None = None,
        clock: Callable[[], datetime] = utcnow,
        back_off: Callable[[int, float | None], float] = delay,
    ) -> None:
        """`allow`: hosts that may be fetched from though they are not public; `back_off`: asked as `delay` is."""
        self._log = log
        self._sources = sources
        self._outlets = outlets or Outlets()
        self._allow = allow
        self._limits = limits
        self._clock = clock
        self._back_off = back_off

    def run(self, stop: threading.Event, *, once: bool = False) -> None:
        """Polls until `stop` is set; with `once`, until every source has delivered what it has or has failed."""
        asyncio.run(self._run(stop, once))

    async def _run(self, stop: threading.Event, once: bool) -> None:
        stopped = asyncio.Event()
        fetch = Fetch(allow=self._allow, limits=self._limits)
        with ThreadPoolExecutor(1, "log") as thread:
            earlier = {health.id: health for health in await _call(thread, self._log.sources)}
            tasks = [
                asyncio.create_task(self._follow(source, earlier.get(source.id), fetch, thread, once))
                for source in self._sources
            ]
            watch = asyncio.create_task(_watch(stop, stopped))
            ended = asyncio.create_task(stopped.wait())
            everything = asyncio.ensure_future(asyncio.gather(*tasks))
            waiting: list[asyncio.Future[Any]] = [everything, ended]
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            for task in (*tasks, watch, ended):
                task.cancel()
            await asyncio.gather(*tasks, watch, *waiting, return_exceptions=True)
            await fetch.aclose()

    async def _follow(
        self, source: Declared, earlier: SourceHealth | None, fetch: Fetch, thread: ThreadPoolExecutor, once: bool
    ) -> None:
        publisher = self._outlets.fill(source.source)
        name = publisher.name or source.id
        health = earlier or SourceHealth(id=source.id, kind=source.kind.name, name=name, state="ok")
        health = told = msgspec.structs.replace(health, kind=source.kind.name, name=name)
        while True:
            failure: Exception | None = None
            wait = DEFAULT_POLL
            try:
                cursor = _decoded(await _call(thread, partial(self._log.cursor, source.id)))
                context = Context(source=publisher, fetch=fetch, cursor=cursor, now=self._clock)
                async with aclosing(cast("Any", source.kind.poll(source.config, context))) as batches:
                    async for batch in batches:
                        wait = _wait(source, batch)
                        await _call(thread, partial(self._deliver, source, batch))
                        health = self._succeeded(health, batch, wait)
                        if _worth_telling(told, health):
                            await _call(thread, partial(self._log.health, health))
                            told = health
                        if once and wait:
                            return
                        await asyncio.sleep(wait)
                        wait = 0.0
            except Exception as error:  # a source must not end its own polling, whatever it raises
                failure = error
            if failure:
                wait = self._back_off(health.failures + 1, getattr(failure, "retry_after", None))
                health = self._failed(health, failure, wait)
                with suppress(Exception):  # the log may be what failed
                    await _call(thread, partial(self._log.health, health))
                    told = health
            if once and (failure or wait):
                return
            await asyncio.sleep(wait)

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

    def _succeeded(self, health: SourceHealth, batch: Batch, wait: float) -> SourceHealth:
        now = self._clock()
        new = sum(isinstance(item, Article) for item in batch.items)
        last_item = now if new else health.last_item
        state: SourceState = "silent" if last_item and now - last_item > SILENT_AFTER else "ok"
        return msgspec.structs.replace(
            health,
            state=state,
            last_poll=now,
            last_item=last_item,
            items=health.items + new,
            failures=0,
            next_poll=now + timedelta(seconds=wait),
            error=None,
        )

    def _failed(self, health: SourceHealth, error: Exception, wait: float) -> SourceHealth:
        now = self._clock()
        said = str(error) if isinstance(error, SourceError) else f"{type(error).__name__}: {error}"
        return msgspec.structs.replace(
            health,
            state="failing" if health.failures < 2 else "backing-off",
            last_poll=now,
            failures=health.failures + 1,
            next_poll=now + timedelta(seconds=wait),
            error=said,
        )


def _wait(source: Declared, batch: Batch) -> float:
    """Seconds until the source is asked for its next batch."""
    if batch.next_poll == 0:
        return 0.0
    return max(source.every or batch.next_poll or DEFAULT_POLL, batch.at_least)


def _decoded(cursor: str | None) -> Any:
    try:
        return None if cursor is None else msgspec.json.decode(cursor)
    except msgspec.DecodeError:
        return None


def _worth_telling(told: SourceHealth, health: SourceHealth) -> bool:
    """Whether health changed, or half a minute has gone by: a folder is looked at every second or two."""
    if (told.state, told.items, told.failures) != (health.state, health.items, health.failures):
        return True
    return told.last_poll is None or health.last_poll is None or health.last_poll - told.last_poll >= HEALTH_EVERY


async def _call(thread: ThreadPoolExecutor, function: Callable[[], Any]) -> Any:
    return await asyncio.get_running_loop().run_in_executor(thread, function)


async def _watch(stop: threading.Event, stopped: asyncio.Event) -> None:
    """Carries a stop from the world of threads into the event loop, within a tenth of a second."""
    while not stop.is_set():
        await asyncio.sleep(0.1)
    stopped.set()
