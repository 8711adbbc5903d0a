"""What a feed document says: RSS 0.9x to 2.0, RDF, Atom and JSON Feed. Bytes in, entries out, no I/O.

XML is read by feedparser, which is given bytes only. What it would read to the letter but not as it was meant is
mended before: a body still compressed, a charset that the bytes contradict, entities that a DTD defines.
"""

import calendar
import codecs
import hashlib
import itertools
import re
import sys
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from io import BytesIO
from typing import Any
from urllib.parse import urljoin

import msgspec

from connectors.pages import read_fragment
from connectors.pages.decode import detect
from connectors.sdk import Bad, BadDataError
from connectors.sdk.linked import FULL_TEXT, Entry

MAX_ENTRIES = 2_000
"""Entries of one document that are read."""
MAX_SIZE = 10 * 1024 * 1024
"""Bytes of a document, decompressed."""
MAX_ENTITIES, MAX_ENTITY = 300, 200
"""Entities that a DTD may define, and the characters of each."""
PERIODS = {"hourly": 3600, "daily": 86400, "weekly": 7 * 86400, "monthly": 30 * 86400, "yearly": 365 * 86400}
"""Seconds of the syndication module's periods."""

MARKS = {
    codecs.BOM_UTF32_LE: "utf-32le",
    codecs.BOM_UTF32_BE: "utf-32be",
    codecs.BOM_UTF16_LE: "utf-16le",
    codecs.BOM_UTF16_BE: "utf-16be",
    codecs.BOM_UTF8: "utf-8",
}
"""Byte order marks, the longer ones first."""
DECLARED = re.compile(rb"^\s*<\?xml[^>]{0,200}?encoding\s*=\s*[\"']([\w.:-]+)", re.I)
INTERNAL_SUBSET = re.compile(rb"<!DOCTYPE[^\[>]*\[(.*?)\]\s*>", re.I | re.S)
HARMLESS_ENTITY = re.compile(rb"<!ENTITY\s+(\w+)\s+(?:\"([^\"&%<]*|&#\w+;)\"|'([^'\"&%<]*|&#\w+;)')\s*>", re.I)
BLOCK = re.compile(rb"<((?:\w+:)?(?:item|entry))\b(?:(?!<\1\b).)*?</\1\s*>", re.S)
REFERENCE = re.compile(rb"&#([xX][0-9a-fA-F]{1,20}|\d{1,20});?")
NO_DECLARATION = re.compile(rb"<!(?!--|\[CDATA\[|DOCTYPE|ENTITY)")
MARKUP = re.compile(r"<[A-Za-z/!]|&#?\w+;")
UNWANTED = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")


