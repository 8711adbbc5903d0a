"""The links of a front page, by CSS selector, for sites that offer neither a feed nor a sitemap."""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Annotated, Any
from urllib.parse import urljoin, urlsplit

import msgspec
from pydantic import AfterValidator, ConfigDict, Field

from connectors.pages.blocks import parse
from connectors.pages.dates import read_date
from connectors.pages.decode import decode
from connectors.pages.links import registrable
from connectors.sdk import BadDataError, Batch, Context, SourceConfig, isolated, source
from connectors.sdk.linked import Entry, Seen, articles_of
from connectors.sdk.validators import Validators
from pipeline.model.article import without_tracking


def _selector(text: str) -> str:
    from cssselect import HTMLTranslator, SelectorError

    try:
        HTMLTranslator().css_to_xpath(text)
    except SelectorError as error:
        raise ValueError(f"is no CSS selector: {error}") from None
    return text


Selector = Annotated[str, AfterValidator(_selector)]


class PageListConfig(SourceConfig):
    """Which page, and where on it the links to articles are."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"url": "https://news.example/latest", "links": "article h2 a"}]}
    )

    url: str
    """Address of the page that lists the articles."""
    links: Selector
    """CSS selector of the links, or of the boxes whose first link leads to the article."""
    title: Selector | None = None
    """CSS selector of the title inside what `links` finds; else the page behind the link gives it."""
    date: Selector | None = None
    """CSS selector of the date inside what `links` finds; else the page behind the link gives it."""
    pages: bool = True
    """Read the page behind each link; without, only the texts of the links are taken."""
    other_sites: bool = False
    """Follow links to other sites too."""
    max: int = Field(50, ge=1, le=2_000)
    """Links that are taken from the page, from its top."""


class Link(msgspec.Struct):
    """One link, as the page shows it."""

    url: str
    text: str
    title: str = ""
    date: datetime | None = None


class Cursor(msgspec.Struct, omit_defaults=True):
    """What was seen, and the validators for the next request."""

    validators: Validators = Validators()
    seen: Seen = msgspec.field(default_factory=Seen)


@source("page-list", config=PageListConfig)
async def page_list(config: PageListConfig, context: Context) -> AsyncIterator[Batch]:
    """The links of a front page, found by CSS selector, and the articles behind them."""
    cursor = _read_cursor(context.cursor)
    response = await context.fetch(config.url, **cursor.validators.to_send(context), robots=True)
    if response.not_modified:
        yield Batch(at_least=response.fresh_for)
        return
    links = await isolated(
        read_links,
        response.body,
        response.url,
        response.content_type,
        config.links,
        config.title or "",
        config.date or "",
    )
    home = registrable(response.url)
    links = [link for link in links if config.other_sites or registrable(link.url) == home][: config.max]
    if not links:
        raise BadDataError(f"`links: {config.links}` finds no link on {config.url}; the page may have changed")
    entries = [_entry(link, pages=config.pages) for link in links]
    cursor.validators = Validators()
    async for items in articles_of(entries, cursor.seen, context, pages=config.pages):
        yield Batch(items, msgspec.to_builtins(cursor), next_poll=0)
    if not cursor.seen.tries:  # else the next poll must see the whole page again
        cursor.validators = Validators.of(response, context.now())
    yield Batch(cursor=msgspec.to_builtins(cursor), at_least=response.fresh_for)


def _read_cursor(cursor: Any) -> Cursor:
    try:
        return msgspec.convert(cursor or {}, Cursor)
    except msgspec.ValidationError:
        return Cursor()


def _entry(link: Link, *, pages: bool) -> Entry:
    """What the page shows of an article; its text alone is no sign of an edit, for it holds ages and counts."""
    return Entry(
        key=link.url,
        url=link.url,
        title=link.title or ("" if pages else link.text),
        published=link.date,
        published_origin="page-list" if link.date else None,
    )


def read_links(data: bytes, url: str, content_type: str, links: str, title: str = "", date: str = "") -> list[Link]:
    """The links that `links` finds on a page, in its order and each once, as absolute addresses.

    `title` and `date` are selectors inside what `links` finds, or empty.

    Raises:
        BadDataError: no page of HTML.
    """
    root = parse(decode(data, content_type))
    if root is None:
        raise BadDataError(f"{url} is no page of HTML; check the address")
    base = _base(root, url)
    found: dict[str, Link] = {}
    for box in root.cssselect(links):
        anchor = box if box.tag == "a" else next((one for one in box.iter("a") if one.get("href")), None)
        address = _address(base, anchor.get("href")) if anchor is not None else None
        if address and address not in found and address != without_tracking(url):
            found[address] = Link(address, _text(anchor), _first(box, title), _date(box, date))
    return list(found.values())


def _base(root: Any, url: str) -> str:
    """What relative addresses are relative to."""
    base = next((one.get("href") for one in root.iter("base") if one.get("href")), "")
    try:
        return urljoin(url, str(base))
    except ValueError:
        return url


def _address(base: str, href: str | None) -> str | None:
    """An absolute http(s) address without fragment and tracking parameters."""
    try:
        address = urljoin(base, (href or "").strip()).partition("#")[0]
        parts = urlsplit(address)
    except ValueError:
        return None
    held = href and parts.scheme in ("http", "https") and parts.hostname
    return without_tracking(address) if held else None


def _text(element: Any) -> str:
    return " ".join(str(element.text_content()).split())


def _first(box: Any, selector: str) -> str:
    return next((_text(one) for one in box.cssselect(selector)), "") if selector else ""


def _date(box: Any, selector: str) -> datetime | None:
    for one in box.cssselect(selector) if selector else ():
        date = read_date(one.get("datetime") or one.get("content") or _text(one))
        if date:
            return date
    return None
