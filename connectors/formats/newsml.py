"""NewsML-G2, the IPTC's XML for news: items by themselves, in a message, with their text as NITF, XHTML or plain."""

from collections.abc import Iterator

from lxml import etree

from connectors.pages import read_fragment
from connectors.pages.dates import read_date
from connectors.sdk import Bad, BadDataError
from connectors.sdk.linked import Entry

NAR = "{http://iptc.org/std/nar/2006-10-01/}"
XML = "{http://www.w3.org/XML/1998/namespace}"
BLOCKS = {"p", "hl1", "hl2", "h1", "h2", "h3", "h4", "li", "tr", "br", "blockquote", "pre", "dt", "dd", "block"}
"""Elements of NITF and XHTML that begin a line."""
APART = {"head", "body.head", "body.end", "media", "table", "script", "style"}
"""Elements of NITF and XHTML that are no running text."""


def read_newsml(data: bytes, key: str) -> list[Entry | Bad]:
    """The news items of a document, in its order.

    Raises:
        BadDataError: not XML, with a document type declaration, or not NewsML-G2.
    """
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, recover=False)
    try:
        root = etree.fromstring(data, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise BadDataError(f"{key} is not XML: {error}") from None
    if root.getroottree().docinfo.doctype:
        raise BadDataError(f"{key} has a document type declaration, which NewsML-G2 never has")
    items = [root] if root.tag == f"{NAR}newsItem" else list(root.iter(f"{NAR}newsItem"))
    if not items:
        raise BadDataError(f"{key} holds no NewsML-G2 newsItem")
    return [_entry(item, f"{key} item {number}") for number, item in enumerate(items, 1)]


def _entry(item: etree._Element, key: str) -> Entry | Bad:
    guid = item.get("guid", "").strip()
    status = _attribute(item, "itemMeta/pubStatus", "qcode").rpartition(":")[2] or "usable"
    if status != "usable":
        return Bad(guid or key, f"its publisher calls it {status}", etree.tostring(item))
    raw = _first(item, "itemMeta/versionCreated", "itemMeta/firstCreated", "contentMeta/contentCreated")
    text, headline = _text(item)
    return Entry(
        key=guid or key,
        url=guid if guid.startswith(("http://", "https://")) else None,
        title=_first(item, "contentMeta/headline", "itemMeta/title") or headline,
        summary=_first(item, "contentMeta/description"),
        content=text,
        authors=tuple(by for element in item.iterfind(_path("contentMeta/by")) if (by := _line(element))),
        published=read_date(raw),
        published_origin="newsml-g2",
        published_raw=raw,
    )


def _text(item: etree._Element) -> tuple[str, str]:
    """The text in `contentSet`, and the headline that stands in it."""
    for inline in item.iterfind(_path("contentSet/inlineXML")):
        lines = [" ".join(line.split()) for line in "".join(_pieces(inline)).split("\n")]
        headline = next((_line(element) for element in inline.iter() if _local(element) == "hl1"), "")
        if body := "\n".join(line for line in lines if line and line != headline):
            return body, headline
    for data in item.iterfind(_path("contentSet/inlineData")):
        content = data.text or ""
        if body := read_fragment(content) if "html" in data.get("contenttype", "") else content.strip():
            return body, ""
    return "", ""


def _pieces(element: etree._Element) -> Iterator[str]:
    for part in element:
        name = _local(part)
        if name in APART:
            yield _in_line(part.tail)
            continue
        yield ("\n" if name in BLOCKS else "") + (_in_line(part.text) if name else "")
        yield from _pieces(part)
        yield ("\n" if name in BLOCKS else "") + _in_line(part.tail)


def _in_line(text: str | None) -> str:
    return (text or "").replace("\n", " ")


def _local(element: etree._Element) -> str:
    """Its name without the namespace; empty for a comment or a processing instruction."""
    return etree.QName(element).localname if isinstance(element.tag, str) else ""


def _path(path: str) -> str:
    return "/".join(NAR + step for step in path.split("/"))


def _first(item: etree._Element, *paths: str) -> str:
    return next((line for path in paths for element in item.iterfind(_path(path)) if (line := _line(element))), "")


def _attribute(item: etree._Element, path: str, name: str) -> str:
    return next((element.get(name, "") for element in item.iterfind(_path(path))), "")


def _line(element: etree._Element) -> str:
    return " ".join("".join(str(text) for text in element.itertext()).split())
