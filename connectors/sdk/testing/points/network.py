"""What a source makes of trouble on the other side."""

import asyncio

from connectors.sdk.errors import BadDataError, BlockedError, RateLimitedError, SourceError, TransientError
from connectors.sdk.testing.points.promise import Kit, broken_unless, outcome
from connectors.sdk.testing.subject import SMALL, MemoryLog, Subject
from connectors.sdk.testing.world import RETRY_AFTER, Trouble

STOP_SECONDS = 6.0
"""In which a fetch with small limits has failed."""


async def check(kit: Kit) -> None:
    """`check` tells DNS, TLS, 401, 404 and an empty source apart, and all of them from one that is well.

    Let the errors of `context.fetch` pass with their `what`; a list without items is an empty batch and no failure.
    """
    expected: dict[Trouble, str] = {"dns": "dns", "tls": "tls", "401": "auth", "404": "gone"}
    async with kit.opened() as subject:
        await _checked(subject, subject.world.when_empty, "nothing has been published")
        await subject.publish(1)
        await _checked(subject, "ok", "an item has been published")
        for trouble, verdict in expected.items():
            if trouble in subject.world.troubles:
                await subject.trouble(trouble)
                await _checked(subject, verdict, f"the other side has the trouble `{trouble}`")
                await subject.trouble(None)


async def _checked(subject: Subject, kind: str, while_: str) -> None:
    verdict = await subject.check()
    broken_unless(verdict.kind == kind, f"while {while_}, the verdict is `{verdict.kind}`: {verdict.sentence}")
    broken_unless(verdict.sentence.strip(), f"while {while_}, no sentence says so")


async def retry_after(kit: Kit) -> None:
    """A 429 is a RateLimitedError, a 5xx a TransientError; Retry-After reaches the schedule.

    Let the errors of `context.fetch` pass; where you raise your own, carry `retry_after` over.
    """
    expected: dict[Trouble, tuple[type[SourceError], float]] = {
        "429": (RateLimitedError, RETRY_AFTER),
        "503": (TransientError, RETRY_AFTER),
        "500": (TransientError, 0.0),
    }
    for status, (kind, seconds) in expected.items():
        async with kit.opened(1) as subject:
            await subject.trouble(status)
            polled = await subject.attempt()
            broken_unless(isinstance(polled.error, kind), f"a {status} became {outcome(polled)}, not {kind.__name__}")
            waits = getattr(polled.error, "retry_after", None) or 0.0
            broken_unless(waits >= seconds, f"a {status} asked to wait {seconds:g} seconds; the error says {waits:g}")
            log = MemoryLog()
            await subject.run(log)
            health = log.told[-1] if log.told else None
            broken_unless(health and health.failures, f"after a {status} the runner takes the source for healthy")
            if health and health.next_poll and health.last_poll:
                waited = (health.next_poll - health.last_poll).total_seconds()
                broken_unless(waited >= seconds, f"a {status} asked for {seconds:g} seconds; polled after {waited:g}")


async def private_redirects(kit: Kit) -> None:
    """A redirect to a private address is refused, and the refusal reaches the runner.

    Fetch through `context.fetch` only, and let its BlockedError pass.
    """
    async with kit.opened(1) as subject:
        await subject.trouble("private-redirect")
        polled = await subject.attempt()
        broken_unless(isinstance(polled.error, BlockedError), f"it became {outcome(polled)}, not BlockedError")


async def limits(kit: Kit) -> None:
    """Bombs, oversize and answers that drip or never come are stopped, said, and forgotten once all is well.

    Fetch through `context.fetch` only, let its errors pass, and do not repeat what failed within the same poll.
    """
    troubles: dict[Trouble, type[SourceError]] = {
        "oversize": BadDataError,
        "bomb": BadDataError,
        "slow": TransientError,
        "hang": TransientError,
    }
    for trouble, kind in troubles.items():
        async with kit.opened(1) as subject:
            await subject.trouble(trouble)
            start = asyncio.get_running_loop().time()
            polled = await subject.attempt(limits=SMALL)
            took = asyncio.get_running_loop().time() - start
            broken_unless(
                isinstance(polled.error, kind),
                f"the trouble `{trouble}` became {outcome(polled)}, not {kind.__name__}",
            )
            broken_unless(
                took < STOP_SECONDS,
                f"the trouble `{trouble}` held it for {took:.1f} s where a fetch may take {SMALL.seconds:g}",
            )
            await subject.trouble(None)
            after = await subject.poll(polled.cursor)
            broken_unless(after.articles or polled.articles, f"after the trouble `{trouble}` the item never came")
