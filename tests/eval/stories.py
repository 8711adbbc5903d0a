"""How well articles are gathered into stories, on two public sets: one across languages, one of look-alikes."""

from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from pipeline.enrich import enrich
from pipeline.model.codec import decode, encode
from pipeline.model.enriched import EnrichedArticle
from pipeline.stage import Message
from pipeline.stories.relate import Relate
from tests.eval.material import article_of, records

SETS = {"stories-crosslingual": 0.405, "stories-lookalike": 0.865}
"""With the BCubed F1 of a single pass over TF-IDF."""


class Score(NamedTuple):
    """Precision, recall and their harmonic mean."""

    precision: float
    recall: float
    f1: float


def bcubed(got: Sequence[Hashable], want: Sequence[Hashable]) -> Score:
    """BCubed scores of a clustering (Bagga and Baldwin 1998): averages over items, so that every item counts alike."""
    ours, theirs = _members(got), _members(want)
    pairs = list(zip(got, want, strict=True))
    shared = [len(ours[mine] & theirs[gold]) for mine, gold in pairs]
    precision = sum(n / len(ours[mine]) for n, (mine, _) in zip(shared, pairs, strict=True)) / len(pairs)
    recall = sum(n / len(theirs[gold]) for n, (_, gold) in zip(shared, pairs, strict=True)) / len(pairs)
    return Score(precision, recall, 2 * precision * recall / (precision + recall))


def pairwise(got: Sequence[Hashable], want: Sequence[Hashable]) -> Score:
    """Scores over pairs of items: together or not."""
    ours, theirs = _pairs(got), _pairs(want)
    both = len(ours & theirs)
    precision, recall = both / max(len(ours), 1), both / max(len(theirs), 1)
    return Score(precision, recall, 2 * both / max(len(ours) + len(theirs), 1))


def _members(labels: Sequence[Hashable]) -> dict[Hashable, set[int]]:
    members: dict[Hashable, set[int]] = defaultdict(set)
    for index, label in enumerate(labels):
        members[label].add(index)
    return members


def _pairs(labels: Sequence[Hashable]) -> set[tuple[int, int]]:
    return {
        (one, other) for members in _members(labels).values() for one in members for other in members if one < other
    }


def related(articles: Iterable[EnrichedArticle]) -> Iterator[EnrichedArticle]:
    """The articles with their stories, as the stage alone gives them, a minute apart."""
    stage = Relate()
    state = stage.empty()
    for offset, article in enumerate(articles, 1):
        now = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=offset)
        decision = stage.decide(state, Message(article.id, encode(article), offset, now))
        for change in decision.changes:
            stage.fold(state, change)
        yield decode(decision.effects[0].value, EnrichedArticle)


def report(folder: Path) -> list[str]:
    """A line for each set."""
    lines = []
    for name, naive in SETS.items():
        rows = records(folder, name)
        articles = list(related(enrich(article_of(row)) for row in rows))
        score = bcubed([_story(article) for article in articles], [row["gold"]["story"] for row in rows])
        lines.append(f"{name}: BCubed P {score.precision:.3f} R {score.recall:.3f} F1 {score.f1:.3f} (naive {naive})")
    return lines


def _story(article: EnrichedArticle) -> str:
    return article.story.id if article.story else ""
