"""Every panel finds something in the seeds, and what it counts is what the documents have, on a real Elasticsearch."""

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from elasticsearch import Elasticsearch
from elasticsearch.helpers import bulk

from pipeline.commands.common import rule_set
from pipeline.engines.replay import replay
from pipeline.model.article import from_input
from pipeline.model.dead_letter import dead_letter
from pipeline.model.health import SourceHealth
from pipeline.settings import Http
from pipeline.sinks.elasticsearch.client import connect
from pipeline.sinks.elasticsearch.documents import (
    alert_document,
    article_document,
    change_document,
    dead_letter_document,
    health_document,
)
from pipeline.sinks.elasticsearch.mapping import (
    ALERTS,
    ALIASES,
    ARTICLES,
    CHANGES,
    DEAD_LETTERS,
    SOURCES,
    Alias,
    index_of,
)
from pipeline.sinks.elasticsearch.setup import create, set_up
from tests.dashboards.panels import ALL, VIEWS, Asked, Body, Panel, asked, request
from tests.eval.material import seed_lines

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
Documents = Mapping[Alias, list[Body]]


@pytest.fixture(scope="module")
def documents() -> Documents:
    """The seeds, read and related and alerted on; dead letters and sources of every kind."""
    given = sorted((from_input(line)[1] for line in seed_lines()), key=lambda article: article.fetched or AT)
    result = replay(given, rule_set())
    latest = {alert.id: alert for alert in result.alerts}
    letters = [
        dead_letter(stage=stage, topic=topic, offset=n, key=f"k{n}", reason=reason, at=AT, data=b"{" * (n + 1))
        for n, (stage, topic, reason) in enumerate(
            [
                ("enrich", "articles.raw.v1", "no article: title is missing"),
                ("enrich", "articles.raw.v1", "no article: title is missing"),
                ("sink", "articles.v1", "refused by Elasticsearch: 400"),
            ]
        )
    ]
    sources = [
        SourceHealth(id="a", kind="feed", name="A", state="ok", last_poll=AT, last_item=AT, items=7, next_poll=AT),
        SourceHealth(
            id="b", kind="feed", name="B", state="failing", last_poll=AT, failures=1, error="404: mend the URL"
        ),
        SourceHealth(id="c", kind="folder", name="C", state="silent", last_poll=AT, last_item=AT - timedelta(days=9)),
    ]
    return {
        ARTICLES: [article_document(article) for article in result.articles if article],
        ALERTS: [alert_document(alert) for alert in latest.values()],
        CHANGES: [change_document(alert) for alert in result.alerts],
        DEAD_LETTERS: [dead_letter_document(letter) for letter in letters],
        SOURCES: [health_document(source) for source in sources],
    }


@pytest.fixture(scope="module")
def client(elasticsearch_url: str, documents: Documents) -> Iterator[Elasticsearch]:
    """A client of a node that has the documents, and nothing of them afterwards."""
    given = Http(url=elasticsearch_url)
    with connect(given) as client:
        _wipe(client)
        set_up(given, retention_days=35, now=AT)
        placed = [
            (index_of(alias, _time(alias, document)), document)
            for alias, listed in documents.items()
            for document in listed
        ]
        for index in {index for index, _ in placed}:
            create(client, index)
        bulk(client, [{"_index": index, "_source": document} for index, document in placed])
        client.indices.refresh(index=",".join(ALIASES))
        yield client
        _wipe(client)


def _wipe(client: Elasticsearch) -> None:
    for alias in ALIASES:
        client.options(ignore_status=404).indices.delete_index_template(name=alias)
        for index in client.options(ignore_status=404).indices.get(index=f"{alias}-g*").body:
            client.indices.delete(index=index)


def _time(alias: Alias, document: Body) -> datetime:
    value = {ARTICLES: "stored", DEAD_LETTERS: "at"}.get(alias)
    text = document["times"]["raised"] if alias in (ALERTS, CHANGES) else document[value] if value else ""
    return datetime.fromisoformat(text) if text else AT


QUESTIONS = [(panel, question) for panel in ALL for question in asked(panel)]


@pytest.fixture(scope="module")
def between(documents: Documents) -> tuple[str, str]:
    """A time range over everything."""
    times = [document["time"] for document in documents[ARTICLES]]
    times += [document["times"]["changed"] for document in documents[CHANGES]]
    return min(*times, AT.isoformat()), max(*times, AT.isoformat())


@pytest.mark.parametrize(("panel", "question"), QUESTIONS, ids=[f"{p.dashboard}/{p.id}" for p, _ in QUESTIONS])
def test_every_panel_finds_something(
    client: Elasticsearch, between: tuple[str, str], panel: Panel, question: Asked
) -> None:
    found = _search(client, question, between)
    assert found["hits"]["total"]["value"] > 0
    if question.columns:
        shown = {name for hit in found["hits"]["hits"] for name in hit["fields"]}
        assert shown == set(question.columns)
    for result in _leaves(found["aggregations"], question) if "aggregations" in found else []:
        assert result["doc_count"] > 0
        values = [inner for name, inner in result.items() if name.isdecimal()]
        assert all(_value(value) is not None for value in values), panel.id


def _search(client: Elasticsearch, question: Asked, between: tuple[str, str] | None) -> Body:
    asked_of = VIEWS[question.view]["title"]
    return dict(client.search(index=asked_of, body=request(question, between)).body)


def _leaves(aggregations: Body, question: Asked) -> Iterator[Body]:
    """The buckets that carry the metrics; without groups, the whole."""
    found = [{"doc_count": 1, **aggregations}]
    for _ in question.groups:
        found = [bucket for outer in found for bucket in outer["group"]["buckets"]]
        assert found
    yield from found


