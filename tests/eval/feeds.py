"""Share of assertions about feed documents that hold: python -m tests.eval.feeds --data DIR"""

import base64
import gzip
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import feedparser

from connectors.feed import parse_xml, read_feed
from connectors.pages import read_fragment
from connectors.sdk import Bad, BadDataError
from connectors.sdk.linked import Entry


def report(folder: Path) -> list[str]:
    """Lines of figures; the feeds come out of `feeds.jsonl.gz`."""
    found = measure(folder / "feeds.jsonl.gz")
    return [
        f"feeds: {found.met / found.asked:.3f} of {found.asked} assertions met, "
        f"{found.exceptions} exceptions in {found.documents} documents",
        f"entries as feedparser alone has them, by title, link and date: {found.same / found.entries:.3f} "
        f"of {found.entries}",
    ]


@dataclass
class Found:
    """Counts over all documents."""

    met: int = 0
    asked: int = 0
    exceptions: int = 0
    """Documents that raised what they must not."""
    documents: int = 0
    same: int = 0
    entries: int = 0


def measure(path: Path) -> Found:
    """Assertions that hold, and entries that come as feedparser alone would give them."""
    found = Found()
    with gzip.open(path) as lines:
        for line in lines:
            given = json.loads(line)
            data = base64.b64decode(given["bytes"])
            found.documents += 1
            expected = given["gold"]["expect"]
            found.asked += len(expected)
            try:
                ours = _read(data)
                parsed = parse_xml(data, _location(data))
            except Exception:
                found.exceptions += 1
                continue
            found.met += sum(_at(parsed, keys) == value for keys, value in expected)
            alone = feedparser.parse(BytesIO(data), response_headers={"content-location": _location(data)}).entries
            found.entries += max(len(ours), len(alone))
            found.same += sum(map(_is_same, ours, alone))
    return found


def _is_same(ours: Entry | Bad, theirs: Any) -> bool:
    """Title as plain text, link and date."""
    date = theirs.get("published_parsed") or theirs.get("updated_parsed")
    return isinstance(ours, Entry) and (
        ours.title == " ".join(read_fragment(theirs.get("title") or "").split())
        and (ours.url or "") == (theirs.get("link") or "")
        and (ours.published and ours.published.timetuple()[:6]) == (date and tuple(date[:6]))
    )


def _location(data: bytes) -> str:
    """Where the document came from: as its opening comment says, else the set's own server."""
    said = re.search(rb"Header:\s*Content-Location:\s*(\S+)", data[:2000], re.I)
    return said[1].decode() if said else "http://127.0.0.1:8097/"


def _read(data: bytes) -> list[Entry | Bad]:
    try:
        return read_feed(data, _location(data))
    except BadDataError:  # the typed refusal of what is no feed
        return []


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
