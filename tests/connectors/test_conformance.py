"""Every shipped kind keeps the promises of a source."""

import json
from collections.abc import Sequence
from email.utils import format_datetime
from html import escape

from connectors.sdk.testing import FolderWorld, HttpWorld, Sample, conformance_suite
from connectors.sdk.testing.docs import PAGE


class RssWorld(HttpWorld):
    """A feed with full text."""

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
        return f"<description>{escape(item.html)}</description>"


class TeaserWorld(RssWorld):
    """A feed that leaves the text to the pages behind it."""

    def text(self, item: Sample) -> str:
        return f"<description>{escape(item.paragraphs[0])}</description>"


class AtomWorld(RssWorld):
    content_type = "application/atom+xml"

    def render(self, items: Sequence[Sample]) -> str:
        entries = "".join(
            f"<entry><id>{item.url}</id><link href='{item.url}'/><title type='html'>{escape(escape(item.title))}</title>"
            f"<published>{item.published.isoformat()}</published><content type='xhtml'>"
            f"<div xmlns='http://www.w3.org/1999/xhtml'>{item.html}</div></content></entry>"
            for item in items
        )
        return f'<feed xmlns="http://www.w3.org/2005/Atom"><title>News</title>{entries}</feed>'


class JsonFeedWorld(RssWorld):
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


TestRss = conformance_suite("feed", RssWorld, docs=PAGE)
TestTeaser = conformance_suite("feed", TeaserWorld)
TestAtom = conformance_suite("feed", AtomWorld)
TestJsonFeed = conformance_suite("feed", JsonFeedWorld)
TestFolder = conformance_suite("folder", FolderWorld, docs=PAGE)
