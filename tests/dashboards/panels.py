"""What each panel of a dashboard asks of Elasticsearch, read from its JSON as Kibana reads it."""

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from pipeline.sinks.elasticsearch.mapping import properties_of
from pipeline.sinks.kibana import Item, items

Body = dict[str, Any]
DASHBOARDS = [item for item in items() if item.kind == "dashboard"]
VIEWS = {item.id: item.body for item in items() if item.kind == "data view"}
NUMBERS = {"average", "median", "sum", "standard_deviation", "percentile", "percentile_rank"}


class Panel(NamedTuple):
    """A panel, or a control above them."""

    dashboard: str
    id: str
    type: str
    config: Body


class Use(NamedTuple):
    """A field as something uses it."""

    view: str
    field: str
    way: str
    """`group`, `histogram`, `number`, `extreme`, `unique`, `query`, `column`, `sort` or `control`."""


def panels(dashboard: Item) -> list[Panel]:
    """All panels and controls of a dashboard."""
    found = [*dashboard.body["pinned_panels"], *dashboard.body["panels"]]
    return [Panel(dashboard.id, panel["id"], panel["type"], panel["config"]) for panel in found]


ALL = [panel for dashboard in DASHBOARDS for panel in panels(dashboard)]


class Asked(NamedTuple):
    """One question of a panel: a layer of a chart, the rows of a list, the values of a control."""

    view: str
    query: str
    groups: tuple[Body, ...]
    metrics: tuple[Body, ...]
    columns: tuple[str, ...] = ()
    sort: tuple[tuple[str, str], ...] = ()


def asked(panel: Panel) -> list[Asked]:
    """The questions of a panel; a text asks none."""
    config = panel.config
    query = config.get("query", {}).get("expression", "")
    match panel.type, config.get("type"):
        case "options_list_control", _:
            group = {"operation": "terms", "fields": [config["field_name"]], "limit": 10}
            return [Asked(config["data_view_id"], "", (group,), ())]
        case "discover_session", _:
            return [
                Asked(
                    _view(tab),
                    tab["query"]["expression"],
                    (),
                    (),
                    tuple(tab["column_order"]),
                    tuple((by["name"], by["direction"]) for by in tab["sort"]),
                )
                for tab in config["tabs"]
            ]
        case "vis", "xy":
            return [
                Asked(
                    _view(layer),
                    query,
                    tuple(layer[key] for key in ("breakdown_by", "x") if key in layer),
                    tuple(layer["y"]),
                )
                for layer in config["layers"]
            ]
        case "vis", "metric" | "data_table":
            return [Asked(_view(config), query, tuple(config.get("rows", ())), tuple(config["metrics"]))]
        case "markdown", _:
            return []
    raise AssertionError(f"{panel.dashboard}/{panel.id}: a kind of panel that these tests do not know")


def _view(body: Body) -> str:
    assert body["data_source"]["type"] == "data_view_reference"
    return str(body["data_source"]["ref_id"])


# --- fields


def uses(question: Asked) -> Iterator[Use]:
    """Every field that a question needs."""
    view = question.view
    for group in question.groups:
        if group["operation"] == "date_histogram":
            yield Use(view, group["field"], "histogram")
        else:
            yield from (Use(view, field, "group") for field in group["fields"])
    for metric in question.metrics:
        if metric["operation"] == "unique_count":
            yield Use(view, metric["field"], "unique")
        elif "field" in metric:
            yield Use(view, metric["field"], "number" if metric["operation"] in NUMBERS else "extreme")
        yield from (Use(view, field, "query") for field in _named(metric.get("filter", {}).get("expression", "")))
    yield from (Use(view, field, "query") for field in _named(question.query))
    yield from (Use(view, field, "column") for field in question.columns)
    yield from (Use(view, field, "sort") for field, _ in question.sort)


def _named(query: str) -> list[str]:
    return re.findall(r"([\w.]+)\s*:", query)


def field_types(view: str) -> dict[str, str]:
    """Every field of a data view and its type; `nested` before the type of what lies in a nested list."""
    return dict(_types(properties_of(VIEWS[view]["title"])))


def _types(properties: Body, path: str = "", nested: str = "") -> Iterator[tuple[str, str]]:
    for name, field in properties.items():
        full = f"{path}{name}"
        if "type" in field and field["type"] != "nested":
            yield full, f"{nested}{field['type']}"
        yield from _types(field.get("fields", {}), f"{full}.", nested)
        inner = "nested " if field.get("type") == "nested" else nested
        yield from _types(field.get("properties", {}), f"{full}.", inner)


# --- requests

SIMPLE = re.compile(r"[\w.]+: (?:[\w-]+|\([\w-]+(?: or [\w-]+)*\))(?: and (?!$)|$)")
"""Queries in which KQL and Lucene differ only in how they write `and` and `or`."""


def request(question: Asked, between: tuple[str, str] | None) -> Body:
    """The search that answers a question.

    Args:
        between: earliest and latest time that counts, where the data view has a time.
    """
    time = VIEWS[question.view].get("timeFieldName")
    filters = [_filter(question.query)]
    if time and between:
        filters.append({"range": {time: {"gte": between[0], "lte": between[1]}}})
    body: Body = {"query": {"bool": {"filter": filters}}, "size": 0, "track_total_hits": True}
    if question.columns:
        return body | {
            "size": 500,
            "fields": list(question.columns),
            "_source": False,
            "sort": [{field: direction} for field, direction in question.sort],
        }
    metrics = {str(place): _metric(metric) for place, metric in enumerate(question.metrics)}
    aggregations = {name: metric for name, metric in metrics.items() if metric}
    for group in reversed(question.groups):
        aggregations = {"group": _group(group, aggregations)}
    return body | {"aggs": aggregations}


def _filter(query: str) -> Body:
    if not query:
        return {"match_all": {}}
    assert "".join(match.group() for match in SIMPLE.finditer(query)) == query, query
    return {"query_string": {"query": query.replace(" or ", " OR ").replace(" and ", " AND ")}}


def _group(group: Body, inner: Body) -> Body:
    more = {"aggs": inner} if inner else {}
    if group["operation"] == "date_histogram":
        return {"date_histogram": {"field": group["field"], "calendar_interval": "1d", "min_doc_count": 1}, **more}
    (field,) = group["fields"]
    rank = group.get("rank_by", {"type": "metric"})
    order = {"_key": rank["direction"]} if rank["type"] == "alphabetical" else {"_count": "desc"}
    return {"terms": {"field": field, "size": group["limit"], "order": order}, **more}


def _metric(metric: Body) -> Body | None:
    """An aggregation; None where the count of documents is what is asked."""
    match metric["operation"]:
        case "count":
            found = None
        case "unique_count":
            found = {"cardinality": {"field": metric["field"]}}
        case "percentile":
            found = {"percentiles": {"field": metric["field"], "percents": [metric["percentile"]]}}
        case "max":
            found = {"max": {"field": metric["field"]}}
        case other:
            raise AssertionError(f"{other}: an operation that these tests do not know")
    if "filter" not in metric:
        return found
    chosen: Body = {"filter": _filter(metric["filter"]["expression"])}
    return chosen | ({"aggs": {"value": found}} if found else {})
