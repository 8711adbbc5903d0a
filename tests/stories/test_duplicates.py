import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.stories.duplicates import COPY, containment
from pipeline.stories.latin import words
from pipeline.stories.texts import sketch

REPORT = """
The ferry Sunniva lost power shortly after it had left the quay and drifted for an hour towards the skerries. Two tugs
from the naval base held it off the rocks until the engineers had one of the engines running again. All one hundred and
twelve passengers were brought back to the town, where buses were waiting for them. The shipping company said that water
had entered a fuel tank. It was the third failure of the ship this year. The mayor asked why a vessel of that age still
sails in winter, and the union called for an inquiry. Fishermen who had seen the drifting ship from the pier said that
nobody answered the radio for twenty minutes.
"""
OTHER = """
An hour adrift off the coast ended without harm for those aboard the Sunniva on Monday night, but questions remain.
Company managers blame dirty fuel; the crew, speaking off the record, talk of skipped maintenance and of an alarm that
had been disconnected for weeks. Passengers told our reporter that they had been given life vests and hot tea, and that
children had been asleep when the lights went out across all the decks.
"""
WORDS = words(REPORT)
REWRITTEN = " ".join(word if at % 9 else "rewritten" for at, word in enumerate(WORDS))


@pytest.mark.parametrize(
    ("text", "copy"),
    [
        pytest.param(REPORT, True, id="the same"),
        pytest.param(REPORT[:420], True, id="cut"),
        pytest.param(f"Dramatic hours off our coast last night. {REPORT}", True, id="a first line"),
        pytest.param(f"Dramatic hours. {REPORT[110:-90]}", True, id="both ends cut"),
        pytest.param(REWRITTEN, True, id="every ninth word replaced"),
        pytest.param(REPORT * 3, True, id="thrice"),
        pytest.param(OTHER, False, id="another report"),
        pytest.param(OTHER + REPORT[:90], False, id="a quotation"),
        pytest.param(REPORT[:30], False, id="a few words"),
        pytest.param("", False, id="nothing"),
    ],
)
def test_copies_are_told_from_other_reports_of_the_same(text: str, copy: bool) -> None:
    assert (containment(sketch(words(text)), sketch(WORDS)) >= COPY) is copy


@given(st.integers(0, 2**32), st.integers(60, 400), st.floats(0, 1))
def test_the_estimate_is_near_the_true_fraction(seed: int, length: int, share: float) -> None:
    source = random.Random(seed)
    kept = [str(source.random()) for _ in range(int(length * share))]
    one = kept + [str(source.random()) for _ in range(length - len(kept))]
    other = kept + [str(source.random()) for _ in range(length - len(kept))]
    assert containment(sketch(one), sketch(other)) == pytest.approx(share, abs=0.45)


@given(st.lists(st.text(min_size=1, max_size=4), max_size=80), st.lists(st.text(min_size=1, max_size=4), max_size=80))
def test_it_is_a_symmetric_fraction(one: list[str], other: list[str]) -> None:
    forth, back = containment(sketch(one), sketch(other)), containment(sketch(other), sketch(one))
    assert forth == back
    assert 0 <= forth <= 1
