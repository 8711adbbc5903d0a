"""Vocabulary: everything that is looked for in a language (names, concepts, words of themes), found in one pass."""

import gc
from functools import cache
from itertools import chain
from typing import NamedTuple

from pipeline.enrich import lexicon, names, themes
from pipeline.enrich.lexicon import Hit, LetterMatcher, Matcher, WordMatcher, morphology


class Found(NamedTuple):
    """What stands in a text, each in order of start."""

    names: list[Hit]
    """As `names.judge` leaves them."""
    words: list[Hit]
    """Concepts; they may overlap."""
    themes: list[Hit]


def find(text: str, folded: str, language: str) -> Found:
    """Everything of a language's vocabulary in a text."""
    found: dict[str, list[Hit]] = {"word": [], "theme": []}
    others: list[Hit] = []
    for hit in matcher(language).find(folded):
        found.get(hit[2], others).append(hit)
    return Found(names.judge(others, text, language), found["word"], found["theme"])


@cache
def matcher(language: str) -> Matcher:
    """The vocabulary of a language, compiled."""
    script, towns = morphology(language).script, names.Towns(language)
    patterns = chain(names.patterns(language), lexicon.concepts(language), themes.patterns(language))
    if script.spaced:
        made: Matcher = WordMatcher(chain(patterns, towns.changing()), script, towns.around)
    else:
        made = LetterMatcher(chain(patterns, towns.every()))
    gc.freeze()  # it stays for good: the garbage collector need not walk it again and again
    return made
