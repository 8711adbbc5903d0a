"""Hindi: speakers without an office, nationalities in the plural, streets called by places."""

import pytest

from pipeline.enrich import enrich
from tests.enrich.names_case import cities, read
from tests.enrich.test_claims import claims
from tests.enrich.test_events import article


@pytest.mark.parametrize(
    ("body", "speaker", "stance"),
    [
        ("सीमा सुरक्षा बल ने आरोपों का खंडन किया है।", "सुरक्षा बल", "denies"),
        ("राहत एजेंसियों ने चेतावनी दी है कि अनाज नहीं पहुँच पाएगा।", "एजेंसियों", "warns"),
    ],
)
def test_who_says_so(body: str, speaker: str, stance: str) -> None:
    said = claims(body)
    assert any(speaker in claim.speaker.text and claim.stance == stance for claim in said), said


def test_streets_are_no_places() -> None:
    assert cities(read("दिल्ली में पेरिस रोड बंद है।")) == {"Delhi/IND"}


def test_a_people_in_the_plural_is_a_states() -> None:
    found = enrich(article("", "विदेश मंत्रालय ने भारतीयों को तुरंत ईरान छोड़ने की सलाह दी है।"))
    assert "people-urged-to-leave" in {event.what for event in found.events}
