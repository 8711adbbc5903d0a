"""Marked words: whatever the marks, the text comes through whole."""

from hypothesis import given
from hypothesis import strategies as st

from pipeline.web.marks import Mark, Segment, excerpts, segments

TEXTS = st.text(max_size=300)
PLACES = st.integers(-5, 320)
MARKS = st.lists(st.builds(Mark, PLACES, PLACES, st.sampled_from(["actor", "place", "claim"])), max_size=12)


@given(TEXTS, MARKS)
def test_segments_joined_are_the_text(text: str, marks: list[Mark]) -> None:
    assert "".join(segment.text for segment in segments(text, marks)) == text


@given(TEXTS, MARKS)
def test_a_segment_has_exactly_the_marks_that_cover_it(text: str, marks: list[Mark]) -> None:
    at = 0
    for segment in segments(text, marks):
        end = at + len(segment.text)
        covering = {mark.kind for mark in marks if mark.start <= at and end <= mark.end and mark.start < mark.end}
        assert set(segment.kinds) == (covering if segment.text else set())
        at = end


@given(TEXTS, MARKS)
def test_excerpts_are_passages_of_the_text(text: str, marks: list[Mark]) -> None:
    for passage in excerpts(text, marks):
        assert "".join(s.text for s in passage if s not in (Segment("… "), Segment(" …"))) in text
        assert any(segment.kinds for segment in passage)


def test_overlapping_marks_share_their_common_part() -> None:
    assert segments("embassy in Kyiv", [Mark(0, 15, "claim"), Mark(11, 15, "place", "Kyiv, UKR")]) == [
        Segment("embassy in ", ("claim",)),
        Segment("Kyiv", ("claim", "place"), "Kyiv, UKR"),
    ]


def test_an_excerpt_is_cut_at_spaces() -> None:
    text = "one two three four five six seven"
    (passage,) = excerpts(text, [Mark(14, 18, "hit")], around=8)
    assert [segment.text for segment in passage] == ["… ", "three ", "four", " five", " …"]
