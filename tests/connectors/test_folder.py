"""The folder: what is taken, what becomes a dead letter, what is taken only once."""

import json
import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors.sdk import Batch, GoneError
from tests.connectors.poll import NOW, articles, bad, last_cursor, poll
from tests.connectors.test_formats import PLAIN, archive, mail, newsml


def article(number: int, **more: object) -> bytes:
    given = {"url": f"https://paper.example/{number}", "title": f"Title {number}", "body": "Text.", **more}
    return json.dumps(given).encode()


GOOD = article(1)


def drop(folder: Path, name: str, data: bytes, age: float = 60.0) -> None:
    (folder / name).write_bytes(data)
    stamp = NOW.timestamp() - age
    os.utime(folder / name, (stamp, stamp))


def look(folder: Path, cursor: str | None = None) -> list[Batch]:
    return poll(cursor, kind="folder", path=str(folder))


PAGE = (
    b"<html><head><title>Bridge reopens</title></head><body><article><h1>Bridge reopens</h1>"
    b"<p>The bridge over the harbour was opened again on Tuesday after four months of repairs, the town said.</p>"
    b"<p>Lorries of more than twenty tonnes still have to take the long way round until the spring, it added.</p>"
    b"</article></body></html>"
)


@pytest.mark.parametrize(
    ("name", "data", "titles"),
    [
        ("one.json", GOOD, ["Title 1"]),
        ("list.json", b"[" + GOOD + b"," + article(2) + b"]", ["Title 1", "Title 2"]),
        ("lines.jsonl", GOOD + b"\n\n" + article(2) + b"\n", ["Title 1", "Title 2"]),
        ("no-newline-at-end.ndjson", GOOD + b"\n" + article(2), ["Title 1", "Title 2"]),
        ("page.html", PAGE, ["Bridge reopens"]),
        ("PAGE.HTM", PAGE, ["Bridge reopens"]),
        ("long.json", article(1, body="x" * 10_000_000), ["Title 1"]),
        ("wire.json", b'{"uri": "urn:w:1", "headline": "Ferry stopped", "body_text": "Wind."}', ["Ferry stopped"]),
        (
            "wire.jsonl",
            GOOD + b'\n{"uri": "urn:w:1", "headline": "Ferry stopped", "body_text": "Wind."}\n',
            ["Title 1", "Ferry stopped"],
        ),
        ("wire.xml", newsml(PLAIN).encode(), ["Ferry stopped"]),
        ("letter.eml", mail("Die Fähre bleibt im Hafen."), ["Überblick am Morgen"]),
        ("pages.warc", archive(zipped=False, pages=[PAGE]), ["Bridge reopens"]),
        ("pages.warc.gz", archive(zipped=True, pages=[PAGE, PAGE]), ["Bridge reopens"] * 2),
    ],
)
def test_taken(tmp_path: Path, name: str, data: bytes, titles: list[str]) -> None:
    drop(tmp_path, name, data)
    found = look(tmp_path)
    assert [item.title for item in articles(found)] == titles
    assert not bad(found)


@pytest.mark.parametrize("name", [".hidden.json", "upload.json.part", "upload.json.tmp"])
def test_not_looked_at(tmp_path: Path, name: str) -> None:
    drop(tmp_path, name, GOOD)
    assert [batch.items for batch in look(tmp_path)] == [()]


@pytest.mark.parametrize(
    ("name", "data", "reason"),
    [
        ("x.json", b"{", "truncated"),
        ("x.json", b"", "truncated"),
        ("x.json", b"\x00\xff\xfe\x80", "malformed"),
        ("x.json", b'"text"', "Expected `object`"),
        ("x.json", article(1, title=7), "$.title"),
        ("x.json", article(1, published="yesterday"), "$.published"),
        ("x.json", b'{"url": "https://a.example/", "title": "\\ud800"}', "half a character"),
        ("x.json", b'{"url": "https://a.example/", "title": "\xff"}', "utf-8"),
        ("x.json", b'{"url": "https://a.example/", "title": NaN}', "malformed"),
        ("x.json", b'{"title": "a", "body": "b"}', "`url`, or `id`"),
        ("x.json", b"[" * 100_000 + b"]" * 100_000, ""),
        ("x.xml", b"<rss/>", "no NewsML-G2"),
        ("x.eml", b"", "no text"),
        ("x.warc.gz", b"no archive", "damaged"),
        ("x.html", b"", "no article text"),
        ("x.html", b"\x00\x01\x02\xff", "no article text"),
        ("x.html", b"<html><body></body></html>", "no article text"),
        ("x.pdf", b"%PDF", "read here: .json"),
    ],
)
def test_dead_letter_with_neighbours_kept(tmp_path: Path, name: str, data: bytes, reason: str) -> None:
    drop(tmp_path, name, data)
    drop(tmp_path, "a-before.json", article(2))
    drop(tmp_path, "z-after.json", article(3))
    found = look(tmp_path)
    assert [item.title for item in articles(found)] == ["Title 2", "Title 3"]
    (refused,) = bad(found)
    assert reason.lower() in refused.reason.lower()
    assert refused.data == data


