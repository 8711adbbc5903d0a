"""A small web server a port, for sources that are pushed to: each takes the requests to its own path."""

import asyncio
import ipaddress
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from weakref import WeakKeyDictionary

import uvicorn
from starlette.requests import ClientDisconnect
from starlette.requests import Request as Incoming
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from connectors.sdk.errors import BlockedError, TransientError

LARGEST = 10 * 1024 * 1024
"""Bytes of a body that is taken."""
SLOWEST = 30.0
"""Seconds that a body may take to arrive."""
MOST = 256
"""Requests at a time; more are told to come again."""


@dataclass(frozen=True)
class Request:
    """What came in."""

    method: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    """Names in small letters."""
    body: bytes = field(repr=False)


@dataclass(frozen=True)
class Answer:
    """What goes back."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


Handler = Callable[[Request], Awaitable[Answer]]


def is_loopback(host: str) -> bool:
    """Whether a host is this machine, as seen from itself alone."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


@asynccontextmanager
async def receiver(host: str, port: int, path: str, handler: Handler) -> AsyncIterator[int]:
    """Answers requests to `path` by `handler` as long as it is open, and gives the port (0 asks for a free one).

    Sources in one event loop share the server of a host and port.

    Raises:
        TransientError: the port is taken, or the host is no address of this machine.
        BlockedError: another source has this path already.
    """
    servers = _servers.setdefault(asyncio.get_running_loop(), {})
    server = servers.get((host, port))
    if server is None:
        server = servers[host, port] = _Server(host, port)
        server.start()
    if path in server.routes:
        raise BlockedError(f"two sources listen at {path} on port {port}; give one of them another path")
    server.routes[path] = handler
    try:
        yield server.port
    finally:
        del server.routes[path]
        if not server.routes:
            del servers[host, port]
            await server.stop()


class _Quiet(uvicorn.Server):
    """Leaves signals to the process that it runs in."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class _Server:
    def __init__(self, host: str, port: int) -> None:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        try:
            self._listening = socket.create_server((host, port), family=family, backlog=MOST)
        except OSError as error:
            raise TransientError(f"cannot listen on {host} port {port}: {error.strerror}; choose another") from None
        self.port = int(self._listening.getsockname()[1])
        self.routes: dict[str, Handler] = {}
        config = uvicorn.Config(
            self._app,
            interface="asgi3",
            log_level="error",
            access_log=False,
            lifespan="off",
            limit_concurrency=MOST,
            timeout_graceful_shutdown=2,
            server_header=False,
        )
        self._server = _Quiet(config)
        self._running: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._running = asyncio.get_running_loop().create_task(self._server.serve(sockets=[self._listening]))

    async def stop(self) -> None:
        self._server.should_exit = True
        if self._running:
            with suppress(Exception):
                await asyncio.shield(self._running)
        for server in getattr(self._server, "servers", ()):  # where it was to end before it had begun
            server.close()
        self._listening.close()

    async def _app(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Incoming(scope, receive)
        handler = self.routes.get(request.url.path)
        with suppress(ClientDisconnect):
            answer = Answer(404) if handler is None else await _answer(request, handler)
            await Response(answer.body, answer.status, dict(answer.headers))(scope, receive, send)


async def _answer(request: Incoming, handler: Handler) -> Answer:
    try:
        async with asyncio.timeout(SLOWEST):
            body = await _body(request)
    except TimeoutError:
        return Answer(408)
    return Answer(413) if body is None else await handler(_taken(request, body))


async def _body(request: Incoming) -> bytes | None:
    """None where it is larger than what is taken."""
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > LARGEST:
            return None
    return bytes(body)


def _taken(request: Incoming, body: bytes) -> Request:
    return Request(request.method, dict(request.query_params), dict(request.headers), body)


_servers: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[tuple[str, int], _Server]] = WeakKeyDictionary()
