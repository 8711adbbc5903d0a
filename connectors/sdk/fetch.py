"""HTTP over the guarded dialer: bounded, polite, with failures that have a type.

Redirects are checked like the first address, and no credentials follow them to another host. No proxy of the
environment is asked. Time and size are bounded, on the wire and after decompression.
"""

import asyncio
import re
import zlib
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from importlib.metadata import version
from typing import cast

import httpcore
import httpx

from connectors.sdk import robots as robots_txt
from connectors.sdk.dial import Dialer, Resolve, Stream
from connectors.sdk.errors import (
    AuthError,
    BadDataError,
    BlockedError,
    GoneError,
    RateLimitedError,
    SourceError,
    TransientError,
)
from connectors.sdk.polite import Polite, Turns

ACCEPT = "application/atom+xml, application/rss+xml, application/feed+json, text/html;q=0.9, */*;q=0.5"
MAX_REDIRECTS = 5
CONNECTIONS = 100
"""Requests at a time, to all hosts together."""
FRAMING = 256 * 1024
"""Bytes that headers and framing of an answer may take beside its body."""
GZIP = b"\x1f\x8b"
HARMLESS = {"accept", "accept-encoding", "accept-language", "if-modified-since", "if-none-match", "user-agent"}
"""Headers that may follow a redirect to another host; any other may be a credential."""


@dataclass(frozen=True)
class Limits:
    """Bounds of one fetch, redirects included."""

    seconds: float = 30.0
    """Without the time that is spent waiting for one's turn."""
    size: int = 10 * 1024 * 1024
    """Bytes of the body, on the wire and decompressed."""


@dataclass(frozen=True)
class Response:
    """What came back. `not_modified` means that the validators sent still hold, and the body is empty."""

    url: str
    """Of the last redirect."""
    status: int
    headers: httpx.Headers
    body: bytes = field(repr=False)

    @property
    def not_modified(self) -> bool:
        return self.status == 304

    @property
    def content_type(self) -> str:
        return str(self.headers.get("content-type", ""))

    @property
    def fresh_for(self) -> float:
        """Seconds for which the server says that nothing new will come: max-age, else Expires; 0 where it says none."""
        control = self.headers.get("cache-control", "").lower()
        if "no-cache" in control or "no-store" in control:
            return 0.0
        stated = re.search(r"(?<![-\w])max-age\s*=\s*\"?(\d{1,9})", control)
        if stated:
            age = self.headers.get("age", "").strip()
            return max(0.0, float(stated[1]) - (float(age) if age.isdecimal() else 0.0))
        expires, now = _date(self.headers.get("expires")), _date(self.headers.get("date"))
        return max(0.0, (expires - (now or datetime.now(UTC))).total_seconds()) if expires else 0.0


