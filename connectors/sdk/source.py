"""What a source is: an async generator that yields batches, and the decorator that makes it known.

    class FeedConfig(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
        url: str

    @source("feed", config=FeedConfig)
    async def feed(config: FeedConfig, context: Context) -> AsyncIterator[Batch]:
        ...
        yield Batch(items, cursor=newest, next_poll=600)

A generator may end after one batch or go on for ever: the runner asks for the next batch `next_poll` seconds after the
last one was acknowledged, and starts the generator again, with the stored cursor, when it has ended or failed.
"""

import inspect
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Generic, TypeVar

import msgspec

from connectors.sdk.errors import BadItemError
from connectors.sdk.fetch import Fetch
from pipeline.model.article import MAX_BODY, Article, Raw, Source, article_id, revision_of

GROUP = "wirewatch.sources"
"""Entry-point group under which packages offer kinds of source."""


@dataclass(frozen=True)
class Bad:
    """An item that cannot become an article; it goes to the dead letters while its neighbours go on."""

    key: str
    reason: str
    data: bytes


@dataclass(frozen=True)
class Batch:
    """What one poll brought."""

    items: Sequence[Article | Bad] = ()
    cursor: str | None = None
    """Where to go on after these items; stored in the same transaction as they are. None leaves it as it was."""
    next_poll: float | None = None
    """Seconds until the next poll; 0 where more is waiting, None for the default."""


def utcnow() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class Context:
    """What a source may use of the world."""

    source: Source
    """Who publishes; the `source` of the articles it makes."""
    fetch: Fetch
    """The only way out to the network."""
    cursor: str | None = None
    """As stored with the last batch that was acknowledged."""
    now: Callable[[], datetime] = field(default=utcnow)

    def article(
        self,
        *,
        url: str | None = None,
        key: str = "",
        title: str = "",
        body: str = "",
        summary: str = "",
        authors: Sequence[str] = (),
        published: datetime | None = None,
        published_origin: str | None = None,
        raw: Raw | None = None,
    ) -> Article:
        """An article of this source, fetched now. `key` identifies it where it has no URL.

        Raises:
            BadItemError: no URL and no key, no text at all, or text that is not Unicode (a lone surrogate).
        """
        if not (url or key):
            raise BadItemError("neither a link nor an id")
        if not (title.strip() or body.strip() or summary.strip()):
            raise BadItemError("no text in title, summary or body")
        for name, text in (("url", url or ""), ("title", title), ("summary", summary), ("body", body)):
            try:
                text.encode()
            except UnicodeEncodeError:
                raise BadItemError(f"`{name}` holds a lone surrogate") from None
        return Article(
            id=article_id(url, self.source.id, key),
            url=url,
            source=self.source,
            title=title,
            body=body[:MAX_BODY],
            summary=summary,
            authors=tuple(authors),
            published=published,
            published_origin=published_origin if published else None,
            fetched=self.now(),
            revision=revision_of(title, body),
            truncated=len(body) > MAX_BODY,
            raw=raw,
        )


Config = TypeVar("Config", bound=msgspec.Struct)


@dataclass(frozen=True)
class Kind(Generic[Config]):
    """A kind of source: its name, what it is configured with, and the generator that polls."""

    name: str
    config: type[Config]
    poll: Callable[[Config, Context], AsyncIterator[Batch]]

    @property
    def summary(self) -> str:
        """First line of the generator's docstring."""
        return (inspect.getdoc(self.poll) or "").partition("\n")[0]


def source(
    name: str, *, config: type[Config]
) -> Callable[[Callable[[Config, Context], AsyncIterator[Batch]]], Kind[Config]]:
    """Makes a kind of source of an async generator."""

    def decorate(poll: Callable[[Config, Context], AsyncIterator[Batch]]) -> Kind[Config]:
        return Kind(name, config, poll)

    return decorate


def kinds() -> dict[str, EntryPoint]:
    """Every kind that an installed package offers, by name."""
    return {found.name: found for found in sorted(entry_points(group=GROUP))}


def kind(name: str) -> Kind[Any]:
    """Loads a kind by its name.

    Raises:
        LookupError: no installed package offers it, or its module holds no source of that name.
    """
    offered = kinds()
    if name not in offered:
        raise LookupError(f"no kind of source is called `{name}`; there are: {', '.join(offered) or 'none'}")
    module = offered[name].load()
    for value in vars(module).values():
        if isinstance(value, Kind) and value.name == name:
            return value
    raise LookupError(f"{offered[name].value} holds no @source({name!r}, …)")
