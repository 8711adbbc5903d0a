"""Text out of HTML: whole pages by trafilatura, fragments by their block structure. Bytes or strings in, no I/O."""

import logging
import re
from dataclasses import dataclass
from datetime import UTC, datetime

MAX_PAGE = 10 * 1024 * 1024
"""Bytes of a page that is read."""
MAX_FRAGMENT = 1_000_000
"""Characters of a fragment that is read."""
BLOCKS = {
    *("address", "article", "aside", "blockquote", "br", "dd", "div", "dl", "dt", "figcaption", "figure", "hr", "li"),
    *("h1", "h2", "h3", "h4", "h5", "h6", "ol", "p", "pre", "section", "table", "tr", "ul"),
}
SILENT = {"script", "style", "noscript", "template", "iframe", "object", "svg", "form", "button"}


@dataclass(frozen=True)
class Page:
    """What a page says of itself."""

    title: str
    body: str
    authors: tuple[str, ...] = ()
    published: datetime | None = None
    url: str | None = None
    """Canonical, as the page gives it."""


def read_page(html: bytes | str, url: str | None = None) -> Page | None:
    """Title and article text of a page; None where there is no article in it or it is too large."""
    import trafilatura

    if len(html) > MAX_PAGE or not html.strip():
        return None
    logging.getLogger("trafilatura").setLevel(logging.CRITICAL)
    found = trafilatura.bare_extraction(html, url=url, include_comments=False, with_metadata=True)
    if found is None or isinstance(found, dict) or not (found.text or "").strip():
        return None
    return Page(
        title=found.title or "",
        body=found.text or "",
        authors=tuple(name.strip() for name in (found.author or "").split(";") if name.strip()),
        published=_day(found.date),
        url=found.url,
    )


def _day(text: str | None) -> datetime | None:
    try:
        day = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return day.replace(tzinfo=UTC) if day.tzinfo is None else day.astimezone(UTC)


def read_fragment(html: str) -> str:
    """Text of an HTML fragment such as a feed's description, a line for each block."""
    if "<" not in html and "&" not in html:
        return html.strip()
    from lxml import etree
    from lxml import html as lxml_html

    try:
        root = lxml_html.fragment_fromstring(html[:MAX_FRAGMENT], create_parent="div")
    except (etree.LxmlError, ValueError):
        return re.sub(r"<[^>]{0,500}>", " ", html[:MAX_FRAGMENT]).strip()
    pieces: list[str] = []
    skipping = None
    for event, element in etree.iterwalk(root, events=("start", "end", "comment", "pi")):
        name = element.tag if isinstance(element.tag, str) else None
        if event == "start":
            if skipping is None and name in SILENT:
                skipping = element
            if skipping is None:
                pieces.append(("\n" if name in BLOCKS else "") + (element.text or ""))
            continue
        if skipping is element:
            skipping = None
        if skipping is None and element is not root:
            pieces.append(("\n" if name in BLOCKS else "") + (element.tail or ""))
    lines = (" ".join(line.split()) for line in "".join(pieces).split("\n"))
    return "\n".join(line for line in lines if line)
