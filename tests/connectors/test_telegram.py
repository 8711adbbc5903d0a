"""telegram: what a preview page says, how far back a poll goes, what is new."""

import json
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.sdk import BadDataError, Batch, GoneError
from connectors.sdk.declare import DeclarationError, declare
from connectors.telegram import read_preview
from tests.connectors.poll import articles, bad, last_cursor, poll
from tests.connectors.server import Server, body, status

PLAIN = '<div class="tgme_widget_message_text js-message_text" dir="auto">{}</div>'
FORWARDED = """<div class="tgme_widget_message_forwarded_from accent_color">Forwarded from
<a class="tgme_widget_message_forwarded_from_name" href="https://t.me/island_radio/7">
<span dir="auto">Island Radio</span></a></div>"""
REPLY = """<a class="tgme_widget_message_reply" href="https://t.me/quay_news/3">
<div class="tgme_widget_message_author"><span class="tgme_widget_message_author_name">Quay</span></div>
<div class="tgme_widget_message_text js-message_reply_text" dir="auto">An older message</div></a>"""
PHOTO = """<a class="tgme_widget_message_photo_wrap" href="https://t.me/quay_news/9" style="width:800px">
<div class="tgme_widget_message_photo" style="padding-top:66%"></div></a>"""
SIGNED = '<span class="tgme_widget_message_from_author" dir="auto">Ana Reis</span>'


def message(number: int, inner: str | None = None, mark: str = "", kind: str = "", time: str | None = None) -> str:
    time = time or f"2030-05-01T11:00:{number % 60:02}+00:00"
    return f"""<div class="tgme_widget_message_wrap js-widget_message_wrap">
<div class="tgme_widget_message text_not_supported_wrap {kind} js-widget_message" data-post="quay_news/{number}">
<div class="tgme_widget_message_user"><a href="https://t.me/quay_news"><img src="x.jpg"></a></div>
<div class="tgme_widget_message_bubble">
<div class="tgme_widget_message_author accent_color"><a class="tgme_widget_message_owner_name"
href="https://t.me/quay_news"><span dir="auto">Quay News</span></a></div>
{PLAIN.format(f"Message {number}") if inner is None else inner}
<div class="tgme_widget_message_footer compact js-message_footer">
<div class="tgme_widget_message_info short js-message_info"><span class="tgme_widget_message_views">1.2K</span>
<span class="copyonly"> views</span><span class="tgme_widget_message_meta">{mark}
<a class="tgme_widget_message_date" href="https://t.me/quay_news/{number}"><time datetime="{time}"
class="time">11:00</time></a></span></div></div></div></div></div>"""


def page(*messages: str, before: int | None = None) -> bytes:
    more = (
        f'<div class="tgme_widget_message_centered js-messages_more_wrap"><a href="/s/quay_news?before={before}"'
        f' class="tme_messages_more js-messages_more" data-before="{before}"></a></div>'
    )
    return f"""<!DOCTYPE html><html><head><meta charset="utf-8"><title>Quay News – Telegram</title></head><body>
<main class="tgme_main"><div class="tgme_channel_info_header_title"><span dir="auto">Quay News</span></div>
<section class="tgme_channel_history js-message_history">{more if before else ""}{"".join(messages)}</section></main>
</body></html>""".encode()


class Channel:
    """A channel's preview, five messages a page."""

    def __init__(self, server: Server, *ids: int) -> None:
        self.messages = {number: message(number) for number in ids}
        server.answers["/s/quay_news"] = self

    def __call__(self, handler: BaseHTTPRequestHandler) -> None:
        query = parse_qs(urlsplit(handler.path).query)
        before = int(query.get("before", ["999999"])[0])
        ids = [number for number in sorted(self.messages) if number < before]
        shown = ids[-5:]
        body(page(*(self.messages[n] for n in shown), before=shown[0] if ids[:-5] else None), "text/html")(handler)


def look(server: Server, cursor: Any = None, channel: str = "quay_news") -> list[Batch]:
    return poll(cursor, kind="telegram", channel=channel, server=server.base)


