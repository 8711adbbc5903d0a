"""How alike two articles are: what they share, weighted by how rarely it is said, less where they contradict."""

from collections.abc import Iterable
from math import log, sqrt

from pipeline.stories.features import WORDS, Kind, kind_of, slot_of
from pipeline.stories.memory import Memory

PRIOR = 200
"""Articles that the expected shares below are worth, against what has been seen."""

EXPECTED = {
    Kind.FACILITY: 0.005,
    Kind.OWNER: 0.01,
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
    Kind.FACILITY: 1.5,
    Kind.OWNER: 1.0,
    Kind.FACT: 1.2,
    Kind.HAPPENING: 0.8,
    Kind.STATE: 1.0,
    Kind.ORGANISATION: 1.0,
    Kind.PERSON: 1.3,
    Kind.CITY: 1.2,
    Kind.REGION: 0.6,
    Kind.FIGURE: 0.8,
    Kind.NUMBER: 0.5,
    Kind.NAME: 0.8,
    Kind.SHORT_WORD: 0.5,
    Kind.WORD: 0.6,
    Kind.LONG_WORD: 0.7,
    Kind.GRAM: 0.5,
}
"""How much a shared feature of a kind says of a shared story."""

CONTRADICTION = 0.35
"""What is left of a likeness for every slot of an event that two articles fill differently."""


def weight(memory: Memory, feature: int) -> float:
    """Of a feature in a comparison: its kind's, times the logarithm of its rarity in the window."""
    kind = kind_of(feature)
    seen = len(memory.ageing)
    share = (memory.frequency.get(feature, 0) + PRIOR * EXPECTED[kind]) / (seen + PRIOR)
    return WEIGHT[kind] * max(log(1 / share), 0.1)


def weights(memory: Memory, features: Iterable[int]) -> dict[int, float]:
    """The weight of every feature."""
    return {feature: weight(memory, feature) for feature in features}


def likeness(memory: Memory, article: dict[int, float], other: frozenset[int], *, same_language: bool) -> float:
    """Cosine of two articles' weighted features, 0 to 1; words count within one language only."""
    shared = length = other_length = 0.0
    for feature, value in article.items():
        if same_language or feature >> 28 not in WORDS:
            length += value * value
            if feature in other:
                shared += value * value
    if not shared:
        return 0.0
    for feature in other:
        if same_language or feature >> 28 not in WORDS:
            value = article.get(feature) or weight(memory, feature)
            other_length += value * value
    return shared / sqrt(length * other_length) * CONTRADICTION ** contradictions(article, other)


def contradictions(article: Iterable[int], other: Iterable[int]) -> int:
    """Slots of the same event that both fill, and none alike: another embassy, another city, another ambassador."""
    mine, theirs = _slots(article), _slots(other)
    return sum(1 for slot in mine.keys() & theirs.keys() if not mine[slot] & theirs[slot])


def _slots(features: Iterable[int]) -> dict[int, set[int]]:
    slots: dict[int, set[int]] = {}
    for feature in features:
        if feature >> 28 == Kind.FACT:
            slots.setdefault(slot_of(feature), set()).add(feature)
    return slots
