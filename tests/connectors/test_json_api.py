"""json-api: what is declared, what is asked, how far a poll goes, what is new, what is wrong."""

import json
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.json_api import MAX_ITEMS
from connectors.json_api.dates import read_date, step, write_date
from connectors.json_api.expression import find
from connectors.json_api.reading import Broken, Recipe, read_answer
from connectors.json_api.template import address, fill
from connectors.sdk import AuthError, BadDataError, Batch, BlockedError, GoneError, RateLimitedError, SourceError
from connectors.sdk.declare import DeclarationError, declare
from tests.connectors.poll import NOW, articles, bad, last_cursor, poll
from tests.connectors.server import Answer, Server, body, status

FIELDS = {"key": "id", "url": "link", "title": "title", "body": "text", "published": "date"}
DATE = {"kind": "since-date", "overlap": "10m"}


def declared(**keys: Any) -> dict[str, Any]:
    """A whole declaration, apart from what is given."""
    return {"kind": "json-api", "request": {"url": "https://api.example/"}, "items": "items", "fields": FIELDS} | keys


def look(server: Server, cursor: Any = None, /, now: datetime = NOW, **keys: Any) -> list[Batch]:
    query = keys.pop("query", {})
    request = {"url": f"{server.base}/items", "query": query}
    return poll(cursor, now, **declared(request=request, rate=60_000, **keys))


def item(number: int, minutes: float | None = None, **fields: Any) -> dict[str, Any]:
    """Item `number`, so many minutes before now."""
    at = NOW - timedelta(minutes=number if minutes is None else minutes)
    found = {"id": number, "link": f"https://quay.example/{number}", "title": f"Title {number}", "text": "Text."}
    return found | {"date": at.isoformat()} | fields


def answer(*items: Any, headers: dict[str, str] | None = None, **keys: Any) -> Answer:
    return body(json.dumps({"items": items, **keys}).encode(), "application/json", headers)


def numbers(batches: list[Batch]) -> list[int]:
    return [int((found.url or "").rpartition("/")[2]) for found in articles(batches)]


@pytest.mark.parametrize(
    ("keys", "key", "said"),
    [
        ({"items": "a..b"}, "items", "`a..b` is no JMESPath expression; it goes wrong at character 3"),
        ({"items": "a["}, "items", "`a[` is no JMESPath expression"),
        ({"items": "size(@)"}, "items", "`size(@)` calls size, which JMESPath does not have; there are abs, "),
        ({"fields": {"url": "link"}}, "fields", "needs at least one of title, body and summary"),
        ({"fields": {"titel": "t"}}, "fields.titel", "there is no such key"),
        ({"fields": {"title": {"template": "{}"}}}, "fields.title", "needs an expression between braces"),
        ({"fields": {"title": {"template": "{a..b}"}}}, "fields.title", "is no JMESPath expression"),
        ({"request": {"url": "https://a.example/{x}"}}, "", "mentions {x}, which `values` does not give"),
        ({"request": {"url": "https://a.example/{since}"}}, "", "{since}, which may have no value"),
        (
            {"request": {"url": "https://a.example/", "headers": {"K": {"env": "NOT_SET"}}}},
            "request.headers.K",
            "NOT_SET",
        ),
        ({"cursor": {"kind": "since-date", "overlap": "1 hour"}}, "cursor.overlap", "a whole number with s, m, h or d"),
        ({"cursor": {"kind": "since-date", "format": "long"}}, "cursor.format", "iso, date, compact, epoch, epoch-ms"),
        ({"cursor": DATE, "fields": {"title": "t"}}, "", "since-date needs `fields.published` or its own `path`"),
        ({"cursor": {"kind": "newest-id"}, "fields": {"title": "t"}}, "", "newest-id needs `fields.key`"),
        ({"paging": {"kind": "token"}}, "", "paging by token needs `next`"),
        ({"paging": {"kind": "page"}}, "", "paging by page needs {page} in the request"),
        ({"rate": 0}, "rate", "greater than 0"),
        ({"preset": "gardian"}, "", "no preset is called gardian; there are bluesky, gdelt, guardian"),
        ({"preset": "gdelt", "query": "x", "colour": "red"}, "", "has no parameter colour; it has query, server"),
    ],
)
def test_what_is_wrong_with_a_declaration_is_named(keys: dict[str, Any], key: str, said: str) -> None:
    with pytest.raises(DeclarationError) as raised:
        declare(declared(**keys))
    assert raised.value.key == key
    assert said in raised.value.message


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("2026-11-24T14:30:00Z", "2026-11-24T14:30:00"),
        ("2026-11-24T14:30:00.5+02:00", "2026-11-24T12:30:00.500000"),
        ("2026-11-24 14:30:00", "2026-11-24T14:30:00"),
        ("Tue, 24 Nov 2026 14:30:00 +0100", "2026-11-24T13:30:00"),
        ("20261124T143000Z", "2026-11-24T14:30:00"),
        ("20261124143000", "2026-11-24T14:30:00"),
        ("2026-11-24", "2026-11-24T00:00:00"),
        ("20261124", "2026-11-24T00:00:00"),
        (1795530600, "2026-11-24T14:30:00"),
        ("1795530600", "2026-11-24T14:30:00"),
        (1795530600000, "2026-11-24T14:30:00"),
        (1795530600.25, "2026-11-24T14:30:00.250000"),
        ("yesterday", None),
        ("", None),
        (True, None),
        (10**30, None),
        (float("nan"), None),
        ("9999-12-31T23:59:59-14:00", None),
        ([], None),
    ],
)
def test_dates(written: Any, expected: str | None) -> None:
    assert read_date(written) == (datetime.fromisoformat(expected).replace(tzinfo=UTC) if expected else None)


