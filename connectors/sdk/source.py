"""What a source is: an async generator that yields batches, and the decorator that makes it known.

    class FeedConfig(SourceConfig):
        url: HttpUrl

    @source("feed", config=FeedConfig)
    async def feed(config: FeedConfig, context: Context) -> AsyncIterator[Batch]:
        ...
        yield Batch(items, cursor={"newest": newest})

A batch is acknowledged by the log before the generator is asked for the next one: what stands behind a `yield` may
rely on it. A generator may end after one batch or go on for ever; when it has ended or failed it is started again,
with the cursor that was stored last.
"""

import inspect
import os
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Annotated, Any, Generic, TypeVar

import msgspec
from pydantic import BaseModel, BeforeValidator, ConfigDict, SecretStr

from connectors.pages import Page, SiteRules, read_page
from connectors.sdk.dial import Stream
from connectors.sdk.errors import BadItemError
from connectors.sdk.fetch import Fetch
from connectors.sdk.isolated import isolated
from pipeline.model.article import MAX_BODY, Article, Raw, Source, article_id, raw_of, revision_of

GROUP = "wirewatch.sources"
"""Entry-point group under which packages offer kinds of source."""


class SourceConfig(BaseModel):
    """Base of what kinds are configured with. A docstring under each field says what it means.

    Give an example in `model_config` as JSON Schema does (`examples`).
    """

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True, use_attribute_docstrings=True)


def _resolved(value: Any) -> Any:
    """`{env: NAME}` and `{file: PATH}` as what is found there."""
    if not isinstance(value, dict) or len(value) != 1:
        return value
    (where, name), *_ = value.items()
    if where == "env":
        if not os.environ.get(str(name)):
            raise ValueError(f"the environment variable {name} is not set")
        return os.environ[str(name)]
    if where == "file":
        try:
            return Path(str(name)).read_text("utf-8").strip()
        except (OSError, UnicodeError) as error:
            raise ValueError(f"cannot be read from {name}: {error}") from None
    return value


Secret = Annotated[SecretStr, BeforeValidator(_resolved)]
"""A password or key: itself, `{env: NAME}` or `{file: PATH}`. Never shown; `get_secret_value()` gives it."""


class Bad(msgspec.Struct, frozen=True, tag=True):
    """An item that cannot become an article; it goes to the dead letters while its neighbours go on."""

    key: str
    reason: str
    data: bytes


@dataclass(frozen=True)
class Batch:
    """What one poll brought."""

    items: Sequence[Article | Bad] = ()
    cursor: Any = None
    """Where to go on after these items, any JSON value; stored once they are acknowledged. None leaves it as it was."""
    next_poll: float | None = None
    """Seconds until the generator is asked again: 0 where more is waiting, None to leave it to the schedule."""
    at_least: float = 0.0
    """Seconds that the other side asked to wait (TTL, max-age, Expires): the schedule comes no earlier."""


def utcnow() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class Context:
    """What a source may use of the world."""

    source: Source
    """Who publishes; the `source` of the articles it makes."""
    fetch: Fetch
    """The only way out to the network."""
    cursor: Any = None
    """As given with the last batch that was acknowledged; None at the first poll. It may come from another version of
    the source: what cannot be understood is to be taken for None, since a repeat is harmless and a gap is not."""
    now: Callable[[], datetime] = field(default=utcnow)
    failures: int = 0
    """Polls that failed in a row before this one."""
    site_rules: SiteRules | None = None
    """How the pages of some sites are read; None for the rules that are shipped."""

    async def dial(self, host: str, port: int, *, tls: bool = True) -> Stream:
        """A connection for another protocol than HTTP, as guarded as `fetch`; `tls`: encrypted from the start.

        Raises:
            SourceError: the host is not public, not known, does not answer, or its certificate does not hold.
        """
        return await self.fetch.dial(host, port, tls=tls)

    async def page(self, url: str) -> tuple[Page | None, Raw]:
        """The article page at `url`: what could be read of it, if anything, and the bytes it was read from.

        Raises:
            SourceError: it could not be fetched, or robots.txt does not want it to be.
        """
        response = await self.fetch(url, robots=True)
        kind = response.content_type.partition(";")[0].strip() or "text/html"
        raw = raw_of(response.body, kind)
        if "html" not in kind and "xml" not in kind:
            return None, raw
        return await isolated(read_page, response.body, response.url, response.content_type, self.site_rules), raw

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
        published_raw: str | None = None,
        raw: Raw | None = None,
    ) -> Article:
        """An article of this source, fetched now. `key` identifies it where it has no URL.

        `published_raw` is the time of publication as its publisher wrote it, also where it could not be understood.

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
            published_raw=published_raw or None,
            fetched=self.now(),
            revision=revision_of(title, body),
            truncated=len(body) > MAX_BODY,
            raw=raw,
        )


Config = TypeVar("Config", bound=BaseModel)


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


@cache
def kinds() -> dict[str, EntryPoint]:
    """Every kind that an installed package offers, by name."""
    return {found.name: found for found in sorted(entry_points(group=GROUP))}


@cache
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
