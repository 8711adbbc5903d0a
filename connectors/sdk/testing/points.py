"""The promises of a source, each a check that raises `BrokenPromiseError` with what the source did instead.

The first paragraph of a check's docstring is the promise, the second what to do where it is broken.
"""

import asyncio
import copy
import json
import logging
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Generator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import msgspec
from pydantic import ValidationError

from connectors.sdk.errors import BadDataError, BlockedError, RateLimitedError, SourceError, TransientError
from connectors.sdk.source import Batch, Kind
from connectors.sdk.testing.describe import entry
from connectors.sdk.testing.malformed import corpus, mutations
from connectors.sdk.testing.subject import (
    SMALL,
    SOCKETS,
    SOURCE,
    BrokenPromiseError,
    MemoryLog,
    Polled,
    Subject,
    described,
)
from connectors.sdk.testing.world import FUTURE, NOW, RETRY_AFTER, Trouble, World, sample
from pipeline.model.article import Article, article_id, revision_of

MANY = 25
"""Items, so that a source that delivers in parts has more than one part."""
MOST = 2_000
"""Items of one poll."""
MUTATIONS = 60
CANCEL_SECONDS = 5.0
HOSTILE_SECONDS = 5.0
"""In which a source is done with a malformed document."""
STOP_SECONDS = 4.0
"""In which a fetch with small limits has failed."""


@dataclass(frozen=True)
class Kit:
    """What a check is given."""

    kind: Kind[Any]
    world: Callable[[], World]
    docs: Path | None = None
    """A file that has to hold the generated entry of this kind."""

    @asynccontextmanager
    async def opened(self, *published: int) -> AsyncIterator[Subject]:
        """The source in a new world with these items."""
        async with self.world() as world:
            subject = Subject(self.kind, world)
            try:
                await subject.publish(*published)
                yield subject
            finally:
                await subject.aclose()


Check = Callable[[Kit], Coroutine[Any, Any, None]]
POINTS: dict[str, Check] = {}
"""Every promise, by its name."""


def point(check: Check) -> Check:
    POINTS[check.__name__] = check
    return check


def broken_unless(holds: object, found: str) -> None:
    if not holds:
        raise BrokenPromiseError(found)


def _texts(polled: Polled) -> set[str]:
    """What was delivered, whatever its ids."""
    return {article.revision for article in polled.articles}


# ------------------------------------------------------------------------------------------------- configuration


@point
async def schema(kit: Kit) -> None:
    """The configuration has a schema in which every key is explained, and an example that is valid.

    Derive the model from SourceConfig, write a docstring below each key, give `examples` in `json_schema_extra`.
    """
    model = kit.kind.config
    broken_unless(kit.kind.summary, "the generator has no docstring to tell what the kind is")
    described_schema = model.model_json_schema()
    for name, definition in [(model.__name__, described_schema), *described_schema.get("$defs", {}).items()]:
        for key, value in definition.get("properties", {}).items():
            broken_unless(value.get("description"), f"`{key}` of {name} has no description")
    examples = described_schema.get("examples") or []
    broken_unless(examples, f"{model.__name__} has no example")
    for example in [*examples, _configured(kit)]:
        try:
            model.model_validate(example)
        except ValidationError as error:
            raise BrokenPromiseError(f"the example {example} is not valid: {error}") from None
        try:
            model.model_validate({**example, "no_such_key": 1})
        except ValidationError:
            continue
        raise BrokenPromiseError("a key that does not exist is accepted, so a misspelt one goes unnoticed")


def _configured(kit: Kit) -> dict[str, Any]:
    return kit.world().config()


@point
async def secrets(kit: Kit) -> None:
    """A secret of the configuration is shown nowhere: not in errors, health, logs, cursors or dead letters.

    Declare it as `Secret`, read it with `get_secret_value()` where it is sent, and keep it out of URLs and messages.
    """
    model_schema = kit.kind.config.model_json_schema()
    for name, definition in [(kit.kind.config.__name__, model_schema), *model_schema.get("$defs", {}).items()]:
        for key, value in definition.get("properties", {}).items():
            if _SECRET_NAME.search(key) and not list(_secret_paths(value, model_schema)):
                raise BrokenPromiseError(
                    f"`{key}`{f' of {name}' if name else ''} is a secret by its name, not `Secret`"
                )
    for path in _secret_paths(model_schema, model_schema):
        for trouble in (None, "401", "500", "dns", "reset", "malformed"):
            await _keeps_secret(kit, path, trouble)


