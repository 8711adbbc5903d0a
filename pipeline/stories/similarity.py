"""How alike two articles are: what they share, weighted by how rarely it is said, less where they contradict."""

from collections.abc import Mapping
from functools import lru_cache
from math import fsum, sqrt
from typing import NamedTuple

from pipeline.stories.facts import slot_of
from pipeline.stories.kinds import Kind
from pipeline.stories.memory import Known
from pipeline.stories.rarity import FIRST_WORD, Lengths, lengths


class Weighed(NamedTuple):
    """An article ready to be compared."""

    weights: Mapping[int, float]
    """Of its features."""
    squares: Mapping[int, float]
    """Of the weights."""
    features: frozenset[int]
    neutral: frozenset[int]
    """Features without words."""
    lengths: Lengths
    language: str
    slots: Mapping[int, frozenset[int]]


def weighed(features: Mapping[int, float], language: str) -> Weighed:
    """Prepares an article whose features have these weights."""
    every = frozenset(features)
    return Weighed(
        weights=features,
        squares={feature: weight * weight for feature, weight in features.items()},
        features=every,
        neutral=frozenset(feature for feature in every if feature < FIRST_WORD),
        lengths=lengths(features),
        language=language,
        slots=slots(every),
    )


def likeness(article: Weighed, known: Known) -> float:
    """Cosine of two articles' weighted features, 0 to 1; words count within one language only."""
    if article.language == known.language:
        shared = article.features & known.feature_set
        length = article.lengths.whole * known.lengths.whole
    else:
        shared = article.neutral & known.feature_set
        length = article.lengths.neutral * known.lengths.neutral
    return fsum(map(article.squares.__getitem__, shared)) / sqrt(length) if shared else 0.0


def contradictions(mine: Mapping[int, frozenset[int]], theirs: Mapping[int, frozenset[int]]) -> int:
    """Slots of the same event that each fills with something the other has not: another embassy, another ambassador."""
    return sum(1 for slot in mine.keys() & theirs.keys() if mine[slot] - theirs[slot] and theirs[slot] - mine[slot])


@lru_cache(maxsize=8192)  # an article of a busy story is compared again and again
def slots(features: frozenset[int]) -> Mapping[int, frozenset[int]]:
    """What an article says of each slot of each event."""
    found: dict[int, set[int]] = {}
    for fact in features:
        if fact >> 28 == _FACT:
            found.setdefault(slot_of(fact), set()).add(fact)
    return {slot: frozenset(values) for slot, values in found.items()}


_FACT = int(Kind.FACT)
