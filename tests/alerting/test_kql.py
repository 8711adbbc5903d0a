"""KQL as Kibana reads it: what a query means, what is refused, and the words that made it hold."""

import re
from datetime import UTC, datetime
from itertools import pairwise

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.alerting.kql import KqlError, parse
from pipeline.model.document import FIELDS, NESTED, search_document
from pipeline.model.tokens import LONGEST, Tokens, fold, split, tokens
from tests.sinks.corpus import corpus

ARTICLES = corpus()
PLAIN, FULL, DISPUTED = ARTICLES[0], ARTICLES[1], ARTICLES[2]
"""The same English text: with nothing read in it; an embassy hit and a summons; the hit denied and a summons."""


def holds(query: str, article: object = FULL) -> bool:
    return parse(query).matches(search_document(article))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", True),
        ("*", True),
        ("embassy", True),
        ("EMBASSY", True),
        ("truce", False),
        ("truce embassy", True),  # unquoted words: any of them
        ('"truce embassy"', False),
        ('"the embassy in kyiv"', True),
        ('"the kyiv embassy"', False),
        ("azerbaijan", True),  # of "Azerbaijan's"
        ("truce or embassy and missile", True),  # `and` binds closer than `or`
        ("(truce or embassy) and sudan", False),
        ("truce or embassy and sudan", False),
        ("not truce and embassy", True),  # `not` binds closest
        ("not (truce and embassy)", True),
        ("embassy AND NOT truce", True),
        ("embassy Or truce", True),
        ("android", False),  # a word that only begins like an operator
        ('"and"', False),
        ("frag*", True),
        ("*ssy", True),
        ("e*y", True),
        ("title: embassy", True),
        ("title: (truce or embassy)", True),
        ("title: (truce and embassy)", False),
        ("title: (not truce)", True),
        ("summary: *", False),
        ("states: AZE", True),
        ("states: aze", False),  # keywords are compared as they are
        ("states: A*", True),
        ("states: (AZE and RUS)", True),
        ("states: (AZE and POL)", False),
        ("states: *", True),
        ("not states: *", False),
        ("source.*: AZE", True),
        ("language: en", True),
        ('cities: "Kyiv"', True),
        ("published >= 2026-03-01", True),
        ("published < 2026-03-01", False),
        ('stored > "2026-03-01T06:59:59Z" and stored <= "2026-03-01T07:00:00Z"', True),
        ("version > 0 and version < 2", True),
        ("version: 1", True),
        ("places.lat > 50.5", False),
        ("withdraws: false", True),
        ("events: { what: premises-damaged and status: reported }", True),
        ("events: { what: ambassador-summoned and status: reported }", False),  # not of one and the same event
        ("events: { what: ambassador-summoned } and events: { status: reported }", True),
        ("events: { not what: premises-damaged }", True),  # some event is something else
        ("not events: { what: premises-damaged }", False),
        ("events: { what: (coup or premises-damaged) and facility.kind: * }", True),
        ("events: { facility: { owner: AZE and city: Kyiv } }", True),
        ("claims: { stance: denies and about: embassy }", True),
        ("claims: { speaker.anonymous: true }", False),
        (r"title: embas\sy", True),
        (r"url: https\://outlet1.example/1", True),
        ('url: "https://outlet1.example/1"', True),
    ],
)
def test_what_a_query_means(query: str, expected: bool) -> None:
    assert holds(query) is expected


@pytest.mark.parametrize(
    ("query", "column", "message"),
    [
        ("sttes: AZE", 1, "no field is called `sttes`; did you mean `states`?"),
        ("states: AZE and evnts: { what: coup }", 17, "did you mean `events`"),
        ("events: { sttus: denied }", 11, "did you mean `status`?"),
        ("events.what: coup", 1, "write `events: { what: … }`, with braces"),
        ("actors: AZE", 1, "is a nested list"),
        ("states: { id: x }", 1, "is not a nested list"),
        ("events: { coup }", 11, "inside braces every value needs its field"),
        ("source: wire", 1, "`source.id` or `source.name`"),
        ("published > now-1d", 13, "date arithmetic, which a rule cannot use"),
        ("published > soon", 13, "`soon` is not a date"),
        ("version: many", 10, "`many` is not a number"),
        ("withdraws: maybe", 12, "`withdraws` is true or false"),
        ("title > 3", 1, "neither a number nor a date"),
        ("a and", 6, "the query ends where a value or a condition is missing"),
        ("(a", 3, "a `(` is never closed; add `)`"),
        ("events: { what: x", 18, "a `{` is never closed; add `}`"),
        ("a)", 2, "this `)` closes nothing"),
        ("a or or b", 6, "`or` needs a condition on its left"),
        ("a not b", 3, "write `and not` or `or not`"),
        (": x", 1, "a `:` too many"),
        ('"open', 1, "this quote is never closed"),
        ("a \\", 3, "a backslash must be followed"),
        ("a\nand sttes: x", 5, "did you mean `states`?"),
        ("not " * 100 + "a", None, "brackets go deeper"),
        ("a" * 20_001, 1, "at most 20,000 characters"),
    ],
)
def test_what_cannot_be_read_says_where_and_what_to_write(query: str, column: int | None, message: str) -> None:
    with pytest.raises(KqlError, match=re.escape(message)) as caught:
        parse(query)
    assert caught.value.line == query.count("\n") + 1
    assert column in (None, caught.value.column)


