"""What goes in, what comes out, and what becomes of a message that no stage can handle."""

import threading
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from pipeline.engines import embedded
from pipeline.engines.embedded import Embedded
from pipeline.engines.errors import StoreError
from pipeline.engines.reader import Reader
from pipeline.engines.records import Counts
from pipeline.model.article import Article
from pipeline.model.candidate import Action
from pipeline.model.codec import decode
from pipeline.model.dead_letter import dead_letter
from pipeline.model.health import SourceHealth
from pipeline.topics import ALERTS, CANDIDATES, RAW
from tests.engines.toys import NOON, article, engine_at, graph, rule_set, settle


@pytest.fixture
def engine() -> Embedded:
    return engine_at(":memory:")


def test_an_article_becomes_an_alert_a_story_and_can_be_found(engine: Embedded) -> None:
    engine.append([article(1, "Bridge fires"), article(2, "Bridge calm"), article(3, "Hill calm")])
    settle(engine)

    (alert,) = engine.reader.alerts()
    assert (alert.change, alert.sequence, alert.rule.id) == ("raised", 1, "toy")
    story = engine.reader.story(alert.story)
    assert story is not None
    assert (story.title, story.articles, story.origins) == ("Bridge fires", (article(1).id, article(2).id), 2)
    found = engine.reader.article(article(3).id)
    assert found is not None
    assert (found.title, found.stored, found.version) == ("Hill calm", NOON, 3)


def test_a_new_revision_takes_the_place_of_the_old_one(engine: Embedded) -> None:
    engine.append([article(1, "Bridge calm"), article(1, "Bridge fires"), article(1, "Bridge calm")])
    settle(engine)
    found = engine.reader.article(article(1).id)
    assert found is not None
    assert found.title == "Bridge fires"
    assert engine.counts().searched == 2


REFUSED = [
    pytest.param("refused", "enrich", "title: nobody can read this", id="stage raises"),
    pytest.param("jams", "relate", "KeyError: 'jammed'", id="stage with state raises"),
    pytest.param("unfoldable", "relate", "its change cannot be folded: RuntimeError: spoiled", id="fold raises"),
    pytest.param("fires \ud800", "append", "surrogates not allowed", id="cannot be written"),
    pytest.param("x" * 5_000_000, "append", "an article of 5,000,", id="over 4 MiB"),
]


@pytest.mark.parametrize(("title", "stage", "reason"), REFUSED)
def test_a_message_that_cannot_be_handled_is_kept_and_its_neighbours_are_unharmed(
    engine: Embedded, title: str, stage: str, reason: str
) -> None:
    engine.append([article(1, "Bridge fires"), article(2, f"Bridge {title}"), article(3, "Bridge fires on")])
    settle(engine)

    ((id_, letter),) = engine.reader.dead_letters()
    assert (id_, letter.stage, letter.at) == (1, stage, NOON)
    assert reason in letter.reason
    (alert,) = engine.reader.alerts()
    assert [entry.id for entry in alert.articles] == [article(1).id, article(3).id]


def test_bytes_that_are_no_article_are_refused_by_the_first_stage(engine: Embedded) -> None:
    engine.append([msgspec.structs.replace(article(1), title=7)])
    settle(engine)
    ((_, letter),) = engine.reader.dead_letters()
    assert letter.reason == "Expected `str`, got `int` - at `$.title`"


def test_dead_letters_are_replayed_once_their_cause_is_gone(tmp_path: Path) -> None:
    engine = engine_at(tmp_path / "a.db")
    engine.append([article(1, "Bridge refused fires"), article(2, "Bridge jams")])
    settle(engine)
    ids = [id_ for id_, _ in engine.reader.dead_letters()]
    assert engine.replay_dead_letters(ids) == 2
    assert engine.replay_dead_letters(ids) == 0
    settle(engine)
    assert [letter.stage for _, letter in engine.reader.dead_letters()] == ["relate", "enrich"]


