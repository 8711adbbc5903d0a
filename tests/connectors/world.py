"""A world of our own for the tests of connectors: names, addresses and TLS as we please, behind them a local server."""

import asyncio
import ipaddress
import selectors
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import httpcore

from connectors.sdk import Fetch, Limits, Polite
from connectors.sdk.dial import Address
from tests.connectors.server import Server

PUBLIC = "93.184.216.34"


class World(httpcore.AnyIOBackend):
    """Every address leads to the server, but for those that refuse or never answer; remembers where it was led.

    Args:
        server: what answers.
        names: the addresses of each name; a list of lists gives another answer each time.
        refusing: addresses where nobody listens.
        silent: addresses that never answer.
    """

    def __init__(
        self,
        server: Server,
        names: Mapping[str, list[Any]] | None = None,
        refusing: Iterable[str] = (),
        silent: Iterable[str] = (),
    ) -> None:
        super().__init__()
        self.server = server
        self.names = dict(names or {})
        self.refusing = set(refusing)
        self.silent = set(silent)
        self.asked: list[str] = []
        self.reached: list[str] = []

    async def resolve(self, host: str, _: int) -> list[Address]:
        self.asked.append(host)
        if host not in self.names:
            raise OSError("no such name")
        answer = self.names[host]
        if answer and isinstance(answer[0], list):
            answer = answer.pop(0) if len(answer) > 1 else answer[0]
        return [ipaddress.ip_address(text) for text in answer]

    async def connect_tcp(self, host: str, port: int, *args: Any, **more: Any) -> httpcore.AsyncNetworkStream:  # noqa: ARG002
        self.reached.append(host)
        if host in self.silent:
            await asyncio.Event().wait()
        if host in self.refusing:
            raise httpcore.ConnectError("refused")
        return _Plain(await super().connect_tcp("127.0.0.1", self.server.server_address[1], *args, **more))

    def fetch(
        self, *, allow: tuple[str, ...] = (), limits: Limits | None = None, polite: Polite | None = None
    ) -> Fetch:
        return Fetch(allow=allow, limits=limits, polite=polite, resolve=self.resolve, backend=self)


class _Plain(httpcore.AsyncNetworkStream):
    """A stream whose TLS is a pretence, so that the server needs no certificate."""

    def __init__(self, inner: httpcore.AsyncNetworkStream) -> None:
        self._inner = inner
        self.read, self.write, self.aclose = inner.read, inner.write, inner.aclose  # type: ignore[method-assign]
        self.get_extra_info = inner.get_extra_info  # type: ignore[method-assign]

    async def start_tls(self, *_: Any, **__: Any) -> httpcore.AsyncNetworkStream:
        return self._inner


class _Hurry(selectors.DefaultSelector):
    """Instead of waiting, lets the time pass."""

    passed = 0.0

    def select(self, timeout: float | None = None) -> list[Any]:
        found = super().select(0)
        if not found and timeout:
            self.passed += timeout
        return found


class HurriedLoop(asyncio.SelectorEventLoop):
    """An event loop in which waiting takes no time. For what waits on nothing but time and other tasks."""

    def __init__(self) -> None:
        self._hurry = _Hurry()
        super().__init__(self._hurry)

    def time(self) -> float:
        return self._hurry.passed


def hurried(main: Callable[[], Any]) -> Any:
    """What the coroutine function returns, run where waiting takes no time."""
    with asyncio.Runner(loop_factory=HurriedLoop) as runner:
        return runner.run(main())