def test_dates_can_be_reckoned_where_a_clock_is_given() -> None:
    query = parse("published > now-1d", datetime(2026, 3, 2, tzinfo=UTC))
    assert query.matches(search_document(FULL))


@pytest.mark.parametrize(
    ("query", "condition", "words_"),
    [
        ("embassy", "embassy", "embassy"),
        ('"fell on the embassy"', '"fell on the embassy"', "fell on the embassy"),
        ("states: AZE", "states: AZE", "Fragm"),
        ("events: { what: premises-damaged }", "events.what: premises-damaged", "Fragm"),
    ],
)
def test_a_query_that_holds_names_its_words(query: str, condition: str, words_: str) -> None:
    reasons = parse(query).reasons(search_document(FULL))
    found = [
        (reason.condition, getattr(FULL, reason.span.field)[reason.span.start : reason.span.end])
        for reason in reasons
        if reason.span
    ]
    assert (condition, words_) in found


def test_evidence_tells_held_from_failed_and_what_is_there_instead() -> None:
    query = parse("states: AZE and events: { what: premises-damaged and status: reported }")
    evidence = {e.condition: e for e in query.evidence(search_document(DISPUTED))}
    assert parse("states: AZE").reasons(search_document(PLAIN)) == []
    failed = [e for e in evidence.values() if not e.held]
    assert failed
    assert any("denied" in e.found for e in failed)


def test_every_field_can_be_asked_whether_it_is_there() -> None:
    for name, field in FIELDS.items():
        query = f"{field.nested}: {{ {name[len(field.nested) + 1 :]}: * }}" if field.nested else f"{name}: *"
        parse(query)
    assert set(NESTED) == {"events", "claims", "actors", "facilities"}


@given(st.text(max_size=60))
def test_any_text_is_a_query_or_an_error_with_a_place(text: str) -> None:
    try:
        parse(text).matches(search_document(FULL))
        place = (1, 1)
    except KqlError as error:
        place = (error.line, error.column)
    assert place >= (1, 1)
    assert place[0] <= text.count("\n") + 1


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The mayor's café", ["the", "mayor", "cafe"]),
        ("U.S.-led, 3.5 km", ["u.s", "led", "3.5", "km"]),
        ("don't", ["don't"]),
        ("пам'ять ПАМ’ЯТЬ", ["пам'ять", "пам'ять"]),
        ("大使馆", ["大", "使", "馆"]),
        ("ミサイルが", ["ミサイル", "が"]),
        ("والسفارةُ", ["والسفارة"]),
        ("می\u200cشود", ["میشود"]),
        ("ג׳ורג׳ ג'ורג'", ["ג'ורג", "ג'ורג"]),
        ('צה״ל צה"ל', ['צה"ל', 'צה"ל']),
        ("", []),
        ("—…!", []),
    ],
)
def test_words_are_split_as_elasticsearch_does_and_folded(text: str, expected: list[str]) -> None:
    assert tokens(text) == expected


@given(st.text(max_size=200) | st.text("a1_.'’,é́中ア ", max_size=30).map(lambda text: text * 40))
def test_words_stand_where_they_say(text: str) -> None:
    read = Tokens([text])
    found = [read.place(at) for at in range(len(read.words))]
    assert [fold(text[start:end]) for start, end in found] == tokens(text)
    assert all(0 <= start < end <= min(len(text), start + LONGEST) for start, end in found)
    assert all(end <= start for (_, end), (start, _) in pairwise(found))


@given(st.text("aZ9_.:'’,;י\"צёß ", max_size=60))
def test_a_text_of_simple_scripts_is_split_as_any_other(text: str) -> None:
    by_full_rules = split(text + " \u4e2d")[:-1]  # one Han character asks for them
    assert list(map(fold, by_full_rules)) == tokens(text)


def test_a_document_is_plain_data_too() -> None:
    plain = search_document(FULL).as_dict()
    assert plain["states"] == ["AZE", "RUS"]
    assert plain["happenings"] == ["premises-damaged", "ambassador-summoned"]
    assert plain["events"][0]["facility"]["owner"] == "AZE"
    assert msgspec.json.decode(msgspec.json.encode(plain))["source"]["id"] == "outlet1"
