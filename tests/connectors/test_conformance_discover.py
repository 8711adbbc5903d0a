"""Sitemaps and lists of links keep the promises of a source."""

import gzip
from collections.abc import Sequence
from html import escape
from typing import Any

from connectors.sdk.testing import HttpWorld, Reply, Request, Sample, conformance_suite

NEWS = 'xmlns:news="http://www.google.com/schemas/sitemap-news/0.9"'


class NewsWorld(HttpWorld):
    """A news sitemap; an edit shows in `lastmod`."""

    url = "https://news.example/sitemap-news.xml"
    content_type = "application/xml"
    earlier_cursors = (
        {"documents": {url: {"since": "2024-05-06T12:00:00Z", "etag": '"1"', "seen": {"seen": ["abcdABCDEFGH"]}}}},
        {"documents": {url: {"since": "2024-05-06T12:00:00Z", "named": ["01234567"], "begun": True}}},
    )

    def render(self, items: Sequence[Sample]) -> bytes | str:
        return f'<?xml version="1.0" encoding="utf-8"?><urlset {NEWS}>{"".join(map(self.entry, items))}</urlset>'

    def entry(self, item: Sample) -> str:
        about = f"<news:publication_date>{item.published.isoformat()}</news:publication_date>"
        title = f"<news:title>{escape(item.title)}</news:title>"
        return f"<url><loc>{item.url}</loc><news:news>{about}{title}</news:news></url>"


class PlainWorld(NewsWorld):
    """A plain sitemap, gzipped."""

    url = "https://news.example/sitemap.xml.gz"
    content_type = "application/gzip"

    def render(self, items: Sequence[Sample]) -> bytes:
        text = "".join(f"<url><loc>{item.url}</loc>{self.changed(item)}</url>" for item in items)
        return gzip.compress(f"<urlset>{text}</urlset>".encode(), mtime=0)

    def changed(self, item: Sample) -> str:
        return f"<lastmod>{item.published.isoformat()}</lastmod>"


class IndexWorld(NewsWorld):
    """A sitemap with an index over it."""

    def config(self) -> dict[str, Any]:
        return {"url": "https://news.example/sitemap.xml"}

    def respond(self, request: Request) -> Reply | None:
        if request.url == self.config()["url"]:
            return Reply(f"<sitemapindex><sitemap><loc>{self.url}</loc></sitemap></sitemapindex>", "text/xml")
        return super().respond(request)


class ListWorld(HttpWorld):
    """A front page with the titles of the articles."""

    url = "https://news.example/latest"
    when_empty = "bad-data"  # selectors that find nothing are out of date
    earlier_cursors = ({"etag": '"1"', "modified": None, "seen": {"seen": ["abcdABCDEFGH"], "tries": {}}},)

    def config(self) -> dict[str, Any]:
        return {"url": self.url, "links": "h2 a"}

    def render(self, items: Sequence[Sample]) -> str:
        rows = "".join(f'<h2><a href="{item.url}?utm_source=front">{escape(item.title)}</a></h2>' for item in items)
        return f"<html><body><nav><a href='/about'>About</a></nav>{rows}</body></html>"


TestNewsSitemap = conformance_suite("sitemap", NewsWorld)
TestPlainSitemap = conformance_suite("sitemap", PlainWorld)
TestSitemapIndex = conformance_suite("sitemap", IndexWorld)
TestPageList = conformance_suite("page-list", ListWorld)