_SECRET_NAME = re.compile(r"^token$|(^|_)(password|passphrase|secret|api_?key|(access|auth|bearer)_token)$", re.I)
_MARKER = "Xq7hunter2hunter2Zw9"


def _secret_paths(
    node: Mapping[str, Any], root: Mapping[str, Any], path: tuple[str | int, ...] = ()
) -> Iterator[tuple[str | int, ...]]:
    """Where a schema has secrets; `*` stands for any key of a mapping."""
    if len(path) > 6:
        return
    if node.get("format") == "password":
        yield path
    if "$ref" in node:
        yield from _secret_paths(root["$defs"][node["$ref"].rpartition("/")[2]], root, path)
    for part in (*node.get("anyOf", ()), *node.get("oneOf", ()), *node.get("allOf", ())):
        yield from _secret_paths(part, root, path)
    for key, value in node.get("properties", {}).items():
        yield from _secret_paths(value, root, (*path, key))
    if isinstance(more := node.get("additionalProperties"), Mapping):
        yield from _secret_paths(more, root, (*path, "*"))
    if isinstance(items := node.get("items"), Mapping):
        yield from _secret_paths(items, root, (*path, 0))


def _placed(value: Any, path: Sequence[str | int]) -> Any:
    """The value with the marker at that path."""
    if not path:
        return _MARKER
    first, *rest = path
    if isinstance(first, int):
        return [_placed(value[0] if isinstance(value, list) and value else None, rest)]
    known = value if isinstance(value, Mapping) else {}
    keys = list(known) or ["x-key"] if first == "*" else [first]
    return {**known, **{key: _placed(known.get(key), rest) for key in keys}}


