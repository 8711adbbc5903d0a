"""What Elasticsearch is to hold of the records of the topics, and the writing of it: for as long as it takes.

Every document has an id that follows from what it is about, and the version of the record that it came from, as an
external version: a record that comes twice, late or out of order never replaces a newer one, and a conflict of
versions is as good as written.
"""

import asyncio
import hashlib
import logging
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

import msgspec
from elasticsearch import ApiError, AsyncElasticsearch, TransportError

from pipeline.engines.kafka.sending import StoppedError
from pipeline.model import cloudevent
from pipeline.model.alert import Alert
from pipeline.model.codec import decode
from pipeline.model.dead_letter import DeadLetter
from pipeline.model.enriched import EnrichedArticle
from pipeline.model.health import SourceHealth
from pipeline.sinks.elasticsearch import documents, mapping
from pipeline.sinks.elasticsearch.client import explained
from pipeline.sinks.elasticsearch.generations import HIDDEN, generations
from pipeline.sinks.elasticsearch.setup import unfit
from pipeline.topics import ALERTS, ARTICLES, DEAD_LETTERS, DESKS, HEALTH, desk_topic

MOST, MOST_BYTES = 500, 4 * 1024 * 1024
"""Documents and bytes of one request; a document larger than that goes alone."""
PAUSES = (0.2, 10.0)
"""Seconds before the first repetition, and at most; each pause is twice the one before."""
LOOK = 0.1
"""Seconds between looks whether it is time to stop."""
KNOWN_FOR = 5.0
"""Seconds after which the sink asks again which generation of indices it has to write to."""

log = logging.getLogger("wirewatch.elasticsearch")


class Record(NamedTuple):
    """A record of a topic."""

    topic: str
    partition: int
    offset: int
    key: str
    value: bytes | None
    at: int
    """The broker's append time, microseconds."""


class Write(NamedTuple):
    """A document that is to be in an index."""

    record: Record
    alias: str
    at: datetime
    """Which month's index it belongs to."""
    id: str
    version: int
    document: bytes
    """JSON."""
    stemmed: Mapping[str, str] = {}
    """Language -> text, written where the index has an analyzer of the language."""

    @property
    def place(self) -> tuple[str, str]:
        """What tells its document from every other: the index, were it of the first generation, and the id."""
        return mapping.index_of(self.alias, self.at), self.id


Refused = tuple[Write, str]
"""What can never be written, and why."""


def write_of(record: Record) -> Write | None:
    """The document that a record of one of `TOPICS` becomes; None for a tombstone, and what is left of an alert whose
    articles have all been forgotten.

    Raises:
        InvalidError: the record is not what its topic holds.
        ValueError: an article without its place in the order, which only relate's have.
    """
    return None if record.value is None else _MAKE[record.topic](record, record.value)


def _article(record: Record, value: bytes) -> Write:
    article = decode(value, EnrichedArticle)
    if article.stored is None or article.version is None:
        raise ValueError("an article without `stored` and `version`: it has not been related")
    document = documents.article_document(article)
    made = _write(record, mapping.ARTICLES, article.stored, article.id, article.version, document)
    return made._replace(stemmed=documents.stemmed(article))


def _alert(record: Record, value: bytes) -> Write | None:
    alert = decode(value, Alert)
    if not alert.articles:
        return None
    document = documents.alert_document(alert)
    return _write(record, mapping.ALERTS, alert.times.raised, alert.id, alert.sequence, document)


def _change(record: Record, value: bytes) -> Write | None:
    alert = cloudevent.alert_of(value)
    if not alert.articles:
        return None
    id_ = f"{alert.id}-{alert.sequence}"
    document = documents.change_document(alert)
    return _write(record, mapping.CHANGES, alert.times.raised, id_, alert.sequence, document)


def _dead_letter(record: Record, value: bytes) -> Write:
    letter = decode(value, DeadLetter)
    return _write(record, mapping.DEAD_LETTERS, letter.at, letter_id(value), 1, documents.dead_letter_document(letter))


def letter_id(value: bytes) -> str:
    """Id of a dead letter's document: of one that was sent twice, the same."""
    return hashlib.sha256(value).hexdigest()[:32]


