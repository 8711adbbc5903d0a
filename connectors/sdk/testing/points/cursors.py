"""That a cursor never hides anything."""

import copy
import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

from connectors.sdk.testing.points.promise import Kit, broken_unless, cursor_after, texts
from connectors.sdk.testing.subject import BrokenPromiseError, Subject
from connectors.sdk.testing.world import FUTURE


async def cursor(kit: Kit) -> None:
    """The cursor survives JSON; one of an earlier version, or a mangled one, costs a repeat and never a gap.

    Read it with `msgspec.convert(cursor, …)` and take what cannot be understood for None.
    """
    async with kit.opened(1, 2, 3) as subject:
        given = (await subject.poll()).cursor
        if given is None:
            return
        try:
            same = json.loads(json.dumps(given, allow_nan=False)) == given
        except (TypeError, ValueError) as error:
            raise BrokenPromiseError(f"the cursor is no JSON value: {error}") from None
        broken_unless(same, "the cursor is another once it was written as JSON and read again")
        await subject.publish(4)
        new = texts(await subject.poll(copy.deepcopy(given)))
        for mangled in [*subject.world.earlier_cursors, *_mangled(given)]:
            try:
                missed = new - texts(await subject.poll(copy.deepcopy(mangled)))
            except BrokenPromiseError as error:
                raise BrokenPromiseError(f"with the cursor {_short(mangled)} {error}") from None
            broken_unless(not missed, f"with the cursor {_short(mangled)} a new item is skipped")


def _short(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) < 200 else f"{text[:200]}…"


def _mangled(given: Any) -> Iterator[Any]:
    """Cursors of the wrong type, and the given one with each part left out or of another type."""
    deep: Any = None
    for _ in range(50):
        deep = {"a": deep}
    for wrong in ("", "x", 0, -1, 1.5, True, [], [None], [[["a"]]], deep):
        if type(wrong) is not type(given):
            yield wrong
    yield from ({}, {"": None}, {"version": 0}) if not isinstance(given, dict) else ({}, {"version": 0})
    for path in list(_paths(given))[:24]:
        yield _changed(given, path, _LEFT_OUT)
        for other in (None, "x", 7, ["x"], {"x": "x"}):
            if type(other) is not type(_at(given, path)):
                yield _changed(given, path, other)


_LEFT_OUT = object()


def _paths(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Paths of all that is inside a JSON value."""
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in pairs:
        yield (*path, key)
        yield from _paths(inner, (*path, key))


def _at(value: Any, path: Sequence[Any]) -> Any:
    for key in path:
        value = value[key]
    return value


def _changed(value: Any, path: Sequence[Any], new: Any) -> Any:
    if not path:
        return new
    value = copy.deepcopy(value)
    *parents, last = path
    if new is _LEFT_OUT:
        del _at(value, parents)[last]
    else:
        _at(value, parents)[last] = new
    return value


async def future(kit: Kit) -> None:
    """Neither a cursor of a newer version nor a date in the future hides items for ever.

    Ignore what a cursor has besides the known keys, and never let a position in time go beyond `context.now()`.
    """
    async with kit.opened(1, 2, 3) as subject:
        given = (await subject.poll()).cursor
        if isinstance(given, dict):
            newer = {**given, "version": 99, "added-later": {"since": "2999-01-01T00:00:00Z"}}
            await _not_hidden(subject, newer, 4, "with the cursor of a newer version")
        for path in [(), *_paths(given)][:60]:
            if (later := _dated_later(_at(given, path))) is not None:
                where = ".".join(map(str, path)) or "it"
                said = f"with a cursor in which `{where}` is {later!r}"
                await _not_hidden(subject, _changed(given, path, later), 5, said)
    async with kit.opened(1, FUTURE) as subject:
        await _not_hidden(subject, (await subject.poll()).cursor, 2, "after an item that is dated in the future")
    async with kit.opened(1) as subject:
        if "future-validator" in subject.world.troubles:
            await subject.trouble("future-validator")
            said = "after a Last-Modified in the future"
            await _not_hidden(subject, (await subject.poll()).cursor, 2, said)


async def _not_hidden(subject: Subject, cursor: Any, number: int, said: str) -> None:
    """A new item comes within three polls, or a poll fails and says so."""
    known: set[str] = texts(await subject.attempt())
    await subject.publish(number)
    new = texts(await subject.attempt()) - known
    cursor = copy.deepcopy(cursor)
    for _ in range(3):
        polled = await subject.attempt(cursor)
        if polled.error or (texts(polled) >= new if new else texts(polled)):
            return
        cursor = cursor_after(polled, cursor)
    raise BrokenPromiseError(f"{said} a new item is hidden")


def _dated_later(value: Any) -> Any:
    """The same kind of date ten years on; None where it is no date."""
    ten_years = timedelta(days=3650)
    if isinstance(value, int | float) and not isinstance(value, bool):
        for unit in (1, 10**3, 10**6, 10**9):
            if 1.5e9 < value / unit < 2.5e9:
                return value + type(value)(ten_years.total_seconds() * unit)
        return None
    if not isinstance(value, str) or len(value) < 8:
        return None
    if value.isdecimal():
        later = _dated_later(int(value))
        return None if later is None else str(later)
    try:
        when = datetime.fromisoformat(value)
        return (when + ten_years).isoformat().replace("+00:00", "Z" if value.endswith("Z") else "+00:00")
    except ValueError:
        pass
    try:
        when = parsedate_to_datetime(value)
    except (ValueError, TypeError):
        return None
    return (when + ten_years).astimezone(UTC).strftime("%a, %d %b %Y %H:%M:%S GMT")
