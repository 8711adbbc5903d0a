"""What a source makes of documents that are not what they should be."""

import asyncio

from connectors.sdk.testing.malformed import corpus, mutations
from connectors.sdk.testing.points.promise import Kit, broken_unless, fault_of
from connectors.sdk.testing.subject import BrokenPromiseError, Polled, Subject

MOST = 2_000
"""Items of one poll."""
MUTATIONS = 60
HOSTILE_SECONDS = 30.0
"""In which a source is done with a malformed document."""


async def malformed(kit: Kit) -> None:
    """Whatever stands in the place of its document, a poll ends soon, with a SourceError or with valid items.

    Parse with `isolated(…)`, turn a parser's errors into BadDataError, and what is wrong with one item into `Bad`.
    """
    async with kit.opened(1, 2) as subject:
        for name, data in corpus().items():
            await subject.damage(data)
            polled = await _survives(subject, f"the malformed document `{name}`")
            await subject.damage(None)
            after = await subject.attempt(polled.cursor)
            broken_unless(
                after.articles or polled.articles, f"after the malformed document `{name}` good items never came"
            )
            await subject.damage(data, pages=True)
            await _survives(subject, f"the malformed article page `{name}`")
            await subject.damage(None)
        for data in mutations(subject.world.document(), MUTATIONS):
            await subject.damage(data)
            await _survives(subject, f"the mutated document {data[:3000]!r}")


async def _survives(subject: Subject, what: str) -> Polled:
    start = asyncio.get_running_loop().time()
    try:
        polled = await subject.attempt()
    except BrokenPromiseError as error:
        raise BrokenPromiseError(f"given {what}, {error}") from error.__cause__
    took = asyncio.get_running_loop().time() - start
    broken_unless(took < HOSTILE_SECONDS, f"{what} held it for {took:.1f} s")
    came = sum(len(batch.items) for batch in polled.batches)
    broken_unless(came <= MOST, f"given {what}, a poll brought {came} items; at most {MOST} are allowed")
    for article in polled.articles:
        broken_unless(not (fault := fault_of(article)), f"given {what}, an article {fault}")
    return polled
