"""Entries that link to a page: which are new or edited, and the articles they become, with the page behind each.

class Cursor(msgspec.Struct):
    seen: Seen = msgspec.field(default_factory=Seen)

async for items in articles_of(entries, cursor.seen, context):
    yield Batch(items, msgspec.to_builtins(cursor), next_poll=0)
yield Batch(cursor=msgspec.to_builtins(cursor))
"""

import asyncio
import base64
import hashlib
import json
import re
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from urllib.parse import urlsplit

import msgspec

from connectors.pages import Page
from connectors.sdk.errors import BadDataError, BadItemError, BlockedError, RateLimitedError, SourceError
from connectors.sdk.source import Bad, Context
from pipeline.model.article import Article, Raw, article_id, canonical_url, without_tracking

CHUNK = 20
"""Articles that are given at once."""
PARALLEL = 4
"""Pages fetched at a time."""
PAGE_TRIES = 3
"""Polls in which a page that fails for the time being is fetched."""
FULL_TEXT = 400
"""Characters from which the content of an entry is taken for the whole article."""
GONE = 100
"""Entries that are remembered though they are no longer listed, since some servers take turns with older lists."""
TEASER_END = re.compile(r"(\.\.\.|…|\[…\]|\[\.\.\.\]|read more|continue reading|читать далее|читати далі)\W*$", re.I)


class Entry(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag=True):
    """One item of a list, of whatever format."""

    key: str
    """Its id, else its link, else a hash of its text."""
    url: str | None = None
    title: str = ""
    summary: str = ""
    content: str = ""
    """Text that the list gives as the whole."""
    authors: tuple[str, ...] = ()
    published: datetime | None = None
    published_origin: str | None = None
    published_raw: str | None = None
    """As it was written, also where it could not be understood."""

    @property
    def label(self) -> str:
        """What tells it from its neighbours: its title, else its text."""
        return self.title or self.summary or self.content

    version: str = ""
    """What changes when the page behind it changes, where the list says so (`lastmod`)."""

    @property
    def is_full(self) -> bool:
        """Whether `content` is the article and not its beginning."""
        return len(self.content) >= FULL_TEXT and not TEASER_END.search(self.content[-40:])


class Seen(msgspec.Struct, omit_defaults=True):
    """What has been delivered: a part of a cursor, about 25 bytes an entry."""

    seen: list[str] = []
    """A record each: 4 characters for its text, 8 for its key, and 8 for its URL where that is another."""
    tries: dict[str, int] = {}
    """Entries whose page failed for the time being, and how often."""


def pass_over(entries: Sequence[Entry], seen: Seen) -> None:
    """Counts entries that are not in `seen` yet as delivered: they were there before anybody looked."""
    seen.seen = [*seen.seen, *(_text(entry) + _hash(entry.key, 6) for entry in entries)]


async def articles_of(
    entries: Sequence[Entry | Bad], seen: Seen, context: Context, *, pages: bool = True
) -> AsyncIterator[list[Article | Bad]]:
    """The articles of those entries that are new, were edited, or whose page is still to come.

    An entry is known by its key or by its URL. Where it does not hold the whole text its page is fetched; while that
    fails for the time being the entry goes out without it, and the page follows as a revision at the next poll.

    Args:
        entries: all that is listed now, in order; what is listed no longer is forgotten.
        seen: is moved past items before they are given.
        pages: whether pages are fetched.
    """
    work = _Work(entries, seen, context, pages)
    fresh = work.fresh(entries)
    for start in range(0, len(fresh), CHUNK):
        if items := await work.articles(fresh[start : start + CHUNK]):
            yield items


