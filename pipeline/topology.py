"""The whole graph as data: the topics, and the stages between them. An engine runs this list and nothing else."""

from typing import get_args

from pipeline.alerting.correlate import Correlate
from pipeline.alerting.rules import RuleSet
from pipeline.enrich.stage import Enrich
from pipeline.model.alert import Desk
from pipeline.stage import AnyStage
from pipeline.stories.relate import Relate

RAW = "articles.raw.v1"
ENRICHED = "articles.enriched.v1"
ARTICLES = "articles.v1"
CANDIDATES = "alerts.candidates.v1"
ALERTS = "alerts.state.v1"
DEAD_LETTERS = "dead-letters.v1"

DESKS: tuple[Desk, ...] = get_args(Desk)


def desk_topic(desk: str) -> str:
    """The topic on which a desk's alerts are sent."""
    return f"alerts.{desk}.v1"


def stages(rules: RuleSet) -> tuple[AnyStage, ...]:
    """The stages, upstream first: articles are enriched, related, and correlated into alerts."""
    return Enrich(rules), Relate(), Correlate()