@pytest.mark.parametrize(
    ("form", "written", "smallest"),
    [
        ("iso", "2026-11-24T14:30:05Z", 1),
        ("date", "2026-11-24", 86_400),
        ("compact", "20261124T143005Z", 1),
        ("epoch", "1795530605", 1),
        ("epoch-ms", "1795530605000", 1),
        ("%d.%m.%Y %H:%M", "24.11.2026 14:30", 60),
    ],
)
def test_dates_are_written_as_an_api_wants_them(form: str, written: str, smallest: int) -> None:
    assert write_date(datetime(2026, 11, 24, 14, 30, 5, tzinfo=UTC), form) == written
    assert step(form).total_seconds() == smallest


@pytest.mark.parametrize(
    ("template", "known", "expected"),
    [
        ({"q": "{query}", "n": "{size}"}, {"query": "a b", "size": 7}, {"q": "a b", "n": 7}),
        ({"q": "tag:{tag}", "since": "{since}"}, {"tag": "x"}, {"q": "tag:x"}),
        ({"filter": {"from": "{since}", "in": ["{a}", "{b}"]}}, {"a": True}, {"filter": {"in": [True]}}),
        ({"query": "{{ posts {{ id }} }} {a}"}, {"a": 1}, {"query": "{ posts { id } } 1"}),
        ({"n": 5, "yes": True, "none": None}, {}, {"n": 5, "yes": True, "none": None}),
    ],
)
def test_requests_are_filled_in(template: Any, known: dict[str, Any], expected: Any) -> None:
    assert fill(template, known) == expected


@pytest.mark.parametrize(
    ("url", "query", "expected"),
    [
        ("{server}/tag/{tag}", {}, "https://quay.example/tag/a%2Fb"),
        (
            "https://api.example/",
            {"q": "{tag}", "x": ["1", "2"], "y": True},
            "https://api.example/?q=a%2Fb&x=1&x=2&y=true",
        ),
        ("https://api.example/?v=2", {"filter[a]": 1}, "https://api.example/?v=2&filter%5Ba%5D=1"),
        ("https://api.example/", {"since": "{since}"}, "https://api.example/"),
    ],
)
def test_addresses(url: str, query: dict[str, Any], expected: str) -> None:
    assert address(url, query, {"server": "quay.example/", "tag": "a/b"}) == expected


@pytest.mark.parametrize(
    ("expression", "data", "expected"),
    [
        ("split(uri, '/')[-1]", {"uri": "at://did/x/3l"}, "3l"),
        ({"template": "https://b.example/{a.b}/p'{c}"}, {"a": {"b": "x"}, "c": 7}, "https://b.example/x/p'7"),
        ({"template": "{a}-{b}"}, {"a": "x"}, None),
    ],
)
def test_expressions(expression: Any, data: Any, expected: Any) -> None:
    config: Any = declare(declared(fields={"title": expression})).config
    assert find(config.fields.title, data) == expected


