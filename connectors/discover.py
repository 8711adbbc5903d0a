"""What a site offers: feeds, sitemaps or a list of articles, found from the address of any of its pages.

Few requests, one after the other: the page, what it links to as feeds, then the usual places of feeds, what robots.txt
names as sitemaps, their usual places, and at last the links of the page itself. The search ends with the first of
these that holds something recent.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

import msgspec
import yaml

from connectors.pages.blocks import parse
from connectors.pages.decode import decode
from connectors.pages.links import registrable
from connectors.sdk import Context, Fetch, Response, SourceError, isolated
from connectors.sdk.declare import declare
from connectors.sdk.source import utcnow
from connectors.sitemap import NO_ARTICLES, read_sitemap
from pipeline.model.article import Article, Source

MAX_LINKED = 5
"""Feeds that a page links to that are looked at."""
MAX_SITEMAPS = 4
RECENT = timedelta(days=7)
ALIVE = timedelta(days=45)
"""A feed or sitemap whose newest item is older has been left behind."""
MIN_LINKS = 5
"""Links from which a selector is worked out."""
FEED_TYPES = re.compile(r"(application|text)/((rss|atom|rdf)\+xml|feed\+json|xml|x-rss\+xml)", re.I)
FEED_ADDRESS = re.compile(r"(^|[/._-])(rss|feeds?|atom)([/._-]|$|\d)|\.(rss|atom|rdf)$", re.I)
FEED_START = re.compile(rb"<(?:\w+:)?(?:rss|feed|rdf)[\s>]", re.I)
SITEMAP_START = re.compile(rb"<(?:\w+:)?(?:urlset|sitemapindex)[\s>]", re.I)
JSON_FEED = re.compile(rb'"version"\s*:\s*"https?:\\?/\\?/jsonfeed')
SITEMAP_LINE = re.compile(r"^\s*sitemap\s*:\s*(\S+)", re.I | re.M)
NAME = re.compile(r"[A-Za-z][A-Za-z_-]{2,40}")
"""Classes that somebody chose; those with figures are mostly made by machines and change."""
TAG = re.compile(r"[a-z][a-z0-9-]*")
WORDY = re.compile(r"[^\W\d_]{2,}(?:[-_][^\W_]+){2,}")
"""Path of an article: words of its title, joined."""
NUMBERED = re.compile(r"\d{5,}|/\d{4}/\d{1,2}/|[?&]\w*id=\d+", re.I)
"""Address of an article: a number or a date."""
KINDS = {"feed": 3, "sitemap": 1, "page-list": 0, "folder": 0}


@dataclass(frozen=True)
class Candidate:
    """One way to read a site."""

    entry: dict[str, Any]
    """As it would stand in `sources`: `kind`, `url` and what else its kind needs."""
    found: str
    """Where it was found, for people."""
    title: str = ""
    items: int = 0
    recent: int = 0
    """Items of the last seven days."""
    newest: datetime | None = None
    news: bool = False
    """A news sitemap."""
    comments: bool = False
    """It holds comments of readers."""
    foreign: bool = False
    """It is said to be in another language than the page."""
    alive: bool = True

    @property
    def rank(self) -> tuple[bool, bool, bool, int, int]:
        """The higher the better."""
        kind = KINDS[self.entry["kind"]] + self.news
        return self.alive, not self.comments, not self.foreign, kind, min(self.recent, 10)


class Offer(msgspec.Struct):
    """A feed that a page links to."""

    url: str
    title: str = ""
    language: str = ""


class Front(msgspec.Struct):
    """What a page says of the site."""

    name: str
    language: str
    feeds: list[Offer]
    """As `link` elements."""
    anchors: list[Offer]
    """As links in the text."""
    selector: str
    """CSS selector of the links to articles; empty where none stands out."""
    titles: list[str]
    """Texts of these links."""


@dataclass(frozen=True)
class Found:
    """All candidates, the best first, and the name of the site."""

    candidates: list[Candidate]
    name: str = ""


async def discover(url: str, fetch: Fetch, now: Callable[[], datetime] = utcnow) -> Found:
    """The ways to read the site of a page; `url` may also be that of a feed or sitemap itself.

    Raises:
        SourceError: the page could not be fetched.
    """
    return await _Search(fetch, now).search(url)


class _Search:
    """One search; looks at no address twice."""

    def __init__(self, fetch: Fetch, now: Callable[[], datetime]) -> None:
        self._fetch = fetch
        self._now = now
        self._asked: set[str] = set()
        self._found: list[Candidate] = []

    async def search(self, url: str) -> Found:
        response = await self._fetch(url)
        self._asked.add(url)
        what = sniff(response.body)
        if what == "feed":
            await self._feed(Offer(url), "the address itself is a feed", "")
        elif what == "sitemap":
            await self._sitemap(url, "the address itself is a sitemap", response)
        if what != "page":
            return self._result("")
        front = await isolated(read_front, response.body, response.url, response.content_type)
        await self._look(front, response.url)
        return self._result(front.name)

    def _result(self, name: str) -> Found:
        return Found(sorted(self._found, key=lambda candidate: candidate.rank, reverse=True), name)

    async def _look(self, front: Front, url: str) -> None:
        """Goes through the places, from the likeliest to the last resort."""
        places = _places()
        for offers, found in ((front.feeds, "the page names it as its feed"), (front.anchors, "the page links to it")):
            for offer in offers[:MAX_LINKED]:
                await self._feed(offer, found, front.language)
            if self._good():
                return
        if not (front.feeds or front.anchors):
            for path in places.feeds:
                await self._feed(Offer(urljoin(url, path)), "found where feeds usually are", front.language)
                if self._good():
                    return
        named = await self._robots(url)
        for address in named[:MAX_SITEMAPS]:
            await self._sitemap(address, "robots.txt names it")
        for address in () if self._good() else (urljoin(url, path) for path in places.sitemaps):
            await self._sitemap(address, "found where sitemaps usually are")
            if self._good():
                break
        if front.selector:
            entry = {"kind": "page-list", "url": url, "links": front.selector}
            count = len(front.titles)
            self._found.append(Candidate(entry, "the links of the page itself", front.name, count, count))

    def _good(self) -> bool:
        return any(candidate.alive and not candidate.comments for candidate in self._found)

    async def _feed(self, offer: Offer, found: str, language: str) -> None:
        if offer.url in self._asked and found != "the address itself is a feed":
            return
        self._asked.add(offer.url)
        try:
            items = await self._poll({"kind": "feed", "url": offer.url, "pages": False})
        except SourceError:
            return
        dates = [item.published for item in items if item.published]
        newest = max(dates, default=None)
        self._found.append(
            Candidate(
                {"kind": "feed", "url": offer.url},
                found,
                offer.title,
                items=len(items),
                recent=sum(date >= self._now() - RECENT for date in dates),
                newest=newest,
                comments=_of_comments(f"{offer.url} {offer.title}".lower()),
                foreign=_differ(offer.language, language),
                alive=bool(items) and (newest is None or newest >= self._now() - ALIVE),
            )
        )

    async def _poll(self, entry: dict[str, Any]) -> list[Article]:
        """The articles of the first poll, without their pages."""
        declared = declare({"id": "candidate", **entry})
        context = Context(source=Source(id="candidate"), fetch=self._fetch, now=self._now)
        items: list[Article] = []
        async with aclosing(declared.kind.poll(declared.config, context)) as batches:  # type: ignore[type-var]
            async for batch in batches:
                items.extend(item for item in batch.items if isinstance(item, Article))
                if batch.next_poll != 0:
                    break
        return items

    async def _robots(self, url: str) -> list[str]:
        """The sitemaps that robots.txt names, those of news first."""
        try:
            response = await self._fetch(urljoin(url, "/robots.txt"))
        except SourceError:
            return []
        lines = SITEMAP_LINE.findall(response.body[:500_000].decode("utf-8", "replace"))
        named = [urljoin(url, line) for line in dict.fromkeys(lines)]
        return sorted(
            (address for address in named if not NO_ARTICLES.search(urlsplit(address).path.lower())),
            key=lambda address: "news" not in urlsplit(address).path.lower(),
        )

    async def _sitemap(self, url: str, found: str, response: Response | None = None) -> None:
        if url in self._asked and response is None:
            return
        self._asked.add(url)
        try:
            response = response or await self._fetch(url)
            read = await isolated(read_sitemap, response.body, response.url, self._now() - ALIVE)
        except SourceError:
            return
        dates = [date for one in read.entries if (date := one.published or one.changed)]
        dates += [child.changed for child in read.children if child.changed]
        self._found.append(
            Candidate(
                {"kind": "sitemap", "url": url},
                found,
                next((one.publication for one in read.entries if one.publication), ""),
                items=len(read.entries) or len(read.children),
                recent=sum(date >= self._now() - RECENT for date in dates),
                newest=max(dates, default=None),
                news=any(one.news for one in read.entries),
                alive=bool(read.entries or read.children) and max(dates, default=self._now()) >= self._now() - ALIVE,
            )
        )


def sniff(data: bytes) -> str:
    """`feed`, `sitemap` or `page`, by how a document begins."""
    start = data[:4096].replace(b"\0", b"")
    if data[:2] == b"\x1f\x8b" or SITEMAP_START.search(start):
        return "sitemap"
    if FEED_START.search(start) or (start.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"{" and JSON_FEED.search(start)):
        return "feed"
    return "page"


class _Places(msgspec.Struct):
    feeds: list[str]
    sitemaps: list[str]
    comments: list[str]


@cache
def _places() -> _Places:
    return msgspec.convert(yaml.safe_load(Path(__file__).with_suffix(".yaml").read_bytes()), _Places)


def _of_comments(text: str) -> bool:
    return any(word in text for word in _places().comments)


def _differ(offered: str, language: str) -> bool:
    """Whether two language tags, where both are known, name different languages."""
    first, second = (re.split(r"[-_]", tag.lower())[0] for tag in (offered, language))
    return bool(first and second and first != second)


def read_front(data: bytes, url: str, content_type: str = "") -> Front:
    """What a page says of its site: its name, feeds, and the selector of its links to articles."""
    root = parse(decode(data, content_type))
    if root is None:
        return Front("", "", [], [], "", [])
    feeds = _offers(url, (one for one in root.iter("link") if _is_feed_link(one)))
    anchors = _offers(url, (one for one in root.iter("a") if _is_feed_anchor(one, url)))
    selector, titles = _article_links(root, url)
    return Front(_site_name(root), root.get("lang") or "", feeds, anchors, selector, titles)


def _offers(url: str, elements: Iterable[Any]) -> list[Offer]:
    found: dict[str, Offer] = {}
    for element in elements:
        address = _absolute(url, element.get("href"))
        if address:
            title = element.get("title") or (element.text_content() if element.tag == "a" else "")
            found.setdefault(address, Offer(address, " ".join(title.split()), element.get("hreflang") or ""))
    return sorted(found.values(), key=lambda offer: _of_comments(f"{offer.url} {offer.title}".lower()))


def _absolute(url: str, href: str | None) -> str | None:
    try:
        address = urljoin(url, (href or "").strip()).partition("#")[0]
        good = href and urlsplit(address).scheme in ("http", "https") and urlsplit(address).hostname
    except ValueError:
        return None
    return address if good else None


def _is_feed_link(element: Any) -> bool:
    kinds = (element.get("rel") or "").lower().split()
    type_ = (element.get("type") or "").partition(";")[0].strip()
    if type_.lower() == "application/json":  # so JSON Feed says, and so do programming interfaces
        return "alternate" in kinds and "feed" in f"{element.get('href')} {element.get('title')}".lower()
    return ("alternate" in kinds or "feed" in kinds) and bool(FEED_TYPES.fullmatch(type_) or "feed" in kinds)


def _is_feed_anchor(element: Any, url: str) -> bool:
    address = _absolute(url, element.get("href"))
    if not address or not FEED_ADDRESS.search(urlsplit(address).path.rstrip("/")):
        return False
    return registrable(address) == registrable(url) or urlsplit(address).path.endswith((".xml", ".rss", ".rdf"))


def _site_name(root: Any) -> str:
    for meta in root.iter("meta"):
        if (meta.get("property") or meta.get("name") or "").lower() == "og:site_name" and meta.get("content"):
            return " ".join(meta.get("content").split())
    title = next((" ".join(one.text_content().split()) for one in root.iter("title")), "")
    return re.split(r"\s[|–—-]\s|:\s", title)[0]


def _article_links(root: Any, url: str) -> tuple[str, list[str]]:
    """The selector that most links to articles and hardly any others share, and the texts of these links."""
    home = registrable(url)
    articles: dict[str, dict[str, str]] = defaultdict(dict)
    others: dict[str, int] = defaultdict(int)
    for anchor in root.iter("a"):
        address = _absolute(url, anchor.get("href"))
        if not address:
            continue
        text = " ".join(anchor.text_content().split())
        is_article = registrable(address) == home and _is_article(address, text)
        for selector in _selectors(anchor):
            if is_article:
                articles[selector].setdefault(address, text)
            else:
                others[selector] += 1
    worth = {selector: len(found) - 3 * others[selector] for selector, found in articles.items()}
    best = min(worth, key=lambda selector: (-worth[selector], selector.count(">"), len(selector)), default="")
    if not best or worth[best] < MIN_LINKS:
        return "", []
    return best, list(articles[best].values())


def _is_article(address: str, text: str) -> bool:
    """A title for a text and an address that is one page's own."""
    parts = urlsplit(address)
    letters = sum(character.isalpha() for character in text)
    dense = letters and ord(max(text)) > 0x2E80  # scripts that say in ten characters what takes thirty in others
    own = WORDY.search(parts.path.rpartition("/")[2] or parts.path) or NUMBERED.search(f"{parts.path}?{parts.query}")
    return bool(letters >= (8 if dense else 18) and own and not NO_ARTICLES.search(parts.path.lower()))


def _selectors(anchor: Any) -> Iterator[str]:
    """Selectors of a link by itself and its next ancestors, with classes and without."""
    for step in (_with_class, _plain):
        path = step(anchor)
        yield path
        for number, ancestor in enumerate(anchor.iterancestors()):
            if number == 3 or ancestor.tag in ("body", "html") or not TAG.fullmatch(ancestor.tag):
                break
            path = f"{step(ancestor)} > {path}"
            yield path


def _plain(element: Any) -> str:
    return str(element.tag)


def _with_class(element: Any) -> str:
    name = next((name for name in (element.get("class") or "").split() if NAME.fullmatch(name)), "")
    return f"{element.tag}.{name}" if name else str(element.tag)
