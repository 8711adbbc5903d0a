"""Every shipped kind keeps the promises of a source."""

import json
from collections.abc import Sequence
from email.utils import format_datetime
from html import escape
from typing import Any

from connectors.sdk.testing import FolderWorld, HttpWorld, Sample, conformance_suite
from connectors.sdk.testing.describe import PAGE


class RssWorld(HttpWorld):
    """A feed with full text, but for every tenth item, which leaves it to the page behind it."""

    url = "https://news.example/feed.xml"
    content_type = "application/rss+xml"
    earlier_cursors = ({"etag": 'W/"1"', "modified": None, "seen": {"0123456789ab": "ba9876543210"}, "tries": {}},)

    def render(self, items: Sequence[Sample]) -> str:
        entries = "".join(
            f"<item><guid>{item.url}</guid><link>{item.url}</link><title>{escape(item.title)}</title>"
            f"<pubDate>{format_datetime(item.published)}</pubDate>{self.text(item)}</item>"
            for item in items
        )
        return f'<?xml version="1.0" encoding="utf-8"?><rss version="2.0"><channel>{entries}</channel></rss>'

    def text(self, item: Sample) -> str:
        text = item.paragraphs[0] if item.number % 10 == 2 else item.html
        return f"<description>{escape(text)}</description>"


class JsonFeedWorld(HttpWorld):
    url = "https://news.example/feed.json"
    content_type = "application/feed+json"

    def render(self, items: Sequence[Sample]) -> str:
        entries = [
            {
                "id": item.url,
                "url": item.url,
                "title": item.title,
                "content_html": item.html,
                "date_published": item.published.isoformat(),
            }
            for item in items
        ]
        return json.dumps({"version": "https://jsonfeed.org/version/1.1", "title": "News", "items": entries})


class SitemapWorld(HttpWorld):
    """A news sitemap."""

    url = "https://news.example/sitemap-news.xml"
    content_type = "application/xml"

    def render(self, items: Sequence[Sample]) -> str:
        entries = "".join(
            f"<url><loc>{item.url}</loc><n:news><n:publication><n:name>News</n:name><n:language>en</n:language>"
            f"</n:publication><n:publication_date>{item.published.isoformat()}</n:publication_date>"
            f"<n:title>{escape(item.title)}</n:title></n:news></url>"
            for item in items
        )
        return (
            '<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9" '
            f'xmlns:n="http://www.google.com/schemas/sitemap-news/0.9">{entries}</urlset>'
        )


class PageListWorld(HttpWorld):
    """A front page."""

    url = "https://news.example/world"

    def config(self) -> dict[str, Any]:
        return {"url": self.url, "links": "main a"}

    def render(self, items: Sequence[Sample]) -> str:
        links = "".join(f"<li><a href='{item.url}'>{escape(item.title)}</a></li>" for item in items)
        return (
            "<!DOCTYPE html><html><head><title>World</title></head><body><nav><a href='/about'>About us</a></nav>"
            f"<main><ul>{links}</ul></main></body></html>"
        )


TestRss = conformance_suite("feed", RssWorld, docs=PAGE)
TestJsonFeed = conformance_suite("feed", JsonFeedWorld)
TestFolder = conformance_suite("folder", FolderWorld, docs=PAGE)
TestSitemap = conformance_suite("sitemap", SitemapWorld, docs=PAGE)
TestPageList = conformance_suite("page-list", PageListWorld, docs=PAGE)
