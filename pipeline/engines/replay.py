"""Replay: recorded articles through the whole pipeline in memory, each article's `fetched` being the clock."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

import msgspec

from pipeline.alerting.rules import RuleSet
from pipeline.engines.embedded import Embedded
from pipeline.engines.store import MEMORY
from pipeline.model.alert import Alert
from pipeline.model.article import Article
from pipeline.model.codec import decode
from pipeline.model.dead_letter import DeadLetter
from pipeline.model.enriched import EnrichedArticle
from pipeline.stage import AnyStage
from pipeline.topics import ALERTS, ARTICLES, ENRICHED, RAW

REPORT = 50
"""Articles between two reports of progress, at most."""


class ReplayResult(NamedTuple):
    """What came of a replay."""

    articles: Sequence[EnrichedArticle | None]
    """For every article given, in order: the finished article of the first copy of its revision, in the story that it
    belongs to in the end; None where it became a dead letter."""
    alerts: Sequence[Alert]
    """Every change of every alert, in order."""
    dead_letters: Sequence[DeadLetter]
    """What could not be handled, oldest first."""


class _Clock:
    """Shows the time that it was last set to."""

    def __init__(self) -> None:
        self.time: datetime | None = None

    def set(self, article: Article) -> None:
        """To when the article was fetched; where that is unknown it stands still."""
        self.time = article.fetched or self.time or article.published

    def __call__(self) -> datetime:
        return self.time or datetime(1970, 1, 1, tzinfo=UTC)


def replay(
    articles: Iterable[Article],
    rules: RuleSet,
    *,
    progress: Callable[[int], None] | None = None,
    graph: Sequence[AnyStage] | None = None,
) -> ReplayResult:
    """Runs the articles, in arrival order, through the same stages as the live engine; nothing is written to disk.

    The same articles and rules give the same result, to the letter.

    Args:
        articles: in arrival order. A time earlier than one before it counts as that one.
        rules: asked of every article.
        progress: told how many articles are done, now and then and at the end.
        graph: stages to run instead of the topology's.
    """
    given = list(articles)
    clock = _Clock()
    for article in given[:1]:
        clock.set(article)
    engine = Embedded(MEMORY, rules, clock=clock, graph=graph, searchable=False)
    try:
        taken_in = [_append(article, clock, engine) for article in given]
        while engine.process(REPORT):
            if progress:
                progress(len(given) - engine.counts().lag["enrich"])
        return _result(taken_in, engine)
    finally:
        engine.close()


class _Revision(msgspec.Struct, frozen=True):
    """An article as enrich sent it: cleaned text may be another revision than the text that was given."""

    id: str
    revision: str


def _append(article: Article, clock: _Clock, engine: Embedded) -> bool:
    """Whether the article could be taken in."""
    clock.set(article)
    before = engine.reader.head(RAW)
    engine.append([article])
    return engine.reader.head(RAW) > before


def _revisions(taken_in: Sequence[bool], letters: Sequence[DeadLetter], engine: Embedded) -> Iterator[_Revision | None]:
    """What enrich sent of every article given; None where it became a dead letter."""
    lost = {letter.offset for letter in letters if letter.topic == RAW}
    sent = (decode(value, _Revision) for value in _values(engine, ENRICHED))
    offset = 0
    for taken in taken_in:
        offset += taken
        yield next(sent) if taken and offset not in lost else None


def _result(taken_in: Sequence[bool], engine: Embedded) -> ReplayResult:
    listed = engine.reader.dead_letters(limit=10 * len(taken_in))
    letters = sorted((letter for _, letter in reversed(listed)), key=lambda letter: letter.at)
    read = list(_revisions(taken_in, letters, engine))
    first: dict[_Revision, EnrichedArticle] = {}
    merges: dict[str, str] = {}
    for article in (decode(value, EnrichedArticle) for value in _values(engine, ARTICLES)):
        first.setdefault(_Revision(article.id, article.revision), article)
        if article.story:
            _merge(merges, article.story.merged, article.story.id)
    finished = {revision: _in_its_last_story(article, merges) for revision, article in first.items()}
    return ReplayResult(
        articles=[finished.get(revision) if revision else None for revision in read],
        alerts=[decode(value, Alert) for value in _values(engine, ALERTS)],
        dead_letters=letters,
    )


def _values(engine: Embedded, topic: str) -> Iterable[bytes]:
    after = 0
    while records := engine.reader.tail(topic, after):
        for record in records:
            after = record.offset
            yield record.value


def _merge(merges: dict[str, str], taken_in: Sequence[str], story: str) -> None:
    """Every story that has been taken in, and the one that its articles are in now."""
    for old, into in merges.items():
        if into in taken_in:
            merges[old] = story
    merges.update(dict.fromkeys(taken_in, story))


def _in_its_last_story(article: EnrichedArticle, merges: dict[str, str]) -> EnrichedArticle:
    if article.story is None or article.story.id not in merges:
        return article
    return msgspec.structs.replace(article, story=msgspec.structs.replace(article.story, id=merges[article.story.id]))
