"""The tables of the file, its version, and how an older file becomes a newer one in place."""

import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from pipeline.engines.errors import StoreError
from pipeline.sinks.embedded_search import EmbeddedSearch

APPLICATION = 0x77697265
"""`PRAGMA application_id` of a wirewatch file: "wire"."""

VERSION = 4
"""`PRAGMA user_version` that this program reads and writes."""

TABLES = """
-- Every topic, in one order. `seq` is the place in the file, `offset` the place in the topic, `at` microseconds
-- since 1970, UTC.
CREATE TABLE log (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    topic TEXT NOT NULL, offset INTEGER NOT NULL, key TEXT NOT NULL, value BLOB NOT NULL, at INTEGER NOT NULL
);
CREATE INDEX log_topic ON log (topic);
CREATE INDEX log_alert ON log (key) WHERE topic = 'alerts.state.v1';

-- Last offset given in each topic.
CREATE TABLE topics (topic TEXT PRIMARY KEY, head INTEGER NOT NULL) WITHOUT ROWID;

-- How far each stage has read its input, and its monotone clock.
CREATE TABLE stages (
    stage TEXT PRIMARY KEY, input TEXT NOT NULL,
    seq INTEGER NOT NULL, offset INTEGER NOT NULL, now INTEGER NOT NULL
) WITHOUT ROWID;

-- A stage's state: its snapshot, if there is one, and every change after it, in order.
CREATE TABLE changes (
    id INTEGER PRIMARY KEY AUTOINCREMENT, stage TEXT NOT NULL, key TEXT NOT NULL DEFAULT '', change BLOB NOT NULL
);
CREATE INDEX changes_stage ON changes (stage);
CREATE TABLE snapshots (stage TEXT PRIMARY KEY, state BLOB NOT NULL);

-- Connectors and rules.
CREATE TABLE cursors (source TEXT PRIMARY KEY, cursor TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE health (source TEXT PRIMARY KEY, value BLOB NOT NULL);
CREATE TABLE rules (rule TEXT PRIMARY KEY, change BLOB NOT NULL);

-- What readers ask for: `seq` is the record that says it.
-- `first` and `arrived` are place and log time of the first revision.
CREATE TABLE articles (
    id TEXT PRIMARY KEY, seq INTEGER NOT NULL, at INTEGER NOT NULL, first INTEGER NOT NULL, arrived INTEGER NOT NULL,
    source TEXT NOT NULL, story TEXT, origin TEXT
) WITHOUT ROWID;
CREATE INDEX articles_source ON articles (source);
CREATE INDEX articles_story ON articles (story);
CREATE INDEX articles_at ON articles (at);
CREATE TABLE merges (story TEXT PRIMARY KEY, into_story TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE alerts (
    id TEXT PRIMARY KEY, seq INTEGER NOT NULL, desk TEXT NOT NULL, rule TEXT NOT NULL, open INTEGER NOT NULL,
    at INTEGER NOT NULL, value BLOB NOT NULL
);
CREATE INDEX alerts_seq ON alerts (seq);
"""


def prepare(connection: sqlite3.Connection, path: Path | str) -> None:
    """Makes the tables in an empty file, or brings an older file to VERSION; all or nothing.

    Raises:
        StoreError: the file belongs to another program, or to a newer wirewatch.
        sqlite3.DatabaseError: it is no database, or damaged.
    """
    version = checked_version(connection, path)
    if version is None:
        connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")  # acknowledged means: it survives the loss of power
    if version == VERSION:
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        if version is None:
            run_script(connection, TABLES)
        else:
            for step in range(version, VERSION):
                UPGRADES[step](connection)
        connection.execute(f"PRAGMA application_id = {APPLICATION}")
        connection.execute(f"PRAGMA user_version = {VERSION}")
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise


def checked_version(connection: sqlite3.Connection, path: Path | str) -> int | None:
    """Version of the file's tables; None where it has none yet.

    Raises:
        StoreError: the file belongs to another program, or to a newer wirewatch.
    """
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    (tables,) = connection.execute("SELECT COUNT(*) FROM sqlite_schema").fetchone()
    if not tables and not application:
        return None
    if application != APPLICATION or version < 1:
        raise StoreError(f"{path} is a database of another program: name another file for wirewatch.")
    if version > VERSION:
        raise StoreError(
            f"{path} was written by a newer wirewatch (version {version} of its tables, this program knows {VERSION}): "
            "install that release, or name another file."
        )
    return int(version)


