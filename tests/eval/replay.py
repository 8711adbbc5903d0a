"""The labelled replay: two weeks of interleaved stories in arrival order, through the whole pipeline.

python -m tests.eval.replay --data DIR             figures
python -m tests.eval.replay --data DIR --errors    and every alert and article that is not where it should be
"""

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec

from pipeline.alerting.rules import RuleSet
from pipeline.engines.replay import ReplayResult, replay
from pipeline.model.alert import Alert
from pipeline.model.article import Article, from_input
from pipeline.model.codec import decode
from tests.eval.stories import bcubed, pairwise


class Expected(msgspec.Struct, frozen=True):
    """Labels of one line."""

    story: str
    origin: str


class Labelled(msgspec.Struct, frozen=True):
    """What a line is called, and its labels."""

    id: str
    expect: Expected


class GoldStory(msgspec.Struct, frozen=True):
    """What should come of a story."""

    story: str
    first_alert: dict[str, str]
    """Rule -> the line at which it should alert."""
    origins_at_end: int
    contradicted_by: str | None = None
    withdrawn_by: str | None = None


class Raised(NamedTuple):
    """An alert as it was raised, and as it was in the end."""

    story: str
    """Label of the article that raised it."""
    line: str
    alert: Alert
    last: Alert
    changes: frozenset[str]


class Replayed(NamedTuple):
    """Everything that the figures are made from."""

    labels: Sequence[Labelled]
    gold: Sequence[GoldStory]
    result: ReplayResult
    raised: Sequence[Raised]


def run(folder: Path) -> Replayed:
    """Replays the set."""
    lines = (folder / "replay" / "articles.jsonl").read_bytes().splitlines()
    stories = (folder / "replay" / "stories.jsonl").read_bytes().splitlines()
    labels = [decode(line, Labelled) for line in lines]
    articles = [from_input(line)[1] for line in lines]
    result = replay(articles, RuleSet.starter())
    raised = list(_raised(labels, articles, result.alerts))
    return Replayed(labels, [decode(line, GoldStory) for line in stories], result, raised)


def _raised(labels: Sequence[Labelled], articles: Sequence[Article], alerts: Sequence[Alert]) -> Iterator[Raised]:
    label_of: dict[str, Labelled] = {}
    for article, label in zip(articles, labels, strict=True):
        label_of.setdefault(article.id, label)
    for alert in alerts:
        if alert.change == "raised":
            label = label_of[alert.articles[-1].id]
            history = [each for each in alerts if each.id == alert.id]
            yield Raised(label.expect.story, label.id, alert, history[-1], frozenset(each.change for each in history))


def report(folder: Path) -> list[str]:
    """The figures, a line each."""
    return list(_figures(run(folder)))


def _figures(replayed: Replayed) -> Iterator[str]:
    articles = replayed.result.articles
    stories = bcubed(
        [article.story.id if article and article.story else "" for article in articles],
        [label.expect.story for label in replayed.labels],
    )
    origins = pairwise(
        [article.story.origin if article and article.story else "" for article in articles],
        [label.expect.origin for label in replayed.labels],
    )
    yield f"replay: stories BCubed P {stories.precision:.3f} R {stories.recall:.3f} F1 {stories.f1:.3f}"
    yield f"replay: origins pairwise P {origins.precision:.3f} R {origins.recall:.3f} F1 {origins.f1:.3f}"
    wanted, first = _wanted(replayed), _first(replayed)
    right = sum(key in first for key in wanted)
    placed = sum(first[key].line == line for key, line in wanted.items() if key in first)
    false = len(_false(replayed))
    yield f"replay: alerts {right} of {len(wanted)} raised, {placed} at the right article, {false} false"
    for what, change, stories_of in (
        ("contradictions", "contradicted", {story.story for story in replayed.gold if story.contradicted_by}),
        ("withdrawals", "retracted", {story.story for story in replayed.gold if story.withdrawn_by}),
    ):
        shown = {raised.story for raised in replayed.raised if change in raised.changes}
        right, false = len(shown & stories_of), len(shown - stories_of)
        yield f"replay: {what} {right} of {len(stories_of)} reflected, {false} false"
    alerted = [story for story in replayed.gold if story.first_alert]
    near = sum(abs(_origins(replayed, story.story) - story.origins_at_end) <= 1 for story in alerted)
    yield f"replay: origins right within one in {near} of {len(alerted)} stories"


def _wanted(replayed: Replayed) -> dict[tuple[str, str], str]:
    return {(story.story, rule): line for story in replayed.gold for rule, line in story.first_alert.items()}


def _first(replayed: Replayed) -> dict[tuple[str, str], Raised]:
    first: dict[tuple[str, str], Raised] = {}
    for raised in replayed.raised:
        first.setdefault((raised.story, raised.alert.rule.id), raised)
    return first


def _false(replayed: Replayed) -> list[Raised]:
    """Alerts that nobody wants, and those that tell again what another tells."""
    wanted, first = _wanted(replayed), _first(replayed)
    keys = [(raised.story, raised.alert.rule.id) for raised in replayed.raised]
    return [
        raised
        for key, raised in zip(keys, replayed.raised, strict=True)
        if key not in wanted or first[key] is not raised
    ]


def _origins(replayed: Replayed, story: str) -> int:
    """Most origins of an alert in a story, -9 where there is none."""
    return max((raised.last.origins for raised in replayed.raised if raised.story == story), default=-9)


def errors(replayed: Replayed) -> Iterator[str]:
    """What is not where it should be."""
    wanted, first = _wanted(replayed), _first(replayed)
    for raised in _false(replayed):
        yield f"false: {raised.alert.rule.id} in {raised.story} at {raised.line}: {raised.alert.headline}"
    for (story, rule), line in wanted.items():
        got = first.get((story, rule))
        if got is None or got.line != line:
            found = f"misplaced at {got.line}" if got else "missed"
            yield f"{found}: {rule} in {story}, wanted at {line}"
    for gold in replayed.gold:
        origins = _origins(replayed, gold.story)
        if gold.first_alert and origins != gold.origins_at_end:
            yield f"origins of {gold.story}: {origins} for {gold.origins_at_end}"
    names: dict[str, str] = {}
    for article, label in zip(replayed.result.articles, replayed.labels, strict=True):
        if article and article.story:
            names.setdefault(article.id, label.id)
            place = f"{names.get(article.story.id, '?')} {names.get(article.story.origin, '?')}"
            yield f"{label.id} {label.expect.story} {label.expect.origin} {article.language.code} -> {place}"


def main() -> None:
    """Prints the figures."""
    parser = argparse.ArgumentParser(prog="tests.eval.replay", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of development sets")
    parser.add_argument("--errors", action="store_true", help="every alert and article in the wrong place")
    options = parser.parse_args()
    replayed = run(options.data)
    for line in [*_figures(replayed), *(errors(replayed) if options.errors else ())]:
        print(line)


if __name__ == "__main__":
    main()
