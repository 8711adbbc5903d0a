"""A page as a tree, and its text as a list of blocks that know where they stand."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from lxml import etree
from lxml import html as lxml_html

INLINE = {
    *("a", "abbr", "acronym", "b", "bdi", "bdo", "big", "cite", "code", "data", "del", "dfn", "em", "font", "i", "ins"),
    *("kbd", "label", "mark", "q", "rp", "rt", "ruby", "s", "samp", "small", "span", "strike", "strong", "sub", "sup"),
    *("time", "tt", "u", "var", "wbr", "img"),
}
SILENT = {
    *(
        "script",
        "style",
        "noscript",
        "template",
        "iframe",
        "object",
        "embed",
        "svg",
        "math",
        "button",
        "head",
        "select",
    ),
    *("textarea", "input", "canvas", "audio", "video", "map"),
}
"""Elements whose text nobody reads as part of an article."""

WIDE = re.compile("[\u2e80-\U0003ffff]")
LONG_TAG = re.compile(r"(</?[a-z]\w{0,20})[^<>]{8000,}>?", re.I)
MAX_ATTRIBUTES = 2_000
"""Attributes of a tag from which all are dropped: libxml2 compares each with each."""
MAX_NAME = 400
"""Characters of an element's names that are read."""

Element = Any
"""An element of lxml, which has no types."""


@dataclass(slots=True)
class Block:
    """A run of text without a block element in it."""

    text: str
    width: int
    links: int
    """Characters of it that are links."""
    element: Element
    """The innermost block element around it."""

    @property
    def density(self) -> float:
        """Share of the text that is links."""
        return self.links / max(1, len(self.text))


def parse(text: str) -> Element | None:
    """The tree of a page; None where there is none. Touches no network or file and knows no entities but HTML's."""
    text = LONG_TAG.sub(lambda tag: tag[1] + ">" if len(tag[0].split()) > MAX_ATTRIBUTES else tag[0], text)
    parser = lxml_html.HTMLParser(
        encoding="utf-8", remove_comments=True, remove_pis=True, no_network=True, default_doctype=False
    )
    try:
        return lxml_html.document_fromstring(text.encode("utf-8", "replace"), parser=parser)
    except (etree.LxmlError, ValueError, AssertionError):
        return None


def squeeze(text: str) -> str:
    """Runs of white space as one space, none at the ends."""
    return " ".join(text.split())


def blocks(root: Element) -> Iterator[Block]:
    """The blocks in and below an element, in the order of the page."""
    pieces: list[str] = []
    links = linked = 0
    silent = None
    around = [root]

    def flush() -> Iterator[Block]:
        nonlocal linked
        text = squeeze("".join(pieces))
        pieces.clear()
        if text:
            yield Block(text, width(text), min(linked, len(text)), around[-1])
        linked = 0

    for event, element in etree.iterwalk(root, events=("start", "end")):
        name = element.tag
        if event == "start":
            if silent is not None:
                continue
            if name in SILENT:
                silent = element
                yield from flush()
                continue
            if name == "a":
                links += 1
            elif name not in INLINE:
                yield from flush()
                if name != "br":
                    around.append(element)
            if element.text:
                pieces.append(element.text)
                linked += len(element.text.strip()) if links else 0
            continue
        if silent is not None:
            if silent is not element:
                continue
            silent = None
        elif name == "a":
            links -= 1
        elif name not in INLINE and name != "br":
            yield from flush()
            around.pop()
        if element.tail and element is not root:
            pieces.append(element.tail)
            linked += len(element.tail.strip()) if links else 0
    yield from flush()


def width(text: str) -> int:
    """Length of a text; a sign of Chinese, Japanese or Korean counts for three letters."""
    return len(text) if text.isascii() else len(text) + 2 * len(WIDE.findall(text))


def named(element: Element) -> str:
    """An element's class, id and the like."""
    get = element.get
    return " ".join(filter(None, (get("class"), get("id"), get("data-component"), get("role"), get("data-testid"))))


def tokens(name: str) -> set[str]:
    """Words of a class name or the like, small letters."""
    parted = re.sub(r"([a-z0-9])([A-Z])", r"\1 \2", name[:MAX_NAME])
    return set(re.split(r"[\W_]+", parted.lower()))


def ancestors(element: Element) -> Iterable[Element]:
    """An element and those around it, from the inside."""
    while element is not None:
        yield element
        element = element.getparent()
