"""How one source is doing: what its polls bring and how they fail, made into its health."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import msgspec

from connectors.sdk.schedule import DAY, MINUTE, Pace, averaged
from pipeline.model.article import Article
from pipeline.model.health import FailureKind, SourceHealth, SourceState

SILENT_AFTER = timedelta(days=3)
TELL_EVERY = timedelta(seconds=30)
"""How often health is told that says nothing new: a folder is looked at every second or two."""


class Vitals:
    """Keeps the health of a source up to date.

    Args:
        health: as it was told last.
        clock: the time.
    """

    def __init__(self, health: SourceHealth, clock: Callable[[], datetime]) -> None:
        self.health = health
        self._told = health
        self._clock = clock
        self._counted = health.last_success
        """Up to when the rates are."""
        self._new = 0
        """Items since."""

    def due(self, every: float | None) -> float:
        """Seconds until the first poll after a start; none where it failed: whoever starts again may have mended it."""
        health = self.health
        if health.next_poll is None or health.last_poll is None:
            return 0.0
        if health.failures and health.failure != "rate-limited":
            return 0.0
        planned = health.next_poll
        if every:
            planned = min(planned, health.last_poll + timedelta(seconds=every))
        return min(DAY, max(0.0, (planned - self._clock()).total_seconds()))

    def pace(self) -> Pace:
        """How often new items come."""
        health, now = self.health, self._clock()
        first = health.first_poll or now
        return Pace(
            per_day=health.per_day,
            usual=health.usual_per_day,
            known=(now - first).total_seconds(),
            silent=(now - (health.last_item or first)).total_seconds(),
        )

    def brought(self, articles: Sequence[Article]) -> None:
        """These have been acknowledged."""
        if not articles:
            return
        now = self._clock()
        self._new += len(articles)
        dated = [article.published for article in articles if article.published]
        lag = max(0.0, (now - max(dated)).total_seconds()) if dated else self.health.lag
        self._change(last_item=now, items=self.health.items + len(articles), lag=lag)

    def succeeded(self, wait: float) -> None:
        """A poll, or a part of one, went well, and the next comes after `wait` seconds."""
        now = self._clock()
        last = self.health.last_item
        state: SourceState = "silent" if last and now - last > SILENT_AFTER else "ok"
        self._change(
            state=state,
            last_poll=now,
            last_success=now,
            failures=0,
            failure=None,
            error=None,
            next_poll=now + timedelta(seconds=wait),
        )
        if wait:
            self._count(now)

    def failed(self, kind: FailureKind, error: str, wait: float) -> None:
        """A poll failed, and the next comes after `wait` seconds."""
        now = self._clock()
        self._change(
            state="failing" if self.health.failures < 2 else "backing-off",
            last_poll=now,
            failures=self.health.failures + 1,
            failure=kind,
            error=error,
            next_poll=now + timedelta(seconds=wait),
        )

    def is_news(self) -> bool:
        """Whether health has changed, or half a minute has gone by."""
        told, health = self._told, self.health
        if (told.state, told.items, told.failures) != (health.state, health.items, health.failures):
            return True
        return told.last_poll is None or health.last_poll is None or health.last_poll - told.last_poll >= TELL_EVERY

    def told(self) -> None:
        """Health has been told as it is."""
        self._told = self.health

    def _count(self, now: datetime) -> None:
        """Brings the rates up to date. What was there at the first poll had gathered before."""
        if self.health.first_poll is None or self._counted is None:
            self._change(first_poll=self.health.first_poll or now)
            self._counted, self._new = now, 0
            return
        seconds = (now - self._counted).total_seconds()
        if seconds < MINUTE:
            return
        known = (now - self.health.first_poll).total_seconds()
        self._change(
            per_day=averaged(self.health.per_day, self._new, seconds, known, DAY),
            usual_per_day=averaged(self.health.usual_per_day, self._new, seconds, known, 14 * DAY),
        )
        self._counted, self._new = now, 0

    def _change(self, **changes: object) -> None:
        self.health = msgspec.structs.replace(self.health, **changes)
