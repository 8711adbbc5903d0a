"""Documents that news is handed over as: ninjs, NewsML-G2, mail, web archives."""

import gzip
import io
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from email.message import EmailMessage

import pytest
from hypothesis import given
from hypothesis import strategies as st
from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter

from connectors.formats.mail import read_mail
from connectors.formats.newsml import read_newsml
from connectors.formats.ninjs import is_ninjs, read_ninjs
from connectors.formats.warc import Archived, read_warc
from connectors.sdk import Bad, BadDataError
from connectors.sdk.linked import Entry

NINE = datetime(2030, 5, 1, 9, tzinfo=UTC)
URI = "urn:wire:2030:17"


ONE = {
    "uri": URI,
    "versioncreated": "2030-05-01T09:00:00Z",
    "headline": "Ferry stopped",
    "byline": "Ana Reis",
    "body_xhtml": "<p>The ferry stays in port.</p><p>Wind is to blame.</p>",
    "description_text": "No ferry today.",
}
TWO = {
    "uri": URI,
    "versioncreated": "2030-05-01T09:00:00Z",
    "by": "Ana Reis",
    "headlines": [{"role": "short", "value": "Stopped"}, {"role": "main", "value": "Ferry stopped"}],
    "descriptions": [{"role": "summary", "contenttype": "text/plain", "value": "No ferry today."}],
    "bodies": [
        {"role": "main", "contenttype": "text/html", "value": "<p>The ferry stays in port.</p><p>Wind is to blame.</p>"}
    ],
}
THREE = {
    "uri": URI,
    "versionCreated": "2030-05-01T12:00:00+03:00",
    "pubStatus": "usable",
    "by": "Ana Reis",
    "headlines": [{"role": "main", "value": "Ferry stopped"}],
    "descriptions": [{"role": "summary", "contentType": "text/plain", "value": "No ferry today."}],
    "bodies": [
        {"role": "main", "contentType": "text/plain", "value": "The ferry stays in port.\nWind is to blame."},
    ],
}


@pytest.mark.parametrize("item", [ONE, TWO, THREE], ids=["1.x", "2.x", "3.x"])
def test_ninjs_of_every_version(item: dict[str, object]) -> None:
    assert is_ninjs(item)
    found = read_ninjs(json.dumps(item).encode(), "x")
    assert isinstance(found, Entry)
    assert (found.key, found.url, found.title) == (URI, None, "Ferry stopped")
    assert found.content == "The ferry stays in port.\nWind is to blame."
    assert (found.summary, found.authors, found.published) == ("No ferry today.", ("Ana Reis",), NINE)


def test_an_address_as_uri_is_the_articles_address() -> None:
    found = read_ninjs(json.dumps({**ONE, "uri": "https://wire.example/17"}).encode(), "x")
    assert isinstance(found, Entry)
    assert found.url == "https://wire.example/17"


@pytest.mark.parametrize("status", ["canceled", "withheld", "stat:canceled"])
def test_what_its_publisher_withdraws_is_no_article(status: str) -> None:
    found = read_ninjs(json.dumps({**ONE, "pubstatus": status}).encode(), "x")
    assert isinstance(found, Bad)
    assert status in found.reason


@pytest.mark.parametrize(
    ("item", "known"),
    [
        ({"url": "https://a.example/", "title": "T", "body": "B"}, False),
        ({"uri": "x"}, False),
        ({"uri": "x", "bodies": 3}, True),
    ],
)
def test_ninjs_is_told_from_other_json(item: dict[str, object], known: bool) -> None:
    assert is_ninjs(item) == known


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), lambda x: st.lists(x) | st.dictionaries(
    st.sampled_from(["value", "role", "contenttype", "headlines"]), x), max_leaves=8))  # fmt: skip
def test_any_value_in_any_field_is_read_or_refused(value: object) -> None:
    for name in ONE | TWO:
        assert isinstance(read_ninjs(json.dumps({**TWO, name: value}).encode(), "x"), Entry | Bad)


