"""Looks into topics from outside the stages, and puts single records there, by kafka-python."""

import base64
import hashlib
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import KafkaAdminClient
from kafka.errors import CoordinatorNotAvailableError, KafkaError

from pipeline.alerting.rules import RuleSet
from pipeline.engines.errors import StoreUnavailableError
from pipeline.engines.kafka import clients
from pipeline.engines.kafka.sending import Outgoing
from pipeline.engines.records import Record
from pipeline.engines.store import moment
from pipeline.model.alert import Alert
from pipeline.model.candidate import Action
from pipeline.model.codec import InvalidError, decode, encode
from pipeline.model.dead_letter import DeadLetter
from pipeline.settings import Kafka
from pipeline.topics import ACTIONS, DEAD_LETTERS
from pipeline.topology import kafka_stages

PATIENCE = 15.0
"""Seconds that a broker may take to answer."""
REMEMBERED = 2000
"""Latest records that a follower has at hand."""

INPUTS: Mapping[str, tuple[str, ...]] = {stage.name: (stage.input,) for stage in kafka_stages(RuleSet([]))}
"""What each stage reads."""


Offsets = Mapping[TopicPartition, int]


@contextmanager
def reading(given: Kafka, **more: Any) -> Iterator[Any]:
    """A consumer without a group; its errors become sentences.

    Raises:
        StoreUnavailableError: the broker does not answer.
    """
    with _told(given):
        consumer = KafkaConsumer(**clients.kafka_python(given), **_ALONE, **more)
        try:
            yield consumer
        finally:
            consumer.close()


_ALONE = {"group_id": None, "enable_auto_commit": False, "max_partition_fetch_bytes": 2 * clients.LARGEST_REQUEST}


@contextmanager
def _told(given: Kafka) -> Iterator[None]:
    try:
        yield
    except KafkaError as error:
        raise StoreUnavailableError(
            f"Kafka at {given.bootstrap} does not answer ({error or type(error).__name__}): is it up, and has "
            "`wirewatch setup` been run?"
        ) from error


def places(consumer: Any, topics: Sequence[str]) -> list[TopicPartition]:
    """The partitions of topics."""
    return [
        TopicPartition(topic, number)
        for topic in topics
        for number in sorted(consumer.partitions_for_topic(topic) or ())
    ]


def whole(given: Kafka, topics: Sequence[str]) -> Iterator[Any]:
    """Every record of topics from their beginning to their present end, each partition in order.

    Raises:
        StoreUnavailableError: the broker does not answer.
    """
    for batch in between(given, beginnings(given, topics), ends(given, topics)):
        yield from batch


def between(given: Kafka, begin: Offsets, end: Offsets) -> Iterator[list[Any]]:
    """Records from some offsets to others, in batches, each partition in order."""
    with reading(given) as consumer:
        consumer.assign(list(begin))
        yield from _batches(consumer, begin, end)


def _between(consumer: Any, begin: Offsets, end: Offsets) -> Iterator[Any]:
    for batch in _batches(consumer, begin, end):
        yield from batch


def _batches(consumer: Any, begin: Offsets, end: Offsets) -> Iterator[list[Any]]:
    for place, offset in begin.items():
        consumer.seek(place, offset)
    while any(consumer.position(place) < offset for place, offset in end.items()):
        for place, batch in consumer.poll(timeout_ms=500, max_records=500).items():
            yield [record for record in batch if record.offset < end[place]]


@contextmanager
def following(
    given: Kafka, topics: Sequence[str], *, from_start: bool = False, group: str | None = None
) -> Iterator[Iterator[Any]]:
    """Records of topics as they come, without end, however often the broker goes away.

    Args:
        from_start: begin with what the topics hold, where the group has not been anywhere yet.
        group: whose place is kept on the broker; it moves on behind the records that were taken.
    """
    with _told(given):
        consumer = KafkaConsumer(
            **clients.kafka_python(given),
            group_id=group,
            enable_auto_commit=False,
            auto_offset_reset="earliest" if from_start else "latest",
            max_partition_fetch_bytes=2 * clients.LARGEST_REQUEST,
            max_poll_records=100,
        )
        try:
            if group:
                consumer.subscribe(list(topics))
            else:
                every = places(consumer, topics)
                consumer.assign(every)
                (consumer.seek_to_beginning if from_start else consumer.seek_to_end)(*every)
                for place in every:
                    consumer.position(place)  # from now on, not from the first look on
            yield _endless(consumer, committing=bool(group))
        finally:
            consumer.close(autocommit=False)


