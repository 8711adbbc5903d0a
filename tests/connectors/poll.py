"""Polls a source once in a test."""

import asyncio
from collections.abc import Sequence
from contextlib import aclosing
from datetime import UTC, datetime
from typing import Any

from connectors.sdk import Bad, Batch, Context, Fetch
from connectors.sdk.declare import declare
from pipeline.model.article import Article

NOW = datetime(2030, 5, 1, 12, tzinfo=UTC)


def poll(cursor: Any = None, /, now: datetime = NOW, **entry: Any) -> list[Batch]:
    """The batches of one poll of the source declared by `entry`."""

    async def run() -> list[Batch]:
        declared = declare({"id": "test", **entry})
        fetch = Fetch(allow=("127.0.0.1",))
        found = []
        try:
            context = Context(source=declared.source, fetch=fetch, cursor=cursor, now=lambda: now)
            async with aclosing(declared.kind.poll(declared.config, context)) as batches:  # type: ignore[type-var]
                async for batch in batches:
                    found.append(batch)
                    if batch.next_poll != 0:
                        break
        finally:
            await fetch.aclose()
        return found

    return asyncio.run(run())


def articles(batches: Sequence[Batch]) -> list[Article]:
    return [item for batch in batches for item in batch.items if isinstance(item, Article)]


def bad(batches: Sequence[Batch]) -> list[Bad]:
    return [item for batch in batches for item in batch.items if isinstance(item, Bad)]


def last_cursor(batches: Sequence[Batch], before: Any = None) -> Any:
    return next((batch.cursor for batch in reversed(batches) if batch.cursor is not None), before)
