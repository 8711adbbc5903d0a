"""Documents as they are found: formats, encodings, dates and links, what is broken, and what is no feed at all."""

import gzip
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from connectors.feed import read_document
from connectors.feed.document import MAX_ENTRIES
from connectors.sdk import Bad, BadDataError
from connectors.sdk.linked import Entry

URL = "https://quay.example/news/feed.xml"
NINE = datetime(2030, 4, 30, 9, tzinfo=UTC)


def rss(item: str, channel: str = "", head: str = "") -> bytes:
    spaces = 'xmlns:feedburner="http://rssnamespace.org/feedburner/ext/1.0" xmlns:sy="http://purl.org/rss/1.0/modules/syndication/"'
    return f'{head}<rss version="2.0" {spaces}><channel><title>Quay</title>{channel}{item}</channel></rss>'.encode()


def read(data: bytes, content_type: str = "") -> list[Entry]:
    """The entries, of which none is bad."""
    found = read_document(data, URL, content_type).entries
    assert not [entry for entry in found if isinstance(entry, Bad)]
    return [entry for entry in found if isinstance(entry, Entry)]


FERRY = "<item><title>Ferry</title><link>https://quay.example/ferry</link></item>"
RSS = rss(FERRY)


@pytest.mark.parametrize(
    "document",
    [
        RSS,
        b"\n\n  " + RSS,
        b"Notice: undefined variable\n" + b'<?xml version="1.0"?>' + RSS,
        b"\xef\xbb\xbf" + RSS,
        gzip.compress(RSS),
        RSS.replace(b"Ferry", b"Fer\x0bry"),
        RSS.replace(b"Ferry", b"Fer\x00ry"),
        RSS.replace(b"Ferry", b"Fer&#xD800;ry"),
        RSS.replace(b"</item></channel></rss>", b"</item><item><title>Half an it"),
        RSS.replace(b"</rss>", b""),
        RSS.replace(b"<title>Quay</title>", b"<title>Quay & Sons<br></title>"),
        b'<!DOCTYPE rss PUBLIC "-//Netscape Communications//DTD RSS 0.91//EN" "http://x.example/rss.dtd">' + RSS,
        b'<!DOCTYPE rss [<!ENTITY f "Fe">]>\n' + RSS.replace(b"Ferry", b"&f;rry"),
        b'<!DOCTYPE rss [<!ENTITY % latin SYSTEM "http://x.example/latin.ent"> %latin;]>\n' + RSS,
        RSS.decode().encode("utf-16"),
        f'<?xml version="1.0" encoding="utf-16be"?>{RSS.decode()}'.encode("utf-16-be"),
    ],
    ids=[
        *("as it should be", "after blank lines", "after a message", "byte order mark", "compressed unsaid"),
        *("control character", "zero", "half a surrogate pair", "cut off in an item", "cut off at its end"),
        *("markup that is not closed", "a harmless DTD", "a harmless entity", "entities elsewhere"),
        *("utf-16", "utf-16 without a mark"),
    ],
)
def test_its_entry_is_read(document: bytes) -> None:
    first = read(document)[0]
    assert (first.title.replace("\ufffd", ""), first.url) == ("Ferry", "https://quay.example/ferry")


@pytest.mark.parametrize(
    ("encoding", "declared", "content_type"),
    [
        ("utf-8", "", ""),
        ("utf-8", "", "application/xml"),
        ("utf-8", "", "text/xml"),
        ("utf-8", "", "text/html; charset=iso-8859-1"),
        ("utf-8", "utf-8", "text/xml; charset=windows-1252"),
        ("windows-1251", "windows-1251", "text/xml"),
        ("windows-1251", "", "text/xml; charset=windows-1251"),
        ("koi8-r", "utf-8", "text/xml; charset=koi8-r"),
        ("utf-16", "", "application/rss+xml; charset=utf-8"),
        ("utf-8", "no-such-encoding", "text/xml"),
    ],
)
def test_the_charset_is_the_one_the_bytes_are_in(encoding: str, declared: str, content_type: str) -> None:
    head = f'<?xml version="1.0" encoding="{declared}"?>' if declared else ""
    document = rss("<item><title>Мост открыт, ура</title></item>", head=head).decode().encode(encoding)
    (found,) = read(document, content_type)
    assert found.title == "Мост открыт, ура"