class _Work:
    """One poll's."""

    def __init__(self, entries: Sequence[Entry | Bad], seen: Seen, context: Context, pages: bool) -> None:
        self._seen, self._context, self._pages = seen, context, pages
        self._shared_urls, self._shared_keys = _shared(entries)
        self._limited: set[str | None] = set()
        self._gate = asyncio.Semaphore(PARALLEL)
        self._records: dict[str, str] = {}
        listed = {name for entry in entries for name in self._names(entry)}
        forgotten = set([record for record in seen.seen if listed.isdisjoint(_names(record))][:-GONE])
        for record in seen.seen:
            if record not in forgotten:
                self._remember(record)
        seen.tries = {name: count for name, count in seen.tries.items() if name in listed}

    def fresh(self, entries: Sequence[Entry | Bad]) -> list[Entry | Bad]:
        """Those that are to be delivered; of one that is listed twice, the first."""
        by_name = {self._names(entry)[-1]: entry for entry in reversed(entries)}
        return [entry for entry in reversed(by_name.values()) if self._is_new(self._names(entry), entry)]

    def _is_new(self, names: Sequence[str], entry: Entry | Bad) -> bool:
        return names[0] in self._seen.tries or not self._is_delivered(names, entry)

    def _is_delivered(self, names: Sequence[str], entry: Entry | Bad) -> bool:
        """With the same text; it may have had another key or another URL."""
        return any(self._records.get(name, "")[:4] == _text(entry) for name in names)

    def _names(self, entry: Entry | Bad) -> list[str]:
        """What an entry is known by: its key and its URL, unless it shares them."""
        if isinstance(entry, Bad):
            return [_hash(entry.data, 6)]
        names = [_hash(self._key(entry), 6)]
        if entry.url and entry.url not in self._shared_urls:
            by_url = _hash(canonical_url(entry.url), 6)
            return [by_url] if entry.key in self._shared_keys or names == [by_url] else [*names, by_url]
        return names

    def _key(self, entry: Entry) -> str:
        return f"{entry.key}\n{entry.label}" if entry.key in self._shared_keys else entry.key

    def _remember(self, record: str) -> None:
        for name in _names(record):
            old = self._records.get(name)
            for other in _names(old) if old else ():
                del self._records[other]
        self._records.update(dict.fromkeys(_names(record), record))

    async def articles(self, entries: Sequence[Entry | Bad]) -> list[Article | Bad]:
        """The articles of some entries, in their order; `seen` moves past them."""
        made = await asyncio.gather(*map(self._article, entries))
        items = [item for item in made if item is not None]
        for entry in entries:
            self._remember("".join((_text(entry), *self._names(entry))))
        self._seen.seen = list(dict.fromkeys(self._records.values()))
        return items

    async def _article(self, entry: Entry | Bad) -> Article | Bad | None:
        """None where an entry was delivered before, and its page failed again."""
        if isinstance(entry, Bad):
            return entry
        page, raw = await self._page(entry)
        if raw is None and self._is_delivered(self._names(entry), entry):
            return None
        body = page.body if page and len(page.body) > len(entry.content) else entry.content
        by_page = page if page and page.published and not entry.published else None
        try:
            article = self._context.article(
                url=without_tracking(entry.url) if entry.url else None,
                key=self._key(entry),
                title=entry.title or (page.title if page else ""),
                body=body or entry.summary,
                summary=entry.summary if body else "",
                authors=entry.authors or (page.authors if page else ()),
                published=by_page.published if by_page else entry.published,
                published_origin=by_page.published_origin if by_page else entry.published_origin,
                published_raw=by_page.published_raw if by_page else entry.published_raw,
                raw=raw,
            )
        except BadItemError as error:
            return Bad(entry.key, str(error), json.dumps(msgspec.structs.asdict(entry), default=str).encode())
        if entry.url in self._shared_urls:
            return msgspec.structs.replace(article, id=article_id(None, article.source.id, self._key(entry)))
        return article

    async def _page(self, entry: Entry) -> tuple[Page | None, Raw | None]:
        """The page behind an entry where one is needed and can be had."""
        name = self._names(entry)[0]
        tries = self._seen.tries.pop(name, 0)
        if not self._pages or not entry.url or entry.is_full or entry.url in self._shared_urls:
            return None, None
        host = urlsplit(entry.url).hostname
        async with self._gate:
            if host in self._limited:
                self._seen.tries[name] = tries
                return None, None
            try:
                return await self._context.page(entry.url)
            except (BadDataError, BlockedError):
                return None, None
            except SourceError as error:
                if isinstance(error, RateLimitedError):
                    self._limited.add(host)
                if tries + 1 < PAGE_TRIES:
                    self._seen.tries[name] = tries + 1
                return None, None


def _shared(entries: Sequence[Entry | Bad]) -> tuple[set[str], set[str]]:
    """URLs and keys that are no article's own.

    A URL to which entries of different titles and keys point is a live blog's or a front page's; a key that entries
    with different URLs have, or with different titles where there is no URL, is no key.
    """
    by_url, by_key = defaultdict(list), defaultdict(list)
    for entry in entries:
        if isinstance(entry, Entry):
            by_key[entry.key].append(entry)
            if entry.url:
                by_url[canonical_url(entry.url)].append(entry)
    urls = [
        sharing
        for sharing in by_url.values()
        if len({entry.label for entry in sharing}) > 1 and len({entry.key for entry in sharing}) > 1
    ]
    keys = [
        sharing
        for sharing in by_key.values()
        if len({canonical_url(entry.url) if entry.url else entry.label for entry in sharing}) > 1
    ]
    return (
        {entry.url for sharing in urls for entry in sharing if entry.url},
        {entry.key for sharing in keys for entry in sharing},
    )


def _names(record: str) -> list[str]:
    return [record[at : at + 8] for at in range(4, len(record), 8)]


def _text(entry: Entry | Bad) -> str:
    if isinstance(entry, Bad):
        return _hash(entry.reason, 3)
    return _hash(f"{entry.title}\n{entry.summary}\n{entry.content}{entry.version}", 3)


def _hash(text: str | bytes, size: int) -> str:
    data = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()[:size]).decode()
