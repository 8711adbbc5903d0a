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
        pytest.param(
            "Estonia's foreign ministry warned that goods would go via Mongolia.", {"EST"}, id="the way that goods take"
        ),
        pytest.param(
            "Außenministerium in Riga warnt: Lastwagen fahren über Litauen. Lettlands Regierung schließt die Grenze.",
            {"LVA"},
            id="de a detour",
        ),
        pytest.param(
            "Lettlands Außenministerium meldet eine russische Drohne über Litauen.",
            {"LVA", "RUS", "LTU"},
            id="de no detour but airspace",
        ),
        pytest.param("МИД Латвии закрыл границу, грузы пойдут через Монголию.", {"LVA"}, id="ru a detour"),
        pytest.param(
            "Sweden's ministry said its diplomats would work from Nairobi until the embassy in Chad reopens.",
            {"SWE", "TCD"},
            id="a capital as the place of work",
        ),
        pytest.param(
            "The Norwegian ambassador, who served in Tokyo and Riga, said she would stay.",
            {"NOR"},
            id="capitals as places, side by side",
        ),
        pytest.param(
            "Спачуванні паслалі Вільня, Талін і Варшава, міністр падзякаваў.",
            {"LTU", "EST", "POL"},
            id="be capitals side by side",
        ),
        pytest.param(
            "Посол вручив ноту міністру Словаччини. Київ очікує на відповідь.",
            {"SVK", "UKR"},
            id="uk a capital opens its sentence",
        ),
        pytest.param(
            "London zárolta öt iráni tábornok vagyonát.", {"GBR", "IRN"}, id="hu a name that ends as placed ones do"
        ),
        pytest.param("Sazişi Vaşinqton və Ankara alqışlayıb, nazir deyib.", {"USA", "TUR"}, id="az side by side"),
        pytest.param(
            "Zamislimo da su Beograd i Priština potpisali sporazum, ambasador je rekao.",
            {"SRB", "XKX"},
            id="sr side by side",
        ),
        pytest.param("中国驻印尼使馆提醒游客，大使说。", {"CHN", "IDN"}, id="zh a short name in a longer one"),
        pytest.param(
            "에리트레아 외교부 장관은 목표가 이스라엘이었던 것으로 본다고 말했다.", {"ERI", "ISR"}, id="ko copula"
        ),
        pytest.param(
            "ڈنمارک کے وزیر نے ماہی گیروں کے سفیر سے کہا کہ دوپہر کو شام لگتی تھی۔", {"DNK"}, id="ur common nouns"
        ),
        pytest.param(
            "El embajador de Chile fue operado en el hospital San José, dijo el ministro.", {"CHL"}, id="es a hospital"
        ),
        pytest.param(
            "Kyiv – The Polish ambassador said that an engineer in the capital was safe.", {"POL"}, id="a dateline"
        ),
        pytest.param(
            "A missile was fired at the Ukrainian capital, the army said.", {"UKR"}, id="an adjective's capital"
        ),
        pytest.param(
            "A Czech engineer in the capital waved. The ambassador of Chad left.", {"TCD"}, id="no adjective's capital"
        ),
        pytest.param(
            "The foreign minister of Chad spoke to the army. On the wall hung a Peruvian rug. The ambassador laughed.",
            {"TCD"},
            id="no adjective reaches into the next sentence",
        ),
    ],
)
def test_states(text: str, expected: set[str]) -> None:
    assert states(read(text)) == expected


@pytest.mark.parametrize(
    ("title", "body", "country", "expected"),
    [
        pytest.param(
            "Danish embassy gets a new gardener",
            "The Danish embassy in Warsaw has a new gardener, the ambassador said.",
            None,
            {"DNK"},
            id="the host of an embassy that nothing befell",
        ),
        pytest.param(
            "Missile hits Danish embassy in Warsaw",
            "A missile hit the Danish embassy in Warsaw, the ambassador said.",
            None,
            {"DNK", "POL"},
            id="the host of an embassy that was hit",
        ),
        pytest.param(
            "A thriller set in Warsaw",
            "In the novel's third chapter the Danish embassy burns; the novelist wrote the thriller in a year.",
            None,
            set(),
            id="an embassy in a novel",
        ),
    ],
)
def test_states_by_facility(title: str, body: str, country: str | None, expected: set[str]) -> None:
    assert states(read(body, title, country)) == expected


@pytest.mark.parametrize(
    ("text", "country", "expected"),
    [
        pytest.param(
            "Jakarta — Pemerintah Jerman menghentikan hibah. Menteri Pembangunan Jerman memberi tahu duta besar.",
            "IDN",
            {"DEU/GOV"},
            id="id a state behind a minister is no surname",
        ),
        pytest.param(
            "Guvernatorul a închis școlile. Ambasada de la Chișinău e întreagă.",
            "MDA",
            set(),
            id="ro a governor",
        ),
        pytest.param(
            "Наводнение в Орске: введён режим ЧС, паводок прорвал дамбу, спасатели МЧС вывозят людей из домов.",
            "RUS",
            set(),
            id="ru a town's emergency",
        ),
        pytest.param("Guvernul a închis ambasada de la Chișinău.", "MDA", {"MDA/GOV"}, id="ro the government"),
    ],
)
def test_organs_of_the_outlets_state(text: str, country: str, expected: set[str]) -> None:
    assert {actor.id for actor in read(text, country=country).actors if actor.kind == "organ"} == expected


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
        pytest.param("Եվրամիության և Աֆրիկյան միության խոսնակները լռում են։", {"EU", "AU"}, id="hy genitive"),
        pytest.param("აფრიკის კავშირმა და ოპეკმა განცხადება გაავრცელეს.", {"AU", "OPEC"}, id="ka"),
        pytest.param("Африка одағы азаматтық билікті қайтаруды талап етті.", {"AU"}, id="kk"),
        pytest.param("Η ανακοίνωση της Αφρικανικής Ένωσης και του ΟΠΕΚ ήταν λιτή.", {"AU", "OPEC"}, id="el"),
    ],
)
def test_organisations(text: str, expected: set[str]) -> None:
    assert {actor.id for actor in read(text).actors if actor.kind in ("organisation", "group")} == expected
