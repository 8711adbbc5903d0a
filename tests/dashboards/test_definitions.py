"""Data views and dashboards by themselves: right by the specification, by the mapping, and to look at."""

import json
import re
from itertools import combinations
from typing import get_args

import pytest

from pipeline.alerting.kql import parse
from pipeline.model.alert import Desk, Severity
from pipeline.sinks.elasticsearch.mapping import ALIASES
from pipeline.sinks.kibana import Item
from tests.dashboards.panels import ALL, DASHBOARDS, VIEWS, Panel, Use, asked, field_types, uses
from tests.dashboards.specification import specification, validator

COLUMNS = 48
"""Of the grid of a dashboard."""
GROUPED = {"keyword", "boolean", "long", "byte", "date"}
NUMERIC = {"long", "byte", "double"}
TYPES = {
    "group": GROUPED,
    "control": GROUPED,
    "unique": GROUPED,
    "histogram": {"date"},
    "number": NUMERIC,
    "extreme": NUMERIC | {"date"},
    "sort": GROUPED | NUMERIC,
    "query": GROUPED | NUMERIC,
    "column": GROUPED | NUMERIC | {"text"},
}
"""How a field may be used, and the types that can be."""
USES = sorted({use for panel in ALL for question in asked(panel) for use in uses(question)})
NAMES = [dashboard.id for dashboard in DASHBOARDS]


def test_dashboards_are_as_the_specification_has_them() -> None:
    checked = validator(specification())
    wrong = {
        f"{dashboard.id}: {'/'.join(map(str, error.absolute_path))}"
        for dashboard in DASHBOARDS
        for error in checked.iter_errors(dashboard.body)
    }
    assert wrong == set()


def test_the_specification_finds_what_is_wrong() -> None:
    checked = validator(specification())
    body = DASHBOARDS[0].body
    panel = body["panels"][0]
    assert not checked.is_valid(body | {"panels": [panel | {"config": panel["config"] | {"metrics": []}, "kind": 1}]})
    assert not checked.is_valid({key: value for key, value in body.items() if key != "title"})


def test_there_is_a_data_view_for_every_index() -> None:
    assert {view: body["title"] for view, body in VIEWS.items()} == {alias: alias for alias in ALIASES}


@pytest.mark.parametrize("view", VIEWS)
def test_data_views_name_fields_of_the_mapping(view: str) -> None:
    types, body = field_types(view), VIEWS[view]
    if "timeFieldName" in body:
        assert types[body["timeFieldName"]] == "date"
    assert body.get("fieldFormats", {}).keys() <= types.keys()
    assert {entry["value"] for entry in body["sourceFilters"]} <= types.keys()
    assert body.keys() <= {"title", "name", "timeFieldName", "fieldFormats", "sourceFilters"}, "cannot be updated"


@pytest.mark.parametrize("use", USES, ids="-".join)
def test_every_field_is_in_the_mapping_with_a_type_for_its_use(use: Use) -> None:
    assert field_types(use.view)[use.field] in TYPES[use.way]


@pytest.mark.parametrize("dashboard", DASHBOARDS, ids=NAMES)
def test_panels_fill_the_grid_and_none_covers_another(dashboard: Item) -> None:
    tiles = [panel["grid"] for panel in dashboard.body["panels"]]
    assert all(tile["x"] >= 0 and tile["x"] + tile["w"] <= COLUMNS and tile["h"] >= 5 for tile in tiles)
    for one, other in combinations(tiles, 2):
        beside = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
        below = one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]
        assert beside or below, (one, other)
    height = max(tile["y"] + tile["h"] for tile in tiles)
    assert sum(tile["w"] * tile["h"] for tile in tiles) == COLUMNS * height


@pytest.mark.parametrize("dashboard", DASHBOARDS, ids=NAMES)
def test_panels_have_titles_and_ids_of_their_own(dashboard: Item) -> None:
    body = dashboard.body
    found = [*body["pinned_panels"], *body["panels"]]
    assert len({panel["id"] for panel in found}) == len(found)
    assert len({panel["config"]["title"] for panel in body["panels"]}) == len(body["panels"])


@pytest.mark.parametrize("panel", [panel for panel in ALL if panel.config.get("drilldowns")], ids=lambda p: p.id)
def test_drill_downs_lead_to_dashboards_that_are_there(panel: Panel) -> None:
    leads = {drill["dashboard_id"] for drill in panel.config["drilldowns"] if "dashboard_id" in drill}
    assert leads <= {dashboard.id for dashboard in DASHBOARDS}


def test_every_severity_has_a_colour_and_every_desk_a_place() -> None:
    layers = [layer for panel in ALL for layer in panel.config.get("layers", ()) if "breakdown_by" in layer]
    by = {tuple(layer["breakdown_by"]["fields"]): layer["breakdown_by"] for layer in layers}
    coloured = {value for entry in by[("severity",)]["color"]["mapping"] for value in entry["values"]}
    assert coloured == set(get_args(Severity))
    assert by[("desk",)]["limit"] == len(get_args(Desk))


def test_controls_do_not_empty_panels_of_other_data_views() -> None:
    """Kibana applies a filter everywhere, also where its field does not exist and nothing can be found."""
    for dashboard in DASHBOARDS:
        filtered = {control["config"]["field_name"] for control in dashboard.body["pinned_panels"]}
        for panel in (panel for panel in ALL if panel.dashboard == dashboard.id):
            free = all(layer.get("ignore_global_filters") for layer in panel.config.get("layers", [panel.config]))
            for question in asked(panel):
                assert free or filtered <= field_types(question.view).keys(), panel.id


def test_the_searches_that_are_recommended_can_be_read() -> None:
    texts = [panel.config["content"] for panel in ALL if panel.type == "markdown"]
    searches = [search for text in texts for search in re.findall(r"^- `(.+)`$", text, re.MULTILINE)]
    assert searches
    for search in searches:
        parse(search)


def test_nothing_is_set_that_kibana_9_4_and_9_5_write_differently() -> None:
    """Units of duration formats have other names in 9.5; where a control has its values from, 9.4 cannot be told."""
    text = json.dumps([dashboard.body for dashboard in DASHBOARDS])
    assert '"duration"' not in text
    assert '"values_source"' not in text
