"""Whom the clients trust: a server with a certificate of an authority that only the tests know."""

import asyncio
import hashlib
import ssl
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple

import pytest
from elasticsearch import TransportError

from pipeline.settings import Http
from pipeline.sinks.elasticsearch.client import connect, connect_async, explained
from tests.stack.certificates import make
from tests.stack.fixtures import begun


class Server(NamedTuple):
    """Answers every request as Elasticsearch would answer one for its indices, and keeps who signed in."""

    url: str
    ca_file: str
    fingerprint: str
    """Of its certificate."""
    signed: list[str | None]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("certificates")
    begun(lambda: make(folder))
    signed: list[str | None] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            signed.append(self.headers["Authorization"])
            self.send_response(200)
            self.send_header("X-Elastic-Product", "Elasticsearch")
            self.send_header("Content-Type", "application/vnd.elasticsearch+json; compatible-with=9")
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.crt", folder / "server.key")
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listening:
        listening.socket = context.wrap_socket(listening.socket, server_side=True)
        threading.Thread(target=listening.serve_forever, daemon=True).start()
        certificate = ssl.PEM_cert_to_DER_cert((folder / "server.crt").read_text())
        yield Server(
            f"https://127.0.0.1:{listening.server_port}",
            str(folder / "ca.crt"),
            hashlib.sha256(certificate).hexdigest(),
            signed,
        )
        listening.shutdown()


def ask(given: Http) -> None:
    with connect(given) as client:
        client.options(max_retries=0).indices.get_alias()


def ask_async(given: Http) -> None:
    async def run() -> None:
        async with connect_async(given) as client:
            await client.options(max_retries=0).indices.get_alias()

    asyncio.run(run())


both = pytest.mark.parametrize("ask", [ask, ask_async])


@both
def test_the_authority_or_the_fingerprint_makes_a_server_trusted(server: Server, ask: Callable[[Http], None]) -> None:
    ask(Http(url=server.url, ca_file=server.ca_file))
    ask(Http(url=server.url, fingerprint=server.fingerprint))
    ask(Http(url=server.url, fingerprint=server.fingerprint.upper()))


@both
@pytest.mark.parametrize("fingerprint", ["", "00" * 32])
def test_any_other_server_is_not_spoken_to(server: Server, ask: Callable[[Http], None], fingerprint: str) -> None:
    before = len(server.signed)
    with pytest.raises(TransportError) as refused:
        ask(Http(url=server.url, user="u", password="p", fingerprint=fingerprint))
    assert "is not trusted; set elasticsearch.ca_file" in explained(refused.value)
    assert len(server.signed) == before


@both
def test_how_it_signs_in(server: Server, ask: Callable[[Http], None]) -> None:
    ask(Http(url=server.url, ca_file=server.ca_file, user="u", password="p"))
    ask(Http(url=server.url, ca_file=server.ca_file, api_key="k"))
    assert server.signed[-2:] == ["Basic dTpw", "ApiKey k"]
