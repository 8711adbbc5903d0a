"""RSS, Atom and JSON Feed over HTTP: conditional requests, the page behind a teaser, WebSub where it is offered."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from dataclasses import replace
from typing import Any

import msgspec
from pydantic import ConfigDict

from connectors.feed.document import Document, parse_xml, read_document, read_feed
from connectors.feed.websub import Subscription, WebSub, linked, subscription
from connectors.sdk import BadDataError, Batch, Context, SourceConfig, isolated, source
from connectors.sdk.linked import Seen, articles_of
from connectors.sdk.validators import Validators

__all__ = ["Document", "FeedConfig", "feed", "parse_xml", "read_document", "read_feed"]

SUBSCRIBE_AFTER = 1.0
"""Seconds after the first poll until a hub is asked: whoever polls only once is done by then."""
BESIDE_PUSH = 3600.0
"""Seconds between polls while a hub pushes."""


class FeedConfig(SourceConfig):
    """Which feed, and whether to read the pages behind it."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"url": "https://news.example/feed.xml"}]})

    url: str
    """Address of the feed."""
    pages: bool = True
    """Fetch the page behind an entry where the feed gives no full text."""
    websub: WebSub | None = None
    """How a hub that the feed names can reach this machine, so that what is new is pushed."""


class Cursor(msgspec.Struct, omit_defaults=True):
    """What was delivered, and the validators for the next request."""

    known: Seen = msgspec.field(default_factory=Seen)
    validators: Validators = Validators()
    hub: str = ""
    topic: str = ""
    """Where one may subscribe to the feed, and to what."""


@source("feed", config=FeedConfig)
async def feed(config: FeedConfig, context: Context) -> AsyncIterator[Batch]:
    """RSS, Atom or JSON Feed over HTTP."""
    cursor = _cursor(context.cursor)
    async with aclosing(_poll(config, context, cursor)) as batches:
        async for batch in batches:
            if batch.next_poll is None and config.websub and cursor.hub:
                batch = replace(batch, next_poll=SUBSCRIBE_AFTER, at_least=0.0)
            yield batch
    if config.websub and cursor.hub:
        async with (
            subscription(config.websub, context, cursor.hub, cursor.topic) as hub,
            aclosing(_follow(config, context, cursor, hub)) as batches,
        ):
            async for batch in batches:
                yield batch


async def _follow(
    config: FeedConfig, context: Context, cursor: Cursor, hub: Subscription
) -> AsyncGenerator[Batch, None]:
    """Polls when the hub pushes, and now and then beside it; as usual while the hub has not confirmed."""
    await hub.keep()
    at_least = 0.0
    while True:
        pushed = hub.is_active and await hub.pushed(max(BESIDE_PUSH, at_least))
        async with aclosing(_poll(config, context, cursor, conditional=not pushed)) as batches:
            async for batch in batches:
                if batch.next_poll is None:
                    at_least = batch.at_least
                    await hub.keep()
                    batch = replace(batch, next_poll=0.0 if hub.is_active else None)
                yield batch


async def _poll(
    config: FeedConfig, context: Context, cursor: Cursor, *, conditional: bool = True
) -> AsyncGenerator[Batch, None]:
    """What is new. The last batch alone leaves the next poll to the schedule."""
    before = msgspec.to_builtins(cursor)
    sent = cursor.validators.to_send(context) if conditional else {}
    headers = {} if conditional else {"Cache-Control": "no-cache"}
    response = await context.fetch(config.url, **sent, headers=headers)
    if response.not_modified:
        if not any(sent.values()):
            raise BadDataError(f"{config.url} says that nothing has changed to one who has nothing; check the address")
        yield Batch(at_least=response.fresh_for)
        return
    document = await isolated(read_document, response.body, response.url, response.content_type)
    cursor.validators = Validators()
    links = linked(response)
    cursor.hub = links.get("hub") or document.hub
    cursor.topic = links.get("self") or document.topic or response.url if cursor.hub else ""
    async for items in articles_of(document.entries, cursor.known, context, pages=config.pages):
        yield Batch(items, msgspec.to_builtins(cursor), next_poll=0)
    if not cursor.known.tries:  # else the next poll must see the whole document again
        cursor.validators = Validators.of(response, context.now())
    after = msgspec.to_builtins(cursor)
    yield Batch(cursor=None if after == before else after, at_least=max(response.fresh_for, document.ttl))


def _cursor(cursor: Any) -> Cursor:
    try:
        return msgspec.convert(cursor or {}, Cursor)
    except msgspec.ValidationError:
        return Cursor()
