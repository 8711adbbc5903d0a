"""Articles as JSON Lines: read one at a time, every bad line named by file, line and field."""

import re
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import BinaryIO, NamedTuple

from pipeline.commands.common import ProblemError
from pipeline.model.article import Article, from_input
from pipeline.model.codec import InvalidError

MAX_LINE = 64 * 1024 * 1024
"""Bytes of a line that is read."""
KEY = re.compile(rb'"([^"\\]{1,80})"\s*:')


class Line(NamedTuple):
    """An article, and the id that its line gives it."""

    where: str
    """File and line number."""
    id: str
    article: Article


class BadLine(NamedTuple):
    """A line that holds no article."""

    where: str
    reason: str


def read_articles(files: Sequence[Path], advance: Callable[[int], object] = lambda _: None) -> Iterator[Line | BadLine]:
    """Every line of the files in turn, blank ones left out; standard input where there are none, or one is called `-`.

    `advance` is told the bytes of each line read.

    Raises:
        ProblemError: a file cannot be read.
    """
    for file in files or (Path("-"),):
        if file == Path("-"):
            yield from _read(sys.stdin.buffer, "stdin", advance)
            continue
        try:
            with file.open("rb") as stream:
                yield from _read(stream, str(file), advance)
        except OSError as error:
            raise ProblemError(f"{file}: cannot be read: {error.strerror}") from None


def size(files: Sequence[Path]) -> int | None:
    """Bytes of all files; None where standard input or something else of unknown length is among them."""
    if not files or not all(file.is_file() for file in files):
        return None
    return sum(file.stat().st_size for file in files)


def _read(stream: BinaryIO, name: str, advance: Callable[[int], object]) -> Iterator[Line | BadLine]:
    number = 0
    while line := stream.readline(MAX_LINE):
        number += 1
        advance(len(line))
        where = f"{name}:{number}"
        if len(line) == MAX_LINE and not line.endswith(b"\n"):
            while (rest := stream.readline(MAX_LINE)) and not rest.endswith(b"\n"):
                advance(len(rest))
            yield BadLine(where, f"longer than {MAX_LINE:,} bytes")
        elif line.strip():
            yield _line(line, where)


def _line(line: bytes, where: str) -> Line | BadLine:
    try:
        return Line(where, *from_input(line.strip().removeprefix(b"\xef\xbb\xbf")))
    except InvalidError as error:
        return BadLine(where, _reason(line, str(error)))


def _reason(line: bytes, said: str) -> str:
    """What is wrong, with the field where the decoder could not name it: the last key before invalid UTF-8."""
    try:
        line.decode()
    except UnicodeDecodeError as error:
        keys = KEY.findall(line[: error.start])
        field = f" in `{keys[-1].decode('utf-8', 'replace')}`" if keys else ""
        return f"not UTF-8{field}: byte 0x{line[error.start]:02x} at position {error.start}"
    return said
