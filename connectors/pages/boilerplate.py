"""What is around an article on its page, found by names, place, links and set phrases."""

import re
from collections.abc import Iterable, Sequence
from functools import cache, lru_cache
from pathlib import Path

import msgspec
import yaml

from connectors.pages.blocks import Block, Element, ancestors, blocks, named, tokens, width

SENTENCE = 80
"""Width of a block from which it counts as running text."""
LARGEST = 0.25
"""Share of the page's running text that something around the article may have."""
AROUND = {"script", "style", "nav", "footer", "aside", "form", "menu", "dialog", "figcaption"}
NEVER = {"html", "body", "main", "article", "p", "h1"}
"""Elements that are not taken out for their names."""
REMARK = 250
"""Width up to which a line may be a remark of the outlet."""
HIDDEN = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.I)
LEAD = 200
"""Width up to which a line with a colon behind its phrase leads elsewhere."""


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    names: tuple[str, ...]
    leads: tuple[str, ...]
    lines: tuple[str, ...]
    ends: tuple[str, ...]


class _Words(msgspec.Struct, frozen=True):
    single: frozenset[str]
    several: tuple[frozenset[str], ...]
    leads: re.Pattern[str]
    lines: frozenset[str]
    ends: re.Pattern[str]


@cache
def _words() -> _Words:
    given = msgspec.convert(yaml.safe_load(Path(__file__).with_name("boilerplate.yaml").read_text("utf-8")), _File)
    names = [frozenset(name.split()) for name in _phrases(given.names)]
    return _Words(
        frozenset(word for name in names if len(name) == 1 for word in name),
        tuple(name for name in names if len(name) > 1),
        _opening(given.leads),
        frozenset(_letters(line) for line in _phrases(given.lines)),
        _opening(given.ends),
    )


def _phrases(lines: Iterable[str]) -> list[str]:
    return [phrase.strip() for line in lines for phrase in line.split(",")]


def _opening(lines: Iterable[str]) -> re.Pattern[str]:
    longest_first = sorted(_phrases(lines), key=len, reverse=True)
    return re.compile(rf"[\W_]*?(?:{'|'.join(map(re.escape, longest_first))})(?![^\W\u2e80-\uffff])", re.I)


def _letters(text: str) -> str:
    return re.sub(r"[\W\d_]+", " ", text.lower()).strip()


def weights(found: Sequence[Block]) -> dict[Element, int]:
    """Width of the running text in every element that has any; on a page without any, of all text that is no link."""
    running = [block for block in found if is_running(block)]
    weight: dict[Element, int] = {}
    for block in running or [block for block in found if block.density < 0.3]:
        for element in ancestors(block.element):
            weight[element] = weight.get(element, 0) + block.width
    return weight


def is_running(block: Block) -> bool:
    """Whether a block is a sentence or more and hardly any of it a link."""
    return block.width >= SENTENCE and block.density < 0.3


def prune(root: Element) -> None:
    """Takes out of a tree what is hidden and what is around the article by its tag or name."""
    weight = weights(list(blocks(root)))
    most = LARGEST * weight.get(root, 0)
    for element in [element for element in root.iter() if _around(element)]:
        if weight.get(element, 0) <= most and element.getparent() is not None:
            element.drop_tree()


def _around(element: Element) -> bool:
    if element.tag in AROUND or element.get("hidden") is not None:
        return True
    style = element.get("style")
    if style and HIDDEN.search(style[:400]):
        return True
    if element.tag in NEVER:
        return False
    name = named(element)
    return bool(name) and _is_around(name)


@lru_cache(maxsize=8192)
def _is_around(name: str) -> bool:
    words, found = _words(), tokens(name)
    return not words.single.isdisjoint(found) or any(several <= found for several in words.several)


def leads_away(line: str, density: float) -> bool:
    """Whether a line is a pointer to another text or a control of the page; `density` is the share of links in it."""
    words = _words()
    if _letters(line) in words.lines:
        return True
    found = words.leads.match(line)
    if not found:
        return False
    return density > 0.4 or (line[found.end() :].lstrip()[:1] in (":", "：", "»", "›", ">") and width(line) <= LEAD)


def ends(line: str, density: float) -> bool:
    """Whether a line, being the last one, speaks of the outlet: its channels, its rights, its tips."""
    return density > 0.5 or (width(line) <= REMARK and bool(_words().ends.match(line)))
