"""A web in memory: real HTTP through the real `Fetch`, with its guard and limits, and no socket."""

import asyncio
import gzip
import hashlib
import ipaddress
import ssl
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from email.utils import format_datetime
from typing import Any, ClassVar
from urllib.parse import urlsplit

import h11
import httpcore

from connectors.sdk.dial import Address
from connectors.sdk.fetch import Fetch, Limits
from connectors.sdk.testing.world import ALL_TROUBLES, NOW, RETRY_AFTER, Sample, Trouble, World, sample

PUBLIC: Address = ipaddress.ip_address("93.184.215.14")
"""Where every name leads; nothing is ever sent there."""
PRIVATE = "http://169.254.169.254/latest/meta-data/"
"""Where `private-redirect` leads: the address at which clouds give out their credentials."""
DRIP = 0.02
"""Seconds a byte of a `slow` answer takes."""
_SECOND = timedelta(seconds=1)


@dataclass(frozen=True)
class Request:
    """What a source asked for."""

    method: str
    url: str
    headers: Mapping[str, str]
    """Names in small letters."""
    content: bytes = b""

    @property
    def path(self) -> str:
        return urlsplit(self.url).path


@dataclass(frozen=True)
class Reply:
    """What it is answered."""

    content: bytes | str
    content_type: str
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def data(self) -> bytes:
        return self.content.encode() if isinstance(self.content, str) else self.content


class HttpWorld(World):
    """One document at `url`, which lists what has been published, and the article pages that it links to.

    A kind derives from it and says what the document looks like:

        class FeedWorld(HttpWorld):
            url = "https://news.example/feed.xml"
            content_type = "application/rss+xml"

            def render(self, items: Sequence[Sample]) -> str:
                return "<rss version='2.0'>…"

    What needs more than one document (pages of results, a POST) overrides `respond`. ETag, 304 and every trouble are
    added to what it returns.
    """

    url: ClassVar[str] = "https://news.example/"
    content_type: ClassVar[str] = "text/html; charset=utf-8"
    troubles = ALL_TROUBLES

    def __init__(self) -> None:
        self.published: list[Sample] = []
        self.asked: list[Request] = []
        """Every request so far, also those that were answered with trouble."""
        self.kind: Trouble | None = None
        self._damage: dict[bool, bytes] = {}
        self._changes = 0

    def config(self) -> dict[str, Any]:
        return {"url": self.url}

    def render(self, items: Sequence[Sample]) -> bytes | str:
        """The document at `url`, with these items, newest first."""
        raise NotImplementedError(f"{type(self).__name__} does not say its `render`")

    def respond(self, request: Request) -> Reply | None:
        """The answer to a request; None: there is nothing at that address."""
        if self.is_document(request):
            newest_first = sorted(self.published, key=lambda item: item.number, reverse=True)
            return Reply(self.render(newest_first), self.content_type)
        if request.path == "/robots.txt":
            return Reply("User-agent: *\nDisallow:\n", "text/plain")
        for item in self.published:
            if request.url == item.url:
                return Reply(item.page, "text/html; charset=utf-8")
        return None

    def publish(self, number: int) -> None:
        self.published.append(sample(number))
        self._changes += 1

    def trouble(self, kind: Trouble | None) -> None:
        self.kind = kind

    def document(self) -> bytes:
        reply = self.respond(Request("GET", self.url, {}))
        return reply.data if reply else b""

    def damage(self, data: bytes | None, *, pages: bool = False) -> None:
        self._changes += 1
        if data is None:
            self._damage.clear()
        else:
            self._damage[pages] = data

    def fetch(self, limits: Limits) -> Fetch:
        return Fetch(limits=limits, resolve=self._resolve, backend=_Network(self, 4 * limits.size))

    def is_document(self, request: Request) -> bool:
        """Whether it asks for `url`, with whatever query."""
        return request.url.partition("?")[0] == self.url.partition("?")[0]

    async def _resolve(self, host: str, port: int) -> list[Address]:
        del port
        if self.kind == "dns":
            raise OSError(f"no such host: {host}")
        try:
            return [ipaddress.ip_address(host.strip("[]"))]
        except ValueError:
            return [ipaddress.ip_address("127.0.0.1") if host == "localhost" else PUBLIC]

    def answer(self, request: Request, too_much: int) -> Reply:
        """The answer with the trouble of the moment; `too_much`: bytes that are too many."""
        self.asked.append(request)
        if request.path == "/robots.txt":
            return self.respond(request) or Reply("", "text/plain", 404)
        if self.kind and self.kind.isdecimal():
            asks = {"Retry-After": f"{RETRY_AFTER:g}"} if self.kind in ("429", "503") else {}
            return Reply("No.", "text/plain", int(self.kind), asks)
        if self.kind == "private-redirect":
            return Reply("", "text/plain", 302, {"Location": PRIVATE})
        reply = self.respond(request)
        if reply is None:
            return Reply("Not found", "text/plain", 404)
        if self.kind == "oversize":
            return Reply(reply.data + b" " * too_much, reply.content_type)
        if self.kind == "bomb":
            return Reply(
                gzip.compress(reply.data + b" " * too_much), reply.content_type, 200, {"Content-Encoding": "gzip"}
            )
        damage = self._damage.get(not self.is_document(request))
        if damage is not None:
            reply = Reply(damage, reply.content_type)
        if self.kind == "unconditional" or reply.status != 200 or request.method != "GET":
            return reply
        return self._validated(request, reply)

    def _validated(self, request: Request, reply: Reply) -> Reply:
        """The reply with validators, or 304 where those of the request still hold (RFC 9110, 13.2.2)."""
        if self.kind == "future-validator":
            validators = {"Last-Modified": format_datetime(NOW + timedelta(days=100), usegmt=True)}
        else:
            validators = {
                "ETag": f'"{hashlib.sha256(reply.data).hexdigest()[:16]}"',
                "Last-Modified": format_datetime(NOW - timedelta(days=1) + self._changes * _SECOND, usegmt=True),
            }
        asked = [request.headers.get(name) for name in ("if-none-match", "if-modified-since")]
        held = [validators.get(name) for name in ("ETag", "Last-Modified")]
        if asked[0] == held[0] if asked[0] else asked[1] == held[1]:
            self.not_modified += 1
            return Reply("", reply.content_type, 304, validators)
        return Reply(reply.content, reply.content_type, 200, {**reply.headers, **validators})


