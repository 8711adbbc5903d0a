"""What the words of a text give for comparison: words by weight, a sketch for finding copies, names."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from heapq import nsmallest
from itertools import islice
from zlib import crc32

from pipeline.stories.kinds import Kind, feature
from pipeline.stories.latin import skeleton, words

SKETCH = 24
UNSPACED = frozenset({"zh", "ja", "th", "lo", "km", "my"})
STEM = 6
"""Letters of a word that are compared: enough to tell words apart, few enough to lose most endings."""

_OPENING = re.compile(r"(?:^|[.!?…:\n\"«»„“”‘’(—–-])\s*([A-ZÀ-ÞĀ-ɏΆ-ΫЀ-ЯҊ-ԯԱ-Ֆ][^\W\d_]{2,})")
_UNCASED = re.compile(r"[\u0590-\u05ff\u0620-\u06ff\u10d0-\u10ff]{4,}")
_CAPITALISED = re.compile(r"(?<=[\w,;][ \u00a0])[A-ZÀ-ÞĀ-ɏΆ-ΫЀ-ЯҊ-ԯԱ-Ֆ][^\W\d_]{2,}")


def tokens(text: str, *, unspaced: bool) -> list[str]:
    """Words of a text, casefolded; pairs of characters where a script has no spaces."""
    found = words(text)
    return [pair for word in found for pair in _pairs(word)] if unspaced else found


def sketch(text: Sequence[str]) -> tuple[int, ...]:
    """The smallest hashes of three stems in a row. Two texts share them as far as one holds the other's words."""
    known = {token: crc32(token[:STEM].encode("utf-8", "surrogatepass")) for token in set(text)}
    hashes = [known[token] for token in text]
    shingles = {
        (a * 0x9E3779B1 ^ b * 0x85EBCA77 ^ c * 0xC2B2AE3D) * 0x27D4EB2F >> 7 & 0xFFFFFFFF
        for a, b, c in zip(hashes, islice(hashes, 1, None), islice(hashes, 2, None), strict=False)
    }
    return tuple(nsmallest(SKETCH, shingles))


def weighted(body: Sequence[str], title: Sequence[str], *, unspaced: bool) -> dict[int, float]:
    """Every word as a feature, with how often it is used; those of the title count twice more, none more than four."""
    counts = Counter(body)
    counts.update(title)
    counts.update(title)
    found: dict[int, float] = {}
    for token, count in counts.items():
        length = len(token)
        if (length < 4 and not unspaced) or token.isdigit():
            continue
        if unspaced and not token.isascii():
            key = feature(Kind.GRAM, token)
        else:
            kind = Kind.SHORT_WORD if length < 6 else Kind.WORD if length < 9 else Kind.LONG_WORD
            key = feature(kind, token[:STEM])
        found[key] = min(found.get(key, 0) + count, 4)
    return found


def _pairs(token: str) -> Iterator[str]:
    if token.isascii() or len(token) < 3:
        yield token
    else:
        yield from (token[at : at + 2] for at in range(len(token) - 1))


def names(text: str) -> Counter[str]:
    """Consonants of capitalised words inside sentences, with how often each occurs."""
    found = " ".join(word for word in _CAPITALISED.findall(text) if word[0].isupper())
    return Counter(part for part in skeleton(found).split(" ") if len(part) > 2)


def perhaps_names(text: str) -> Iterator[int]:
    """Features of words that are names if others are known to use them so."""
    cased = [word for word in _OPENING.findall(text) if word[0].isupper()]
    uncased = [word.removeprefix("و").removeprefix("ب").removeprefix("ال") for word in _UNCASED.findall(text)]
    for found, least in ((cased, 3), (uncased, 4)):
        for part in dict.fromkeys(skeleton(" ".join(found)).split(" ")):
            if len(part) >= least:
                yield feature(Kind.NAME, part)
