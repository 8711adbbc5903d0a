"""How much a feature says: its kind's weight, times the logarithm of how rarely it is seen in the window."""

from collections.abc import Iterable, Mapping
from math import log
from typing import NamedTuple

from pipeline.stories.kinds import Kind

PRIOR = 200
"""Articles that the expected shares below are worth, against what has been seen."""

EXPECTED = {
    Kind.FACILITY: 0.005,
    Kind.PAIR: 0.01,
    Kind.FACT: 0.01,
    Kind.HAPPENING: 0.05,
    Kind.STATE: 0.06,
    Kind.ORGANISATION: 0.03,
    Kind.PERSON: 0.003,
    Kind.CITY: 0.01,
    Kind.REGION: 0.02,
    Kind.FIGURE: 0.01,
    Kind.NUMBER: 0.04,
    Kind.NAME: 0.005,
    Kind.SHORT_WORD: 0.08,
    Kind.WORD: 0.03,
    Kind.LONG_WORD: 0.012,
    Kind.GRAM: 0.01,
}
"""Share of articles in which a feature of a kind is expected, before any has been seen."""

WEIGHT = {
    Kind.FACILITY: 1.0,
    Kind.PAIR: 0.8,
    Kind.FACT: 1.2,
    Kind.HAPPENING: 0.8,
    Kind.STATE: 1.0,
    Kind.ORGANISATION: 1.0,
    Kind.PERSON: 1.3,
    Kind.CITY: 1.2,
    Kind.REGION: 0.8,
    Kind.FIGURE: 1.2,
    Kind.NUMBER: 0.4,
    Kind.NAME: 0.8,
    Kind.SHORT_WORD: 0.7,
    Kind.WORD: 0.6,
    Kind.LONG_WORD: 1.0,
    Kind.GRAM: 0.5,
}
"""How much a shared feature of a kind says of a shared story."""

FIRST_WORD = Kind.SHORT_WORD << 28
"""Features from here on are words, which only articles of one language can share."""

MOST_USED = 4
"""Times a word is used in an article, at most, as far as it matters."""

_ROOT = [times**0.5 for times in range(MOST_USED + 1)]
_EXPECTED = [PRIOR * EXPECTED[kind] for kind in Kind]
_WEIGHT = [WEIGHT[kind] for kind in Kind]


class Lengths(NamedTuple):
    """Lengths of an article as a vector of weights, squared."""

    neutral: float
    """Without words."""
    whole: float


NO_LENGTHS = Lengths(0.0, 0.0)


def weights(frequency: Mapping[int, int], seen: int, features: Iterable[int]) -> dict[int, float]:
    """Of features, where `seen` articles are in the window and `frequency` says in how many of them each is."""
    get, window = frequency.get, seen + PRIOR
    return {
        feature: _WEIGHT[kind := feature >> 28] * log(window / (get(feature, 0) + _EXPECTED[kind]))
        for feature in features
    }


def most_telling(frequency: Mapping[int, int], seen: int, counted: Mapping[int, int], most: int) -> list[int]:
    """Of features that an article uses so often, the `most` with the highest products of weight and root of that.

    From MOST_USED on a feature is not used more often. The smaller number decides between equals.
    """
    get, window = frequency.get, seen + PRIOR
    worth = {
        feature: _WEIGHT[kind := feature >> 28]
        * log(window / (get(feature, 0) + _EXPECTED[kind]))
        * (_ROOT[times] if times < MOST_USED else _ROOT[MOST_USED])
        for feature, times in counted.items()
    }
    if len(worth) <= most:
        return list(worth)
    least = sorted(worth.values(), reverse=True)[most - 1]
    found = [feature for feature, value in worth.items() if value > least]
    equal = sorted(feature for feature, value in worth.items() if value == least)
    return found + equal[: most - len(found)]


def lengths(weighed: Mapping[int, float]) -> Lengths:
    """The lengths of an article."""
    neutral = whole = 0.0
    for feature in sorted(weighed):
        square = weighed[feature] * weighed[feature]
        whole += square
        if feature < FIRST_WORD:
            neutral += square
    return Lengths(neutral, whole)
