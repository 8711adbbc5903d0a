"""What a file holds, for comparing two of them to the letter."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

HELD = {
    "log": "SELECT topic, offset, key, value, at FROM log WHERE topic != 'dead-letters.v1' ORDER BY topic, offset",
    # The stages share this topic, and whose letter comes first is a matter of batches.
    "dead letters": "SELECT key, value, at FROM log WHERE topic = 'dead-letters.v1' ORDER BY at, key, value",
    "stages": "SELECT stage, input, offset, now FROM stages ORDER BY stage",
    "changes": "SELECT stage, key, change FROM changes ORDER BY stage, id",
    "cursors": "SELECT source, cursor FROM cursors ORDER BY source",
    "rules": "SELECT rule, change FROM rules ORDER BY rule",
    "articles": "SELECT id, at, arrived, source, story, origin FROM articles ORDER BY id",
    "alerts": "SELECT id, desk, rule, open, at, value FROM alerts ORDER BY id",
}
"""All but `seq`, the place in the file, which is another one when batches are."""


def held(path: Path) -> dict[str, list[Any]]:
    """Every table, in an order that does not depend on how the work was cut into batches."""
    connection = sqlite3.connect(path)
    try:
        return {name: connection.execute(query).fetchall() for name, query in HELD.items()}
    finally:
        connection.close()


@contextmanager
def folder() -> Iterator[Path]:
    """A folder in memory where there is one: a thousand small transactions take seconds on a busy disk."""
    memory = Path("/dev/shm")
    with TemporaryDirectory(dir=memory if os.access(memory, os.W_OK) else None) as name:
        yield Path(name)
