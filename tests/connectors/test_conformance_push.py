"""The promises of sources that are not fetched over HTTP: webhook, mailbox, and another Kafka."""

import threading
from collections.abc import Iterator
from email.message import EmailMessage
from types import TracebackType
from typing import Any, Self

import httpx
import msgspec
import pytest
from kafka import KafkaProducer
from kafka.admin import KafkaAdminClient, NewTopic

from connectors.sdk import Fetch, Limits
from connectors.sdk.testing import NO_NETWORK, Sample, Trouble, World, conformance_suite, sample
from connectors.sdk.testing.describe import PAGE
from tests.connectors.mailbox import PASSWORD, USER, Mailbox
from tests.stack.process import free_port


def as_json(item: Sample) -> bytes:
    return msgspec.json.encode(
        {"url": item.url, "title": item.title, "body": item.body, "published": item.published.isoformat()}
    )


SAME_READER = {"malformed": "documents are read as the folder reads them, which passes"}
"""A poll of these takes about a second, and this point polls two hundred times."""


class Sender(World):
    """Somebody who posts items to the webhook, again and again until each is acknowledged."""

    skips = NO_NETWORK | SAME_READER | {"future": "it keeps no cursor: what was acknowledged is never sent again"}
    idle = 0.3
    uses_loopback = True

    def __init__(self) -> None:
        self._port = free_port()
        self._waiting: list[bytes] = []
        self._newest = b""
        self._change = threading.Condition()
        self._closed = False
        self._thread = threading.Thread(target=self._send, daemon=True)

    async def __aenter__(self) -> Self:
        self._thread.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._change:
            self._closed = True
            self._change.notify()
        self._thread.join()

    def config(self) -> dict[str, Any]:
        return {"path": "/wire", "port": self._port}

    def publish(self, number: int) -> None:
        self._newest = as_json(sample(number))
        self._put(self._newest)

    def document(self) -> bytes:
        return self._newest

    def damage(self, data: bytes | None, *, pages: bool = False) -> None:
        if data is not None and not pages:
            self._put(data)

    def _put(self, body: bytes) -> None:
        with self._change:
            self._waiting.append(body)
            self._change.notify()

    def _send(self) -> None:
        with httpx.Client(trust_env=False, timeout=5) as client:
            while True:
                with self._change:
                    self._change.wait_for(lambda: self._waiting or self._closed)
                    if self._closed:
                        return
                    some = self._waiting[:10]
                body = some[0] if len(some) == 1 else b"[" + b",".join(some) + b"]"
                try:
                    status = client.post(f"http://127.0.0.1:{self._port}/wire", content=body).status_code
                except httpx.HTTPError:
                    status = 0
                with self._change:
                    if status in (202, 422):
                        del self._waiting[: len(some)]
                    else:
                        self._change.wait_for(lambda: self._closed, 0.02)


class MailboxWorld(World):
    """A mailbox on this machine."""

    skips = NO_NETWORK
    shows = frozenset({"title", "body", "published"})
    troubles = frozenset({"401", "404"})
    uses_loopback = True

    def __init__(self) -> None:
        self._server = Mailbox()
        self._damaged: bytes | None = None

    async def __aenter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    def config(self) -> dict[str, Any]:
        return {"host": "127.0.0.1", "port": self._server.port, "tls": False, "user": USER, "password": PASSWORD}

    def publish(self, number: int) -> None:
        item = sample(number)
        message = EmailMessage()
        message["Subject"], message["From"] = item.title, "Desk <desk@wire.example>"
        message["Message-ID"], message["Date"] = f"<{number}@wire.example>", item.published
        message.set_content(item.body)
        self._server.put(message.as_bytes())

    def trouble(self, kind: Trouble | None) -> None:
        self._server.fails = {"401": "LOGIN", "404": "SELECT", None: None}[kind]

    def document(self) -> bytes:
        return self._server.messages[max(self._server.messages)]

    def damage(self, data: bytes | None, *, pages: bool = False) -> None:
        newest = max(self._server.messages)
        if data is not None and not pages:
            self._server.messages[newest] = data

    def fetch(self, limits: Limits) -> Fetch:
        return Fetch(limits=limits, allow=("127.0.0.1",))


BROKER: list[str] = []


@pytest.fixture(scope="module")
def _broker(bootstrap: str) -> Iterator[None]:
    BROKER.append(bootstrap)
    yield
    BROKER.clear()


class TopicWorld(World):
    """A topic of its own on a real broker."""

    skips = NO_NETWORK | SAME_READER
    uses_loopback = True
    made = 0

    def __init__(self) -> None:
        TopicWorld.made += 1
        self._topic = f"conformance-{self.made}"
        self._newest = b""
        self._producer: Any = None

    async def __aenter__(self) -> Self:
        admin = KafkaAdminClient(bootstrap_servers=BROKER[0])
        admin.create_topics([NewTopic(self._topic, 1, 1)])
        admin.close()
        self._producer = KafkaProducer(bootstrap_servers=BROKER[0])
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._producer.close()

    def config(self) -> dict[str, Any]:
        return {"bootstrap": BROKER[0], "topic": self._topic}

    def publish(self, number: int) -> None:
        self._newest = as_json(sample(number))
        self._put(self._newest)

    def document(self) -> bytes:
        return self._newest

    def damage(self, data: bytes | None, *, pages: bool = False) -> None:
        if data is not None and not pages:
            self._put(data)

    def _put(self, value: bytes) -> None:
        self._producer.send(self._topic, value=value).get(10)


TestWebhook = conformance_suite("webhook", Sender, docs=PAGE)
TestMailbox = conformance_suite("imap", MailboxWorld, docs=PAGE)
TestKafka = pytest.mark.usefixtures("_broker")(conformance_suite("kafka", TopicWorld, docs=PAGE))
