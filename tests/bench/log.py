"""The log of relate as weeks of news would leave it: one record an article, of no text but of the usual size."""

import random
from collections import deque
from collections.abc import Iterator

from pipeline.stage import StateChange
from pipeline.stories.record import Decided, pack, to_bytes

SPAN = 35 * 86_400_000
"""Milliseconds of a log, as long as an article is recognised."""
FEATURES = 2_000_000
"""Features there are; few are common and most are rare, as words are."""


def related(count: int, seed: int = 0) -> Iterator[StateChange]:
    """Changes of relate's state by `count` articles, half of which begin a story; the same in every run."""
    chance = random.Random(seed)
    stories: deque[bytes] = deque(maxlen=500)
    for number in range(count):
        name = chance.randbytes(16)
        joined = chance.choice(stories) if stories and chance.random() < 0.5 else b""
        if not joined:
            stories.append(name)
        features = {int(chance.random() ** 4 * FEATURES) * 2147 & 0xFFFFFFFF for _ in range(64)}
        record = Decided(
            id=name,
            revision=chance.randbytes(16),
            at=1_700_000_000_000 + number * SPAN // count,
            version=number,
            stored=0,
            lengths=pack((100.0, 200.0), "f"),
            source=f"source-{chance.randrange(500)}",
            name="",
            owner="",
            language="en",
            story=joined,
            origin=b"",
            duplicate_of=b"",
            accounts=(chance.getrandbits(32),),
            features=pack(sorted(features)),
            sketch=pack(sorted(chance.getrandbits(28) for _ in range(16))),
            order=pack((chance.getrandbits(16) for _ in range(40)), "H"),
        )
        yield StateChange(name.hex(), to_bytes(record))
