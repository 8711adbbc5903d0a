"""A source under test in its world: polls it, runs it, and says in words what it did wrong."""

import asyncio
import inspect
import sys
import threading
import traceback
from collections.abc import AsyncIterator, Awaitable, Iterator, Sequence
from contextlib import aclosing, asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

from pydantic import BaseModel, ValidationError

from connectors.sdk.check import Verdict, check
from connectors.sdk.declare import Declared
from connectors.sdk.errors import SourceError
from connectors.sdk.fetch import Fetch, Limits
from connectors.sdk.runner import Runner
from connectors.sdk.source import Bad, Batch, Context, Kind
from connectors.sdk.testing.world import NOW, Trouble, World
from pipeline.model.article import Article, Source
from pipeline.model.dead_letter import DeadLetter
from pipeline.model.health import SourceHealth

LIMITS = Limits(seconds=5.0, size=1024 * 1024)
SMALL = Limits(seconds=0.4, size=64 * 1024)
"""For what has to run into them."""
POLL_SECONDS = 60.0
"""A poll that takes longer hangs."""
SOURCE = Source(id="conformance", name="The World", kind="")


class BrokenPromiseError(AssertionError):
    """A source does not keep a promise; the message says what it did."""


class DoesNotApplyError(Exception):
    """A point cannot be asked of this source; the message says why."""


@dataclass
class Polled:
    """What a poll brought."""

    batches: list[Batch] = field(default_factory=list)
    error: SourceError | None = None

    @property
    def articles(self) -> list[Article]:
        return [item for batch in self.batches for item in batch.items if isinstance(item, Article)]

    @property
    def bad(self) -> list[Bad]:
        return [item for batch in self.batches for item in batch.items if isinstance(item, Bad)]

    @property
    def ids(self) -> list[str]:
        return [article.id for article in self.articles]

    @property
    def cursor(self) -> Any:
        """The last that was given."""
        return next((batch.cursor for batch in reversed(self.batches) if batch.cursor is not None), None)


class Subject:
    """One source in an open world."""

    def __init__(self, kind: Kind[Any], world: World) -> None:
        self.kind = kind
        self.world = world
        self._fetches: dict[Limits, Fetch] = {}
        try:
            self.config: BaseModel = kind.config.model_validate(world.config())
        except ValidationError as error:
            raise BrokenPromiseError(f"the world's `config()` is not valid for {kind.name}: {error}") from None

    async def aclose(self) -> None:
        for fetch in self._fetches.values():
            await fetch.aclose()

    async def publish(self, *numbers: int) -> None:
        for number in numbers:
            await _done(self.world.publish(number))

    async def trouble(self, trouble: Trouble | None) -> None:
        """Makes a trouble, which a point needs; a world that cannot must say that the point does not apply."""
        if trouble and trouble not in self.world.troubles:
            raise BrokenPromiseError(
                f"the world cannot make the trouble `{trouble}`: teach it to, or name this point in its `skips`"
            )
        await _done(self.world.trouble(trouble))

    async def damage(self, data: bytes | None, *, pages: bool = False) -> None:
        await _done(self.world.damage(data, pages=pages))

    @asynccontextmanager
    async def polling(
        self, cursor: Any = None, *, limits: Limits = LIMITS, config: BaseModel | None = None
    ) -> AsyncIterator[AsyncIterator[Batch]]:
        """The generator of one poll, and all that it needs."""
        if limits not in self._fetches:
            self._fetches[limits] = self.world.fetch(limits)
        context = Context(source=self._source, fetch=self._fetches[limits], cursor=cursor, now=lambda: NOW)
        async with aclosing(cast("Any", self.kind.poll(config or self.config, context))) as batches:
            yield batches

    async def attempt(
        self,
        cursor: Any = None,
        *,
        limits: Limits = LIMITS,
        config: BaseModel | None = None,
        at_most: int | None = None,
    ) -> Polled:
        """Polls once, for `at_most` so many batches; a SourceError is part of the result, others break a promise."""
        polled = Polled()
        try:
            async with (
                asyncio.timeout(POLL_SECONDS) as guard,
                self.polling(cursor, limits=limits, config=config) as batches,
            ):
                while (batch := await self._next(batches)) is not None:
                    polled.batches.append(batch)
                    if batch.next_poll != 0 or len(polled.batches) == at_most:
                        break
        except SourceError as error:
            polled.error = error
        except Exception as error:
            if guard.expired():
                raise BrokenPromiseError(f"a poll did not end within {POLL_SECONDS:g} seconds") from None
            raise BrokenPromiseError(f"a poll raised {described(error)}, which is no SourceError") from error
        return polled

    async def poll(self, cursor: Any = None, **options: Any) -> Polled:
        """Polls once, when nothing is wrong in the world."""
        polled = await self.attempt(cursor, **options)
        if polled.error:
            raise BrokenPromiseError(f"a poll failed though nothing was wrong: {described(polled.error)}")
        return polled

    async def check(self) -> Verdict:
        """What is said before it is added."""
        declared = Declared(SOURCE.id, self._under_runner(LIMITS), self.config, self._source)
        return await check(declared, self.world.fetch(LIMITS), lambda: NOW)

    async def run(self, log: "MemoryLog", *, config: BaseModel | None = None, limits: Limits = LIMITS) -> None:
        """Lets the real runner poll it once."""
        declared = Declared(SOURCE.id, self._under_runner(limits), config or self.config, self._source)
        runner = Runner(log, [declared], clock=lambda: NOW)
        stop = threading.Event()
        thread = asyncio.create_task(asyncio.to_thread(runner.run, stop, once=True))
        try:
            async with asyncio.timeout(POLL_SECONDS):
                await asyncio.shield(thread)
        except TimeoutError:
            raise BrokenPromiseError(f"the runner did not end within {POLL_SECONDS:g} seconds") from None
        finally:
            stop.set()
            await thread

    @property
    def _source(self) -> Source:
        return Source(id=SOURCE.id, name=SOURCE.name, kind=self.kind.name)

    def _under_runner(self, limits: Limits) -> Kind[Any]:
        """The kind, with the world's way out in place of the runner's; the runner has an event loop of its own."""

        async def poll(config: Any, context: Context) -> AsyncIterator[Batch]:
            fetch = self.world.fetch(limits)
            try:
                async with aclosing(cast("Any", self.kind.poll(config, replace(context, fetch=fetch)))) as batches:
                    while (batch := await self._next(batches)) is not None:
                        yield batch
            finally:
                await fetch.aclose()

        return Kind(self.kind.name, self.kind.config, poll)

    async def _next(self, batches: AsyncIterator[Batch]) -> Batch | None:
        """The next batch; None where the source has ended, or waits for what may never come."""
        try:
            async with asyncio.timeout(self.world.idle):
                return await anext(batches)
        except StopAsyncIteration:
            return None
        except TimeoutError:
            if self.world.idle is None:
                raise
            return None


