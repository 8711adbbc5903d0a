"""The feed: formats, dates, pages behind entries, what is new, what is wrong."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.feed import read_feed
from connectors.sdk import Bad, BadDataError, Batch, RateLimitedError
from connectors.sdk.linked import Entry
from tests.connectors.poll import NOW, articles, bad, last_cursor, poll
from tests.connectors.server import Server, body, status

LONG = "The ferry between the islands sails again, and those who waited on the quay were let on board first. " * 6
NINE = datetime(2030, 4, 30, 9, tzinfo=UTC)

RSS = f"""<?xml version="1.0" encoding="utf-8"?>
<rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/"><channel><title>Quay</title>
<item><title>Ferry &amp; folk</title><link>https://quay.example/ferry</link><guid>q-1</guid>
<pubDate>Tue, 30 Apr 2030 09:00:00 GMT</pubDate><description>Short.</description>
<content:encoded><![CDATA[<p>{LONG}</p><p>Second <b>part</b>.</p>]]></content:encoded></item>
</channel></rss>""".encode()
ATOM = f"""<feed xmlns="http://www.w3.org/2005/Atom"><title>Quay</title><entry><title>Ferry &amp; folk</title>
<id>q-1</id><link href="https://quay.example/ferry"/><updated>2030-04-30T09:00:00Z</updated>
<author><name>Ana Reis</name></author>
<content type="html">&lt;p&gt;{LONG}&lt;/p&gt;</content></entry></feed>""".encode()
JSON_FEED = json.dumps(
    {
        "version": "https://jsonfeed.org/version/1.1",
        "title": "Quay",
        "items": [
            {
                "id": "q-1",
                "url": "https://quay.example/ferry",
                "title": "Ferry & folk",
                "content_html": f"<p>{LONG}</p>",
                "date_published": "2030-04-30T11:00:00+02:00",
                "authors": [{"name": "Ana Reis"}],
            }
        ],
    }
).encode()


def look(server: Server, cursor: Any = None, *, pages: bool = True) -> list[Batch]:
    return poll(cursor, kind="feed", url=f"{server.base}/feed", pages=pages)


@pytest.mark.parametrize(
    ("document", "origin"),
    [(RSS, "feed"), (ATOM, "feed-updated"), (JSON_FEED, "feed"), (b"\xef\xbb\xbf" + JSON_FEED, "feed")],
    ids=["rss", "atom", "json feed", "json feed with a byte order mark"],
)
def test_formats(server: Server, document: bytes, origin: str) -> None:
    server.answers["/feed"] = body(document)
    (found,) = articles(look(server))
    assert found.title == "Ferry & folk"
    assert found.url == "https://quay.example/ferry"
    assert found.body.startswith(LONG.strip())
    assert "<" not in found.body
    assert (found.published, found.published_origin) == (NINE, origin)
    assert found.source.id == "test"
    assert [path for path, _ in server.asked] == ["/feed"], "full text is given: the page is not fetched"


def rss(*items: str) -> bytes:
    return f'<rss version="2.0"><channel><title>Quay</title>{"".join(items)}</channel></rss>'.encode()


def item(server: Server, number: int, description: str = "A teaser only …") -> str:
    link = f"{server.base}/page/{number}"
    return f"<item><title>Title {number}</title><link>{link}</link><description>{description}</description></item>"


def page(text: str = LONG) -> bytes:
    paragraphs = f"<h1>Title</h1><p>{text}</p><p>And another paragraph of the article that says some more about it.</p>"
    return f"<html><body><nav>Menu</nav><article>{paragraphs}</article></body></html>".encode()


def test_the_page_is_read_where_the_feed_holds_a_teaser(server: Server) -> None:
    server.answers["/feed"] = body(rss(item(server, 1)))
    server.answers["/page/1"] = body(page(), "text/html; charset=utf-8")
    (found,) = articles(look(server))
    assert found.body.count("ferry") == 6
    assert found.summary == "A teaser only …"
    assert found.raw
    assert found.raw.content_type == "text/html"


def test_pages_can_be_left_alone(server: Server) -> None:
    server.answers["/feed"] = body(rss(item(server, 1)))
    (found,) = articles(look(server, pages=False))
    assert found.body == "A teaser only …"


@pytest.mark.parametrize("code", [404, 500], ids=["gone", "for the time being"])
def test_without_its_page_an_entry_comes_with_its_teaser(server: Server, code: int) -> None:
    server.answers["/feed"] = body(rss(item(server, 1), item(server, 2)))
    server.answers["/page/1"] = status(code)
    server.answers["/page/2"] = body(page(), "text/html")
    assert [len(found.body) > 100 for found in articles(look(server))] == [False, True]


def test_a_page_that_failed_follows_as_a_revision(server: Server) -> None:
    server.answers["/feed"] = body(rss(item(server, 1)), headers={"ETag": '"1"'})
    server.answers["/page/1"] = status(503)
    first = look(server)
    server.answers["/page/1"] = body(page(), "text/html")
    second = look(server, last_cursor(first))
    before, after = articles(first)[0], articles(second)[0]
    assert before.id == after.id
    assert before.revision != after.revision
    assert not articles(look(server, last_cursor(second)))


def test_a_page_that_never_comes_is_let_be(server: Server) -> None:
    server.answers["/feed"] = body(rss(item(server, 1)))
    server.answers["/page/1"] = status(503)
    cursor = None
    for _ in range(5):
        cursor = last_cursor(look(server, cursor), cursor)
    assert sum(path == "/page/1" for path, _ in server.asked) == 3


def test_only_what_is_new_or_changed_comes(server: Server) -> None:
    server.answers["/feed"] = body(rss(item(server, 1, "One."), item(server, 2, "Two.")))
    first = look(server, pages=False)
    server.answers["/feed"] = body(
        rss(item(server, 3, "New."), item(server, 1, "One, corrected."), item(server, 2, "Two."))
    )
    second = look(server, last_cursor(first), pages=False)
    assert [found.body for found in articles(second)] == ["New.", "One, corrected."]
    assert articles(second)[1].id == articles(first)[0].id


def test_validators_are_kept_and_sent(server: Server) -> None:
    server.answers["/feed"] = body(RSS, headers={"ETag": '"v1"', "Last-Modified": "Tue, 30 Apr 2030 09:00:00 GMT"})
    cursor = last_cursor(look(server))
    server.answers["/feed"] = status(304)
    second = look(server, cursor)
    asked = server.asked[-1][1]
    assert (asked["if-none-match"], asked["if-modified-since"]) == ('"v1"', "Tue, 30 Apr 2030 09:00:00 GMT")
    assert [batch.items for batch in second] == [()]
    assert last_cursor(second) is None, "the cursor stays as it was"


def test_a_304_means_nothing_to_one_who_sent_no_validator(server: Server) -> None:
    server.answers["/feed"] = status(304)
    with pytest.raises(BadDataError, match="nothing has changed"):
        look(server)


def test_a_document_that_cannot_be_read_leaves_no_validators(server: Server) -> None:
    server.answers["/feed"] = body(b"<html><title>Sorry</title></html>", headers={"ETag": '"v1"'})
    with pytest.raises(BadDataError, match="an HTML page titled “Sorry”"):
        look(server)


@pytest.mark.parametrize(("hours", "is_sent"), [(23, True), (25, False), (-1, False)])
def test_validators_are_left_out_once_a_day(hours: int, is_sent: bool, server: Server) -> None:
    server.answers["/feed"] = body(RSS, headers={"ETag": '"v1"'})
    cursor = last_cursor(look(server))
    poll(cursor, NOW + timedelta(hours=hours), kind="feed", url=f"{server.base}/feed")
    assert ("if-none-match" in server.asked[-1][1]) == is_sent


def test_what_has_not_changed_moves_no_cursor(server: Server) -> None:
    server.answers["/feed"] = body(RSS)
    cursor = last_cursor(look(server))
    (again,) = look(server, cursor)
    assert (again.items, again.cursor) == ((), None)


@pytest.mark.parametrize(
    "cursor",
    [
        {
            "etag": '"v1"',
            "modified": "Tue, 30 Apr 2030 09:00:00 GMT",
            "seen": {"a" * 12: "b" * 12},
            "tries": {"a" * 12: 1},
        },
        {"known": {"seen": ["x", 3]}},
        {"known": {"seen": ["odd"], "tries": {"": 1}}, "read": "yesterday"},
        ["a list"],
        "text",
        7,
    ],
    ids=["of the version before", "wrong type", "wrong records", "list", "text", "number"],
)
def test_a_cursor_that_is_not_understood_costs_a_repeat(cursor: Any, server: Server) -> None:
    server.answers["/feed"] = body(RSS)
    assert len(articles(look(server, cursor))) == 1
    assert "if-none-match" not in server.asked[-1][1]


@pytest.mark.parametrize(
    ("ttl", "headers", "seconds"),
    [("", {}, 0), ("<ttl>10</ttl>", {}, 600), ("<ttl>10</ttl>", {"Cache-Control": "max-age=900"}, 900)],
)
def test_the_schedule_is_told_when_it_is_worth_while(
    ttl: str, headers: dict[str, str], seconds: float, server: Server
) -> None:
    server.answers["/feed"] = body(RSS.replace(b"<item>", ttl.encode() + b"<item>"), headers=headers)
    assert look(server)[-1].at_least == seconds


def test_a_validator_dated_in_the_future_is_not_used(server: Server) -> None:
    server.answers["/feed"] = body(RSS, headers={"Last-Modified": "Tue, 30 Apr 2050 09:00:00 GMT"})
    cursor = last_cursor(look(server))
    look(server, cursor)
    assert "if-modified-since" not in server.asked[-1][1]


def test_entries_without_link_or_date(server: Server) -> None:
    server.answers["/feed"] = body(rss("<item><title>Bare</title><description>Words.</description></item>"))
    first = look(server)
    (found,) = articles(first)
    assert (found.url, found.published, found.published_origin) == (None, None, None)
    assert not articles(look(server, last_cursor(first)))


def test_an_entry_that_says_nothing_is_a_dead_letter(server: Server) -> None:
    server.answers["/feed"] = body(rss("<item><guid>x</guid></item>", item(server, 1, "Words.")))
    found = look(server, pages=False)
    assert [one.title for one in articles(found)] == ["Title 1"]
    assert [one.reason for one in bad(found)] == ["no text in title, summary or body"]


def test_bad_items_of_a_json_feed_leave_their_neighbours() -> None:
    document = b'{"version": "1.1", "items": [{"id": "a", "title": 7}, {"id": "b", "title": "Kept"}]}'
    first, second = read_feed(document)
    assert isinstance(first, Bad)
    assert "$.title" in first.reason
    assert isinstance(second, Entry)
    assert second.title == "Kept"


def test_retry_after_reaches_the_schedule(server: Server) -> None:
    server.answers["/feed"] = status(429, {"Retry-After": "99"})
    with pytest.raises(RateLimitedError) as raised:
        look(server)
    assert raised.value.retry_after == 99


@settings(max_examples=150, deadline=None)
@given(junk=st.binary(max_size=200), at=st.integers(0, 600), cut=st.integers(0, 300))
def test_damaged_documents_raise_nothing_untyped(junk: bytes, at: int, cut: int) -> None:
    for document in (RSS, ATOM, JSON_FEED):
        damaged = document[:at] + junk + document[at + cut :]
        try:
            list(read_feed(damaged))
        except BadDataError:
            continue
