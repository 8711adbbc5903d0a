"""The file: other people's, damaged, older, newer, full, saved and shrunk."""

import logging
import sqlite3
import threading
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from pipeline.alerting.correlate import Alerts, Correlate
from pipeline.engines import keeping
from pipeline.engines.embedded import Embedded
from pipeline.engines.errors import StoreError, StoreUnavailableError
from pipeline.engines.reader import Reader
from pipeline.engines.records import Counts
from pipeline.engines.schema import VERSION
from pipeline.model.alert import Alert
from pipeline.model.candidate import Action, RuleChange
from pipeline.model.codec import decode, encode
from pipeline.stage import StateChange
from pipeline.stories.relate import Relate
from pipeline.topics import ALERTS, ARTICLES, CANDIDATES, ENRICHED, RAW
from tests.engines.files import held
from tests.engines.toys import NOON, Reading, Relating, Seen, article, engine_at, graph, rule_set, settle


def written(path: Path, *statements: str) -> Path:
    connection = sqlite3.connect(path)
    for statement in statements:
        connection.execute(statement)
    connection.commit()
    connection.close()
    return path


def text(path: Path, words: str) -> Path:
    path.write_text(words)
    return path


def torn(path: Path) -> Path:
    """A wirewatch file with its second half overwritten."""
    engine_at(path).close()
    data = path.read_bytes()
    path.write_bytes(data[:100] + b"\xff" * (len(data) - 100))
    return path


UNUSABLE = [
    pytest.param(lambda at: text(at, "no database, but long enough to look like one" * 100), "move it away", id="text"),
    pytest.param(torn, "move it away", id="damaged"),
    pytest.param(lambda at: written(at, "CREATE TABLE songs (title)"), "another program", id="another program's"),
    pytest.param(
        lambda at: written(
            at, "CREATE TABLE log (x)", "PRAGMA application_id = 2003399269", f"PRAGMA user_version = {VERSION + 1}"
        ),
        "newer wirewatch",
        id="newer",
    ),
]


@pytest.mark.parametrize(("made", "says"), UNUSABLE)
def test_a_file_that_cannot_be_used_says_what_to_do_and_is_left_alone(made, says: str, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    path = made(tmp_path / "a.db")
    before = path.read_bytes()
    for opening in (engine_at, Reader):
        with pytest.raises(StoreError, match=says):
            opening(path)
    assert path.read_bytes() == before


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="name a folder that may be written"):
        engine_at(text(tmp_path / "file", "") / "a.db")


def test_reading_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="start `wirewatch run` or `wirewatch demo` first"):
        Reader(tmp_path / "a.db")


def test_a_state_that_cannot_be_read_names_its_stage(tmp_path: Path) -> None:
    engine_at(tmp_path / "a.db").close()
    written(tmp_path / "a.db", "INSERT INTO changes (stage, change) VALUES ('relate', 'nonsense')")
    engine = engine_at(tmp_path / "a.db")
    engine.append([article(1)])
    with pytest.raises(StoreError, match=r"what relate has kept in .* cannot be read"):
        settle(engine)


VERSION_1 = """
CREATE TABLE log (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    topic TEXT NOT NULL, offset INTEGER NOT NULL, key TEXT NOT NULL, value BLOB NOT NULL, at INTEGER NOT NULL
);
CREATE INDEX log_topic ON log (topic);
CREATE INDEX log_alert ON log (key) WHERE topic = 'alerts.state.v1';
CREATE TABLE topics (topic TEXT PRIMARY KEY, head INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE stages (
    stage TEXT PRIMARY KEY, input TEXT NOT NULL,
    seq INTEGER NOT NULL, offset INTEGER NOT NULL, now INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE changes (id INTEGER PRIMARY KEY AUTOINCREMENT, stage TEXT NOT NULL, change BLOB NOT NULL);
CREATE INDEX changes_stage ON changes (stage);
CREATE TABLE cursors (source TEXT PRIMARY KEY, cursor TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE health (source TEXT PRIMARY KEY, value BLOB NOT NULL);
CREATE TABLE rules (rule TEXT PRIMARY KEY, change BLOB NOT NULL);
CREATE TABLE articles (
    id TEXT PRIMARY KEY, seq INTEGER NOT NULL, at INTEGER NOT NULL, first INTEGER NOT NULL, arrived INTEGER NOT NULL,
    source TEXT NOT NULL, story TEXT, origin TEXT
) WITHOUT ROWID;
CREATE INDEX articles_source ON articles (source);
CREATE INDEX articles_story ON articles (story);
CREATE INDEX articles_at ON articles (at);
CREATE TABLE merges (story TEXT PRIMARY KEY, into_story TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE alerts (
    id TEXT PRIMARY KEY, seq INTEGER NOT NULL, desk TEXT NOT NULL, rule TEXT NOT NULL,
    at INTEGER NOT NULL, value BLOB NOT NULL
);
CREATE INDEX alerts_seq ON alerts (seq);
PRAGMA application_id = 2003399269;
PRAGMA user_version = 1;
"""