class Fetch:
    """Guarded HTTP. One object serves many sources of one event loop; close it with `aclose`."""

    def __init__(
        self,
        *,
        allow: Iterable[str] = (),
        limits: Limits | None = None,
        polite: Polite | None = None,
        resolve: Resolve | None = None,
        backend: httpcore.AsyncNetworkBackend | None = None,
    ) -> None:
        """
        Args:
            allow: host names, addresses or networks (10.1.0.0/16) that may be fetched though they are not public; these
                are asked without gaps.
            limits: of one fetch.
            polite: how to spare hosts; by default two requests at a time and no gap, for a single visit by hand.
            resolve: looks names up instead of the system's resolver.
            backend: opens connections instead of the operating system; the guard stays before it.
        """
        self._limits = limits or Limits()
        self._polite = polite or Polite(gap=0.0)
        self._agent = user_agent(self._polite.contact)
        self._world = (tuple(allow), resolve, backend)
        self._opened: _Opened | None = None

    async def __call__(
        self,
        url: str,
        *,
        etag: str | None = None,
        modified: str | None = None,
        headers: Mapping[str, str] | None = None,
        method: str = "GET",
        content: bytes | None = None,
        robots: bool = False,
    ) -> Response:
        """Fetches `url`, conditionally where validators are given; with `robots`, only where robots.txt allows it.

        Raises:
            SourceError: one of its kinds, with `retry_after` where the server said so.
        """
        sent = {"User-Agent": self._agent, "Accept": ACCEPT, "Accept-Encoding": "gzip, deflate", **(headers or {})}
        if etag:
            sent["If-None-Match"] = etag
        if modified:
            sent["If-Modified-Since"] = modified
        return await self._follow(_Request(method, url, sent, content), robots=robots)

    async def dial(self, host: str, port: int, *, tls: bool = True) -> Stream:
        """A connection for another protocol than HTTP, to an address that was checked; `tls`: encrypted from the start.

        Raises:
            BlockedError: the host is not public and not allowed.
            TransientError: it is not known, does not answer, or its certificate does not hold.
        """
        return await self._open.dialer.dial(host, port, tls=tls, seconds=self._limits.seconds)

    async def aclose(self) -> None:
        if self._opened:
            self._opened.dialer.close()
            await self._opened.pool.aclose()

    @property
    def _open(self) -> "_Opened":
        """What is made when it is first needed, since reading the system's certificates takes a while."""
        if self._opened is None:
            allow, resolve, backend = self._world
            dialer = Dialer(allow, limit=self._limits.size + FRAMING, resolve=resolve, backend=backend)
            pool = httpcore.AsyncConnectionPool(
                ssl_context=dialer.tls, max_connections=CONNECTIONS, keepalive_expiry=5.0, network_backend=dialer
            )
            turns = Turns(self._polite, dialer.inside, CONNECTIONS)
            self._opened = _Opened(dialer, pool, turns, robots_txt.Gate(self._robots, turns.slow))
        return self._opened

    async def _follow(self, request: "_Request", *, robots: bool = False, cut: int | None = None) -> Response:
        """Asks, and asks again where it is told to; `cut`: bytes of the body that are enough."""
        left = self._limits.seconds
        clock = asyncio.get_running_loop().time
        for _ in range(MAX_REDIRECTS + 1):
            target = _checked(request.url)
            if robots:
                try:
                    await self._open.gate.check(str(target), _origin(target), target.host)
                except TransientError:
                    await self._open.dialer.check(target.host)  # what must not be reached is not merely out of reach
                    raise
            async with self._open.turns.turn(target.host):
                began = clock()
                with _typed(request.shown, self._limits.seconds):
                    async with asyncio.timeout(left), self._ask(request, target) as answer:
                        location = answer.headers.get("location")
                        if location is None or answer.status not in (301, 302, 303, 307, 308):
                            return await self._received(request, answer, cut)
                        request = _redirected(request, target, location, answer.status)
                left -= clock() - began
        raise BlockedError(f"{request.shown} is behind more than {MAX_REDIRECTS} redirects", what="redirect")

    @asynccontextmanager
    async def _ask(self, request: "_Request", target: httpx.URL) -> AsyncIterator["_Answer"]:
        url = httpcore.URL(scheme=target.raw_scheme, host=target.raw_host, port=target.port, target=target.raw_path)
        headers = list(httpx.Headers(dict(request.headers)).raw)
        async with self._open.pool.stream(request.method, url, headers=headers, content=request.content) as answer:
            yield _Answer(answer, httpx.Headers(answer.headers))

    async def _received(self, request: "_Request", answer: "_Answer", cut: int | None) -> Response:
        _raise_for(answer, request.shown)
        body = b"" if answer.status == 304 else await self._body(answer, request.shown, cut)
        return Response(url=request.url, status=answer.status, headers=answer.headers, body=body)

    async def _body(self, answer: "_Answer", url: str, cut: int | None) -> bytes:
        limit = self._limits.size
        unpack = _Unpacker(answer.headers.get("content-encoding", ""), url)
        wire, body = 0, bytearray()
        async for part in answer.parts():
            wire += len(part)
            body += unpack.take(part, limit + 1 - len(body))
            if cut is not None and len(body) >= cut:
                return bytes(body[:cut])
            if wire > limit or len(body) > limit:
                raise BadDataError(f"{url} is larger than {limit:,} bytes", what="size")
        unpack.end()
        return bytes(body)

    async def _robots(self, url: str) -> bytes:
        """A robots.txt; none where the server says that there is none (RFC 9309, 2.3.1.3)."""
        headers = {"User-Agent": self._agent, "Accept": "text/plain, */*;q=0.5", "Accept-Encoding": "gzip, deflate"}
        try:
            return (await self._follow(_Request("GET", url, headers, None), cut=robots_txt.LARGEST)).body
        except (AuthError, GoneError):
            return b""
        except BadDataError as error:
            if error.what == "status":
                return b""
            raise


