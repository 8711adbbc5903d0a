"""Share of assertions about feed documents that hold: python -m tests.eval.feeds --data DIR"""

import base64
import gzip
import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from connectors.feed import parse_xml, read_feed
from connectors.sdk import BadDataError


def report(folder: Path) -> list[str]:
    """Lines of figures; the feeds come out of `feeds.jsonl.gz`."""
    met, asked, exceptions, documents = measure(folder / "feeds.jsonl.gz")
    return [f"feeds: {met / asked:.3f} of {asked} assertions met, {exceptions} exceptions in {documents} documents"]


def measure(path: Path) -> tuple[int, int, int, int]:
    """Assertions met, assertions, documents that raised what they must not, documents."""
    met = asked = exceptions = documents = 0
    with gzip.open(path) as lines:
        for line in lines:
            given = json.loads(line)
            data = base64.b64decode(given["bytes"])
            documents += 1
            expected = given["gold"]["expect"]
            asked += len(expected)
            try:
                _read(data)
                parsed = parse_xml(data, _location(data))
            except Exception:
                exceptions += 1
                continue
            met += sum(_at(parsed, keys) == value for keys, value in expected)
    return met, asked, exceptions, documents


def _location(data: bytes) -> str:
    """Where the document came from: as its opening comment says, else the set's own server."""
    said = re.search(rb"Header:\s*Content-Location:\s*(\S+)", data[:2000], re.I)
    return said[1].decode() if said else "http://127.0.0.1:8097/"


def _read(data: bytes) -> Iterator[object]:
    try:
        yield from read_feed(data)
    except BadDataError:  # the typed refusal of what is no feed
        return


def _at(value: Any, keys: Sequence[str | int]) -> Any:
    for key in keys:
        try:
            value = value[key]
        except (KeyError, IndexError, TypeError):
            return None
    return list(value) if isinstance(value, tuple) else value


if __name__ == "__main__":
    import argparse

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    print("\n".join(report(parser.parse_args().data)))
