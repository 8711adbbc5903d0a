"""How hosts are spared: so many requests at a time, so far apart, whichever sources they are for."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from typing import Annotated

import msgspec

from connectors.sdk.errors import TransientError

KEPT = 4_096
"""Hosts that are remembered, at least; one that nobody waits for is forgotten once its gap is over."""


class Polite(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How polite to be towards each host."""

    parallel: Annotated[int, msgspec.Meta(ge=1)] = 2
    """Requests at a time."""
    gap: Annotated[float, msgspec.Meta(ge=0)] = 5.0
    """Seconds between the starts of two requests."""
    contact: str = ""
    """Whom a webmaster can write to: an address or a page; part of the User-Agent."""


class Patience:
    """The time that something may take without a sign of life; waiting for one's turn does not count."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._waiting = 0
        self._timeout: asyncio.Timeout | None = None

    @asynccontextmanager
    async def spent(self) -> AsyncIterator[None]:
        """What runs inside is ended with a TransientError when no sign of life came for so long."""
        token = _patience.set(self)
        try:
            async with asyncio.timeout(self._seconds) as self._timeout:
                yield
        except TimeoutError:
            if self._timeout and self._timeout.expired():
                message = f"it brought nothing for {self._seconds / 60:g} minutes and was ended; it is tried again"
                raise TransientError(message, what="timeout") from None
            raise
        finally:
            self._timeout = None
            _patience.reset(token)

    def alive(self) -> None:
        """A sign of life."""
        if self._timeout and not self._timeout.expired():
            ahead = None if self._waiting else asyncio.get_running_loop().time() + self._seconds
            self._timeout.reschedule(ahead)

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """The time inside does not count."""
        self._waiting += 1
        self.alive()
        try:
            yield
        finally:
            self._waiting -= 1
            self.alive()


_patience: ContextVar[Patience | None] = ContextVar("patience", default=None)


@contextmanager
def waiting() -> Iterator[None]:
    """Whoever waits inside is not to be blamed for it."""
    patience = _patience.get()
    if patience is None:
        yield
        return
    with patience.waiting():
        yield


class _Host:
    def __init__(self, parallel: int) -> None:
        self.free = asyncio.Semaphore(parallel)
        self.next = 0.0
        """Loop time before which no request starts."""
        self.delay = 0.0
        """Seconds between requests that its robots.txt asks for."""
        self.users = 0


class Turns:
    """Who may ask which host when. Lives in one event loop."""

    def __init__(self, polite: Polite, exempt: Callable[[str], Awaitable[bool]], at_once: int) -> None:
        """
        Args:
            polite: the rules.
            exempt: whether a host need not be spared.
            at_once: requests at a time to all hosts together.
        """
        self._polite = polite
        self._exempt = exempt
        self._all = asyncio.Semaphore(at_once)
        self._hosts: dict[str, _Host] = {}

    @asynccontextmanager
    async def turn(self, name: str) -> AsyncIterator[None]:
        """Waits until it is the caller's turn to ask this host."""
        if await self._exempt(name):
            with waiting():
                await self._all.acquire()
            try:
                yield
            finally:
                self._all.release()
            return
        host = self._host(name)
        host.users += 1
        try:
            with waiting():
                await host.free.acquire()
            try:
                with waiting():
                    await self._gap(host)
                    await self._all.acquire()
                try:
                    yield
                finally:
                    self._all.release()
            finally:
                host.free.release()
        finally:
            host.users -= 1

    def slow(self, name: str, delay: float) -> None:
        """The host wants so many seconds between requests."""
        self._host(name).delay = delay

    async def _gap(self, host: _Host) -> None:
        now = asyncio.get_running_loop().time()
        start = max(now, host.next)
        host.next = start + max(self._polite.gap, host.delay)
        if start > now:
            await asyncio.sleep(start - now)

    def _host(self, name: str) -> _Host:
        if len(self._hosts) >= KEPT and name not in self._hosts:
            now = asyncio.get_running_loop().time()
            self._hosts = {key: host for key, host in self._hosts.items() if host.users or host.next > now}
        return self._hosts.setdefault(name, _Host(self._polite.parallel))
