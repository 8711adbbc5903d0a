"""Finding many words at once: patterns in, hits out, in one pass over the folded text.

A pattern is a word or a few words as a language's data files write them:

    embassy             this form only
    посольств*          this stem and up to eight more letters
    missile fragment*   several words
    called ... in       up to four words in between (eight characters where a script has no spaces)

A name is a pattern whose last word may carry the endings of its inflection class (`morphology.yaml`).
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache
from itertools import accumulate, compress, count
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import yaml
from ahocorasick_rs import AhoCorasick, Implementation, MatchKind

from pipeline.enrich.language import script_of

LANGUAGES = Path(__file__).parent / "languages"
KIN = {"hr": ("sr",), "bs": ("sr", "hr"), "mk": ("sr",), "sk": ("cs",), "da": ("nb",), "nn": ("nb",), "ms": ("id",)}
"""Languages that also read the files of others, so near that a sentence often fits them all."""
EXACT = frozenset([""])
"""The endings of a word that never changes."""
_LONG_WORD = 24
MAX_TAIL = 8
"""Letters that `*` stands for at the most."""

# Marks of Hebrew, Arabic and Indic scripts belong to their words, though Python's \w leaves them out.
MARKS = "\u0300-\u036f\u0591-\u05c7\u064b-\u065f\u0670\u0900-\u0963\u0966-\u0dff\u0e30-\u0e4e"
_NOT_WORD = re.compile(rf"[^\w {MARKS}]")
_POINTED = re.compile(r"[.,] ")
_SAME = {
    "ё": "е",
    "ي": "ی",
    "ى": "ی",
    "ك": "ک",
    "أ": "ا",
    "إ": "ا",
    "آ": "ا",
    "ة": "ه",
    "ۀ": "ه",
    "ı": "i",
    "ș": "ş",
    "ț": "ţ",
}
_ASCII = "".join(chr(code).lower() if chr(code).isalnum() else " " for code in range(128))


def fold(text: str) -> str:
    """The text as patterns see it: lower case, punctuation as spaces, look-alike letters as one; same length."""
    if text.isascii():
        return text.translate(_ASCII)
    if "İ" in text:
        text = text.replace("İ", "i")
    text = text.lower()
    for letter, same in _SAME.items():
        if letter in text:
            text = text.replace(letter, same)
    return text if text.isalpha() else _NOT_WORD.sub(" ", text.replace("_", " "))


class Hit(NamedTuple):
    """A pattern found, in code points of the text, half-open."""

    start: int
    end: int
    kind: str
    value: str


class Pattern(NamedTuple):
    """What to look for and what it stands for."""

    text: str
    kind: str
    value: str
    endings: frozenset[str] | None = None
    """Endings that may follow the last word; None where the text says so itself with `*`."""


class _Entry(NamedTuple):
    kind: str
    value: str
    endings: frozenset[str] | None
    """Endings that may follow the key; None: any, up to MAX_TAIL letters."""
    rest: str | None
    """What follows the key in a pattern of several words, as a regular expression; most are never needed."""
    needle: str = ""
    """Its longest word, looked for first: that is quicker than the expression."""
    reach: int = 0
    """Letters behind the key within which the needle must begin."""
    next: str = ""
    """A space and the first letter of the word that follows the key; empty where it may be any."""

    def end(self, folded: str, word_end: int) -> int:
        """Where the pattern ends whose key's last word ends here; -1 where the text goes on otherwise."""
        if self.rest is None:
            return word_end
        if folded.find(self.needle, word_end, word_end + self.reach) < 0:
            return -1
        found = _ready(self.rest).match(folded, word_end)
        return found.end() if found else -1

    def takes(self, ending: str) -> bool:
        """Whether these letters may follow the key."""
        return len(ending) <= MAX_TAIL if self.endings is None else ending in self.endings


class Script(NamedTuple):
    """How words stand in a language's text."""

    spaced: bool = True
    prefixes: frozenset[str] = frozenset()
    """Letters written together with the word that follows, as the Arabic and Hebrew articles and conjunctions."""


