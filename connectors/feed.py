"""RSS, Atom and JSON Feed over HTTP. Conditional GET; the page behind an entry where the feed holds only a teaser."""

import asyncio
import calendar
import hashlib
import re
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from io import BytesIO
from typing import Any
from urllib.parse import urljoin

import msgspec
from pydantic import ConfigDict

from connectors.pages import read_fragment
from connectors.sdk import Bad, BadDataError, BadItemError, Batch, Context, SourceConfig, SourceError, source
from pipeline.model.article import Article

BATCH = 20
MAX_ENTRIES = 2_000
"""Entries of one document that are read."""
FULL_TEXT = 400
"""Characters from which the content that a feed gives is taken for the whole article."""
PAGE_TRIES = 3
PARALLEL = 4
"""Pages fetched at a time."""
TEASER_END = re.compile(r"(\.\.\.|…|\[…\]|\[\.\.\.\]|read more|continue reading|читать далее|читати далі)\W*$", re.I)


class FeedConfig(SourceConfig):
    """Which feed, and whether to read the pages behind it."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"url": "https://news.example/feed.xml"}]})

    url: str
    """Address of the feed."""
    pages: bool = True
    """Fetch the page behind an entry where the feed gives no full text."""


@dataclass(frozen=True)
class Entry:
    """One entry of a feed, of whatever format."""

    key: str
    """Its id, else its link, else a hash of its text."""
    url: str | None
    title: str
    summary: str
    content: str
    """Text the feed gives as the whole; may be empty."""
    authors: tuple[str, ...]
    published: datetime | None
    published_origin: str | None

    @property
    def hash(self) -> str:
        return _hash(f"{self.url}\n{self.title}\n{self.summary}\n{self.content}")

    @property
    def is_full(self) -> bool:
        return len(self.content) >= FULL_TEXT and not TEASER_END.search(self.content[-40:])


class Cursor(msgspec.Struct, omit_defaults=True):
    """What was seen, and the validators for the next request."""

    etag: str | None = None
    modified: str | None = None
    seen: dict[str, str] = msgspec.field(default_factory=dict)
    """Hash of an entry's key: hash of its text."""
    tries: dict[str, int] = msgspec.field(default_factory=dict)
    """Entries whose page failed for the time being, and how often."""


@source("feed", config=FeedConfig)
async def feed(config: FeedConfig, context: Context) -> AsyncIterator[Batch]:
    """RSS, Atom or JSON Feed over HTTP."""
    cursor = _read_cursor(context.cursor)
    response = await context.fetch(config.url, etag=cursor.etag, modified=cursor.modified)
    if response.not_modified:
        yield Batch(at_least=response.fresh_for)
        return
    entries = await asyncio.to_thread(list, read_feed(response.body, response.url, response.content_type))
    present = {_hash(item.key) for item in entries}
    cursor.seen = {key: text for key, text in cursor.seen.items() if key in present}
    cursor.tries = {key: count for key, count in cursor.tries.items() if key in present}
    cursor.etag = cursor.modified = None
    fresh = [item for item in entries if isinstance(item, Bad) or _is_new(item, cursor)]
    for start in range(0, len(fresh), BATCH):
        part = fresh[start : start + BATCH]
        items = await _articles(part, config, context, cursor)
        yield Batch(items, msgspec.to_builtins(cursor), next_poll=0)
    if not cursor.tries:  # else the next poll must see the whole document again
        cursor.etag = response.headers.get("etag")
        cursor.modified = _past(response.headers.get("last-modified"), context)
    yield Batch(cursor=msgspec.to_builtins(cursor), at_least=response.fresh_for)


def _is_new(entry: Entry, cursor: Cursor) -> bool:
    key = _hash(entry.key)
    return cursor.seen.get(key) != entry.hash or key in cursor.tries


def _read_cursor(cursor: Any) -> Cursor:
    try:
        return msgspec.convert(cursor or {}, Cursor)
    except msgspec.ValidationError:
        return Cursor()


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:12]


def _past(modified: str | None, context: Context) -> str | None:
    """The validator, unless it is dated in the future: that would hide every later change."""
    try:
        ahead = parsedate_to_datetime(modified or "") - context.now()
    except (ValueError, TypeError):
        return None
    return modified if ahead <= timedelta(minutes=5) else None


async def _articles(
    entries: Sequence[Entry | Bad], config: FeedConfig, context: Context, cursor: Cursor
) -> list[Article | Bad]:
    """The articles of some entries, in the order of the feed; the cursor moves past them."""
    gate = asyncio.Semaphore(PARALLEL)

    async def one(entry: Entry | Bad) -> Article | Bad:
        if isinstance(entry, Bad):
            return entry
        async with gate:
            return await _article(entry, config, context, cursor)

    return list(await asyncio.gather(*(one(entry) for entry in entries)))


async def _article(entry: Entry, config: FeedConfig, context: Context, cursor: Cursor) -> Article | Bad:
    key = _hash(entry.key)
    page, raw = None, None
    tries = cursor.tries.pop(key, 0)
    if config.pages and entry.url and not entry.is_full:
        try:
            page, raw = await context.page(entry.url)
        except SourceError as error:
            if not isinstance(error, BadDataError) and tries + 1 < PAGE_TRIES:
                cursor.tries[key] = tries + 1  # the teaser goes out now; the page follows as a new revision
    cursor.seen[key] = entry.hash
    body = page.body if page and len(page.body) > len(entry.content) else entry.content
    published, origin = entry.published, entry.published_origin
    if published is None and page and page.published:
        published, origin = page.published, "page"
    try:
        return context.article(
            url=entry.url,
            key=entry.key,
            title=entry.title or (page.title if page else ""),
            body=body or entry.summary,
            summary=entry.summary if body else "",
            authors=entry.authors or (page.authors if page else ()),
            published=published,
            published_origin=origin,
            raw=raw,
        )
    except BadItemError as error:
        return Bad(entry.key, str(error), repr(entry).encode("utf-8", "surrogatepass"))


