"""Files dropped into a folder: JSON (an object or a list), JSON Lines (may grow), HTML.

Names that begin with a dot or end in .part or .tmp are not looked at: write under such a name, then rename.
"""

import asyncio
import hashlib
import os
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
from pydantic import ConfigDict

from connectors.pages import MAX_PAGE, read_page
from connectors.sdk import Bad, BadItemError, Batch, Context, GoneError, SourceConfig, source
from pipeline.model.article import Article, Raw, from_input
from pipeline.model.codec import InvalidError

BATCH = 200
MAX_FILE = 64 * 1024 * 1024
"""Bytes of a JSON file that is read."""
MAX_LINE = 16 * 1024 * 1024
"""Bytes of a line of JSON Lines that is read."""
LOOK_EVERY = 2.0
"""Seconds between looks, where `every` does not say."""
SETTLED = 2.0
"""Seconds after which a last line that does not end is taken for whole."""
UNFINISHED = (".part", ".tmp")
LINES, JSON, HTML = (".jsonl", ".ndjson"), (".json",), (".html", ".htm")

Item = Article | Bad


class FolderConfig(SourceConfig):
    """Where to look."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"path": "incoming"}]})

    path: str


class Taken(msgspec.Struct, frozen=True, array_like=True):
    """How much of a file has been taken; the cursor is a mapping of names to these."""

    size: int
    mtime: int
    """Nanoseconds."""
    offset: int
    """Bytes; the whole size, except in JSON Lines."""


@source("folder", config=FolderConfig)
async def folder(config: FolderConfig, context: Context) -> AsyncIterator[Batch]:
    """JSON, JSON Lines and HTML files dropped into a folder."""
    taken = _read_cursor(context.cursor)
    while True:
        batches = _scan(Path(config.path), taken, context)
        while batch := await asyncio.to_thread(next, batches, None):
            yield batch
        yield Batch(next_poll=LOOK_EVERY)


def _read_cursor(cursor: Any) -> dict[str, Taken]:
    try:
        return msgspec.convert(cursor or {}, dict[str, Taken])
    except msgspec.ValidationError:
        return {}  # of another version: everything is read again, under the same ids


@dataclass(frozen=True)
class _File:
    path: Path
    size: int
    mtime: int

    def taken(self, offset: int) -> Taken:
        return Taken(self.size, self.mtime, offset)


def _scan(root: Path, taken: dict[str, Taken], context: Context) -> Iterator[Batch]:
    """Batches of what is new in the folder; `taken` moves along with them."""
    files = _files(root)
    for gone in taken.keys() - {file.path.name for file in files}:
        del taken[gone]
    items: list[Item] = []
    for file in files:
        for new, offset in _new_in(file, taken.get(file.path.name), context):
            items.extend(new)
            taken[file.path.name] = file.taken(offset)
            if len(items) >= BATCH:
                yield Batch(items, msgspec.to_builtins(taken), next_poll=0)
                items = []
    if items:
        yield Batch(items, msgspec.to_builtins(taken), next_poll=0)


def _files(root: Path) -> list[_File]:
    try:
        with os.scandir(root) as entries:
            found = [
                _File(Path(entry.path), entry.stat().st_size, entry.stat().st_mtime_ns)
                for entry in entries
                if entry.is_file() and not entry.name.startswith(".") and not entry.name.endswith(UNFINISHED)
            ]
    except OSError as error:
        raise GoneError(f"the folder {root} cannot be read ({error.strerror}); make it or change `path`") from None
    return sorted(found, key=lambda file: file.path.name)


def _new_in(file: _File, before: Taken | None, context: Context) -> Iterator[tuple[list[Item], int]]:
    """What has not been taken of a file yet, piece by piece, each with the offset after it."""
    if before and (before.size, before.mtime) == (file.size, file.mtime) and before.offset >= file.size:
        return
    suffix = file.path.suffix.lower()
    try:
        if suffix in LINES:
            grown = before is not None and file.size >= before.size and before.offset <= file.size
            yield from _lines(file, before.offset if before and grown else 0, context)
        elif suffix in JSON:
            yield _json(file, context), file.size
        elif suffix in HTML:
            yield [_html(file, context)], file.size
        else:
            yield [Bad(file.path.name, "not a .json, .jsonl, .ndjson, .html or .htm file", _head(file))], file.size
    except FileNotFoundError:
        return  # taken away between look and read
    except OSError as error:
        yield [Bad(file.path.name, f"cannot be read: {error.strerror}", b"")], file.size


def _head(file: _File, size: int = MAX_PAGE) -> bytes:
    with file.path.open("rb") as stream:
        return stream.read(size)


def _lines(file: _File, offset: int, context: Context) -> Iterator[tuple[list[Item], int]]:
    with file.path.open("rb") as stream:
        stream.seek(offset)
        while line := stream.readline(MAX_LINE):
            whole = line.endswith(b"\n")
            key = f"{file.path.name} at byte {offset}"
            if not whole and len(line) == MAX_LINE:
                while (rest := stream.readline(MAX_LINE)) and not rest.endswith(b"\n"):
                    pass
                item: Item = Bad(key, f"a line longer than {MAX_LINE:,} bytes", line)
            elif not line.strip():
                offset = stream.tell()
                yield [], offset
                continue
            else:
                item = _item(line, key, context)
                if isinstance(item, Bad) and not whole and _young(file, context):
                    return  # still being written
            offset = stream.tell()
            yield [item], offset


def _young(file: _File, context: Context) -> bool:
    return context.now().timestamp() - file.mtime / 1e9 < SETTLED


def _json(file: _File, context: Context) -> list[Item]:
    name = file.path.name
    if file.size > MAX_FILE:
        return [Bad(name, f"larger than {MAX_FILE:,} bytes", _head(file))]
    data = file.path.read_bytes()
    if data.lstrip()[:1] != b"[":
        return [_item(data, name, context)]
    try:
        rows = msgspec.json.decode(data, type=list[msgspec.Raw])
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        return [Bad(name, str(error), data)]
    return [_item(bytes(row), f"{name} item {number}", context) for number, row in enumerate(rows, 1)]


def _item(data: bytes, key: str, context: Context) -> Item:
    """One JSON article; it belongs to this source unless it names its own."""
    try:
        _, article = from_input(_owned(data, context))
    except InvalidError as error:
        return Bad(key, str(error), data)
    return msgspec.structs.replace(
        article,
        source=msgspec.structs.replace(article.source, kind="folder"),
        fetched=context.now(),
        raw=Raw(sha256=hashlib.sha256(data).hexdigest(), content_type="application/json", size=len(data)),
    )


def _owned(data: bytes, context: Context) -> bytes:
    """The article with a `source`; as it is where it has one, or is not JSON."""
    try:
        fields = msgspec.json.decode(data, type=dict[str, msgspec.Raw])
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return data
    return data if "source" in fields else msgspec.json.encode({**fields, "source": context.source})


def _html(file: _File, context: Context) -> Item:
    name = file.path.name
    data = _head(file, MAX_PAGE + 1)
    page = read_page(data, "")
    if page is None:
        too_large = len(data) > MAX_PAGE
        return Bad(name, f"larger than {MAX_PAGE:,} bytes" if too_large else "no article text found in the page", data)
    try:
        return context.article(
            url=page.url,
            key=name,
            title=page.title,
            body=page.body,
            authors=page.authors,
            published=page.published,
            published_origin="page",
            raw=Raw(sha256=hashlib.sha256(data).hexdigest(), content_type="text/html", size=len(data)),
        )
    except BadItemError as error:
        return Bad(name, str(error), data)