def test_a_letter_that_was_cut_is_replayed_from_the_log(engine: Embedded) -> None:
    long = msgspec.structs.replace(article(1, "Bridge refused"), body="long " * 100_000)
    engine.append([long])
    settle(engine)
    ((id_, letter),) = engine.reader.dead_letters()
    assert letter.size > 256 * 1024
    assert engine.replay_dead_letters([id_]) == 1
    first, second = engine.reader.tail(RAW, 0)
    assert first.value == second.value


def test_a_letter_that_was_cut_before_it_was_logged_stays(engine: Embedded) -> None:
    letter = dead_letter(stage="feed", topic=RAW, offset=None, key="f", reason="too long", at=NOON, data=b"x" * 300_000)
    engine.reject(letter)
    ((id_, found),) = engine.reader.dead_letters()
    assert found == letter
    assert engine.replay_dead_letters([id_]) == 0
    assert engine.counts().dead_letters == 1


def test_the_cursor_moves_with_the_articles(tmp_path: Path) -> None:
    engine = engine_at(tmp_path / "a.db")
    assert engine.cursor("gazette") is None
    engine.append([article(1)], ("gazette", "one"))
    engine.append([], ("gazette", "two"))
    engine.close()
    assert engine_at(tmp_path / "a.db").cursor("gazette") == "two"


def test_health_is_the_latest_word_on_each_source(engine: Embedded) -> None:
    engine.health(SourceHealth(id="b", kind="feed", name="B", state="ok"))
    engine.health(SourceHealth(id="a", kind="feed", name="A", state="ok"))
    engine.health(SourceHealth(id="b", kind="feed", name="B", state="failing", error="no route"))
    assert [(source.id, source.state) for source in engine.sources()] == [("a", "ok"), ("b", "failing")]


def test_counts_say_how_far_the_work_is(engine: Embedded) -> None:
    engine.append([article(1, "Bridge fires"), article(2, "Bridge refused"), article(3)])
    assert engine.counts().lag == {"enrich": 3, "relate": 0, "correlate": 1}  # which has to hear of the rule
    settle(engine)
    assert engine.counts() == Counts(
        articles=3,
        tagged=2,
        searched=2,
        alerts=1,
        open_alerts=1,
        dead_letters=1,
        lag={"enrich": 0, "relate": 0, "correlate": 0},
    )


def test_a_round_takes_at_most_its_limit_from_each_stage(engine: Embedded) -> None:
    engine.append([article(number) for number in range(5)])
    assert engine.process(2) == 5  # two read, two related, and the rule
    assert engine.counts().lag == {"enrich": 3, "relate": 0, "correlate": 0}


def test_an_action_reaches_its_alert(engine: Embedded) -> None:
    engine.append([article(1, "Bridge fires")])
    settle(engine)
    (alert,) = engine.reader.alerts()
    engine.act(Action(rule="toy", alert=alert.id, do="acknowledge"))
    settle(engine)
    (acknowledged,) = engine.reader.alerts()
    assert acknowledged.acknowledged
    assert [state.sequence for state in engine.reader.alert_history(alert.id)] == [1, 2]


@pytest.mark.parametrize("rule", ["toy", "other"])
def test_an_action_on_no_alert_is_an_error(engine: Embedded, rule: str) -> None:
    with pytest.raises(LookupError, match="`wirewatch alerts` lists them"):
        engine.act(Action(rule=rule, alert="f" * 32, do="close"))


def test_ticks_let_a_quiet_alert_rest_at_its_due_time() -> None:
    time = [NOON]
    engine = engine_at(":memory:", clock=lambda: time[0])
    engine.append([article(1, "Bridge fires")])
    settle(engine)
    time[0] += timedelta(hours=5)
    engine.tick()
    settle(engine)
    (alert,) = engine.reader.alerts()
    assert (alert.change, alert.times.changed) == ("resolved", NOON + timedelta(hours=1))
    assert engine.reader.alerts(open_only=True) == []
    engine.tick()
    assert engine.process() == 0  # nothing is open, so time need not pass


