"""The sitemap: news, plain, gzipped and index files; what is new, what is asked for again, what is refused."""

import gzip
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.sdk import BadDataError, Batch, GoneError, RateLimitedError
from connectors.sitemap import MAX_SIZE, read_date, read_sitemap
from tests.connectors.poll import NOW, articles, last_cursor, poll
from tests.connectors.server import Answer, Server, body, status

LONG = "The ferry between the islands sails again, and those who waited on the quay were let on board first. " * 6
SINCE = NOW - timedelta(days=2)
NEWS = "http://www.google.com/schemas/sitemap-news/0.9"
IMAGE = "http://www.google.com/schemas/sitemap-image/1.1"
OLD, NEW = "2030-03-01T10:00:00Z", "2030-05-01T10:00:00Z"


def page(title: str) -> Answer:
    text = f"<h1>{title}</h1><p>{LONG}</p><p>And another paragraph of it that says a little more about the ferry.</p>"
    return body(
        f"<html><head><title>{title}</title></head><body><article>{text}</article></body></html>".encode(), "text/html"
    )


def urlset(*entries: str) -> bytes:
    spaces = f'xmlns="http://www.sitemaps.org/schemas/sitemap/0.9" xmlns:news="{NEWS}" xmlns:image="{IMAGE}"'
    return f'<?xml version="1.0" encoding="UTF-8"?><urlset {spaces}>{"".join(entries)}</urlset>'.encode()


def plain(url: str, changed: str = "") -> str:
    return f"<url><loc>{url}</loc>{f'<lastmod>{changed}</lastmod>' if changed else ''}</url>"


def news(url: str, title: str, published: str = NEW) -> str:
    about = (
        "<news:publication><news:name>Quay</news:name><news:language>pt</news:language></news:publication>"
        f"<news:publication_date>{published}</news:publication_date><news:title>{title}</news:title>"
        "<news:keywords>ferry, quay</news:keywords>"
    )
    picture = "<image:loc>https://quay.example/a.jpg</image:loc><image:title>No title</image:title>"
    image = f"<image:image>{picture}</image:image>"
    return f"<url><loc>{url}</loc>{image}<news:news>{about}</news:news></url>"


def index(*children: tuple[str, str]) -> bytes:
    rows = (f"<sitemap><loc>{url}</loc>{f'<lastmod>{at}</lastmod>' if at else ''}</sitemap>" for url, at in children)
    return f'<sitemapindex xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{"".join(rows)}</sitemapindex>'.encode()


def look(server: Server, cursor: Any = None, now: datetime = NOW, **config: Any) -> list[Batch]:
    return poll(cursor, now, kind="sitemap", url=f"{server.base}/map.xml", **config)


def paths(batches: Sequence[Batch]) -> list[str]:
    return [(article.url or "").rpartition("/")[2] for article in articles(batches)]


def asked(server: Server) -> list[str]:
    found = [path for path, _ in server.asked]
    server.asked.clear()
    return found


def with_pages(server: Server, *names: str) -> None:
    for name in names:
        server.answers[f"/{name}"] = page(f"Page {name}")


def test_news(server: Server) -> None:
    with_pages(server, "a")
    server.answers["/map.xml"] = body(urlset(news(f"{server.base}/a", "Ferry &amp; folk")), "application/xml")
    (found,) = articles(look(server))
    assert (found.title, found.url) == ("Ferry & folk", f"{server.base}/a")
    assert (found.published, found.published_origin) == (datetime(2030, 5, 1, 10, tzinfo=UTC), "sitemap")
    assert "on board first" in found.body
    assert [article.body for article in articles(look(server, pages=False))] == [""]


def test_a_plain_sitemap_begins_with_what_changed_lately(server: Server) -> None:
    with_pages(server, "new", "old", "undated", "later")
    entries = [plain(f"{server.base}/new", NEW), plain(f"{server.base}/old", OLD), plain(f"{server.base}/undated")]
    server.answers["/map.xml"] = body(urlset(*entries))
    first = look(server)
    assert paths(first) == ["new"]
    again = look(server, last_cursor(first))
    assert paths(again) == []
    entries[1] = plain(f"{server.base}/old", "2030-05-01T11:00:00Z")
    server.answers["/map.xml"] = body(urlset(*entries, plain(f"{server.base}/later")))
    assert sorted(paths(look(server, last_cursor(again)))) == ["later", "old"]


def test_what_came_while_nobody_looked_is_taken(server: Server) -> None:
    with_pages(server, "a", "b")
    server.answers["/map.xml"] = body(urlset(plain(f"{server.base}/a", NEW)))
    cursor = last_cursor(look(server))
    server.answers["/map.xml"] = body(urlset(plain(f"{server.base}/b", "2030-05-02")))
    assert paths(look(server, cursor, NOW + timedelta(days=9))) == ["b"]