@dataclass(frozen=True)
class _Opened:
    dialer: Dialer
    pool: httpcore.AsyncConnectionPool
    turns: Turns
    gate: robots_txt.Gate


@dataclass(frozen=True)
class _Request:
    method: str
    url: str
    headers: Mapping[str, str]
    content: bytes | None

    @property
    def shown(self) -> str:
        """The URL as it may be told: a query or a user may hold a key."""
        return shown(self.url)

    @property
    def is_secret(self) -> bool:
        """Whether it carries what not everybody on the way or at another host may see."""
        return self.content is not None or any(name.lower() not in HARMLESS for name in self.headers)


@dataclass(frozen=True)
class _Answer:
    raw: httpcore.Response
    headers: httpx.Headers

    @property
    def status(self) -> int:
        return self.raw.status

    async def parts(self) -> AsyncIterator[bytes]:
        async for part in cast("AsyncIterator[bytes]", self.raw.stream):
            yield part


def user_agent(contact: str = "") -> str:
    """Who asks, and whom to write to."""
    return f"wirewatch/{version('wirewatch')} (media monitoring{'; ' + contact if contact else ''})"


def shown(url: str) -> str:
    """A URL as it may be told in messages: its query and user, which may hold keys, are left out."""
    head, _, rest = url.partition("://")
    authority, slash, path = rest.partition("/")
    path, query, _ = path.partition("?")
    return (
        f"{head}://{authority.rpartition('@')[2].partition('?')[0]}{slash}{path}{'?…' if query else ''}"
        if rest
        else url
    )


def _checked(url: str) -> httpx.URL:
    try:
        target = httpx.URL(url)
    except (httpx.InvalidURL, UnicodeError, ValueError) as error:
        raise BlockedError(f"{shown(url)} cannot be fetched: {error}", what="url") from None
    if target.scheme not in ("http", "https") or not target.host or target.userinfo:
        raise BlockedError(f"{shown(url)} is no plain http or https address", what="url")
    return target


def _origin(url: httpx.URL) -> str:
    return f"{url.scheme}://{url.netloc.decode('ascii')}"


def _redirected(request: _Request, target: httpx.URL, location: str, status: int) -> _Request:
    """What is asked next (RFC 9110, 15.4).

    Raises:
        BlockedError: it would carry what it carries to where it must not go.
    """
    try:
        following = target.join(location)
    except (httpx.InvalidURL, UnicodeError, ValueError) as error:
        raise BlockedError(f"{request.shown} redirects to what is no address: {error}", what="redirect") from None
    headers, method, content = request.headers, request.method, request.content
    if status == 303 or (status in (301, 302) and method == "POST"):
        method, content = ("HEAD" if method == "HEAD" else "GET"), None
        headers = {name: value for name, value in headers.items() if name.lower() != "content-type"}
    moved = _Request(method, str(following), headers, content)
    if moved.is_secret and target.scheme == "https" and following.scheme != "https":
        raise BlockedError(f"{request.shown} redirects to an address without TLS; credentials stay", what="redirect")
    if _origin(following) == _origin(target) or (following.host == target.host and following.scheme == "https"):
        return moved
    if content is not None:
        raise BlockedError(
            f"{request.shown} redirects to another host, which must not get what is sent", what="redirect"
        )
    kept = {name: value for name, value in headers.items() if name.lower() in HARMLESS}
    return _Request(method, moved.url, kept, None)