def _endless(consumer: Any, committing: bool) -> Iterator[Any]:
    while True:
        batches = consumer.poll(timeout_ms=500)
        for batch in batches.values():
            yield from batch
        if committing and batches:
            with suppress(KafkaError):  # it is committed with the next batch; some may come twice
                consumer.commit()


def beginnings(given: Kafka, topics: Sequence[str]) -> dict[TopicPartition, int]:
    """The offset of the first record that each partition of topics still has."""
    with reading(given) as consumer:
        return dict(consumer.beginning_offsets(places(consumer, topics)))


def ends(given: Kafka, topics: Sequence[str]) -> dict[TopicPartition, int]:
    """Where each partition of topics ends: the offset of its next record."""
    with reading(given) as consumer:
        return dict(consumer.end_offsets(places(consumer, topics)))


def lag(given: Kafka, inputs: Mapping[str, Sequence[str]], until: Offsets | None = None) -> dict[str, int]:
    """Messages before each of some stages, from the offsets that its group has committed.

    Args:
        inputs: stage -> the topics that it reads.
        until: where the topics are to end; where they end now, if left out.
    """
    with _told(given):
        admin = KafkaAdminClient(**clients.kafka_python(given), bootstrap_timeout_ms=int(1000 * PATIENCE))
        try:
            done = {stage: _offsets_of(admin, f"wirewatch-{stage}") for stage in inputs}
        finally:
            admin.close()
        with reading(given) as consumer:
            partitions = {stage: places(consumer, topics) for stage, topics in inputs.items()}
            every = sorted({place for found in partitions.values() for place in found})
            begin, end = consumer.beginning_offsets(every), until or consumer.end_offsets(every)
    return {
        stage: sum(max(0, end[place] - max(begin[place], _committed(done[stage], place))) for place in found)
        for stage, found in partitions.items()
    }


def _offsets_of(admin: KafkaAdminClient, group: str) -> Mapping[TopicPartition, Any]:
    try:
        found: Mapping[TopicPartition, Any] = admin.list_group_offsets(group)[group]
    except CoordinatorNotAvailableError:  # of a broker that has never had a group
        return {}
    return found


def _committed(offsets: Mapping[TopicPartition, Any], place: TopicPartition) -> int:
    return offsets[place].offset if place in offsets else 0


def send(given: Kafka, records: Sequence[Outgoing]) -> None:
    """Puts records where they belong; each is acknowledged when it returns.

    Raises:
        StoreUnavailableError: not all of them were.
    """
    with _told(given):
        producer = KafkaProducer(
            **clients.kafka_python(given),
            acks="all",
            max_request_size=clients.LARGEST_REQUEST,
            max_block_ms=int(1000 * PATIENCE),
            request_timeout_ms=int(1000 * PATIENCE),
            delivery_timeout_ms=int(2000 * PATIENCE),
        )
        try:
            waiting = [
                producer.send(
                    record.topic,
                    key=None if record.key is None else record.key.encode(),
                    value=record.value,
                    headers=list(record.headers),
                    partition=record.partition,
                )
                for record in records
            ]
            for future in waiting:
                future.get(timeout=2 * PATIENCE)
        finally:
            producer.close(timeout=PATIENCE)


def actions(given: Kafka, alert_of: Callable[[str], Alert | None]) -> Callable[[Action], None]:
    """What takes a user's action on an alert: it goes to the public inbox, as anyone's may.

    Args:
        alert_of: the alert of an id. The function raises LookupError where there is none, or it is of another rule.
    """

    def act(action: Action) -> None:
        alert = alert_of(action.alert)
        if alert is None or alert.rule.id != action.rule:
            raise LookupError(f"there is no alert {action.alert} of rule {action.rule}: `wirewatch alerts` lists them")
        send(given, [Outgoing(ACTIONS, action.rule, encode(action))])

    return act


