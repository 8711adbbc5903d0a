"""That everything is delivered, and nothing twice."""

from connectors.sdk.testing.points.promise import MANY, Kit, broken_unless, cursor_after, texts
from connectors.sdk.testing.subject import MemoryLog, Polled


async def second_poll(kit: Kit) -> None:
    """A second poll yields nothing new, and once there is something new, exactly that.

    Put into the cursor what tells a known item from a new one, and give the cursor with the batch that it follows.
    """
    async with kit.opened(1, 2, 3) as subject:
        if "unconditional" in subject.world.troubles:
            await subject.trouble("unconditional")
        first = await subject.poll()
        second = await subject.poll(first.cursor)
        broken_unless(
            not second.articles, f"{len(second.articles)} of {len(first.articles)} known items came a second time"
        )
        await subject.publish(4)
        third = await subject.poll(cursor_after(second, first.cursor))
        broken_unless(
            len(third.articles) == 1 and not texts(third) & texts(first),
            f"one new item was published, {len(third.articles)} came",
        )


async def not_modified(kit: Kit) -> None:
    """What has not changed is not fetched again: validators are sent, and a 304 is an empty, successful poll.

    Keep `etag` and `last-modified` of the response in the cursor, hand them to `context.fetch`, and where the response
    is `not_modified` yield an empty batch that leaves the cursor as it is.
    """
    async with kit.opened(1, 2, 3) as subject:
        first = await subject.poll()
        before = subject.world.not_modified
        second = await subject.poll(first.cursor)
        broken_unless(
            subject.world.not_modified > before, "the second request lacked the validators of the first answer"
        )
        broken_unless(not second.articles, "a 304 yielded articles")
        await subject.publish(4)
        third = await subject.poll(cursor_after(second, first.cursor))
        broken_unless(texts(third) - texts(first), "after a 304, what is published next never comes")


async def crash(kit: Kit) -> None:
    """What is delivered again after a crash between acknowledgement and cursor has the ids that it had before.

    Let ids follow from the address, or else from a `key` that the other side gives; never from time, order or chance.
    """
    async with kit.opened(*range(1, MANY + 1)) as subject:
        lost = await subject.attempt(at_most=1)
        again = await subject.poll()
        new = set(lost.ids) - set(again.ids)
        broken_unless(not new, f"{len(new)} of {len(lost.ids)} repeated articles came under another id")
        known = {article.id: article.revision for article in lost.articles}
        changed = [article for article in again.articles if known.get(article.id, article.revision) != article.revision]
        broken_unless(not changed, f"{len(changed)} repeated articles had another text under the same id")
        broken_unless(len(set(again.ids)) == len(again.ids), "two articles of one poll have the same id")


async def acknowledgements(kit: Kit) -> None:
    """Whichever acknowledgement is lost or comes late, nothing is skipped in the end.

    Give with each batch the cursor that stands behind its items and no further, and remember nothing outside of it.
    """
    async with kit.opened(*range(1, MANY + 1)) as subject:
        log = MemoryLog()
        await subject.run(log)
        everything = {article.revision for article in log.articles}
        appends = min(log.appended, 8)
        polled = await subject.poll() if log.cursors else Polled()
        for index, batch in enumerate(polled.batches[:-1]):
            if batch.cursor is None:
                continue
            rest = texts(Polled(polled.batches[index + 1 :]))
            skipped = rest - texts(await subject.poll(batch.cursor))
            broken_unless(not skipped, f"from the cursor of batch {index + 1}, {len(skipped)} later items are skipped")
    for position in range(1, appends + 1):
        for failure in ("refused", "cursor-lost", "unheard"):
            async with kit.opened(*range(1, MANY + 1)) as subject:
                log = MemoryLog(failing=(position, failure))
                for _ in range(3):
                    await subject.run(log)
                skipped = everything - {article.revision for article in log.articles}
                broken_unless(
                    not skipped,
                    f"{len(skipped)} of {len(everything)} items were skipped where append {position} was {failure}",
                )