def run_script(connection: sqlite3.Connection, script: str) -> None:
    """Runs statements inside the transaction that is open (`executescript` would commit it)."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            connection.execute(statement)
            statement = ""


def _alerts_say_whether_they_are_open(connection: sqlite3.Connection) -> None:
    """1 -> 2: alerts can be listed without reading each one, and stages may keep snapshots."""
    run_script(
        connection,
        """
        CREATE TABLE snapshots (stage TEXT PRIMARY KEY, state BLOB NOT NULL);
        ALTER TABLE alerts ADD COLUMN open INTEGER NOT NULL DEFAULT 1;
        """,
    )
    for id_, value in connection.execute("SELECT id, value FROM alerts").fetchall():
        alert = msgspec.json.decode(value)
        if alert["change"] in ("resolved", "retracted") or alert.get("closed"):
            connection.execute("UPDATE alerts SET open = 0 WHERE id = ?", (id_,))


def _changes_have_keys(connection: sqlite3.Connection) -> None:
    """2 -> 3: a case is kept without its alert and apart from its entries, each under a key of its own."""
    connection.execute("ALTER TABLE changes ADD COLUMN key TEXT NOT NULL DEFAULT ''")
    rules: dict[str, Any] = {}
    cases: dict[str, Any] = {}
    snapshot = connection.execute("SELECT state FROM snapshots WHERE stage = 'correlate'").fetchone()
    if snapshot:
        state = msgspec.to_builtins(msgspec.msgpack.decode(snapshot[0]), builtin_types=())
        rules, cases = state["rules"], state["cases"]
    changes = connection.execute("SELECT change FROM changes WHERE stage = 'correlate' ORDER BY id").fetchall()
    for (value,) in changes:
        change = msgspec.json.decode(value)
        if not change.keys() <= {"case", "rule", "gone"}:
            return
        if "gone" in change:
            cases.pop(change["gone"], None)
        if "rule" in change:
            rules[change["rule"]["rule"]] = change["rule"]
        if "case" in change:
            cases[change["case"]["id"]] = change["case"]
    records = [(f"rule/{rule}", change) for rule, change in rules.items()]
    for case in cases.values():
        records += _records_of(case)
    connection.execute("DELETE FROM snapshots WHERE stage = 'correlate'")
    connection.execute("DELETE FROM changes WHERE stage = 'correlate'")
    connection.executemany(
        "INSERT INTO changes (stage, key, change) VALUES ('correlate', ?, ?)",
        [(key, msgspec.json.encode(value)) for key, value in records],
    )


def _records_of(case: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """A case of version 2 as records of version 3."""
    entries, alert = case.pop("entries", ()), case.pop("alert", None)
    for number, entry in enumerate(entries):
        yield f"{case['id']}/{entry['article']['id']}", entry | {"number": number}
    origins, withdrawn = case.pop("origins", ()), case.get("withdrawn", ())
    among = {entry["article"]["origin"] for entry in entries}
    left = [origin for origin in origins if origin not in withdrawn]
    standing = [origin for origin in left if origin in among]
    case |= {"standing": standing, "elsewhere": len(left) - len(standing)}
    if alert:
        case |= {name: alert[name] for name in ("sequence", "severity", "times")}
        case["acknowledged"] = alert.get("acknowledged", False)
    yield case["id"], case


def _terms_are_words(connection: sqlite3.Connection) -> None:
    """3 -> 4: the search finds terms in its index of words, and needs no table of them."""
    if connection.execute("SELECT 1 FROM sqlite_schema WHERE name = 'search_terms'").fetchone():
        connection.execute("DROP TABLE search_terms")
        EmbeddedSearch(connection).rebuild()


UPGRADES: dict[int, Callable[[sqlite3.Connection], None]] = {
    1: _alerts_say_whether_they_are_open,
    2: _changes_have_keys,
    3: _terms_are_words,
}
"""From each older version to the next."""
