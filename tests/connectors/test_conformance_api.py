"""json-api and telegram keep the promises of a source."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from html import escape
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlsplit

from connectors.sdk.testing import HttpWorld, Reply, Request, Sample, conformance_suite
from connectors.sdk.testing.describe import PAGE


class ApiWorld(HttpWorld):
    """An API that gives ten items a page and takes a date from which on."""

    url = "https://api.news.example/search"
    content_type = "application/json"
    skips: ClassVar[Mapping[str, str]] = {"not_modified": "the address moves with the date that it asks from"}
    size = 10
    earlier_cursors = ({"since": "2024-05-06T12:00:00Z", "ended": True, "seen": {"0123456789ab": "ba9876543210"}},)

    def config(self) -> dict[str, Any]:
        return {
            "request": {"url": self.url, "query": {"from": "{since}", "page": "{page}"}},
            "items": "results",
            "fields": {"key": "id", "url": "link", "title": "headline", "body": "text", "published": "date"},
            "cursor": {"kind": "since-date", "lookback": "2d"},
            "paging": {"kind": "page"},
            "size": self.size,
            "rate": 60_000,
        }

    def respond(self, request: Request) -> Reply | None:
        if not self.is_document(request):
            return super().respond(request)
        query = {name: values[0] for name, values in parse_qs(urlsplit(request.url).query).items()}
        since = datetime.fromisoformat(query.get("from", "2000-01-01T00:00:00Z"))
        newest_first = sorted(self.published, key=lambda item: item.number, reverse=True)
        wanted = [item for item in newest_first if item.published >= since]
        start = (int(query.get("page", 1)) - 1) * self.size
        return Reply(self.render(wanted[start : start + self.size]), self.content_type)

    def render(self, items: Sequence[Sample]) -> str:
        rows = [
            {
                "id": item.number,
                "link": item.url,
                "headline": escape(item.title),
                "text": item.html,
                "date": item.published.isoformat(),
            }
            for item in items
        ]
        return json.dumps({"results": rows})


class PlainApiWorld(ApiWorld):
    """An API that gives all it has, whatever it is asked."""

    skips: ClassVar[Mapping[str, str]] = {}
    earlier_cursors = ({"ended": True, "seen": {"0123456789ab": "ba9876543210"}},)

    def config(self) -> dict[str, Any]:
        fields = {"url": "link", "title": "headline", "body": "text", "published": "date"}
        return {"request": {"url": self.url}, "items": "results", "fields": fields}

    def respond(self, request: Request) -> Reply | None:
        return HttpWorld.respond(self, request)


class ChannelWorld(HttpWorld):
    """A Telegram channel whose preview shows ten messages a page."""

    url = "https://t.me/s/example_news"
    shows = frozenset({"body", "published"})
    earlier_cursors = ({"id": 1, "seen": {"1": "0123456789ab"}},)

    def config(self) -> dict[str, Any]:
        return {"channel": "example_news"}

    def respond(self, request: Request) -> Reply | None:
        if not self.is_document(request):
            return super().respond(request)
        before = int(parse_qs(urlsplit(request.url).query).get("before", ["1000000"])[0])
        earlier = list(enumerate(self.published, 1))[: before - 1]
        return Reply(self.page(earlier[-10:]), self.content_type)

    def page(self, items: Sequence[tuple[int, Sample]]) -> str:
        first = items[0][0] if items else 1
        more = f'<a class="tme_messages_more js-messages_more" data-before="{first}"></a>' if first > 1 else ""
        messages = "".join(
            f'<div class="tgme_widget_message js-widget_message" data-post="example_news/{number}">'
            f'<div class="tgme_widget_message_text js-message_text">{"<br>".join(map(escape, item.paragraphs))}</div>'
            f'<a class="tgme_widget_message_date"><time datetime="{item.published.isoformat()}"></time></a></div>'
            for number, item in items
        )
        return (
            '<!DOCTYPE html><html><head><meta charset="utf-8"></head><body>'
            f'<section class="tgme_channel_history">{more}{messages}</section></body></html>'
        )


TestJsonApi = conformance_suite("json-api", ApiWorld, docs=PAGE)
TestPlainJsonApi = conformance_suite("json-api", PlainApiWorld)
TestTelegram = conformance_suite("telegram", ChannelWorld, docs=PAGE)
