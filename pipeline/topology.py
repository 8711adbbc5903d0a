"""The whole graph as data: the stages, upstream first. An engine runs this list and nothing else."""

from pipeline.alerting.correlate import Correlate
from pipeline.alerting.rules import RuleSet
from pipeline.enrich.stage import Enrich
from pipeline.stage import AnyStage
from pipeline.stories.relate import Relate


def stages(rules: RuleSet) -> tuple[AnyStage, ...]:
    """The stages, upstream first: articles are enriched, related, and correlated into alerts."""
    return Enrich(rules), Relate(), Correlate()
