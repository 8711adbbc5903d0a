import pytest

from pipeline.stories.latin import words
from pipeline.stories.numbers import numbers


@pytest.mark.parametrize(
    ("language", "text", "values"),
    [
        ("en", "Twenty-seven boats and 1,200 people, forty of them in 2026", [27, 1200, 40]),
        ("en", "One or two, at 04:20, for 3.5 hours", []),
        ("uk", "двадцять сім човнів, дев'ять людей, п’ять собак", [27, 9, 5]),
        ("ru", "сорока двух человек и 31 лодки", [42, 31]),
        ("de", "siebenundzwanzig Boote, neunzehn Menschen", [27, 19]),
        ("nl", "eenentwintig boten", [21]),
        ("tr", "yirmi yedi tekne, on bir kişi", [27, 11]),
        ("fr", "vingt-sept bateaux, douze personnes", [27, 12]),
        ("fa", "۳۱ قایق و یازده نفر", [31, 11]),
        ("zh", "二十七艘船，十二人", [27, 12]),
        ("xx", "12 of something", [12]),
        ("en", "", []),
        ("en", "9" * 400, []),
    ],
)
def test_numbers_in_digits_and_words(language: str, text: str, values: list[int]) -> None:
    assert [number.value for number in numbers(text, language, set(words(text)))] == values
