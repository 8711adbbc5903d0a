"""The embedded engine over what Kafka recorded: the same articles and alerts must come of it, field by field."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

import msgspec

from pipeline.alerting.correlate import Correlate
from pipeline.alerting.rules import RuleSet
from pipeline.engines.embedded import Embedded
from pipeline.engines.store import Entry
from pipeline.model import cloudevent
from pipeline.model.alert import Alert
from pipeline.model.codec import decode
from pipeline.model.enriched import EnrichedArticle
from pipeline.stories.relate import Relate
from pipeline.topics import ALERTS, ARTICLES, DESKS, ENRICHED, desk_topic
from tests.stack.topics import records


class Held(NamedTuple):
    """What there is at the ends of the pipeline."""

    articles: dict[Any, EnrichedArticle]
    """By id and revision."""
    alerts: dict[Any, Alert]
    """By id and sequence."""
    doubles: int
    """Second bodies for the same key; a repeat of the same body is none."""


def held(articles: Iterable[EnrichedArticle], alerts: Iterable[Alert]) -> Held:
    """Articles and alerts by what they are."""
    by_revision: dict[Any, EnrichedArticle] = {}
    by_sequence: dict[Any, Alert] = {}
    doubles = sum(by_revision.setdefault((one.id, one.revision), one) != one for one in articles)
    doubles += sum(by_sequence.setdefault((one.id, one.sequence), one) != one for one in alerts)
    return Held(by_revision, by_sequence, doubles)


def on_kafka(bootstrap: str) -> Held:
    """Finished articles and changes of alerts, as the topics hold them."""
    return held(
        [decode(record.value, EnrichedArticle) for record in records(bootstrap, ARTICLES) if record.value],
        [cloudevent.alert_of(r.value) for desk in DESKS for r in records(bootstrap, desk_topic(desk))],
    )


def embedded(recorded: Sequence[Any], rules: RuleSet) -> Held:
    """The same from the embedded engine, given all records of the enriched articles in their order."""
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
    return held(articles, alerts)