class _Network(httpcore.AsyncNetworkBackend):
    """Connections that end in a world."""

    def __init__(self, world: HttpWorld, too_much: int) -> None:
        self._world = world
        self._too_much = too_much

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        del host, timeout, local_address, socket_options
        return _Stream(self._world, self._too_much, "https" if port == 443 else "http")


class _Stream(httpcore.AsyncNetworkStream):
    """The server's end of a connection."""

    def __init__(self, world: HttpWorld, too_much: int, scheme: str) -> None:
        self._world = world
        self._too_much = too_much
        self._scheme = scheme
        self._server = h11.Connection(h11.SERVER)
        self._asked: h11.Request | None = None
        self._content = bytearray()
        self._out = bytearray()

    async def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.AsyncNetworkStream:
        del ssl_context, server_hostname, timeout
        if self._world.kind == "tls":
            error = ssl.SSLCertVerificationError(1, "[SSL: CERTIFICATE_VERIFY_FAILED] certificate has expired")
            raise httpcore.ConnectError(str(error)) from error
        return self

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        del timeout
        self._server.receive_data(buffer)
        while True:
            event = self._server.next_event()
            if isinstance(event, h11.Request):
                self._asked, self._content = event, bytearray()
            elif isinstance(event, h11.Data):
                self._content += event.data
            elif isinstance(event, h11.EndOfMessage):
                self._reply()
            else:
                return

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        del timeout
        if self._world.kind == "reset":
            raise httpcore.ReadError("connection reset by peer")
        if self._world.kind == "hang":
            await asyncio.Event().wait()
        if self._world.kind == "slow":
            await asyncio.sleep(DRIP)
            max_bytes = 1
        else:
            await asyncio.sleep(0)
        part = bytes(self._out[:max_bytes])
        del self._out[:max_bytes]
        return part

    async def aclose(self) -> None:
        self._out.clear()

    def get_extra_info(self, info: str) -> Any:
        return False if info == "is_readable" else None

    def _reply(self) -> None:
        assert self._asked is not None
        headers = {name.decode().lower(): value.decode() for name, value in self._asked.headers}
        url = f"{self._scheme}://{headers.get('host', '')}{self._asked.target.decode()}"
        request = Request(self._asked.method.decode(), url, headers, bytes(self._content))
        reply = self._world.answer(request, self._too_much)
        send = {
            "Content-Type": reply.content_type,
            "Content-Length": str(len(reply.data)),
            "Connection": "close",
            **reply.headers,
        }
        if reply.status == 304:
            del send["Content-Length"]
        events: Sequence[h11.Event] = (
            h11.Response(status_code=reply.status, headers=list(send.items()), reason=_REASONS.get(reply.status, b"")),
            h11.Data(data=b"" if reply.status == 304 else reply.data),
            h11.EndOfMessage(),
        )
        for event in events:
            self._out += self._server.send(event) or b""


_REASONS = {200: b"OK", 404: b"Not Found", 429: b"Too Many Requests", 500: b"Internal Server Error"}
