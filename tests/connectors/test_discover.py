"""Discovery: what is found from the address of a page, in which order, with how many requests."""

import asyncio

import pytest

from connectors.discover import Found, Front, discover, read_front, sniff
from connectors.sdk import Fetch, GoneError
from tests.connectors.poll import NOW
from tests.connectors.server import Server, body

LATELY, LONG_AGO = "Wed, 01 May 2030 10:00:00 GMT", "Wed, 06 Jan 2027 10:00:00 GMT"
URL = "https://quay.example/"


def rss(*titles: str, date: str = LATELY) -> bytes:
    items = "".join(
        f"<item><title>{title}</title><link>https://quay.example/{number}</link><pubDate>{date}</pubDate></item>"
        for number, title in enumerate(titles)
    )
    return f'<rss version="2.0"><channel><title>Quay</title>{items}</channel></rss>'.encode()


def html(head: str = "", text: str = "", language: str = "en") -> bytes:
    return f'<html lang="{language}"><head><title>Quay | Home</title>{head}</head><body>{text}</body></html>'.encode()


def feed_link(href: str, title: str = "", more: str = "") -> str:
    return f'<link rel="alternate" type="application/rss+xml" href="{href}" title="{title}" {more}>'


def teasers(count: int = 8) -> str:
    boxes = "".join(
        f'<div class="teaser x{number}"><h3><a href="/news/ferry-sails-again-{number}">Ferry number {number} sails to '
        f'the islands</a></h3><a href="/tag/ferries">Ferries of all kinds and sizes</a></div>'
        for number in range(count)
    )
    menu = "".join(f'<li><a href="/section-{number}">Section {number}</a></li>' for number in range(20))
    return f'<nav><ul>{menu}</ul></nav><main>{boxes}</main><footer><a href="/legal-notes-of-quay">Legal</a></footer>'


def sitemap(*paths: str) -> bytes:
    entries = (
        f"<url><loc>https://quay.example/{path}</loc><lastmod>2030-05-01T10:00:00Z</lastmod></url>" for path in paths
    )
    return f"<urlset>{''.join(entries)}</urlset>".encode()


def search(server: Server, path: str = "/") -> Found:
    async def run() -> Found:
        fetch = Fetch(allow=("127.0.0.1",))
        try:
            return await discover(server.base + path, fetch, lambda: NOW)
        finally:
            await fetch.aclose()

    return asyncio.run(run())


def kinds(server: Server, found: Found) -> list[tuple[str, str]]:
    return [(one.entry["kind"], one.entry["url"].removeprefix(server.base)) for one in found.candidates]


def answer(server: Server, **documents: bytes) -> None:
    for path, document in documents.items():
        kind = "text/html" if document.startswith(b"<html") else "application/xml"
        server.answers["/" + path.replace("__", "-").replace("_", ".")] = body(document, kind)


def test_the_feed_that_a_page_names(server: Server) -> None:
    answer(server, **{"": html(feed_link("/all.xml", "News")), "all_xml": rss("a", "b")})
    found = search(server)
    assert kinds(server, found) == [("feed", "/all.xml")]
    assert (found.name, found.candidates[0].title, found.candidates[0].recent) == ("Quay", "News", 2)
    assert len(server.asked) == 2


def test_news_before_comments_other_languages_and_what_was_left_behind(server: Server) -> None:
    head = (
        feed_link("/comments.xml")
        + feed_link("/fr.xml", more='hreflang="fr-FR"')
        + feed_link("/old.xml")
        + feed_link("/none.xml")
        + feed_link("/news.xml", more='hreflang="en-GB"')
    )
    old = rss("a", date=LONG_AGO)
    answer(server, **{"": html(head)}, comments_xml=rss("a"), fr_xml=rss("a"), news_xml=rss("a"), old_xml=old)
    found = [path for _, path in kinds(server, search(server))]
    assert found == ["/news.xml", "/fr.xml", "/comments.xml", "/old.xml"]


def test_feeds_in_links_of_the_text(server: Server) -> None:
    answer(server, **{"": html(text='<a href="/rss/news">RSS</a><a href="/grass">Grass</a>'), "rss/news": rss("a")})
    assert kinds(server, search(server)) == [("feed", "/rss/news")]


def test_the_usual_places_only_where_nothing_is_linked(server: Server) -> None:
    answer(server, **{"": html(), "rss_xml": rss("a")})
    assert kinds(server, search(server)) == [("feed", "/rss.xml")]
    assert [path for path, _ in server.asked] == ["/", "/feed", "/rss", "/rss.xml"]