def _value(metric: Body) -> Any:
    if "values" in metric:
        return next(iter(metric["values"].values()))
    return metric["value"] if "value" in metric and not isinstance(metric["value"], dict) else metric["doc_count"]


# --- exact


def _of(dashboard: str, panel: str) -> Asked:
    return next(question for found, question in QUESTIONS if (found.dashboard, found.id) == (dashboard, panel))


SITUATION, SEARCH, HEALTH = "wirewatch-situation", "wirewatch-article-search", "wirewatch-sources-and-health"


@pytest.mark.parametrize(
    ("dashboard", "panel", "expected"),
    [
        (SITUATION, "open-alerts", lambda d: sum(a["open"] for a in d[ALERTS])),
        (SITUATION, "open-high", lambda d: sum(a["open"] and a["severity"] in ("high", "critical") for a in d[ALERTS])),
        (SITUATION, "not-acknowledged", lambda d: sum(a["open"] and not a["acknowledged"] for a in d[ALERTS])),
        (
            SITUATION,
            "contradicted",
            lambda d: sum(change["change"] in ("contradicted", "retracted") for change in d[CHANGES]),
        ),
        (SITUATION, "newest-alerts", lambda d: len(d[ALERTS])),
        (SEARCH, "articles", lambda d: len(d[ARTICLES])),
        (SEARCH, "article-list", lambda d: len(d[ARTICLES])),
        (HEALTH, "sources-in-trouble", lambda d: sum(source["state"] != "ok" for source in d[SOURCES])),
        (HEALTH, "source-list", lambda d: len(d[SOURCES])),
        (HEALTH, "dead-letters", lambda d: len(d[DEAD_LETTERS])),
        (HEALTH, "latency", lambda d: sum(change["change"] == "raised" for change in d[CHANGES])),
    ],
)
def test_numbers_are_those_of_the_documents(
    client: Elasticsearch, documents: Documents, dashboard: str, panel: str, expected: Any
) -> None:
    found = _search(client, _of(dashboard, panel), None)
    assert found["hits"]["total"]["value"] == expected(documents) > 0


@pytest.mark.parametrize(
    ("panel", "expected"),
    [
        ("stories", lambda a: a["story"]["id"]),
        ("origins", lambda a: a["story"]["origin"]),
        ("sources", lambda a: a["source"]["id"]),
    ],
)
def test_things_are_counted_once(client: Elasticsearch, documents: Documents, panel: str, expected: Any) -> None:
    found = _search(client, _of(SEARCH, panel), None)
    assert found["aggregations"]["0"]["value"] == len({expected(article) for article in documents[ARTICLES]})


@pytest.mark.parametrize(
    ("dashboard", "panel", "alias", "field"),
    [
        (SITUATION, "states-in-alerts", ALERTS, "states"),
        (SITUATION, "states-in-the-news", ARTICLES, "states"),
        (SITUATION, "happenings", ARTICLES, "happenings"),
        (SEARCH, "themes", ARTICLES, "themes"),
        (SEARCH, "cities", ARTICLES, "cities"),
        (SEARCH, "speakers", ARTICLES, "speakers"),
        (HEALTH, "dead-letters-over-time", DEAD_LETTERS, "stage"),
    ],
)
def test_bars_are_as_long_as_the_documents_say(
    client: Elasticsearch, documents: Documents, dashboard: str, panel: str, alias: Alias, field: str
) -> None:
    found = _search(client, _of(dashboard, panel), None)["aggregations"]["group"]["buckets"]
    counted = Counter(value for document in documents[alias] for value in _all(document, field))
    assert {bucket["key"]: bucket["doc_count"] for bucket in found}.items() <= counted.items()
    assert Counter([bucket["doc_count"] for bucket in found]) == Counter(sorted(counted.values())[::-1][: len(found)])


def _all(document: Body, field: str) -> list[str]:
    value = document.get(field, [])
    return value if isinstance(value, list) else [value]


@pytest.mark.parametrize(("panel", "field"), [("raised-by-severity", "severity"), ("raised-by-desk", "desk")])
def test_each_alert_is_raised_once_on_its_day(
    client: Elasticsearch, documents: Documents, panel: str, field: str
) -> None:
    found = _search(client, _of(SITUATION, panel), None)["aggregations"]["group"]["buckets"]
    counted = Counter(
        (change[field], change["times"]["changed"][:10])
        for change in documents[CHANGES]
        if change["change"] == "raised"
    )
    assert counted == {
        (outer["key"], inner["key_as_string"][:10]): inner["doc_count"]
        for outer in found
        for inner in outer["group"]["buckets"]
    }
    assert sum(counted.values()) == len(documents[ALERTS])


def test_latency_lies_within_what_was_measured(client: Elasticsearch, documents: Documents) -> None:
    raised = [change for change in documents[CHANGES] if change["change"] == "raised"]
    for panel, delay in (("published-to-alert", "published_to_raised"), ("fetched-to-alert", "fetched_to_raised")):
        found = _search(client, _of(HEALTH, panel), None)["aggregations"]["0"]
        measured = [change["delays"][delay] for change in raised if delay in change["delays"]]
        assert min(measured) <= _value(found) <= max(measured)


def test_sources_that_fail_stand_first(client: Elasticsearch) -> None:
    found = _search(client, _of(HEALTH, "source-list"), None)["hits"]["hits"]
    assert found[0]["fields"]["name"] == ["B"]
