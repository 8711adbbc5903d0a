"""Where the time goes: what each step of an article's way costs, through the embedded engine in one process."""

import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from pkgutil import resolve_name
from typing import Any

from pipeline.alerting.rules import RuleSet
from pipeline.engines import ahead
from pipeline.engines.embedded import ROUND, Embedded
from pipeline.model.article import Article
from tests.bench.texts import long_articles

STEPS = {
    "read and write JSON": (
        *("pipeline.enrich.stage:decode", "pipeline.enrich.stage:encode"),
        *("pipeline.stories.relate:decode", "pipeline.stories.relate:encode", "pipeline.sinks.embedded_search:encode"),
    ),
    "enrich: clean": ("pipeline.enrich:clean",),
    "enrich: language": ("pipeline.enrich:identify",),
    "enrich: fold": ("pipeline.enrich.reading:Reading.folded",),
    "enrich: words and names": ("pipeline.enrich.vocabulary:find",),
    "enrich: sentences": (
        *("pipeline.enrich.reading:Reading.sentences", "pipeline.enrich.reading:Reading.words_by_sentence"),
    ),
    "enrich: places": ("pipeline.enrich.places:settle", "pipeline.enrich.places:collect"),
    "enrich: persons": ("pipeline.enrich.persons:collect",),
    "enrich: states and organs": (
        *("pipeline.enrich.states:judge", "pipeline.enrich.states:is_political", "pipeline.enrich.states:sides"),
        *("pipeline.enrich.actors:collect", "pipeline.enrich.actors:organs"),
    ),
    "enrich: facilities": ("pipeline.enrich.facilities:compose", "pipeline.enrich.states:parties"),
    "enrich: events": ("pipeline.enrich.events:read",),
    "enrich: who speaks": ("pipeline.enrich.speech:_Finder.find",),
    "enrich: claims": ("pipeline.enrich.claims:read", "pipeline.enrich.claims:withdraws"),
    "enrich: themes": ("pipeline.enrich.themes:read",),
    "enrich: rules": ("pipeline.alerting.rules:RuleSet.apply",),
    "enrich: all else": ("pipeline.enrich.stage:enrich",),
    "relate: what is compared": ("pipeline.stories.relate:traits",),
    "relate: copies": ("pipeline.stories.relate:nearest_copy",),
    "relate: story": ("pipeline.stories.relate:story_of",),
    "relate: origin": ("pipeline.stories.relate:account_of", "pipeline.stories.relate:_credited"),
    "relate: all else": ("pipeline.stories.relate:Relate.decide", "pipeline.stories.relate:Relate.fold"),
    "correlate": ("pipeline.alerting.correlate:Correlate.decide", "pipeline.alerting.correlate:Correlate.fold"),
    "search: words": ("pipeline.sinks.embedded_search:_words",),
    "search: index": ("pipeline.sinks.embedded_search:EmbeddedSearch.index",),
    "SQLite: write": ("pipeline.engines.embedded:Embedded._write", "pipeline.engines.embedded:Embedded.append"),
    "SQLite: read, and the rest": ("pipeline.engines.embedded:Embedded.process",),
}
"""Steps and the functions that do them; the time of one within another is its own alone."""


class Clock:
    """Seconds of this thread's own processor time, by step."""

    def __init__(self) -> None:
        self.spent: defaultdict[str, float] = defaultdict(float)
        self._within: list[float] = []
        """Of each step that is running, what steps within it have taken."""

    def watch(self, step: str, place: str) -> None:
        """Puts a function that takes its time in the place of another: `module:function` or `module:Class.method`."""
        module, _, within = place.partition(":")
        *path, name = within.split(".")
        owner = resolve_name(f"{module}:{'.'.join(path)}" if path else module)
        found = vars(owner)[name]
        if isinstance(found, cached_property):
            found.func = self._timed(step, found.func)
        else:
            setattr(owner, name, self._timed(step, found))

    def _timed(self, step: str, work: Callable[..., Any]) -> Callable[..., Any]:
        def timed(*args: Any, **named: Any) -> Any:
            self._within.append(0.0)
            started = time.thread_time()
            try:
                return work(*args, **named)
            finally:
                took = time.thread_time() - started
                self.spent[step] += took - self._within.pop()
                if self._within:
                    self._within[-1] += took

        return timed


def profile(quick: bool, now: Callable[[list[Article]], list[Article]]) -> dict[str, float]:
    """Milliseconds of one core's time that an article costs, by step, in the order of STEPS; taking them costs 0.1.

    Args:
        quick: a rougher measurement.
        now: makes articles that have just come.
    """
    before, count = (200, 200) if quick else (500, 1000)
    articles = now(list(long_articles(before + count, seed=1)))
    clock = Clock()
    for step, places in STEPS.items():
        for place in places:
            clock.watch(step, place)
    ahead.spare_cores = lambda: 0
    with tempfile.TemporaryDirectory() as folder:
        engine = Embedded(Path(folder) / "wirewatch.db", RuleSet.starter())
        for start in range(0, before + count, ROUND):
            if start == before:
                clock.spent.clear()
            engine.append(articles[start : start + ROUND])
            while engine.process(ROUND):
                pass
        engine.close()
    return {step: 1000 * clock.spent[step] / count for step in STEPS}