Found = tuple[int, int, str, str]
"""The fields of a hit: of thousands found most are soon dropped, and plain tuples are the quickest to make."""


class Matcher(Protocol):
    """All patterns of a language, compiled."""

    def find(self, folded: str) -> list[Found]:
        """Every pattern in a folded text, in order of start, then of length, overlapping ones too."""


class _Filed(NamedTuple):
    """A pattern, found by one word of its key."""

    before: str
    """What of the key stands before that word."""
    after: str
    """And behind it: a space and further words."""
    entry: _Entry


_Part = tuple[int, str, str, _Entry]
"""Letters before the pattern begins, what stands before and behind the word, and the pattern."""
_Parts = dict[str, list[_Part]]
_Phrases = tuple[_Parts, _Parts, tuple[tuple[int, str, int, _Entry], ...]]
"""The patterns of several words of which a word is one: those that go on right behind it, and those that it ends, by
the space and the letter next to it; those that go on somewhere behind it, by the needle and the letters within which it
begins."""
_Known = tuple[tuple[tuple[int, str, str], ...], _Phrases | None]
"""What is known of a word: the patterns that it is (letters before they begin, kind and value), and those it is in."""

UNJOINED = frozenset(("word", "theme"))
"""Kinds whose words may stand apart in a script without spaces."""
Further = Callable[[str], Iterable[tuple[Pattern, int]]]
"""A word, folded, to patterns of which it may be a word or the form of one, and to the number of that word."""
MOST_WORDS = 20_000
"""Words of a language that are kept in mind."""
_LONGEST_WORD = 64


