"""The guarded dialer: every connection to the world outside is opened here.

A host name is resolved once; every address it has must be public, and the connection goes to an address that was
checked, so that a name cannot change its mind in between. TLS is always verified.
"""

import asyncio
import ipaddress
import socket
import ssl
from collections.abc import Awaitable, Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import cache
from typing import Any

import httpcore

from connectors.sdk.errors import BadDataError, BlockedError, TransientError

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Resolve = Callable[[str, int], Awaitable[list[Address]]]
"""The addresses of a host; OSError where there are none."""

STAGGER = 0.3
"""Seconds after which the next address is tried beside one that has not answered yet (RFC 8305, 5)."""
ADDRESSES = 4
"""Addresses of one host that are tried."""
LOOKUPS = 32
"""Names looked up at a time."""
PATIENCE = 30.0
"""Seconds that an operation on a stream may take where its caller does not say."""
LINE = 64 * 1024
"""Bytes of a line, at most."""

_GLOBAL_UNICAST = ipaddress.IPv6Network("2000::/3")
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_NOT_PUBLIC_4 = tuple(
    map(
        ipaddress.IPv4Network,
        "0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24 192.0.2.0/24 "
        "192.88.99.0/24 192.168.0.0/16 198.18.0.0/15 198.51.100.0/24 203.0.113.0/24 224.0.0.0/4 240.0.0.0/4".split(),
    )
)
"""IANA's registry of special purposes, multicast and what is reserved."""
_NOT_PUBLIC_6 = tuple(map(ipaddress.IPv6Network, "2001::/23 2001:db8::/32 3fff::/20".split()))
"""The same within global unicast: protocols (Teredo among them) and documentation."""
_ISATAP = (0x0000_5EFE, 0x0200_5EFE)
"""Upper half of the interface id of an address that carries an IPv4 address in the lower (RFC 5214, 6.1)."""


def is_public(address: Address) -> bool:
    """Whether an address belongs to the open internet, looking inside the addresses that carry an IPv4 one."""
    if isinstance(address, ipaddress.IPv4Address):
        return not any(address in network for network in _NOT_PUBLIC_4)
    carried = _carried(address)
    if carried and not is_public(carried):
        return False
    if address.ipv4_mapped or address in _NAT64:
        return True
    return address in _GLOBAL_UNICAST and not any(address in network for network in _NOT_PUBLIC_6)


def _carried(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """The IPv4 address that a mapped, NAT64, 6to4 or ISATAP address leads to."""
    low = int(address) & 0xFFFF_FFFF
    if address in _NAT64 or (int(address) >> 32) & 0xFFFF_FFFF in _ISATAP:
        return ipaddress.IPv4Address(low)
    return address.ipv4_mapped or address.sixtofour


def literal(host: str) -> Address | None:
    """The address that a host name spells, in any way that a resolver would understand: 127.1, 0x7f000001, [::1]."""
    name = host.strip("[]").partition("%")[0]
    with suppress(ValueError):
        return ipaddress.ip_address(name)
    with suppress(OSError, UnicodeError):
        return ipaddress.IPv4Address(socket.inet_aton(name))
    return None


class Stream(httpcore.AsyncNetworkStream):
    """A connection to a checked address, for protocols other than HTTP. Close it with `aclose` or `async with`.

    What cannot be read or written raises a TransientError; what is longer than asked for, a BadDataError.
    """

    def __init__(self, inner: httpcore.AsyncNetworkStream, host: str, context: ssl.SSLContext) -> None:
        self._inner = inner
        self._host = host
        self._context = context
        self._read = bytearray()

    async def __aenter__(self) -> "Stream":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def read(self, max_bytes: int, timeout: float | None = PATIENCE) -> bytes:
        """Up to `max_bytes`, as soon as there are any; none at the end."""
        if not self._read:
            return await self._receive(max_bytes, timeout)
        found = bytes(self._read[:max_bytes])
        del self._read[:max_bytes]
        return found

    async def readexactly(self, count: int, timeout: float | None = PATIENCE) -> bytes:
        """So many bytes. The time-out holds for each piece that comes."""
        while len(self._read) < count:
            await self._more(timeout)
        return await self.read(count)

    async def readline(self, limit: int = LINE, timeout: float | None = PATIENCE) -> bytes:
        """Up to and with the next line feed."""
        begin = 0
        while (end := self._read.find(b"\n", begin)) < 0:
            begin = len(self._read)
            if begin > limit:
                raise BadDataError(f"{self._host} sends a line of more than {limit:,} bytes", what="size")
            await self._more(timeout)
        return await self.read(end + 1)

    async def write(self, buffer: bytes, timeout: float | None = PATIENCE) -> None:
        try:
            await self._inner.write(buffer, timeout)
        except (httpcore.NetworkError, httpcore.TimeoutException) as error:
            raise _lost(self._host, error) from None

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext | None = None,
        server_hostname: str | None = None,
        timeout: float | None = PATIENCE,
    ) -> "Stream":
        """The same connection, encrypted from here on, to whom the certificate says."""
        inner = await _tls(self._inner, ssl_context or self._context, server_hostname or self._host, timeout)
        return Stream(inner, self._host, self._context)

    async def aclose(self) -> None:
        await self._inner.aclose()

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)

    async def _more(self, timeout: float | None) -> None:
        part = await self._receive(LINE, timeout)
        if not part:
            raise TransientError(f"{self._host} ended the connection in the middle", what="connect")
        self._read += part

    async def _receive(self, count: int, timeout: float | None) -> bytes:
        try:
            return await self._inner.read(count, timeout)
        except (httpcore.NetworkError, httpcore.TimeoutException) as error:
            raise _lost(self._host, error) from None


