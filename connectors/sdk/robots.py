"""robots.txt: which pages of a host may be read (RFC 9309)."""

import asyncio
import re
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from protego import Protego

from connectors.sdk.errors import BlockedError, SourceError, TransientError

AGENT = "wirewatch"
"""Product token that a robots.txt names us by."""
LARGEST = 500 * 1024
"""Bytes that are read."""
FRESH = 24 * 3600.0
"""Seconds that one is held to be current."""
AGAIN = 600.0
"""Seconds after which one that could not be fetched is asked for again."""
LONGEST_DELAY = 60.0
"""Seconds of crawl-delay that are honoured."""
KEPT = 4_096
"""Hosts whose robots.txt is remembered."""

_AGENT_LINE = re.compile(r"^([ \t]*user[- ]?agent[ \t]*[: \t])([^\r\n#]*)", re.I | re.M)


@dataclass(frozen=True)
class Robots:
    """What one robots.txt says; `rules` None where it could not be had."""

    rules: Protego | None
    until: float
    """Monotonic time up to which it holds."""
    failure: SourceError | None = None
    """Why it could not be had."""

    @property
    def delay(self) -> float:
        """Seconds between requests that it asks for."""
        return min(LONGEST_DELAY, max(0.0, (self.rules and self.rules.crawl_delay(AGENT)) or 0.0))


class Gate:
    """Says whether a page may be read."""

    def __init__(self, read: Callable[[str], Awaitable[bytes]], slow: Callable[[str, float], None]) -> None:
        """
        Args:
            read: the bytes of the robots.txt at a URL, none where the host has none; a SourceError where it cannot say.
            slow: hears of a host that wants so many seconds between requests.
        """
        self._read = read
        self._slow = slow
        self._known: OrderedDict[str, Robots] = OrderedDict()
        self._asking: dict[str, asyncio.Lock] = {}

    async def check(self, url: str, origin: str, host: str) -> None:
        """
        Args:
            url: of the page.
            origin: its scheme, host and port.
            host: its host.

        Raises:
            BlockedError: robots.txt forbids it.
            TransientError: robots.txt cannot be had, which forbids everything for the time being.
        """
        robots = self._current(origin)
        if robots is None:
            async with self._asking.setdefault(origin, asyncio.Lock()):
                robots = self._current(origin) or await self._ask(origin, host)
            self._asking.pop(origin, None)
        if robots.rules is None:
            why = robots.failure and robots.failure.what
            raise TransientError(
                f"{origin}/robots.txt cannot be had, so that its pages are left alone: {robots.failure}",
                what=why if why in ("dns", "tls") else "robots",
            )
        if not robots.rules.can_fetch(url, AGENT):
            raise BlockedError(f"robots.txt of {origin} does not want this page to be read", what="robots")

    def _current(self, origin: str) -> Robots | None:
        known = self._known.get(origin)
        return known if known and known.until > time.monotonic() else None

    async def _ask(self, origin: str, host: str) -> Robots:
        now = time.monotonic()
        try:
            data = await self._read(f"{origin}/robots.txt")
            robots = Robots(await asyncio.to_thread(read_robots, data), now + FRESH)
        except SourceError as error:
            earlier = self._known.get(origin)
            robots = Robots(earlier.rules if earlier else None, now + AGAIN, error)
        self._known[origin] = robots
        self._known.move_to_end(origin)
        if len(self._known) > KEPT:
            self._known.popitem(last=False)
        self._slow(host, robots.delay)
        return robots


def read_robots(data: bytes) -> Protego:
    """The rules of a robots.txt, as far as they concern us.

    The names of other robots become one: a file may name ten thousand, and each would get its own copy of the rules.
    """
    text = data[:LARGEST].decode("utf-8-sig", "replace")
    return Protego.parse(_AGENT_LINE.sub(_named, text))


def _named(line: "re.Match[str]") -> str:
    name = line[2].strip().lower()
    if name == "*":
        return line[0]
    return line[1] + (AGENT if name.rstrip("*").partition("/")[0] == AGENT else "other")