def read_feed(data: bytes, url: str = "", content_type: str = "") -> Iterator[Entry | Bad]:
    """The entries of a feed document, in its order; an entry that cannot be read is a `Bad` among its neighbours.

    Raises:
        BadDataError: no feed of any known format.
    """
    if data[:256].lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"{":
        yield from _read_json_feed(data, url)
        return
    parsed = parse_xml(data, url, content_type)
    if not parsed.get("version") and not parsed.entries:
        raise BadDataError(f"{url} is not RSS, Atom or JSON Feed; check the address")
    for number, entry in enumerate(parsed.entries[:MAX_ENTRIES], 1):
        try:
            yield _xml_entry(entry)
        except (ValueError, TypeError, KeyError, AttributeError, OverflowError) as error:
            yield Bad(f"{url} entry {number}", f"cannot be read: {error}", repr(dict(entry)).encode("utf-8", "replace"))


def parse_xml(data: bytes, url: str = "", content_type: str = "") -> Any:
    """A document as feedparser reads it; only ever given bytes, so that it fetches nothing.

    Raises:
        BadDataError: feedparser itself failed on it.
    """
    import feedparser

    headers = {"content-type": content_type} if content_type else {}
    if url:
        headers["content-location"] = url
    try:
        return feedparser.parse(BytesIO(data), response_headers=headers)
    except Exception as error:  # whatever a parser raises on a hostile document, the document is to blame
        raise BadDataError(f"{url} cannot be read as a feed: {type(error).__name__}: {error}") from None


def _xml_entry(entry: Mapping[str, Any]) -> Entry:
    title = read_fragment(entry.get("title") or "").replace("\n", " ")
    summary = read_fragment(entry.get("summary") or "")
    content = max((read_fragment(part.get("value") or "") for part in entry.get("content") or ()), key=len, default="")
    if not content and len(summary) >= 2 * FULL_TEXT:
        content, summary = summary, ""
    published = _time(entry.get("published_parsed"))
    updated = _time(entry["updated_parsed"]) if "updated_parsed" in entry.keys() else None  # noqa: SIM118
    link = _web(entry.get("link"))
    return Entry(
        key=entry.get("id") or link or _hash(f"{title}\n{summary}\n{content}"),
        url=link,
        title=title,
        summary="" if summary == content else summary,
        content=content,
        authors=tuple(name for author in entry.get("authors") or () if (name := (author.get("name") or "").strip())),
        published=published or updated,
        published_origin="feed" if published else "feed-updated" if updated else None,
    )


def _web(link: Any) -> str | None:
    return link.strip() if isinstance(link, str) and link.strip().lower().startswith(("http://", "https://")) else None


def _time(parsed: Any) -> datetime | None:
    """feedparser's nine numbers are in UTC."""
    if not parsed:
        return None
    try:
        return datetime.fromtimestamp(calendar.timegm(parsed), UTC)
    except (ValueError, OverflowError, OSError):
        return None


class _JsonAuthor(msgspec.Struct):
    name: str = ""


class _JsonItem(msgspec.Struct):
    id: str | int | float = ""
    url: str | None = None
    external_url: str | None = None
    title: str | None = None
    content_html: str | None = None
    content_text: str | None = None
    summary: str | None = None
    date_published: str | None = None
    date_modified: str | None = None
    authors: list[_JsonAuthor] | None = None
    author: _JsonAuthor | None = None


class _JsonFeed(msgspec.Struct):
    items: list[msgspec.Raw]


def _read_json_feed(data: bytes, url: str) -> Iterator[Entry | Bad]:
    """JSON Feed 1.0 and 1.1."""
    try:
        document = msgspec.json.decode(data.removeprefix(b"\xef\xbb\xbf"), type=_JsonFeed)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise BadDataError(f"{url} is not a JSON Feed: {error}") from None
    for number, row in enumerate(document.items[:MAX_ENTRIES], 1):
        try:
            yield _json_entry(msgspec.json.decode(row, type=_JsonItem), url)
        except (msgspec.DecodeError, UnicodeError, RecursionError, ValueError) as error:
            yield Bad(f"{url} item {number}", str(error), bytes(row))


def _json_entry(item: _JsonItem, base: str) -> Entry:
    content = (item.content_text or "").strip() or read_fragment(item.content_html or "")
    published, updated = _iso(item.date_published), _iso(item.date_modified)
    link = item.url or item.external_url
    url = _web(urljoin(base, link)) if link else None
    return Entry(
        key=str(item.id) or url or _hash(f"{item.title}\n{item.summary}\n{content}"),
        url=url,
        title=(item.title or "").strip(),
        summary=read_fragment(item.summary or ""),
        content=content,
        authors=tuple(a.name for a in item.authors or ([item.author] if item.author else []) if a.name),
        published=published or updated,
        published_origin="feed" if published else "feed-updated" if updated else None,
    )


def _iso(text: str | None) -> datetime | None:
    try:
        time = datetime.fromisoformat((text or "").strip())
        return None if time.tzinfo is None else time.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
