"""How alike two articles are: what they share, weighted by how rarely it is said, less where they contradict."""

from collections.abc import Iterable, Mapping
from math import sqrt
from typing import NamedTuple

from pipeline.stories.facts import slot_of
from pipeline.stories.kinds import Kind
from pipeline.stories.memory import Known
from pipeline.stories.rarity import FIRST_WORD, Lengths, lengths


class Weighed(NamedTuple):
    """An article ready to be compared."""

    features: Mapping[int, float]
    lengths: Lengths
    language: str
    slots: Mapping[int, frozenset[int]]


def weighed(features: Mapping[int, float], language: str) -> Weighed:
    """Prepares an article whose features have these weights."""
    return Weighed(features, lengths(features), language, slots(features))


def likeness(article: Weighed, known: Known) -> float:
    """Cosine of two articles' weighted features, 0 to 1; words count within one language only."""
    shared = sorted(known.features.intersection(article.features))
    if article.language == known.language:
        length = article.lengths.whole * known.lengths.whole
    else:
        shared = [feature for feature in shared if feature < FIRST_WORD]
        length = article.lengths.neutral * known.lengths.neutral
    if not shared:
        return 0.0
    values = article.features
    product = sum(values[feature] * values[feature] for feature in shared)
    return product / sqrt(length)


def contradictions(mine: Mapping[int, frozenset[int]], theirs: Mapping[int, frozenset[int]]) -> int:
    """Slots of the same event that each fills with something the other has not: another embassy, another ambassador."""
    return sum(1 for slot in mine.keys() & theirs.keys() if mine[slot] - theirs[slot] and theirs[slot] - mine[slot])


def slots(features: Iterable[int]) -> dict[int, frozenset[int]]:
    """What an article says of each slot of each event."""
    facts = [feature for feature in features if feature >> 28 == _FACT]
    found: dict[int, set[int]] = {}
    for fact in facts:
        found.setdefault(slot_of(fact), set()).add(fact)
    return {slot: frozenset(values) for slot, values in found.items()}


_FACT = int(Kind.FACT)
