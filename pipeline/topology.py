"""The whole graph as data: the stages, upstream first. An engine runs this list and nothing else."""

from pipeline.alerting.correlate import Correlate
from pipeline.alerting.inbox import Inbox
from pipeline.alerting.rules import RuleSet
from pipeline.enrich.stage import Enrich
from pipeline.stage import AnyStage
from pipeline.stories.relate import Relate


def kafka_stages(rules: RuleSet) -> tuple[AnyStage, ...]:
    """The same on Kafka, where users' actions come in by a topic that anyone may write to."""
    return (*stages(rules), Inbox())


def stages(rules: RuleSet) -> tuple[AnyStage, ...]:
    """The stages, upstream first: articles are enriched, related, and correlated into alerts."""
    return Enrich(rules), Relate(), Correlate()
