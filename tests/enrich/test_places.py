"""Names of places: what grammar does to them, and which bearer of a name is meant."""

import pytest

from pipeline.enrich import tables
from pipeline.enrich.lexicon import LANGUAGES, fold
from pipeline.enrich.names import mistakes
from tests.enrich.names_case import cities, read


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(
            "Пожежу в Києві загасили, у Львові тихо, з Одеси вилетів літак.", {"Kyiv", "Lviv", "Odesa"}, id="uk"
        ),
        pytest.param(
            "Поезда выехали из Харькова в Нижний Новгород, автобус стоит под Ростовом-на-Дону.",
            {"Kharkiv", "Nizhny Novgorod", "Rostov-on-Don"},
            id="ru",
        ),
        pytest.param(
            "Flights from Kiev to Istanbul and St. Petersburg resumed.",
            {"Kyiv", "Istanbul", "Saint Petersburg"},
            id="en",
        ),
        pytest.param("Les vols entre Kiev et Londres ont repris.", {"Kyiv", "London"}, id="fr"),
        pytest.param("キーウとロンドンで会談が行われた。", {"Kyiv", "London"}, id="ja"),
        pytest.param(
            "Antananarivóban és Ungváron nyugalom van, a debreceni vonat közlekedik.",
            {"Antananarivo", "Uzhhorod", "Debrecen"},
            id="hu",
        ),
        pytest.param("Επέστρεψε από την Άγκυρα στον Πειραιά.", {"Ankara", "Piraeus"}, id="el"),
        pytest.param("Bu gün Lənkəranda və Bakıda yağış yağıb, hava soyuqdur.", {"Lankaran", "Baku"}, id="az"),
        pytest.param("Պատվիրակությունը Բաքվից մեկնել է Մոսկվա։", {"Baku", "Moscow"}, id="hy"),
        pytest.param("وصل الوفد إلى القاهرة قادما من موسكو.", {"Cairo", "Moscow"}, id="ar"),
    ],
)
def test_cities_in_any_case(text: str, expected: set[str]) -> None:
    assert {city.split("/")[0] for city in cities(read(text))} == expected


@pytest.mark.parametrize(
    ("text", "country", "wanted", "unwanted"),
    [
        pytest.param(
            "A gas main burst in Odessa, Texas, late on Friday.", "USA", "Odessa/USA", "Odesa/UKR", id="Odessa, Texas"
        ),
        pytest.param(
            "Shells fell on Odessa as Ukraine's navy looked on.", "GBR", "Odesa/UKR", "Odessa/USA", id="Odessa, Ukraine"
        ),
        pytest.param(
            "Beaches near St. Petersburg, Florida, reopened.",
            "USA",
            "St. Petersburg/USA",
            "Saint Petersburg/RUS",
            id="St. Petersburg, Florida",
        ),
        pytest.param(
            "The festival in Paris, Texas, drew thousands.", "USA", "Paris/USA", "Paris/FRA", id="Paris, Texas"
        ),
        pytest.param(
            "Michael Jordan and Denzel Thompson met in Boston.",
            "USA",
            "Boston/USA",
            "Amman/JOR",
            id="a man called Jordan",
        ),
        pytest.param(
            "Singer Jack London said he had never seen Boston.",
            "USA",
            "Boston/USA",
            "London/GBR",
            id="a man called London",
        ),
        pytest.param(
            "Вона приїхала до Полтави. Того дня падав сніг.",
            "UKR",
            "Poltava/UKR",
            "Lomé/TGO",
            id="a word at a sentence's start",
        ),
        pytest.param(
            "Завод «Днепр» открыл магазин в Туле.", "RUS", "Tula/RUS", "Dnipro/UKR", id="a firm in quotation marks"
        ),
    ],
)
def test_which_bearer_is_meant(text: str, country: str, wanted: str, unwanted: str) -> None:
    found = cities(read(text, country=country))
    assert wanted in found
    assert unwanted not in found


def test_a_place_has_its_id_and_its_point() -> None:
    (place,) = [place for place in read("Заява пролунала в Києві.").places if place.kind == "city"]
    assert (place.id, place.country, round(place.lat), round(place.lon)) == ("703448", "UKR", 50, 31)


