"""Feed and folder keep the promises of a source."""

import json
from collections.abc import Sequence
from email.utils import format_datetime
from html import escape
from pathlib import Path

from connectors.sdk import kinds
from connectors.sdk.testing import FolderWorld, HttpWorld, Sample, conformance_suite
from connectors.sdk.testing.describe import PAGE, page


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


TestRss = conformance_suite("feed", RssWorld, docs=PAGE)
TestJsonFeed = conformance_suite("feed", JsonFeedWorld)
TestFolder = conformance_suite("folder", FolderWorld, docs=PAGE)


def test_the_page_of_kinds_says_what_their_configurations_say() -> None:
    assert PAGE.read_text("utf-8") == page(), "run python -m connectors.sdk.testing.docs"


def test_every_kind_that_ships_has_a_suite() -> None:
    suites = "".join(file.read_text("utf-8") for file in Path(__file__).parent.glob("test_conformance*.py"))
    shipped = [name for name, offered in kinds().items() if offered.value.startswith("connectors.")]
    assert [name for name in shipped if f'conformance_suite("{name}"' not in suites] == []
