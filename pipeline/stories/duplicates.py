"""Near-duplicates in one language: how much of one text stands in another, estimated from two small sketches."""

from bisect import bisect_right
from collections import Counter
from itertools import chain

from pipeline.stories.memory import IDENTITY, Known, Memory, posted
from pipeline.stories.record import unpack
from pipeline.stories.texts import SKETCH

COPY = 0.4
"""Share of three-word sequences in common from which a text is a copy: cut, with a new first line, lightly rewritten.
Two independent reports of one event share a few per cent."""
FEWEST = 6
"""Sequences a comparison needs."""

WHOLE = 0.8
"""Share of a text's own sequences in another from which it says nothing that the other does not."""
LOOKED_AT = 32
"""Articles that share most of a sketch, which are compared."""


def containment(a: tuple[int, ...], b: tuple[int, ...]) -> float:
    """Share of the shorter text's three-word sequences that the other has too, 0 to 1; 0 where too little is known.

    Two sketches are samples of the same kind below the lower of their highest values (bottom-k sampling); a sketch
    that is not full holds its whole text.
    """
    return _containment(a, frozenset(a), b)


def _containment(a: tuple[int, ...], values: frozenset[int], b: tuple[int, ...]) -> float:
    limit = min(_limit(a), _limit(b))
    fewer = min(bisect_right(a, limit), bisect_right(b, limit))
    return len(values.intersection(b)) / fewer if fewer >= FEWEST else 0.0  # what both have is below the limit


def nearest_copy(memory: Memory, sketch: tuple[int, ...], but: bytes, now: int) -> tuple[Known, float] | None:
    """The article that this text has most of, the earliest of equals, if it is a copy of any; `but` is left out."""
    shared = Counter(chain.from_iterable(posted(memory.shingles, value) for value in sketch))
    values = frozenset(sketch)
    best: tuple[Known, float] | None = None
    for name, count in shared.most_common(LOOKED_AT):
        if count < 3 or name == but:
            continue
        known = memory.articles[name]
        share = _containment(sketch, values, unpack(known.sketch))
        if share < COPY or known.at < now - IDENTITY:
            continue
        if best is None or (-share, known.stored) < (-best[1], best[0].stored):
            best = known, share
    return best


def adds_nothing(sketch: tuple[int, ...], other: tuple[int, ...]) -> bool:
    """Whether a text stands in another as good as whole."""
    mine = bisect_right(sketch, min(_limit(sketch), _limit(other)))
    return mine >= FEWEST and len(frozenset(sketch).intersection(other)) >= WHOLE * mine


def share_kept(sketch: tuple[int, ...], other: tuple[int, ...]) -> float:
    """Share of a text's own three-word sequences that stand in another, however few there are, 0 to 1."""
    mine = bisect_right(sketch, min(_limit(sketch), _limit(other)))
    return len(frozenset(sketch).intersection(other)) / mine if mine else 0.0


def _limit(sketch: tuple[int, ...]) -> int:
    return sketch[-1] if len(sketch) == SKETCH else 1 << 32
