"""The webhook: 2xx only when the log has the items, signatures, what is refused and how it is said."""

import asyncio
import base64
import hashlib
import hmac
import json
import socket
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest

from connectors.sdk import Context, Fetch
from connectors.sdk.declare import DeclarationError, declare
from connectors.sdk.source import Batch
from tests.connectors.poll import NOW, articles, bad

SECRET = "whsec_" + base64.b64encode(b"a key of twenty-four byte").decode()
ONE = {"url": "https://wire.example/1", "title": "Ferry stopped", "body": "The ferry stays in port."}
NINJS = {"uri": "urn:wire:2", "headlines": [{"role": "main", "value": "Wind"}], "bodies": [{"value": "It blows."}]}
Post = Callable[..., Awaitable[httpx.Response]]


def signed(
    body: bytes, *, id_: str = "msg_1", at: float | None = None, secret: bytes = b"a key of twenty-four byte"
) -> dict[str, str]:
    stamp = str(int(NOW.timestamp() if at is None else at))
    digest = hmac.digest(secret, f"{id_}.{stamp}.".encode() + body, hashlib.sha256)
    return {
        "webhook-id": id_,
        "webhook-timestamp": stamp,
        "webhook-signature": f"v1,{base64.b64encode(digest).decode()}",
    }


def during(use: Callable[[Post, "asyncio.Queue[Batch]"], Awaitable[None]], take: bool = True, **config: Any) -> None:
    """Posts to a webhook while a log takes its batches, or fails at the first one that holds items."""

    async def run() -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        declared = declare({"kind": "webhook", "id": "wire", "path": "/wire", "port": port, **config})
        context = Context(source=declared.source, fetch=Fetch(), now=lambda: NOW)
        taken: asyncio.Queue[Batch] = asyncio.Queue()

        async def log() -> None:
            batches = declared.kind.poll(declared.config, context)
            try:
                async for batch in batches:
                    if not take:
                        return
                    await taken.put(batch)
            finally:
                await batches.aclose()  # type: ignore[attr-defined]

        running = asyncio.create_task(log())
        async with httpx.AsyncClient(trust_env=False, timeout=10) as client:
            for _ in range(100):
                try:
                    await client.get(f"http://127.0.0.1:{port}/")
                    break
                except httpx.ConnectError:
                    await asyncio.sleep(0.02)
            await use(lambda body, **more: client.post(f"http://127.0.0.1:{port}/wire", content=body, **more), taken)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    asyncio.run(asyncio.wait_for(run(), 30))


@pytest.mark.parametrize(
    ("body", "titles"),
    [
        (ONE, ["Ferry stopped"]),
        (NINJS, ["Wind"]),
        ([ONE, NINJS], ["Ferry stopped", "Wind"]),
    ],
    ids=["our own form", "ninjs", "a list"],
)
def test_what_is_posted_reaches_the_log_before_the_answer(body: Any, titles: list[str]) -> None:
    async def use(post: Post, taken: "asyncio.Queue[Batch]") -> None:
        answer = await post(json.dumps(body).encode())
        assert (answer.status_code, answer.json()) == (202, {"accepted": len(titles), "rejected": []})
        assert [article.title for article in articles([taken.get_nowait()])] == titles

    during(use)


def test_what_the_log_does_not_take_is_not_acknowledged() -> None:
    async def use(post: Post, _: "asyncio.Queue[Batch]") -> None:
        answer = await post(json.dumps(ONE).encode())
        assert answer.status_code == 503
        assert "send this again" in answer.json()["error"]

    during(use, take=False)


def test_good_items_go_on_beside_bad_ones() -> None:
    async def use(post: Post, taken: "asyncio.Queue[Batch]") -> None:
        answer = await post(json.dumps([ONE, {"title": "No key"}]).encode())
        assert answer.status_code == 202
        assert answer.json()["accepted"] == 1
        assert "`url`, or `id`" in answer.json()["rejected"][0]["reason"]
        assert len(bad([taken.get_nowait()])) == 1

    during(use)


@pytest.mark.parametrize("body", [b"", b"{", b"\xff\x00", b"[" * 100_000, b'"text"'])
def test_what_is_no_article_is_said_and_kept_as_a_dead_letter(body: bytes) -> None:
    async def use(post: Post, taken: "asyncio.Queue[Batch]") -> None:
        assert (await post(body)).status_code == 422
        assert bad([taken.get_nowait()])

    during(use)


BODY = json.dumps(ONE).encode()


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        (signed(BODY), 202),
        ({**signed(BODY), "webhook-signature": "v1,AAAA " + signed(BODY)["webhook-signature"]}, 202),
        ({}, 401),
        (signed(BODY + b" "), 401),
        (signed(BODY, secret=b"another"), 401),
        (signed(BODY, at=NOW.timestamp() - 301), 401),
        (signed(BODY, at=NOW.timestamp() + 301), 401),
        ({**signed(BODY), "webhook-id": "msg_2"}, 401),
        ({**signed(BODY), "webhook-timestamp": "soon"}, 401),
        ({**signed(BODY), "webhook-signature": "v2,AAAA"}, 401),
    ],
    ids=["right", "one of two", "none", "body", "key", "old", "ahead", "id", "no time", "version"],
)
def test_signatures(headers: dict[str, str], status: int) -> None:
    async def use(post: Post, _: "asyncio.Queue[Batch]") -> None:
        assert (await post(BODY, headers=headers)).status_code == status

    during(use, secret=SECRET)


def test_a_webhook_that_others_reach_needs_a_secret() -> None:
    with pytest.raises(DeclarationError, match="needs a `secret`"):
        declare({"kind": "webhook", "path": "/wire", "host": "0.0.0.0"})


def test_only_post() -> None:
    async def use(post: Post, _: "asyncio.Queue[Batch]") -> None:
        url = str((await post(BODY)).request.url)
        async with httpx.AsyncClient(trust_env=False) as client:
            assert (await client.get(url)).status_code == 405

    during(use)
