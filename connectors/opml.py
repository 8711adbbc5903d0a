"""OPML, in which feed readers hand over their subscriptions: read without trust, written for any of them."""

from collections.abc import Iterable
from html import escape
from io import BytesIO
from typing import Any

import msgspec

from connectors.sdk.errors import BadDataError
from pipeline.model.article import canonical_url

MAX_SIZE = 50 * 1024 * 1024
MAX_DEPTH = 64
"""Outlines within outlines."""


class Subscription(msgspec.Struct, frozen=True):
    """One feed."""

    url: str
    name: str = ""


def read_opml(data: bytes) -> list[Subscription]:
    """The feeds of an OPML document (1.0, 1.1, 2.0), from all its folders, each once and in its order.

    Of a document that is not well-formed, what can be read counts.

    Raises:
        BadDataError: no OPML, one with a document type, too large or too deep.
    """
    from lxml import etree

    if len(data) > MAX_SIZE:
        raise BadDataError(f"it is larger than {MAX_SIZE:,} bytes")
    options = {"resolve_entities": False, "no_network": True, "load_dtd": False, "huge_tree": False, "recover": True}
    found: dict[str, Subscription] = {}
    depth = 0
    try:
        for event, element in etree.iterparse(BytesIO(data), events=("start", "end"), **options):
            name = element.tag.rpartition("}")[2].lower() if isinstance(element.tag, str) else ""
            if event == "start":
                depth += 1
                if depth == 1:
                    _check_root(element, name)
                if depth > MAX_DEPTH:
                    raise BadDataError(f"its outlines are more than {MAX_DEPTH} deep")
                if name == "outline":
                    _take({key.lower(): value for key, value in element.attrib.items()}, found)
                continue
            depth -= 1
            element.clear()
    except etree.XMLSyntaxError:
        pass  # beyond recovery: what was read before counts
    if not found:
        raise BadDataError("it is no OPML with feeds in it")
    return list(found.values())


def _check_root(root: Any, name: str) -> None:
    if root.getroottree().docinfo.doctype:
        raise BadDataError("it declares a document type, which OPML has none of; remove that line")
    if name != "opml":
        raise BadDataError(f"it is no OPML: it begins with <{name}>")


def _take(attributes: dict[str, str], found: dict[str, Subscription]) -> None:
    url = (attributes.get("xmlurl") or "").strip()
    if attributes.get("type", "").lower() in ("link", "include") or not url:
        return
    if url.lower().startswith("feed:"):  # as some readers write it
        url = url[5:] if url.lower().startswith(("feed:http:", "feed:https:")) else f"http:{url[5:]}"
    if url.lower().startswith(("http://", "https://")):
        name = " ".join((attributes.get("title") or attributes.get("text") or "").split())
        found.setdefault(canonical_url(url), Subscription(url, "" if name == url else name))


def write_opml(subscriptions: Iterable[Subscription]) -> str:
    """An OPML 2.0 document."""
    lines = []
    for one in subscriptions:
        name, url = escape(one.name or one.url), escape(one.url)
        lines.append(f'    <outline type="rss" text="{name}" title="{name}" xmlUrl="{url}"/>\n')
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<opml version="2.0">\n'
        f"  <head><title>wirewatch</title></head>\n  <body>\n{''.join(lines)}  </body>\n</opml>\n"
    )
