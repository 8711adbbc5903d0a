"""Words of a text as the rules and both searches see them.

Boundaries follow Unicode word segmentation (UAX #29) as Elasticsearch's `standard` tokenizer applies it: Han and
Hiragana are single characters, Katakana runs, everything else words and numbers, joined over an inner apostrophe,
point or comma; symbols and emoji are no words. Each word is then folded: case, diacritics of alphabetic scripts,
English possessives.
"""

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence, Sized
from functools import cached_property
from itertools import accumulate, chain

LONGEST = 255
"""Characters of a word; a longer run is cut into several, as Elasticsearch does."""

_SINGLE = (
    "\u3005\u3007\u3021-\u3029\u3038-\u303b\u3041-\u309f\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
)
_KATAKANA = "\u30a1-\u30fa\u30fc-\u30ff\u31f0-\u31ff\uff66-\uff9f"
_MARKS = "\u200c\u200d\u00ad\u05f3" + "".join(  # joiners, the soft hyphen, geresh
    chr(code)
    for first, last in ((0x300, 0x1E00), (0x20D0, 0x20F1), (0x3099, 0x309B), (0xA66F, 0xAC00), (0xFB1E, 0xFB1F))
    for code in range(first, last)
    if unicodedata.category(chr(code))[0] == "M"
)
_LETTER = rf"[^\W_{_SINGLE}{_KATAKANA}]"
_RUN = rf"{_LETTER}[^\W_{_SINGLE}{_KATAKANA}]*(?:[{_MARKS}]+{_LETTER[:-1]}]*)*"
_JOINED = (  # the look ahead spares the rest at most ends of words
    "(?=[.:'’‘·‧,;٫٬\"״_])"
    r"(?:(?<!\d)[.:'’‘·‧](?=[^\W\d])|(?<=\d)[.,;'’٫٬](?=\d)|(?<=[א-ת])[\"״](?=[א-ת])|_+)"
)
_SPECIAL = re.compile(f"[{_SINGLE}{_KATAKANA}{_MARKS}]")
_WORD = re.compile(rf"{_RUN}(?:{_JOINED}{_RUN})*|[{_SINGLE}][{_MARKS}]*|[{_KATAKANA}][{_KATAKANA}{_MARKS}]*")
_SIMPLE_WORD = re.compile(rf"[^\W_]+(?:{_JOINED}[^\W_]+)*")
"""The same where a text has nothing of `_SPECIAL`, in half the time."""

_FOLDED_MARKS = dict.fromkeys(
    chain(range(0x300, 0x370), range(0x591, 0x5C8), range(0x610, 0x61B), range(0x64B, 0x660), (0x670, 0xAD))
) | {0x200C: None, 0x200D: None}
_FOLDED_LETTERS = str.maketrans(
    {"’": "'", "‘": "'", "ʼ": "'", "ʻ": "'", "׳": "'", "״": '"'}
    | {"ı": "i", "ł": "l", "đ": "d", "ø": "o", "æ": "ae", "œ": "oe", "ð": "d"}
)


def fold(word: str) -> str:
    """One word without case, without the diacritics of alphabetic scripts, without an English possessive."""
    if word.isascii():
        folded = word.lower()
    else:
        folded = unicodedata.normalize("NFD", word.casefold()).translate(_FOLDED_MARKS)
        folded = unicodedata.normalize("NFC", folded).translate(_FOLDED_LETTERS).rstrip("'") or word
    return folded[:-2] if folded.endswith("'s") and len(folded) > 2 else folded


PUNCTUATION = '.,;:!?()[]"«»“”„–—…'
"""What often stands before or behind a word and is never part of one there."""
REPEATED = 40
"""Characters up to which what stands between spaces is worth remembering; whole sentences of Chinese are not."""
MOST = 100_000
"""Forms that are remembered."""


class _Folds(dict[str, str]):
    """Folded forms of single words."""

    def __missing__(self, word: str) -> str:
        if len(self) >= MOST:
            self.clear()
        folded = self[word] = fold(word)
        return folded


_folds = _Folds()


class _Folded(dict[str, tuple[str, ...]]):
    """Folded words of what stands between spaces, as far as met: news repeats itself."""

    def __missing__(self, between: str) -> tuple[str, ...]:
        bare = between.strip(PUNCTUATION)
        is_word = bare.isalnum() and len(bare) <= LONGEST and not _SPECIAL.search(bare)
        words = (_folds[bare],) if is_word else tuple(map(_folds.__getitem__, split(between)))
        if len(between) <= REPEATED:
            if len(self) >= MOST:
                self.clear()
            self[between] = words
        return words


_folded = _Folded()


def split(text: str) -> list[str]:
    """The words of a text as they are written, in order."""
    found: list[str] = (_WORD if _SPECIAL.search(text) else _SIMPLE_WORD).findall(text)
    if max(map(len, found), default=0) > LONGEST:
        return [word[at : at + LONGEST] for word in found for at in range(0, len(word), LONGEST)]
    return found


def tokens(text: str) -> list[str]:
    """The folded words of a text, in order."""
    return Tokens((text,)).words


class Tokens:
    """The words of some texts, and where they stand. No word holds a space: what stands between two is enough."""

    def __init__(self, texts: Iterable[str]) -> None:
        self._parts = [part for text in texts for part in text.split(" ")]
        self._before: tuple[list[int], list[int]] | None = None
        """Words, and code points aside from spaces, before each part."""
        self._inside: dict[int, list[tuple[int, int]]] = {}

    @cached_property
    def _folded(self) -> list[tuple[str, ...]]:
        return list(map(_folded.__getitem__, self._parts))

    @cached_property
    def words(self) -> list[str]:
        """Folded, in order."""
        return list(chain.from_iterable(self._folded))

    @cached_property
    def vocabulary(self) -> frozenset[str]:
        """Each word once."""
        return frozenset(chain.from_iterable(map(_folded.__getitem__, set(self._parts))))

    @cached_property
    def _joined(self) -> str:
        return f" {' '.join(chain.from_iterable(self._folded))} "

    def positions(self, phrase: str) -> Iterator[int]:
        """Where among the words a phrase begins: folded words with a space between."""
        joined, sought = self._joined, f" {phrase} "
        at = joined.find(sought)
        while at >= 0:
            yield joined.count(" ", 0, at)
            at = joined.find(sought, at + 1)

    def place(self, at: int) -> tuple[int, int]:
        """Start and end of the word at a position, where there is one text: code points, half-open."""
        if self._before is None:
            self._before = _counted(self._folded), _counted(self._parts)
        words, letters = self._before
        part = bisect_right(words, at) - 1
        inside = self._inside.get(part)
        if inside is None:
            inside = self._inside[part] = list(_places(self._parts[part], letters[part] + part))
        return inside[at - words[part]]


def _counted(parts: Sequence[Sized]) -> list[int]:
    return list(accumulate(map(len, parts), initial=0))


def _places(part: str, begin: int) -> Iterator[tuple[int, int]]:
    """Where the words of `split` stand, counted from a beginning."""
    for found in (_WORD if _SPECIAL.search(part) else _SIMPLE_WORD).finditer(part):
        start, end = found.span()
        for at in range(start, end, LONGEST):
            yield begin + at, begin + min(at + LONGEST, end)