class Document(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A feed document."""

    entries: list[Entry | Bad]
    """In its order."""
    ttl: float = 0.0
    """Seconds for which it says that nothing new will come."""
    hub: str = ""
    """Where one may subscribe to it by WebSub."""
    topic: str = ""
    """Its own address, as it gives it."""


def read_document(data: bytes, url: str = "", content_type: str = "") -> Document:
    """Reads a feed document; an entry that cannot be read is a `Bad` among its neighbours.

    Raises:
        BadDataError: no feed of any known format; the message says what it is instead.
    """
    data = _decompressed(data, url)
    if data[:256].lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"{":
        return _json_feed(data, url)
    try:
        parsed = parse_xml(data, url, content_type, clean=False)
    except BadDataError:
        if entries := _one_by_one(data, url, content_type):
            return Document(entries=entries)
        raise
    if not parsed.get("version") and not parsed.entries:
        raise BadDataError(f"{url or 'the document'} is {_what_it_is(data, url)}")
    links = {link.get("rel"): link.get("href", "") for link in reversed(parsed.feed.get("links") or ())}
    return Document(
        entries=_xml_entries(parsed.entries, url),
        ttl=_ttl(parsed.feed),
        hub=_web(links.get("hub"), url) or "",
        topic=_web(links.get("self"), url) or "",
    )


def read_feed(data: bytes, url: str = "", content_type: str = "") -> list[Entry | Bad]:
    """The entries of a feed document, in its order.

    Raises:
        BadDataError: no feed of any known format.
    """
    return read_document(data, url, content_type).entries


def parse_xml(data: bytes, url: str = "", content_type: str = "", *, clean: bool = True) -> Any:
    """A document as feedparser reads it; only ever given bytes, so that it fetches nothing.

    Args:
        clean: whether HTML is sanitised and its links are made absolute, which text has no need of.

    Raises:
        BadDataError: feedparser itself failed on it.
    """
    import feedparser

    headers = {"content-type": _content_type(data, content_type)}
    if url:
        headers["content-location"] = url
    document = _without_entities(data, url)
    options = {"response_headers": headers, "sanitize_html": clean, "resolve_relative_uris": clean}
    try:
        return feedparser.parse(BytesIO(document), **options)
    except Exception:  # whatever a parser raises on a hostile document, the document is to blame
        try:
            return feedparser.parse(BytesIO(_mended(document)), **options)
        except Exception as error:
            raise BadDataError(f"{url} cannot be read as a feed: {type(error).__name__}: {error}") from None


def _one_by_one(data: bytes, url: str, content_type: str) -> list[Entry | Bad]:
    """The entries of a document that feedparser fails on, each read by itself; none where it fails on all."""
    blocks = list(itertools.islice(BLOCK.finditer(data), MAX_ENTRIES))
    head = data[: blocks[0].start()] if blocks else data
    found: list[Entry | Bad] = []
    for number, block in enumerate(blocks, 1):
        try:
            found += _xml_entries(parse_xml(head + block[0], url, content_type, clean=False).entries, url)
        except BadDataError as error:
            found.append(Bad(f"{url} entry {number}", str(error), block[0]))
    return found if any(isinstance(entry, Entry) for entry in found) else []


def _decompressed(data: bytes, url: str) -> bytes:
    """Some servers send a compressed file without saying so."""
    if data[:3] != b"\x1f\x8b\x08":
        return data
    inflate = zlib.decompressobj(zlib.MAX_WBITS | 16)
    try:
        found = inflate.decompress(data, MAX_SIZE + 1)
    except zlib.error as error:
        raise BadDataError(f"{url} cannot be decompressed: {error}") from None
    if len(found) > MAX_SIZE:
        raise BadDataError(f"{url} is larger than {MAX_SIZE >> 20} MiB when it is decompressed")
    return found


def _content_type(data: bytes, given: str) -> str:
    """The type by which feedparser chooses an encoding: none that the bytes contradict, a guess where none is named."""
    for mark, encoding in MARKS.items():
        if data.startswith(mark):
            return f"application/xml; charset={encoding}"
    given = given or "application/xml"
    declared = DECLARED.match(data)
    if data.isascii() or b"\0" in data[:4] or (declared and declared[1].lower() not in (b"utf-8", b"utf8")):
        return given
    try:
        data.decode()
    except UnicodeDecodeError:
        return given if declared or "charset" in given.lower() else f"application/xml; charset={detect(data)}"
    return "application/xml; charset=utf-8"


def _without_entities(data: bytes, url: str) -> bytes:
    """The document without entities that it defines itself, but for a few short ones that refer to nothing.

    Raises:
        BadDataError: it defines some in an encoding in which they cannot be told apart.
    """
    if b"\0" in data[:200] and b"<!ENTITY" in data.replace(b"\0", b"").upper():
        raise BadDataError(f"{url} defines entities, which is refused; ask its publisher for a feed without a DTD")

    def harmless(subset: re.Match[bytes]) -> bytes:
        kept = [(name, one or two) for name, one, two in HARMLESS_ENTITY.findall(subset[1])]
        lines = [b'<!ENTITY %s "%s">\n' % (name, value) for name, value in kept if len(value) <= MAX_ENTITY]
        return b"\n<!DOCTYPE feed [\n%s]>" % b"".join(lines) if 0 < len(lines) <= MAX_ENTITIES else b""

    return INTERNAL_SUBSET.sub(harmless, data) if b"<!ENTITY" in data.upper() else data


def _mended(data: bytes) -> bytes:
    """Without what feedparser is known to fail on: references to no character, and declarations among the text."""

    def character(reference: re.Match[bytes]) -> bytes:
        number = int(reference[1][1:], 16) if reference[1][:1] in b"xX" else int(reference[1])
        return b"&#xFFFD;" if number > sys.maxunicode or 0xD800 <= number < 0xE000 else reference[0]

    return NO_DECLARATION.sub(b"&lt;!", REFERENCE.sub(character, data))


def _some(entries: Sequence[Any]) -> Sequence[Any]:
    return entries[:MAX_ENTRIES]


def _xml_entries(entries: Sequence[Any], url: str) -> list[Entry | Bad]:
    return [_attempt(_xml_entry, f"{url} entry {n}", entry, url) for n, entry in enumerate(_some(entries), 1)]


def _attempt(read: Callable[[Any, str], Entry], name: str, given: Any, url: str) -> Entry | Bad:
    try:
        return read(given, url)
    except Exception as error:  # its neighbours can be read, whatever is wrong with it
        data = bytes(given) if isinstance(given, msgspec.Raw) else repr(dict(given)).encode("utf-8", "replace")
        return Bad(name, f"cannot be read: {error}", data)


def _xml_entry(entry: Mapping[str, Any], base: str) -> Entry:
    title = " ".join(_text(entry.get("title")).split())
    summary = _text(entry.get("summary"))
    content = max((_text(part.get("value")) for part in entry.get("content") or ()), key=len, default="")
    if not content and len(summary) >= 2 * FULL_TEXT:
        content, summary = summary, ""
    published = _time(entry.get("published_parsed"))
    has_update = "updated_parsed" in entry.keys()  # noqa: SIM118 - feedparser answers `in` and `get` with `published`
    updated = _time(entry["updated_parsed"]) if has_update else None
    written = entry.get("published") or (entry["updated"] if "updated" in entry.keys() else "")  # noqa: SIM118
    link = _web(entry.get("feedburner_origlink")) or _web(entry.get("link"), base)
    return Entry(
        key=_clean(entry.get("id") or "") or link or _hash(f"{title}\n{summary}\n{content}"),
        url=link,
        title=title,
        summary="" if summary == content else summary,
        content=content,
        authors=_names(author.get("name") for author in entry.get("authors") or ()),
        published=published or updated,
        published_origin="feed" if published else "feed-updated" if updated else None,
        published_raw=_clean((entry["updated"] if updated and not published else written) or "") or None,
    )


def _ttl(feed: Mapping[str, Any]) -> float:
    """Seconds, from RSS's `ttl` and the syndication module; none where they make no sense."""
    minutes = _number(feed.get("ttl"))
    period = PERIODS.get(str(feed.get("sy_updateperiod") or "").strip().lower(), 0)
    frequency = _number(feed.get("sy_updatefrequency")) or 1.0
    return max(minutes * 60.0, period / frequency)


def _number(text: Any) -> float:
    found = re.fullmatch(r"\s*(\d{1,7})(?:\.\d*)?\s*", str(text or ""))
    return float(found[1]) if found else 0.0


def _text(html: str | None) -> str:
    """Plain text of what may be HTML."""
    text = _clean(html or "")
    return read_fragment(text) if MARKUP.search(text) else text.strip()


def _clean(text: str) -> str:
    """Without control characters and halves of surrogate pairs, which nothing that follows can store."""
    return UNWANTED.sub("", text)


def _names(names: Iterator[str | None]) -> tuple[str, ...]:
    return tuple(clean for name in names if (clean := _clean(name or "").strip()))


def _web(link: Any, base: str = "") -> str | None:
    """An absolute http(s) link."""
    if not isinstance(link, str) or not link.strip():
        return None
    try:
        found = _clean(urljoin(base, link.strip()))
    except ValueError:
        return None
    return found if found.lower().startswith(("http://", "https://")) else None


def _time(parsed: Any) -> datetime | None:
    """feedparser's nine numbers are in UTC."""
    if not parsed:
        return None
    try:
        return datetime.fromtimestamp(calendar.timegm(parsed), UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:12]


def _what_it_is(data: bytes, url: str) -> str:
    """For somebody who expected a feed."""
    if not data.strip(b"\xef\xbb\xbf\0 \t\r\n"):
        return "empty; check the address"
    root = re.search(rb"<(?!\?|!--|!DOCTYPE)([\w:.-]+)", data[:10_000], re.I)
    if root is None:
        return "neither XML nor JSON; check the address"
    name = root[1].decode("ascii", "replace").lower()
    if name in ("urlset", "sitemapindex"):
        return "a sitemap, not a feed; declare it with `kind: sitemap`"
    if name not in ("html", "head", "body", "meta", "title", "div", "script") and b"<html" not in data[:10_000].lower():
        return f"XML of another kind (<{name}>), not RSS, Atom or JSON Feed; check the address"
    title, feeds = _page_says(data, url)
    named = f" titled “{title}”" if title else ""
    return f"an HTML page{named}, not a feed; " + (f"its feed is {feeds[0]}" if feeds else "check the address")


def _page_says(data: bytes, url: str) -> tuple[str, list[str]]:
    """Title of an HTML page, and the feeds that it links to."""
    from lxml import etree
    from lxml import html as lxml_html

    try:
        root = lxml_html.document_fromstring(data)
    except (etree.LxmlError, ValueError):
        return "", []
    links = root.xpath("//link[@href][contains(concat(' ', translate(@rel, 'ALTERN', 'altern'), ' '), ' alternate ')]")
    feeds = [link.get("href") for link in links if re.search(r"(rss|atom|feed)\+(xml|json)", link.get("type") or "")]
    title = " ".join("".join(root.xpath("(//title)[1]//text()")).split())[:80]
    return _clean(title), [found for feed in feeds if (found := _web(feed, url))]


class _JsonAuthor(msgspec.Struct):
    name: str | None = None


class _JsonItem(msgspec.Struct):
    id: str | int | float | None = None
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


class _JsonHub(msgspec.Struct):
    type: str = ""
    url: str = ""


class _JsonFeed(msgspec.Struct):
    items: list[msgspec.Raw]
    feed_url: str | None = None
    hubs: list[_JsonHub] | None = None


def _json_feed(data: bytes, url: str) -> Document:
    """JSON Feed 1.0 and 1.1."""
    try:
        document = msgspec.json.decode(data.removeprefix(b"\xef\xbb\xbf").strip(), type=_JsonFeed)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise BadDataError(f"{url} is JSON, but not a JSON Feed: {error}") from None
    hubs = [hub.url for hub in document.hubs or () if hub.type.lower() == "websub"]
    return Document(
        entries=[_attempt(_json_entry, f"{url} item {n}", row, url) for n, row in enumerate(_some(document.items), 1)],
        hub=_web(hubs[0], url) or "" if hubs else "",
        topic=_web(document.feed_url, url) or "",
    )


def _json_entry(row: msgspec.Raw, base: str) -> Entry:
    try:
        item = msgspec.json.decode(row, type=_JsonItem)
    except RecursionError:
        raise ValueError("nested too deep") from None
    content = _clean(item.content_text or "").strip() or _text(item.content_html)
    published, updated = _iso(item.date_published), _iso(item.date_modified)
    url = _web(item.url, base) or _web(item.external_url, base)
    title, summary = " ".join(_clean(item.title or "").split()), _text(item.summary)
    authors = item.authors or ([item.author] if item.author else [])
    return Entry(
        key=_clean(str(item.id or "")) or url or _hash(f"{title}\n{summary}\n{content}"),
        url=url,
        title=title,
        summary=summary,
        content=content,
        authors=_names(author.name for author in authors),
        published=published or updated,
        published_origin="feed" if published else "feed-updated" if updated else None,
        published_raw=(item.date_modified if updated and not published else item.date_published or item.date_modified),
    )


def _iso(text: str | None) -> datetime | None:
    """A date as RFC 3339 has it, or RFC 822; without a zone it is taken for UTC, as feedparser does."""
    for read in (datetime.fromisoformat, parsedate_to_datetime):
        try:
            time = read((text or "").strip())
            return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
        except (ValueError, TypeError, OverflowError):
            continue
    return None
