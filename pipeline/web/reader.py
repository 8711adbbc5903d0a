"""What the console asks of an engine: its read side. The embedded engine's `Reader` has it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from pipeline.engines.records import Counts, Record
from pipeline.model.alert import Alert
from pipeline.model.dead_letter import DeadLetter
from pipeline.model.enriched import EnrichedArticle
from pipeline.model.health import SourceHealth
from pipeline.model.story import Story
from pipeline.sinks.embedded_search import SearchPage


class Reads(Protocol):
    """The read side of an engine; called from any thread."""

    def alerts(
        self, *, desk: str | None = None, rule: str | None = None, open_only: bool = False, limit: int = 100
    ) -> list[Alert]: ...

    def alert(self, id: str, /) -> Alert | None: ...  # noqa: A002

    def alert_history(self, id: str, /) -> list[Alert]: ...  # noqa: A002

    def article(self, id: str, /) -> EnrichedArticle | None: ...  # noqa: A002

    def story(self, id: str, /) -> Story | None: ...  # noqa: A002

    def search(
        self,
        query: str,
        *,
        limit: int = 20,
        offset: int = 0,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> SearchPage: ...

    def tail(self, topic: str, after: int, limit: int = 500) -> Sequence[Record]: ...

    def head(self, topic: str) -> int: ...

    def dead_letters(self, limit: int = 100) -> list[tuple[int, DeadLetter]]: ...

    def sources(self) -> list[SourceHealth]: ...

    def counts(self) -> Counts: ...
