"""Vocabulary: everything that is looked for in a language (names, concepts, words of themes), found in one pass."""

import gc
from functools import cache
from itertools import chain
from typing import NamedTuple

from pipeline.enrich import lexicon, names, themes
from pipeline.enrich.lexicon import UNJOINED, Hit, LetterMatcher, Matcher, WordMatcher, morphology

COLLECTED = (20_000, 10, 20)
"""When Python looks for circles of objects: an article makes thousands of small ones and no circle."""


class Found(NamedTuple):
    """What stands in a text, each in order of start."""

    names: list[Hit]
    """As `names.judge` leaves them."""
    words: list[Hit]
    """Concepts; they may overlap."""
    themes: list[Hit]


def find(text: str, folded: str, language: str) -> Found:
    """Everything of a language's vocabulary in a text."""
    hits = matcher(language).find(folded)
    words = [_new(Hit, hit) for hit in hits if hit[2] == "word"]
    of_themes = [_new(Hit, hit) for hit in hits if hit[2] == "theme"]
    others = [hit for hit in hits if hit[2] not in UNJOINED]
    return Found(names.judge(others, text, language), _apart(words), of_themes)


_new = tuple.__new__  # what Hit._make calls


def _apart(words: list[Hit]) -> list[Hit]:
    """Without the embassies whose stem is only the beginning of an ambassador (ambasad-or)."""
    envoys = {hit[:2] for hit in words if hit[3] == "ambassador"}
    return [hit for hit in words if hit[3] != "embassy" or hit[:2] not in envoys] if envoys else words


@cache
def matcher(language: str) -> Matcher:
    """The vocabulary of a language, compiled."""
    script, towns = morphology(language).script, names.Towns(language)
    patterns = chain(names.patterns(language), lexicon.concepts(language), themes.patterns(language))
    if script.spaced:
        made: Matcher = WordMatcher(chain(patterns, towns.changing()), script, towns.around)
    else:
        made = LetterMatcher(chain(patterns, towns.every()))
    gc.set_threshold(*COLLECTED)
    gc.freeze()  # it stays for good: the garbage collector need not walk it again and again
    return made
