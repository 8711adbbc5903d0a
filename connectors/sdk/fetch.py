"""The one way out to the network: guarded, bounded, polite.

A host name is resolved once; every address it has must be public, and the connection goes to an address that was
checked, so a name cannot change its mind in between. Redirects are checked the same way. No proxy of the environment
is asked, TLS is always verified, and time and size are bounded, on the wire and after decompression.
"""

import asyncio
import ipaddress
import re
import socket
import ssl
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from importlib.metadata import version
from typing import cast

import httpcore
import httpx

from connectors.sdk.errors import (
    AuthError,
    BadDataError,
    BlockedError,
    GoneError,
    RateLimitedError,
    SourceError,
    TransientError,
)

USER_AGENT = f"wirewatch/{version('wirewatch')} (media monitoring; reads feeds and the articles they link to)"
ACCEPT = "application/atom+xml, application/rss+xml, application/feed+json, text/html;q=0.9, */*;q=0.5"
MAX_REDIRECTS = 5
NAT64 = ipaddress.IPv6Network("64:ff9b::/96")

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Resolve = Callable[[str, int], Awaitable[list[Address]]]
"""Host and port -> every address of the host; raises OSError where it has none."""


async def resolve_by_system(host: str, port: int) -> list[Address]:
    """What the system's resolver says."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [ipaddress.ip_address(str(sockaddr[0]).partition("%")[0]) for *_, sockaddr in found]


@dataclass(frozen=True)
class Limits:
    """Bounds of one fetch, redirects included."""

    seconds: float = 30.0
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
        stated = re.search(r"\bmax-age\s*=\s*\"?(\d{1,9})", self.headers.get("cache-control", ""), re.I)
        if stated:
            return float(stated[1])
        return _seconds(self.headers.get("expires")) or 0.0


def is_public(address: Address) -> bool:
    """Whether an address belongs to the open internet, looking inside the addresses that wrap an IPv4 one."""
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour or (address.teredo and address.teredo[1])
        if address in NAT64:
            inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if inner:
            return is_public(inner)
    return address.is_global and not address.is_multicast and not address.is_reserved


class _Guard(httpcore.AsyncNetworkBackend):
    """Opens connections to checked addresses only."""

    def __init__(self, allow: Iterable[str], resolve: Resolve, backend: httpcore.AsyncNetworkBackend) -> None:
        self._hosts = {name.lower() for name in allow}
        self._networks = [network for name in self._hosts if (network := _network(name))]
        self._ask = resolve
        self._backend = backend

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        addresses = await self._resolve(host, port)
        if host.lower() not in self._hosts:
            for address in addresses:
                if not is_public(address) and not any(address in network for network in self._networks):
                    raise BlockedError(
                        f"{host} is at {address}, which is not a public address; "
                        f"add it to `allow` in wirewatch.yaml if that is meant"
                    )
        return await self._backend.connect_tcp(str(addresses[0]), port, timeout, local_address, socket_options)

    async def _resolve(self, host: str, port: int) -> list[Address]:
        try:
            return await self._ask(host, port)
        except (OSError, UnicodeError, ValueError):
            raise TransientError(f"no address is known for {host}; check the name") from None


def _network(name: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    try:
        return ipaddress.ip_network(name, strict=False)
    except ValueError:
        return None


class _Wire(httpx.AsyncByteStream):
    def __init__(self, stream: object) -> None:
        self._stream = stream

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for part in cast("AsyncIterator[bytes]", self._stream):
            yield part

    async def aclose(self) -> None:
        if hasattr(self._stream, "aclose"):
            await self._stream.aclose()


class _Transport(httpx.AsyncBaseTransport):
    """httpx over httpcore, with the guard in between."""

    def __init__(self, guard: _Guard, context: ssl.SSLContext) -> None:
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=context, max_connections=64, keepalive_expiry=5.0, network_backend=guard
        )

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        url = request.url
        answer = await self._pool.handle_async_request(
            httpcore.Request(
                method=request.method,
                url=httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path),
                headers=request.headers.raw,
                content=request.stream,
                extensions=request.extensions,
            )
        )
        return httpx.Response(
            status_code=answer.status,
            headers=answer.headers,
            stream=_Wire(answer.stream),
            extensions=answer.extensions,
        )

    async def aclose(self) -> None:
        await self._pool.aclose()


class Fetch:
    """Guarded GET. One object serves many sources; close it with `aclose`."""

    def __init__(
        self,
        *,
        allow: Iterable[str] = (),
        limits: Limits | None = None,
        resolve: Resolve = resolve_by_system,
        backend: httpcore.AsyncNetworkBackend | None = None,
    ) -> None:
        """`allow`: host names, addresses or networks (10.1.0.0/16) that may be fetched though they are not public.

        `resolve` and `backend` stand in for the system's resolver and sockets, behind the guard and the limits.
        """
        self._guard = _Guard(allow, resolve, backend or httpcore.AnyIOBackend())
        self._limits = limits or Limits()
        self._opened: httpx.AsyncClient | None = None

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
        del robots
        headers = {"User-Agent": USER_AGENT, "Accept": ACCEPT, "Accept-Encoding": "gzip, deflate", **(headers or {})}
        if etag:
            headers["If-None-Match"] = etag
        if modified:
            headers["If-Modified-Since"] = modified
        try:
            async with asyncio.timeout(self._limits.seconds):
                return await self._follow(url, method, headers, content)
        except TimeoutError:
            raise TransientError(f"{url} took longer than {self._limits.seconds:g} seconds") from None
        except (httpx.InvalidURL, httpx.UnsupportedProtocol, UnicodeError) as error:
            raise BlockedError(f"{url} cannot be fetched: {error}") from None
        except (httpx.HTTPError, httpcore.NetworkError, httpcore.ProtocolError, httpcore.TimeoutException) as error:
            raise TransientError(f"{url} could not be fetched: {error or type(error).__name__}") from None

    async def aclose(self) -> None:
        if self._opened:
            await self._opened.aclose()

    @property
    def _client(self) -> httpx.AsyncClient:
        if self._opened is None:
            context = ssl.create_default_context()
            self._opened = httpx.AsyncClient(
                transport=_Transport(self._guard, context), trust_env=False, follow_redirects=False, timeout=None
            )
        return self._opened

    async def _follow(self, url: str, method: str, headers: dict[str, str], content: bytes | None) -> Response:
        for _ in range(MAX_REDIRECTS + 1):
            target = httpx.URL(url)
            if target.scheme not in ("http", "https") or not target.host or target.userinfo:
                raise BlockedError(f"{url} is no plain http or https address")
            async with self._client.stream(method, target, headers=headers, content=content) as answer:
                if answer.has_redirect_location:
                    url = str(target.join(answer.headers["location"]))
                    continue
                _raise_for(answer, url)
                body = b"" if answer.status_code == 304 else await self._body(answer, url)
                return Response(url=url, status=answer.status_code, headers=answer.headers, body=body)
        raise BlockedError(f"{url} is behind more than {MAX_REDIRECTS} redirects")

    async def _body(self, answer: httpx.Response, url: str) -> bytes:
        limit = self._limits.size
        unpack = _unpacker(answer.headers.get("content-encoding", ""), url)
        wire, body = 0, bytearray()
        async for part in answer.aiter_raw():
            wire += len(part)
            body += unpack(part, limit + 1 - len(body))
            if wire > limit or len(body) > limit:
                raise BadDataError(f"{url} is larger than {limit:,} bytes")
        return bytes(body)


def _unpacker(encoding: str, url: str) -> Callable[[bytes, int], bytes]:
    """What decompresses a body piece by piece, each time no further than asked."""
    encoding = encoding.strip().lower()
    if encoding in ("", "identity"):
        return lambda part, room: part[:room]
    if encoding not in ("gzip", "x-gzip", "deflate"):
        raise BadDataError(f"{url} came in an encoding that was not asked for: {encoding}")
    inflate = zlib.decompressobj(zlib.MAX_WBITS | 32)

    def unpack(part: bytes, room: int) -> bytes:
        try:
            return inflate.decompress(part, room)
        except zlib.error as error:
            raise BadDataError(f"{url} cannot be decompressed: {error}") from None

    return unpack


def _raise_for(answer: httpx.Response, url: str) -> None:
    status = answer.status_code
    if status == 304 or 200 <= status < 300:
        return
    said = f"{url} answered {status} {answer.reason_phrase}".rstrip()
    error: SourceError
    if status == 429:
        error = RateLimitedError(f"{said}; polls are further apart now")
    elif status in (401, 403):
        error = AuthError(f"{said}; check whether it needs credentials")
    elif status in (404, 410):
        error = GoneError(f"{said}; check the address")
    elif status in (408, 425) or status >= 500:
        error = TransientError(said)
    else:
        error = BadDataError(said)
    error.retry_after = _seconds(answer.headers.get("retry-after"))
    raise error


def _seconds(retry_after: str | None) -> float | None:
    """Retry-After in seconds from now, from a number or a date (RFC 9110, 10.2.3)."""
    if not retry_after:
        return None
    if retry_after.strip().isdecimal():
        return float(retry_after)
    try:
        return max(0.0, (parsedate_to_datetime(retry_after) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):
        return None
