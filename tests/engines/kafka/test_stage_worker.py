"""What an agent does with a batch, against a real broker: nothing lost, nothing twice, one writer, to the letter."""

import asyncio
from collections.abc import Sequence
from itertools import count

import pytest

from pipeline.engines.kafka.ledger import LostError
from pipeline.engines.kafka.partition import Arrived
from pipeline.engines.kafka.sending import Outgoing, Sender
from pipeline.engines.kafka.stage_worker import CAUSE, NOW, StageWorker, StateError
from pipeline.engines.kafka.topics import set_up
from pipeline.model.article import Article
from pipeline.model.codec import decode, encode
from pipeline.model.dead_letter import DeadLetter
from pipeline.model.enriched import EnrichedArticle
from pipeline.settings import Kafka
from pipeline.stage import Message
from pipeline.topics import ARTICLES, CANDIDATES, DEAD_LETTERS, ENRICHED
from tests.engines.toys import NOON, Reading, Relating, article
from tests.stack.topics import records

numbers = count()
TITLES = ("Bridge fires", "Bridge calm", "Hill jams", "Bridge fires on", "Hill unfoldable", "Harbour fires")


@pytest.fixture(scope="module")
def given(bootstrap: str) -> Kafka:
    kafka = Kafka(bootstrap=bootstrap, partitions=1)
    set_up(kafka, 35)
    return kafka


def enriched(raw: Article) -> bytes:
    """What the toy of enrichment makes of an article."""
    return Reading().decide(None, Message(raw.id, encode(raw), 0, NOON)).effects[0].value


async def put(given: Kafka, titles: Sequence[str]) -> list[tuple[int, Arrived]]:
    """Articles on relate's input, as an agent would be given them."""
    sender = Sender(given)
    await sender.start()
    articles = [article(next(numbers), title) for title in titles]
    await sender.send([Outgoing(ENRICHED, raw.id, enriched(raw)) for raw in articles])
    await sender.stop()
    ids = {raw.id for raw in articles}
    return [
        (0, Arrived(record.key.decode(), record.value, record.offset, 1000 * record.timestamp, None))
        for record in records(given.bootstrap, ENRICHED)
        if record.key.decode() in ids
    ]


async def worker(given: Kafka) -> StageWorker:
    made = StageWorker(Relating(), given)
    await made.start()
    return made


def sent(given: Kafka, topic: str, ids: set[str]) -> list[tuple[str, bytes]]:
    """Records of a topic that are about some articles."""
    return [
        (record.key.decode(), record.value)
        for record in records(given.bootstrap, topic)
        if any(id_.encode() in record.value for id_ in ids)
    ]


def test_a_batch_is_decided_once_however_often_it_comes(given: Kafka) -> None:
    async def work() -> list[tuple[int, Arrived]]:
        batch = await put(given, TITLES)
        first = await worker(given)
        await first.handle(batch[:3])
        await first.handle(batch)
        await first.handle(batch)
        await first.stop()
        again = await worker(given)
        await again.handle(batch)
        await again.stop()
        return batch

    batch = asyncio.run(work())
    ids = {message.key for _, message in batch}
    kept = [decode(value, EnrichedArticle) for _, value in sent(given, ARTICLES, ids)]
    assert [made.title for made in kept] == ["Bridge fires", "Bridge calm", "Bridge fires on", "Harbour fires"]
    assert [made.version for made in kept] == [batch[n][1].offset for n in (0, 1, 3, 5)]
    assert len(sent(given, CANDIDATES, ids)) == 3
    letters = [
        decode(record.value, DeadLetter)
        for record in records(given.bootstrap, DEAD_LETTERS)
        if record.key.decode() in ids
    ]
    assert [(letter.stage, letter.offset) for letter in letters] == [("relate", batch[n][1].offset) for n in (2, 4)]
    assert "jammed" in letters[0].reason
    assert "cannot be folded" in letters[1].reason


