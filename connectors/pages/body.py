"""The text of an article in a page's tree: what trafilatura finds, corrected by where it stands on the page.

Lines that trafilatura finds are looked up among the page's blocks. Paragraphs that stand exactly as those do and were
missed come back; the title, pointers to other texts and what follows the article go. Where trafilatura finds next to
nothing, the element with most of the running text is taken.
"""

import logging
import re
from collections.abc import Collection, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from connectors.pages.blocks import Block, Element, blocks, width
from connectors.pages.boilerplate import ends, is_running, leads_away, prune, weights

MAX_ELEMENTS = 40_000
"""Elements of a page up to which trafilatura, whose time grows faster than the page, is asked."""
LITTLE = 250
"""Width below which what trafilatura finds is compared with the densest element."""
MAIN = 0.4
"""Share of the text found that stands in one way from which other text that stands so belongs to it."""
DENSEST = 0.7
"""Share of an element's running text that one child must have to be looked into instead."""
LONGER = 1.3
"""Times the text found from which JSON-LD's is the whole of which the former is a part."""
SAME, MOST = 0.9, 0.7
"""Shares of JSON-LD's text and of the text found that must agree for its ends to hold."""
TOP, BOTTOM = 4, 8
"""Lines at the ends in which titles, and remarks of the outlet, are looked for."""

Standing = tuple[Any, ...]


@dataclass(slots=True)
class Line:
    """A line of the article and the block that it was read from, if it is one."""

    text: str
    block: Block | None = None
    at: int = -1
    """Number of the block."""

    @property
    def density(self) -> float:
        return self.block.density if self.block else 0.0


def read_body(root: Element, titles: Collection[str], description: str = "") -> tuple[list[str], str]:
    """The lines of the article and what found them; changes the tree."""
    prune(root)
    page = list(blocks(root))
    lines = _matched(_trafilatura(root), page)
    by = "trafilatura"
    if sum(width(line.text) for line in lines) < LITTLE:
        dense = _densest(root, page)
        if sum(width(line.text) for line in dense) > 2 * sum(width(line.text) for line in lines):
            lines, by = dense, "density"
    main = _main(lines)
    lines = _rejoined(lines, page, main)
    return [line.text for line in _trimmed(lines, main, {letters(title) for title in titles}, letters(description))], by


def letters(text: str) -> str:
    """A text without white space and marks, to compare it."""
    return re.sub(r"[\W_]+", "", text.lower())


def _trafilatura(root: Element) -> list[str]:
    import trafilatura

    logging.getLogger("trafilatura").setLevel(logging.CRITICAL)
    if sum(1 for _ in root.iter()) > MAX_ELEMENTS:
        return []
    try:
        found = trafilatura.bare_extraction(deepcopy(root), fast=True, include_comments=False)
    except Exception:  # whatever it stumbles over, the page is read without it
        return []
    return [] if found is None or isinstance(found, dict) else (found.text or "").split("\n")


def _matched(lines: Sequence[str], page: Sequence[Block]) -> list[Line]:
    where: dict[str, int] = {}
    for at, block in enumerate(page):
        where.setdefault(letters(block.text), at)
    found = []
    for line in lines:
        key = letters(line)
        if key:
            at = where.get(key, -1)
            found.append(Line(line.strip(), page[at] if at >= 0 else None, at))
    return found


def _standing(block: Block) -> Standing:
    """How a block stands on the page: its tag, and tag and class of the two elements around it."""
    parent = block.element.getparent()
    grandparent = parent.getparent() if parent is not None else None
    named = ((element.tag, element.get("class")) for element in (parent, grandparent) if element is not None)
    return (block.element.tag, *named)


def _main(lines: Sequence[Line]) -> set[Standing]:
    """The ways in which most of the running text stands."""
    share: dict[Standing, int] = {}
    for line in lines:
        if line.block and is_running(line.block):
            standing = _standing(line.block)
            share[standing] = share.get(standing, 0) + width(line.text)
    least = MAIN * sum(share.values())
    return {standing for standing, found in share.items() if found >= least}


def _rejoined(lines: list[Line], page: Sequence[Block], main: set[Standing]) -> list[Line]:
    """With the running text that stands as the main text does and was missed, where it belongs."""
    have = {line.at for line in lines}
    text = letters("".join(line.text for line in lines))
    missed = [
        Line(block.text, block, at)
        for at, block in enumerate(page)
        if at not in have and is_running(block) and _standing(block) in main and letters(block.text) not in text
    ]
    if not missed:
        return lines
    reached = -1
    order: list[tuple[int, int, Line]] = []
    for number, line in enumerate(lines):  # a line that is no block stays behind the one before it
        reached = max(reached, line.at)
        order.append((reached, number, line))
    order += [(line.at, -1, line) for line in missed]
    return [line for _, _, line in sorted(order, key=lambda entry: entry[:2])]


def _densest(root: Element, page: Sequence[Block]) -> list[Line]:
    """The running text of the smallest element that has most of it, and what stands between."""
    weight = weights(page)
    if root not in weight:
        return []
    element = root
    while True:
        inner = max((child for child in element if child in weight), key=lambda child: weight[child], default=None)
        if inner is None or weight[inner] < DENSEST * weight[element]:
            break
        element = inner
    number = {id(block.element): at for at, block in enumerate(page)}
    return [
        Line(block.text, block, number.get(id(block.element), -1)) for block in blocks(element) if block.density < 0.5
    ]


def _trimmed(lines: list[Line], main: set[Standing], titles: set[str], description: str) -> list[Line]:
    """Without the title, pointers to other texts, and what is around the article at its ends."""
    kept = [
        line
        for number, line in enumerate(lines)
        if not (number < TOP and letters(line.text) in titles) and not leads_away(line.text, line.density)
    ]
    if (
        len(kept) > 2
        and kept[0].block
        and letters(kept[0].text) == description
        and _standing(kept[0].block) not in main
    ):
        del kept[0]
    for _ in range(BOTTOM):
        if len(kept) > 1 and ends(kept[-1].text, kept[-1].density):
            kept.pop()
    return kept


def with_told(lines: Sequence[str], by: str, told: str) -> tuple[str, str]:
    """The text of an article whose JSON-LD gives one too, and what it was taken from.

    Where that is as long and says the same, lines before and behind it are none of the article's. Where it goes on for
    much longer, it is the article, for which the page asks for money or a script.
    """
    ours, theirs = letters("".join(lines)), letters(told)
    inside = [len(letters(line)) if letters(line) in theirs else 0 for line in lines]
    agreed = sum(inside)
    if len(theirs) >= LONGER * len(ours) and width(told) >= LITTLE and 2 * agreed >= len(ours):
        return told, "json-ld"
    if agreed >= SAME * len(theirs) and agreed >= MOST * len(ours) and theirs:
        first = next(number for number, size in enumerate(inside) if size)
        last = max(number for number, size in enumerate(inside) if size)
        lines = lines[first : last + 1]
    return "\n".join(lines), by
