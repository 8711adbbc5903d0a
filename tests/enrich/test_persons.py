"""The same person across scripts and spellings, and the names of a watchlist in every case of a language."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.enrich import enrich, themes, watchlists
from pipeline.enrich.persons import _slug
from pipeline.stories.latin import skeleton
from tests.enrich.test_events import article

SAME_ID = [
    ("Mikhail Evdokimov", "Mikhail Yevdokimov"),
    ("Mikhail Evdokimov", "Михаил Евдокимов"),
    ("Mikhail Yevdokimov", "Міхаіл Євдокімов"),
    ("Aliyev", "Aliev"),
    ("Aliyev", "Əliyev"),
    ("Aliyev", "Алиев"),
    ("Aliyev", "Алієв"),
    ("Zelensky", "Zelenskyy"),
    ("Zelensky", "Zelenskiy"),
    ("Zelensky", "Зеленский"),
    ("Zelensky", "Зеленський"),
    ("Petrov", "Петров"),
]
SAME_KEY = [
    ("Mikhail Evdokimov", "Mykhailo Yevdokymov"),
    ("Mikhail Evdokimov", "Михайло Євдокімов"),
    ("Zelensky", "Selenskyj"),
    ("Pashinyan", "Փաշինյան"),
    ("Pashinyan", "Пашинян"),
    ("Kobakhidze", "Кобахидзе"),
    ("Lavrov", "Lawrow"),
    ("Lukashenko", "Лукашэнка"),
    ("Lukashenko", "Łukaszenka"),
    ("Lukashenko", "Lukaschenko"),
    ("Erdoğan", "Эрдоган"),
    ("Mitsotakis", "Μητσοτάκης"),
    ("Tokayev", "Токаев"),
    ("Chernyshenko", "Tchernychenko"),
]
OTHERS = [
    ("Petrov", "Pavlov"),
    ("Petrov", "Petrenko"),
    ("Попов", "Popescu"),
    ("Lukashenko", "Лукашевич"),
    ("Dana Kovac", "Dana Novak"),
    ("Mikhail Evdokimov", "Mikhail Yefremov"),
]


@pytest.mark.parametrize(("one", "other"), SAME_ID)
def test_spellings_have_one_id(one: str, other: str) -> None:
    assert _slug(one) == _slug(other)


@pytest.mark.parametrize(("one", "other"), SAME_KEY)
def test_spellings_have_one_key_in_a_story(one: str, other: str) -> None:
    assert skeleton(one) == skeleton(other)


@pytest.mark.parametrize(("one", "other"), OTHERS)
def test_other_persons_have_neither(one: str, other: str) -> None:
    assert _slug(one) != _slug(other)
    assert skeleton(one) != skeleton(other)


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[None]:
    """A watchlist of one's own."""
    file = tmp_path / "mine.yaml"
    file.write_text(
        "- {id: person/w, kind: person, name: Ostap Lysenko, names: {en: [Ostap Lysenko], uk: [Остап Лисенко],"
        " ru: [Степан Горынин, Анна Лисицына], pl: [Jan Kowalewski], tr: [Selim Karadağ], fi: [Matti Kuusela]}}\n",
        "utf-8",
    )
    watchlists.add(file)
    themes.add()  # lets go of what was made without it
    yield
    watchlists._added.clear()
    watchlists.add()
    themes.add()


@pytest.mark.usefixtures("watched")
@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Police in the town are looking for Ostap Lysenko's car.", True),
        ("Поліція шукає Остапа Лисенка, який зник у місті.", True),
        ("Допомагати Остапові Лисенку в міністерстві ніхто не хотів, хоч він просив.", True),
        ("Полиция ищет Степана Горынина, который пропал в субботу.", True),
        ("Степану Горынину вручили повестку, и он её подписал.", True),
        ("Полиция говорила с Анной Лисицыной, когда она вышла из дома.", True),
        ("Policja szuka Jana Kowalewskiego, który wyszedł z domu.", True),
        ("Selim Karadağ'ın evi arandı ve polis bütün gün şehirde kaldı.", True),
        ("Poliisi etsii Matti Kuuselaa, joka katosi eilen kaupungista.", True),
        ("Степаненко и Горынин вышли из дома, и больше их не видели.", False),
        ("Поліція шукає Остапа Лисенчука, який зник у місті.", False),
    ],
)
def test_a_watched_name_is_found_in_every_case(text: str, found: bool) -> None:
    assert ("person/w" in {actor.id for actor in enrich(article("", text)).actors}) == found