class Follower:
    """Follows a topic of one partition; usable from any thread.

    Places are counted from 1: place n is the record of offset n - 1, so that 0 stands before the first.
    """

    def __init__(self, given: Kafka, topic: str) -> None:
        self._given = given
        self._place = TopicPartition(topic, 0)
        self._lock = threading.Lock()
        self._consumer: Any = None
        self._latest: deque[Record] = deque(maxlen=REMEMBERED)
        self._first = 0
        """Place after which everything is in `_latest`."""

    def head(self) -> int:
        """Place of the last record; 0 where there is none."""
        with self._lock, _told(self._given):
            return int(self._followed().end_offsets([self._place])[self._place])

    def tail(self, after: int, limit: int) -> list[Record]:
        """Records after a place, oldest first."""
        with self._lock, _told(self._given):
            self._read_on()
            if after >= self._first:
                return [record for record in self._latest if record.offset > after][:limit]
        with reading(self._given) as consumer:
            consumer.assign([self._place])
            begin = {self._place: max(after, consumer.beginning_offsets([self._place])[self._place])}
            found: list[Record] = []
            for record in _between(consumer, begin, consumer.end_offsets([self._place])):
                found += [] if record.value is None else [_record(record)]
                if len(found) == limit:
                    break
            return found

    def close(self) -> None:
        """Closes the connection."""
        with self._lock:
            if self._consumer:
                self._consumer.close()
            self._consumer = None

    def _followed(self) -> Any:
        if self._consumer is None:
            consumer = KafkaConsumer(**clients.kafka_python(self._given), **_ALONE)
            consumer.assign([self._place])
            consumer.seek_to_end(self._place)
            self._first = consumer.position(self._place)
            self._consumer = consumer
        return self._consumer

    def _read_on(self) -> None:
        for batch in self._followed().poll(timeout_ms=10).values():
            for record in batch:
                if record.value is None:
                    continue
                if len(self._latest) == REMEMBERED:
                    self._first = self._latest[0].offset
                self._latest.append(_record(record))


def _record(record: Any) -> Record:
    key = (record.key or b"").decode("utf-8", "backslashreplace")
    return Record(record.offset + 1, record.topic, key, record.value, moment(1000 * record.timestamp))


def dead_letters(given: Kafka, limit: int) -> list[tuple[int, DeadLetter]]:
    """Dead letters that were not put back, newest first, each with its offset.

    One that was sent twice is listed once. An empty record under the offset of a letter says that it was put back.
    """
    place = TopicPartition(DEAD_LETTERS, 0)
    window = 2 * limit + 100
    while True:
        with reading(given) as consumer:
            consumer.assign([place])
            begin, end = (
                found[place] for found in (consumer.beginning_offsets([place]), consumer.end_offsets([place]))
            )
            start = max(begin, end - window)
            found = _letters(_between(consumer, {place: start}, {place: end}))
        if len(found) >= limit or start == begin:
            return found[:limit]
        window *= 4


def _letters(records: Iterator[Any]) -> list[tuple[int, DeadLetter]]:
    letters: dict[bytes, tuple[int, DeadLetter]] = {}
    for record in records:
        if record.value is None:
            letters = {key: kept for key, kept in letters.items() if str(kept[0]).encode() != record.key}
            continue
        try:
            letters.setdefault(hashlib.sha256(record.value).digest(), (record.offset, decode(record.value, DeadLetter)))
        except InvalidError:  # not one of ours
            continue
    return sorted(letters.values(), key=lambda entry: -entry[0])


def put_back(given: Kafka, letters: Sequence[tuple[int, DeadLetter]]) -> list[int]:
    """Puts the messages of dead letters back into the topics they came from; the offsets of those that could be had.

    A message that was too long to be kept whole is looked for in its topic.
    """
    done = []
    for offset, letter in letters:
        message = _message(given, letter)
        if message is None:
            continue
        send(given, [Outgoing(letter.topic, letter.key, message)])
        send(given, [Outgoing(DEAD_LETTERS, str(offset), None)])
        done.append(offset)
    return done


def _message(given: Kafka, letter: DeadLetter) -> bytes | None:
    """What a letter is about, whole; None where it is no longer to be had."""
    kept = base64.b64decode(letter.bytes)
    if len(kept) == letter.size:
        return kept
    if letter.offset is None:
        return None
    with reading(given) as consumer:
        for place in places(consumer, [letter.topic]):
            consumer.assign([place])
            if not consumer.beginning_offsets([place])[place] <= letter.offset < consumer.end_offsets([place])[place]:
                continue
            for record in _between(consumer, {place: letter.offset}, {place: letter.offset + 1}):
                value: bytes = record.value or b""
                if record.offset == letter.offset and hashlib.sha256(value).hexdigest() == letter.sha256:
                    return value
    return None
