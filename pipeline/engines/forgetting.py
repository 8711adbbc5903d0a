"""Forgetting an article or a source: out of the log, the search, the states of the stages, and the alerts."""

import base64
import re
import sqlite3
from collections.abc import Callable, Collection, Sequence

import msgspec

from pipeline.alerting.forgetting import without
from pipeline.engines.keeping import save_snapshot, vacuum
from pipeline.engines.records import Forgotten
from pipeline.engines.runner import Runner
from pipeline.engines.store import Store
from pipeline.model.alert import Alert
from pipeline.model.article import article_id
from pipeline.model.cloudevent import alert_of, event
from pipeline.model.codec import InvalidError, decode, encode
from pipeline.model.dead_letter import DeadLetter
from pipeline.sinks.embedded_search import EmbeddedSearch
from pipeline.stage import Snapshots
from pipeline.topics import ALERTS, ARTICLES, CANDIDATES, DEAD_LETTERS, DESKS, ENRICHED, RAW, desk_topic

_ID = re.compile(rb"[0-9a-f]{32}")


class _Named(msgspec.Struct):
    id: str


class _Published(msgspec.Struct):
    source: _Named


class _Concerning(msgspec.Struct):
    article: _Named


def forget(store: Store, search: EmbeddedSearch | None, runners: Sequence[Runner], target: str) -> Forgotten:
    """Takes an article (URL or id) or all of a source (id) out of the file, down to its free pages.

    Stages that offer `Snapshots` forget too, in the same transaction.

    Raises:
        StoreError: the file could not be written; nothing was forgotten.
    """
    with store.reading() as connection:
        ids = _ids(connection, target)
        connection.execute("PRAGMA secure_delete = ON")
    try:
        with store.transaction() as connection:
            _articles(connection, search, ids)
            gone, changed = _alerts(connection, ids)
            _messages(connection, ids, target)
            for runner in runners:
                _state(connection, runner, ids)
    except BaseException:
        for runner in runners:
            runner.discard()
        raise
    vacuum(store, search)
    return Forgotten(articles=len(ids), alerts=gone, changed=changed)


def _ids(connection: sqlite3.Connection, target: str) -> frozenset[str]:
    """Ids of the articles in the file that are meant."""
    wanted = {target, article_id(target, "", "")}
    rows = connection.execute("SELECT key, value FROM log WHERE topic IN (?, ?)", (RAW, ARTICLES))
    return frozenset(key for key, value in rows if key in wanted or _source(value) == target)


def _source(value: bytes) -> str | None:
    """Id of an article's source; None where the record is no article."""
    try:
        return decode(value, _Published).source.id
    except InvalidError:
        return None


def _articles(connection: sqlite3.Connection, search: EmbeddedSearch | None, ids: Collection[str]) -> None:
    for id_ in ids:
        if search:
            search.delete(id_)
        connection.execute("DELETE FROM articles WHERE id = ?", (id_,))
        connection.execute("DELETE FROM log WHERE key = ? AND topic IN (?, ?, ?)", (id_, RAW, ENRICHED, ARTICLES))


def _alerts(connection: sqlite3.Connection, ids: Collection[str]) -> tuple[int, int]:
    """Alerts gone, and alerts changed."""
    gone = changed = 0
    for id_, value in connection.execute("SELECT id, value FROM alerts").fetchall():
        if not _names(value, ids):
            continue
        left = without(decode(value, Alert), ids)
        if left is None:
            connection.execute("DELETE FROM alerts WHERE id = ?", (id_,))
            gone += 1
        else:
            connection.execute("UPDATE alerts SET value = ? WHERE id = ?", (encode(left), id_))
            changed += 1
    _rewrite(connection, [ALERTS], ids, _state_without)
    _rewrite(connection, [desk_topic(desk) for desk in DESKS], ids, _event_without)
    return gone, changed


def _messages(connection: sqlite3.Connection, ids: Collection[str], target: str) -> None:
    _rewrite(connection, [CANDIDATES], ids, _candidate_without)
    for seq, value in connection.execute("SELECT seq, value FROM log WHERE topic = ?", (DEAD_LETTERS,)).fetchall():
        letter = decode(value, DeadLetter)
        if letter.key in ids or letter.key == target or _names(base64.b64decode(letter.bytes), ids):
            connection.execute("DELETE FROM log WHERE seq = ?", (seq,))


def _rewrite(
    connection: sqlite3.Connection,
    topics: Sequence[str],
    ids: Collection[str],
    change: Callable[[bytes, Collection[str]], bytes | None],
) -> None:
    """Changes, or deletes where nothing is left, the records that name one of the articles."""
    for topic in topics:
        for seq, value in connection.execute("SELECT seq, value FROM log WHERE topic = ?", (topic,)).fetchall():
            if not _names(value, ids):
                continue
            left = change(value, ids)
            if left is None:
                connection.execute("DELETE FROM log WHERE seq = ?", (seq,))
            else:
                connection.execute("UPDATE log SET value = ? WHERE seq = ?", (left, seq))


def _names(value: bytes, ids: Collection[str]) -> bool:
    return any(found.decode() in ids for found in _ID.findall(value))


def _state_without(value: bytes, ids: Collection[str]) -> bytes | None:
    left = without(decode(value, Alert), ids)
    return encode(left) if left else None


def _event_without(value: bytes, ids: Collection[str]) -> bytes | None:
    left = without(alert_of(value), ids)
    return event(left) if left else None


def _candidate_without(value: bytes, ids: Collection[str]) -> bytes | None:
    try:
        return None if decode(value, _Concerning).article.id in ids else value
    except InvalidError:
        return value


def _state(connection: sqlite3.Connection, runner: Runner, ids: Collection[str]) -> None:
    stage = runner.stage
    if not isinstance(stage, Snapshots):
        return
    stage.forget(runner.state, ids)
    save_snapshot(connection, stage.name, stage.dump(runner.state))
