"""The rules on their topic: published whole, read whole by every worker before its first article, and followed."""

import asyncio
import logging
from collections.abc import AsyncIterator

from aiokafka import AIOKafkaConsumer, TopicPartition

from pipeline.alerting.rules import Rule, RuleSet
from pipeline.engines.kafka import clients
from pipeline.engines.kafka.reading import until
from pipeline.engines.kafka.sending import Outgoing, Sender
from pipeline.model.candidate import RuleChange
from pipeline.model.codec import InvalidError, decode, encode
from pipeline.settings import Kafka
from pipeline.topics import CANDIDATES
from pipeline.topics import RULES as TOPIC

log = logging.getLogger("wirewatch.kafka")


class Published:
    """What rules.v1 holds, read as far as it goes.

    Use it as an asynchronous context.
    """

    def __init__(self, given: Kafka) -> None:
        self._place = TopicPartition(TOPIC, 0)
        self.rules: dict[str, Rule] = {}
        self._consumer = AIOKafkaConsumer(
            **clients.aiokafka(given), group_id=None, enable_auto_commit=False, fetch_max_wait_ms=500
        )

    async def __aenter__(self) -> "Published":
        await self._consumer.start()
        self._consumer.assign([self._place])
        await self._consumer.seek_to_beginning(self._place)
        await self.catch_up()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._consumer.stop()

    async def catch_up(self) -> None:
        """Reads to the end."""
        end = (await self._consumer.end_offsets([self._place]))[self._place]
        async for batch in until(self._consumer, self._place, end):
            for record in batch:
                self._take((record.key or b"").decode("utf-8", "replace"), record.value)

    def _take(self, id_: str, value: bytes | None) -> None:
        if value is None:
            self.rules.pop(id_, None)
            return
        try:
            self.rules[id_] = decode(value, Rule)
        except InvalidError as error:
            log.error("%s holds what is no rule under %s (%s); what was known of it stays", TOPIC, id_, error)

    async def follow(self, every: float = 2.0) -> AsyncIterator[RuleSet]:
        """The rules as they are now, and again after each change; `every`: seconds between looks."""
        told, away = dict(self.rules), False
        yield RuleSet(told.values())
        while True:
            await asyncio.sleep(every)
            try:
                await self.catch_up()
                away = False
            except Exception as error:  # the rules in force stay in force while the broker is away
                if not away:
                    log.warning("%s cannot be read just now: %s", TOPIC, error)
                away = True
            if told != self.rules:  # also by what was read before the broker went away
                told = dict(self.rules)
                yield RuleSet(told.values())


async def publish(given: Kafka, rules: RuleSet) -> list[str]:
    """Makes the topic say what `rules` says, and tells correlate of what changed; ids of changed and removed rules."""
    async with Published(given) as published:
        known = published.rules
        changed = [rule for rule in rules if known.get(rule.id) != rule]
        gone = [rule for id_, rule in known.items() if rules.get(id_) is None]
    sender = Sender(given)
    await sender.start()
    try:
        # First those whom alerts rest on: a worker that asks a new rule finds correlate told of it.
        told = [rule.change for rule in changed]
        told += [RuleChange(rule=rule.id, version=rule.version, removed=True) for rule in gone]
        await sender.send([Outgoing(CANDIDATES, change.rule, encode(change)) for change in told])
        await sender.send(
            [
                *(Outgoing(TOPIC, rule.id, encode(rule)) for rule in changed),
                *(Outgoing(TOPIC, rule.id, None) for rule in gone),
            ]
        )
    finally:
        await sender.stop()
    return sorted(rule.id for rule in [*changed, *gone])
