"""The graph as it is declared."""

from pipeline.alerting.rules import RuleSet
from pipeline.topics import ALERTS, ARTICLES, CANDIDATES, DESKS, ENRICHED, RAW, desk_topic
from pipeline.topology import stages

GRAPH = stages(RuleSet.starter())


def test_three_stages_in_a_row() -> None:
    assert [(stage.name, stage.input, stage.outputs) for stage in GRAPH] == [
        ("enrich", RAW, (ENRICHED,)),
        ("relate", ENRICHED, (ARTICLES, CANDIDATES)),
        ("correlate", CANDIDATES, (*map(desk_topic, DESKS), ALERTS)),
    ]
