"""Text of HTML fragments, by their block structure. Strings in, no I/O."""

import re

MAX_FRAGMENT = 1_000_000
"""Characters of a fragment that is read."""
BLOCKS = {
    *("address", "article", "aside", "blockquote", "br", "dd", "div", "dl", "dt", "figcaption", "figure", "hr", "li"),
    *("h1", "h2", "h3", "h4", "h5", "h6", "ol", "p", "pre", "section", "table", "tr", "ul"),
}
SILENT = {"script", "style", "noscript", "template", "iframe", "object", "svg", "form", "button"}


def read_fragment(html: str) -> str:
    """Text of an HTML fragment such as a feed's description, a line for each block."""
    if "<" not in html and "&" not in html:
        return html.strip()
    from lxml import etree
    from lxml import html as lxml_html

    try:
        root = lxml_html.fragment_fromstring(html[:MAX_FRAGMENT], create_parent="div")
    except (etree.LxmlError, ValueError, AssertionError):  # the last where it holds a document with no body
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