def numbers(batches: list[Batch]) -> list[int]:
    return [int((found.url or "").rpartition("/")[2]) for found in articles(batches)]


def asked(server: Server) -> list[str]:
    return [path for path, _ in server.asked if path != "/robots.txt"]


@pytest.mark.parametrize(
    ("inner", "text", "authors"),
    [
        (PLAIN.format("No boats.<br/><br/>Salt &amp; <b>sand</b>"), "No boats.\nSalt & sand", ()),
        (
            PLAIN.format('Look <i class="emoji" style="x"><b>⚓</b></i> <a href="https://q.example">here</a>'),
            "Look ⚓ here",
            (),
        ),
        (FORWARDED + PLAIN.format("Bread came."), "Bread came.", ("Island Radio",)),
        (REPLY + PLAIN.format("An answer."), "An answer.", ()),
        (PHOTO + PHOTO + PLAIN.format("The caption."), "The caption.", ()),
        (PLAIN.format(PLAIN.format("Once only.")), "Once only.", ()),
        (PLAIN.format("Signed.") + SIGNED, "Signed.", ("Ana Reis",)),
        (
            '<div class="tgme_widget_message_poll"><div class="tgme_widget_message_poll_question">Strike?</div></div>',
            "Strike?",
            (),
        ),
        (
            '<div class="tgme_widget_message_document_title">Order 7.pdf</div>' + PLAIN.format("See."),
            "See.\nOrder 7.pdf",
            (),
        ),
    ],
    ids=["lines", "emoji and link", "forward", "reply", "photos", "nested", "signed", "poll", "document"],
)
def test_messages(server: Server, inner: str, text: str, authors: tuple[str, ...]) -> None:
    server.answers["/s/quay_news"] = body(page(message(9, inner, mark="edited &nbsp;")), "text/html")
    (found,) = articles(look(server))
    assert (found.url, found.title, found.body, found.authors) == ("https://t.me/quay_news/9", "", text, authors)
    assert found.published
    assert (found.published.isoformat(), found.published_origin) == ("2030-05-01T11:00:09+00:00", "page")
    assert found.published_raw == "2030-05-01T11:00:09+00:00"


def test_what_is_no_message_is_left_out(server: Server) -> None:
    pinned = message(2, PLAIN.format("Quay News pinned a photo"), kind="service_message")
    broken = message(4).replace("quay_news/4", "quay_news/four")
    server.answers["/s/quay_news"] = body(page(message(1), pinned, message(3, PHOTO), broken, message(5)), "text/html")
    first = look(server)
    assert numbers(first) == [1, 5]
    assert [found.reason for found in bad(first)] == ["the message has no number"]
    again = look(server, last_cursor(first))
    assert [*articles(again), *bad(again)] == []


def test_a_message_without_a_date(server: Server) -> None:
    server.answers["/s/quay_news"] = body(page(message(1, time="soon")), "text/html")
    (found,) = articles(look(server))
    assert (found.published, found.published_origin, found.published_raw) == (None, None, "soon")


def test_pages_back_to_what_was_read(server: Server) -> None:
    channel = Channel(server, *range(1, 31))
    first = look(server)
    assert numbers(first) == [26, 27, 28, 29, 30], "it begins with the newest page"
    assert not articles(look(server, last_cursor(first)))
    channel.messages |= {number: message(number) for number in range(31, 43)}
    del channel.messages[40]
    found = numbers(look(server, last_cursor(first)))
    assert sorted(found) == [*range(31, 40), 41, 42]
    assert asked(server)[-3:] == ["/s/quay_news", "/s/quay_news?before=37", "/s/quay_news?before=32"]


