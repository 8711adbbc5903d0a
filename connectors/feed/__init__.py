"""RSS, Atom and JSON Feed over HTTP. Conditional GET; the page behind an entry where the feed holds only a teaser."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import msgspec
from pydantic import ConfigDict

from connectors.feed.document import Document, parse_xml, read_document, read_feed
from connectors.sdk import BadDataError, Batch, Context, SourceConfig, isolated, source
from connectors.sdk.linked import Seen, articles_of

__all__ = ["Document", "FeedConfig", "feed", "parse_xml", "read_document", "read_feed"]

UNCONDITIONAL = timedelta(hours=24)
"""Validators older than this are not sent: a server may be wrong about what has changed."""


class FeedConfig(SourceConfig):
    """Which feed, and whether to read the pages behind it."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"url": "https://news.example/feed.xml"}]})

    url: str
    """Address of the feed."""
    pages: bool = True
    """Fetch the page behind an entry where the feed gives no full text."""


class Cursor(msgspec.Struct, omit_defaults=True):
    """What was delivered, and the validators for the next request."""

    known: Seen = msgspec.field(default_factory=Seen)
    etag: str | None = None
    modified: str | None = None
    read: datetime | None = None
    """When the document came to which the validators belong."""


@source("feed", config=FeedConfig)
async def feed(config: FeedConfig, context: Context) -> AsyncIterator[Batch]:
    """RSS, Atom or JSON Feed over HTTP."""
    cursor, before = _cursor(context.cursor), _cursor(context.cursor)
    if cursor.read is None or not timedelta(0) <= context.now() - cursor.read < UNCONDITIONAL:
        cursor.etag = cursor.modified = None
    response = await context.fetch(config.url, etag=cursor.etag, modified=cursor.modified)
    if response.not_modified:
        if not (cursor.etag or cursor.modified):
            raise BadDataError(f"{config.url} says that nothing has changed to one who has nothing; check the address")
        yield Batch(at_least=response.fresh_for)
        return
    document = await isolated(read_document, response.body, response.url, response.content_type)
    cursor.etag = cursor.modified = cursor.read = None
    async for items in articles_of(document.entries, cursor.known, context, pages=config.pages):
        yield Batch(items, msgspec.to_builtins(cursor), next_poll=0)
    if not cursor.known.tries:  # else the next poll must see the whole document again
        cursor.etag = response.headers.get("etag")
        cursor.modified = _past(response.headers.get("last-modified"), context)
        cursor.read = context.now() if cursor.etag or cursor.modified else None
    yield Batch(
        cursor=None if cursor == before else msgspec.to_builtins(cursor),
        at_least=max(response.fresh_for, document.ttl),
    )


def _cursor(cursor: Any) -> Cursor:
    try:
        return msgspec.convert(cursor or {}, Cursor)
    except msgspec.ValidationError:
        return Cursor()


def _past(modified: str | None, context: Context) -> str | None:
    """The validator, unless it is dated in the future: that would hide every later change."""
    try:
        ahead = parsedate_to_datetime(modified or "") - context.now()
    except (ValueError, TypeError):
        return None
    return modified if ahead <= timedelta(minutes=5) else None
