"""What the words of a text give for comparison: words by weight, a sketch for finding copies, names."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple
from zlib import crc32

from pipeline.stories.kinds import Kind
from pipeline.stories.latin import skeleton, words

SKETCH = 16
"""Hashes of a sketch."""
UNSPACED = frozenset({"zh", "ja", "th", "lo", "km", "my"})
STEM = 6
"""Letters of a word that are compared: enough to tell words apart, few enough to lose most endings."""
REMEMBERED = 50_000
"""Words whose hashes are remembered: news repeats its words."""

_GRAM = Kind.GRAM << 28
_BY_LENGTH = [kind << 28 for kind in (*[Kind.SHORT_WORD] * 6, *[Kind.WORD] * 3, Kind.LONG_WORD)]
"""Kinds of words by their letters."""

# Blocks of Latin and Cyrillic mix cases, so isupper has the last word.
_CAPITAL = "[A-ZÀ-ÞĀ-ɏΆ-ΫЀ-ЯҊ-ԯԱ-Ֆ]"
_INSIDE = re.compile(rf"{_CAPITAL}(?:(?<=[^\W_][ \u00a0].)|(?<=[,;][ \u00a0].))[^\W\d_]{{2,}}")
_OPENING = re.compile(rf"{_CAPITAL}(?<![^\W\d_].)(?<![^\W_][ \u00a0].)(?<![,;][ \u00a0].)[^\W\d_]{{2,}}")
_UNCASED = re.compile(r"[\u0590-\u05ff\u0620-\u06ff\u10d0-\u10ff]{4,}")
_FIRST_BYTES_OF_OTHERS = bytes({*range(256)} - {first.encode()[0] for first in map(chr, range(0x590, 0x700))} - {0xE1})


class Names(NamedTuple):
    """Consonants of the words that may be names."""

    inside: Counter[str]
    """Capitalised inside a sentence, with how often each occurs."""
    opening: tuple[str, ...]
    """Capitalised where a sentence or a quotation begins."""
    uncased: tuple[str, ...]
    """Any word of a script without capitals."""
    written: dict[str, str]
    """All of them as they are written, without an Arabic prefix, and their consonants."""


class _Hashes(dict[str, bytes]):
    """The first letters of the words met lately, hashed."""

    def __missing__(self, word: str) -> bytes:
        if len(self) >= REMEMBERED:
            self.clear()
        found = self[word] = crc32(word[:STEM].encode("utf-8", "surrogatepass")).to_bytes(4, "little")
        return found


class _Features(dict[str, int]):
    """The features of the words met lately; 0 for one that says nothing."""

    def __init__(self, *, unspaced: bool) -> None:
        super().__init__()
        self._unspaced = unspaced

    def __missing__(self, word: str) -> int:
        if len(self) >= REMEMBERED:
            self.clear()
        length, found = len(word), 0
        if (length > 3 or self._unspaced) and not word.isdigit():
            kind = _GRAM if self._unspaced and not word.isascii() else _BY_LENGTH[min(length, 9)]
            found = kind | int.from_bytes(_hashes[word], "little") & 0xFFFFFFF
        self[word] = found
        return found


def tokens(text: str, *, unspaced: bool) -> list[str]:
    """Words of a text, casefolded; pairs of characters where a script has no spaces."""
    found = words(text)
    return [pair for word in found for pair in _pairs(word)] if unspaced else found


def sketch(text: Sequence[str]) -> tuple[int, ...]:
    """The smallest hashes of three stems in a row. Two texts share them as far as one holds the other's words."""
    stems = list(map(_hashes.__getitem__, text))
    shingles = set(map(crc32, stems[2:], map(crc32, stems[1:], map(crc32, stems))))
    least = (SKETCH * 2 << 32) // max(len(shingles), 1)
    few = sorted(shingle for shingle in shingles if shingle < least)
    return tuple((few if len(few) >= SKETCH else sorted(shingles))[:SKETCH])


def counted(body: Sequence[str], title: Sequence[str], *, unspaced: bool) -> Counter[int]:
    """Every word as a feature, with how often it is used; those of the title count twice more."""
    found = Counter(map((_pair_features if unspaced else _features).__getitem__, (*body, *title, *title)))
    del found[0]
    return found


_hashes = _Hashes()
_features = _Features(unspaced=False)
_pair_features = _Features(unspaced=True)


def _pairs(token: str) -> Iterator[str]:
    if token.isascii() or len(token) < 3:
        yield token
    else:
        yield from (token[at : at + 2] for at in range(len(token) - 1))


def names(text: str) -> Names:
    """Words that may be names, reduced to their consonants; shorter ones than three are left out."""
    inside = [word for word in _INSIDE.findall(text) if word[0].isupper()]
    opening = dict.fromkeys(word for word in _OPENING.findall(text) if word[0].isupper())
    # Their first bytes in UTF-8 tell in no time that most texts have no such letter.
    other = text.encode("utf-8", "surrogatepass").translate(None, _FIRST_BYTES_OF_OTHERS)
    uncased = dict.fromkeys(map(_without_prefix, _UNCASED.findall(text))) if other else {}
    every = dict.fromkeys((*inside, *opening, *uncased))
    written = dict(zip(every, skeleton(" ".join(every)).split(" "), strict=False))
    parts = {word: part for word, part in written.items() if len(part) > 2}
    return Names(
        inside=Counter(parts[word] for word in inside if word in parts),
        opening=tuple(dict.fromkeys(parts[word] for word in opening if word in parts)),
        uncased=tuple(dict.fromkeys(parts[word] for word in uncased if word in parts)),
        written=parts,
    )


def _without_prefix(word: str) -> str:
    return word.removeprefix("و").removeprefix("ب").removeprefix("ال")
