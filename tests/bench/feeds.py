"""Feeds read in a second, beside feedparser alone, on documents made for it."""

import time
from collections.abc import Callable
from email.utils import format_datetime
from html import escape
from io import BytesIO
from itertools import islice

import feedparser

from connectors.feed import read_document
from pipeline.model.article import Article
from tests.bench.texts import long_articles

ENTRIES = 20
URL = "https://news.example/feed.xml"


def reading_feeds(quick: bool) -> dict[str, float]:
    """Feeds of twenty entries that are read in a second of one core's time, in rounds that take turns."""
    documents = _documents(6 if quick else 12)
    readers: dict[str, Callable[[bytes], object]] = {
        "ours": lambda document: read_document(document, URL, "application/xml"),
        "feedparser": lambda document: feedparser.parse(BytesIO(document)),
    }
    took = dict.fromkeys(readers, 0.0)
    for number in range(3 if quick else 5):
        for name, read in readers.items():
            begun = time.process_time()
            for document in documents:
                read(document)
            if number:  # the first round loads what is loaded once
                took[name] += time.process_time() - begun
    count = len(documents) * (2 if quick else 4)
    rates = {name: count / seconds for name, seconds in took.items()}
    return {**rates, "ratio": rates["ours"] / rates["feedparser"]}


def _documents(count: int) -> list[bytes]:
    """RSS with teasers, RSS with whole texts and Atom, in turn, in the languages of the bench."""
    articles = iter(long_articles(count * ENTRIES))
    forms = (_rss, _rss_in_full, _atom)
    return [forms[number % 3](list(islice(articles, ENTRIES))) for number in range(count)]


def _rss(articles: list[Article]) -> bytes:
    items = "".join(f"<item>{_head(each)}<description>{_teaser(each)}</description></item>" for each in articles)
    return f'<?xml version="1.0" encoding="utf-8"?><rss version="2.0"><channel>{items}</channel></rss>'.encode()


def _rss_in_full(articles: list[Article]) -> bytes:
    items = "".join(
        f"<item>{_head(each)}<description>{_teaser(each)}</description>"
        f"<content:encoded><![CDATA[{_html(each)}]]></content:encoded></item>"
        for each in articles
    )
    space = 'xmlns:content="http://purl.org/rss/1.0/modules/content/"'
    return f'<?xml version="1.0"?><rss version="2.0" {space}><channel>{items}</channel></rss>'.encode()


def _atom(articles: list[Article]) -> bytes:
    entries = "".join(
        f'<entry><id>{each.id}</id><title>{escape(each.title)}</title><link href="{escape(each.url or "")}"/>'
        f"<updated>{each.published.isoformat() if each.published else ''}</updated>"
        f'<content type="html">{escape(_html(each))}</content></entry>'
        for each in articles
    )
    return f'<feed xmlns="http://www.w3.org/2005/Atom"><title>Bench</title>{entries}</feed>'.encode()


def _head(article: Article) -> str:
    date = f"<pubDate>{format_datetime(article.published)}</pubDate>" if article.published else ""
    link = escape(article.url or "")
    return f'<title>{escape(article.title)}</title><link>{link}</link><guid isPermaLink="true">{link}</guid>{date}'


def _teaser(article: Article) -> str:
    return escape(f"<p>{escape(article.body[:300])} …</p>")


def _html(article: Article) -> str:
    return "".join(f'<p class="text">{escape(line)} <a href="/more">…</a></p>' for line in article.body.splitlines())
