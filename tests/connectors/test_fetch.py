"""The guarded fetch: what it refuses, what it bounds, what it says."""

import asyncio
import gzip
import ipaddress
import zlib
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler

import httpx
import pytest

from connectors.sdk import (
    AuthError,
    BadDataError,
    BlockedError,
    Fetch,
    GoneError,
    Limits,
    RateLimitedError,
    Response,
    SourceError,
    TransientError,
)
from connectors.sdk.dial import is_public
from connectors.sdk.fetch import shown
from tests.connectors.server import Server, body, status
from tests.connectors.world import PUBLIC, World

LOOPBACK = ("127.0.0.1",)


def get(
    url: str,
    *,
    allow: tuple[str, ...] = LOOPBACK,
    limits: Limits | None = None,
    etag: str | None = None,
    modified: str | None = None,
) -> Response:
    async def fetch() -> Response:
        guarded = Fetch(allow=allow, limits=limits)
        try:
            return await guarded(url, etag=etag, modified=modified)
        finally:
            await guarded.aclose()

    return asyncio.run(fetch())


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("93.184.216.34", True),
        ("2606:2800:220:1::1", True),
        ("127.0.0.1", False),
        ("10.0.0.1", False),
        ("172.16.0.1", False),
        ("192.168.1.1", False),
        ("169.254.169.254", False),
        ("100.64.0.1", False),
        ("198.18.0.1", False),
        ("240.0.0.1", False),
        ("255.255.255.255", False),
        ("224.0.0.1", False),
        ("0.0.0.0", False),
        ("::1", False),
        ("::", False),
        ("fe80::1", False),
        ("fc00::1", False),
        ("ff02::1", False),
        ("::ffff:127.0.0.1", False),
        ("::ffff:93.184.216.34", True),
        ("64:ff9b::7f00:1", False),
        ("64:ff9b::5db8:d822", True),
        ("2002:7f00:1::", False),
        ("2001:0:4136:e378:8000:63bf:80ff:fffe", False),
        ("2001:0:4136:e378:8000:63bf:a247:27dd", False),
        ("2002:5db8:d822::", True),
        ("192.88.99.1", False),
        ("192.0.0.8", False),
        ("203.0.113.9", False),
        ("::7f00:1", False),
        ("::5db8:d822", False),
        ("64:ff9b:1::5db8:d822", False),
        ("100::1", False),
        ("2001:db8::1", False),
        ("3fff::1", False),
        ("5f00::1", False),
        ("fec0::1", False),
        ("2a00:1:2:3:0:5efe:a00:1", False),
        ("2a00:1:2:3:200:5efe:5db8:d822", True),
    ],
)
def test_what_counts_as_public(address: str, public: bool) -> None:
    assert is_public(ipaddress.ip_address(address)) is public


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/",
        "http://localhost/",
        "http://[::1]/",
        "http://[::ffff:127.0.0.1]/",
        "http://0x7f000001/",
        "http://2130706433/",
        "http://127.1/",
        "http://0177.0.0.1/",
        "http://169.254.169.254/latest/meta-data/",
        "http://user:word@93.184.216.34/",
        "ftp://93.184.216.34/",
        "file:///etc/hostname",
        "gopher://93.184.216.34/",
        "/only/a/path",
        "http://",
    ],
)
def test_refused_without_being_asked(url: str) -> None:
    with pytest.raises(BlockedError):
        get(url, allow=())


@pytest.mark.parametrize("allow", [("127.0.0.1",), ("127.0.0.0/8",)], ids=["address", "network"])
def test_an_administrator_may_allow_what_is_not_public(server: Server, allow: tuple[str, ...]) -> None:
    server.answers["/"] = body(b"hello")
    assert get(f"{server.base}/", allow=allow).body == b"hello"


