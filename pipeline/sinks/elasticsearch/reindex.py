"""Builds the indices of articles and alerts anew from the topics, beside the sink, and shows them all at once.

The next generation of indices is built where nobody sees it; then the aliases move to it in one step. The sink, which
asks every few seconds which generation it has to write to, follows; what it wrote to the old one meanwhile is read once
more. External versions make the order of the two writers a matter of indifference.
"""

import asyncio
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from elasticsearch import ApiError, Elasticsearch, TransportError
from kafka import TopicPartition

from pipeline.alerting.forgetting import without
from pipeline.engines.kafka import looking
from pipeline.model import cloudevent
from pipeline.settings import Settings
from pipeline.sinks.elasticsearch import mapping
from pipeline.sinks.elasticsearch.client import ElasticsearchError, connect, connect_async, explained
from pipeline.sinks.elasticsearch.forgetting import erase
from pipeline.sinks.elasticsearch.generations import generation_of, generations
from pipeline.sinks.elasticsearch.sink import KNOWN_FOR, Record, Write, Writer, write_of
from pipeline.topics import ALERTS, ARTICLES, DESKS, desk_topic

REBUILT = (mapping.ARTICLES, mapping.ALERTS, mapping.CHANGES)
CHANGES = tuple(map(desk_topic, DESKS))
TOPICS = (ARTICLES, ALERTS, *CHANGES)
"""What the indices are built from, articles first: they say what has been forgotten."""

Offsets = Mapping[TopicPartition, int]


def reindex(settings: Settings, progress: Callable[[int, int], None]) -> dict[str, int]:
    """Builds the next generation and shows it; the number of its documents by alias.

    Args:
        progress: told how many records have been read, and how many there are.

    Raises:
        ElasticsearchError: Elasticsearch cannot do it; what was shown is still shown.
        StoreUnavailableError: the topics cannot be read.
    """
    client = connect(settings.elasticsearch)
    try:
        return asyncio.run(_Rebuilding(settings, client, progress).run())
    except (ApiError, TransportError) as error:
        raise ElasticsearchError(explained(error)) from error
    finally:
        client.close()


class _Rebuilding:
    def __init__(self, settings: Settings, client: Elasticsearch, progress: Callable[[int, int], None]) -> None:
        self._settings = settings
        self._client = client
        self._progress = progress
        self._done = self._total = 0
        self._forgotten: set[str] = set()
        """Articles whose latest record is a tombstone."""
        names = client.indices.get(index=[f"{alias}-g*" for alias in REBUILT], features=["aliases"]).body
        self._new = 1 + max((number for name in names if (number := generation_of(name))), default=0)

    async def run(self) -> dict[str, int]:
        writer = Writer(connect_async(self._settings.elasticsearch), generation=self._new, hidden=True)
        try:
            for alias in REBUILT:  # each alias needs an index to move to
                await writer.make(alias, mapping.index_of(alias, datetime.now(UTC), self._new))
            ends = await self._copy(writer, looking.beginnings(self._settings.kafka, TOPICS))
            self._erase()
            self._show()
            writer.hidden = False
            await asyncio.sleep(KNOWN_FOR + 1)  # until every sink has seen it
            await self._copy(writer, ends)
            self._erase()
        finally:
            await writer.close()
        self._client.indices.refresh(index=list(REBUILT))
        return {alias: int(self._client.count(index=alias)["count"]) for alias in REBUILT}

    async def _copy(self, writer: Writer, begin: Offsets) -> Offsets:
        """Writes what the topics hold from some offsets on to their present ends; the ends."""
        ends = looking.ends(self._settings.kafka, TOPICS)
        self._total += sum(end - begin[place] for place, end in ends.items())
        for topic in TOPICS:
            first = {place: offset for place, offset in begin.items() if place.topic == topic}
            last = {place: ends[place] for place in first}
            before = self._done
            for batch in looking.between(self._settings.kafka, first, last):
                writes = [write for record in batch if (write := self._write(_record(record)))]
                await writer.write(writes)  # what is refused, the sink has made a dead letter of
                self._done += len(batch)
                self._progress(self._done, self._total)
            self._done = before + sum(last[place] - first[place] for place in first)  # compaction leaves gaps
            self._progress(self._done, self._total)
        return ends

    def _write(self, record: Record) -> Write | None:
        if record.topic == ARTICLES:
            (self._forgotten.add if record.value is None else self._forgotten.discard)(record.key)
        try:
            if record.topic in CHANGES and record.value and self._forgotten:
                left = without(cloudevent.alert_of(record.value), self._forgotten)
                record = record._replace(value=cloudevent.event(left) if left else None)
            return write_of(record)
        except ValueError:  # the sink has made a dead letter of it
            return None

    def _erase(self) -> None:
        """Takes out what was forgotten in the course of what the topics hold."""
        if self._forgotten:
            built = f"{mapping.ARTICLES}-g{self._new}-*"
            self._client.indices.refresh(index=built)
            erase(self._client, built, sorted(self._forgotten))

    def _show(self) -> None:
        """Moves the aliases to the new generation, all in one step."""
        actions = []
        for index, about in self._client.indices.get_alias(name=list(REBUILT)).body.items():
            do = "add" if generation_of(index) == self._new else "remove"
            actions += [{do: {"index": index, "alias": alias}} for alias in about["aliases"] if alias in REBUILT]
        self._client.indices.update_aliases(actions=actions)


def drop_hidden(settings: Settings) -> list[str]:
    """Drops the generations that are not shown: older ones, and what an unfinished rebuilding has left; their indices.

    Raises:
        ElasticsearchError: Elasticsearch does not do it.
    """
    client = connect(settings.elasticsearch)
    try:
        shown = generations(client.indices.get_alias(name=list(REBUILT)).body)
        names = client.indices.get(index=[f"{alias}-g*" for alias in REBUILT], features=["aliases"]).body
        old = sorted(name for name in names if generation_of(name) != shown.get(name.partition("-g")[0]))
        for name in old:
            client.indices.delete(index=name)
        return old
    except (ApiError, TransportError) as error:
        raise ElasticsearchError(explained(error)) from error
    finally:
        client.close()


def _record(record: Any) -> Record:
    key = (record.key or b"").decode("utf-8", "backslashreplace")
    return Record(record.topic, record.partition, record.offset, key, record.value, 1000 * record.timestamp)
