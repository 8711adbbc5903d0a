"""Near-duplicates in one language: how much of one text stands in another, estimated from two small sketches."""

from collections import Counter

from pipeline.stories.memory import IDENTITY, Known, Memory
from pipeline.stories.texts import SKETCH

COPY = 0.4
"""Share of three-word sequences in common from which a text is a copy: cut, with a new first line, lightly rewritten.
Two independent reports of one event share a few per cent."""
FEWEST = 6
"""Sequences a comparison needs."""


def containment(a: tuple[int, ...], b: tuple[int, ...]) -> float:
    """Share of the shorter text's three-word sequences that the other has too, 0 to 1; 0 where too little is known.

    Two sketches are samples of the same kind below the lower of their highest values (bottom-k sampling); a sketch
    that is not full holds its whole text.
    """
    limit = min(_limit(a), _limit(b))
    left = {value for value in a if value <= limit}
    right = {value for value in b if value <= limit}
    fewer = min(len(left), len(right))
    return len(left & right) / fewer if fewer >= FEWEST else 0.0


def nearest_copy(memory: Memory, sketch: tuple[int, ...], but: bytes, now: int) -> tuple[Known, float] | None:
    """The article that this text has most of, the earliest of equals, if it is a copy of any; `but` is left out."""
    shared: Counter[bytes] = Counter()
    for value in sketch:
        shared.update(memory.shingles.get(value, ()))
    best: tuple[Known, float] | None = None
    shares: dict[tuple[int, ...], float] = {}
    for name, count in shared.items():
        if count < 3 or name == but:
            continue
        known = memory.articles[name]
        if known.at < now - IDENTITY:
            continue
        if known.sketch not in shares:  # reprints of one text have one sketch
            shares[known.sketch] = containment(sketch, known.sketch)
        share = shares[known.sketch]
        if share >= COPY and (best is None or (-share, known.stored) < (-best[1], best[0].stored)):
            best = known, share
    return best


def _limit(sketch: tuple[int, ...]) -> int:
    return sketch[-1] if len(sketch) == SKETCH else 1 << 32
