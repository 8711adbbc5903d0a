"""Sitemaps: news sitemaps, plain ones, and index files over them, gzipped or not. Conditional GET for each file."""

import calendar
import hashlib
import re
import zlib
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urljoin, urlsplit

import msgspec
from pydantic import ConfigDict, Field

from connectors.sdk import (
    Bad,
    BadDataError,
    Batch,
    Context,
    RateLimitedError,
    Response,
    SourceConfig,
    SourceError,
    isolated,
    source,
)
from connectors.sdk.linked import Entry, Seen, articles_of, pass_over
from connectors.sdk.validators import Validators
from pipeline.model.article import Article

MAX_ITEMS = 2_000
"""Articles of one poll."""
MAX_SIZE = 50 * 1024 * 1024
"""Bytes of a decompressed file, which is what the protocol allows."""
MAX_URLS = 50_000
"""Entries of one file, which is what the protocol allows."""
MAX_UNDATED = 5_000
"""Addresses without a date that are remembered of one file; of a file with more of them they are passed over."""
MAX_FILES = 50
"""Files that are asked for in one poll."""
MAX_NAMED = 1_000
"""Files that are remembered of one index."""
MAX_DEPTH = 3
"""Files from the first to the deepest."""
SAME_DATE = 20
"""Entries from which one `lastmod` for all of them tells when the file was made and nothing of the pages."""
OVERLAP = timedelta(days=1)
"""How much further back than the last time a file was read its entries are looked at: they appear late."""
NO_ARTICLES = re.compile(
    r"(?<![a-z])(authors?|categor(y|ies)|images?|tags?|taxonom(y|ies)|topics?|users?|videos?)(?![a-z])"
)
"""In the name of a file: it lists something else than articles."""
MONTH = re.compile(r"(?<!\d)(20\d\d)(?:[-_/]?(0[1-9]|1[0-2]))?(?!\d)")
"""In the name of a file: the year or month that it is about."""
DATE = re.compile(r"(\d{4})(?:-(\d\d?))?(?:-(\d\d?))?")
HTTP = ("https://", "http://")
GZIP = b"\x1f\x8b"
FEEDS = ("rss", "feed", "rdf")


