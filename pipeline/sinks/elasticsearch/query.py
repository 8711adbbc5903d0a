"""Search in Elasticsearch: KQL as its query language, as Kibana translates it, and the page that the console shows.

The one difference from Kibana's translation: words of a text are compared with the words that our own tokenizer made of
it, so that a search finds exactly what a rule with the same query holds for.
"""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from elasticsearch import ApiError, Elasticsearch, TransportError

from pipeline.alerting.conditions import (
    AnyWord,
    Conjunction,
    Disjunction,
    Equals,
    Everything,
    Exists,
    Glob,
    Matches,
    Negation,
    Nested,
    Node,
    Phrase,
    Shaped,
    Within,
    Words,
)
from pipeline.alerting.kql import Query, parse
from pipeline.model.document import FieldType
from pipeline.sinks.elasticsearch.client import ElasticsearchError, explained
from pipeline.sinks.elasticsearch.documents import article_of, indexed
from pipeline.sinks.elasticsearch.mapping import ARTICLES, MOST_FOUND, words_of
from pipeline.sinks.embedded_search import FACETS, MOST_VALUES, SearchPage, Value, bars, step_between

Dsl = dict[str, Any]

_LARGEST = 2.0**62
"""A number beyond which no field has a value, and which a `long` can be."""


def to_dsl(query: Query) -> Dsl:
    """A query in Elasticsearch's own language; it finds what the query's predicate holds for."""
    return _dsl(query.root)


def _dsl(node: Node) -> Dsl:
    match node:
        case Everything():
            return {"match_all": {}}
        case Conjunction():
            return {"bool": {"filter": [_dsl(part) for part in node.parts]}}
        case Disjunction():
            return _any(_dsl(part) for part in node.parts)
        case Negation():
            return {"bool": {"must_not": [_dsl(node.part)]}}
        case Nested():
            return {"nested": {"path": node.items, "query": _dsl(node.part), "score_mode": "none"}}
        case Exists():
            return _any({"exists": {"field": field.name}} for field in node.fields)
        case Equals():
            return _equals(node.field, sorted(node.wanted))
        case Matches():
            return _any(_wildcard(field.name, node.glob) for field in node.fields)
        case Within():
            return _any(_range(field, node) for field in node.fields)
        case Words():
            return _any({"terms": {words_of(field.name): _indexed(node.tokens)}} for field in node.fields)
        case Phrase():
            return _any(_phrase(field, node.tokens) for field in node.fields)
        case Shaped():
            return _any(_wildcard(words_of(field.name), node.glob) for field in node.fields)
        case AnyWord():
            return _any(_dsl(choice) for choice in node.choices)
        case _:
            raise TypeError(f"no query for {type(node).__name__}")


def _any(parts: Iterable[Dsl]) -> Dsl:
    choices = list(parts)
    return choices[0] if len(choices) == 1 else {"bool": {"should": choices, "minimum_should_match": 1}}


def _equals(field: FieldType, values: Sequence[Any]) -> Dsl:
    """Numbers one by one: among several, one that no `long` can be is an error, and alone it is not."""
    if field.kind == "number":
        return _any({"term": {field.name: value}} for value in values)
    return {"terms": {field.name: values}}


def _indexed(words: Iterable[str]) -> list[str]:
    return sorted(map(indexed, words))


def _phrase(field: FieldType, words: Sequence[str]) -> Dsl:
    """The words are joined as they are in the index, where the analyzer only splits at spaces."""
    return {"match_phrase": {words_of(field.name): {"query": " ".join(map(indexed, words)), "analyzer": "whitespace"}}}


def _wildcard(field: str, glob: Glob) -> Dsl:
    pattern = "*".join(re.sub(r"([\\*?])", r"\\\1", part) for part in glob.parts)
    return {"wildcard": {field: {"value": pattern}}}


def _range(field: FieldType, within: Within) -> Dsl:
    bounds: Dsl = {}
    if within.low is not None:
        bounds["gt" if within.above else "gte"] = _bound(within.low)
    if within.high is not None:
        bounds["lt" if within.below else "lte"] = _bound(within.high)
    return {"range": {field.name: bounds}}


def _bound(value: float | datetime) -> float | str:
    return value.isoformat() if isinstance(value, datetime) else max(-_LARGEST, min(value, _LARGEST))


def search(
    client: Elasticsearch,
    query: str,
    *,
    limit: int = 20,
    offset: int = 0,
    since: datetime | None = None,
    until: datetime | None = None,
    now: datetime | None = None,
) -> SearchPage:
    """The articles a KQL query finds, published from `since` to before `until`; an empty query finds all.

    No page goes beyond the newest MOST_FOUND articles.

    Raises:
        KqlError: the query cannot be read; the message says where and what to write.
        ElasticsearchError: Elasticsearch cannot answer.
    """
    asked = parse(query, now or datetime.now(UTC))
    filters = [_dsl(asked.root)]
    if since or until:
        window = {"gte": since and since.isoformat(), "lt": until and until.isoformat()}
        filters.append({"range": {"time": {key: value for key, value in window.items() if value}}})
    wanted: Dsl = {"bool": {"filter": filters}}
    try:
        found = client.search(
            index=ARTICLES,
            query=wanted,
            sort=[{"time": "desc"}, {"version": "desc"}, {"id": "asc"}],
            from_=min(offset, MOST_FOUND),
            size=max(0, min(limit, MOST_FOUND - offset)),
            source_includes=["payload"],
            track_total_hits=True,
            allow_partial_search_results=False,
            aggs=_FACETS | {"first": {"min": {"field": "time"}}, "last": {"max": {"field": "time"}}},
        )
        counts = found["aggregations"]
        step, times = 0.0, Counter[int]()
        if counts["first"]["value"] is not None:
            step = step_between(counts["first"]["value"] / 1000, counts["last"]["value"] / 1000)
            times = _times(client, wanted, step)
    except (ApiError, TransportError) as error:
        raise ElasticsearchError(explained(error)) from error
    return SearchPage(
        hits=tuple(article_of(hit["_source"]) for hit in found["hits"]["hits"]),
        total=found["hits"]["total"]["value"],
        facets={
            name: tuple(Value(bucket["key"], bucket["doc_count"]) for bucket in counts[name]["buckets"])
            for name in FACETS
        },
        histogram=bars(times, step),
        step=step,
    )


_FACETS: Dsl = {
    name: {
        "terms": {
            "field": name,
            "size": MOST_VALUES,
            "shard_size": 1000,  # of each month's index: the sum over months is exact up to so many values
            "order": [{"_count": "desc"}, {"_key": "asc"}],
        }
    }
    for name in FACETS
}


def _times(client: Elasticsearch, wanted: Dsl, step: float) -> Counter[int]:
    """Number of an interval since 1970 -> articles in it."""
    found = client.search(
        index=ARTICLES,
        query=wanted,
        size=0,
        allow_partial_search_results=False,
        aggs={
            "times": {"date_histogram": {"field": "time", "fixed_interval": f"{step:.0f}s", "min_doc_count": 1}},
        },
    )
    buckets = found["aggregations"]["times"]["buckets"]
    return Counter({int(bucket["key"] / 1000 // step): bucket["doc_count"] for bucket in buckets})