def _health(record: Record, value: bytes) -> Write:
    health = decode(value, SourceHealth)
    at = datetime.fromtimestamp(record.at / 1e6, UTC)
    return _write(record, mapping.SOURCES, at, health.id, record.offset, documents.health_document(health))


def _write(record: Record, alias: str, at: datetime, id_: str, version: int, document: Mapping[str, Any]) -> Write:
    return Write(record, alias, at, id_, version, _json(document))


_json = msgspec.json.Encoder().encode

_MAKE: Mapping[str, Callable[[Record, bytes], Write | None]] = {
    ARTICLES: _article,
    ALERTS: _alert,
    **dict.fromkeys(map(desk_topic, DESKS), _change),
    DEAD_LETTERS: _dead_letter,
    HEALTH: _health,
}
TOPICS = tuple(_MAKE)
"""What the sink reads."""


class UnacceptableError(Exception):
    """A request is refused whole, for its size or for one document in it."""


class MissingError(Exception):
    """What `wirewatch setup` makes is not there, or is another version's: no document may be written then."""


class Writer:
    """Writes documents until Elasticsearch has them.

    Args:
        client: of Elasticsearch; the writer closes it.
        stopping: asked while Elasticsearch takes nothing; once true, StoppedError is raised.
        generation: of the indices to write to; None for those that are read now.
        hidden: whether indices are made so that nobody sees them under their alias.
        timeout: of a request, seconds; past it the request is sent again.
    """

    def __init__(
        self,
        client: AsyncElasticsearch,
        stopping: Callable[[], bool] = lambda: False,
        generation: int | None = None,
        hidden: bool = False,
        timeout: float = 30.0,
    ) -> None:
        self._client = client.options(max_retries=0, request_timeout=timeout)
        self._stopping = stopping
        self._fixed = generation
        self.hidden = hidden
        self._generations: Mapping[str, int] = {}
        self._asked = float("-inf")
        self._made: dict[str, frozenset[str]] = {}
        """Index -> languages that it has analyzers of."""

    async def close(self) -> None:
        """Closes the connections."""
        await self._client.close()

    async def write(self, writes: Sequence[Write]) -> list[Refused]:
        """Returns when each document is written, or known in a newer version, or refused for good.

        Raises:
            StoppedError: it is time to stop, and not everything is written.
        """
        newest, older = _newest(writes)
        refused: list[Refused] = []
        for request in _requests(newest):
            refused += await self._until_done(request)
        if refused and older:
            again = {write.place for write, _ in refused}
            refused += await self.write([write for write in older if write.place in again])
        return refused

    async def _until_done(self, writes: Sequence[Write]) -> list[Refused]:
        refused: list[Refused] = []
        waiting, pause, said = list(writes), PAUSES[0], ""
        while waiting:
            before = len(waiting)
            try:
                waiting, new, trouble = await self._attempt(waiting)
                refused += new
            except UnacceptableError as error:
                return refused + await self._halves(waiting, str(error))
            except (ApiError, TransportError, OSError, MissingError) as error:
                trouble = str(error) if isinstance(error, MissingError) else explained(error)
                self._asked = float("-inf")
            if not waiting:
                break
            if trouble != said:
                log.error("Elasticsearch does not take %d documents (%s); trying on", len(waiting), trouble)
                said = trouble
            pause = PAUSES[0] if len(waiting) < before else min(2 * pause, PAUSES[1])
            await self._pause(pause, trouble)
        if said:
            log.warning("Elasticsearch takes documents again")
        return refused

    async def _halves(self, writes: Sequence[Write], reason: str) -> list[Refused]:
        """The same in two requests; a single document that makes a request unacceptable is refused."""
        if len(writes) == 1:
            return [(writes[0], reason)]
        middle = len(writes) // 2
        return [*await self._until_done(writes[:middle]), *await self._until_done(writes[middle:])]

    async def _pause(self, seconds: float, trouble: str) -> None:
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            if self._stopping():
                raise StoppedError(f"Elasticsearch takes nothing ({trouble})")
            await asyncio.sleep(min(LOOK, left))

    async def _attempt(self, writes: Sequence[Write]) -> tuple[list[Write], list[Refused], str]:
        """Sends one request; what has to be sent again, what is refused for good, and what the trouble is."""
        await self._learn_generations({write.alias for write in writes})
        indices = [self._index(write) for write in writes]
        for alias, index in dict.fromkeys(zip((write.alias for write in writes), indices, strict=True)):
            await self.make(alias, index)
        body: list[Any] = []
        for write, index in zip(writes, indices, strict=True):
            to = {"_index": index, "_id": write.id, "version": write.version, "version_type": "external"}
            body += (_json({"index": to}), self._whole(write, index))
        try:
            answer = await self._client.bulk(operations=body, filter_path="items.*.status,items.*.error")
        except ApiError as error:
            if error.meta.status in (400, 413):
                raise UnacceptableError(f"{error.meta.status} {error.message}") from error
            raise
        again: list[Write] = []
        refused: list[Refused] = []
        trouble = ""
        for write, index, item in zip(writes, indices, answer["items"], strict=True):
            status, fault = item["index"]["status"], item["index"].get("error") or {}
            if status < 300 or status == 409:
                continue
            reason = _reason(status, fault)
            if not _may_pass(status, fault):
                refused.append((write, reason))
                continue
            again.append(write)
            trouble = reason
            if status == 404:
                self._made.pop(index, None)
                self._asked = float("-inf")
        return again, refused, trouble

    def _whole(self, write: Write, index: str) -> bytes:
        """The document with its text in the field of its language, where that is of use."""
        texts = {code: text for code, text in write.stemmed.items() if code in self._made[index]}
        return write.document[:-1] + b',"stemmed":' + _json(texts) + b"}" if texts else write.document

    def _index(self, write: Write) -> str:
        return mapping.index_of(write.alias, write.at, self._fixed or self._generations[write.alias])

    async def _learn_generations(self, aliases: Collection[str]) -> None:
        now = time.monotonic()
        if not self._fixed and now - self._asked >= KNOWN_FOR:
            self._generations = generations((await self._client.indices.get_alias(name="wirewatch-*")).body)
            self._asked = now
        missing = set() if self._fixed else set(aliases) - set(self._generations)
        if missing:
            raise MissingError(f"there is no {', '.join(sorted(missing))}: run `wirewatch setup`")

    async def make(self, alias: str, index: str) -> None:
        """Creates an index where it is missing, as its template says, and makes sure that it fits."""
        if index in self._made:
            return
        try:
            await self._client.indices.create(index=index, aliases={alias: {"filter": HIDDEN}} if self.hidden else None)
        except ApiError as error:
            if error.error != "resource_already_exists_exception":
                raise
        mappings = (await self._client.indices.get_mapping(index=index)).body
        if problem := unfit(mappings):
            raise MissingError(problem)
        self._made[index] = mapping.stemmed_in(mappings[index]["mappings"])


