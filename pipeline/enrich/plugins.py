"""Enrichers of one's own: functions that installed packages offer under the entry point group `wirewatch.enrichers`.

Each takes an EnrichedArticle and gives one back, before any rule is asked. None runs that has not been chosen
(setting `enrichers`); those chosen run in their order. See docs/enrichers.md.
"""

import logging
from collections import Counter
from collections.abc import Callable
from importlib.metadata import entry_points
from threading import Thread

from pipeline.model.enriched import EnrichedArticle

GROUP = "wirewatch.enrichers"
BUDGET = 0.5
"""Seconds that an article may take, unless the function has an attribute `budget`."""

Enricher = Callable[[EnrichedArticle], EnrichedArticle]

log = logging.getLogger("wirewatch.enrich")


class _Plugin:
    """An enricher under its budget; whatever goes wrong leaves the article as it was, is counted, and is said once."""

    def __init__(self, name: str, function: Enricher) -> None:
        self.name, self._function = name, function
        self._budget = float(getattr(function, "budget", BUDGET))
        self._running: Thread | None = None
        self.failures: Counter[str] = Counter()

    def __call__(self, article: EnrichedArticle) -> EnrichedArticle:
        if self._running is not None and self._running.is_alive():
            return self._left(article, f"is still busy with an article that took longer than {self._budget:g} s")
        answers: list[object] = []
        self._running = Thread(target=self._work, args=(article, answers), daemon=True, name=f"enricher {self.name}")
        self._running.start()
        self._running.join(self._budget)
        if not answers:
            return self._left(article, f"took longer than {self._budget:g} s")
        answer = answers[0]
        if isinstance(answer, Exception):
            return self._left(article, f"failed with {type(answer).__name__}: {answer}")
        if not isinstance(answer, EnrichedArticle) or (answer.id, answer.revision) != (article.id, article.revision):
            return self._left(article, "gave back something else than the article")
        return answer

    def _work(self, article: EnrichedArticle, answers: list[object]) -> None:
        try:
            answers.append(self._function(article))
        except Exception as error:
            answers.append(error)

    def _left(self, article: EnrichedArticle, why: str) -> EnrichedArticle:
        self.failures[why] += 1
        if self.failures.total() == 1:
            log.warning("enricher `%s` %s; article %s and others like it stay as they are", self.name, why, article.id)
        return article


_chosen: list[_Plugin] = []


def add(*names: str) -> None:
    """Chooses enrichers, to run behind those chosen already; each runs once.

    Raises:
        ValueError: no installed package offers one of this name, or it cannot be loaded.
    """
    for name in dict.fromkeys(names):
        if name in own():
            continue
        offered = {found.name: found for found in entry_points(group=GROUP)}
        if name not in offered:
            raise ValueError(f"enrichers: no `{name}` is installed; there are: {', '.join(sorted(offered)) or 'none'}")
        try:
            function = offered[name].load()
        except Exception as error:
            raise ValueError(f"enrichers: `{name}` cannot be loaded: {error}") from error
        _chosen.append(_Plugin(name, function))


def own() -> tuple[str, ...]:
    """The names of those chosen, in their order."""
    return tuple(plugin.name for plugin in _chosen)


def failures() -> dict[str, int]:
    """How often each of those chosen left an article as it was, though it should not have."""
    return {plugin.name: plugin.failures.total() for plugin in _chosen}


def apply(article: EnrichedArticle) -> EnrichedArticle:
    """The article after all enrichers chosen."""
    for plugin in _chosen:
        article = plugin(article)
    return article