class SitemapConfig(SourceConfig):
    """Which sitemap, and how far back to begin."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"url": "https://news.example/sitemap-news.xml"}]})

    url: str
    """Address of the sitemap, or of an index of sitemaps."""
    days: float = Field(2.0, gt=0, le=60)
    """Age in days up to which entries are taken at the first poll."""
    pages: bool = True
    """Read the page behind each entry; without, only the entries of news sitemaps are taken, by their titles."""


class Listed(msgspec.Struct):
    """One entry."""

    url: str
    title: str = ""
    """Only news sitemaps give titles."""
    published: datetime | None = None
    """As the news extension gives it."""
    published_raw: str = ""
    changed: datetime | None = None
    """`lastmod`."""
    language: str = ""
    publication: str = ""
    news: bool = False
    """It has the news extension."""


class Child(msgspec.Struct):
    """One file that an index names."""

    url: str
    changed: datetime | None = None
    """`lastmod`."""


class Sitemap(msgspec.Struct):
    """What one file lists: entries, the latest first, or further files."""

    entries: list[Listed]
    children: list[Child]


class Document(msgspec.Struct, omit_defaults=True):
    """What is remembered of one file."""

    since: datetime
    """Entries of an earlier date have been seen to."""
    validators: Validators = Validators()
    changed: datetime | None = None
    """`lastmod` of the file, as its index gave it, when it was last read to the end."""
    begun: bool = False
    """Entries without a date are new where they are not in `seen`."""
    seen: Seen = msgspec.field(default_factory=Seen)
    named: list[str] = []
    """Hashes of the files that it names, if it is an index."""


class Cursor(msgspec.Struct, omit_defaults=True):
    """What is remembered of every file, the one read last at the end."""

    documents: dict[str, Document] = msgspec.field(default_factory=dict)


@source("sitemap", config=SitemapConfig)
async def sitemap(config: SitemapConfig, context: Context) -> AsyncIterator[Batch]:
    """News sitemaps, plain sitemaps and index files over them, gzipped or not."""
    async for batch in _Poll(config, context).run():
        yield batch


class _Poll:
    """One poll: from the first file down to the articles."""

    def __init__(self, config: SitemapConfig, context: Context) -> None:
        self._config = config
        self._context = context
        self._cursor = _read_cursor(context.cursor)
        self._start = context.now()
        self._oldest = self._start - timedelta(days=config.days)
        self._room = MAX_ITEMS
        self._at_least = 0.0

    async def run(self) -> AsyncIterator[Batch]:
        """The batches.

        Raises:
            SourceError: no file could be read, or the server asks for fewer requests.
        """
        self._remember(self._config.url, begun=False)
        waiting = [(Child(self._config.url), 1)]
        named = {self._config.url}
        files, reached, failure = 0, False, None
        while waiting and self._room > 0 and files < MAX_FILES:
            child, depth = waiting.pop(0)
            document = self._cursor.documents[child.url]
            if child.changed and document.changed == child.changed:
                continue
            files += 1
            try:
                response = await self._context.fetch(child.url, **document.validators.to_send(self._context))
                found = None if response.not_modified else await self._read(response, document)
            except RateLimitedError:
                raise
            except SourceError as error:
                failure = failure or error
                continue
            reached = True
            self._at_least = response.fresh_for if depth == 1 else self._at_least
            if found and found.children:
                below = self._children(found.children, document) if depth < MAX_DEPTH else []
                named.update(child.url for child in below)
                waiting = [*((child, depth + 1) for child in below), *waiting]
            elif found:
                async for items in self._articles(found.entries, document):
                    yield Batch(items, self._state(), next_poll=0)
            if self._room > 0:
                self._done(child, document, found, response)
        if failure and not reached:
            raise failure
        if not failure and self._room > 0:
            self._cursor.documents = {url: kept for url, kept in self._cursor.documents.items() if url in named}
        yield Batch(cursor=self._state(), next_poll=None if self._room > 0 else 0, at_least=self._at_least)

    def _state(self) -> Any:
        return msgspec.to_builtins(self._cursor, str_keys=True)

    def _remember(self, url: str, *, begun: bool) -> None:
        self._cursor.documents.setdefault(url, Document(since=self._oldest, begun=begun))

    def _since(self, url: str) -> datetime:
        document = self._cursor.documents.get(url)
        return min(self._oldest, document.since) if document else self._oldest

    async def _read(self, response: Response, document: Document) -> Sitemap:
        return await isolated(read_sitemap, response.body, response.url, min(self._oldest, document.since))

    def _children(self, children: Sequence[Child], index: Document) -> list[Child]:
        """The files of an index that may hold something new, in the order in which they are to be read."""
        keys = {
            child.url: hashlib.sha256(child.url.encode("utf-8", "surrogatepass")).hexdigest()[:8]
            for child in children[:MAX_NAMED]
        }
        chosen = [child for child in children[:MAX_NAMED] if self._may_be_new(child)]
        known = set(index.named)
        for child in chosen:
            self._remember(child.url, begun=bool(known) and keys[child.url] not in known)
        index.named = list(keys.values())
        turn = {url: number for number, url in enumerate(self._cursor.documents)}
        dated = [(child.changed, child) for child in chosen if child.changed]
        undated = sorted((child for child in chosen if not child.changed), key=lambda child: turn[child.url])
        return [child for _, child in sorted(dated, key=lambda pair: pair[0], reverse=True)] + undated

    def _may_be_new(self, child: Child) -> bool:
        name = urlsplit(child.url).path.lower()
        if NO_ARTICLES.search(name):
            return False
        if child.changed:
            return child.changed >= self._since(child.url)
        month = MONTH.search(name)
        end = read_date(f"{month[1]}-{month[2]}" if month[2] else month[1], last=True) if month else None
        return not end or end >= self._since(child.url)

    async def _articles(self, listed: Sequence[Listed], document: Document) -> AsyncIterator[list[Article | Bad]]:
        """The articles of a file, as many as there is still room for."""
        entries = [_entry(one) for one in listed if one.news or self._config.pages]
        undated = {one.url for one in listed if not (one.news or one.changed)}
        if len(undated) > MAX_UNDATED:
            entries = [entry for entry in entries if entry.url not in undated]
        elif not document.begun:
            pass_over([entry for entry in entries if entry.url in undated], document.seen)
            document.begun = True
        async for items in articles_of(entries, document.seen, self._context, pages=self._config.pages):
            self._room -= len(items)
            yield items
            if self._room <= 0:
                return

    def _done(self, child: Child, document: Document, found: Sitemap | None, response: Response) -> None:
        """The file has been read to the end."""
        document.since = self._start - OVERLAP
        if found is not None:
            again = found.children or document.seen.tries
            document.validators = Validators() if again else Validators.of(response, self._start)
            document.changed = None if again else child.changed
        self._cursor.documents[child.url] = self._cursor.documents.pop(child.url)


def _read_cursor(cursor: Any) -> Cursor:
    try:
        return msgspec.convert(cursor or {}, Cursor)
    except msgspec.ValidationError:
        return Cursor()


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:8]


def _entry(listed: Listed) -> Entry:
    changed = listed.changed.isoformat() if listed.changed else ""
    return Entry(
        key=listed.url,
        url=listed.url,
        title=listed.title,
        published=listed.published,
        published_origin="sitemap" if listed.published else None,
        published_raw=listed.published_raw or None,
        version=changed,
    )


def read_sitemap(data: bytes, url: str, since: datetime) -> Sitemap:
    """What a sitemap lists, without the entries that are known to be older than `since`.

    Of a file that breaks off or is not well-formed, what can be read counts.

    Raises:
        BadDataError: no sitemap, one with a DTD, or one that decompresses to more than `MAX_SIZE`.
    """
    opened = _Bounded(data, url)
    start = opened.read(1024)
    opened.rewind()
    if not start.strip():
        raise BadDataError(f"{url} is empty; check the address")
    if start.lstrip(b"\xef\xbb\xbf \t\r\n").startswith((b"http://", b"https://")):
        return _read_lines(opened)
    return _Reader(opened, url, since).read()


class _Bounded:
    """A file of bytes, gunzipped where it is gzipped, that ends with an error where it grows too large."""

    def __init__(self, data: bytes, url: str) -> None:
        self._data = data
        self._url = url
        self.rewind()

    def rewind(self) -> None:
        self._left = self._data
        self._inflate = zlib.decompressobj(zlib.MAX_WBITS | 16) if self._data[:2] == GZIP else None
        self._size = 0
        self._tail = b""

    @property
    def cut(self) -> bool:
        """What was read ends in the middle of a text or tag."""
        tail = self._tail.replace(b"\0", b"").rstrip()
        return not tail.endswith(b">") and b"</urlset>" not in tail

    def read(self, size: int = 65536) -> bytes:
        part = self._next(size)
        self._size += len(part)
        self._tail = (self._tail + part)[-200:]
        if self._size > MAX_SIZE:
            raise BadDataError(f"{self._url} is larger than {MAX_SIZE:,} bytes when decompressed")
        return part

    def _next(self, size: int) -> bytes:
        if self._inflate is None:
            part, self._left = self._left[:size], self._left[size:]
            return part
        part = b""
        try:
            while self._left and not part:
                part = self._inflate.decompress(self._left, size)
                self._left = self._inflate.unconsumed_tail
                if self._inflate.eof:  # what follows may be a further member
                    self._left = self._inflate.unused_data
                    self._inflate = zlib.decompressobj(zlib.MAX_WBITS | 16)
        except zlib.error:  # broken from here on: what was read before counts
            self._left = b""
        return part


def _read_lines(opened: _Bounded) -> Sitemap:
    """A sitemap of one address a line."""
    text = b"".join(iter(opened.read, b"")).decode("utf-8", "replace")
    lines = (line.strip() for line in text.splitlines()[:MAX_URLS])
    return Sitemap([Listed(line) for line in lines if line.startswith(HTTP)], [])


class _Reader:
    """Reads a sitemap element by element, keeping none of them."""

    def __init__(self, opened: _Bounded, url: str, since: datetime) -> None:
        self._opened = opened
        self._url = url
        self._since = since
        self._entries: list[Listed] = []
        self._children: list[Child] = []

    def read(self) -> Sitemap:
        from lxml import etree

        options = {"resolve_entities": False, "no_network": True, "load_dtd": False, "huge_tree": False}
        elements = etree.iterparse(self._opened, events=("start", "end"), recover=True, **options)
        begun = False
        try:
            for event, element in elements:
                if not begun:
                    self._check_root(element)
                    begun = True
                if event == "end" and _name(element) in ("url", "sitemap"):
                    self._take(element)
                    element.clear()
                    while element.getprevious() is not None:
                        del element.getparent()[0]
                    if len(self._entries) >= MAX_URLS or len(self._children) >= MAX_URLS:
                        break
        except etree.XMLSyntaxError:
            pass  # beyond recovery: what was read before counts
        if not begun:
            raise BadDataError(f"{self._url} is not a sitemap; check the address")
        if self._opened.cut:
            del self._entries[-1:]  # its address may lack its end
        return Sitemap(self._latest_first(), self._children)

    def _check_root(self, root: Any) -> None:
        name = _name(root)
        if name == "html" or root.getroottree().docinfo.doctype.lower() == "<!doctype html>":
            raise BadDataError(
                f"{self._url} is a web page, not a sitemap; `wirewatch sources add` finds the sitemap of a site"
            )
        if name in FEEDS:
            raise BadDataError(f"{self._url} is a feed, not a sitemap; write `kind: feed`")
        if root.getroottree().docinfo.doctype:
            raise BadDataError(f"{self._url} declares a document type, which no sitemap has; it is not read")
        if name not in ("urlset", "sitemapindex"):
            raise BadDataError(f"{self._url} is not a sitemap: it begins with <{name}>")

    def _take(self, element: Any) -> None:
        parts = {_name(part): part for part in reversed(element)}
        address = _web(self._url, _text(parts.get("loc")))
        if not address:
            return
        changed = read_date(_text(parts.get("lastmod")), last=True)
        if _name(element) == "sitemap":
            self._children.append(Child(address, changed))
            return
        listed = Listed(address, changed=changed)
        news = parts.get("news")
        if news is not None:
            about = {_name(part): _text(part) for part in news.iter()}
            listed.news = True
            listed.title = about.get("title", "")
            listed.published_raw = about.get("publication_date", "")
            listed.published = read_date(listed.published_raw)
            listed.publication, listed.language = about.get("name", ""), about.get("language", "")
        self._entries.append(listed)

    def _latest_first(self) -> list[Listed]:
        dates = {listed.changed for listed in self._entries}
        if len(self._entries) >= SAME_DATE and len(dates) == 1:
            for listed in self._entries:
                listed.changed = None
        dated = [(_latest(listed), listed) for listed in self._entries]
        dated = [(date, listed) for date, listed in dated if not date or date >= self._since]
        return [listed for _, listed in sorted(dated, key=lambda pair: pair[0] or self._since, reverse=True)]


def _latest(listed: Listed) -> datetime | None:
    return max((date for date in (listed.published, listed.changed) if date), default=None)


def _name(element: Any) -> str:
    """Local name in small letters; empty for comments and instructions."""
    return element.tag.rpartition("}")[2].lower() if isinstance(element.tag, str) else ""


def _text(element: Any) -> str:
    return "" if element is None else " ".join("".join(element.itertext()).split())


def _web(base: str, address: str) -> str | None:
    """An absolute http(s) address."""
    if address and not address.startswith(HTTP):
        try:
            address = urljoin(base, address)
        except ValueError:
            return None
    return address if address.lower().startswith(HTTP) else None


def read_date(text: str, *, last: bool = False) -> datetime | None:
    """A W3C date, or one as in a mail, in UTC; of a whole day, month or year its first moment, or the `last`."""
    text = text.strip()
    part = DATE.fullmatch(text)
    try:
        if part:
            begin, end = _span(*(int(number) if number else None for number in part.groups()))
            return end if last else begin
        try:
            date = datetime.fromisoformat(text)
        except ValueError:
            date = parsedate_to_datetime(text)
        return date.replace(tzinfo=UTC) if date.tzinfo is None else date.astimezone(UTC)
    except (ValueError, TypeError, OverflowError, IndexError):
        return None


def _span(year: int | None, month: int | None = None, day: int | None = None) -> tuple[datetime, datetime]:
    """First and last moment of a year, month or day."""
    begin = datetime(year or 0, month or 1, day or 1, tzinfo=UTC)
    last_month = month or 12
    last_day = day or calendar.monthrange(begin.year, last_month)[1]
    return begin, datetime(begin.year, last_month, last_day, 23, 59, 59, tzinfo=UTC)