def test_environment_proxies_are_not_asked(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    server.answers["/"] = body(b"direct")
    assert get(f"{server.base}/").body == b"direct"


def test_says_who_asks(server: Server) -> None:
    server.answers["/"] = body(b"")
    get(f"{server.base}/")
    assert server.asked[0][1]["user-agent"].startswith("wirewatch/")


def test_follows_redirects_and_says_where_it_ended(server: Server) -> None:
    for step in range(5):
        server.answers[f"/{step}"] = status(302, {"Location": f"/{step + 1}"})
    server.answers["/5"] = body(b"here")
    found = get(f"{server.base}/0")
    assert (found.body, found.url) == (b"here", f"{server.base}/5")


@pytest.mark.parametrize(
    "target",
    ["http://10.0.0.1/", "http://[::1]/", "file:///etc/hostname", "/again"],
    ids=["private", "loopback", "file", "round and round"],
)
def test_redirects_are_checked_like_the_first_address(server: Server, target: str) -> None:
    server.answers["/again"] = status(301, {"Location": target})
    with pytest.raises(BlockedError):
        get(f"{server.base}/again")


def test_asks_conditionally_and_tells_when_nothing_changed(server: Server) -> None:
    server.answers["/"] = status(304)
    found = get(f"{server.base}/", etag='"v1"', modified="Mon, 02 Mar 2026 10:00:00 GMT")
    assert found.not_modified
    assert found.body == b""
    asked = server.asked[0][1]
    assert (asked["if-none-match"], asked["if-modified-since"]) == ('"v1"', "Mon, 02 Mar 2026 10:00:00 GMT")


@pytest.mark.parametrize(
    ("code", "error"),
    [
        (401, AuthError),
        (403, AuthError),
        (404, GoneError),
        (410, GoneError),
        (429, RateLimitedError),
        (400, BadDataError),
        (500, TransientError),
        (503, TransientError),
    ],
)
def test_failures_have_kinds(server: Server, code: int, error: type[SourceError]) -> None:
    server.answers["/"] = status(code, {"Retry-After": "120"})
    with pytest.raises(error, match=str(code)) as raised:
        get(f"{server.base}/")
    assert raised.value.retry_after == 120


def test_nobody_listens() -> None:
    with pytest.raises(TransientError):
        get("http://127.0.0.1:1/")


def test_no_such_name() -> None:
    with pytest.raises(TransientError, match="check the name"):
        get("http://no-such-host.invalid/")


TWICE = gzip.compress(b"te") + gzip.compress(b"xt")


@pytest.mark.parametrize(
    ("encoding", "data"),
    [
        ("gzip", gzip.compress(b"text")),
        ("GZIP", gzip.compress(b"text")),
        ("gzip", TWICE),
        ("gzip", gzip.compress(b"text") + b"\0\0 more"),
        ("deflate", zlib.compress(b"text")),
        ("deflate", zlib.compress(b"text", wbits=-15)),
        ("identity", b"text"),
    ],
    ids=["gzip", "loud", "in two members", "with a tail", "deflate", "bare deflate", "as it is"],
)
@pytest.mark.parametrize("pieces", [1, 1000])
def test_decompressed(server: Server, encoding: str, data: bytes, pieces: int) -> None:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Encoding", encoding)
        handler.send_header("Connection", "close")
        handler.end_headers()
        for start in range(0, len(data), pieces):
            handler.wfile.write(data[start : start + pieces])
            handler.wfile.flush()

    server.answers["/"] = answer
    assert get(f"{server.base}/").body == b"text"


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
def test_what_was_cut_off_is_not_taken_for_the_whole(server: Server, encoding: str) -> None:
    data = (gzip.compress if encoding == "gzip" else zlib.compress)(b"text" * 100)
    server.answers["/"] = body(data[:-9], headers={"Content-Encoding": encoding})
    with pytest.raises(TransientError, match="cut off"):
        get(f"{server.base}/")


KEY = {"X-Api-Key": "k"}


def follow(
    server: Server, start: str, location: str, headers: Mapping[str, str] | None = None, code: int = 302, **more: object
) -> dict[str, str]:
    """The headers that arrive where a redirect leads."""

    async def run() -> None:
        fetch = World(server, {"a.example": [PUBLIC], "b.example": [PUBLIC]}).fetch()
        try:
            await fetch(start, headers=headers, **more)  # type: ignore[arg-type]
        finally:
            await fetch.aclose()

    server.answers |= {"/1": status(code, {"Location": location}), "/2": status(200)}
    asyncio.run(run())
    return server.asked[-1][1]


@pytest.mark.parametrize(
    ("start", "location", "kept"),
    [
        ("https://a.example/1", "/2", True),
        ("https://a.example/1", "https://b.example/2", False),
        ("https://a.example/1", "https://a.example:444/2", True),
        ("http://a.example/1", "https://a.example/2", True),
        ("http://a.example/1", "http://a.example:81/2", False),
    ],
    ids=["same", "another host", "another port, over TLS", "to TLS", "another port"],
)
def test_credentials_follow_to_the_same_host_only(server: Server, start: str, location: str, kept: bool) -> None:
    arrived = follow(server, start, location, {**KEY, "Authorization": "Bearer t", "Accept-Language": "pt"})
    assert ("x-api-key" in arrived, "authorization" in arrived) == (kept, kept)
    assert arrived["accept-language"] == "pt"


def test_credentials_do_not_leave_tls(server: Server) -> None:
    with pytest.raises(BlockedError, match="without TLS"):
        follow(server, "https://a.example/1", "http://a.example/2", KEY)
    assert follow(server, "https://a.example/1", "http://a.example/2")["host"] == "a.example"


def test_what_is_sent_does_not_follow_to_another_host(server: Server) -> None:
    with pytest.raises(BlockedError, match="must not get"):
        follow(server, "https://a.example/1", "https://b.example/2", code=307, method="POST", content=b"{}")


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("https://a.example/feed?key=secret", "https://a.example/feed?…"),
        ("https://user:word@a.example/feed", "https://a.example/feed"),
        ("https://a.example?key=secret", "https://a.example"),
        ("https://a.example/", "https://a.example/"),
        ("nonsense", "nonsense"),
    ],
)
def test_no_keys_are_told(url: str, told: str) -> None:
    assert shown(url) == told


