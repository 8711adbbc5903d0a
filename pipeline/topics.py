"""The names of the topics and desks, in one place."""

from typing import get_args

from pipeline.model.alert import Desk

RAW = "articles.raw.v1"
ENRICHED = "articles.enriched.v1"
ARTICLES = "articles.v1"
CANDIDATES = "alerts.candidates.v1"
ALERTS = "alerts.state.v1"
ACTIONS = "alerts.actions.v1"
RULES = "rules.v1"
CURSORS = "sources.cursors.v1"
HEALTH = "sources.health.v1"
DEAD_LETTERS = "dead-letters.v1"
STATE = {"relate": "stories.decisions.v1", "correlate": "alerts.cases.v1"}
"""The own log of each stage with a state, from which a worker on Kafka has its state back."""

DESKS: tuple[Desk, ...] = get_args(Desk)


def desk_topic(desk: str) -> str:
    """The topic on which a desk's alerts are sent."""
    return f"alerts.{desk}.v1"
