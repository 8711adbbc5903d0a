"""Files dropped into a folder: JSON and JSON Lines (our own form or ninjs), NewsML-G2, HTML, mail, web archives.

Names that begin with a dot or end in .part or .tmp are not looked at: write under such a name, then rename. JSON Lines
may grow.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
from pydantic import ConfigDict, Field

from connectors.formats.articles import Item, article_of, articles_of, read_json, read_objects
from connectors.formats.mail import read_mail
from connectors.formats.newsml import read_newsml
from connectors.formats.warc import Archived, read_warc
from connectors.pages import MAX_PAGE, read_page
from connectors.sdk import Bad, BadDataError, BadItemError, Batch, Context, GoneError, SourceConfig, isolated, source
from pipeline.model.article import raw_of

BATCH = 200
MAX_FILE = 64 * 1024 * 1024
"""Bytes of a file that is read whole."""
MAX_LINE = 16 * 1024 * 1024
"""Bytes of a line of JSON Lines that is read."""
LOOK_EVERY = 2.0
"""Seconds between looks, where `every` does not say."""
SETTLED = 2.0
"""Seconds after which a last line that does not end is taken for whole."""
UNFINISHED = (".part", ".tmp")

Piece = tuple[list[Item], int]
"""What was read of a file, and the offset behind it."""


class FolderConfig(SourceConfig):
    """Where to look."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"path": "incoming"}]})

    path: str = Field(description="The folder; relative to where wirewatch was started.")


class Taken(msgspec.Struct, frozen=True, array_like=True):
    """How much of a file has been taken; the cursor is a mapping of names to these."""

    size: int
    mtime: int
    """Nanoseconds."""
    offset: int
    """Bytes; the whole size, except in JSON Lines and archives."""


@source("folder", config=FolderConfig)
async def folder(config: FolderConfig, context: Context) -> AsyncIterator[Batch]:
    """Files dropped into a folder: JSON, JSON Lines, ninjs, NewsML-G2, HTML, .eml, WARC."""
    taken = _read_cursor(context.cursor)
    while True:
        async for batch in _scan(Path(config.path), taken, context):
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

    def read(self, limit: int) -> bytes:
        with self.path.open("rb") as stream:
            return stream.read(limit)


async def _scan(root: Path, taken: dict[str, Taken], context: Context) -> AsyncIterator[Batch]:
    """Batches of what is new in the folder; `taken` moves along with them."""
    files = await asyncio.to_thread(_files, root)
    for gone in taken.keys() - {file.path.name for file in files}:
        del taken[gone]
    items: list[Item] = []
    for file in files:
        async for new, offset in _new_in(file, taken.get(file.path.name), context):
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


async def _new_in(file: _File, before: Taken | None, context: Context) -> AsyncIterator[Piece]:
    """What has not been taken of a file yet, piece by piece."""
    if before and (before.size, before.mtime) == (file.size, file.mtime) and before.offset >= file.size:
        return
    name = file.path.name
    reader = next((reader for suffix, reader in READERS.items() if name.lower().endswith(suffix)), _unknown)
    grown = before is not None and before.offset <= before.size <= file.size
    try:
        async for piece in reader(file, before.offset if before and grown else 0, context):
            yield piece
    except FileNotFoundError:
        return  # taken away between look and read
    except OSError as error:
        yield [Bad(name, f"cannot be read: {error.strerror}", b"")], file.size


async def _unknown(file: _File, _: int, __: Context) -> AsyncIterator[Piece]:
    head = await asyncio.to_thread(file.read, MAX_PAGE)
    yield [Bad(file.path.name, f"not a file that is read here: {', '.join(READERS)}", head)], file.size


async def _json(file: _File, _: int, context: Context) -> AsyncIterator[Piece]:
    data = await _whole(file)
    yield [data] if isinstance(data, Bad) else await read_json(data, file.path.name, context), file.size


async def _newsml(file: _File, _: int, context: Context) -> AsyncIterator[Piece]:
    data = await _whole(file)
    if isinstance(data, Bad):
        yield [data], file.size
        return
    try:
        entries = await isolated(read_newsml, data, file.path.name)
        yield articles_of(entries, context, data, "application/xml"), file.size
    except BadDataError as error:
        yield [Bad(file.path.name, str(error), data)], file.size


