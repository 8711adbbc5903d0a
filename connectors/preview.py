"""The newest items of a source as they would enter the pipeline, without keeping anything."""

import asyncio
from collections.abc import Iterable, Iterator
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any

from connectors.pages import Page, SiteRules
from connectors.sdk import Bad, Context, Fetch, TransientError
from connectors.sdk.declare import Declared
from pipeline.model.article import Article, Raw

PATIENCE = 60.0


@dataclass(frozen=True)
class _Glance(Context):
    """Reads no more pages than are shown."""

    pages: Iterator[int] = field(default_factory=lambda: iter(range(0)))

    async def page(self, url: str) -> tuple[Page | None, Raw]:
        if next(self.pages, None) is None:
            raise TransientError(f"{url} is not read for a preview")
        return await super().page(url)


def preview(
    declared: Declared, *, allow: Iterable[str] = (), site_rules: SiteRules | None = None, count: int
) -> list[Article | Bad]:
    """Up to `count` items of the first batch that has any, the newest first, bad ones last.

    A source that is pushed to may have none; after `PATIENCE` seconds that is the answer.

    Raises:
        SourceError: the source could not be polled.
    """

    async def poll() -> list[Article | Bad]:
        fetch = Fetch(allow=allow)
        items: list[Article | Bad] = []
        try:
            context = _Glance(source=declared.source, fetch=fetch, site_rules=site_rules, pages=iter(range(count)))
            batches = declared.kind.poll(declared.config, context)
            async with asyncio.timeout(PATIENCE), aclosing(batches):  # type: ignore[type-var]
                async for batch in batches:
                    items.extend(batch.items)
                    if items or batch.next_poll != 0:
                        break
        except TimeoutError:
            pass
        finally:
            await fetch.aclose()
        return sorted(items, key=_order)[:count]

    return asyncio.run(poll())


def _order(item: Article | Bad) -> tuple[Any, ...]:
    published = item.published if isinstance(item, Article) else None
    return isinstance(item, Bad), published is None, -published.timestamp() if published else 0.0
