"""A feed whose hub pushes: subscribed, confirmed, renewed, polled at once; and as ever where the hub does not play."""

import asyncio
import hashlib
import hmac
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager
from typing import Any
from urllib.parse import parse_qsl

import httpx
import pytest

from connectors.feed import websub
from connectors.sdk import Batch, Context, Fetch
from connectors.sdk.declare import declare
from connectors.sdk.receiver import Answer, Request, receiver
from tests.connectors.poll import articles


class Outside:
    """A feed, the hub that it names, and the source that reads it."""

    def __init__(self, source: Any, client: httpx.AsyncClient) -> None:
        self._source, self._client = source, client
        self.titles = ["One"]
        self.fetched: list[Request] = []
        self.asked: list[dict[str, str]] = []
        self.status, self.base, self.link = 202, "", ""

    async def feed(self, request: Request) -> Answer:
        self.fetched.append(request)
        items = "".join(
            f"<item><guid isPermaLink='false'>{title}</guid><title>{title}</title></item>" for title in self.titles
        )
        channel = f"<channel><title>Quay</title>{items}</channel>"
        return Answer(200, {"Link": self.link, "ETag": '"1"'}, f'<rss version="2.0">{channel}</rss>'.encode())

    async def hub(self, request: Request) -> Answer:
        self.asked.append(dict(parse_qsl(request.body.decode())))
        return Answer(self.status)

    async def poll(self) -> list[Batch]:
        """The batches of one poll: the last brings nothing."""
        found = []
        while True:
            batch = await anext(self._source)
            found.append(batch)
            if not batch.items:
                return found

    async def until_asked(self, times: int) -> None:
        while len(self.asked) < times:
            await asyncio.sleep(0.01)

    async def confirm(self, **changed: str) -> httpx.Response:
        asked = self.asked[-1]
        query = {"hub.mode": "subscribe", "hub.topic": asked["hub.topic"], "hub.challenge": "c-1", **changed}
        return await self._client.get(asked["hub.callback"], params=query)

    async def push(self, body: bytes = b"<rss/>", digest: str = "sha256", secret: str | None = None) -> int:
        asked = self.asked[-1]
        signature = hmac.new((secret or asked["hub.secret"]).encode(), body, getattr(hashlib, digest)).hexdigest()
        headers = {"X-Hub-Signature": f"{digest}={signature}"}
        return (await self._client.post(asked["hub.callback"], content=body, headers=headers)).status_code


@asynccontextmanager
async def outside(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Outside]:
    fetch = Fetch(allow=("127.0.0.1",))
    async with httpx.AsyncClient(trust_env=False) as client:
        world = Outside(None, client)
        async with receiver("127.0.0.1", 0, "/feed", world.feed) as port, receiver("127.0.0.1", 0, "/hub", world.hub):
            base = f"http://127.0.0.1:{port}"
            world.link = f'<{base}/hub>; rel="hub", <{base}/self>; rel="self"'
            config = {"callback": f"{base}/push", "port": 0}
            declared = declare({"kind": "feed", "id": "quay", "url": f"{base}/feed", "websub": config})
            context = Context(source=declared.source, fetch=fetch)
            monkeypatch.setattr(websub, "CONFIRMED_WITHIN", 0.5)
            async with aclosing(declared.kind.poll(declared.config, context)) as source:  # type: ignore[type-var]
                world._source = source
                yield world
    await fetch.aclose()


def run(monkeypatch: pytest.MonkeyPatch, test: Callable[[Outside], Awaitable[None]]) -> None:
    async def main() -> None:
        async with outside(monkeypatch) as world, asyncio.timeout(30):
            await test(world)

    asyncio.run(main())


async def subscribed(world: Outside) -> list[Batch]:
    """Polls, subscribes, confirms, and polls again beside the hub."""
    first = await world.poll()
    assert first[-1].next_poll == 1.0, "whoever polls only once is done here"
    polling = asyncio.create_task(world.poll())
    await world.until_asked(1)
    answer = await world.confirm()
    assert (answer.status_code, answer.text) == (200, "c-1")
    await asyncio.sleep(0.05)
    assert not polling.done(), "it waits for the hub"
    return [*first, *await _after(world.push(), polling)]


async def _after(push: Awaitable[int], polling: "asyncio.Task[list[Batch]]") -> list[Batch]:
    assert await push == 202
    return await polling


def test_what_is_pushed_is_polled_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(world: Outside) -> None:
        found = await subscribed(world)
        assert [item.title for item in articles(found)] == ["One"]
        asked = world.asked[0]
        assert asked["hub.mode"] == "subscribe"
        assert asked["hub.topic"].endswith("/self")
        assert asked["hub.callback"].endswith("/push/quay")
        world.titles.append("Two")
        polling = asyncio.create_task(world.poll())
        await asyncio.sleep(0.05)
        assert [item.title for item in articles(await _after(world.push(digest="sha1"), polling))] == ["Two"]
        assert "if-none-match" not in world.fetched[-1].headers
        assert len(world.asked) == 1

    run(monkeypatch, test)


def test_what_is_not_signed_by_the_hub_is_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(world: Outside) -> None:
        await subscribed(world)
        polling = asyncio.create_task(world.poll())
        await asyncio.sleep(0.05)
        before = len(world.fetched)
        assert await world.push(secret="guessed") == await world.push(digest="md5") == 202
        await asyncio.sleep(0.05)
        assert (len(world.fetched), polling.done()) == (before, False)
        polling.cancel()
        await asyncio.gather(polling, return_exceptions=True)

    run(monkeypatch, test)


@pytest.mark.parametrize("changed", [{"hub.topic": "https://other.example/"}, {"hub.mode": "unsubscribe"}])
def test_only_what_was_asked_is_confirmed(changed: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(world: Outside) -> None:
        await world.poll()
        polling = asyncio.create_task(world.poll())
        await world.until_asked(1)
        assert (await world.confirm(**changed)).status_code == 404
        assert (await polling)[-1].next_poll is None, "the schedule goes on"

    run(monkeypatch, test)


@pytest.mark.parametrize("status", [202, 500], ids=["never confirmed", "the hub fails"])
def test_without_its_hub_a_feed_is_polled_as_ever(status: int, monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(world: Outside) -> None:
        world.status = status
        await world.poll()
        for title in ("Two", "Three"):
            world.titles.append(title)
            found = await world.poll()
            assert [item.title for item in articles(found)] == [title]
            assert found[-1].next_poll is None
        assert len(world.asked) == 1, "a hub is not asked at every poll"

    run(monkeypatch, test)


def test_a_lease_is_renewed(monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(world: Outside) -> None:
        await world.poll()
        polling = asyncio.create_task(world.poll())
        await world.until_asked(1)
        await world.confirm(**{"hub.lease_seconds": "1"})
        await world.until_asked(2)
        await world.confirm()
        await asyncio.sleep(0.3)
        assert not polling.done()
        await _after(world.push(), polling)
        assert len(world.asked) == 2
        assert world.asked[0]["hub.secret"] == world.asked[1]["hub.secret"]

    run(monkeypatch, test)
