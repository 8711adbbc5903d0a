"""Documents that a source must survive: a corpus, and mutations of a document that is well."""

import random
from collections.abc import Iterator
from functools import cache
from importlib.resources import files

import yaml

PIECES = (b"<", b">", b"&", b'"', b"]]>", b"<!--", b"\x00", b"\xff", b"\xed\xa0\x80", b"&#0;", b"{", b"[", b"\\", b"-1")
"""What mutations insert."""


@cache
def corpus() -> dict[str, bytes]:
    """Malformed documents by what is wrong with them."""
    given = yaml.safe_load(files(__package__).joinpath("malformed.yaml").read_bytes())
    return {name: b"".join(map(_bytes, parts)) for name, parts in given.items()}


def _bytes(part: str | dict[str, str | int]) -> bytes:
    if isinstance(part, str):
        return part.encode()
    if "hex" in part:
        return bytes.fromhex(str(part["hex"]))
    return str(part["repeat"]).encode() * int(part["times"])


def mutations(document: bytes, count: int) -> Iterator[bytes]:
    """So many variants of a document, each with one to four mistakes; the same ones every time."""
    chance = random.Random(0)
    for _ in range(count):
        data = document
        for _ in range(chance.randint(1, 4)):
            data = _mistake(data, chance)
        yield data


def _mistake(data: bytes, chance: random.Random) -> bytes:
    start = chance.randint(0, len(data))
    end = min(len(data), start + chance.choice((1, 2, 8, 60, 400)))
    cut, piece = data[start:end], chance.choice(PIECES)
    return chance.choice(
        (
            data[:start] + data[end:],
            data[:start] + piece + data[start:],
            data[:start] + piece + data[end:],
            data[:start] + cut * 3 + data[end:],
            data[:start] + bytes(byte ^ (1 << chance.randrange(8)) for byte in cut) + data[end:],
            data[:start] + cut[::-1] + data[end:],
            data[:start],
        )
    )
