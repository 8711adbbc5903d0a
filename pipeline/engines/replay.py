"""Replay: recorded articles through the whole pipeline in memory, each article's `fetched` being the clock."""

from collections.abc import Callable, Iterable, Sequence
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
from pipeline.topics import ALERTS, ARTICLES, ENRICHED

REPORT = 50
"""Articles between two reports of progress."""


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
        read = []
        for done, article in enumerate(given, 1):
            clock.set(article)
            read.append(_read(article, engine))
            if progress and (done % REPORT == 0 or done == len(given)):
                progress(done)
        return _result(read, engine)
    finally:
        engine.close()


class _Revision(msgspec.Struct, frozen=True):
    """An article as enrich sent it: cleaned text may be another revision than the text that was given."""

    id: str
    revision: str


def _read(article: Article, engine: Embedded) -> _Revision | None:
    """Takes an article through the graph; its revision, or None where it became a dead letter."""
    before = engine.reader.head(ENRICHED)
    engine.append([article])
    while engine.process():
        pass
    sent = engine.reader.tail(ENRICHED, before)
    return decode(sent[-1].value, _Revision) if sent else None


def _result(read: Sequence[_Revision | None], engine: Embedded) -> ReplayResult:
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
        dead_letters=[letter for _, letter in reversed(engine.reader.dead_letters(limit=10 * len(read)))],
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
