"""What the agent of the sink does with a batch: documents into Elasticsearch, and only then may Faust commit."""

import logging
import time
from collections.abc import Callable, Sequence
from typing import Any

from faust.types import EventT

from pipeline.engines.kafka.sending import Outgoing, Sender
from pipeline.engines.runner import refused_letter
from pipeline.settings import Settings
from pipeline.sinks.elasticsearch.client import connect_async
from pipeline.sinks.elasticsearch.sink import TOPICS, Record, Write, Writer, write_of
from pipeline.topics import DEAD_LETTERS

__all__ = ["BATCH", "NAME", "TOPICS", "WITHIN", "SinkWorker", "record_of"]

NAME = "sink"
BATCH, WITHIN = 500, 0.2
"""Records at once, and seconds to wait for a batch to fill."""

log = logging.getLogger("wirewatch.kafka")


class SinkWorker:
    """What the agent of the sink does with a batch; usable without Faust.

    Args:
        settings: where broker and Elasticsearch are.
        stopping: whether the worker has been asked to end.
    """

    name = NAME

    def __init__(self, settings: Settings, stopping: Callable[[], bool] = lambda: False) -> None:
        self._settings = settings
        self._sender = Sender(settings.kafka, stopping)
        self._stopping = stopping
        self._writer: Writer | None = None
        self.busy_since: float | None = None
        self.handled = 0
        self.dead = 0

    async def start(self) -> None:
        """Connects to the broker; Elasticsearch may be away."""
        await self._sender.start()
        self._writer = Writer(connect_async(self._settings.elasticsearch), self._stopping)

    async def stop(self) -> None:
        """Disconnects."""
        await self._sender.stop()
        if self._writer:
            await self._writer.close()

    async def handle(self, batch: Sequence[Record]) -> None:
        """Returns when every record of a batch is in Elasticsearch, or on the topic of dead letters.

        A tombstone is passed over: the sink need not be allowed to delete, `wirewatch forget` does it.

        Raises:
            StoppedError: it was time to stop; the batch must not be committed.
        """
        assert self._writer, "not started"
        self.busy_since = time.monotonic()
        writes: list[Write] = []
        refused: list[tuple[Record, Exception]] = []
        for record in batch:
            try:
                write = write_of(record)
            except Exception as error:  # whatever one record breaks, its neighbours are written
                refused.append((record, error))
            else:
                writes += [write] if write else []
        refused += [(write.record, ValueError(reason)) for write, reason in await self._writer.write(writes)]
        await self._bury(refused)
        self.handled += len(batch)
        self.busy_since = None

    async def _bury(self, refused: Sequence[tuple[Record, Exception]]) -> None:
        self.dead += len(refused)
        letters = []
        for record, error in refused:
            if record.topic == DEAD_LETTERS:  # its own dead letter would be refused for the same reason
                log.error("dead letter %d cannot be put into Elasticsearch: %s", record.offset, error)
                continue
            value = refused_letter(NAME, record.topic, record.offset, record.key, record.value or b"", record.at, error)
            letters.append(Outgoing(DEAD_LETTERS, record.key, value))
        await self._sender.send(letters)


def record_of(event: EventT[Any]) -> Record:
    """A Faust event as the record that it came from."""
    message = event.message
    key = (message.key or b"").decode("utf-8", "backslashreplace")
    at = round(message.timestamp * 1000) * 1000
    return Record(message.topic, message.partition, message.offset, key, message.value, at)