async def _mail(file: _File, _: int, context: Context) -> AsyncIterator[Piece]:
    data = await _whole(file)
    if isinstance(data, Bad):
        yield [data], file.size
        return
    try:
        entry = await isolated(read_mail, data, file.path.name)
        yield [article_of(entry, context, data, "message/rfc822")], file.size
    except BadDataError as error:
        yield [Bad(file.path.name, str(error), data)], file.size


async def _html(file: _File, _: int, context: Context) -> AsyncIterator[Piece]:
    data = await asyncio.to_thread(file.read, MAX_PAGE + 1)
    yield [await _page(data, file.path.name, "", "", context)], file.size


async def _page(data: bytes, key: str, url: str, content_type: str, context: Context) -> Item:
    if len(data) > MAX_PAGE:
        return Bad(key, f"larger than {MAX_PAGE:,} bytes", data)
    try:
        page = await isolated(read_page, data, url, content_type, context.site_rules)
        if page is None:
            return Bad(key, "no article text found in the page", data)
        return context.article(
            url=page.url or url or None,
            key=key,
            title=page.title,
            body=page.body,
            authors=page.authors,
            published=page.published,
            published_origin=page.published_origin,
            published_raw=page.published_raw,
            raw=raw_of(data, "text/html"),
        )
    except (BadDataError, BadItemError) as error:
        return Bad(key, str(error), data)


async def _whole(file: _File) -> bytes | Bad:
    if file.size > MAX_FILE:
        return Bad(file.path.name, f"larger than {MAX_FILE:,} bytes", await asyncio.to_thread(file.read, MAX_PAGE))
    return await asyncio.to_thread(file.read, MAX_FILE)


async def _lines(file: _File, offset: int, context: Context) -> AsyncIterator[Piece]:
    settled = context.now().timestamp() - file.mtime / 1e9 >= SETTLED
    chunks = _chunks(file, offset, settled)
    while chunk := await asyncio.to_thread(next, chunks, None):
        rows, offset = chunk
        too_long: list[Item] = [row for row in rows if isinstance(row, Bad)]
        yield too_long + await read_objects([row for row in rows if not isinstance(row, Bad)], context), offset


def _chunks(file: _File, offset: int, settled: bool) -> Iterator[tuple[list[tuple[str, bytes] | Bad], int]]:
    """Lines with their keys, as many as make a batch, and the offset behind them."""
    rows: list[tuple[str, bytes] | Bad] = []
    with file.path.open("rb") as stream:
        stream.seek(offset)
        while line := stream.readline(MAX_LINE):
            key = f"{file.path.name} at byte {offset}"
            if not line.endswith(b"\n"):
                if len(line) == MAX_LINE:
                    while (rest := stream.readline(MAX_LINE)) and not rest.endswith(b"\n"):
                        pass
                    rows.append(Bad(key, f"a line longer than {MAX_LINE:,} bytes", line))
                    line = b""
                elif not settled and not _is_json(line):
                    break  # still being written
            if line.strip():
                rows.append((key, line))
            offset = stream.tell()
            if len(rows) >= BATCH:
                yield rows, offset
                rows = []
    yield rows, offset


def _is_json(line: bytes) -> bool:
    try:
        msgspec.json.decode(line)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return False
    return True


async def _archive(file: _File, offset: int, context: Context) -> AsyncIterator[Piece]:
    with file.path.open("rb") as stream:
        pages = read_warc(stream, offset)
        while page := await asyncio.to_thread(next, pages, None):
            if isinstance(page, Archived):
                yield [await _page(page.body, page.url, page.url, page.content_type, context)], page.end
            else:
                yield [Bad(f"{file.path.name} at {page.key}", page.reason, page.data)], file.size
    yield [], file.size


READERS: dict[str, Callable[[_File, int, Context], AsyncIterator[Piece]]] = {
    ".json": _json,
    ".jsonl": _lines,
    ".ndjson": _lines,
    ".xml": _newsml,
    ".eml": _mail,
    ".html": _html,
    ".htm": _html,
    ".warc": _archive,
    ".warc.gz": _archive,
}
"""By the end of the file's name."""
