"""Marked words: spans over a text, cut into segments that a template prints one after the other."""

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import NamedTuple

from pipeline.model.enriched import EnrichedArticle, Field, Span

LONGEST = 900
"""Characters of an excerpt."""


WORDS = 40
"""Characters up to which a mark counts as words; what is longer is a sentence, and marked more lightly."""


class Mark(NamedTuple):
    """Part of a text, in code points, half-open, and what it is."""

    start: int
    end: int
    kind: str
    """Becomes a CSS class: actor, place, facility, event, claim, hit …"""
    label: str = ""


class Segment(NamedTuple):
    """A run of text over which the same marks hold."""

    text: str
    kinds: tuple[str, ...] = ()
    label: str = ""


def segments(text: str, marks: Iterable[Mark], start: int = 0, end: int | None = None) -> list[Segment]:
    """Cuts `text[start:end]` wherever a mark begins or ends. Joined, the segments are that text.

    Marks may overlap, be nested, be empty or reach beyond the text.
    """
    end = len(text) if end is None else min(end, len(text))
    inside = [mark for mark in marks if max(mark.start, start) < min(mark.end, end)]
    cuts = {start, end}
    for mark in inside:
        cuts |= {max(mark.start, start), min(mark.end, end)}
    edges = sorted(cuts)
    return [
        _segment(text[left:right], [mark for mark in inside if mark.start <= left and right <= mark.end])
        for left, right in pairwise(edges)
    ]


def _segment(text: str, marks: Sequence[Mark]) -> Segment:
    kinds = tuple(dict.fromkeys(mark.kind for mark in marks))
    return Segment(text, kinds, "; ".join(dict.fromkeys(mark.label for mark in marks if mark.label)))


def excerpts(text: str, marks: Iterable[Mark], around: int = 110, most: int = 3) -> list[list[Segment]]:
    """The passages in which marks stand, `around` characters to either side, cut at spaces; at most `most` of them."""
    ordered = sorted(mark for mark in marks if 0 <= mark.start < mark.end <= len(text))
    windows: list[tuple[int, int]] = []
    for mark in ordered:
        left, right = _left(text, mark.start, around), _right(text, mark.end, around)
        if windows and left <= windows[-1][1]:
            windows[-1] = (windows[-1][0], max(right, windows[-1][1]))
        else:
            windows.append((left, right))
    return [_excerpt(text, ordered, left, min(right, left + LONGEST)) for left, right in windows[:most]]


def opening(text: str, about: int = 240) -> list[Segment]:
    """The beginning of a text, cut at a space."""
    return _excerpt(text, [], 0, _right(text, 0, about))


def _excerpt(text: str, marks: Iterable[Mark], left: int, right: int) -> list[Segment]:
    before = [Segment("… ")] if left > 0 else []
    after = [Segment(" …")] if right < len(text) else []
    return [*before, *segments(text, marks, left, right), *after]


def _left(text: str, at: int, around: int) -> int:
    if at <= around:
        return 0
    space = text.find(" ", at - around, at)
    return space + 1 if space >= 0 else at - around


def _right(text: str, at: int, around: int) -> int:
    if at + around >= len(text):
        return len(text)
    space = text.rfind(" ", at, at + around)
    return space if space >= 0 else at + around


def read_marks(article: EnrichedArticle, field: Field) -> list[Mark]:
    """Everything that was read in one field of an article, as marks with labels."""
    found: list[tuple[Span, str, str]] = [
        (claim.span, "claim", f"{claim.speaker.text} {claim.stance.replace('-', ' ')}") for claim in article.claims
    ]
    for event in article.events:
        found += [(span, "event", f"{event.what}, {event.status}") for span in event.words or (event.span,)]
    for facility in article.facilities:
        found += [(span, "facility", facility.id) for span in facility.mentions]
    for actor in article.actors:
        found += [(span, "actor", f"{actor.name} ({actor.id})") for span in actor.mentions]
    for place in article.places:
        found += [(span, "place", f"{place.name}, {place.country}") for span in place.mentions]
    for theme in article.themes:
        found += [(span, "theme", theme.id) for span in theme.mentions]
    if article.withdraws:
        found.append((article.withdraws, "withdraws", "the outlet takes its report back"))
    return [Mark(span.start, span.end, kind, label) for span, kind, label in found if span.field == field]


def span_marks(spans: Iterable[tuple[Span, str]], field: Field) -> list[Mark]:
    """Marks for (span, label) pairs of one field: `hit`, or `near` where a whole sentence is meant."""
    return [
        Mark(span.start, span.end, hit(span.end - span.start), label) for span, label in spans if span.field == field
    ]


def hit(length: int) -> str:
    """The kind of a mark over so many characters."""
    return "hit" if length <= WORDS else "near"
