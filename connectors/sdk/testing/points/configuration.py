"""What a source is configured with: explained, documented, and its secrets kept."""

import json
import logging
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import msgspec
from pydantic import ValidationError

from connectors.sdk.testing.describe import entry
from connectors.sdk.testing.points.promise import Kit, broken_unless
from connectors.sdk.testing.subject import BrokenPromiseError, MemoryLog, Polled


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


async def docs(kit: Kit) -> None:
    """The generated description of the kind is current.

    Run `python -m connectors.sdk.testing.docs` (or put what `describe.entry(kind)` gives where you document your kind).
    """
    written = entry(kit.kind)
    broken_unless(f"`{kit.kind.name}`" in written, "no description can be made of the configuration")
    if kit.docs:
        text = kit.docs.read_text("utf-8") if kit.docs.exists() else ""
        broken_unless(written in text, f"{kit.docs.name} does not hold what the configuration now says")