def _newest(writes: Sequence[Write]) -> tuple[list[Write], list[Write]]:
    """The newest version of each document, and those that it takes the place of."""
    newest: dict[tuple[str, str], Write] = {}
    older: list[Write] = []
    for write in writes:
        known = newest.setdefault(write.place, write)
        if known is not write:
            older.append(min(known, write, key=_version))
            newest[write.place] = max(known, write, key=_version)
    return list(newest.values()), older


def _version(write: Write) -> int:
    return write.version


def _requests(writes: Sequence[Write]) -> Iterator[Sequence[Write]]:
    """The writes in requests of a bounded size."""
    request: list[Write] = []
    size = 0
    for write in writes:
        if request and (len(request) == MOST or size + len(write.document) > MOST_BYTES):
            yield request
            request, size = [], 0
        request.append(write)
        size += len(write.document)
    if request:
        yield request


_OUTAGES = frozenset({"cluster_block_exception", "security_exception", "index_not_found_exception"})
"""Refusals that end when somebody mends something: a full disk, a role, an index that was dropped."""


def _may_pass(status: int, error: Mapping[str, Any]) -> bool:
    return status == 429 or status >= 500 or error.get("type") in _OUTAGES


def _reason(status: int, error: Mapping[str, Any]) -> str:
    cause = error.get("caused_by") or {}
    parts = (error.get("type"), error.get("reason"), cause.get("reason"))
    return f"{status} " + ": ".join(str(part) for part in parts if part)
