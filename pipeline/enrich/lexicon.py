"""Finding many words at once: patterns in, hits out, in one Aho-Corasick pass over the folded text.

A pattern is a word or a few words as a language's data files write them:

    embassy             this form only
    посольств*          this stem and up to eight more letters
    missile fragment*   several words
    called ... in       up to four words in between (eight characters where a script has no spaces)

A name is a pattern whose last word may carry the endings of its inflection class (`morphology.yaml`).
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from ahocorasick_rs import AhoCorasick, Implementation, MatchKind

from pipeline.enrich.language import script_of

LANGUAGES = Path(__file__).parent / "languages"
KIN = {"hr": ("sr",), "bs": ("sr", "hr"), "ms": ("id",)}
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
_SAME = {"ё": "е", "ي": "ی", "ى": "ی", "ك": "ک", "أ": "ا", "إ": "ا", "آ": "ا", "ة": "ه", "ۀ": "ه", "ı": "i"}
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


class Script(NamedTuple):
    """How words stand in a language's text."""

    spaced: bool = True
    prefixes: frozenset[str] = frozenset()
    """Letters written together with the word that follows, as the Arabic and Hebrew articles and conjunctions."""


class Matcher:
    """All patterns of one kind of text, compiled.

    Args:
        patterns: what to look for; several patterns may share a text.
        script: how words stand in this language.
        whole: phrases without gaps are looked for as they stand, one space between words. Quicker where
            thousands of them begin with the same word, as names do.
    """

    def __init__(
        self,
        patterns: Iterable[Pattern],
        script: Script = Script(),  # noqa: B008
        *,
        whole: bool = False,
    ) -> None:
        self._script = script
        self._starts_at_space = script.spaced and not script.prefixes
        keys: dict[str, tuple[_Entry, ...]] = {}
        shared: dict[tuple[_Entry, ...], tuple[_Entry, ...]] = {}
        for pattern in patterns:
            key, entry = _compile(pattern, script, whole)
            if self._starts_at_space and entry.endings is EXACT:
                key += " "  # an unchanging word is known by the space behind it
            known = keys.get(key, ())
            if entry not in known:
                entries = (*known, entry)
                keys[key] = shared.setdefault(entries, entries)  # thousands of spellings name the same city
        self._entries = list(keys.values())
        self._ends_at_space = [key.endswith(" ") for key in keys]
        texts = [f" {key}" if self._starts_at_space else key for key in keys]
        self._automaton = AhoCorasick(
            texts, matchkind=MatchKind.Standard, store_patterns=False, implementation=Implementation.ContiguousNFA
        )

    def find(self, folded: str) -> list[Hit]:
        """Every pattern in a folded text, in order of start, then of length, overlapping ones too."""
        hits = self._find_spaced(folded) if self._starts_at_space else self._find_glued(folded)
        hits.sort()
        return hits

    def _find_spaced(self, folded: str) -> list[Hit]:
        entries, closed, padded = self._entries, self._ends_at_space, f" {folded} "
        hits: list[Hit] = []
        add, hit, next_space, next_needle = hits.append, tuple.__new__, padded.find, folded.find
        for index, start, end in self._automaton.find_matches_as_indexes(padded, overlapping=True):
            if closed[index]:
                word_end = end = end - 2
            else:
                word_end = next_space(" ", end) - 1  # in a folded text only spaces part words
                end -= 1
            for kind, value, endings, rest, needle, reach in entries[index]:
                if endings is None:
                    if word_end - end > MAX_TAIL:
                        continue
                elif endings is not EXACT and folded[end:word_end] not in endings:
                    continue
                if rest is None:
                    add(hit(Hit, (start, word_end, kind, value)))
                elif next_needle(needle, word_end, word_end + reach) >= 0 and (
                    found := _ready(rest).match(folded, word_end)
                ):
                    add(hit(Hit, (start, found.end(), kind, value)))
        return hits

    def _find_glued(self, folded: str) -> list[Hit]:
        entries, spaced, prefixes, closed = self._entries, self._script.spaced, self._script.prefixes, f"{folded} "
        hits: list[Hit] = []
        for index, start, end in self._automaton.find_matches_as_indexes(folded, overlapping=True):
            if spaced:
                before = folded.rfind(" ", 0, start) + 1
                if before != start and folded[before:start] not in prefixes:
                    continue
                word_end = closed.find(" ", end)
            else:
                if _inside_kana(folded, start, end):
                    continue
                word_end = end
            for kind, value, endings, rest, needle, reach in entries[index]:
                if spaced:
                    if endings is None:
                        if word_end - end > MAX_TAIL:
                            continue
                    elif folded[end:word_end] not in endings:
                        continue
                if rest is None:
                    hits.append(Hit(start, word_end, kind, value))
                elif folded.find(needle, word_end, word_end + reach) >= 0 and (
                    found := _ready(rest).match(folded, word_end)
                ):
                    hits.append(Hit(start, found.end(), kind, value))
        return hits


def longest(hits: Sequence[Hit]) -> list[Hit]:
    """Of overlapping hits only the longest, the leftmost of equals; hits on the very same span are all kept.

    Args:
        hits: in order of start.
    """
    kept: list[Hit] = []
    cluster: list[Hit] = []
    end = 0
    for hit in hits:
        if hit[0] >= end and cluster:
            kept += cluster if len(cluster) == 1 else _longest_of(cluster)
            cluster = []
        cluster.append(hit)
        end = max(end, hit[1])
    return kept + _longest_of(cluster)


def _longest_of(cluster: Sequence[Hit]) -> list[Hit]:
    """The same for hits that overlap one another."""
    kept: list[Hit] = []
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
    return first.rstrip("*"), _Entry(pattern.kind, pattern.value, endings, rest, needle, reach)


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


@cache
def words(language: str) -> Matcher | None:
    """The concepts of a language (`offices.yaml`, `words.yaml`: concept, then its patterns), compiled.

    None where it has neither file.
    """
    patterns = [
        Pattern(str(text), "word", concept)
        for file in ("offices.yaml", "words.yaml")
        for concepts in language_files(language, file)
        for concept, texts in concepts.items()
        for text in texts or ()
    ]
    script = morphology(language).script
    return Matcher(patterns, script, whole=script.spaced) if patterns else None
