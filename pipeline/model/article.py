"""Article: what a connector acknowledged, before anything has been read into it."""

import hashlib
from pathlib import Path
from typing import Literal
from urllib.parse import parse_qsl, unquote_plus, urlencode, urlsplit, urlunsplit

import msgspec

from pipeline.model.codec import InvalidError, Time, decode, utc

MAX_BODY = 200_000
"""Characters of a body that are kept."""

Grade = Literal["A", "B", "C", "D", "E", "F"]
"""Reliability of a source, NATO Admiralty code: A completely reliable … E unreliable, F cannot be judged."""

_LISTED = Path(__file__).with_name("tracking.txt").read_text("utf-8").split("\n")
_TRACKING = {line for line in _LISTED if line and line[0] != "#" and line[-1] != "*"}
_TRACKING_STEMS = tuple(line[:-1] for line in _LISTED if line and line[0] != "#" and line[-1] == "*")


class Source(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Who published it."""

    id: str
    name: str = ""
    kind: str = ""
    """Kind of connector that brought it (feed, folder, …)."""
    country: str | None = None
    """ISO 3166-1 alpha-3 of the outlet."""
    owner: str | None = None
    """Id of the owner; outlets of one owner are not independent of one another."""
    affiliation: str | None = None
    """Alpha-3 of the state that controls the outlet."""
    reliability: Grade | None = None


class Raw(msgspec.Struct, frozen=True, kw_only=True):
    """The bytes it was read from."""

    sha256: str
    content_type: str
    size: int
    """Bytes."""


class Article(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One revision of one published item, as plain text."""

    id: str
    """32 hex digits, see `article_id`."""
    url: str | None = None
    source: Source
    title: str = ""
    body: str = ""
    summary: str = ""
    authors: tuple[str, ...] = ()
    published: Time | None = None
    published_origin: str | None = None
    """Where `published` was read: feed, page, header, input …"""
    published_raw: str | None = None
    """As the publisher wrote it, where it was read at all."""
    fetched: Time | None = None
    revision: str
    """16 hex digits, see `revision_of`."""
    truncated: bool = False
    """The body was longer than MAX_BODY and was cut."""
    raw: Raw | None = None


def canonical_url(url: str) -> str:
    """The URL by which two copies of an article are recognised as one.

    Lower-case scheme and host, no default port, fragment, tracking parameters or trailing slash;
    the other query parameters sorted. Returns the input where it is no http(s) URL.
    """
    try:
        parts = urlsplit(url.strip())
        port = parts.port
    except ValueError:
        return url.strip()
    if parts.scheme.lower() not in ("http", "https") or not parts.hostname:
        return url.strip()
    scheme = parts.scheme.lower()
    host = parts.hostname.lower()
    if port and port != {"http": 80, "https": 443}[scheme]:
        host = f"{host}:{port}"
    query = sorted(
        (name, value) for name, value in parse_qsl(parts.query, keep_blank_values=True) if not _is_tracking(name)
    )
    return urlunsplit((scheme, host, parts.path.rstrip("/"), urlencode(query), ""))


def without_tracking(url: str) -> str:
    """A URL without the query parameters that only say how a reader came to it; nothing else of it changes."""
    address, mark, rest = url.partition("?")
    query, hash_, fragment = rest.partition("#")
    kept = "&".join(part for part in query.split("&") if not _is_tracking(unquote_plus(part.partition("=")[0])))
    return address + (mark if kept else "") + kept + hash_ + fragment


def _is_tracking(name: str) -> bool:
    name = name.lower()
    return name in _TRACKING or name.startswith(_TRACKING_STEMS)


def article_id(url: str | None, source: str, item: str) -> str:
    """First 32 hex digits of SHA-256 over the canonical URL, or over source id and item key where there is none."""
    key = canonical_url(url) if url else f"{source}\n{item}"
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def revision_of(title: str, body: str) -> str:
    """16 hex digits that change when title or body change."""
    return hashlib.sha256(f"{title}\n{body}".encode("utf-8", "surrogatepass")).hexdigest()[:16]


def raw_of(data: bytes, content_type: str) -> Raw:
    """What is kept of the bytes that an article was read from."""
    return Raw(sha256=hashlib.sha256(data).hexdigest(), content_type=content_type, size=len(data))


class _Input(msgspec.Struct, kw_only=True):
    """An article as people hand it in: unknown fields are ignored, known ones are strict."""

    id: str = ""
    url: str | None = None
    source: Source
    title: str = ""
    body: str = ""
    summary: str = ""
    authors: tuple[str, ...] = ()
    published: Time | None = None
    fetched: Time | None = None


def from_input(data: bytes | str) -> tuple[str, Article]:
    """One JSON object as people write it (see `wirewatch enrich --help`): its own `id`, and the Article.

    Raises:
        InvalidError: not JSON, a wrong type, or neither `url` nor `id`; the message names the field.
    """
    given = decode(data, _Input)
    if not (given.url or given.id):
        raise InvalidError("an article needs `url`, or `id` where it has none")
    if not (given.title.strip() or given.body.strip()):
        raise InvalidError("an article needs text in `title` or `body`")
    article = Article(
        id=article_id(given.url, given.source.id, given.id),
        url=given.url,
        source=given.source,
        title=given.title,
        body=given.body[:MAX_BODY],
        summary=given.summary,
        authors=given.authors,
        published=utc(given.published) if given.published else None,
        published_origin="input" if given.published else None,
        fetched=utc(given.fetched) if given.fetched else None,
        revision=revision_of(given.title, given.body),
        truncated=len(given.body) > MAX_BODY,
    )
    return given.id or article.id, article
