"""The dialer: which addresses it takes a name to, in which order, and what it refuses."""

import asyncio
import socket
import ssl
import subprocess
import threading
from pathlib import Path

import pytest

from connectors.sdk import BadDataError, BlockedError, Fetch, SourceError, TransientError
from connectors.sdk.dial import literal
from tests.connectors.server import Server, body, status
from tests.connectors.world import PUBLIC, World

NAME = "http://news.example/"


def get(world: World, url: str = NAME, times: int = 1) -> bytes:
    async def fetch() -> bytes:
        guarded = world.fetch()
        try:
            for _ in range(times):
                found = await guarded(url)
            return found.body
        finally:
            await guarded.aclose()

    return asyncio.run(fetch())


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("127.1", "127.0.0.1"),
        ("0x7f000001", "127.0.0.1"),
        ("0177.0.0.1", "127.0.0.1"),
        ("2130706433", "127.0.0.1"),
        ("[::1]", "::1"),
        ("::ffff:10.0.0.1", "::ffff:10.0.0.1"),
        ("fe80::1%eth0", "fe80::1"),
        ("news.example", None),
        ("1.2.3.4.5", None),
    ],
)
def test_addresses_in_all_spellings(host: str, address: str | None) -> None:
    found = literal(host)
    assert (None if found is None else str(found)) == (
        address if address is None else str(literal(address)) if ":" in address else address
    )


@pytest.mark.parametrize(
    "addresses",
    [
        ["10.0.0.1"],
        [PUBLIC, "127.0.0.1"],
        [PUBLIC, "2606:2800:220:1::1", "::1"],
        ["::ffff:192.168.0.1"],
        ["64:ff9b:1::7f00:1"],
        ["::7f00:1"],
        ["2a00:1:2:3:0:5efe:a00:1"],
    ],
    ids=["private", "one of two", "one of three", "mapped", "local NAT64", "compatible", "ISATAP"],
)
def test_every_address_of_a_name_must_be_public(server: Server, addresses: list[str]) -> None:
    world = World(server, {"news.example": addresses})
    with pytest.raises(BlockedError, match="not a public address") as raised:
        get(world)
    assert raised.value.what == "address"
    assert world.reached == []


def test_a_name_that_changes_its_mind_is_asked_once_a_connection(server: Server) -> None:
    server.answers["/"] = status(200, {"Connection": "close"})
    world = World(server, {"news.example": [[PUBLIC], ["127.0.0.1"]]})
    with pytest.raises(BlockedError):
        get(world, times=2)
    assert world.reached == [PUBLIC], "the first went where it was checked, the second nowhere"


@pytest.mark.parametrize("trouble", ["refusing", "silent"])
def test_the_next_address_is_tried(server: Server, trouble: str) -> None:
    server.answers["/"] = body(b"hello")
    first, second = "2606:2800:220:1::1", PUBLIC
    world = World(server, {"news.example": [first, second]}, **{trouble: [first]})
    assert get(world) == b"hello"
    assert world.reached == [first, second]


def test_families_take_turns_and_tries_are_few(server: Server) -> None:
    six = [f"2606:2800:220:1::{number}" for number in range(1, 9)]
    world = World(server, {"news.example": [*six, PUBLIC]}, refusing=[*six, PUBLIC])
    with pytest.raises(TransientError) as raised:
        get(world)
    assert raised.value.what == "connect"
    assert world.reached == [six[0], PUBLIC, six[1], six[2]]


def test_no_such_name(server: Server) -> None:
    with pytest.raises(TransientError, match="check the name") as raised:
        get(World(server))
    assert raised.value.what == "dns"


@pytest.fixture
def stranger(tmp_path: Path) -> tuple[int, threading.Thread]:
    """The port of a server whose certificate nobody vouches for."""
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=localhost",
         "-keyout", str(key), "-out", str(certificate)],
        check=True,
        capture_output=True,
    )  # fmt: skip
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        with listener:
            connection, _ = listener.accept()
            with connection, pytest.raises((ssl.SSLError, OSError)), context.wrap_socket(connection, server_side=True):
                pass

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    return listener.getsockname()[1], thread


@pytest.mark.parametrize("protocol", ["http", "other"])
def test_certificates_are_checked(stranger: tuple[int, threading.Thread], protocol: str) -> None:
    port, thread = stranger

    async def connect() -> None:
        fetch = Fetch(allow=["127.0.0.1"])
        try:
            if protocol == "http":
                await fetch(f"https://127.0.0.1:{port}/")
            else:
                await fetch.dial("127.0.0.1", port)
        finally:
            await fetch.aclose()

    with pytest.raises(TransientError, match="cannot be trusted over TLS: certificate verify failed") as raised:
        asyncio.run(connect())
    assert raised.value.what == "tls"
    thread.join(timeout=5)


def converse(script: bytes, talk: str) -> object:
    """What a plain stream reads of what a server says."""

    async def run() -> object:
        async def say(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(script)
            writer.close()

        server = await asyncio.start_server(say, "127.0.0.1", 0)
        fetch = Fetch(allow=["127.0.0.1"])
        try:
            async with await fetch.dial("127.0.0.1", server.sockets[0].getsockname()[1], tls=False) as stream:
                if talk == "lines":
                    return [await stream.readline(), await stream.readexactly(4), await stream.readline()]
                return await stream.readline(limit=1000)
        finally:
            await fetch.aclose()
            server.close()

    return asyncio.run(run())


def test_a_stream_for_other_protocols() -> None:
    assert converse(b"* OK\r\nabcd)\r\n", "lines") == [b"* OK\r\n", b"abcd", b")\r\n"]


@pytest.mark.parametrize(
    ("script", "error"),
    [(b"x" * 300_000, BadDataError), (b"no end", TransientError)],
    ids=["a line without end", "the end in a line"],
)
def test_a_stream_is_bounded(script: bytes, error: type[SourceError]) -> None:
    with pytest.raises(error):
        converse(script, "line")


def test_a_stream_goes_to_public_addresses_only(server: Server) -> None:
    async def dial() -> None:
        await World(server, {"mail.example": ["10.0.0.1"]}).fetch().dial("mail.example", 993)

    with pytest.raises(BlockedError):
        asyncio.run(dial())