def test_the_next_poll_goes_on_where_one_stopped(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("connectors.telegram.MAX_PAGES", 1)
    channel = Channel(server, *range(1, 6))
    cursor = last_cursor(look(server))
    channel.messages |= {number: message(number) for number in range(6, 20)}
    found: list[int] = []
    for number in range(8):
        batches = look(server, cursor)
        cursor = json.loads(json.dumps(last_cursor(batches, cursor)))
        found += numbers(batches)
        if number == 0:
            channel.messages[20] = message(20)
    assert sorted(found) == list(range(6, 21)), "nothing is skipped, nothing repeated"


def test_the_cursor_moves_when_it_has_come_to_what_was_read(server: Server) -> None:
    channel = Channel(server, *range(1, 6))
    cursor = last_cursor(look(server))
    channel.messages |= {number: message(number) for number in range(6, 20)}
    batches = look(server, cursor)
    assert [batch.cursor["id"] for batch in batches] == [5, 5, 19]
    for stop in range(len(batches)):
        after = look(server, last_cursor(batches[:stop], cursor))
        assert {*numbers(batches[:stop]), *numbers(after)} == set(range(6, 20))


def test_an_edit_is_a_new_revision(server: Server) -> None:
    channel = Channel(server, 1, 2, 3)
    first = look(server)
    channel.messages[2] = message(2, PLAIN.format("Message 2, corrected"), mark="edited &nbsp;")
    second = look(server, last_cursor(first))
    assert [found.body for found in articles(second)] == ["Message 2, corrected"]
    assert articles(second)[0].id == articles(first)[1].id
    assert not articles(look(server, last_cursor(second)))


@pytest.mark.parametrize("cursor", [7, "x", {"id": "x"}, {"id": 10**12}, {"seen": 5}])
def test_cursors_that_cannot_be(server: Server, cursor: Any) -> None:
    Channel(server, 1, 2, 3)
    assert numbers(look(server, cursor)) == [1, 2, 3]


def test_a_deleted_message_brings_nothing_back(server: Server) -> None:
    channel = Channel(server, 1, 2, 3)
    cursor = last_cursor(look(server))
    del channel.messages[3]
    second = look(server, cursor)
    assert not articles(second)
    channel.messages[4] = message(4)
    assert numbers(look(server, last_cursor(second, cursor))) == [4]


def test_a_channel_without_preview(server: Server) -> None:
    server.answers["/s/quay_news"] = status(302, {"Location": "/quay_news"})
    server.answers["/quay_news"] = body(b'<html><body><div class="tgme_page">Quay</div></body></html>', "text/html")
    with pytest.raises(GoneError, match="quay_news has no web preview: it is private, a group or a person"):
        look(server)


@pytest.mark.parametrize("content", [b"", b"<html></html>", b"{}", b"\xff\xfe"])
def test_what_is_no_preview(server: Server, content: bytes) -> None:
    server.answers["/s/quay_news"] = body(content, "text/html")
    with pytest.raises(BadDataError):
        look(server)


def test_an_empty_channel(server: Server) -> None:
    server.answers["/s/quay_news"] = body(page(), "text/html")
    assert not articles(look(server))


@pytest.mark.parametrize("channel", ["quay_news", "@quay_news", "https://t.me/quay_news", "t.me/s/quay_news/"])
def test_names_of_channels(channel: str) -> None:
    config: Any = declare({"kind": "telegram", "channel": channel}).config
    assert config.channel == "quay_news"


@pytest.mark.parametrize("channel", ["", "ab", "https://t.me/+AbCdEf", "https://quay.example/news", "quay news"])
def test_what_is_no_channel(channel: str) -> None:
    with pytest.raises(DeclarationError, match="is the name of a public channel") as raised:
        declare({"kind": "telegram", "channel": channel})
    assert raised.value.key == "channel"


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 6000), st.binary(max_size=30), st.integers(0, 200))
def test_damaged_pages(at: int, noise: bytes, cut: int) -> None:
    whole = page(message(1), message(2, FORWARDED + PHOTO + PLAIN.format("x")), message(3), before=1)
    try:
        read_preview(whole[:at] + noise + whole[at + cut :], "https://t.me/s/quay_news")
    except BadDataError:
        return