@contextmanager
def _typed(url: str, seconds: float) -> Iterator[None]:
    """Turns what the network raises into failures of a source."""
    try:
        yield
    except (TimeoutError, httpcore.TimeoutException):
        raise TransientError(f"{url} took longer than {seconds:g} seconds", what="timeout") from None
    except (httpcore.NetworkError, httpcore.ProtocolError) as error:
        raise TransientError(f"{url} could not be fetched: {error or type(error).__name__}", what="connect") from None


class _Unpacker:
    """Decompresses a body piece by piece, each time no further than asked."""

    def __init__(self, encoding: str, url: str) -> None:
        self._url = url
        self._encoding = encoding.strip().lower()
        if self._encoding not in ("", "identity", "gzip", "x-gzip", "deflate"):
            raise BadDataError(f"{url} came in an encoding that was not asked for: {encoding}", what="encoding")
        self._plain = self._encoding in ("", "identity")
        self._inflate = zlib.decompressobj(zlib.MAX_WBITS | 32)
        self._head = b""
        """What was taken before anything came out."""
        self._began = self._ended = False

    def take(self, part: bytes, room: int) -> bytes:
        """What a piece holds, at most `room` bytes of it."""
        if self._plain:
            return part[:room]
        out = bytearray()
        while part and len(out) < room and not self._ended:
            if self._inflate.eof:
                self._next(part)
                continue
            out += self._step(part, room - len(out))
            part = self._inflate.unused_data
        return bytes(out)

    def end(self) -> None:
        """The body has ended.

        Raises:
            TransientError: in the middle of what is compressed.
        """
        if self._began and not self._inflate.eof:
            raise TransientError(f"{self._url} was cut off on the way", what="connect")

    def _next(self, part: bytes) -> None:
        """A file of several members goes on; what else stands behind the end is passed over."""
        self._ended = not GZIP.startswith(part[:2])
        if not self._ended:
            self._inflate = zlib.decompressobj(zlib.MAX_WBITS | 32)

    def _step(self, part: bytes, room: int) -> bytes:
        head = b"" if self._began and not self._head else self._head + part
        try:
            found = self._inflate.decompress(part, room)
        except zlib.error as error:
            if self._encoding != "deflate" or not head:
                raise BadDataError(f"{self._url} cannot be decompressed: {error}", what="encoding") from None
            self._inflate = zlib.decompressobj(-zlib.MAX_WBITS)  # many servers leave the wrapper of deflate out
            self._encoding, self._head, self._began = "raw deflate", b"", True
            return self._step(head, room)
        self._began, self._head = True, b"" if found else head
        return found


def _raise_for(answer: _Answer, url: str) -> None:
    status = answer.status
    if status == 304 or 200 <= status < 300:
        return
    said = f"{url} answered {status} {_phrase(status)}".rstrip()
    retry_after = _seconds(answer.headers.get("retry-after"))
    kind, advice = _failure(status)
    raise kind(f"{said}{advice}", what="status", retry_after=retry_after)


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""


def _failure(status: int) -> tuple[type[SourceError], str]:
    """The type of failure, and what to do about it."""
    if status == 429:
        return RateLimitedError, "; polls are further apart now"
    if status in (401, 403):
        return AuthError, "; check whether it needs credentials"
    if status in (404, 410):
        return GoneError, "; check the address"
    if status in (408, 425) or status >= 500:
        return TransientError, "; it is tried again by itself"
    return BadDataError, "; check the address"


def _seconds(retry_after: str | None) -> float | None:
    """Retry-After in seconds from now, from a number or a date (RFC 9110, 10.2.3)."""
    if retry_after and retry_after.strip().isdecimal():
        return float(retry_after)
    date = _date(retry_after)
    return None if date is None else max(0.0, (date - datetime.now(UTC)).total_seconds())


def _date(text: str | None) -> datetime | None:
    try:
        date = parsedate_to_datetime(text or "")
    except (ValueError, TypeError, OverflowError):
        return None
    return date if date.tzinfo else date.replace(tzinfo=UTC)