def test_sitemaps_of_robots_txt(server: Server) -> None:
    robots = (
        f"User-agent: *\nDisallow:\nSitemap: {server.base}/all.xml\nsitemap: /news-map.xml\nSitemap: /author-map.xml"
    )
    answer(server, **{"": html(text=teasers()), "robots_txt": robots.encode()})
    answer(server, all_xml=sitemap("a", "b"), news__map_xml=sitemap("a"))
    found = kinds(server, search(server))
    assert found == [("sitemap", "/all.xml"), ("sitemap", "/news-map.xml"), ("page-list", "/")]


def test_the_usual_places_of_sitemaps(server: Server) -> None:
    answer(server, **{"": html(), "sitemap_xml": sitemap("a")})
    assert kinds(server, search(server)) == [("sitemap", "/sitemap.xml")]
    assert len(server.asked) < 16


def test_a_list_of_articles_is_the_last_resort(server: Server) -> None:
    answer(server, **{"": html(text=teasers())})
    (only,) = search(server).candidates
    assert only.entry == {"kind": "page-list", "url": f"{server.base}/", "links": "h3 > a"}
    assert only.items == 8
    assert len(server.asked) < 20


def test_nothing(server: Server) -> None:
    answer(server, **{"": html(text="<p>Under construction</p>")})
    assert search(server).candidates == []
    with pytest.raises(GoneError):
        search(server, "/nowhere")


@pytest.mark.parametrize(
    ("document", "kind"),
    [
        (rss("a"), "feed"),
        (sitemap("a"), "sitemap"),
        (b'{"version": "https://jsonfeed.org/version/1", "items": []}', "feed"),
    ],
)
def test_the_address_may_be_that_of_a_feed_or_sitemap(server: Server, document: bytes, kind: str) -> None:
    answer(server, x=document)
    assert kinds(server, search(server, "/x")) == [(kind, "/x")]


@pytest.mark.parametrize(
    ("start", "kind"),
    [
        (b"\xef\xbb\xbf<?xml version='1.0'?><!-- a --><rss version='2.0'>", "feed"),
        (b"<atom:feed xmlns:atom='http://www.w3.org/2005/Atom'>", "feed"),
        (b"<rdf:RDF xmlns='http://purl.org/rss/1.0/'>", "feed"),
        ("<rss version='2.0'>".encode("utf-16"), "feed"),
        (b"\x1f\x8b\x08", "sitemap"),
        (b"<sitemapindex xmlns='x'>", "sitemap"),
        (b'{"items": []}', "page"),
        (b"<!doctype html><html>", "page"),
        (b"", "page"),
    ],
)
def test_sniff(start: bytes, kind: str) -> None:
    assert sniff(start) == kind


@pytest.mark.parametrize(
    ("text", "selector"),
    [
        (teasers(), "h3 > a"),
        (teasers(3), ""),
        (
            "".join(f'<p><a href="/terms/{n}">Terms of use of this site, number {n}</a></p>' for n in range(2))
            + "".join(f'<b><a class="title" href="/{n}00000">Паром знову ходить до островів</a></b>' for n in range(9)),
            "a.title",
        ),
        ("".join(f'<o:p><a href="/a/{n}2345">Ferry number {n} sails to the islands</a></o:p>' for n in range(9)), "a"),
        ("".join(f'<li><a href="/a/{n}2345">渡轮再次驶向群岛的码头</a></li>' for n in range(9)), "a"),
    ],
    ids=["titles among tags", "too few", "by class", "a tag that no selector can name", "Chinese"],
)
def test_the_selector_of_an_article_list(text: str, selector: str) -> None:
    assert read_front(html(text=text), URL).selector == selector


@pytest.mark.parametrize(
    ("link", "found"),
    [
        ('<link rel="alternate" type="application/atom+xml; charset=utf-8" href="a">', True),
        ('<link rel="alternate" type="application/feed+json" href="a">', True),
        ('<link rel="alternate" type="application/json" href="feed.json">', True),
        ('<link rel="alternate" type="application/json" href="wp-json/posts/1">', False),
        ('<link rel="alternate" hreflang="fr" href="fr">', False),
        ('<link rel="stylesheet" type="text/css" href="feed.css">', False),
        ('<link rel="alternate" type="application/rss+xml" href="http://[">', False),
    ],
)
def test_which_links_are_feeds(link: str, found: bool) -> None:
    assert bool(read_front(html(link), URL).feeds) is found


@pytest.mark.parametrize(
    ("head", "name"),
    [
        ("", "Quay"),
        ('<meta property="og:site_name" content=" The  Quay ">', "The Quay"),
    ],
)
def test_the_name_of_a_site(head: str, name: str) -> None:
    assert read_front(html(head), URL).name == name


def test_nothing_at_all_is_a_page_without_anything() -> None:
    assert read_front(b"", URL) == Front("", "", [], [], "", [])
