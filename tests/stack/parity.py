"""The embedded engine over what Kafka recorded: the same articles and alerts must come of it, field by field."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

from pipeline.alerting.correlate import Correlate
from pipeline.alerting.rules import RuleSet
from pipeline.engines.embedded import Embedded
from pipeline.engines.store import Entry
from pipeline.model.alert import Alert
from pipeline.model.codec import decode
from pipeline.model.enriched import EnrichedArticle
from pipeline.stories.relate import Relate
from pipeline.topics import ALERTS, ARTICLES, ENRICHED
from tests.stack.topics import records

Alerts = dict[tuple[str, int], Alert]
"""By id and sequence."""


class DifferentError(AssertionError):
    """Two bodies where there must be one."""


def once(pairs: Sequence[tuple[Any, Any]]) -> dict[Any, Any]:
    """Pairs as a mapping; what comes again must be the same.

    Raises:
        DifferentError: it is not.
    """
    made: dict[Any, Any] = {}
    for key, value in pairs:
        if made.setdefault(key, value) != value:
            raise DifferentError(f"two bodies for {key}")
    return made


def on_kafka(bootstrap: str) -> tuple[dict[tuple[str, str], EnrichedArticle], Alerts]:
    """Finished articles by id and revision, and alerts by id and sequence, as the topics hold them."""
    articles = [decode(record.value, EnrichedArticle) for record in records(bootstrap, ARTICLES) if record.value]
    alerts = [decode(record.value, Alert) for record in records(bootstrap, ALERTS) if record.value]
    return (
        once([((article.id, article.revision), article) for article in articles]),
        once([((alert.id, alert.sequence), alert) for alert in alerts]),
    )


def embedded(bootstrap: str, rules: RuleSet) -> tuple[dict[tuple[str, str], EnrichedArticle], Alerts]:
    """The same from the embedded engine, given the recorded order and times of the enriched articles."""
    recorded = records(bootstrap, ENRICHED)
    first = datetime.fromtimestamp(min(record.timestamp for record in recorded) / 1000 - 3600, UTC)
    engine = Embedded(":memory:", rules, clock=lambda: first, graph=(Relate(), Correlate()), searchable=False)
    try:
        with engine._store.transaction():
            engine._store.write(
                [Entry(ENRICHED, record.key.decode(), record.value, 1000 * record.timestamp) for record in recorded]
            )
        while engine.process():
            pass
        articles = [decode(record.value, EnrichedArticle) for record in engine.reader.tail(ARTICLES, 0, 10**6)]
        alerts = [decode(record.value, Alert) for record in engine.reader.tail(ALERTS, 0, 10**6)]
    finally:
        engine.close()
    # Kafka counts offsets from 0, SQLite from 1.
    articles = [msgspec.structs.replace(article, version=(article.version or 1) - 1) for article in articles]
    return (
        once([((article.id, article.revision), article) for article in articles]),
        once([((alert.id, alert.sequence), alert) for alert in alerts]),
    )