def test_bad_lines_and_items_leave_their_neighbours(tmp_path: Path) -> None:
    drop(tmp_path, "a.jsonl", GOOD + b"\n{broken\n\xff\xfe\n" + article(2) + b"\n")
    drop(tmp_path, "b.json", b"[" + article(3) + b", 7, " + article(4) + b"]")
    found = look(tmp_path)
    assert [item.title for item in articles(found)] == [f"Title {number}" for number in (1, 2, 3, 4)]
    assert len(bad(found)) == 3


def test_nothing_is_taken_twice(tmp_path: Path) -> None:
    drop(tmp_path, "a.json", GOOD)
    drop(tmp_path, "b.jsonl", article(2) + b"\n")
    drop(tmp_path, "c.json", b"{broken")
    first = look(tmp_path)
    second = look(tmp_path, last_cursor(first))
    assert not articles(second)
    assert not bad(second)


def test_what_is_added_to_json_lines_is_taken_alone(tmp_path: Path) -> None:
    drop(tmp_path, "a.jsonl", GOOD + b"\n")
    cursor = last_cursor(look(tmp_path))
    drop(tmp_path, "a.jsonl", GOOD + b"\n" + article(2) + b"\n", age=30)
    assert [item.title for item in articles(look(tmp_path, cursor))] == ["Title 2"]


def test_a_line_that_is_being_written_is_left_until_it_ends(tmp_path: Path) -> None:
    whole = GOOD + b"\n" + article(2) + b"\n"
    drop(tmp_path, "a.jsonl", whole[:-20], age=0.5)
    first = look(tmp_path)
    assert [item.title for item in articles(first)] == ["Title 1"]
    assert not bad(first)
    drop(tmp_path, "a.jsonl", whole, age=0.4)
    assert [item.title for item in articles(look(tmp_path, last_cursor(first)))] == ["Title 2"]


def test_a_file_that_is_replaced_is_read_again(tmp_path: Path) -> None:
    drop(tmp_path, "a.json", GOOD)
    cursor = last_cursor(look(tmp_path))
    drop(tmp_path, "a.json", article(1, title="Corrected"), age=1)
    assert [item.title for item in articles(look(tmp_path, cursor))] == ["Corrected"]


def test_many_files_come_in_batches_whose_cursors_cover_them(tmp_path: Path) -> None:
    for number in range(450):
        drop(tmp_path, f"{number:03}.json", article(number))
    batches = look(tmp_path)
    assert [len(batch.items) for batch in batches] == [200, 200, 50, 0]
    rest = look(tmp_path, batches[0].cursor)
    assert [item.title for item in articles(rest)] == [f"Title {number}" for number in range(200, 450)]


def test_an_article_belongs_to_the_folder_unless_it_names_a_source(tmp_path: Path) -> None:
    drop(tmp_path, "a.json", GOOD)
    drop(tmp_path, "b.json", article(2, source={"id": "paper", "country": "PRT"}))
    ids = [(item.source.id, item.source.kind, item.source.country) for item in articles(look(tmp_path))]
    assert ids == [("test", "folder", None), ("paper", "folder", "PRT")]


def test_a_cursor_of_another_version_reads_everything_again_under_the_same_ids(tmp_path: Path) -> None:
    drop(tmp_path, "a.json", GOOD)
    assert [item.id for item in articles(look(tmp_path, '{"v": 9}'))] == [item.id for item in articles(look(tmp_path))]


def test_no_folder(tmp_path: Path) -> None:
    with pytest.raises(GoneError, match="make it or change `path`"):
        look(tmp_path / "missing")


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(junk=st.binary(max_size=300), suffix=st.sampled_from([".json", ".jsonl", ".html"]))
def test_whatever_the_bytes_neighbours_are_kept(tmp_path: Path, junk: bytes, suffix: str) -> None:
    for old in tmp_path.iterdir():
        old.unlink()
    drop(tmp_path, f"m{suffix}", junk)
    drop(tmp_path, "a.json", article(1))
    drop(tmp_path, "z.json", article(2))
    assert {"Title 1", "Title 2"} <= {item.title for item in articles(look(tmp_path))}


def test_an_archive_is_read_on_where_the_cursor_stands(tmp_path: Path) -> None:
    drop(tmp_path, "pages.warc.gz", archive(zipped=True, pages=[PAGE] * 250))
    found = look(tmp_path)
    assert [len(batch.items) for batch in found] == [200, 50, 0]
    assert len(articles(look(tmp_path, found[0].cursor))) == 50