def test_one_date_for_all_says_nothing(server: Server) -> None:
    entries = [plain(f"{server.base}/{number}", NEW) for number in range(30)]
    server.answers["/map.xml"] = body(urlset(*entries))
    cursor = last_cursor(look(server))
    entries = [plain(f"{server.base}/{number}", "2030-05-01T11:00:00Z") for number in range(31)]
    server.answers["/map.xml"] = body(urlset(*entries))
    with_pages(server, "30")
    assert paths(look(server, cursor)) == ["30"]


@pytest.mark.parametrize("kind", ["application/gzip", "text/plain", "application/xml"])
def test_gzip_whatever_the_header_says(server: Server, kind: str) -> None:
    with_pages(server, "a")
    server.answers["/map.xml"] = body(gzip.compress(urlset(plain(f"{server.base}/a", NEW))), kind)
    assert paths(look(server)) == ["a"]


def test_a_bomb_is_stopped() -> None:
    with pytest.raises(BadDataError, match="when decompressed"):
        read_sitemap(gzip.compress(b"<urlset>" + b" " * (MAX_SIZE + 1)), "https://quay.example/", SINCE)


def test_an_index_is_read_newest_first_and_only_where_it_changed(server: Server) -> None:
    with_pages(server, "a", "b", "c")
    children = {"/1.xml": ("a", OLD), "/2.xml": ("b", "2030-05-01T08:00:00Z"), "/3.xml": ("c", NEW)}
    for child, (name, changed) in children.items():
        server.answers[child] = body(urlset(plain(f"{server.base}/{name}", changed)))
    rows = [(server.base + child, changed) for child, (_, changed) in children.items()]
    server.answers["/map.xml"] = body(index(*rows))
    first = look(server, pages=True)
    assert paths(first) == ["c", "b"]
    assert [path for path in asked(server) if "xml" in path] == ["/map.xml", "/3.xml", "/2.xml"]
    server.answers["/2.xml"] = body(urlset(plain(f"{server.base}/b", "2030-05-01T11:00:00Z")))
    server.answers["/map.xml"] = body(index(rows[0], (rows[1][0], "2030-05-01T11:00:00Z"), rows[2]))
    assert paths(look(server, last_cursor(first))) == ["b"]
    assert [path for path in asked(server) if path != "/robots.txt"] == ["/map.xml", "/2.xml", "/b"]


def test_children_without_a_date_are_asked_for_conditionally(server: Server) -> None:
    with_pages(server, "a")
    entry = urlset(plain(f"{server.base}/a", NEW))

    def tagged(handler: BaseHTTPRequestHandler) -> None:
        same = handler.headers.get("If-None-Match") == '"1"'
        (status(304) if same else body(entry, headers={"ETag": '"1"'}))(handler)

    server.answers["/1.xml"] = tagged
    server.answers["/map.xml"] = body(index((f"{server.base}/1.xml", "")), headers={"ETag": '"2"'})
    first = look(server)
    assert paths(first) == ["a"]
    server.asked.clear()
    assert paths(look(server, last_cursor(first))) == []
    assert [(path, sent.get("if-none-match")) for path, sent in server.asked] == [("/map.xml", None), ("/1.xml", '"1"')]


@pytest.mark.parametrize(
    "name",
    [
        "sitemap-2029-11.xml",
        "2028/sitemap.xml",
        "sitemap_202001.xml.gz",
        "author-sitemap.xml",
        "wp-sitemap-users-1.xml",
    ],
)
def test_files_that_hold_no_news_are_left_alone(server: Server, name: str) -> None:
    server.answers["/map.xml"] = body(index((f"{server.base}/{name}", "")))
    assert paths(look(server)) == []
    assert asked(server) == ["/map.xml"]


def test_a_new_file_of_an_index_is_taken_whole(server: Server) -> None:
    with_pages(server, "a", "b")
    server.answers["/1.xml"] = body(urlset(plain(f"{server.base}/a")))
    server.answers["/2.xml"] = body(urlset(plain(f"{server.base}/b")))
    server.answers["/map.xml"] = body(index((f"{server.base}/1.xml", "")))
    first = look(server)
    assert paths(first) == []
    server.answers["/map.xml"] = body(index((f"{server.base}/1.xml", ""), (f"{server.base}/2.xml", "")))
    assert paths(look(server, last_cursor(first))) == ["b"]


def test_a_file_that_fails_does_not_keep_the_others(server: Server) -> None:
    with_pages(server, "a", "b")
    server.answers["/2.xml"] = body(urlset(plain(f"{server.base}/a", NEW)))
    server.answers["/map.xml"] = body(index((f"{server.base}/1.xml", NEW), (f"{server.base}/2.xml", OLD[:5] + "05-01")))
    first = look(server)
    assert paths(first) == ["a"]
    server.answers["/1.xml"] = body(urlset(plain(f"{server.base}/b", NEW)))
    assert paths(look(server, last_cursor(first), NOW + timedelta(days=5))) == ["b"]


