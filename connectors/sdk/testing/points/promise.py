"""What a check of a promise is given, and what checks share."""

import re
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec

from connectors.sdk.source import Kind
from connectors.sdk.testing.subject import BrokenPromiseError, Polled, Subject, described
from connectors.sdk.testing.world import World
from pipeline.model.article import Article

MANY = 25
"""Items, so that a source that delivers in parts has more than one part."""


@dataclass(frozen=True)
class Kit:
    """What a check is given."""

    kind: Kind[Any]
    world: Callable[[], World]
    docs: Path | None = None
    """A file that has to hold the generated entry of this kind."""

    @asynccontextmanager
    async def opened(self, *published: int) -> AsyncIterator[Subject]:
        """The source in a new world with these items."""
        async with self.world() as world:
            subject = Subject(self.kind, world)
            try:
                await subject.publish(*published)
                yield subject
            finally:
                await subject.aclose()


Check = Callable[[Kit], Coroutine[Any, Any, None]]


def broken_unless(holds: object, found: str) -> None:
    """Raises `BrokenPromiseError` with what was found, unless it holds."""
    if not holds:
        raise BrokenPromiseError(found)


def texts(polled: Polled) -> set[str]:
    """What was delivered, whatever its ids."""
    return {article.revision for article in polled.articles}


def cursor_after(polled: Polled, before: Any) -> Any:
    """The cursor that is stored after a poll."""
    return before if polled.cursor is None else polled.cursor


def outcome(polled: Polled) -> str:
    """What a poll came to, in words."""
    return described(polled.error) if polled.error else f"a successful poll with {len(polled.articles)} articles"


def fault_of(article: Article) -> str | None:
    """What makes an article unfit for the log."""
    try:
        again = msgspec.json.decode(msgspec.json.encode(article), type=Article)
    except (msgspec.MsgspecError, UnicodeError, TypeError, ValueError) as error:
        return f"cannot be written as JSON and read again ({error})"
    if again != article:
        return "is another once it was written as JSON and read again"
    if not re.fullmatch(r"[0-9a-f]{32}", article.id):
        return f"has the id {article.id!r}, which is not 32 hex digits"
    for name in ("published", "fetched"):
        when = getattr(article, name)
        if when is not None and (when.tzinfo is None or when.utcoffset() != timedelta(0)):
            return f"has a time in `{name}` that is not UTC"
    return None
