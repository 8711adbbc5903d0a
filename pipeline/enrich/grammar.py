"""Whose and where: how a language ties a name to the office, facility or person beside it (see grammar.yaml)."""

from functools import cache
from typing import NamedTuple

from pipeline.enrich import tables
from pipeline.enrich.language import script_of
from pipeline.enrich.lexicon import LANGUAGES, fold, morphology, read_yaml
from pipeline.enrich.reading import Reading


class Grammar(NamedTuple):
    """Of one language; see the head of the data file."""

    inside: frozenset[str]
    after: tuple[str, ...]
    locative: tuple[str, ...]
    of: frozenset[str]
    owner: str
    adjective: str
    our: tuple[str, ...]
    streets: tuple[str, ...]
    called: tuple[str, ...]
    """The same as they end what stands before a name: whole words where no prefix is written together with them."""
    ways: tuple[str, ...]
    spaced: bool
    syllables: bool
    verb_last: bool
    bare_names: bool


ARTICLES = frozenset(("the", "de", "la", "le", "el", "der", "den", "dem", "o", "a", "l"))
"""Words that may stand between a preposition and a name."""


@cache
def grammar(language: str) -> Grammar:
    """What the file says of a language; names on both sides where it says nothing."""
    data = read_yaml(LANGUAGES / "grammar.yaml").get(language, {})
    streets = tuple(map(fold, data.get("streets", ())))
    script = morphology(language).script
    return Grammar(
        inside=frozenset(map(fold, data.get("in", ()))),
        after=tuple(map(fold, data.get("after", ()))),
        locative=tuple(map(fold, data.get("locative", ()))),
        of=frozenset(map(fold, data.get("of", ()))),
        owner=data.get("owner", "both"),
        adjective=data.get("adjective", "both"),
        our=tuple(map(fold, data.get("our", ()))),
        streets=streets,
        called=streets if script.prefixes else tuple(f" {street}" for street in streets),
        ways=tuple(map(fold, data.get("ways", ()))),
        spaced=script.spaced,
        syllables=data.get("syllables", False),
        verb_last=data.get("verb-last", False),
        bare_names=data.get("bare-names", False),
    )


def is_located(reading: Reading, start: int, end: int) -> bool:
    """Whether a name says where something is: "in Kyiv", "Kijevben", "कीव में"."""
    rules = grammar(reading.language)
    folded = reading.folded
    if not rules.spaced:
        if folded.startswith(rules.after, end):
            return True
        before = folded[max(0, start - 2) : start].rstrip()
        return any(before.endswith(word) for word in rules.inside)
    words = folded[max(0, start - 30) : start].split()
    if len(words) > 1 and words[-1] in ARTICLES and words[-2] in rules.inside:
        return True
    if words and words[-1] in rules.inside and folded[start - 1] == " ":
        return True
    name = folded[start:end]
    if len(name) > 4 and name.endswith(rules.locative) and not _is_nominative(name, reading.language):
        return True
    if rules.after:
        following = folded[end : end + 12].split()
        return bool(following) and following[0] in rules.after
    prefix = folded[folded.rfind(" ", 0, start) + 1 : start]
    return 0 < len(prefix) < 4 and prefix in rules.inside


def _is_nominative(name: str, language: str) -> bool:
    """Whether a name itself has an ending that would place another, as London has Hungarian "-on"."""
    return name in tables.names(script_of(language))


_JOINTS = frozenset(" '’")
"""What may stand between a word and the name that it goes with: no comma or full stop."""


def is_street(reading: Reading, start: int, end: int) -> bool:
    """Whether a street, restaurant, district or treaty is called by a place's name: شارع باريس, दिल्ली रोड."""
    rules = grammar(reading.language)
    streets = rules.streets
    if not streets:
        return False
    folded = reading.folded
    if not rules.spaced:
        return folded.startswith(streets, end)
    before, after = f" {folded[max(0, start - 20) : start]}".rstrip(), folded[end : end + 14].split()
    beside = reading.text[start - 1 : start] in _JOINTS and reading.text[start - 2 : start - 1].isalnum()
    if beside and before.endswith(rules.called):
        return True
    return reading.text[end : end + 1] == " " and bool(after) and after[0] in streets


def is_way(reading: Reading, start: int, end: int) -> bool:
    """Whether a name says which way something goes, not who does it: "via Lithuania", "Litvanya üzerinden"."""
    rules = grammar(reading.language)
    if not rules.ways:
        return False
    folded = reading.folded
    if not rules.spaced:
        return folded.endswith(rules.ways, 0, start) or folded.startswith(rules.ways, end)
    before = " ".join(word for word in folded[max(0, start - 30) : start].split() if word not in ARTICLES)
    if before.endswith(rules.ways) and f" {before}".endswith(tuple(f" {way}" for way in rules.ways)):
        return True
    after = folded[end : end + 20].split()
    return bool(after) and after[0] in rules.ways


def words_between(reading: Reading, start: int, end: int) -> list[str]:
    """The words between two offsets; characters where the script has no spaces."""
    text = reading.folded[start:end]
    return text.split() if grammar(reading.language).spaced else list(text.replace(" ", ""))


def is_ours(reading: Reading, start: int, end: int) -> bool:
    """Whether an office is called the outlet's own: "our embassy", büyükelçiliğimiz."""
    rules = grammar(reading.language)
    word, beside = reading.folded[start:end], reading.folded[max(0, start - 14) : end + 8]
    if rules.locative:
        return any(ending in word[4:] for ending in rules.our)
    return any(f" {own} " in f" {beside} " if rules.spaced else own in beside for own in rules.our)