def newsml(content: str, *, status: str = "usable", headline: str = "Ferry stopped", guid: str = URI) -> str:
    return f"""<newsItem xmlns="http://iptc.org/std/nar/2006-10-01/" guid="{guid}" version="2" standard="NewsML-G2">
<itemMeta><itemClass qcode="ninat:text"/><versionCreated>2030-05-01T12:00:00+03:00</versionCreated>
<pubStatus qcode="stat:{status}"/></itemMeta>
<contentMeta><by>Ana Reis</by><headline>{headline}</headline><description>No ferry today.</description></contentMeta>
<contentSet>{content}</contentSet></newsItem>"""


NITF = """<inlineXML contenttype="application/nitf+xml"><nitf xmlns="http://iptc.org/std/NITF/2006-10-18/">
<head><title>Not text</title></head><body><body.head><hedline><hl1>Ferry stopped</hl1></hedline></body.head>
<body.content>
<p>The ferry <em>stays</em> in port.</p><media><media-caption>A ferry.</media-caption></media><p>Wind is
to blame.</p></body.content></body></nitf></inlineXML>"""
XHTML = """<inlineXML contenttype="application/xhtml+xml"><html xmlns="http://www.w3.org/1999/xhtml"><head><title>x</title>
</head><body><h1>Ferry stopped</h1><p>The ferry stays in port.</p><p>Wind is to blame.</p></body></html></inlineXML>"""
PLAIN = '<inlineData contenttype="text/plain">The ferry stays in port.\nWind is to blame.</inlineData>'
ESCAPED = '<inlineData contenttype="text/html">The ferry stays in port.&lt;br&gt;Wind is to blame.</inlineData>'


@pytest.mark.parametrize("content", [NITF, PLAIN, ESCAPED], ids=["nitf", "plain", "escaped html"])
def test_newsml_of_every_kind_of_text(content: str) -> None:
    (found,) = read_newsml(newsml(content).encode(), "x.xml")
    assert isinstance(found, Entry)
    assert (found.key, found.title, found.summary) == (URI, "Ferry stopped", "No ferry today.")
    assert found.content == "The ferry stays in port.\nWind is to blame."
    assert (found.authors, found.published, found.published_raw) == (("Ana Reis",), NINE, "2030-05-01T12:00:00+03:00")


def test_the_headline_may_stand_in_the_text_alone() -> None:
    (found,) = read_newsml(newsml(NITF, headline="").encode(), "x.xml")
    assert isinstance(found, Entry)
    assert found.title == "Ferry stopped"


def test_a_message_holds_many_items_and_a_withdrawn_one_leaves_the_others() -> None:
    items = [newsml(PLAIN), newsml(XHTML, status="canceled", guid="urn:b"), newsml(XHTML, guid="urn:c")]
    namespace = "http://iptc.org/std/nar/2006-10-01/"
    message = f'<newsMessage xmlns="{namespace}"><itemSet>{"".join(items)}</itemSet></newsMessage>'
    found = read_newsml(message.encode(), "x.xml")
    assert [type(entry) for entry in found] == [Entry, Bad, Entry]
    assert [entry.key for entry in found] == [URI, "urn:b", "urn:c"]


@pytest.mark.parametrize(
    ("document", "said"),
    [
        (b"", "not XML"),
        (b"<newsItem", "not XML"),
        (b"<rss/>", "no NewsML-G2"),
        (b'<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>', "document type"),
        (b'<!DOCTYPE a SYSTEM "http://127.0.0.1:1/a.dtd"><a/>', "document type"),
    ],
)
def test_no_newsml(document: bytes, said: str) -> None:
    with pytest.raises(BadDataError, match=said):
        read_newsml(document, "x.xml")


@given(st.binary(max_size=60), st.integers(0, 900), st.integers(0, 200))
def test_damaged_newsml_is_read_or_refused(junk: bytes, at: int, cut: int) -> None:
    document = newsml(NITF).encode()
    try:
        read_newsml(document[:at] + junk + document[at + cut :], "x.xml")
    except BadDataError:
        return


