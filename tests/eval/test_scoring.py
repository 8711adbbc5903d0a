"""What counts as right."""

import pytest

from tests.eval.material import Statement
from tests.eval.scoring import (
    Said,
    Tally,
    fold,
    match_statements,
    tally,
    tally_speakers,
    tally_stances,
    tally_statements,
)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Chișinău", "chisinau"),
        ("Białystok", "Bialystok"),
        ("Iğdır", "Igdir"),
        ("Göyçay", "goycay"),
        ("Saint-Denis", "Saint Denis"),
    ],
)
def test_names_are_equal_without_case_diacritics_and_punctuation(one: str, other: str) -> None:
    assert fold(one) == fold(other)


@pytest.mark.parametrize(
    ("got", "want", "expected"),
    [
        pytest.param({"UKR", "RUS"}, {"UKR", "AZE"}, Tally(1, 1, 1), id="one of each"),
        pytest.param(set(), set(), Tally(), id="nothing read, nothing wanted"),
        pytest.param({"UKR"}, set(), Tally(0, 1, 0), id="nothing wanted"),
    ],
)
def test_tally(got: set[str], want: set[str], expected: Tally) -> None:
    assert tally(frozenset(got), frozenset(want)) == expected


def test_precision_recall_and_f1() -> None:
    counted = Tally(right=3, wrong=1, missed=2)
    assert (counted.precision, counted.recall, counted.f1) == (0.75, 0.6, 2 / 3)


def test_there_is_no_figure_where_nothing_was_asked() -> None:
    assert (Tally().precision, Tally().recall, Tally().f1) == (None, None, None)


@pytest.mark.parametrize(
    ("read", "labelled", "same"),
    [
        pytest.param("The mayor, Angela Pruteanu", "Angela Pruteanu", True, id="with and without the office"),
        pytest.param("the mayor", "a defence official", False, id="another speaker"),
        pytest.param("马里安全部发言人", "安全部发言人", True, id="no spaces between words"),
        pytest.param("", "the mayor", False, id="no words"),
    ],
)
def test_speakers_are_the_same_where_half_of_the_words_are(read: str, labelled: str, same: bool) -> None:
    [(_, found)] = match_statements([Said(read, "asserts", False)], [Statement(labelled, "asserts")])
    assert (found is not None) == same


def test_a_statement_is_right_only_with_its_stance() -> None:
    said = (Said("Moscow", "asserts", False),)
    assert tally_statements(said, (Statement("Moscow", "denies"),)) == Tally(0, 1, 1)
    assert tally_statements(said, (Statement("Moscow", "asserts"),)) == Tally(1, 0, 0)


def test_one_statement_read_answers_one_label() -> None:
    said = (Said("Moscow", "denies", False),)
    assert tally_statements(said, (Statement("Moscow", "denies"), Statement("Moscow", "denies"))) == Tally(1, 0, 1)


def test_speaker_and_stance_are_counted_apart() -> None:
    said = (Said("Moscow", "asserts", False), Said("Kyiv", "denies", False))
    want = (Statement("Moscow", "denies"), Statement("Kyiv", "denies"), Statement("Vilnius", "warns"))
    assert tally_speakers(said, want) == Tally(2, 0, 1)
    assert tally_stances(said, want) == Tally(1, 1, 1)