@pytest.mark.parametrize(
    ("item", "url"),
    [
        ("<link>/ferry</link>", "https://quay.example/ferry"),
        ("<link>ferry?a=1&amp;b=2</link>", "https://quay.example/news/ferry?a=1&b=2"),
        ("<link>//other.example/ferry</link>", "https://other.example/ferry"),
        ('<link xml:base="https://base.example/a/">ferry</link>', "https://base.example/a/ferry"),
        ("<link>\n https://quay.example/ferry \n</link>", "https://quay.example/ferry"),
        ("<guid>https://quay.example/ferry</guid>", "https://quay.example/ferry"),
        ('<guid isPermaLink="false">https://quay.example/ferry</guid>', None),
        ('<enclosure url="https://quay.example/ferry.mp3" type="audio/mpeg" length="1"/>', None),
        ("<link>javascript:alert(1)</link>", None),
        ("<link>http://[broken/</link>", None),
        (
            "<link>https://ads.example/1</link><feedburner:origLink>https://quay.example/ferry</feedburner:origLink>",
            "https://quay.example/ferry",
        ),
    ],
)
def test_links(item: str, url: str | None) -> None:
    (found,) = read(rss(f"<item><title>Ferry</title>{item}</item>"))
    assert found.url == url


@pytest.mark.parametrize(
    ("written", "published"),
    [
        ("Tue, 30 Apr 2030 09:00:00 GMT", NINE),
        ("Tue, 30 Apr 2030 11:00:00 +0200", NINE),
        ("2030-04-30T09:00:00", NINE),
        ("30 Apr 2030 09:00:00", NINE),
        ("2030-04-30", datetime(2030, 4, 30, tzinfo=UTC)),
        ("Tue, 30 Apr 2090 09:00:00 GMT", datetime(2090, 4, 30, 9, tzinfo=UTC)),
        ("the day before yesterday", None),
    ],
)
def test_dates_keep_what_was_written(written: str, published: datetime | None) -> None:
    (found,) = read(rss(f"<item><title>Ferry</title><pubDate>{written}</pubDate></item>"))
    assert (found.published, found.published_raw) == (published, written)


@pytest.mark.parametrize(
    ("written", "published"),
    [
        ("2030-04-30T11:00:00+02:00", NINE),
        ("2030-04-30T09:00:00", NINE),
        ("Tue, 30 Apr 2030 09:00:00 GMT", NINE),
        ("0001-01-01T00:00:00+10:00", None),
        ("soon", None),
    ],
)
def test_dates_of_a_json_feed(written: str, published: datetime | None) -> None:
    item = {"id": 1, "title": "Ferry", "date_published": written}
    (found,) = read(json.dumps({"version": "1.1", "items": [item]}).encode())
    assert (found.published, found.published_raw) == (published, written)


@pytest.mark.parametrize(
    ("title", "text"),
    [
        ("Ferry &amp;amp; folk", "Ferry & folk"),
        ("Fewer &lt; 5 &amp; more", "Fewer < 5 & more"),
        ("&lt;b&gt;Ferry&lt;/b&gt;", "Ferry"),
        ("<![CDATA[Ferry &#8211; <i>again</i>]]>", "Ferry – again"),
        ("Ferry\n   sails", "Ferry sails"),
    ],
)
def test_titles_are_plain_text(title: str, text: str) -> None:
    (found,) = read(rss(f"<item><title>{title}</title></item>"))
    assert found.title == text


@pytest.mark.parametrize(
    ("channel", "seconds"),
    [
        ("", 0),
        ("<ttl>30</ttl>", 1800),
        ("<ttl>soon</ttl>", 0),
        ("<ttl>-5</ttl>", 0),
        ("<sy:updatePeriod>hourly</sy:updatePeriod><sy:updateFrequency>2</sy:updateFrequency>", 1800),
        ("<sy:updatePeriod> daily </sy:updatePeriod>", 86400),
        ("<sy:updatePeriod>daily</sy:updatePeriod><sy:updateFrequency>0</sy:updateFrequency>", 86400),
        ("<ttl>90</ttl><sy:updatePeriod>hourly</sy:updatePeriod>", 5400),
    ],
)
def test_how_long_it_stays_as_it_is(channel: str, seconds: float) -> None:
    assert read_document(rss(FERRY, channel), URL).ttl == seconds


@pytest.mark.parametrize(
    "document",
    [
        rss(FERRY).replace(
            b"<title>Quay</title>",
            b'<a:link xmlns:a="http://www.w3.org/2005/Atom" rel="hub" href="https://hub.example/"/>'
            b'<a:link xmlns:a="http://www.w3.org/2005/Atom" rel="self" href="/self"/>',
        ),
        b'{"version": "1.1", "feed_url": "/self", "hubs": [{"type": "rssCloud", "url": "https://x.example"}, '
        b'{"type": "WebSub", "url": "https://hub.example/"}], "items": []}',
    ],
    ids=["rss", "json feed"],
)
def test_its_hub(document: bytes) -> None:
    found = read_document(document, URL)
    assert (found.hub, found.topic) == ("https://hub.example/", "https://quay.example/self")