def test_a_request_with_a_body_and_secrets(server: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("KEY", "env-secret")
    (tmp_path / "token").write_text("file-secret\n")
    request = {
        "url": f"{server.base}/search",
        "query": {"key": {"env": "KEY"}},
        "headers": {"Authorization": "Bearer {token}", "X-None": "{since}"},
        "body": {"filter": {"words": ["ferry"], "key": {"env": "KEY"}, "size": "{size}"}},
    }
    sent = []

    def search(handler: BaseHTTPRequestHandler) -> None:
        sent.append(json.loads(handler.rfile.read(int(handler.headers["Content-Length"]))))
        answer(item(1))(handler)

    server.answers["/search"] = search
    entry = declared(request=request, values={"token": {"file": str(tmp_path / "token")}}, size=9)
    assert numbers(poll(**entry)) == [1]
    ((path, headers),) = server.asked
    assert path == "/search?key=env-secret"
    assert headers["authorization"] == "Bearer file-secret"
    assert "x-none" not in headers
    assert sent == [{"filter": {"words": ["ferry"], "key": "env-secret", "size": 9}}]
    config = declare(entry).config
    assert "secret" not in f"{config!r} {config.model_dump_json()}"


def test_what_an_item_becomes(server: Server) -> None:
    fields = {
        **FIELDS,
        "summary": "lead",
        "authors": "by[].name",
        "outlet": {"id": "site.domain", "name": "site.name"},
    }
    row = item(
        1,
        link="/a?b=1",
        title="Salt &amp; <b>sand</b>",
        text="<p>One.</p><p>Two.</p>",
        lead=["A", "B"],
        by=[{"name": "Ana Reis"}, {"name": None}],
        site={"domain": "quay.example", "name": "The Quay"},
        date="20300501T110000Z",
    )
    server.answers["/items"] = answer(row)
    (found,) = articles(look(server, fields=fields))
    assert found.url == f"{server.base}/a?b=1"
    assert (found.title, found.body, found.summary) == ("Salt & sand", "One.\nTwo.", "A\nB")
    assert found.authors == ("Ana Reis",)
    assert (found.published, found.published_raw) == (datetime(2030, 5, 1, 11, tzinfo=UTC), "20300501T110000Z")
    assert (found.source.id, found.source.name, found.source.kind) == ("quay.example", "The Quay", "json-api")


def test_bad_items_leave_their_neighbours_alone(server: Server) -> None:
    rows = [item(1), item(2, title={"en": "x"}), 7, item(3, title="\ud800"), item(4, link="http://[", text=""), item(5)]
    server.answers["/items"] = answer(*rows)
    batches = look(server)
    assert numbers(batches) == [1, 5]
    assert [found.reason for found in bad(batches)] == [
        "`title` is an object, not text",
        "no text in title, summary or body",
        "`title` holds a lone surrogate",
        "Invalid IPv6 URL",
    ]
    assert json.loads(bad(batches)[0].data)["id"] == 2
    again = look(server, last_cursor(batches))
    assert [*articles(again), *bad(again)] == [], "what was said once is not said again"


@pytest.mark.parametrize(
    ("content", "error", "said"),
    [
        (b"Please limit requests to one every 5 seconds.", RateLimitedError, "says: Please limit requests"),
        (b"<html><body><h1>Unauthorized</h1></body></html>", AuthError, "says: Unauthorized"),
        (b"No such word", BadDataError, "says: No such word"),
        (b'{"items": [', BadDataError, "is no JSON"),
        (b"[" * 100_000, BadDataError, "nested too deeply"),
        (b'{"results": []}', BadDataError, "there is nothing at `items` (items)"),
        (b'{"items": {}}', BadDataError, "there is no list at `items` (items)"),
        (b'{"oops": {"why": "quota exceeded"}, "items": []}', RateLimitedError, "quota exceeded"),
        (b'{"oops": "invalid api key", "items": []}', AuthError, "invalid api key"),
        (b'{"oops": "who knows", "items": []}', BadDataError, "says: who knows"),
        (b'{"items": [' + b"9" * 5000 + b"]}", BadDataError, "is no JSON"),
    ],
)
def test_answers_that_are_errors(server: Server, content: bytes, error: type[SourceError], said: str) -> None:
    server.answers["/items"] = body(content)
    with pytest.raises(error, match=re.escape(said)):
        look(server, error="oops")


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b'{"items": []}'])
def test_empty_answers(server: Server, content: bytes) -> None:
    server.answers["/items"] = body(content)
    assert not articles(look(server))


