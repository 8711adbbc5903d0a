"""The log of connectors that waits while the broker is away: a source must not be blamed for it and polled less."""

import logging
import threading
from collections.abc import Callable, Collection, Sequence
from typing import TypeVar

from kafka.errors import KafkaError

from pipeline.engines.errors import StoreUnavailableError
from pipeline.engines.kafka.log import KafkaLog
from pipeline.model.article import Article
from pipeline.model.dead_letter import DeadLetter
from pipeline.model.health import SourceHealth
from pipeline.settings import Kafka

T = TypeVar("T")
PAUSES = (0.2, 5.0)
"""Seconds before the first repetition, and at most; each pause is twice the one before."""

log = logging.getLogger("wirewatch.kafka")


class PatientLog:
    """Does what KafkaLog does, as often as it takes. Use it from one thread.

    Args:
        given: the broker, which may be away at first.
        stop: once it is set, a call that would wait raises StoreUnavailableError instead.
    """

    def __init__(self, given: Kafka, stop: threading.Event) -> None:
        self._given = given
        self._stop = stop
        self._log: KafkaLog | None = None

    def append(self, articles: Sequence[Article], cursor: tuple[str, str] | None = None) -> None:
        """Takes articles in, then moves the cursor behind them; some may come twice after an outage."""
        self._until_done(lambda log: log.append(articles, cursor))

    def reject(self, letter: DeadLetter) -> None:
        """Keeps what a connector could not make an article of."""
        self._until_done(lambda log: log.reject(letter))

    def cursor(self, source: str) -> str | None:
        """Where a connector has to go on; None where it has never been."""
        return self._until_done(lambda log: log.cursor(source))

    def reread(self, partitions: Collection[int]) -> None:
        """Learns the cursors in some partitions anew, which another process may have written."""
        self._until_done(lambda log: log.reread(partitions))

    def health(self, source: SourceHealth) -> None:
        """The latest word on a source."""
        self._until_done(lambda log: log.health(source))

    def sources(self) -> list[SourceHealth]:
        """The latest word on every source, by id."""
        return self._until_done(lambda log: log.sources())

    def close(self) -> None:
        """Closes the connection; everything that was acknowledged is with the broker."""
        if self._log:
            self._log.close()

    def _until_done(self, call: Callable[[KafkaLog], T]) -> T:
        pause, said = PAUSES[0], False
        while True:
            try:
                self._log = self._log or KafkaLog(self._given)
                result = call(self._log)
            except (StoreUnavailableError, KafkaError) as error:
                if self._stop.is_set():
                    raise StoreUnavailableError(str(error)) from error
                if not said:
                    log.error("%s; trying again for as long as it takes", error or type(error).__name__)
                    said = True
                self._stop.wait(pause)
                pause = min(2 * pause, PAUSES[1])
            else:
                if said:
                    log.warning("Kafka takes articles again")
                return result