def test_failures_tell_no_keys(server: Server) -> None:
    with pytest.raises(GoneError) as raised:
        get(f"{server.base}/?key=secret")
    assert "secret" not in str(raised.value)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Cache-Control": "max-age=600"}, 600),
        ({"Cache-Control": "public, MAX-AGE=600", "Age": "100"}, 500),
        ({"Cache-Control": "s-maxage=600"}, 0),
        ({"Cache-Control": "no-cache, max-age=600"}, 0),
        ({"Expires": "Tue, 01 Jan 2030 01:00:00 GMT", "Date": "Tue, 01 Jan 2030 00:00:00 GMT"}, 3600),
        ({"Expires": "0"}, 0),
        ({}, 0),
    ],
)
def test_fresh_for(headers: dict[str, str], seconds: float) -> None:
    assert Response("", 200, httpx.Headers(headers), b"").fresh_for == seconds


def chunks(handler: BaseHTTPRequestHandler) -> None:
    """Endless body in small pieces."""
    handler.send_response(200)
    handler.end_headers()
    while True:
        handler.wfile.write(b"x" * 1024)


def drip(handler: BaseHTTPRequestHandler) -> None:
    """A byte now and then."""
    assert isinstance(handler.server, Server)
    handler.send_response(200)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    while not handler.server.closing.wait(0.05):
        handler.wfile.write(b"x")
        handler.wfile.flush()


def informational(handler: BaseHTTPRequestHandler) -> None:
    while True:
        handler.wfile.write(b"HTTP/1.1 103 Early Hints\r\nX-More: " + b"y" * 1000 + b"\r\n\r\n")


def headers_without_end(handler: BaseHTTPRequestHandler) -> None:
    handler.wfile.write(b"HTTP/1.1 200 OK\r\n")
    while True:
        handler.wfile.write(b"X-More: " + b"y" * 1000 + b"\r\n")


def not_http(handler: BaseHTTPRequestHandler) -> None:
    handler.wfile.write(b"\x00\x01\x02 what?\r\n\r\n")
    handler.close_connection = True


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (body(b"x" * 200_000), BadDataError),
        (chunks, BadDataError),
        (body(gzip.compress(b"\0" * 100_000_000, 1), headers={"Content-Encoding": "gzip"}), BadDataError),
        (body(b"not gzip", headers={"Content-Encoding": "gzip"}), BadDataError),
        (body(b"?", headers={"Content-Encoding": "br"}), BadDataError),
        (drip, TransientError),
        (headers_without_end, TransientError),
        (informational, BadDataError),
        (not_http, TransientError),
    ],
    ids=[
        "too large",
        "no end",
        "bomb",
        "broken gzip",
        "unasked encoding",
        "slow drip",
        "endless headers",
        "endless hints",
        "not HTTP",
    ],
)
def test_bounded(server: Server, answer: object, error: type[SourceError]) -> None:
    server.answers["/"] = answer  # type: ignore[assignment]
    with pytest.raises(error):
        get(f"{server.base}/", limits=Limits(seconds=0.6, size=100_000))


@pytest.mark.parametrize(
    ("retry_after", "seconds"),
    [("7", 7.0), ("Thu, 01 Jan 1970 00:00:00 GMT", 0.0), ("soon", None), ("", None)],
    ids=["number", "date", "nonsense", "empty"],
)
def test_retry_after(server: Server, retry_after: str, seconds: float | None) -> None:
    server.answers["/"] = status(429, {"Retry-After": retry_after})
    with pytest.raises(RateLimitedError) as raised:
        get(f"{server.base}/")
    assert raised.value.retry_after == seconds