class WordMatcher(dict[str, "_Known | None"]):
    """Patterns of a language with spaces: what each word can be is worked out when it is first met.

    A newspaper writes few different words, so that most are met again and cost one look into a dictionary. That is
    this object itself: word to what is known of it, emptied when it holds too many.

    Args:
        patterns: what to look for; several patterns may share a text.
        script: how words stand in this language.
        further: asked for more patterns at each new word: they are too many to compile all.
    """

    def __init__(
        self,
        patterns: Iterable[Pattern],
        script: Script = Script(),  # noqa: B008
        further: Further = lambda _: (),
    ) -> None:
        super().__init__()
        self._script, self._further = script, further
        self._stems: dict[str, list[_Filed]] = {}
        compiled = [_compile(pattern, script, whole=True) for pattern in patterns]
        common = Counter(word for key, _ in compiled if " " in key for word in key.split(" "))
        for key, entry in compiled:
            words = key.split(" ")
            # The word that is met the least: words of three letters are in every sentence.
            rarest = min(range(len(words)), key=lambda at: (len(words[at]) < 4, common[words[at]], -len(words[at])))
            self._file(words, rarest, entry, self._stems)
        self._longest = max(map(len, self._stems), default=0)

    def find(self, folded: str) -> list[Found]:
        words = folded.split(" ")
        if len(self) > MOST_WORDS:
            self.clear()
        known = list(map(self.__getitem__, words))
        letters = accumulate(map(len, words), initial=0)  # before each word; as many spaces as words are before it too
        padded = f" {folded} "
        found: list[Found] = []
        add, find, ends, goes_on = found.append, folded.find, padded.endswith, padded.startswith
        for number, before, word, of_word in compress(zip(count(), letters, words, known), known):
            whole, phrases = of_word  # type: ignore[misc]  # only words that are known come here
            start = number + before
            end = start + len(word)
            for shift, kind, value in whole:
                add((start + shift, end, kind, value))
            if phrases:
                behind, ahead, open_ = phrases
                if behind and (parts := behind.get(padded[end + 1 : end + 3])):
                    for part in parts:
                        if goes_on(part[2], end + 1) and (hit := self._part(folded, start, end, part)):
                            add(hit)
                if ahead and (parts := ahead.get(padded[start - 1 : start + 1])):
                    for part in parts:
                        if ends(part[1], 0, start + 1) and (hit := self._part(folded, start, end, part)):
                            add(hit)
                for shift, needle, reach, entry in open_:
                    if find(needle, end, end + reach) >= 0 and (last := entry.end(folded, end)) >= 0:
                        add((start + shift, last, entry.kind, entry.value))
        found.sort()
        return found

    def _part(self, folded: str, start: int, end: int, part: _Part) -> Found | None:
        """The pattern around a word from `start` to `end`, where all that is beside the word fits."""
        shift, before, after, entry = part
        start += shift
        if before:
            if not f" {folded[:start]}".endswith(before):
                return None
            start -= len(before.lstrip(" "))
            glued = folded[folded.rfind(" ", 0, start) + 1 : start]
            if glued and glued not in self._script.prefixes:
                return None
        if after:
            begun = end + len(after)
            end = folded.find(" ", begun)
            end = len(folded) if end < 0 else end
            if not entry.takes(folded[begun:end]):
                return None
        last = entry.end(folded, end)
        return (start, last, entry.kind, entry.value) if last >= 0 else None

    def __missing__(self, word: str) -> _Known | None:
        known = self._look_up(word) if 0 < len(word) <= _LONGEST_WORD else None
        if len(word) <= _LONGEST_WORD:
            self[word] = known
        return known

    def _look_up(self, word: str) -> _Known | None:
        whole: list[tuple[int, str, str]] = []
        behind: _Parts = {}
        ahead: _Parts = {}
        open_: list[tuple[int, str, int, _Entry]] = []
        for shift in self._shifts(word):
            for before, after, entry in self._fitting(word[shift:]):
                if after:
                    if not (before and shift):
                        behind.setdefault(after[:2], []).append((shift, before, after, entry))
                elif before:
                    if not shift:
                        ahead.setdefault(before[-2:], []).append((shift, before, after, entry))
                elif entry.next:
                    behind.setdefault(entry.next, []).append((shift, "", "", entry))
                    behind.setdefault("  ", []).append((shift, "", "", entry))  # punctuation may stand between
                elif entry.rest is not None:
                    open_.append((shift, entry.needle, entry.reach, entry))
                else:
                    whole.append((shift, entry.kind, entry.value))
        phrases = (behind, ahead, tuple(open_)) if behind or ahead or open_ else None
        return (tuple(whole), phrases) if whole or phrases else None

    def _fitting(self, word: str) -> list[_Filed]:
        """What is filed under a stem of this word and takes what follows the stem."""
        fitting = _under_stems(word, self._stems, self._longest)
        further: dict[str, list[_Filed]] = {}
        for pattern, number in self._further(word):
            key, entry = _compile(pattern, self._script, whole=True)
            words = key.split(" ")
            self._file(words, number % len(words), entry, further)
        return fitting + _under_stems(word, further, len(word)) if further else fitting

    def _shifts(self, word: str) -> list[int]:
        """After how many letters of a word another may begin."""
        prefixes = self._script.prefixes
        return [0, *(length for length in range(1, len(word)) if word[:length] in prefixes)] if prefixes else [0]

    def _file(self, words: list[str], at: int, entry: _Entry, stems: dict[str, list[_Filed]]) -> None:
        """A pattern under the word of its key at this number."""
        before = "".join(f"{word} " for word in words[:at])
        if before and not self._script.prefixes:
            before = f" {before}"
        filed = _Filed(before, "".join(f" {word}" for word in words[at + 1 :]), entry)
        entries = stems.setdefault(words[at], [])
        if filed not in entries:
            entries.append(filed)


def _under_stems(word: str, stems: Mapping[str, list[_Filed]], longest: int) -> list[_Filed]:
    fitting: list[_Filed] = []
    for length in range(1, min(len(word), longest) + 1):
        if entries := stems.get(word[:length]):
            ending = word[length:]
            fitting += [filed for filed in entries if (not ending if filed.after else filed.entry.takes(ending))]
    return fitting


