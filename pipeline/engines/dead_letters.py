"""Dead letters in the log, and the messages they were."""

import base64
import hashlib
import sqlite3

from pipeline.engines.store import Entry
from pipeline.model.codec import decode
from pipeline.model.dead_letter import DeadLetter
from pipeline.topics import DEAD_LETTERS


def listed(connection: sqlite3.Connection, limit: int) -> list[tuple[int, DeadLetter]]:
    """Dead letters with their ids, newest first."""
    rows = connection.execute(
        "SELECT offset, value FROM log WHERE topic = ? ORDER BY seq DESC LIMIT ?", (DEAD_LETTERS, limit)
    )
    return [(id_, decode(value, DeadLetter)) for id_, value in rows]


def original(connection: sqlite3.Connection, id_: int) -> Entry | None:
    """The message that a dead letter was, as far as it can be had whole."""
    row = connection.execute("SELECT value, at FROM log WHERE topic = ? AND offset = ?", (DEAD_LETTERS, id_)).fetchone()
    if row is None:
        return None
    letter = decode(row[0], DeadLetter)
    kept = base64.b64decode(letter.bytes)
    if len(kept) == letter.size:
        return Entry(letter.topic, letter.key, kept, row[1])
    candidates = connection.execute("SELECT value FROM log WHERE topic = ? AND key = ?", (letter.topic, letter.key))
    for (value,) in candidates:
        if hashlib.sha256(value).hexdigest() == letter.sha256:
            return Entry(letter.topic, letter.key, value, row[1])
    return None