@pytest.mark.parametrize(
    ("document", "message"),
    [
        (b"", "is empty"),
        (b" \n ", "is empty"),
        (b"plain words", "neither XML nor JSON"),
        (b"\x00" * 1000, "is empty"),
        (b"\x89PNG\r\n\x1a\n", "neither XML nor JSON"),
        (
            b"<!doctype html><html><head><title>Log\n in</title></head></html>",
            "an HTML page titled “Log in”, not a feed",
        ),
        (
            b'<html><link rel="alternate stylesheet" href="a.css"><link rel="ALTERNATE" type="application/rss+xml"'
            b' href="/all.rss"></html>',
            "its feed is https://quay.example/all.rss",
        ),
        (b'<?xml version="1.0"?><!-- x --><urlset><url/></urlset>', "`kind: sitemap`"),
        (b"<opml><body/></opml>", "XML of another kind \\(<opml>\\)"),
        (b'{"error": "no"}', "is JSON, but not a JSON Feed"),
        (b"{" * 50_000, "is JSON, but not a JSON Feed"),
        (b"\x1f\x8b\x08 broken", "cannot be decompressed"),
        (gzip.compress(b" " * (11 << 20)), "larger than 10 MiB"),
        ('<!DOCTYPE rss [<!ENTITY a "aaa">]><rss/>'.encode("utf-16"), "defines entities"),
    ],
)
def test_no_feed(document: bytes, message: str) -> None:
    with pytest.raises(BadDataError, match=message):
        read_document(document, URL)


@pytest.mark.parametrize(
    "document",
    [
        rss(""),
        b'<feed xmlns="http://www.w3.org/2005/Atom"><title>Quay</title></feed>',
        b'{"version": "1.1", "items": []}',
    ],
)
def test_a_feed_may_be_empty(document: bytes) -> None:
    assert read(document) == []


@pytest.mark.parametrize(
    ("encoding", "title"),
    [
        ("windows-1251", "Мост между берегами открыт для движения после долгого ремонта"),
        ("koi8-r", "Мост между берегами открыт для движения после долгого ремонта"),
        ("shift_jis", "島と島を結ぶ橋の通行が再開され、住民は安堵の表情を見せた"),
        ("gb18030", "连接两岸的大桥今天重新开放通行，居民们感到十分高兴"),
        ("windows-1252", "Le pont est rouvert à la circulation après des années"),
    ],
)
def test_a_charset_that_nobody_names_is_guessed(encoding: str, title: str) -> None:
    (found,) = read(rss(f"<item><title>{title}</title></item>").decode().encode(encoding))
    assert found.title == title


def test_no_more_than_two_thousand_entries() -> None:
    assert len(read(rss(FERRY * (MAX_ENTRIES + 5)))) == MAX_ENTRIES


def test_bytes_are_never_taken_for_an_address(tmp_path: Path) -> None:
    file = tmp_path / "feed.xml"
    file.write_bytes(RSS)
    for document in (str(file), file.as_uri(), URL):
        with pytest.raises(BadDataError, match="neither XML nor JSON"):
            read_document(document.encode(), URL)


def test_entities_do_not_explode_and_files_are_not_read() -> None:
    laughs = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    for subset in (
        f'<!ENTITY l0 "ha">{laughs}',
        '<!ENTITY l9 SYSTEM "file:///etc/passwd">',
        f'<!ENTITY l9 "{"a" * 9999}">',
    ):
        for line in ("", "\n", "<?xml version='1.0'?>"):
            (found,) = read(rss("<item><title>Title &l9;</title></item>", head=f"{line}<!DOCTYPE rss [{subset}]>"))
            assert len(found.title) < 20


def test_an_entry_that_breaks_the_parser_leaves_its_neighbours() -> None:
    chapters = '<psc:chapters xmlns:psc="http://podlove.org/simple-chapters"><psc:chapter/></psc:chapters>'
    broken = f"<item><title>Broken</title>{chapters}</item>"
    found = read_document(rss(FERRY + broken + FERRY.replace("Ferry", "Quay")), URL).entries
    said = [entry.title if isinstance(entry, Entry) else entry.data for entry in found]
    assert said == ["Ferry", broken.encode(), "Quay"]
