"""How a source behaves in the process that it shares with others."""

import asyncio
from collections.abc import Awaitable, Generator
from typing import Any

from connectors.sdk.source import Batch
from connectors.sdk.testing.points.promise import Kit, broken_unless
from connectors.sdk.testing.subject import SOCKETS, BrokenPromiseError, Subject, described

CANCEL_SECONDS = 5.0


async def cancels(kit: Kit) -> None:
    """A poll that is cancelled ends within 5 seconds, at whichever await it stands, and leaves nothing running.

    Let CancelledError pass (catch `Exception`, not `BaseException`), and keep blocking calls in threads.
    """
    async with kit.opened(1, 2) as subject:
        for position in range(1, 41):
            if not await _cancelled(subject, position):
                break
    async with kit.opened(1, 2) as subject:
        if "hang" in subject.world.troubles:
            await subject.trouble("hang")
            await _cancelled(subject, None)


async def _cancelled(subject: Subject, position: int | None) -> bool:
    """Whether a poll was still going on when it was cancelled: at its await of that number, or while it hangs."""
    steps = _Steps(position)
    where = "while nothing answers" if position is None else f"at await {position}"

    async def poll() -> None:
        async with subject.polling() as batches:
            while True:
                batch: Batch = await steps.through(anext(batches))
                if batch.next_poll != 0:
                    return

    before = asyncio.all_tasks()
    task = asyncio.create_task(poll())
    if position is None:
        await asyncio.sleep(0.05)
        steps.asked = task.cancel()
    await asyncio.wait({task}, timeout=subject.world.idle or CANCEL_SECONDS)
    if not task.done():
        if not steps.asked:  # it waits for what is pushed to it
            task.cancel()
        await asyncio.wait({task}, timeout=CANCEL_SECONDS)
    broken_unless(task.done(), f"cancelled {where}, it was still running {CANCEL_SECONDS:g} seconds later")
    if not task.cancelled():
        error = task.exception()
        if error and not isinstance(error, StopAsyncIteration):
            raise BrokenPromiseError(f"cancelled {where}, it raised {described(error)}")
        broken_unless(not steps.asked, f"cancelled {where}, it went on as if nothing had been asked")
    left = {other for other in asyncio.all_tasks() - before - {task} if not other.done()}
    if left:
        _, left = await asyncio.wait(left, timeout=CANCEL_SECONDS)
    broken_unless(not left, f"cancelled {where}, it left a task running")
    return steps.asked


class _Steps:
    """Awaits something, and asks the current task to be cancelled at the await of a given number."""

    def __init__(self, position: int | None) -> None:
        self._position = position
        self._count = 0
        self.asked = False

    async def through(self, awaitable: Awaitable[Any]) -> Any:
        return await _Stepped(awaitable, self)

    def step(self) -> None:
        self._count += 1
        task = asyncio.current_task()
        if self._count == self._position and task:
            self.asked = task.cancel()


class _Stepped:
    def __init__(self, awaitable: Awaitable[Any], steps: _Steps) -> None:
        self._awaitable = awaitable
        self._steps = steps

    def __await__(self) -> Generator[Any, Any, Any]:
        inner: Any = self._awaitable.__await__()
        try:
            waiting = inner.send(None)
            while True:
                self._steps.step()
                try:
                    value = yield waiting
                except BaseException as error:
                    waiting = inner.throw(error)
                else:
                    waiting = inner.send(value)
        except StopIteration as stop:
            return stop.value


async def raw_sockets(kit: Kit) -> None:
    """The network is reached through the context only.

    Use `context.fetch` and `context.page`; a client library that opens its own connections goes past the guard.
    """
    async with kit.opened(1, 2) as subject:
        with SOCKETS.refused(loopback=subject.world.uses_loopback) as attempts:
            try:
                await subject.attempt()
            finally:
                broken_unless(not attempts, f"it tried {', '.join(attempts)}")