def test_a_mention_is_the_word_as_it_stands() -> None:
    article = read("Вночі в Києві було гучно.", title="Київ: ніч")
    (place,) = [place for place in article.places if place.name == "Kyiv"]
    assert [getattr(article, span.field)[span.start : span.end] for span in place.mentions] == ["Київ", "Києві"]


@pytest.mark.parametrize(
    "language", sorted(path.name for path in LANGUAGES.iterdir() if path.is_dir() and len(path.name) < 4)
)
def test_data_files_are_sound(language: str) -> None:
    assert mistakes(language) == []


@pytest.mark.parametrize("script", sorted(path.stem for path in (tables.FOLDER / "names").iterdir()))
def test_names_are_filed_under_the_words_by_which_they_are_looked_up(script: str) -> None:
    for word, line in tables.names(script).items():
        for spelling in tables.spellings(line):
            words = fold(spelling.name).split()
            assert word in (words[0], max(reversed(words), key=len))


def test_a_script_without_names_of_cities_is_read_all_the_same() -> None:
    assert read("વિદેશ મંત્રાલયે આજે એક નિવેદન બહાર પાડ્યું.").language.code == "gu"


@pytest.mark.parametrize(
    ("text", "unwanted"),
    [
        pytest.param("Im Kanton Solothurn wurde gewählt.", "Solothurn/CHE", id="de canton"),
        pytest.param("Wyszliśmy z restauracji Moskwa przed północą.", "Moscow/RUS", id="pl restaurant"),
        pytest.param("Hádka začala u majitele čajovny Peking.", "Beijing/CHN", id="cs tea room"),
        pytest.param("昨晚莫斯科餐厅的老板请客。", "Moscow/RUS", id="zh restaurant"),
        pytest.param("隔壁的柏林面包房也降价了。", "Berlin/DEU", id="zh bakery"),
        pytest.param("نمایندگان استان کرمان اعتراض کردند.", "Kerman/IRN", id="fa province"),
        pytest.param("تجمع السكان في محافظة المفرق مساء.", "Mafraq/JOR", id="ar governorate"),
        pytest.param("Que reste-t-il de l'accord d'Alger ?", "Algiers/DZA", id="fr agreement"),
        pytest.param("Há uma festa na Rua de Lisboa.", "Lisbon/PRT", id="pt street"),
        pytest.param("Они живут на улице Киев, дом три.", "Kyiv/UKR", id="ru street"),
        pytest.param("Ankara'nın Çankaya ilçesinde bir bina çöktü.", "Çankaya/TUR", id="tr district"),
    ],
)
def test_streets_premises_districts_and_treaties_are_no_cities(text: str, unwanted: str) -> None:
    assert unwanted not in cities(read(text))


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        pytest.param("Tapahtuma järjestettiin Suomessa, Rovaniemellä.", "Rovaniemi/FIN", id="fi niemi"),
        pytest.param("Suomi voitti, ja juhlat pidettiin Lahdessa.", "Lahti/FIN", id="fi lahti"),
        pytest.param("Ο υπουργός επέστρεψε από την Άγκυρα.", "Ankara/TUR", id="el"),
        pytest.param("Təyyarə Vaşinqtondan qalxıb.", "Washington/USA", id="az"),
        pytest.param("ראש הממשלה נחת בוושינגטון.", "Washington/USA", id="he"),
        pytest.param("وصل الوزير إلى واشنطن مساء.", "Washington/USA", id="ar"),
        pytest.param("وزیر خارجه به دهلی نو رفت.", "New Delhi/IND", id="fa"),
        pytest.param("Трамвай спыніўся. Міністр прыляцеў у Вашынгтон.", "Washington/USA", id="be"),
    ],
)
def test_capitals_and_declined_towns(text: str, wanted: str) -> None:
    assert wanted in cities(read(text))


@pytest.mark.parametrize(
    ("text", "unwanted"),
    [
        pytest.param("Вона каже, що таких ночей не рахує. Вона приїхала до Києва.", "Vaughan/CAN", id="uk"),
        pytest.param("Samassa iskussa kuoli kuusi ihmistä Helsingissä.", "Sanya/CHN", id="fi"),
        pytest.param("Kale düştü, taraftarlar sevindi.", "Kalemyo/MMR", id="tr"),
    ],
)
def test_a_town_is_no_support_for_itself(text: str, unwanted: str) -> None:
    assert unwanted not in cities(read(text))
