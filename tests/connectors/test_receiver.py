"""The receiver: who gets what, what is refused, what two sources may share."""

import asyncio
import socket
from collections.abc import Awaitable, Callable

import httpx
import pytest

from connectors.sdk import BlockedError, TransientError
from connectors.sdk.receiver import LARGEST, Answer, Request, receiver

HOST = "127.0.0.1"


async def echo(request: Request) -> Answer:
    return Answer(202, {"X-Method": request.method}, f"{request.query} ".encode() + request.body)


def during(use: Callable[[str, httpx.AsyncClient], Awaitable[None]]) -> None:
    """Does something while a source listens at /hook."""

    async def run() -> None:
        async with receiver(HOST, 0, "/hook", echo) as port, httpx.AsyncClient(trust_env=False) as client:
            await use(f"http://{HOST}:{port}", client)

    asyncio.run(asyncio.wait_for(run(), 20))


def test_a_request_reaches_its_path_and_is_answered() -> None:
    async def use(base: str, client: httpx.AsyncClient) -> None:
        answer = await client.post(f"{base}/hook?a=1", content=b"text")
        assert (answer.status_code, answer.headers["x-method"], answer.text) == (202, "POST", "{'a': '1'} text")
        assert (await client.get(f"{base}/other")).status_code == 404

    during(use)


@pytest.mark.parametrize(("size", "status"), [(LARGEST, 202), (LARGEST + 1, 413)])
def test_a_body_has_a_largest_size(size: int, status: int) -> None:
    async def use(base: str, client: httpx.AsyncClient) -> None:
        assert (await client.post(f"{base}/hook", content=b"x" * size)).status_code == status

    during(use)


def test_two_paths_share_a_port_and_one_path_has_one_source() -> None:
    async def run() -> None:
        with socket.create_server((HOST, 0)) as free:
            port = free.getsockname()[1]
        async with receiver(HOST, port, "/one", echo), receiver(HOST, port, "/two", echo):
            async with httpx.AsyncClient(trust_env=False) as client:
                for path in ("one", "two"):
                    assert (await client.post(f"http://{HOST}:{port}/{path}")).status_code == 202
            with pytest.raises(BlockedError, match="/one"):
                async with receiver(HOST, port, "/one", echo):
                    pass
        async with receiver(HOST, port, "/one", echo):  # the port was let go
            pass

    asyncio.run(asyncio.wait_for(run(), 20))


def test_a_taken_port_is_said() -> None:
    async def run() -> None:
        with socket.create_server((HOST, 0)) as taken, pytest.raises(TransientError, match="cannot listen"):
            async with receiver(HOST, taken.getsockname()[1], "/hook", echo):
                pass

    asyncio.run(run())
