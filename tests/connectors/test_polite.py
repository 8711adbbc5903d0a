"""Politeness: how many requests a host gets at a time and how far apart, and what its robots.txt says."""

import asyncio

import pytest

from connectors.sdk import BlockedError, Polite, SourceError, TransientError
from connectors.sdk.polite import Patience, Turns
from connectors.sdk.robots import LARGEST, read_robots
from tests.connectors.server import Answer, Server, body, status
from tests.connectors.world import PUBLIC, World, hurried

Visits = list[tuple[str, float]]


def starts(polite: Polite, hosts: list[str], takes: float = 0.0, exempt: str = "", slow: float = 0.0) -> Visits:
    """When each request starts, where each takes so many seconds and all are wanted at once."""

    async def main() -> Visits:
        async def is_exempt(host: str) -> bool:
            return host == exempt

        turns = Turns(polite, is_exempt, 100)
        if slow:
            turns.slow(hosts[0], slow)
        found: Visits = []

        async def visit(host: str) -> None:
            async with turns.turn(host):
                found.append((host, asyncio.get_running_loop().time()))
                await asyncio.sleep(takes)

        await asyncio.gather(*map(visit, hosts))
        return [(host, round(time, 3)) for host, time in found]

    result: Visits = hurried(main)
    return result


@pytest.mark.parametrize(
    ("polite", "hosts", "more", "expected"),
    [
        (Polite(), ["a", "a", "a"], {}, [("a", 0), ("a", 5), ("a", 10)]),
        (Polite(), ["a", "b", "a"], {}, [("a", 0), ("b", 0), ("a", 5)]),
        (Polite(gap=0), ["a"] * 5, {"takes": 7.0}, [("a", 0), ("a", 0), ("a", 7), ("a", 7), ("a", 14)]),
        (Polite(gap=0, parallel=1), ["a"] * 3, {"takes": 7.0}, [("a", 0), ("a", 7), ("a", 14)]),
        (Polite(), ["a", "a"], {"exempt": "a"}, [("a", 0), ("a", 0)]),
        (Polite(), ["a", "a", "a"], {"slow": 20.0}, [("a", 0), ("a", 20), ("a", 40)]),
        (Polite(), ["a", "a", "a"], {"slow": 1.0}, [("a", 0), ("a", 5), ("a", 10)]),
    ],
    ids=["apart", "each host by itself", "two at a time", "one at a time", "intranet", "crawl-delay", "a short one"],
)
def test_turns(polite: Polite, hosts: list[str], more: dict[str, object], expected: Visits) -> None:
    assert starts(polite, hosts, **more) == expected  # type: ignore[arg-type]


def test_whoever_waits_for_a_turn_is_not_impatient() -> None:
    async def main() -> list[float]:
        async def no(_: str) -> bool:
            return False

        turns, ended = Turns(Polite(gap=50.0), no, 100), []

        async def visit() -> None:
            async with turns.turn("a"):
                ended.append(asyncio.get_running_loop().time())

        async with Patience(10.0).spent():
            await asyncio.gather(visit(), visit(), visit())
        with pytest.raises(TransientError, match="brought nothing"):
            async with Patience(10.0).spent():
                await asyncio.sleep(11)
        return ended

    assert hurried(main) == [0.0, 50.0, 100.0]


def fetch(server: Server, url: str, times: int = 1) -> bytes:
    async def run() -> bytes:
        guarded = World(server, {"news.example": [PUBLIC]}).fetch()
        try:
            for _ in range(times):
                found = await guarded(url, robots=True)
            return found.body
        finally:
            await guarded.aclose()

    return asyncio.run(run())


PAGE = "http://news.example/story/1"
ALL_BUT_US = b"User-agent: *\nDisallow:\n\nUser-agent: wirewatch\nDisallow: /story/\n"
NONE_BUT_US = b"User-agent: *\nDisallow: /\n\nUser-agent: WireWatch/1.0\nAllow: /\n"


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (status(404), None),
        (status(403), None),
        (status(400), None),
        (body(b""), None),
        (body(b"<html>what?</html>", "text/html"), None),
        (body(b"\xef\xbb\xbfUser-agent: *\r\nDisallow: /story"), BlockedError),
        (body(b"User-agent: *\nDisallow: /story\nAllow: /story/1$"), None),
        (body(b"User-agent: other\nDisallow: /"), None),
        (body(ALL_BUT_US), BlockedError),
        (body(NONE_BUT_US), None),
        (body(b"User-agent: *\nDisallow: /story\n" + b"#" * 2 * LARGEST), BlockedError),
        (status(301, {"Location": "/elsewhere.txt"}), BlockedError),
        (status(500), TransientError),
        (status(429), TransientError),
        (status(302, {"Location": "http://10.0.0.1/robots.txt"}), TransientError),
    ],
    ids=[
        "none", "not for us", "a bad request", "empty", "a page", "for all", "the longest rule", "for another",
        "for us", "for all but us", "too long", "moved", "broken", "too many requests", "moved inside",
    ],
)  # fmt: skip
def test_robots(server: Server, answer: Answer, error: type[SourceError] | None) -> None:
    server.answers |= {"/robots.txt": answer, "/story/1": body(b"story")}
    server.answers["/elsewhere.txt"] = body(b"User-agent: *\nDisallow: /")
    if error is None:
        assert fetch(server, PAGE, times=3) == b"story"
        assert [path for path, _ in server.asked].count("/robots.txt") == 1
        return
    with pytest.raises(error) as raised:
        fetch(server, PAGE)
    assert raised.value.what == "robots"
    assert "/story/1" not in [path for path, _ in server.asked]


def test_robots_hold_where_a_redirect_leads(server: Server) -> None:
    server.answers |= {"/robots.txt": body(b"User-agent: *\nDisallow: /story/2"), "/story/2": body(b"hidden")}
    server.answers["/story/1"] = status(302, {"Location": "/story/2"})
    with pytest.raises(BlockedError):
        fetch(server, PAGE)


def test_a_robots_file_of_ten_thousand_robots_is_read() -> None:
    names = "".join(f"User-agent: robot{number}\n" for number in range(12_000))
    rules = read_robots((names + "User-agent: wirewatch\n" + "Disallow: /a\n" * 12_000).encode())
    assert not rules.can_fetch("http://news.example/a", "wirewatch")
    assert rules.can_fetch("http://news.example/b", "wirewatch")