def test_secrets_are_shown_nowhere(server: Server) -> None:
    secret = "k/1 2"
    entry = declared(
        request={"url": f"{server.base}/items", "query": {"key": {"env": "WIREWATCH_TEST_KEY"}}},
        paging={"kind": "token", "next": "next", "max": 1},
        rate=60_000,
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WIREWATCH_TEST_KEY", secret)
        server.answers["/items"] = answer(item(1), {"title": {}, "key": secret}, next="/items?key=k%2F1%202&p=2")
        batches = poll({"ended": True}, **entry)
        cursor = last_cursor(batches)
        assert cursor["place"].endswith("&p=2")
        server.answers["/items"] = status(500)
        with pytest.raises(SourceError) as raised:
            poll(cursor, **entry)
    shown = f"{raised.value} {batches}"
    assert not [form for form in (secret, "k%2F1%202", "k%2F1+2", "k/1%202") if form in shown]
    assert server.asked[-1][0] == "/items?key=k%2F1%202&p=2", "and yet it is asked with it"


class Api:
    """An API over a list of items, newest first, that pages in every way there is."""

    def __init__(self, server: Server, items: list[dict[str, Any]], size: int = 3) -> None:
        self.items = items
        self.size = size
        self.base = server.base
        self.gone: set[str] = set()
        self.oldest_first = False
        server.answers["/items"] = self

    def __call__(self, handler: BaseHTTPRequestHandler) -> None:
        query = {name: values[0] for name, values in parse_qs(urlsplit(handler.path).query).items()}
        if query.keys() & self.gone:
            status(404)(handler)
            return
        found = [row for row in self.items if self._wanted(row, query)]
        if "min_id" in query:
            found = [row for row in found if row["id"] > int(query["min_id"])]
            found = found[-self.size :]
        if self.oldest_first:
            found.reverse()
        start = int(query.get("offset", query.get("token", (int(query.get("page", 1)) - 1) * self.size)))
        page, rest = found[start : start + self.size], found[start + self.size :]
        link = f"{self.base}/items?token={start + self.size}" + (f"&from={query['from']}" if "from" in query else "")
        keys = {"token": start + self.size, "address": link} if rest else {}
        headers = {"Link": f'<{link}>; title="a, b"; rel="next", <{link}>; rel="prev"'} if rest else {}
        answer(*page, headers=headers, pages=-(-len(found) // self.size), **keys)(handler)

    @staticmethod
    def _wanted(row: dict[str, Any], query: dict[str, str]) -> bool:
        at, since, until = (read_date(text) for text in (row["date"], query.get("from"), query.get("to")))
        return at is not None and (since is None or at >= since) and (until is None or at <= until)


WAYS: dict[str, dict[str, Any]] = {
    "token": {"query": {"token": "{token}"}, "paging": {"kind": "token", "next": "token"}},
    "address": {"query": {}, "paging": {"kind": "token", "next": "address"}},
    "link": {"query": {}, "paging": {"kind": "link"}},
    "page": {"query": {"page": "{page}"}, "paging": {"kind": "page"}},
    "page of": {"query": {"page": "{page}"}, "paging": {"kind": "page", "last": "pages"}},
    "offset": {"query": {"offset": "{offset}"}, "paging": {"kind": "offset"}},
    "until": {"query": {"to": "{until}"}, "paging": {"kind": "until"}, "size": 3},
}


@pytest.fixture(params=WAYS)
def way(request: pytest.FixtureRequest) -> dict[str, Any]:
    return WAYS[request.param]


def by_date(way: dict[str, Any], most: int = 20) -> dict[str, Any]:
    """A declaration with a cursor by date that pages in one of the ways."""
    query, paging = {"from": "{since}", **way["query"]}, {**way["paging"], "max": most}
    return {**way, "query": query, "paging": paging, "cursor": DATE}


def follow(look_once: Callable[[Any], list[Batch]], cursor: Any = None, polls: int = 50) -> tuple[list[int], Any]:
    """What poll after poll brings until one brings nothing, and the cursor then."""
    found: list[int] = []
    for _ in range(polls):
        batches = look_once(cursor)
        cursor = json.loads(json.dumps(last_cursor(batches, cursor)))
        if not articles(batches):
            return found, cursor
        found += numbers(batches)
    raise AssertionError("it never ends")


def test_every_page_is_read(server: Server, way: dict[str, Any]) -> None:
    Api(server, [item(number) for number in range(1, 12)])
    assert numbers(look(server, **by_date(way))) == list(range(1, 12))


def test_the_next_poll_goes_on_where_one_stopped(server: Server, way: dict[str, Any]) -> None:
    api = Api(server, [item(number) for number in range(1, 12)])
    cursor: Any = None
    found: list[int] = []
    for number in range(12):
        batches = look(server, cursor, **by_date(way, most=1))
        cursor = last_cursor(batches, cursor)
        found += numbers(batches)
        if number == 1:  # news while the walk goes on
            api.items.insert(0, item(0))
    assert set(found) == set(range(12)), "nothing is skipped"
    assert len(found) == 12, "nothing is repeated"
    assert cursor["since"] == "2030-05-01T12:00:00Z"


@pytest.mark.parametrize("name", ["token", "page", "offset"])
def test_oldest_first_and_whole_days(server: Server, name: str) -> None:
    keys = by_date(WAYS[name]) | {"cursor": {**DATE, "format": "date"}}
    api = Api(server, [item(number, minutes=30 * number) for number in range(1, 21)])
    api.oldest_first = True
    first = look(server, **keys)
    assert numbers(first) == list(range(20, 0, -1))
    api.items.insert(0, item(0))
    assert numbers(look(server, last_cursor(first), **keys)) == [0], "though pages of old items come before it"


def test_newest_first_and_whole_days(server: Server) -> None:
    keys = by_date(WAYS["page"]) | {"cursor": {**DATE, "format": "date"}}
    Api(server, [item(number, minutes=5 * number) for number in range(1, 21)])
    cursor = last_cursor(look(server, **keys))
    before = len(server.asked)
    assert not articles(look(server, cursor, **keys))
    assert len(server.asked) - before == 2, "it stops behind the overlap"


def test_the_cursor_moves_when_the_walk_has_ended(server: Server, way: dict[str, Any]) -> None:
    Api(server, [item(number) for number in range(1, 8)])
    batches = look(server, **by_date(way))
    moves = [batch.cursor["since"] for batch in batches]
    assert set(moves[:-1]) == {"2030-04-30T12:10:00Z"}
    assert moves[-1] == "2030-05-01T11:59:00Z"


def test_wherever_it_is_killed_nothing_is_skipped(server: Server, way: dict[str, Any]) -> None:
    Api(server, [item(number) for number in range(1, 8)])
    batches = look(server, **by_date(way))
    for stop in range(len(batches)):
        before, cursor = numbers(batches[:stop]), last_cursor(batches[:stop])
        after, _ = follow(lambda cursor: look(server, cursor, **by_date(way)), cursor)
        assert sorted({*before, *after}) == list(range(1, 8))


def test_what_is_listed_late_is_found_in_the_overlap(server: Server, way: dict[str, Any]) -> None:
    api = Api(server, [item(number) for number in range(1, 9)])
    cursor = last_cursor(look(server, **by_date(way)))
    api.items.insert(4, item(40, minutes=4.5))
    api.items.insert(6, item(60, minutes=6, text="Another text."))
    api.items[0] = item(1, text="Edited.")
    assert sorted(numbers(look(server, cursor, **by_date(way)))) == [1, 40, 60]


def test_a_place_that_is_gone_is_sought_anew(server: Server) -> None:
    api = Api(server, [item(number) for number in range(1, 12)])
    keys = by_date(WAYS["token"], most=2)
    cursor = last_cursor(look(server, **keys))
    api.gone = {"token"}
    cursor = last_cursor(look(server, cursor, **keys))
    assert [("token=6" in path) for path, _ in server.asked[-2:]] == [True, False]
    with pytest.raises(GoneError):
        look(server, {"ended": True}, **keys)
    api.gone = set()
    found, _ = follow(lambda cursor: look(server, cursor, **keys), cursor)
    assert found == [7, 8, 9, 10, 11]


def test_the_next_page_is_on_the_same_server(server: Server) -> None:
    server.answers["/items"] = answer(item(1), next="https://elsewhere.example/items?p=2")
    keys: dict[str, Any] = {"paging": {"kind": "token", "next": "next"}}
    with pytest.raises(BlockedError, match="another server"):
        look(server, {"ended": True}, **keys)
    server.answers["/items"] = answer(item(2))
    cursor = {"ended": True, "place": "https://elsewhere.example/items?p=2"}
    assert numbers(look(server, cursor, **keys)) == [2], "what is new is not held up by it"


def test_more_at_one_instant_than_a_page_shows_is_said(server: Server) -> None:
    Api(server, [item(1), *(item(number, minutes=2) for number in range(2, 9)), item(9)])
    batches = look(server, **by_date(WAYS["until"]))
    assert {1, 2, 3, 4, 9} <= set(numbers(batches))
    assert [found.reason for found in bad(batches)] == [
        "there are 3 items of 2030-05-01T11:58:00Z, and the API shows no more of them; "
        "others may have been missed; make the query narrower"
    ]


def test_without_paging_a_page_full_of_news_is_said(server: Server) -> None:
    api = Api(server, [item(number) for number in range(10, 20)])
    first = look(server, size=3)
    assert not bad(first)
    api.items[:0] = [item(number) for number in range(1, 6)]
    (said,) = bad(look(server, last_cursor(first), size=3))
    assert said.reason == "every item of a full page is new, so that more may have been missed; poll more often"


@pytest.mark.parametrize("name", ["token", "address", "link", "page", "page of", "offset"])
def test_without_a_date_it_pages_back_to_what_it_knows(server: Server, name: str) -> None:
    api = Api(server, [item(number) for number in range(100, 140)])
    keys = WAYS[name]
    first = look(server, **keys)
    assert numbers(first) == [100, 101, 102], "it begins with one page"
    cursor = last_cursor(first)
    api.items[:0] = [item(number) for number in range(1, 8)]
    assert set(range(1, 8)) <= set(numbers(look(server, cursor, **keys)))
    slow = {**keys, "paging": {**keys["paging"], "max": 1}}
    found, cursor = follow(lambda cursor: look(server, cursor, **slow), cursor)
    assert set(range(1, 8)) <= set(found)
    assert len(found) < 12, "and no further"
    assert not cursor.get("met")


def test_newest_id_oldest_first(server: Server) -> None:
    api = Api(server, [item(number, minutes=100 - number) for number in range(20, 0, -1)])
    keys: dict[str, Any] = {
        "query": {"min_id": "{since}"},
        "cursor": {"kind": "newest-id"},
        "paging": {"kind": "newest", "max": 2},
    }
    first = look(server, **keys)
    assert numbers(first) == [20, 19, 18]
    api.items[:0] = [item(number) for number in range(30, 20, -1)]
    found, cursor = follow(lambda cursor: look(server, cursor, **keys), last_cursor(first))
    assert found == [23, 22, 21, 26, 25, 24, 29, 28, 27, 30]
    assert cursor["id"] == "30"


def test_newest_id_newest_first(server: Server) -> None:
    api = Api(server, [item(number, minutes=100 - number) for number in range(12, 0, -1)])
    keys: dict[str, Any] = {**WAYS["link"], "cursor": {"kind": "newest-id"}}
    first = look(server, **keys)
    assert numbers(first) == [12, 11, 10]
    api.items[:0] = [item(number) for number in range(20, 12, -1)]
    assert numbers(look(server, last_cursor(first), **keys)) == [20, 19, 18, 17, 16, 15, 14, 13]


def test_one_poll_brings_two_thousand_items(server: Server) -> None:
    rows = [item(number) for number in range(4_500)]
    server.answers["/items"] = answer(*rows)
    cursor, sizes = None, []
    for _ in range(4):
        batches = look(server, cursor)
        cursor = last_cursor(batches, cursor)
        sizes.append(len(articles(batches)))
    assert sizes == [MAX_ITEMS, MAX_ITEMS, 500, 0]


@pytest.mark.parametrize(
    "cursor",
    [
        7,
        "x",
        [],
        {"since": 7},
        {"since": "2999-01-01T00:00:00Z"},
        {"since": "2030-05-01T11:00:00"},
        {"newest": "2999-01-01T00:00:00Z", "place": "5"},
        {"place": "not a number"},
        {"seen": {"a": 1}},
    ],
)
@pytest.mark.parametrize("name", ["page", "offset", "until"])
def test_cursors_that_cannot_be(server: Server, cursor: Any, name: str) -> None:
    Api(server, [item(number) for number in range(1, 6)])
    assert numbers(look(server, cursor, **by_date(WAYS[name]))) == [1, 2, 3, 4, 5]


def test_an_item_dated_ahead_does_not_take_the_cursor_along(server: Server) -> None:
    api = Api(server, [item(0, minutes=-5000), item(3)])
    cursor = last_cursor(look(server, **by_date(WAYS["page"])))
    assert cursor["since"] == "2030-05-01T11:57:00Z"
    api.items.append(item(2))
    assert numbers(look(server, cursor, **by_date(WAYS["page"]))) == [2]


def test_of_two_items_with_one_key_the_first_counts(server: Server) -> None:
    server.answers["/items"] = answer(item(1), item(1, text="Another."))
    first = look(server)
    assert [found.body for found in articles(first)] == ["Text."]
    assert not articles(look(server, last_cursor(first)))


def test_not_modified(server: Server) -> None:
    def conditional(handler: BaseHTTPRequestHandler) -> None:
        if handler.headers.get("If-None-Match") == '"1"':
            status(304, {"Cache-Control": "max-age=900"})(handler)
        else:
            answer(item(1), headers={"ETag": '"1"'})(handler)

    server.answers["/items"] = conditional
    first = look(server)
    (second,) = look(server, last_cursor(first))
    assert (list(second.items), second.cursor, second.at_least) == ([], None, 900)


def test_pages_behind_the_items(server: Server) -> None:
    text = "<p>" + "The ferry sails again, and those who waited on the quay were let on board first. " * 9 + "</p>"
    page = body(f"<html><body><article><h1>Title</h1>{text}{text}</article></body></html>".encode(), "text/html")
    rows = [item(number, link=f"/page/{number}", text="A teaser …") for number in (1, 2, 3)]
    server.answers |= {"/items": answer(*rows), "/page/1": page, "/page/2": status(503), "/page/3": status(404)}
    fields = {**FIELDS, "outlet": {"id": "title"}}
    first = look(server, pages=True, fields=fields)
    assert [len(found.body) > 500 for found in articles(first)] == [True, False, False]
    server.answers["/page/2"] = page
    second = look(server, last_cursor(first), pages=True, fields=fields)
    (found,) = articles(second)
    assert (len(found.body) > 500, found.id, found.source.id) == (True, articles(first)[1].id, "Title 2")
    assert not articles(look(server, last_cursor(second), pages=True, fields=fields))


def test_an_idle_poll_stores_nothing(server: Server) -> None:
    server.answers["/items"] = answer(item(1))
    (second,) = look(server, last_cursor(look(server)))
    assert second.cursor is None


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.dates().map(str),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from("abcd"), inner, max_size=4),
    max_leaves=20,
)
PIECES = ["@", "a", "b.c", "a[0]", "a[]", "*", "join('', a)", "split(a, 'x')", "to_string(@)", "sort(a)", "max(b)"]
PIECES += ["length(a)", "a[?b > `1`]", "keys(@)", "a || b", "{a: b}", "sum(a)", "a[::0]", "type(a)", "b[*].c", "avg(a)"]
expressions = st.sampled_from(PIECES)


@settings(max_examples=300, deadline=None)
@given(
    json_values,
    expressions,
    st.dictionaries(
        st.sampled_from(["key", "url", "title", "body", "authors", "published", "outlet"]), expressions, min_size=1
    ),
    st.lists(st.none() | expressions, min_size=4, max_size=4),
)
def test_any_answer_to_any_declaration(document: Any, items: str, fields: dict[str, str], more: list[Any]) -> None:
    recipe = Recipe(items, fields, *more)
    try:
        found = read_answer(json.dumps({"a": document, "b": [document]}).encode(), "https://api.example/", recipe)
    except SourceError:
        return
    assert all(row.reason for row in found.items if isinstance(row, Broken))


def damaged(data: bytes) -> Iterator[bytes]:
    for cut in range(0, len(data), 7):
        yield data[:cut]
        yield data[:cut] + b"\xff\x00" + data[cut + 2 :]


def test_damaged_answers() -> None:
    recipe = Recipe("items", dict(FIELDS))
    for content in damaged(json.dumps({"items": [item(1), item(2)]}).encode()):
        try:
            read_answer(content, "https://api.example/", recipe)
        except SourceError:
            continue
