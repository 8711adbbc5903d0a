"""Which story an article tells, judged by the articles of the last days that share most with it."""

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping
from functools import lru_cache
from itertools import chain
from math import fsum, sqrt
from typing import NamedTuple

from pipeline.stories.credits import key_of
from pipeline.stories.memory import DAY, JOINING, Known, Memory, neutral, posted
from pipeline.stories.rarity import FIRST_WORD
from pipeline.stories.similarity import contradictions, likeness, slots, weighed

TELLING = 24
"""Features of an article, the rarest first, by which others are looked for."""
COMPARED = 24
"""Articles that it is compared with in full."""
LOOKED_UP = 600
"""Articles that these features may lead to, one that has several counted as often: what is left then is common."""
JOIN = 0.25
"""Likeness from which an article joins a story."""
MAY_JOIN = 0.12
"""Likeness from which it joins where no other story is nearly as like it."""
APART = 2.0
"""How much more like the article a story must be than the next one, for that."""
MERGE = 0.37
"""Likeness of two stories, all articles of each taken together, from which they are one."""
POOLED = 24
"""Latest articles of a story that speak for it then."""
CONTRADICTION = 0.25
"""What is left of a likeness for every slot of an event that two articles fill differently; less than enough to join a
story is then nothing at all."""
CREDIT = 1.5
"""How much more an article is like one whose outlet it credits."""
HALVED = 7 * DAY
"""Time in which a likeness loses half of its weight."""


class Joined(NamedTuple):
    """The outcome for an article."""

    story: bytes
    """Empty where it tells a story of its own."""
    merged: tuple[bytes, ...]
    """Stories that are the same as this one, as the article shows."""


def story_of(
    memory: Memory,
    *,
    article: bytes,
    features: frozenset[int],
    language: str,
    credited: Collection[int],
    now: int,
) -> Joined:
    """The story that an article joins."""
    scores = story_scores(memory, article=article, features=features, language=language, credited=credited, now=now)
    ranked = sorted(scores, key=lambda story: (-scores[story], story))
    if not ranked:
        return Joined(b"", ())
    best, next_best = scores[ranked[0]], scores[ranked[1]] if len(ranked) > 1 else 0.0
    if best < JOIN and best < max(MAY_JOIN, APART * next_best):
        return Joined(b"", ())
    mine: Mapping[int, float] = {}
    same = []
    for story in ranked[1:4]:
        if scores[story] >= MAY_JOIN:
            mine = mine or _pooled(memory, ranked[0], features)
            if _one(mine, _pooled(memory, story)):
                same.append(story)
    first = min(ranked[0], *same, key=lambda story: (memory.first(story), story)) if same else ranked[0]
    return Joined(first, tuple(story for story in (ranked[0], *same) if story != first))


def _one(mine: Mapping[int, float], theirs: Mapping[int, float]) -> bool:
    """Whether two stories are one: all their articles together are alike."""
    shared = fsum(mine[feature] * theirs[feature] for feature in mine.keys() & theirs.keys())
    lengths = fsum(weight * weight for weight in mine.values()) * fsum(weight * weight for weight in theirs.values())
    return shared > 0 and shared / sqrt(lengths) >= MERGE


def _pooled(memory: Memory, story: bytes, more: frozenset[int] = frozenset()) -> Mapping[int, float]:
    """What the latest articles of a story say, words left out: in full what half of them say, less what fewer do."""
    articles = tuple(memory.articles[name].features for name in memory.stories[story].articles[-POOLED:])
    counts, half = _counted(articles), len(articles) / 2
    if more:
        counts, half = counts.copy(), half + 0.5
        counts.update(feature for feature in more if feature < FIRST_WORD)
    weights = memory.weights(counts)
    return {
        feature: weights[feature] * (sqrt(count / half) if count < half else 1.0) for feature, count in counts.items()
    }


@lru_cache(maxsize=128)  # a story without news is asked for again and again
def _counted(articles: tuple[bytes, ...]) -> Counter[int]:
    """How many of these articles, by their packed features, have each feature, words left out."""
    return Counter(chain.from_iterable(map(neutral, articles)))


def story_scores(
    memory: Memory,
    *,
    article: bytes,
    features: frozenset[int],
    language: str,
    credited: Collection[int],
    now: int,
) -> dict[bytes, float]:
    """How like an article is to each story that comes into question, 0 to about 1."""
    mine = weighed(memory.weights(features), language)
    likes: dict[bytes, list[float]] = {}
    for known in _nearby(memory, article, mine.weights, now):
        value = likeness(mine, known) * 0.5 ** ((now - known.at) / HALVED)
        if key_of("source", known.source) in credited:
            value *= CREDIT
        elif mine.slots and (differ := contradictions(mine.slots, slots(known.feature_set))):
            value *= CONTRADICTION**differ
            value = value if value >= JOIN else 0.0
        likes.setdefault(known.story, []).append(value)
    return {story: _together(values) for story, values in likes.items()}


def _together(values: list[float]) -> float:
    return 0.9 * max(values) + 0.1 * sum(values) / len(values)


def _nearby(memory: Memory, article: bytes, weights: Mapping[int, float], now: int) -> list[Known]:
    """Articles that share the most telling features with this one."""
    shared: defaultdict[bytes, float] = defaultdict(float)
    ranked = sorted(weights, key=lambda feature: (-weights[feature], feature))
    neutral = [feature for feature in ranked if feature < FIRST_WORD][:TELLING]
    words = [feature for feature in ranked if feature >= FIRST_WORD][: TELLING // 2]
    left = LOOKED_UP
    for feature in sorted(neutral + words, key=lambda feature: (-weights[feature], feature)):
        value, names = weights[feature], posted(memory.postings, feature)
        for name in names:
            shared[name] += value
        left -= len(names)
        if left < 0:
            break
    found = []
    for name in _best(shared, 2 * COMPARED):
        known = memory.articles.get(name)
        if known and known.features and name != article and now - known.at <= JOINING:
            found.append(known)
            if len(found) == COMPARED:
                break
    return found


def _best(values: Mapping[bytes, float], most: int) -> list[bytes]:
    """The names with the highest values, the smaller name first of equals; all that equal the last of `most`."""
    least = sorted(values.values())[-most] if len(values) > most else 0.0
    best = [name for name, value in values.items() if value >= least]
    return sorted(best, key=lambda name: (-values[name], name))