def _lost(host: str, error: Exception) -> TransientError:
    if isinstance(error, httpcore.TimeoutException):
        return TransientError(f"{host} does not answer", what="timeout")
    return TransientError(f"the connection to {host} was lost: {error or type(error).__name__}", what="connect")


class _Metered(httpcore.AsyncNetworkStream):
    """A stream under HTTP that reads no more than `limit` bytes after each request: headers, framing and body."""

    def __init__(self, inner: httpcore.AsyncNetworkStream, host: str, limit: int) -> None:
        self._inner = inner
        self._host = host
        self._limit = limit
        self._count = 0

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        part = await self._inner.read(max_bytes, timeout)
        self._count += len(part)
        if self._count > self._limit:
            raise BadDataError(f"{self._host} sends more than {self._limit:,} bytes", what="size")
        return part

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._count = 0
        await self._inner.write(buffer, timeout)

    async def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.AsyncNetworkStream:
        inner = await _tls(self._inner, ssl_context, server_hostname or self._host, timeout)
        return _Metered(inner, self._host, self._limit)

    async def aclose(self) -> None:
        await self._inner.aclose()

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)


async def _tls(
    stream: httpcore.AsyncNetworkStream, context: ssl.SSLContext, host: str, timeout: float | None
) -> httpcore.AsyncNetworkStream:
    try:
        return await stream.start_tls(context, host, timeout)
    except httpcore.TimeoutException:
        raise TransientError(f"{host} does not answer when TLS begins", what="timeout") from None
    except (httpcore.NetworkError, ssl.SSLError) as error:
        said = str(error).partition("] ")[2].partition(" (_ssl")[0] or str(error) or "it ended the connection"
        raise TransientError(f"{host} cannot be trusted over TLS: {said}", what="tls") from None


@cache
def _trust() -> ssl.SSLContext:
    """The system's authorities, read once: that takes forty milliseconds."""
    return ssl.create_default_context()


