"""Forgetting on servers: tombstones on the topics, no document left, alerts that no longer name what is forgotten."""

import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from elasticsearch import Elasticsearch

from pipeline.alerting.forgetting import without
from pipeline.engines.errors import StoreUnavailableError
from pipeline.engines.kafka import looking
from pipeline.engines.kafka.sending import Outgoing
from pipeline.engines.records import Forgotten
from pipeline.model.article import article_id
from pipeline.model.candidate import Forgetting
from pipeline.model.codec import encode
from pipeline.model.dead_letter import DeadLetter
from pipeline.settings import Kafka, Settings
from pipeline.sinks.elasticsearch import documents, mapping
from pipeline.sinks.elasticsearch.client import connect
from pipeline.sinks.elasticsearch.reader import told
from pipeline.sinks.elasticsearch.sink import TOPICS, letter_id
from pipeline.topics import ARTICLES, CANDIDATES

PAGE = 1000
"""Documents and ids of one request."""
PATIENCE = 30.0
"""Seconds that correlate, and then the sink, get to pass the point at which it was said."""

Dsl = dict[str, Any]


def forget(settings: Settings, target: str) -> tuple[Forgotten, list[str]]:
    """Takes an article (URL or id) or all of a source (id) out of the topics that are compacted, and of Elasticsearch.

    Returns:
        What went, and the stages that were too far behind to be waited for: what they still have in hand may come back,
        so that it has to be said again.

    Raises:
        StoreUnavailableError: Kafka or Elasticsearch does not answer; saying it again goes on.
    """
    client = connect(settings.elasticsearch)
    try:
        with told():
            ids = _articles(client, target)
            if not ids:
                return Forgotten(articles=0, alerts=0, changed=0), []
            concerned = {hit["_id"] for hit in _naming(client, mapping.ALERTS, ids)}
            _tell(settings.kafka, ids)
            behind = [stage for stage, topics in _READS.items() if not _passed(settings.kafka, stage, topics)]
            client.indices.refresh(index=list(mapping.ALIASES))
            erase(client, mapping.ARTICLES, ids)
            erase(client, mapping.DEAD_LETTERS, ids, "key")
            for alias in (mapping.ALERTS, mapping.CHANGES):
                _rename(client, alias, ids)
            client.indices.refresh(index=list(mapping.ALIASES))
            left = {hit["_id"] for hit in _hits(client, mapping.ALERTS, {"terms": {"_id": sorted(concerned)}})}
    finally:
        client.close()
    return Forgotten(articles=len(ids), alerts=len(concerned - left), changed=len(left)), behind


_READS: Mapping[str, Sequence[str]] = {"correlate": [CANDIDATES], "sink": TOPICS}
"""Stages that have to hear of it, in order, and what they read."""


def _articles(client: Elasticsearch, target: str) -> list[str]:
    """Ids of the articles that are meant."""
    either = [{"terms": {"_id": [target, article_id(target, "", "")]}}, {"term": {"source.id": target}}]
    return sorted({hit["_id"] for hit in _hits(client, mapping.ARTICLES, {"bool": {"should": either}})})


def _tell(given: Kafka, ids: Sequence[str]) -> None:
    looking.send(given, [Outgoing(ARTICLES, id_, None) for id_ in ids])
    parts = [encode(Forgetting(rule="*", articles=tuple(part))) for part in _parts(ids)]
    everywhere = [place.partition for place in looking.ends(given, [CANDIDATES])]
    looking.send(given, [Outgoing(CANDIDATES, None, part, (), number) for part in parts for number in everywhere])


def _passed(given: Kafka, stage: str, topics: Sequence[str]) -> bool:
    """Waits until a stage has handled what its topics hold now; whether it has."""
    ends = looking.ends(given, topics)
    until = time.monotonic() + PATIENCE
    while looking.lag(given, {stage: topics}, ends)[stage]:
        if time.monotonic() > until:
            return False
        time.sleep(0.5)
    return True


def erase(client: Elasticsearch, index: str, ids: Sequence[str], field: str = "_id") -> None:
    """Deletes the documents that have one of some ids, or another field with one of these values."""
    for part in _parts(ids):
        found = _hits(client, index, {"terms": {field: list(part)}})
        _bulk(client, [{"delete": {"_index": hit["_index"], "_id": hit["_id"]}} for hit in found])


def erase_letters(settings: Settings, letters: Sequence[DeadLetter]) -> None:
    """Deletes the documents of dead letters that were put back."""
    client = connect(settings.elasticsearch)
    try:
        with told():
            erase(client, mapping.DEAD_LETTERS, [letter_id(encode(letter)) for letter in letters])
    finally:
        client.close()


def _rename(client: Elasticsearch, alias: str, ids: Collection[str]) -> None:
    """Writes alerts anew without the articles; deletes those that rested on them alone."""
    for hit in list(_naming(client, alias, ids, ["payload"])):
        alert = documents.alert_of(hit["_source"])
        left = without(alert, ids)
        at = {"_index": hit["_index"], "_id": hit["_id"]}
        if left is None:
            _bulk(client, [{"delete": at}])
        else:
            about = {**at, "version": left.sequence, "version_type": "external_gte"}
            _bulk(client, [{"index": about}, _MAKE[alias](left)])


_MAKE = {mapping.ALERTS: documents.alert_document, mapping.CHANGES: documents.change_document}


def _naming(
    client: Elasticsearch, alias: str, ids: Collection[str], source: Sequence[str] = ()
) -> Iterator[Mapping[str, Any]]:
    """Alerts, or changes of them, that name articles."""
    seen: set[tuple[str, str]] = set()
    for part in _parts(sorted(ids)):
        for hit in _hits(client, alias, {"terms": {"named": list(part)}}, source):
            if (hit["_index"], hit["_id"]) not in seen:
                seen.add((hit["_index"], hit["_id"]))
                yield hit


def _hits(client: Elasticsearch, index: str, query: Dsl, source: Sequence[str] = ()) -> Iterator[Mapping[str, Any]]:
    """Every hit of a query, as it was when it was asked."""
    point = client.open_point_in_time(index=index, keep_alive="1m")["id"]
    after: list[Any] | None = None
    try:
        while True:
            page = client.search(
                pit={"id": point, "keep_alive": "1m"},
                query=query,
                sort=["_shard_doc"],
                search_after=after,
                size=PAGE,
                source_includes=list(source) or None,
                source=None if source else False,
            )["hits"]["hits"]
            yield from page
            if len(page) < PAGE:
                return
            after = page[-1]["sort"]
    finally:
        client.close_point_in_time(id=point)


def _bulk(client: Elasticsearch, operations: Sequence[Dsl]) -> None:
    """Deletes and writes; what is gone already, or newer by now, is left as it is."""
    if not operations:
        return
    answer = client.bulk(operations=operations)
    for item in answer["items"]:
        (how,) = item.values()
        if how["status"] >= 300 and how["status"] not in (404, 409):
            raise StoreUnavailableError(f"Elasticsearch does not delete: {how.get('error') or how['status']}")


def _parts(items: Sequence[Any]) -> Iterator[Sequence[Any]]:
    for start in range(0, len(items), PAGE):
        yield items[start : start + PAGE]
