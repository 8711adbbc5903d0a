"""Arabic: speakers without an office, streets called by places."""

import pytest

from tests.enrich.names_case import cities, read
from tests.enrich.test_claims import claims


@pytest.mark.parametrize(
    ("body", "speaker"),
    [
        ("وقال المدرب عبد الرحيم السعيدي إن الفريق متعب.", "المدرب عبد الرحيم"),
        ("وقال ضابط طلب عدم ذكر اسمه إن المنصة عثر عليها في حقل قمح.", "ضابط"),
    ],
)
def test_who_says_so(body: str, speaker: str) -> None:
    said = claims(body)
    assert any(speaker in claim.speaker.text for claim in said), said


def test_streets_and_hotels_are_no_places() -> None:
    assert cities(read("أغلق شارع باريس قرب فندق لندن في القاهرة.")) == {"Cairo/EGY"}
