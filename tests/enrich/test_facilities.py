"""Facilities: what they are, whose and where, in any case and word order."""

import pytest

from tests.enrich.names_case import read


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("The Azerbaijani embassy in Kyiv was damaged.", "embassy/AZE/UKR/Kyiv", id="adjective"),
        pytest.param("Azerbaijan's embassy in Kyiv was damaged.", "embassy/AZE/UKR/Kyiv", id="possessive"),
        pytest.param(
            "Windows broke at the Embassy of the Republic of Azerbaijan in Kyiv.",
            "embassy/AZE/UKR/Kyiv",
            id="of the Republic of",
        ),
        pytest.param(
            "The Azerbaijani diplomatic mission in the Ukrainian capital was hit.",
            "mission/AZE/UKR/Kyiv",
            id="the Ukrainian capital",
        ),
        pytest.param(
            "A Russian drone fell near the Romanian consulate in Odesa.",
            "consulate/ROU/UKR/Odesa",
            id="not the drone's owner",
        ),
        pytest.param("Постраждало посольство Азербайджану в Києві.", "embassy/AZE/UKR/Kyiv", id="uk genitive"),
        pytest.param(
            "Уламки впали біля азербайджанського посольства у Києві.", "embassy/AZE/UKR/Kyiv", id="uk adjective"
        ),
        pytest.param("Пострадало генконсульство Турции в Одессе.", "consulate/TUR/UKR/Odesa", id="ru genitive"),
        pytest.param("Российское посольство в Ниамее обстреляли.", "embassy/RUS/NER/Niamey", id="ru adjective"),
        pytest.param("Gunmen stormed the UN compound in Juba.", "un-premises/UN/SSD/Juba", id="United Nations"),
        pytest.param("L'ambassade d'Azerbaïdjan à Kiev a été endommagée.", "embassy/AZE/UKR/Kyiv", id="fr"),
        pytest.param("阿塞拜疆驻乌克兰大使馆受损。", "embassy/AZE/UKR/-", id="zh"),
    ],
)
def test_composed(text: str, expected: str) -> None:
    assert [facility.id for facility in read(text).facilities] == [expected]


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("The house on Embassy Row sold for two million.", id="a street"),
        pytest.param("У ресторані «Посольство борщу» скінчилися буряки.", id="a restaurant"),
    ],
)
def test_not_a_facility(text: str) -> None:
    assert read(text).facilities == ()


def test_later_mentions_join_the_named_one() -> None:
    article = read(
        "The Azerbaijani embassy in Kyiv was hit. Nobody was in the embassy. The diplomatic mission has closed."
    )
    (facility,) = article.facilities
    assert [article.body[span.start : span.end] for span in facility.mentions][1:] == ["embassy", "diplomatic mission"]


def test_our_embassy_is_the_outlets() -> None:
    article = read("Наше посольство в Багдаді тимчасово зачинено, повідомило МЗС України.", country="UKR")
    assert [facility.id for facility in article.facilities] == ["embassy/UKR/IRQ/Baghdad"]
