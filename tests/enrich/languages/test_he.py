"""Hebrew: relative clauses that hide a source, speakers before "that", streets called by places."""

import pytest

from tests.enrich.names_case import cities, read
from tests.enrich.test_claims import claims


@pytest.mark.parametrize(
    ("body", "speaker", "stance"),
    [
        ("מקור דיפלומטי בבריסל, שביקש להישאר בעילום שם, סיפר כי הרשימה התארכה.", "מקור דיפלומטי", "asserts"),
        ("דובר ממשלת קפריסין אמר כי מדובר בחדירה למרחב האווירי.", "דובר ממשלת קפריסין", "asserts"),
        ("מפקד תחנת הכיבוי אמר שמקור האש בקצר.", "מפקד תחנת הכיבוי", "asserts"),
    ],
)  # fmt: skip
def test_who_says_so(body: str, speaker: str, stance: str) -> None:
    said = claims(body)
    assert any(speaker in claim.speaker.text and claim.stance == stance for claim in said), said


def test_streets_and_hotels_are_no_places() -> None:
    assert cities(read("התנועה ברחוב לונדון ליד מלון פריז בתל אביב נחסמה.")) == {"Tel Aviv/ISR"}