def mail(text: str = "", markup: str = "", **headers: str) -> bytes:
    message = EmailMessage()
    given = {"Subject": "Überblick am Morgen", "From": "Der Bote <bote@bote.example>", "Message-ID": "<1@bote.example>",
             "Date": "Wed, 01 May 2030 11:00:00 +0200", **headers}  # fmt: skip
    for name, value in given.items():
        message[name.replace("_", "-")] = value
    message.set_content(text)
    if markup:
        message.add_alternative(markup, subtype="html")
    return message.as_bytes()


def test_a_plain_message() -> None:
    found = read_mail(mail("Die Fähre bleibt im Hafen.\n"), "x.eml")
    assert isinstance(found, Entry)
    assert (found.key, found.url, found.title) == ("<1@bote.example>", None, "Überblick am Morgen")
    assert (found.content, found.authors, found.published) == ("Die Fähre bleibt im Hafen.", ("Der Bote",), NINE)


def test_a_newsletter_and_its_version_on_the_web() -> None:
    markup = '<p><a href="https://bote.example/n/17">Im Browser ansehen</a></p><p>Die Fähre bleibt im Hafen.</p>'
    found = read_mail(mail("Nur für alte Programme.", markup), "x.eml")
    assert isinstance(found, Entry)
    assert found.url == "https://bote.example/n/17"
    assert "Die Fähre bleibt im Hafen." in found.content
    assert "alte Programme" not in found.content


def test_a_charset_that_nobody_knows() -> None:
    data = b"Message-ID: <2@x>\r\nSubject: Hafen\r\nContent-Type: text/plain; charset=x-odd\r\n\r\nText.\r\n"
    found = read_mail(data, "x.eml")
    assert isinstance(found, Entry)
    assert (found.title, found.content) == ("Hafen", "Text.")


@given(st.binary(max_size=300))
def test_any_bytes_are_a_message_or_not(data: bytes) -> None:
    assert isinstance(read_mail(data, "x.eml"), Entry | Bad)
    assert isinstance(read_mail(mail("Text.", "<p>Text.</p>").replace(b"text", data), "x.eml"), Entry | Bad)


def archive(*, zipped: bool, pages: Sequence[bytes] = (b"<p>Page 0</p>", b"", b"<p>Page 2</p>")) -> bytes:
    """Each page, and something that is none behind it; an empty one was not found."""
    stream = io.BytesIO()
    writer = WARCWriter(stream, gzip=zipped)
    for number, page in enumerate(pages):
        status = "200 OK" if page else "404 Not Found"
        headers = StatusAndHeaders(status, [("Content-Type", "text/html")], protocol="HTTP/1.1")
        url = f"https://a.example/{number}"
        writer.write_record(writer.create_warc_record(url, "response", payload=io.BytesIO(page), http_headers=headers))
        writer.write_record(writer.create_warc_record(url, "metadata", payload=io.BytesIO(b"x: y")))
    return stream.getvalue()


@pytest.mark.parametrize("zipped", [False, True])
def test_pages_of_an_archive_and_going_on_behind_one(zipped: bool) -> None:
    data = archive(zipped=zipped)
    pages = list(read_warc(io.BytesIO(data)))
    assert [(page.url, page.body) for page in pages if isinstance(page, Archived)] == [
        ("https://a.example/0", b"<p>Page 0</p>"),
        ("https://a.example/2", b"<p>Page 2</p>"),
    ]
    first = pages[0]
    assert isinstance(first, Archived)
    assert list(read_warc(io.BytesIO(data), first.end)) == pages[1:]


@pytest.mark.parametrize(
    "data",
    [b"no archive at all", gzip.compress(b"neither"), archive(zipped=True)[:-400]],
    ids=["text", "gzipped text", "cut off"],
)
def test_a_damaged_archive_says_so_or_ends(data: bytes) -> None:
    found = list(read_warc(io.BytesIO(data)))
    assert not found or isinstance(found[-1], Bad) or isinstance(found[0], Archived)
