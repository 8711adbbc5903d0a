"""Entries that link to pages: what is new, what is the same, and the page behind."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from connectors.pages import Page
from connectors.sdk import (
    Bad,
    BadDataError,
    Context,
    Fetch,
    GoneError,
    RateLimitedError,
    SourceError,
    TransientError,
)
from connectors.sdk.linked import Entry, Seen, articles_of
from pipeline.model.article import Article, Raw, Source

LONG = "The ferry between the islands sails again, and those who waited on the quay were let on board first. " * 6
NINE = datetime(2030, 5, 1, 9, tzinfo=UTC)
BASE = "https://quay.example/"


class Pages(Context):
    """A context whose pages are in memory: text, or what fetching them raises."""

    def __init__(self, pages: dict[str, str | SourceError] | None = None) -> None:
        super().__init__(source=Source(id="quay"), fetch=Fetch())
        object.__setattr__(self, "pages", pages or {})
        object.__setattr__(self, "asked", [])

    async def page(self, url: str) -> tuple[Page | None, Raw]:
        self.asked.append(url)  # type: ignore[attr-defined]
        found = self.pages.get(url, GoneError("404"))  # type: ignore[attr-defined]
        if isinstance(found, SourceError):
            raise found
        return Page(
            title="Of the page", body=found, published=NINE, published_raw="9 a.m.", published_origin="meta"
        ), Raw(sha256="0", content_type="text/html", size=1)


def deliver(
    entries: Sequence[Entry | Bad], seen: Seen | None = None, context: Context | None = None, *, pages: bool = True
) -> tuple[list[Article | Bad], Seen]:
    """What is delivered, and the cursor after it, which goes through JSON as a stored one does."""
    seen = seen or Seen()

    async def run() -> list[Article | Bad]:
        return [item async for items in articles_of(entries, seen, context or Pages(), pages=pages) for item in items]

    return asyncio.run(run()), msgspec.json.decode(msgspec.json.encode(seen), type=Seen)


def entry(number: int, **fields: Any) -> Entry:
    return Entry(**{"key": f"k{number}", "url": f"{BASE}{number}", "title": f"Title {number}", **fields})


ONE = entry(1)
BARE = entry(1, url=None)


@pytest.mark.parametrize(
    ("first", "second", "new"),
    [
        ([ONE], [ONE], 0),
        ([ONE], [entry(2), ONE], 1),
        ([ONE], [entry(1, title="Corrected")], 1),
        ([ONE], [entry(1, key="another")], 0),
        ([ONE], [entry(1, url=f"{BASE}1?session=77")], 0),
        ([ONE], [entry(1, url=f"{BASE}1?utm_source=rss", key="another")], 0),
        ([ONE], [entry(1, key="another", title="Corrected")], 1),
        ([ONE], [entry(1, key="another", url=f"{BASE}9")], 1),
        ([BARE], [BARE], 0),
        ([BARE], [entry(1, url=None, summary="More.")], 1),
        ([ONE, entry(2)], [entry(2)], 0),
        ([Bad("k", "why", b"bytes")], [Bad("k2", "why", b"bytes")], 0),
        ([entry(1, title="")], [entry(1, title="")], 0),
        ([ONE, entry(2, url=ONE.url)], [entry(3, url=ONE.url), ONE, entry(2, url=ONE.url)], 1),
        ([ONE, entry(2, key=ONE.key)], [ONE, entry(2, key=ONE.key)], 0),
        ([BARE, entry(2, key="k1", url=None)], [BARE, entry(2, key="k1", url=None)], 0),
        ([ONE, entry(1, title="Older")], [ONE, entry(1, title="Older")], 0),
        ([ONE, entry(1, key="b", summary="Too.")], [ONE, entry(1, key="b", summary="Too.")], 0),
        ([entry(1, title="", summary="Eins"), entry(2, title="", summary="Zwei", url=ONE.url)], [ONE], 1),
    ],
    ids=[
        *("again", "one more", "an edit", "another key", "another URL", "a tracked URL and another key", "both edited"),
        *("another key and URL", "without URL", "an edit without URL", "one is gone", "bad", "nothing to say"),
        *("a live blog", "one key for all", "one key for all, no URLs", "listed twice", "listed twice with two keys"),
        "microblog",
    ],
)
def test_what_is_new(first: list[Entry | Bad], second: list[Entry | Bad], new: int) -> None:
    _, seen = deliver(first, pages=False)
    items, seen = deliver(second, seen, pages=False)
    assert len(items) == new
    assert deliver(second, seen, pages=False)[0] == []


@pytest.mark.parametrize(
    ("entries", "articles"),
    [
        ([ONE, entry(1, key="another")], 1),
        ([ONE, entry(2)], 2),
        ([ONE, entry(2, url=ONE.url)], 2),
        ([ONE, entry(2, key=ONE.key)], 2),
        ([BARE, entry(2, key="k1", url=None)], 2),
    ],
    ids=["two keys, one URL and title", "two", "a live blog", "one key for all", "one key for all, no URLs"],
)
def test_articles_keep_apart(entries: list[Entry | Bad], articles: int) -> None:
    assert len({item.id for item in deliver(entries)[0] if isinstance(item, Article)}) == articles


def test_a_live_blog_keeps_its_link_and_is_not_fetched() -> None:
    pages = Pages({f"{BASE}1": LONG})
    items, _ = deliver([ONE, entry(2, url=ONE.url)], context=pages)
    assert [item.url for item in items if isinstance(item, Article)] == [ONE.url] * 2
    assert pages.asked == []  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("given", "wanted", "asked"),
    [
        (entry(1, summary="Short."), True, True),
        (entry(1, content=LONG), True, False),
        (entry(1, content=LONG + "…"), True, True),
        (entry(1), False, False),
        (BARE, True, False),
    ],
    ids=["a summary", "the whole text", "a beginning", "pages are not wanted", "no link"],
)
def test_the_page_behind(given: Entry, wanted: bool, asked: bool) -> None:
    text = LONG + LONG
    pages = Pages({f"{BASE}1": text})
    (item,), _ = deliver([given], context=pages, pages=wanted)
    assert isinstance(item, Article)
    assert (item.body == text) == asked == bool(pages.asked)  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("given", "published"),
    [
        (entry(1), (NINE, "meta", "9 a.m.")),
        (entry(1, published_raw="last week"), (NINE, "meta", "9 a.m.")),
        (entry(1, published=NINE, published_origin="feed", published_raw="nine"), (NINE, "feed", "nine")),
        (entry(1, published_raw="last week", content=LONG), (None, None, "last week")),
    ],
)
def test_the_date_is_the_lists_own_else_the_pages(given: Entry, published: tuple[Any, ...]) -> None:
    (item,), _ = deliver([given], context=Pages({f"{BASE}1": LONG}))
    assert isinstance(item, Article)
    assert (item.published, item.published_origin, item.published_raw) == published


def test_tracking_parameters_go() -> None:
    (item,), _ = deliver([entry(1, url=f"{BASE}1?utm_source=rss&p=2")])
    assert isinstance(item, Article)
    assert item.url == f"{BASE}1?p=2"


@pytest.mark.parametrize(
    ("error", "times"),
    [(TransientError("503"), 3), (GoneError("404"), 3), (BadDataError("too large"), 1), (RateLimitedError("429"), 3)],
    ids=["for the time being", "not there yet", "no page", "too often"],
)
def test_a_page_that_fails_is_fetched_again(error: SourceError, times: int) -> None:
    pages, seen, delivered = Pages({f"{BASE}1": error}), Seen(), 0
    for _ in range(6):
        items, seen = deliver([ONE], seen, pages)
        delivered += len(items)
    assert (len(pages.asked), delivered) == (times, 1)  # type: ignore[attr-defined]


def test_a_page_that_comes_late_is_a_revision() -> None:
    pages = Pages({f"{BASE}1": TransientError("503")})
    (before,), seen = deliver([ONE], context=pages)
    pages.pages[f"{BASE}1"] = LONG  # type: ignore[attr-defined]
    (after,), seen = deliver([ONE], seen, pages)
    assert isinstance(before, Article)
    assert isinstance(after, Article)
    assert before.id == after.id
    assert before.revision != after.revision
    assert deliver([ONE], seen, pages)[0] == []


def test_a_host_that_wants_fewer_requests_is_left_alone() -> None:
    pages = Pages({f"{BASE}{number}": RateLimitedError("429") for number in range(50)})
    items, _ = deliver([entry(number) for number in range(50)], context=pages)
    assert len(items) == 50
    assert len(pages.asked) <= 4  # type: ignore[attr-defined]


def test_the_cursor_stays_small() -> None:
    entries = [entry(number, key=f"https://quay.example/?p={number}") for number in range(2000)]
    _, seen = deliver(entries, pages=False)
    assert len(msgspec.json.encode(seen)) < 50_000
    _, seen = deliver([entry(number) for number in range(3000, 3010)], seen, pages=False)
    assert len(seen.seen) == 110, "of what is listed no longer the last hundred"
    assert deliver(entries[-100:], seen, pages=False)[0] == []


def test_what_cannot_be_an_article_is_bad_and_leaves_its_neighbours() -> None:
    items, _ = deliver([Entry(key="k"), Entry(key="", title="Neither link nor key"), ONE])
    assert [type(item) for item in items] == [Bad, Bad, Article]