def test_an_ordered_stage_says_what_caused_a_record_and_when(given: Kafka) -> None:
    async def work() -> Arrived:
        batch = await put(given, ["Tower fires"])
        made = await worker(given)
        await made.handle(batch)
        await made.stop()
        return batch[0][1]

    message = asyncio.run(work())
    record = next(r for r in records(given.bootstrap, CANDIDATES) if message.key.encode() in r.value)
    headers = dict(record.headers)
    assert headers[CAUSE] == f"{message.offset}.1".encode()
    assert headers[NOW] == str(message.at).encode()


def test_a_clock_that_steps_back_is_not_followed_nor_a_gap_in_the_offsets_minded(given: Kafka) -> None:
    async def work() -> list[Arrived]:
        batch = await put(given, ["Dam fires", "Dam trimmed", "Dam fires on"])
        made = await worker(given)
        first, _, last = (message for _, message in batch)
        await made.handle([(0, first)])
        await made.stop()
        again = await worker(given)
        await again.handle([(0, last._replace(at=first.at - 3_600_000_000))])
        await again.stop()
        return [first, last]

    first, last = asyncio.run(work())
    times = {
        message.key: dict(record.headers)[NOW]
        for record in records(given.bootstrap, CANDIDATES)
        for message in (first, last)
        if message.key.encode() in record.value
    }
    assert times == {first.key: str(first.at).encode(), last.key: str(first.at).encode()}


def test_a_tick_overtakes_nothing_that_waits_or_is_on_its_way(given: Kafka) -> None:
    async def work() -> tuple[Arrived, Arrived]:
        made = await worker(given)
        (_, first), *more = await put(given, ["Lock fires", "Lock calm"])
        await asyncio.gather(made.handle([(0, first)]), made.tick([0]))
        await made.tick([])
        await made.handle(more)
        await made.tick([0])
        await made.stop()
        return first, more[0][1]

    before = sum(not record.key for record in records(given.bootstrap, CANDIDATES))
    first, second = asyncio.run(work())
    after = [record for record in records(given.bootstrap, CANDIDATES) if not record.key][before:]
    behind, caught_up = (int(dict(record.headers)[NOW]) for record in after)
    assert behind == first.at
    assert second.at <= caught_up <= 1000 * after[-1].timestamp


def test_a_worker_that_wakes_beside_its_successor_can_write_no_state(given: Kafka) -> None:
    async def work() -> None:
        batch = await put(given, ["Mill fires", "Mill calm", "Mill fires on"])
        stalled = await worker(given)
        await stalled.handle(batch[:1])
        successor = await worker(given)
        await successor.handle(batch[1:2])
        with pytest.raises(LostError):
            await stalled.handle(batch[1:2])
        await successor.handle(batch[2:])
        await stalled.stop()
        await successor.stop()
        last = await worker(given)
        await last.handle(batch)
        await last.stop()

    before = len(records(given.bootstrap, ARTICLES))
    asyncio.run(work())
    after = [(record.key, record.value) for record in records(given.bootstrap, ARTICLES)[before:]]
    assert len(set(after)) == 3, "three articles, each with one body, however often it was sent"


def test_a_state_that_comes_back_to_its_worker_is_read_on_not_anew(given: Kafka) -> None:
    async def work() -> tuple[int, int]:
        batch = await put(given, ["Quay fires", "Quay calm"])
        made = await worker(given)
        await made.handle(batch[:1])
        other = await worker(given)
        await other.handle(batch[1:])
        made.doubt()
        more = await put(given, ["Quay on"])
        await made.handle([*batch, *more])
        held = made.state_of(0)
        await made.stop()
        await other.stop()
        return len(held["Quay"]), len({seen.article for seen in held["Quay"]})

    assert asyncio.run(work()) == (3, 3)


def test_a_state_of_another_life_of_the_input_is_refused(given: Kafka) -> None:
    async def work() -> None:
        batch = await put(given, ["Gate fires"])
        made = await worker(given)
        beyond = batch[0][1]._replace(offset=10**9, key="beyond")
        await made.handle([(0, beyond)])
        made.doubt()
        try:
            with pytest.raises(StateError, match="was made anew"):
                await made.handle(batch)
        finally:
            await made.stop()

    asyncio.run(work())