class LetterMatcher:
    """Patterns of a language without spaces, found wherever they stand by one Aho-Corasick automaton.

    Args:
        patterns: what to look for; several patterns may share a text.
    """

    def __init__(self, patterns: Iterable[Pattern]) -> None:
        keys: dict[str, list[_Entry]] = {}
        for pattern in patterns:
            key, entry = _compile(pattern, Script(spaced=False), whole=pattern.kind not in UNJOINED)
            entries = keys.setdefault(key, [])
            if entry not in entries:
                entries.append(entry)
        self._entries = list(keys.values())
        self._automaton = AhoCorasick(
            list(keys), matchkind=MatchKind.Standard, store_patterns=False, implementation=Implementation.ContiguousNFA
        )

    def find(self, folded: str) -> list[Found]:
        hits: list[Found] = []
        for index, start, end in self._automaton.find_matches_as_indexes(folded, overlapping=True):
            if _inside_kana(folded, start, end):
                continue
            hits += [
                (start, last, entry.kind, entry.value)
                for entry in self._entries[index]
                if (last := entry.end(folded, end)) >= 0
            ]
        hits.sort()
        return hits


def longest(hits: Iterable[Found]) -> list[Found]:
    """Of overlapping hits only the longest, the leftmost of equals; hits on the very same span are all kept.

    Args:
        hits: in order of start.
    """
    kept: list[Found] = []
    cluster: list[Found] = []
    end = 0
    for hit in hits:
        if hit[0] >= end and cluster:
            kept += cluster if len(cluster) == 1 else _longest_of(cluster)
            cluster = []
        cluster.append(hit)
        if hit[1] > end:
            end = hit[1]
    return kept + _longest_of(cluster)


def _longest_of(cluster: Sequence[Found]) -> list[Found]:
    """The same for hits that overlap one another."""
    kept: list[Found] = []
    for hit in sorted(cluster, key=lambda hit: (hit[0] - hit[1], hit[0])):
        start, end = hit[0], hit[1]
        if all(other[1] <= start or end <= other[0] or (other[0] == start and other[1] == end) for other in kept):
            kept.append(hit)
    kept.sort(key=lambda hit: (hit[0], hit[1]))
    return kept


def _inside_kana(folded: str, start: int, end: int) -> bool:
    """A katakana name is not part of a longer katakana word."""
    return (_kana(folded[start]) and start > 0 and _kana(folded[start - 1])) or (
        _kana(folded[end - 1]) and end < len(folded) and _kana(folded[end])
    )


def _kana(letter: str) -> bool:
    return "\u30a1" <= letter <= "\u30fc" and letter != "・"


def _compile(pattern: Pattern, script: Script, whole: bool) -> tuple[str, _Entry]:
    if whole and pattern.endings is not None and "*" not in pattern.text and "." not in pattern.text:
        folded = fold(pattern.text)
        key = folded if folded.isalpha() else " ".join(folded.split())
        return key, _Entry(pattern.kind, pattern.value, pattern.endings, None)
    words = _pattern_words(pattern.text)
    if whole and not _POINTED.search(pattern.text):
        run = next((at for at, word in enumerate(words) if "*" in word or word == "..."), len(words))
        run += run < len(words) and words[run] != "..."  # the run's last word may be a stem
        words = [" ".join(words[:run]), *words[run:]] if run > 1 else words
    first, others = words[0], words[1:]
    last = pattern.endings if pattern.endings is not None else EXACT
    endings = None if first.endswith("*") else (EXACT if others else last)
    if not others:
        return first.rstrip("*"), _Entry(pattern.kind, pattern.value, endings, None)
    rest = _rest_regex(others, last, script)
    needle = max((word.rstrip("*") for word in others if word != "..."), key=len)
    reach = sum(4 * (_LONG_WORD + 3) if word == "..." else len(word) + MAX_TAIL + 3 for word in others)
    following = "" if others[0] == "..." else f" {others[0][0]}"
    return first.rstrip("*"), _Entry(pattern.kind, pattern.value, endings, rest, needle, reach, following)


