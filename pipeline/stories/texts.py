"""What the words of a text give for comparison: words by weight, a sketch for finding copies, names."""

import re
from array import array
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence, Set
from heapq import nsmallest
from typing import NamedTuple
from zlib import crc32

from pipeline.stories.kinds import Kind
from pipeline.stories.latin import skeleton, words

SKETCH = 24
"""Hashes of a sketch."""
UNSPACED = frozenset({"zh", "ja", "th", "lo", "km", "my"})
STEM = 6
"""Letters of a word that are compared: enough to tell words apart, few enough to lose most endings."""

_SPACES = (" ", "\u00a0")
_GRAM = Kind.GRAM << 28
_BY_LENGTH = [kind << 28 for kind in (*[Kind.SHORT_WORD] * 6, *[Kind.WORD] * 3, Kind.LONG_WORD)]
"""Kinds of words by their letters."""

# Blocks of Latin and Cyrillic mix cases, so isupper has the last word.
_CAPITALISED = re.compile(r"[A-ZÀ-ÞĀ-ɏΆ-ΫЀ-ЯҊ-ԯԱ-Ֆ][^\W\d_]{2,}")
_UNCASED = re.compile(r"[\u0590-\u05ff\u0620-\u06ff\u10d0-\u10ff]{4,}")


class Names(NamedTuple):
    """Consonants of the words that may be names."""

    inside: Counter[str]
    """Capitalised inside a sentence, with how often each occurs."""
    opening: tuple[str, ...]
    """Capitalised where a sentence or a quotation begins."""
    uncased: tuple[str, ...]
    """Any word of a script without capitals."""


def tokens(text: str, *, unspaced: bool) -> list[str]:
    """Words of a text, casefolded; pairs of characters where a script has no spaces."""
    found = words(text)
    return [pair for word in found for pair in _pairs(word)] if unspaced else found


def stems(words: Set[str]) -> dict[str, int]:
    """The first letters of each word, as 32 bits."""
    return {word: crc32(word[:STEM].encode("utf-8", "surrogatepass")) for word in words}


def sketch(text: Sequence[str], stems: Mapping[str, int]) -> tuple[int, ...]:
    """The smallest hashes of three stems in a row. Two texts share them as far as one holds the other's words."""
    data = array("L" if array("L").itemsize == 4 else "I", [stems[token] for token in text]).tobytes()
    shingles = {crc32(data[at : at + 12]) for at in range(0, len(data) - 8, 4)}
    return tuple(nsmallest(SKETCH, shingles))


def weighted(
    body: Sequence[str], title: Sequence[str], stems: Mapping[str, int], *, unspaced: bool
) -> dict[int, float]:
    """Every word as a feature, with how often it is used; those of the title count twice more, none more than four."""
    counts = Counter(body)
    counts.update(title)
    counts.update(title)
    found: dict[int, float] = {}
    for token, count in counts.items():
        length = len(token)
        if (length < 4 and not unspaced) or token.isdigit():
            continue
        kind = _GRAM if unspaced and not token.isascii() else _BY_LENGTH[min(length, 9)]
        key = kind | stems[token] & 0xFFFFFFF
        found[key] = min(found.get(key, 0) + count, 4)
    return found


def _pairs(token: str) -> Iterator[str]:
    if token.isascii() or len(token) < 3:
        yield token
    else:
        yield from (token[at : at + 2] for at in range(len(token) - 1))


def names(text: str) -> Names:
    """Words that may be names, reduced to their consonants; shorter ones than three are left out."""
    inside: list[str] = []
    opening: list[str] = []
    for found in _CAPITALISED.finditer(text):
        word, start = found[0], found.start()
        if word[0].isupper():
            within = text[start - 1 : start] in _SPACES and (text[start - 2].isalnum() or text[start - 2] in ",;")
            (inside if within and start > 1 else opening).append(word)
    uncased = [word.removeprefix("و").removeprefix("ب").removeprefix("ال") for word in _UNCASED.findall(text)]
    return Names(
        inside=Counter(part for part in skeleton(" ".join(inside)).split(" ") if len(part) > 2),
        opening=tuple(dict.fromkeys(part for part in skeleton(" ".join(opening)).split(" ") if len(part) > 2)),
        uncased=tuple(dict.fromkeys(part for part in skeleton(" ".join(uncased)).split(" ") if len(part) > 2)),
    )
