"""The page list: which links are found, which are new, what is refused."""

from collections.abc import Sequence
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest

from connectors.page_list import Link, read_links
from connectors.sdk import BadDataError, Batch
from connectors.sdk.declare import DeclarationError, declare
from tests.connectors.poll import articles, last_cursor, poll
from tests.connectors.server import Server, body, status

LONG = "The ferry between the islands sails again, and those who waited on the quay were let on board first. " * 6
URL = "https://quay.example/latest/"
PAGE = """<html><head><title>Latest</title></head><body>
<nav><a href="/about">About us</a></nav>
<article><h2><a href="ferry?utm_source=front#top">Ferry  sails
 again</a></h2><time datetime="2030-05-01T10:00:00+02:00">today</time><a class="more" href="ferry">more</a></article>
<article><h2><a href="https://www.quay.example/b">Bridge</a></h2><time>2030-05-01T09:00Z</time></article>
<article><h2><a href="https://elsewhere.example/c">Elsewhere</a></h2></article>
<article><h2><a href="mailto:a@quay.example">Write</a> <a>Nowhere</a> <a href="http://[">Broken</a></h2></article>
</body></html>"""


@pytest.mark.parametrize(
    ("links", "title", "date", "found"),
    [
        ("h2 a", "", "", ["ferry", "b", "c"]),
        ("article", "h2", "time", ["ferry", "b", "c"]),
        ("nav a", "", "", ["about"]),
        ("a.more", "", "", ["ferry"]),
        ("section a", "", "", []),
    ],
)
def test_links(links: str, title: str, date: str, found: list[str]) -> None:
    read = read_links(PAGE.encode(), URL, "text/html", links, title, date)
    assert [link.url.rpartition("/")[2] for link in read] == found


def test_title_and_date_beside_the_link() -> None:
    first, second, _ = read_links(PAGE.encode(), URL, "text/html", "article", "h2", "time")
    eight, nine = datetime(2030, 5, 1, 8, tzinfo=UTC), datetime(2030, 5, 1, 9, tzinfo=UTC)
    assert first == Link(f"{URL}ferry", "Ferry sails again", "Ferry sails again", eight)
    assert second.date == nine


def test_base_and_encoding() -> None:
    page = '<html><head><base href="https://quay.example/news/"></head><body><a href="a">Паром</a></body></html>'
    (link,) = read_links(page.encode("cp1251"), URL, "text/html; charset=windows-1251", "a")
    assert (link.url, link.text) == ("https://quay.example/news/a", "Паром")


def front(*names: str) -> bytes:
    rows = "".join(f'<li><a href="/{name}">The title of {name}</a></li>' for name in names)
    return f'<html><body><ul>{rows}<li><a href="https://elsewhere.example/x">X</a></li></ul></body></html>'.encode()


def page(title: str) -> bytes:
    text = f"<h1>{title}</h1><p>{LONG}</p><p>And another paragraph of it that says a little more about the ferry.</p>"
    return f"<html><head><title>{title}</title></head><body><article>{text}</article></body></html>".encode()


def look(server: Server, cursor: Any = None, **config: Any) -> list[Batch]:
    return poll(cursor, kind="page-list", url=f"{server.base}/", **{"links": "li a", **config})


def paths(batches: Sequence[Batch]) -> list[str]:
    return [(article.url or "").rpartition("/")[2] for article in articles(batches)]


@pytest.fixture
def quay(server: Server) -> Server:
    for name in ("a", "b", "c"):
        server.answers[f"/{name}"] = body(page(f"Ferry {name} sails"), "text/html")
    server.answers["/"] = body(front("a", "b"), "text/html")
    return server


def test_articles_are_read_from_their_pages(quay: Server) -> None:
    found = articles(look(quay))
    assert [article.title for article in found] == ["Ferry a sails", "Ferry b sails"]
    assert all("on board first" in article.body for article in found)
    assert [article.title for article in articles(look(quay, pages=False))] == ["The title of a", "The title of b"]


def test_a_link_is_taken_once_even_when_it_comes_back(quay: Server) -> None:
    first = look(quay)
    quay.answers["/"] = body(front("c", "b"), "text/html")
    second = look(quay, last_cursor(first))
    assert paths(second) == ["c"]
    quay.answers["/"] = body(front("a", "c", "b"), "text/html")
    assert paths(look(quay, last_cursor(second))) == []


def test_max_and_other_sites(quay: Server) -> None:
    assert paths(look(quay, max=1)) == ["a"]
    assert paths(look(quay, pages=False, other_sites=True)) == ["a", "b", "x"]


def test_conditional(quay: Server) -> None:
    def tagged(handler: BaseHTTPRequestHandler) -> None:
        same = handler.headers.get("If-None-Match") == '"1"'
        (status(304) if same else body(front("a"), "text/html", {"ETag": '"1"'}))(handler)

    quay.answers["/"] = tagged
    first = look(quay)
    assert paths(first) == ["a"]
    assert [batch.items for batch in look(quay, last_cursor(first))] == [()]


def test_a_cursor_of_another_kind_is_taken_for_none(quay: Server) -> None:
    assert paths(look(quay, {"seen": 3})) == ["a", "b"]


def test_nothing_found_is_said(quay: Server) -> None:
    with pytest.raises(BadDataError, match="`links: section a` finds no link"):
        look(quay, links="section a")
    quay.answers["/"] = body(b"")
    with pytest.raises(BadDataError, match="is no page of HTML"):
        look(quay)


@pytest.mark.parametrize("selector", ["a[", "", "a::"])
def test_a_selector_is_checked_when_it_is_declared(selector: str) -> None:
    with pytest.raises(DeclarationError, match="links: is no CSS selector"):
        declare({"kind": "page-list", "url": URL, "links": selector})
