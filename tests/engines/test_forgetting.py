"""`forget` takes an article or a source out of everything, down to the bytes of the file."""

from pathlib import Path

import pytest

from pipeline.engines.embedded import Embedded
from pipeline.engines.records import Forgotten
from pipeline.model.dead_letter import dead_letter
from pipeline.topics import ALERTS, CANDIDATES, RAW
from tests.engines.toys import NOON, article, engine_at, settle

FIRST, SECOND, ALONE = (
    article(1, "Bridge fires"),
    article(2, "Bridge fires on", source="post"),
    article(3, "Hill fires"),
)


@pytest.fixture
def engine(tmp_path: Path) -> Embedded:
    engine = engine_at(tmp_path / "a.db")
    engine.append([FIRST, SECOND, ALONE, article(4, "Port refused", source="post")])
    settle(engine)
    return engine


FORGET = [
    pytest.param("https://gazette.example/3", Forgotten(articles=1, alerts=1, changed=0), id="the only ground"),
    pytest.param("https://GAZETTE.example/1?utm_source=x", Forgotten(articles=1, alerts=0, changed=1), id="one of two"),
    pytest.param("gazette", Forgotten(articles=2, alerts=1, changed=1), id="source"),
    pytest.param("post", Forgotten(articles=2, alerts=0, changed=1), id="source with a dead letter"),
    pytest.param("https://gazette.example/99", Forgotten(articles=0, alerts=0, changed=0), id="unknown"),
]


@pytest.mark.parametrize(("target", "forgotten"), FORGET)
def test_what_is_forgotten(engine: Embedded, target: str, forgotten: Forgotten) -> None:
    assert engine.forget(target) == forgotten


@pytest.mark.parametrize("source", ["gazette", "post"])
def test_no_byte_of_it_is_left(engine: Embedded, source: str, tmp_path: Path) -> None:
    rare = article(9, f"Zebra{source}", source=source)
    engine.append([rare])
    settle(engine)
    engine.forget(source)
    engine.close()
    for path in tmp_path.iterdir():
        data = path.read_bytes()
        assert f"which {source} wrote".encode() not in data
        assert f"https://{source}.example".encode() not in data
        assert f"ebra{source}".encode() not in data  # in the index of words, where beginnings are shared


def test_an_alert_no_longer_names_it(engine: Embedded) -> None:
    engine.forget("gazette")
    (alert,) = engine.reader.alerts()
    assert [entry.id for entry in alert.articles] == [SECOND.id]
    assert {reason.article for reason in alert.because} == {SECOND.id}
    assert [claim.speaker for claim in alert.claims] == ["post"]
    assert alert.origins == 1
    assert [state.sequence for state in engine.reader.alert_history(alert.id)] == [2]
    assert len(engine.reader.tail("alerts.security.v1", 0)) == 1
    assert [record.key for record in engine.reader.tail(ALERTS, 0)] == [alert.id]
    assert len(engine.reader.tail(CANDIDATES, 0)) == 2  # the rule itself, and the post's


def test_records_that_are_no_articles_do_not_stand_in_the_way(engine: Embedded) -> None:
    for topic in (RAW, CANDIDATES):
        engine.reject(dead_letter(stage="x", topic=topic, offset=None, key="k", reason="", at=NOON, data=b'{"a": 1}'))
    engine.replay_dead_letters(id_ for id_, _ in engine.reader.dead_letters())
    settle(engine)
    assert engine.forget("post").articles == 2
    assert {letter.key for _, letter in engine.reader.dead_letters()} == {"k"}


def test_it_may_come_back_as_new(engine: Embedded) -> None:
    engine.forget("https://gazette.example/3")
    assert engine.reader.article(ALONE.id) is None
    engine.append([ALONE])
    settle(engine)
    assert engine.reader.article(ALONE.id) is not None