def test_a_file_of_version_1_is_upgraded_in_place_and_goes_on(tmp_path: Path) -> None:
    time = [NOON]
    new = engine_at(tmp_path / "new.db", clock=lambda: time[0])
    new.append([article(1, "Bridge fires")], ("gazette", "1"))
    settle(new)
    time[0] += timedelta(hours=2)
    new.append([article(2, "Harbour fires"), article(3)])
    settle(new)
    new.close()
    expected = held(tmp_path / "new.db")

    old = sqlite3.connect(tmp_path / "old.db")
    old.executescript(VERSION_1)
    old.execute("ATTACH ? AS new", (str(tmp_path / "new.db"),))
    for table in ("log", "topics", "stages", "changes", "cursors", "health", "rules", "articles", "merges", "alerts"):
        columns = ", ".join(column[1] for column in old.execute(f"PRAGMA main.table_info({table})"))
        old.execute(f"INSERT INTO main.{table} ({columns}) SELECT {columns} FROM new.{table}")
    old.commit()
    old.close()

    with pytest.raises(StoreError, match="start `wirewatch run` once"):
        Reader(tmp_path / "old.db")
    engine = engine_at(tmp_path / "old.db", clock=lambda: time[0])
    assert [alert.change for alert in engine.reader.alerts()] == ["raised", "resolved"]
    assert [alert.change for alert in engine.reader.alerts(open_only=True)] == ["raised"]
    expected["changes"] = [(stage, "", change) for stage, _, change in expected["changes"]]
    assert held(tmp_path / "old.db") == expected
    engine.append([article(4, "Bridge fires on")])
    settle(engine)
    assert [alert.sequence for alert in engine.reader.alerts()] == [3, 1]
    engine.compact()
    engine.close()


def as_version_2(path: Path, *, as_snapshot: bool) -> None:
    """Writes the state of correlate as version 2 did: whole cases with entries and alert, in changes or a snapshot."""
    file = sqlite3.connect(path)
    state = folded(path)
    cases = {}
    for id_, case in state.cases.items():
        (alert,) = file.execute("SELECT value FROM alerts WHERE id = ?", (id_,)).fetchone()
        entries = sorted(state.entries[id_].values(), key=lambda entry: entry.number)
        old = msgspec.structs.asdict(case) | {
            "entries": entries,
            "origins": case.standing,
            "alert": decode(alert, Alert),
        }
        for name in ("standing", "elsewhere", "let_go", "acknowledged", "sequence", "severity", "times"):
            del old[name]
        cases[id_] = old
    changes = [{"rule": rule} for rule in state.rules.values()] + [{"case": case} for case in cases.values()]
    file.execute("DELETE FROM changes WHERE stage = 'correlate'")
    file.execute("ALTER TABLE changes DROP COLUMN key")
    if as_snapshot:
        dumped = msgspec.msgpack.encode(
            {"rules": state.rules, "cases": cases, "stories": state.stories, "due": state.due}
        )
        file.execute("INSERT INTO snapshots VALUES ('correlate', ?)", (dumped,))
        changes = [{"rule": RuleChange(rule="later", version="1")}, {"rule": RuleChange(rule="sooner", version="1")}]
    file.executemany(
        "INSERT INTO changes (stage, change) VALUES ('correlate', ?)", [(encode(change),) for change in changes]
    )
    file.execute("PRAGMA user_version = 2")
    file.commit()
    file.close()


def folded(path: Path) -> Alerts:
    """The state of correlate in a file."""
    file = sqlite3.connect(path)
    stage, state = Correlate(), Correlate().empty()
    for change in file.execute("SELECT key, change FROM changes WHERE stage = 'correlate' ORDER BY id"):
        stage.fold(state, StateChange(*change))
    file.close()
    return state