def test_an_index_of_itself_ends(server: Server) -> None:
    server.answers["/map.xml"] = body(index((f"{server.base}/map.xml", ""), (f"{server.base}/map.xml?2", "")))
    server.answers["/map.xml?2"] = server.answers["/map.xml"]
    look(server)
    assert len(server.asked) <= 8


@pytest.mark.parametrize(
    ("document", "urls"),
    [
        (urlset(plain("https://quay.example/a", NEW), plain("https://quay.example/b", NEW))[:-80], ["a"]),
        (urlset(plain("https://quay.example/a?x=1&y=2", NEW), plain("", NEW), plain("b", NEW)), ["a?x=1=2", "b"]),
        (urlset("<url><lastmod>x</lastmod></url>", "<b>", plain("https://quay.example/a", "gone")), ["a"]),
        (urlset(plain("mailto:a@quay.example", NEW), plain("https://quay.example/a", NEW)), ["a"]),
        (gzip.compress(urlset(plain("https://quay.example/a", NEW)) + b" " * 99)[:-9], ["a"]),
        (b"https://quay.example/a\nhttps://quay.example/b\n\nnot an address\n", ["a", "b"]),
        (urlset(plain("https://quay.example/a", NEW)).decode().replace("UTF-8", "UTF-16").encode("utf-16"), ["a"]),
    ],
    ids=["breaks off", "a bare ampersand", "not nested", "no web address", "gzip breaks off", "lines", "UTF-16"],
)
def test_good_entries_of_a_broken_file_go_on(document: bytes, urls: list[str]) -> None:
    found = read_sitemap(document, "https://quay.example/map.xml", SINCE)
    assert [listed.url.rpartition("/")[2] for listed in found.entries] == urls


@pytest.mark.parametrize(
    ("document", "said"),
    [
        (b"", "is empty"),
        (b"{}", "is not a sitemap"),
        (b"<!DOCTYPE html><html><body></body></html>", "is a web page"),
        (b'<rss version="2.0"><channel/></rss>', "write `kind: feed`"),
        (b'<!DOCTYPE urlset [<!ENTITY a "b">]><urlset><url><loc>http://a/&a;</loc></url></urlset>', "document type"),
        (b"<opml/>", "begins with <opml>"),
    ],
)
def test_what_is_no_sitemap_is_refused(document: bytes, said: str) -> None:
    with pytest.raises(BadDataError, match=said):
        read_sitemap(document, "https://quay.example/map.xml", SINCE)


def test_failures_have_types(server: Server) -> None:
    with pytest.raises(GoneError):
        look(server)
    server.answers["/map.xml"] = body(index((f"{server.base}/1.xml", "")))
    server.answers["/1.xml"] = status(429, {"Retry-After": "60"})
    with pytest.raises(RateLimitedError) as caught:
        look(server)
    assert caught.value.retry_after == 60


def test_no_more_than_two_thousand_a_poll(server: Server) -> None:
    entries = [news(f"https://quay.example/{number}", f"Title {number}") for number in range(2_100)]
    server.answers["/map.xml"] = body(urlset(*entries))
    first = look(server, pages=False)
    second = look(server, last_cursor(first), pages=False)
    assert [len(articles(first)), len(articles(second))] == [2_000, 100]


@pytest.mark.parametrize(
    ("text", "date"),
    [
        ("2030-05-01T12:00:00+02:00", datetime(2030, 5, 1, 10, tzinfo=UTC)),
        ("2030-05-01T12:00Z", datetime(2030, 5, 1, 12, tzinfo=UTC)),
        (" 2030-05-01 12:00:00 ", datetime(2030, 5, 1, 12, tzinfo=UTC)),
        ("Wed, 01 May 2030 12:00:00 GMT", datetime(2030, 5, 1, 12, tzinfo=UTC)),
        ("2030-5-1", datetime(2030, 5, 1, tzinfo=UTC)),
        ("2030-05", datetime(2030, 5, 1, tzinfo=UTC)),
        ("2030", datetime(2030, 1, 1, tzinfo=UTC)),
        ("2030-13-01", None),
        ("yesterday", None),
        ("", None),
        ("0001-01-01T00:00:00+14:00", None),
    ],
)
def test_dates(text: str, date: datetime | None) -> None:
    assert read_date(text) == date


@pytest.mark.parametrize(
    ("text", "day"), [("2030-02-28", 28), ("2030-02", 28), ("2030", 31), ("2030-02-03T04:05:06Z", 3)]
)
def test_last_moments(text: str, day: int) -> None:
    assert getattr(read_date(text, last=True), "day", None) == day


@given(st.one_of(st.binary(max_size=300), st.binary(max_size=300).map(lambda junk: urlset("<url><loc>") + junk)))
def test_anything_is_a_sitemap_or_refused(data: bytes) -> None:
    try:
        found = read_sitemap(data, "https://quay.example/", SINCE)
    except BadDataError:
        return
    assert all(listed.url.lower().startswith(("http://", "https://")) for listed in found.entries)
