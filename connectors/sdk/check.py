"""What a source is worth before it is added: one poll of it, nothing kept, and a verdict."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import datetime
from itertools import repeat
from typing import Any, Literal, cast

from connectors.pages import Page, SiteRules
from connectors.sdk.declare import Declared
from connectors.sdk.errors import SourceError, TransientError
from connectors.sdk.fetch import Fetch
from connectors.sdk.schedule import failure_kind
from connectors.sdk.source import Bad, Context, utcnow
from pipeline.model.article import Article, Raw
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


@dataclass(frozen=True)
class _Glance(Context):
    """Reads no more article pages than it is given `turns`."""

    turns: Iterator[object] = field(default_factory=lambda: repeat(None))

    async def page(self, url: str) -> tuple[Page | None, Raw]:
        for _ in self.turns:
            return await super().page(url)
        raise TransientError(f"{url} is not read at a glance")


async def check(
    declared: Declared,
    fetch: Fetch,
    now: Callable[[], datetime] = utcnow,
    *,
    pages: int | None = None,
    site_rules: SiteRules | None = None,
) -> Verdict:
    """Polls a source until it brings something, ends or fails. Never raises a failure of the source.

    `pages`: article pages that are read at most; all of the first batch by default.
    """
    turns = repeat(None) if pages is None else repeat(None, pages)
    context = _Glance(source=declared.source, fetch=fetch, now=now, site_rules=site_rules, turns=turns)
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
