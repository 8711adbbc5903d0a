"""Actors: states that act and states that are only named, organs, organisations, persons with their offices."""

import pytest

from tests.enrich.names_case import read, states


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("The Turkish foreign ministry summoned the Greek ambassador.", {"TUR", "GRC"}, id="adjectives"),
        pytest.param(
            "Baku has not acknowledged the strike, its army said, but Tbilisi denied any role.",
            {"AZE", "GEO"},
            id="capitals",
        ),
        pytest.param("Уряд Польщі закрив кордон із Білоруссю, заявив прем'єр-міністр.", {"POL", "BLR"}, id="uk cases"),
        pytest.param(
            "Власти Грузии и президент Армении обсудили границу с Турцией.", {"GEO", "ARM", "TUR"}, id="ru cases"
        ),
        pytest.param(
            "Danish doctors delivered medicine and blankets to Moldovan flood victims.", {"DNK", "MDA"}, id="who did it"
        ),
        pytest.param(
            "A Brazilian striker scored twice as the match ended in a draw, the coach said.", set(), id="a nationality"
        ),
        pytest.param(
            "Guinea pigs and a Panama hat were among the lots; the Washington Post wrote of it.", set(), id="phrases"
        ),
    ],
)
def test_states(text: str, expected: set[str]) -> None:
    assert states(read(text)) == expected


@pytest.mark.parametrize(
    ("text", "organ"),
    [
        pytest.param("The Foreign Ministry of Azerbaijan sent a note, its army said.", "AZE/GOV/MFA", id="of"),
        pytest.param("Russia's defence ministry reported the launch of a missile.", "RUS/GOV/MOD", id="possessive"),
        pytest.param("Посла викликали до МЗС Румунії через ракету.", "ROU/GOV/MFA", id="uk genitive"),
        pytest.param("Российский МИД вручил ноту послу.", "RUS/GOV/MFA", id="ru adjective"),
        pytest.param("The Kremlin said the army had fired no missile.", "RUS/GOV/LEADER", id="by its own name"),
    ],
)
def test_organs(text: str, organ: str) -> None:
    assert organ in {actor.id for actor in read(text).actors if actor.kind == "organ"}


@pytest.mark.parametrize(
    ("text", "id_", "role"),
    [
        pytest.param(
            "Russia's ambassador to Baku, Mikhail Evdokimov, was called in.",
            "person/mikhail-evdokimov",
            "ambassador of RUS to AZE",
            id="en",
        ),
        pytest.param(
            "Dana Kovac, the Slovak ambassador to Ukraine, left on Monday.",
            "person/dana-kovac",
            "ambassador of SVK to UKR",
            id="name first",
        ),
        pytest.param(
            "Посол Литви в Україні Йонас Петраускас прибув до міста.",
            "person/yonas-petrauskas",
            "ambassador of LTU to UKR",
            id="uk",
        ),
        pytest.param(
            "Посол Литвы в Баку Йонас Петраускас вызван в министерство.",
            "person/yonas-petrauskas",
            "ambassador of LTU to AZE",
            id="ru",
        ),
    ],
)
def test_persons(text: str, id_: str, role: str) -> None:
    persons = {actor.id: actor.roles for actor in read(text).actors if actor.kind == "person"}
    assert persons.get(id_) == (role,)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("NATO and the U.N. said that WHO staff were safe.", {"NATO", "UN", "WHO"}, id="acronyms"),
        pytest.param("Those who know us say it was not so.", set(), id="words that look like acronyms"),
        pytest.param("Європейський Союз і МАГАТЕ вимагають доступу.", {"EU", "IAEA"}, id="uk"),
        pytest.param("В ОБСЕ и ЭКОВАС пока молчат.", {"OSCE", "ECOWAS"}, id="ru"),
        pytest.param("Hezbollah, Hamas and the Houthis rejected it.", {"HEZBOLLAH", "HAMAS", "HOUTHIS"}, id="groups"),
    ],
)
def test_organisations(text: str, expected: set[str]) -> None:
    assert {actor.id for actor in read(text).actors if actor.kind in ("organisation", "group")} == expected