async def _keeps_secret(kit: Kit, path: Sequence[str | int], trouble: str | None) -> None:
    key = ".".join(map(str, path))
    async with kit.opened(1, 2) as subject:
        given = _placed(subject.world.config(), path)
        try:
            config = kit.kind.config.model_validate(given)
        except ValidationError:
            return  # this secret goes with other keys than this world's
        if trouble == "malformed":
            await subject.damage(subject.world.document()[: len(subject.world.document()) * 2 // 3])
        elif trouble in subject.world.troubles:
            await subject.trouble(trouble)
        elif trouble:
            return
        shown = {"its repr": repr(config), "its text": str(config), "its JSON": config.model_dump_json()}
        shown["its dump"] = str(config.model_dump())
        for wrong in ({**given, "no_such_key": 1}, _misplaced(given)):
            try:
                kit.kind.config.model_validate(wrong)
            except ValidationError as error:
                shown["the message about a wrong key"] = str(error)
        log = MemoryLog()
        with _logged() as records:
            try:
                polled = await subject.attempt(config=config)
            except BrokenPromiseError as error:  # of another promise
                polled, shown["an error of another type"] = Polled(), " ".join(_chain(error))
            await subject.run(log, config=config)
        shown["an error"] = " ".join(_chain(polled.error))
        shown["a cursor"] = json.dumps([batch.cursor for batch in polled.batches], default=str)
        shown["a dead letter"] = f"{polled.bad} {msgspec.json.encode(log.letters).decode()}"
        shown["health"] = msgspec.json.encode(log.told).decode()
        shown["a log record"] = "\n".join(records)
        shown["an article"] = msgspec.json.encode(polled.articles).decode()
        for where, text in shown.items():
            broken_unless(_MARKER not in text, f"{where} shows the secret `{key}`{_during(trouble)}")


def _during(trouble: str | None) -> str:
    return f" (when the other side has the trouble `{trouble}`)" if trouble else ""


def _misplaced(given: Any) -> Any:
    """The value with a list of the marker, which no secret is."""
    text = json.dumps(given, default=str).replace(json.dumps(_MARKER), json.dumps([_MARKER, {"a": _MARKER}]))
    return json.loads(text)


def _chain(error: BaseException | None) -> Iterator[str]:
    while error is not None:
        yield f"{error!r} {error}"
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)


@contextmanager
def _logged() -> Iterator[list[str]]:
    """The messages of every logger, whatever its level."""
    records: list[str] = []

    class Keep(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            records.append(self.format(record))

    root = logging.getLogger()
    before = root.handlers, root.level
    root.handlers = [Keep()]
    root.setLevel(logging.DEBUG)
    try:
        yield records
    finally:
        root.handlers = before[0]
        root.setLevel(before[1])


# ------------------------------------------------------------------------------------------------- items


@point
async def items(kit: Kit) -> None:
    """Items are whole and valid: what was published, as plain text, under the id that its address gives.

    Make them with `context.article(…)`, from text without markup (`isolated(read_fragment, …)`) and times in UTC.
    """
    numbers = (1, 2, 3)
    async with kit.opened(*numbers) as subject:
        polled = await subject.poll()
        shows = subject.world.shows
    for bad in polled.bad:
        raise BrokenPromiseError(f"an item that is well was refused: {bad.key}: {bad.reason}")
    broken_unless(
        len(polled.articles) == len(numbers), f"{len(numbers)} items were published, {len(polled.articles)} came"
    )
    for article in polled.articles:
        fault = _fault(article) or _mistake(article, kit)
        broken_unless(not fault, f"an article {fault}: {article.title!r}")
    for number in numbers:
        _matches(polled.articles, number, shows)


_MARKUP = re.compile(
    r"</?[a-z][a-z0-9]*(\s[^<>]*)?/?>|&(#\d+|#x[0-9a-f]+|amp|lt|gt|quot|apos|nbsp|ldquo|rdquo);|<!\[", re.I
)
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


def _fault(article: Article) -> str | None:
    """What makes an article unfit for the log."""
    try:
        again = msgspec.json.decode(msgspec.json.encode(article), type=Article)
    except (msgspec.MsgspecError, UnicodeError, TypeError, ValueError) as error:
        return f"cannot be written as JSON and read again ({error})"
    if again != article:
        return "is another once it was written as JSON and read again"
    if not re.fullmatch(r"[0-9a-f]{32}", article.id):
        return f"has the id {article.id!r}, which is not 32 hex digits"
    for name in ("published", "fetched"):
        when = getattr(article, name)
        if when is not None and (when.tzinfo is None or when.utcoffset() != timedelta(0)):
            return f"has a time in `{name}` that is not UTC"
    return None


def _mistake(article: Article, kit: Kit) -> str | None:
    """What is wrong with an article of a sample, besides what it says."""
    if article.url and article.id != article_id(article.url, article.source.id, ""):
        return "has an id that its address does not give"
    if article.revision != revision_of(article.title, article.body):
        return "has a revision that is not the hash of its title and body"
    if (article.source.id, article.source.kind) != (SOURCE.id, kit.kind.name):
        return f"says that it comes from {article.source}, not from the source of the context"
    if article.fetched != NOW:
        return "was not fetched at the time that `context.now()` gives"
    text = f"{article.title}\n{article.summary}\n{article.body}"
    if found := _MARKUP.search(text) or _CONTROL.search(text):
        return f"has {found[0]!r} in its text"
    return None


def _matches(articles: Sequence[Article], number: int, shows: frozenset[str]) -> None:
    """One of the articles is that sample."""
    wanted = sample(number)
    texts = {article: _flat(f"{article.title} {article.summary} {article.body}") for article in articles}
    found = [article for article, text in texts.items() if "body" not in shows or _flat(wanted.paragraphs[1]) in text]
    if "title" in shows:
        found = [article for article in found if _flat(article.title) == _flat(wanted.title)]
    broken_unless(
        found,
        f"no article has the title and text of item {number} to the letter "
        f"({wanted.title!r}, {wanted.paragraphs[1]!r}); there are {[article.title for article in articles]}",
    )
    for part in wanted.paragraphs if "body" in shows else ():
        broken_unless(_flat(part) in texts[found[0]], f"the article of item {number} lacks the text {part!r}")
    if "url" in shows:
        broken_unless(found[0].url == wanted.url, f"item {number} is at {wanted.url}, its article at {found[0].url}")
    if "published" in shows:
        broken_unless(
            found[0].published == wanted.published,
            f"item {number} was published at {wanted.published}, its article says {found[0].published}",
        )


def _flat(text: str) -> str:
    return " ".join(text.split())


# ------------------------------------------------------------------------------------------------- delivery


@point
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
        third = await subject.poll(_later(second, first.cursor))
        broken_unless(
            len(third.articles) == 1 and not _texts(third) & _texts(first),
            f"one new item was published, {len(third.articles)} came",
        )


def _later(polled: Polled, before: Any) -> Any:
    return before if polled.cursor is None else polled.cursor


@point
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
        third = await subject.poll(_later(second, first.cursor))
        broken_unless(_texts(third) - _texts(first), "after a 304, what is published next never comes")


@point
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


@point
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
            rest = _texts(Polled(polled.batches[index + 1 :]))
            skipped = rest - _texts(await subject.poll(batch.cursor))
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


@point
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
        new = _texts(await subject.poll(copy.deepcopy(given)))
        for mangled in [*subject.world.earlier_cursors, *_mangled(given)]:
            try:
                missed = new - _texts(await subject.poll(copy.deepcopy(mangled)))
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


@point
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
    known: set[str] = _texts(await subject.attempt())
    await subject.publish(number)
    new = _texts(await subject.attempt()) - known
    cursor = copy.deepcopy(cursor)
    for _ in range(3):
        polled = await subject.attempt(cursor)
        if polled.error or (_texts(polled) >= new if new else _texts(polled)):
            return
        cursor = _later(polled, cursor)
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


# ------------------------------------------------------------------------------------------------- the other side


@point
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


@point
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
            broken_unless(isinstance(polled.error, kind), f"a {status} became {_outcome(polled)}, not {kind.__name__}")
            waits = getattr(polled.error, "retry_after", None) or 0.0
            broken_unless(waits >= seconds, f"a {status} asked to wait {seconds:g} seconds; the error says {waits:g}")
            log = MemoryLog()
            await subject.run(log)
            health = log.told[-1] if log.told else None
            broken_unless(health and health.failures, f"after a {status} the runner takes the source for healthy")
            if health and health.next_poll and health.last_poll:
                waited = (health.next_poll - health.last_poll).total_seconds()
                broken_unless(waited >= seconds, f"a {status} asked for {seconds:g} seconds; polled after {waited:g}")


def _outcome(polled: Polled) -> str:
    return described(polled.error) if polled.error else f"a successful poll with {len(polled.articles)} articles"


@point
async def private_redirects(kit: Kit) -> None:
    """A redirect to a private address is refused, and the refusal reaches the runner.

    Fetch through `context.fetch` only, and let its BlockedError pass.
    """
    async with kit.opened(1) as subject:
        await subject.trouble("private-redirect")
        polled = await subject.attempt()
        broken_unless(isinstance(polled.error, BlockedError), f"it became {_outcome(polled)}, not BlockedError")


@point
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
                f"the trouble `{trouble}` became {_outcome(polled)}, not {kind.__name__}",
            )
            broken_unless(
                took < STOP_SECONDS,
                f"the trouble `{trouble}` held it for {took:.1f} s where a fetch may take {SMALL.seconds:g}",
            )
            await subject.trouble(None)
            after = await subject.poll(polled.cursor)
            broken_unless(after.articles or polled.articles, f"after the trouble `{trouble}` the item never came")


@point
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
        broken_unless(not (fault := _fault(article)), f"given {what}, an article {fault}")
    return polled


# ------------------------------------------------------------------------------------------------- manners


@point
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


@point
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


@point
async def docs(kit: Kit) -> None:
    """The generated description of the kind is current.

    Run `python -m connectors.sdk.testing.docs` (or put what `describe.entry(kind)` gives where you document your kind).
    """
    written = entry(kit.kind)
    broken_unless(f"`{kit.kind.name}`" in written, "no description can be made of the configuration")
    if kit.docs:
        text = kit.docs.read_text("utf-8") if kit.docs.exists() else ""
        broken_unless(written in text, f"{kit.docs.name} does not hold what the configuration now says")
