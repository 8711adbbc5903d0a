"""What a source is worth before it is added: one poll of it, nothing kept, and a verdict."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, cast

from connectors.sdk.declare import Declared
from connectors.sdk.errors import SourceError
from connectors.sdk.fetch import Fetch
from connectors.sdk.schedule import failure_kind
from connectors.sdk.source import Bad, Context, utcnow
from pipeline.model.article import Article
from pipeline.model.health import FailureKind

PATIENCE = 60.0
"""Seconds after which a source that waits for what is pushed to it counts as empty."""


@dataclass(frozen=True)
class Verdict:
    """What a poll came to."""

    kind: Literal["ok", "empty", "dns", "tls"] | FailureKind
    """`dns`: the name has no address; `tls`: the certificate does not hold; other failures by their type."""
    sentence: str
    """What is wrong and what to do, or what came."""
    items: Sequence[Article | Bad] = ()
    """Of the first batch that had any."""


async def check(declared: Declared, fetch: Fetch, now: Callable[[], datetime] = utcnow) -> Verdict:
    """Polls a source until it brings something, ends or fails. Never raises a failure of the source."""
    context = Context(source=declared.source, fetch=fetch, now=now)
    items: list[Article | Bad] = []
    try:
        async with (
            asyncio.timeout(PATIENCE),
            aclosing(cast("Any", declared.kind.poll(declared.config, context))) as polled,
        ):
            async for batch in polled:
                items.extend(batch.items)
                if items or batch.next_poll != 0:
                    break
    except TimeoutError:
        return Verdict("empty", f"nothing came within {PATIENCE:g} seconds")
    except SourceError as error:
        kind = error.what if error.what in ("dns", "tls") else failure_kind(error)
        return Verdict(cast("FailureKind", kind), str(error), items)
    except Exception as error:  # the source is at fault, whatever it raised
        return Verdict("unexpected", f"{type(error).__name__}: {error}", items)
    good = [item for item in items if isinstance(item, Article)]
    bad = [item for item in items if isinstance(item, Bad)]
    if good:
        return Verdict("ok", f"{len(good)} items, the first “{good[0].title or good[0].body[:80]}”", items)
    if bad:
        return Verdict("bad-data", f"none of {len(bad)} items can be read; the first: {bad[0].reason}", items)
    return Verdict("empty", "it answers, and holds nothing just now")