async def _done(result: Awaitable[None] | None) -> None:
    if inspect.isawaitable(result):
        await result


def described(error: BaseException) -> str:
    """An error with its type, and the place where it was raised."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f" ({Path(frames[-1].filename).name}, line {frames[-1].lineno})" if frames else ""
    return f"{type(error).__name__}: {error}{place}"


class MemoryLog:
    """What an engine offers to connectors, in memory.

    `failing` says how the append of which number goes wrong: `refused` commits nothing, `cursor-lost` the articles
    without the cursor, `unheard` everything, and each raises.
    """

    def __init__(self, failing: tuple[int, str] | None = None) -> None:
        self.articles: list[Article] = []
        self.letters: list[DeadLetter] = []
        self.cursors: dict[str, str] = {}
        self.told: list[SourceHealth] = []
        self.appended = 0
        self._failing = failing

    def append(self, articles: Sequence[Article], cursor: tuple[str, str] | None = None) -> None:
        self.appended += 1
        failure = self._failing[1] if self._failing and self._failing[0] == self.appended else None
        if failure == "refused":
            raise OSError("the log is out of reach")
        self.articles.extend(articles)
        if cursor and failure != "cursor-lost":
            self.cursors[cursor[0]] = cursor[1]
        if failure:
            raise OSError("the log did not answer")

    def reject(self, letter: DeadLetter) -> None:
        self.letters.append(letter)

    def cursor(self, source: str) -> str | None:
        return self.cursors.get(source)

    def health(self, source: SourceHealth) -> None:
        self.told.append(source)

    def sources(self) -> list[SourceHealth]:
        return []


class _Sockets:
    """Sees every attempt of this process to reach the network, and refuses it, while it is on."""

    def __init__(self) -> None:
        self.on = False
        self.loopback = False
        self.attempts: list[str] = []
        self._hooked = False

    @contextmanager
    def refused(self, *, loopback: bool) -> Iterator[list[str]]:
        """`loopback`: what stays on this machine may pass."""
        if not self._hooked:
            sys.addaudithook(self._hook)
            self._hooked = True
        self.on, self.loopback, self.attempts = True, loopback, []
        try:
            yield self.attempts
        finally:
            self.on = False

    def _hook(self, event: str, args: tuple[Any, ...]) -> None:
        if not self.on or event not in _REACHING:
            return
        where = args[1] if event.startswith(("socket.connect", "socket.send", "socket.bind")) else args[0]
        host = where[0] if isinstance(where, tuple) else where
        if event.startswith("socket.") and "get" not in event and not isinstance(where, tuple):
            return  # a socket of this machine's own, such as a pipe to another process
        if self.loopback and host in (None, "127.0.0.1", "::1", "localhost", ""):
            return
        self.attempts.append(f"{event} {host}")
        raise PermissionError(f"{event} {host}: a source reaches the network through its context only")


_REACHING = {
    *("socket.connect", "socket.sendto", "socket.sendmsg", "socket.bind"),
    *("socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr"),
}
SOCKETS = _Sockets()
