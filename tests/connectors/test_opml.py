"""OPML: what is read from it, what is refused, and that what is written is read again."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.opml import Subscription, read_opml, write_opml
from connectors.sdk import BadDataError

NAMES = st.text(st.characters(categories=["L", "N", "P"]), max_size=20)


def opml(body: str, version: str = "2.0") -> bytes:
    return f'<?xml version="1.0"?><opml version="{version}"><head/><body>{body}</body></opml>'.encode()


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ('<outline text="Quay" type="rss" xmlUrl="https://quay.example/rss"/>', [("https://quay.example/rss", "Quay")]),
        (
            '<outline text="News"><outline text="Far"><outline title="A &amp; B" text="x" xmlurl="http://a.example/"/>'
            '</outline></outline><outline XMLURL="http://b.example/?a=1&amp;b=2"/>',
            [("http://a.example/", "A & B"), ("http://b.example/?a=1&b=2", "")],
        ),
        (
            '<outline text="1" xmlUrl="https://a.example/rss"/><outline text="2" xmlUrl="https://A.example/rss/"/>',
            [("https://a.example/rss", "1")],
        ),
        ('<outline text="a" xmlUrl="feed://a.example/rss"/>', [("http://a.example/rss", "a")]),
        ('<outline text="a" xmlUrl="feed:https://a.example/"/>', [("https://a.example/", "a")]),
        (
            '<outline xmlUrl="data:,1"/><outline xmlUrl="https://a.example/"/><outline',
            [("https://a.example/", "")],
        ),
        ('<outline text="a & b" xmlUrl="https://a.example/"/>', [("https://a.example/", "a  b")]),
    ],
    ids=["plain", "nested", "twice", "feed scheme", "feed prefix", "breaks off", "bare ampersand"],
)
@pytest.mark.parametrize("version", ["1.0", "2.0"])
def test_feeds_are_found(body: str, found: list[tuple[str, str]], version: str) -> None:
    read = [(one.url, " ".join(one.name.split())) for one in read_opml(opml(body, version))]
    assert read == [(url, " ".join(name.split())) for url, name in found]


@pytest.mark.parametrize(
    ("document", "said"),
    [
        (b"", "no OPML with feeds"),
        (opml(""), "no OPML with feeds"),
        (b"<html/>", "begins with <html>"),
        (b'<!DOCTYPE opml [<!ENTITY a "b">]><opml/>', "document type"),
        (opml("<outline>" * 100 + "</outline>" * 100), "deep"),
    ],
)
def test_what_is_refused(document: bytes, said: str) -> None:
    with pytest.raises(BadDataError, match=said):
        read_opml(document)


@given(st.dictionaries(st.integers(0, 9999), NAMES, min_size=1, max_size=20))
def test_what_is_written_is_read_again(names: dict[int, str]) -> None:
    given_ = [Subscription(f"https://quay.example/{number}?a=1&b=2", name) for number, name in names.items()]
    read = read_opml(write_opml(given_).encode())
    assert read == [Subscription(one.url, one.name) for one in given_]


def test_ten_thousand() -> None:
    many = [Subscription(f"https://quay.example/{number}", f"Feed {number}") for number in range(10_000)]
    assert read_opml(write_opml(many).encode()) == many
