"""The read side of an installation on servers: articles and alerts from Elasticsearch, the topics from Kafka."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any, TypeVar

from elasticsearch import ApiError, NotFoundError, TransportError

from pipeline.engines.errors import StoreUnavailableError
from pipeline.engines.kafka import looking
from pipeline.engines.records import Counts, Record
from pipeline.model.alert import Alert
from pipeline.model.dead_letter import DeadLetter
from pipeline.model.enriched import EnrichedArticle
from pipeline.model.health import SourceHealth
from pipeline.model.story import Story
from pipeline.settings import Settings
from pipeline.sinks.elasticsearch import documents, mapping
from pipeline.sinks.elasticsearch import query as query_module
from pipeline.sinks.elasticsearch.client import ElasticsearchError, connect, explained
from pipeline.sinks.elasticsearch.sink import TOPICS
from pipeline.sinks.embedded_search import SearchPage
from pipeline.topics import ALERTS, ARTICLES, ENRICHED, RAW

WINDOW = 10_000
"""Documents that Elasticsearch pages through at most."""
MERGES = 8
"""How often a story is followed to those that it was merged with."""

MERGED = "extras.merged"
"""Field of an article with the stories that its story has taken in with it."""

T = TypeVar("T")
Dsl = dict[str, Any]


class Reader:
    """Reads what the sink has written, and the topics; usable from any thread.

    What was written in the last second may not be found yet.

    Args:
        settings: where Kafka and Elasticsearch are.
    """

    def __init__(self, settings: Settings) -> None:
        self._kafka = settings.kafka
        self._client = connect(settings.elasticsearch).options(request_timeout=15.0)
        self._alerts = looking.Follower(settings.kafka, ALERTS)

    def close(self) -> None:
        """Closes the connections."""
        self._alerts.close()
        self._client.close()

    def alerts(
        self, *, desk: str | None = None, rule: str | None = None, open_only: bool = False, limit: int = 100
    ) -> list[Alert]:
        """The latest state of each alert, the one that changed last first."""
        conditions = (("desk", desk), ("rule.id", rule), ("open", open_only))
        query: Dsl = {"bool": {"filter": [{"term": {name: value}} for name, value in conditions if value]}}
        order = [{"times.changed": "desc"}, {"id": "desc"}]
        return [documents.alert_of(found) for found in self._documents(mapping.ALERTS, query, order, limit)]

    def alert(self, id: str) -> Alert | None:  # noqa: A002
        """An alert as it is now."""
        return _first(map(documents.alert_of, self._documents(mapping.ALERTS, _id(id), [{"sequence": "desc"}], 1)))

    def alert_history(self, id: str) -> list[Alert]:  # noqa: A002
        """Every state of an alert that is kept, oldest first."""
        changes = self._documents(mapping.CHANGES, {"term": {"id": id}}, [{"sequence": "asc"}], WINDOW)
        return [documents.alert_of(found) for found in changes]

    def article(self, id: str) -> EnrichedArticle | None:  # noqa: A002
        """The latest revision of a finished article."""
        found = self._documents(mapping.ARTICLES, _id(id), [{"version": "desc"}], 1)
        return _first(map(documents.article_of, found))

    def story(self, id: str) -> Story | None:  # noqa: A002
        """A story by its id, or by the id of one that it has taken in; `last` is when its newest article came first."""
        root, ids = self._family(id)
        found = self._ask(
            mapping.ARTICLES,
            query={"terms": {"story.id": sorted(ids)}},
            sort=[{"stored": "asc"}, {"version": "asc"}],
            size=WINDOW,
            source=["id", "title", "stored", "story.origin"],
        )
        articles = [hit["_source"] for hit in found["hits"]["hits"]]
        if not articles:
            return None
        return Story(
            id=root,
            title=articles[0].get("title", ""),
            first=datetime.fromisoformat(articles[0]["stored"]),
            last=datetime.fromisoformat(articles[-1]["stored"]),
            articles=tuple(dict.fromkeys(article["id"] for article in articles)),
            origins=len({article["story"]["origin"] for article in articles}),
        )

    def _family(self, id_: str) -> tuple[str, set[str]]:
        """The story that has taken this one in, by however many steps, and all that it has taken in."""
        root, ids = id_, {id_}
        for _ in range(MERGES):
            query = {
                "bool": {
                    "should": [
                        {"terms": {MERGED: sorted(ids)}},
                        {"bool": {"filter": [{"terms": {"story.id": sorted(ids)}}, {"exists": {"field": MERGED}}]}},
                    ]
                }
            }
            merging = list(self._documents(mapping.ARTICLES, query, [{"version": "asc"}], WINDOW))
            stories = [article.story for article in map(documents.article_of, merging) if article.story]
            into = {merged: story.id for story in stories for merged in story.merged}
            known = len(ids)
            while root in into:
                root = into.pop(root)
            ids |= {story.id for story in stories} | {merged for story in stories for merged in story.merged}
            if len(ids) == known:
                break
        return root, ids

    def search(
        self,
        query: str,
        *,
        limit: int = 20,
        offset: int = 0,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> SearchPage:
        """The articles that a KQL query finds.

        Raises:
            KqlError: the query is none; with line and column.
        """
        try:
            return query_module.search(self._client, query, limit=limit, offset=offset, since=since, until=until)
        except ElasticsearchError as error:
            if isinstance(error.__cause__, NotFoundError):  # nothing has been written yet
                return SearchPage(hits=(), total=0)
            raise StoreUnavailableError(str(error)) from error

    def tail(self, topic: str, after: int, limit: int = 500) -> Sequence[Record]:
        """Records of alerts.state.v1 after a place in it (0: from the beginning), oldest first."""
        assert topic == ALERTS, topic
        return self._alerts.tail(after, limit)

    def head(self, topic: str) -> int:
        """Place of the last record of alerts.state.v1."""
        assert topic == ALERTS, topic
        return self._alerts.head()

    def dead_letters(self, limit: int = 100) -> list[tuple[int, DeadLetter]]:
        """Dead letters that were not put back, with their offsets, newest first."""
        return looking.dead_letters(self._kafka, limit)

    def sources(self) -> list[SourceHealth]:
        """The latest word on every source, by id."""
        found = self._documents(mapping.SOURCES, {"match_all": {}}, [{"id": "asc"}], WINDOW)
        return [documents.health_of(document) for document in found]

    def counts(self) -> Counts:
        """How far the work is."""
        heads: dict[str, int] = {}
        for place, end in looking.ends(self._kafka, [RAW, ENRICHED, ARTICLES]).items():
            heads[place.topic] = heads.get(place.topic, 0) + end
        return Counts(
            articles=heads[RAW],
            tagged=heads[ENRICHED],
            searched=heads[ARTICLES],
            alerts=self._count(mapping.ALERTS, {"match_all": {}}),
            open_alerts=self._count(mapping.ALERTS, {"term": {"open": True}}),
            dead_letters=self._count(mapping.DEAD_LETTERS, {"match_all": {}}),
            lag=looking.lag(self._kafka, {**looking.INPUTS, "sink": TOPICS}),
        )

    def _count(self, alias: str, query: Dsl) -> int:
        found = self._ask(alias, query=query, size=0, track_total_hits=True)
        return int(found["hits"]["total"]["value"])

    def _documents(self, alias: str, query: Dsl, order: Sequence[Dsl], limit: int) -> Iterator[Mapping[str, Any]]:
        found = self._ask(alias, query=query, sort=order, size=min(limit, WINDOW), source=["payload"])
        return (hit["_source"] for hit in found["hits"]["hits"])

    def _ask(self, alias: str, **what: Any) -> Any:
        with told():
            try:
                return self._client.search(index=alias, **what)
            except NotFoundError:  # nothing has been written yet, so that the alias has no index
                return _NOTHING


_NOTHING = {"hits": {"hits": [], "total": {"value": 0}}}


@contextmanager
def told() -> Iterator[None]:
    """Errors of Elasticsearch become sentences.

    Raises:
        StoreUnavailableError: it cannot be asked just now, or not by us.
    """
    try:
        yield
    except (ApiError, TransportError) as error:
        raise StoreUnavailableError(explained(error)) from error


def _id(id_: str) -> Dsl:
    return {"ids": {"values": [id_]}}


def _first(found: Iterable[T]) -> T | None:
    return next(iter(found), None)
