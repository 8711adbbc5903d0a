"""The outside of a source, which a conformance suite controls: what there is to read, and what goes wrong."""

import html
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Any, ClassVar, Literal, Self, get_args

from connectors.sdk.dial import Address
from connectors.sdk.fetch import Fetch, Limits

NOW = datetime(2024, 5, 7, 12, tzinfo=UTC)
"""The time that a source under test sees."""
FUTURE = 999
"""Number of a sample that is dated a hundred days after NOW."""

Trouble = Literal[
    "401",
    "403",
    "404",
    "410",
    "429",
    "500",
    "503",
    "dns",
    "tls",
    "reset",
    "hang",
    "slow",
    "oversize",
    "bomb",
    "private-redirect",
    "unconditional",
    "future-validator",
]
"""What can be wrong with an outside: an HTTP status (429 and 503 with `Retry-After: 120`); a name without an address;
a certificate that cannot be trusted; a connection that is reset; no answer at all; an answer a byte at a time; one
that is larger than the limits; one that is, once decompressed; a redirect to a private address; a server that ignores
validators, or gives one that is dated in the future and holds for ever."""

RETRY_AFTER = 120.0
"""Seconds that `429` and `503` ask to wait."""
ALL_TROUBLES: frozenset[Trouble] = frozenset(get_args(Trouble))

NO_NETWORK = {
    "not_modified": "no HTTP, so no validators",
    "retry_after": "no HTTP, so no Retry-After",
    "private_redirects": "no HTTP, so no redirects",
    "limits": "nothing is fetched",
}
"""`skips` of a world that is not reached over HTTP."""


@dataclass(frozen=True)
class Sample:
    """An item as it is published in a world. Its text has characters that go wrong easily."""

    number: int
    title: str
    paragraphs: tuple[str, ...]
    url: str
    published: datetime

    @property
    def body(self) -> str:
        """Plain text, a line for each paragraph."""
        return "\n".join(self.paragraphs)

    @property
    def html(self) -> str:
        """The body as HTML."""
        return "".join(f"<p>{html.escape(text)}</p>" for text in self.paragraphs)

    @property
    def page(self) -> str:
        """The article page behind its link."""
        title = html.escape(self.title)
        return (
            f'<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
            f'<link rel="canonical" href="{html.escape(self.url)}">'
            f'<meta property="article:published_time" content="{self.published.isoformat()}"></head>'
            f"<body><nav><a href='/'>Home</a></nav><article><h1>{title}</h1>{self.html}</article></body></html>"
        )


def sample(number: int) -> Sample:
    """The item of that number: every number another title, text, link and date; the higher, the newer."""
    published = NOW + timedelta(days=100) if number == FUTURE else NOW - timedelta(hours=24) + number * _STEP
    place, goods, people = (words[number % len(words)] for words in (_PLACES, _GOODS, _PEOPLE))
    return Sample(
        number=number,
        title=f"Report {number}: {people} in {place} & the price of {goods}",
        paragraphs=(
            f"{people} in {place} said on Monday that the price of {goods} had risen by {number + 3} % since the "
            f"spring, more than in any of the {number + 7} years before.",
            f"“Nobody here expected it,” said one of them; others in {place} pointed to the harvest of {2000 + number} "
            f"& to the roads, where 3 < 5 bridges were open again after the floods.",
            f"The town council of {place} will speak about {goods} in {number + 2} days. It has not said whether the "
            f"market in Košice, closed since last week, would be opened on the same day or a week later.",
        ),
        url=f"https://news.example/reports/{number}",
        published=published,
    )


_STEP = timedelta(minutes=9)
_PLACES = ("Köln", "Łódź", "Ağdam", "Ría", "Ñemby", "Žilina", "Århus")
_GOODS = ("bread", "diesel", "rice", "timber", "salt")
_PEOPLE = ("Farmers", "Drivers", "Bakers")


class World:
    """The outside of one source. Derive from it (or from `HttpWorld` or `FolderWorld`) for each kind.

    It is opened and closed with `async with`; methods may be coroutines where that is easier.
    """

    skips: ClassVar[Mapping[str, str]] = {}
    """Points that cannot apply to this kind, each with the reason that is shown."""
    troubles: ClassVar[frozenset[Trouble]] = frozenset()
    """The troubles that `trouble` can make."""
    shows: ClassVar[frozenset[str]] = frozenset({"title", "body", "url", "published"})
    """What of a sample can be read in this world."""
    earlier_cursors: ClassVar[Sequence[Any]] = ()
    """Cursors that earlier versions of the source have stored; record one whenever their form changes."""
    when_empty: ClassVar[Literal["empty", "bad-data"]] = "empty"
    """What `check` says where nothing is published; `bad-data` where a list without items is rather a broken one."""
    idle: ClassVar[float | None] = None
    """Seconds without a batch after which a poll counts as done, for a source that waits for what is pushed to it."""
    uses_loopback: ClassVar[bool] = False
    """The source listens on or talks to this machine; other raw sockets stay forbidden."""
    not_modified = 0
    """How often it has answered that nothing changed."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Takes everything down."""

    def config(self) -> dict[str, Any]:
        """What a source is configured with to read this world: the keys of its kind."""
        raise NotImplementedError(f"{type(self).__name__} does not say its `config`")

    def publish(self, number: int) -> Awaitable[None] | None:
        """Adds `sample(number)` to what there is to read."""
        raise NotImplementedError(f"{type(self).__name__} does not say its `publish`")

    def trouble(self, kind: Trouble | None) -> Awaitable[None] | None:
        """From now on every answer has this trouble; None: all is well again."""
        raise NotImplementedError(f"{type(self).__name__} does not say its `trouble`")

    def document(self) -> bytes:
        """What a poll would read now, for mutations to be made of it."""
        raise NotImplementedError(f"{type(self).__name__} does not say its `document`")

    def damage(self, data: bytes | None, *, pages: bool = False) -> Awaitable[None] | None:
        """From now on these bytes stand for the document (with `pages`: for all that it links to); None: as before."""
        raise NotImplementedError(f"{type(self).__name__} does not say its `damage`")

    def fetch(self, limits: Limits) -> Fetch:
        """The way out that the source is given; here it leads nowhere."""
        return Fetch(limits=limits, resolve=_nowhere)


async def _nowhere(host: str, port: int) -> list[Address]:
    raise OSError(f"{host}:{port} is outside of the world under test")