class Dialer(httpcore.AsyncNetworkBackend):
    """Opens connections to checked addresses only."""

    def __init__(
        self,
        allow: Iterable[str] = (),
        *,
        limit: int | None = None,
        resolve: Resolve | None = None,
        backend: httpcore.AsyncNetworkBackend | None = None,
    ) -> None:
        """
        Args:
            allow: host names, addresses or networks (10.1.0.0/16) that may be reached though they are not public.
            limit: bytes that a server may answer to one HTTP request, all in all.
            resolve: looks a name up; the system's resolver by default.
            backend: opens the connections; the guard stays before it, whatever it is.
        """
        self._hosts = {name.strip("[]").lower() for name in allow}
        self._networks = [network for name in self._hosts if (network := _network(name))]
        self._limit = limit
        self._resolve = resolve or self._look_up
        self._backend = backend or httpcore.AnyIOBackend()
        self._lookups = ThreadPoolExecutor(LOOKUPS, "dns")
        self._inside: dict[str, bool] = {}
        self.tls = _trust()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,  # noqa: ARG002
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,  # noqa: ARG002
    ) -> httpcore.AsyncNetworkStream:
        stream = await self._connect(host, port, timeout)
        return stream if self._limit is None else _Metered(stream, host, self._limit)

    async def dial(self, host: str, port: int, *, tls: bool, seconds: float = PATIENCE) -> Stream:
        """A connection for a protocol other than HTTP.

        Raises:
            BlockedError: the host is not public and not allowed.
            TransientError: it is not known, does not answer, or its certificate does not hold.
        """
        try:
            async with asyncio.timeout(seconds):
                stream = await self._connect(host, port, seconds)
                if tls:
                    stream = await _tls(stream, self.tls, host, seconds)
        except TimeoutError:
            raise TransientError(f"{host} does not answer on port {port}", what="timeout") from None
        return Stream(stream, host, self.tls)

    async def inside(self, host: str) -> bool:
        """Whether a host is not of the open internet and may be reached all the same, being on the allow-list."""
        if not self._hosts:
            return False
        name = host.lower()
        if name not in self._inside:
            if len(self._inside) > 10_000:
                self._inside.clear()
            try:
                addresses = await self._addresses(name, 0)
            except TransientError:
                return False
            self._inside[name] = not all(map(is_public, addresses))
        return self._inside[name]

    async def check(self, host: str) -> None:
        """
        Raises:
            BlockedError: the host is not public and not allowed.
            TransientError: it is not known.
        """
        self._check(host, await self._addresses(host, 0))

    def close(self) -> None:
        """Ends the look-ups that nobody waits for any more."""
        self._lookups.shutdown(wait=False, cancel_futures=True)

    async def _connect(self, host: str, port: int, timeout: float | None) -> httpcore.AsyncNetworkStream:
        addresses = await self._addresses(host, port)
        self._check(host, addresses)
        return await self._first(host, port, _alternating(addresses)[:ADDRESSES], timeout)

    def _check(self, host: str, addresses: Iterable[Address]) -> None:
        if host.strip("[]").lower() in self._hosts:
            return
        for address in addresses:
            if not is_public(address) and not any(address in network for network in self._networks):
                raise BlockedError(
                    f"{host} is at {address}, which is not a public address; "
                    f"add it to `allow` in wirewatch.yaml if that is meant",
                    what="address",
                )

    async def _addresses(self, host: str, port: int) -> list[Address]:
        spelled = literal(host)
        if spelled:
            return [spelled]
        try:
            found = await self._resolve(host, port)
        except (OSError, UnicodeError, ValueError):
            found = []
        if not found:
            raise TransientError(f"no address is known for {host}; check the name", what="dns")
        return found

    async def _look_up(self, host: str, port: int) -> list[Address]:
        found = await asyncio.get_running_loop().run_in_executor(
            self._lookups, lambda: socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        )
        return [ipaddress.ip_address(str(sockaddr[0]).partition("%")[0]) for *_, sockaddr in found]

    async def _first(
        self, host: str, port: int, addresses: list[Address], timeout: float | None
    ) -> httpcore.AsyncNetworkStream:
        """A connection to the first address that answers; the next is tried when one fails or lets us wait."""
        tries: list[asyncio.Task[httpcore.AsyncNetworkStream]] = []
        chosen, error = None, None
        try:
            for address in addresses:
                tries.append(asyncio.create_task(self._backend.connect_tcp(str(address), port, timeout)))
                wait = STAGGER if len(tries) < len(addresses) else None
                open_ = {task for task in tries if not task.done()}
                while open_ and not chosen:
                    done, open_ = await asyncio.wait(open_, timeout=wait, return_when=asyncio.FIRST_COMPLETED)
                    chosen = next((task for task in done if not task.exception()), None)
                    error = next((task.exception() for task in done if task.exception()), error)
                    if wait:
                        break
                if chosen:
                    return chosen.result()
        finally:
            await _drop([task for task in tries if task is not chosen])
        if not isinstance(error, (OSError, httpcore.NetworkError, httpcore.TimeoutException)):
            raise error or AssertionError
        what = "timeout" if isinstance(error, httpcore.TimeoutException) else "connect"
        raise TransientError(f"{host} does not answer on port {port}: {error or type(error).__name__}", what=what)


async def _drop(tries: list["asyncio.Task[httpcore.AsyncNetworkStream]"]) -> None:
    """Ends the tries that lost, closing what one of them opened meanwhile."""
    for task in tries:
        task.cancel()
    for found in await asyncio.gather(*tries, return_exceptions=True):
        if isinstance(found, httpcore.AsyncNetworkStream):
            await found.aclose()


def _alternating(addresses: list[Address]) -> list[Address]:
    """The addresses in the resolver's order, IPv6 and IPv4 by turns, none twice."""
    first: list[Address] = []
    other: list[Address] = []
    for address in dict.fromkeys(addresses):
        (first if address.version == addresses[0].version else other).append(address)
    turns = [address for pair in zip(first, other, strict=False) for address in pair]
    return turns + first[len(other) :] + other[len(first) :]


def _network(name: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    try:
        return ipaddress.ip_network(name, strict=False)
    except ValueError:
        return None