@cache
def _ready(expression: str) -> re.Pattern[str]:
    return re.compile(expression)


def _pattern_words(text: str) -> list[str]:
    words: list[str] = []
    for word in text.split():
        if word == "...":
            words.append("...")
        else:
            star = word.endswith("*")
            parts = fold(word.rstrip("*")).split()
            words += [*parts[:-1], parts[-1] + "*" * star] if parts else []
    if not words or words[0] == "...":
        raise ValueError(f"a pattern needs a word to begin with: {text!r}")
    return words


def _rest_regex(words: Sequence[str], last: frozenset[str], script: Script) -> str:
    letter = rf"[\w{MARKS}]"
    gap = rf"(?: {{1,3}}{letter}+){{0,4}}?" if script.spaced else r".{0,8}?"
    space = " {1,3}" if script.spaced else " {0,2}"
    end = rf"(?!{letter})" if script.spaced else ""
    parts = []
    for number, word in enumerate(words):
        if word == "...":
            parts.append(gap)
            continue
        tail = rf"{letter}{{0,{MAX_TAIL}}}" if word.endswith("*") else ""
        if number == len(words) - 1 and last != {""} and not tail:
            tail = "(?:" + "|".join(sorted(map(re.escape, last), key=len, reverse=True)) + ")"
        parts.append(space + re.escape(word.rstrip("*")) + tail + end)
    return "".join(parts)


def read_yaml(path: Path) -> Any:
    """A data file of this package; an empty dict where there is none."""
    if not path.exists():
        return {}
    with path.open(encoding="utf-8") as file:
        return yaml.load(file, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)) or {}


def language_files(language: str, name: str) -> list[Any]:
    """What a language's file of this name says, after those of its kin; empty where nobody has one."""
    found = (read_yaml(LANGUAGES / code / name) for code in (*KIN.get(language, ()), language))
    return [data for data in found if data]


class Morphology(NamedTuple):
    """How names stand and change in a language, from its `morphology.yaml`."""

    script: Script
    capitals: bool
    """Proper names begin with a capital letter."""
    endings: Mapping[str, frozenset[str]]
    """Inflection class (noun, adjective, demonym, city, …) to the endings that may follow a stem."""
    decline: Mapping[str, frozenset[str]]
    """Suffix of a nominative to the endings that may stand in its place; the longest that fits counts."""
    leading: tuple[str, ...]
    """Suffixes that change in the words before the last of a name."""
    words: frozenset[str]
    """Names, folded, that are ordinary words too."""
    capital_adjectives: bool
    """Adjectives and demonyms of states begin with a capital letter as well."""


@cache
def morphology(language: str) -> Morphology:
    """The rules of a language; those of its script where it has no file of its own."""
    scripts = read_yaml(LANGUAGES / "scripts.yaml")
    data = dict(scripts.get(script_of(language), {}))
    for own in language_files(language, "morphology.yaml"):
        data |= own
    return Morphology(
        script=Script(spaced=data.get("spaced", True), prefixes=frozenset(map(fold, data.get("prefixes", ())))),
        capitals=data.get("capitals", True),
        endings={name: _endings(endings) for name, endings in data.get("endings", {}).items()},
        decline={fold(suffix): _endings(endings) for suffix, endings in data.get("decline", {}).items()},
        leading=tuple(map(fold, data.get("leading", ()))),
        words=frozenset(map(fold, data.get("words", ()))),
        capital_adjectives=data.get("capital-adjectives", False),
    )


def _endings(endings: Sequence[str]) -> frozenset[str]:
    """Folded; `*`, which stands for any ending, as it is."""
    return frozenset("*" if ending == "*" else fold(ending) for ending in endings)


def concepts(language: str) -> Iterator[Pattern]:
    """The words of a language's concepts (`offices.yaml`, `words.yaml`: concept, then its patterns)."""
    for file in ("offices.yaml", "words.yaml"):
        for own in language_files(language, file):
            for concept, texts in own.items():
                for text in texts or ():
                    yield Pattern(str(text), "word", concept)