@pytest.mark.parametrize("as_snapshot", [False, True])
def test_a_file_of_version_2_is_upgraded_in_place_and_goes_on(as_snapshot: bool, tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    fires = rule_set("toy")
    first = Embedded(path, fires, clock=lambda: NOON, graph=(Reading(), Relate(), Correlate()))
    first.append([article(number, "Bridge fires", source=f"paper{number}") for number in range(3)])
    settle(first)
    known = first.reader.alerts()
    first.act(Action(rule="toy", alert=known[0].id, do="acknowledge"))
    settle(first)
    first.close()
    before = folded(path)
    assert before.cases

    as_version_2(path, as_snapshot=as_snapshot)
    again = Embedded(path, fires, clock=lambda: NOON, graph=(Reading(), Relate(), Correlate()))
    after = folded(path)
    for rule in ("later", "sooner") if as_snapshot else ():
        after.rules.pop(rule)
    assert (after.rules, after.cases, after.entries, after.stories) == (
        before.rules,
        before.cases,
        before.entries,
        before.stories,
    )
    again.append([article(4, "Bridge fires", source="paper1")])
    settle(again)
    assert max(alert.sequence for alert in again.reader.alerts()) >= 1
    again.close()


def test_a_file_of_version_3_is_searched_as_before(tmp_path: Path) -> None:
    engine = engine_at(tmp_path / "a.db", clock=lambda: NOON)
    engine.append([article(number, "Bridge fires") for number in range(3)])
    settle(engine)
    engine.close()
    old = sqlite3.connect(tmp_path / "a.db")
    old.executescript("""
        DROP TABLE search_words;
        CREATE TABLE search_terms (
            field TEXT NOT NULL, value TEXT NOT NULL, document INTEGER NOT NULL,
            PRIMARY KEY (field, value, document)) WITHOUT ROWID;
        CREATE VIRTUAL TABLE search_words USING fts5(words, content='', detail=none, tokenize='ascii');
        INSERT INTO search_words (rowid, words) SELECT document, 'bridge fires' FROM search_documents;
        INSERT INTO search_terms SELECT 'source.id', 'gazette', document FROM search_documents;
        PRAGMA user_version = 3;
    """)
    old.close()
    engine_at(tmp_path / "a.db", clock=lambda: NOON).close()
    reader = Reader(tmp_path / "a.db")
    for query in ("bridge", "source.id: *", f"id: {article(1, 'Bridge fires').id}"):
        assert reader.search(query).total == (1 if query.startswith("id") else 3)
    reader.close()
    with sqlite3.connect(tmp_path / "a.db") as file:
        assert file.execute("SELECT 1 FROM sqlite_schema WHERE name = 'search_terms'").fetchone() is None


def only_so_large(engine: Embedded, pages: int | None) -> None:
    """Lets the disk of this engine be full at so many more pages than it has now."""
    connection = engine._store.connection
    (used,) = connection.execute("PRAGMA page_count").fetchone()
    connection.execute(f"PRAGMA max_page_count = {2**30 if pages is None else used + pages}")


def test_on_a_full_disk_nothing_is_acknowledged_and_nothing_is_lost(tmp_path: Path) -> None:
    engine = engine_at(tmp_path / "a.db")
    engine.append([article(1)], ("gazette", "1"))
    only_so_large(engine, 2)
    with pytest.raises(StoreUnavailableError, match="is full: free some space there"):
        engine.append([article(number) for number in range(100)], ("gazette", "100"))
    assert engine.cursor("gazette") == "1"
    assert engine.counts().articles == 1

    only_so_large(engine, None)
    engine.append([article(2)], ("gazette", "2"))
    settle(engine)
    assert engine.counts().searched == 2


def test_the_engine_outlives_a_full_disk_and_goes_on_where_it_was(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    articles = [article(number, ("Bridge fires", "Hill jams", "Harbour calm")[number % 3]) for number in range(90)]
    plain = engine_at(tmp_path / "plain.db")
    plain.append(articles)
    settle(plain)

    engine, stop, troubles = engine_at(tmp_path / "a.db"), threading.Event(), []
    engine.append(articles)
    only_so_large(engine, 20)

    def watch(counts: Counts) -> None:
        if counts.trouble:
            troubles.append(counts.trouble)
            only_so_large(engine, None)
        elif not any(counts.lag.values()):
            stop.set()

    with caplog.at_level(logging.ERROR, "wirewatch.engine"):
        engine.run(stop, watch)
    assert "is full" in troubles[0]
    assert [record.message for record in caplog.records] == troubles
    for table in ("articles", "alerts", "changes", "dead letters"):
        assert held(tmp_path / "a.db")[table] == held(tmp_path / "plain.db")[table]


def test_what_is_old_goes_and_open_alerts_stay(tmp_path: Path) -> None:
    time = [NOON]
    engine = engine_at(tmp_path / "a.db", clock=lambda: time[0], retention_days=10)
    engine.append([article(1, "Harbour fires")])
    settle(engine)
    time[0] += timedelta(hours=2)
    engine.tick()
    engine.append([article(2, "Bridge fires")])
    settle(engine)

    time[0] += timedelta(days=2)
    engine.retain()
    assert {topic: len(engine.reader.tail(topic, 0)) for topic in (RAW, ENRICHED, ARTICLES, CANDIDATES)} == {
        RAW: 2,
        ENRICHED: 0,
        ARTICLES: 2,
        CANDIDATES: 0,
    }

    time[0] += timedelta(days=9)
    engine.append([article(3, "Bridge calm")])
    engine.retain()
    assert [record.key for record in engine.reader.tail(RAW, 0)] == [article(3).id]  # not handled yet
    assert engine.reader.article(article(2).id) is None
    assert [(alert.change, alert.articles[0].id) for alert in engine.reader.alerts()] == [("raised", article(2).id)]
    assert [record.key for record in engine.reader.tail(ALERTS, 0)] == [engine.reader.alerts()[0].id]
    settle(engine)
    found = engine.reader.article(article(3).id)
    assert found is not None
    assert found.version == 3


def test_a_snapshot_takes_the_place_of_changes_and_folds_on_alike(tmp_path: Path) -> None:
    articles = [article(number, ("Bridge fires", "Harbour calm")[number % 2]) for number in range(30)]
    plain, engine = engine_at(tmp_path / "plain.db"), engine_at(tmp_path / "a.db")
    plain.append(articles)
    settle(plain)
    engine.append(articles[:20])
    settle(engine)
    engine.compact()
    assert held(tmp_path / "a.db")["changes"] == []
    engine.close()

    engine = engine_at(tmp_path / "a.db")
    engine.append(articles)
    settle(engine)
    assert held(tmp_path / "a.db")["articles"] == held(tmp_path / "plain.db")["articles"]
    assert held(tmp_path / "a.db")["alerts"] == held(tmp_path / "plain.db")["alerts"]


class Unsnapped(Relating):
    """Fails to give its state."""

    def dump(self, state: dict[str, list[Seen]]) -> bytes:
        raise TypeError(f"{len(state)} stories are too many")


def test_a_stage_that_fails_to_give_its_state_keeps_its_changes(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeping, "SNAPSHOT_AFTER", 0)
    engine = Embedded(tmp_path / "a.db", rule_set("toy"), clock=lambda: NOON, graph=(Reading(), Unsnapped()))
    engine.append([article(1)])
    settle(engine)
    engine.retain()
    assert "relate cannot give a snapshot of its state; all its changes are kept" in caplog.text
    assert len(held(tmp_path / "a.db")["changes"]) == 1


def test_compacting_gives_space_back(tmp_path: Path) -> None:
    time = [NOON]
    engine = engine_at(tmp_path / "a.db", clock=lambda: time[0])
    engine.append([article(number) for number in range(500)])
    settle(engine)
    time[0] += timedelta(days=40)
    engine.compact()
    size = (tmp_path / "a.db").stat().st_size
    assert size < 300_000
    assert engine.counts().articles == 500  # the count remembers


def test_a_backup_is_whole_while_work_goes_on(tmp_path: Path) -> None:
    engine, stop = engine_at(tmp_path / "a.db"), threading.Event()
    engine.append([article(number, "Bridge fires") for number in range(50)])
    thread = threading.Thread(target=engine.run, args=(stop,))
    thread.start()
    try:
        engine.backup(tmp_path / "saved" / "b.db")
        with pytest.raises(StoreError, match="exists already"):
            engine.backup(tmp_path / "saved" / "b.db")
    finally:
        stop.set()
        thread.join()
    settle(engine)
    saved = engine_at(tmp_path / "saved" / "b.db")
    settle(saved)
    for table in ("articles", "alerts", "changes"):
        assert held(tmp_path / "saved" / "b.db")[table] == held(tmp_path / "a.db")[table]
    assert [path.name for path in (tmp_path / "saved").glob("*.partial")] == []


def test_a_backup_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="name a folder that may be written"):
        engine_at(tmp_path / "a.db").backup(text(tmp_path / "file", "") / "b.db")


def test_the_upgrade_is_all_or_nothing(tmp_path: Path) -> None:
    path = tmp_path / "old.db"
    old = sqlite3.connect(path)
    old.executescript(VERSION_1)
    old.execute("INSERT INTO alerts VALUES ('a', 1, 'security', 'toy', 0, ?)", (encode({"broken": True}),))
    old.commit()
    old.close()
    with pytest.raises(KeyError):
        Embedded(path, rule_set("toy"), graph=graph())
    again = sqlite3.connect(path)
    assert again.execute("PRAGMA user_version").fetchone() == (1,)
    assert again.execute("SELECT COUNT(*) FROM sqlite_schema WHERE name = 'snapshots'").fetchone() == (0,)
    again.close()