def test_correlate_hears_of_changed_and_removed_rules(tmp_path: Path) -> None:
    for rules in (rule_set("a", "b"), rule_set("a", "b"), rule_set("b", "c"), rule_set("b", "c")):
        Embedded(tmp_path / "a.db", rules, graph=graph()).close()
    told = [msgspec.json.decode(record.value) for record in Reader(tmp_path / "a.db").tail(CANDIDATES, 0)]
    assert [(change["rule"], change.get("removed", False)) for change in told] == [
        ("a", False),
        ("b", False),
        ("a", True),
        ("c", False),
    ]


def test_tail_follows_one_topic_or_several(engine: Embedded) -> None:
    engine.append([article(number, "Bridge fires") for number in range(3)])
    settle(engine)
    both = engine.reader.tail("alerts.s*", 0)
    assert [record.topic for record in both] == ["alerts.security.v1", "alerts.state.v1"] * 3
    assert engine.reader.tail("alerts.s*", both[3].offset) == both[4:]
    assert engine.reader.tail("alerts.s*", 0, limit=2) == both[:2]
    assert engine.reader.head(ALERTS) == both[-1].offset
    assert engine.reader.tail("nothing.*", 0) == []
    assert engine.reader.head("nothing.*") == 0


def test_another_process_reads_while_this_one_writes(tmp_path: Path) -> None:
    engine = engine_at(tmp_path / "a.db")
    engine.append([article(1, "Bridge fires")])
    reader = Reader(tmp_path / "a.db")
    assert reader.alerts() == []
    settle(engine)
    assert [alert.story for alert in reader.alerts(desk="security", rule="toy")] == [article(1).id]
    assert reader.alerts(desk="conflict") == []
    engine.close()
    assert reader.counts().alerts == 1


def test_threads_append_while_the_engine_runs(tmp_path: Path) -> None:
    engine, stop = engine_at(tmp_path / "a.db"), threading.Event()

    def until_all_are_found(counts: Counts) -> None:
        if counts.searched == 200:
            stop.set()

    def append(hundred: int) -> None:
        for number in range(50):
            engine.append([article(hundred * 100 + number)], (f"source-{hundred}", str(number)))

    threads = [threading.Thread(target=append, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    engine.run(stop, until_all_are_found)
    for thread in threads:
        thread.join()
    assert {engine.cursor(f"source-{number}") for number in range(4)} == {"49"}
    assert engine.counts().lag == {"enrich": 0, "relate": 0, "correlate": 0}


def test_an_arrival_wakes_the_engine_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded, "IDLE", 60.0)
    engine, stop, idle, found = engine_at(tmp_path / "a.db"), threading.Event(), threading.Event(), threading.Event()

    def watch(counts: Counts) -> None:
        idle.set()
        if counts.searched:
            found.set()

    thread = threading.Thread(target=engine.run, args=(stop, watch))
    thread.start()
    assert idle.wait(10)
    engine.append([article(1)])
    assert found.wait(10)
    stop.set()
    engine.append([])
    thread.join(10)
    assert not thread.is_alive()


def test_a_second_writer_is_told_to_wait(tmp_path: Path) -> None:
    engine = engine_at(tmp_path / "a.db")
    with pytest.raises(StoreError, match="in use by another wirewatch: stop that one"):
        engine_at(tmp_path / "a.db")
    engine.close()
    engine_at(tmp_path / "a.db").close()


def test_what_is_in_the_log_is_the_article_as_given(engine: Embedded) -> None:
    given = article(1)
    engine.append([given])
    (record,) = engine.reader.tail(RAW, 0)
    assert (decode(record.value, Article), record.key, record.at) == (given, given.id, NOON)
