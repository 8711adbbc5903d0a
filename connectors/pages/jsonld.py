"""What a page says of its article in JSON-LD (schema.org), however carelessly it was written."""

import html
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from connectors.pages.blocks import Element
from connectors.pages.fragment import read_fragment

MAX_SCRIPT = 2_000_000
"""Characters of a script that are read."""
MAX_NODES = 5_000
"""Objects of a page that are looked at."""
ARTICLES = {
    *("Article", "NewsArticle", "ReportageNewsArticle", "AnalysisNewsArticle", "BackgroundNewsArticle"),
    *("OpinionNewsArticle", "AskPublicNewsArticle", "ReviewNewsArticle", "AdvertiserContentArticle", "BlogPosting"),
    *("LiveBlogPosting", "SocialMediaPosting", "DiscussionForumPosting", "Report", "TechArticle", "ScholarlyArticle"),
}
PAGES = {"WebPage", "ItemPage", "WebSite"}
ENTITY = re.compile(r"&(?:[a-z]{2,8}|#\d{1,7}|#x[0-9a-f]{1,6});", re.I)
TAG = re.compile(r"</?[a-z][^<>]{0,300}>", re.I)

Node = dict[str, Any]


@dataclass(frozen=True)
class Told:
    """One article as JSON-LD describes it; empty where it says nothing."""

    headline: str = ""
    description: str = ""
    body: str = ""
    """Plain text; often cut short, often without its paragraphs."""
    authors: tuple[str, ...] = ()
    published: str = ""
    """As written."""
    urls: tuple[str, ...] = ()


def read_json_ld(root: Element) -> list[Told]:
    """The articles that a page's JSON-LD describes, the page itself (for its date) last."""
    nodes: list[Node] = []
    for script in root.iter("script"):
        if "ld+json" in (script.get("type") or "").lower():
            nodes += _nodes(_load((script.text or "")[:MAX_SCRIPT]), MAX_NODES - len(nodes))
    named = {node["@id"]: node for node in nodes if isinstance(node.get("@id"), str) and len(node) > 2}
    articles = [_told(node, named) for node in nodes if _types(node) & ARTICLES]
    pages = [_told(node, named) for node in nodes if _types(node) & PAGES and not _types(node) & ARTICLES]
    return articles + [Told(published=page.published) for page in pages if page.published]


def _load(text: str) -> Any:
    """The value of a script; None where no repair makes JSON of it."""
    text = re.sub(
        r"^\s*(?:<!--|(?://|/\*)?\s*<!\[CDATA\[(?:\*/)?)|(?:-->|(?://|/\*)?\s*\]\]>(?:\*/)?)\s*$", "", text
    ).strip()
    if text[:8].lstrip("[{ \n").startswith("&quot;"):
        text = html.unescape(text)
    for repair in (str, _repaired):
        try:
            return json.loads(repair(text).rstrip("; \n"), strict=False)
        except (ValueError, RecursionError):
            continue
    return _pieces(text)


def _repaired(text: str) -> str:
    """Without trailing commas, comments and escapes that JSON does not know."""
    text = re.sub(r"\\(?![\"\\/bfnrtu])", "", text)
    text = re.sub(r"^\s*//.*$", "", text, flags=re.M)
    return re.sub(r",\s*([}\]])", r"\1", text)


def _pieces(text: str) -> Node | None:
    """The plain fields of a single article whose JSON is beyond repair, as by an unescaped quotation mark."""
    kinds = re.findall(r'"@type"\s*:\s*"(\w+)"', text)
    if sum(kind in ARTICLES for kind in kinds) != 1:
        return None
    node: Node = {"@type": "Article"}
    for key in ("headline", "datePublished", "url"):
        found = re.findall(rf'"{key}"\s*:\s*"((?:[^"\\\n]|\\.){{1,500}})"\s*[,}}\n]', text)
        if len(found) == 1:
            node[key] = re.sub(r"\\(.)", r"\1", found[0])
    return node


def _nodes(value: Any, most: int) -> Iterator[Node]:
    """Every object in a value, those outside before those inside."""
    waiting = [value]
    for item in waiting:
        if most <= 0:
            return
        if isinstance(item, dict):
            most -= 1
            yield item
            waiting.extend(inner for inner in item.values() if isinstance(inner, dict | list))
        elif isinstance(item, list):
            waiting.extend(inner for inner in item if isinstance(inner, dict | list))


def _types(node: Node) -> set[str]:
    kinds = node.get("@type")
    return {kind.rsplit("/", 1)[-1].removeprefix("schema:") for kind in _listed(kinds) if isinstance(kind, str)}


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _told(node: Node, named: dict[str, Node]) -> Told:
    body = _text(node.get("articleBody"))
    if "LiveBlogPosting" in _types(node):
        updates = [part for part in _listed(node.get("liveBlogUpdate")) if isinstance(part, dict)]
        lines = [_text(part.get(key)) for part in updates for key in ("headline", "articleBody")]
        body = max(body, "\n".join(line for line in lines if line), key=len)
    return Told(
        headline=_line(node.get("headline")) or _line(node.get("name")),
        description=_line(node.get("description")),
        body=body,
        authors=tuple(_people(node.get("author") or node.get("creator"), named)),
        published=_line(node.get("datePublished")) or _line(node.get("dateCreated")),
        urls=tuple(_urls(node)),
    )


def _line(value: Any) -> str:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    return _text(value).replace("\n", " ")


def _text(value: Any) -> str:
    """Plain text of a value that may be escaped, twice at that, or be HTML."""
    if isinstance(value, list):
        value = "\n".join(part for part in value if isinstance(part, str))
    if not isinstance(value, str):
        return ""
    for _ in range(2):
        if not ENTITY.search(value):
            break
        value = html.unescape(value)
    if TAG.search(value):
        return read_fragment(value)
    lines = (" ".join(line.split()) for line in re.split(r"[\r\n]+", value))
    return "\n".join(line for line in lines if line)


def _people(value: Any, named: dict[str, Node]) -> Iterable[str]:
    for person in _listed(value):
        if isinstance(person, dict):
            known = person if "name" in person else named.get(str(person.get("@id")), person)
            for name in _listed(known.get("name")):
                yield _line(name)
        else:
            yield _line(person)


def _urls(node: Node) -> Iterable[str]:
    for key in ("mainEntityOfPage", "url", "@id"):
        for value in _listed(node.get(key)):
            link = value.get("@id") or value.get("url") if isinstance(value, dict) else value
            if isinstance(link, str) and link.startswith(("http://", "https://")):
                yield link.partition("#")[0]
