import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.stories.latin import skeleton


@pytest.mark.parametrize(
    "spellings",
    [
        ("Telegraph", "Телеграф"),
        ("Kestutis Jankauskas", "Кястутис Янкаускас"),
        ("Press", "پرس", "برس", "Пресс"),
        ("Tatiana Sholokhova", "Татьяна Шолохова", "Tatjana Sholohova"),
        ("Reuters", "رويترز", "Рейтерс"),
        ("Nikos Papadopoulos", "Νίκος Παπαδόπουλος"),
        ("Giorgi Beridze", "გიორგი ბერიძე", "Георгий Беридзе"),
        ("Levon Petrosyan", "Լևոն Պետրոսյան", "Левон Петросян"),
        ("Ehud Barak", "אהוד ברק"),
        ("Kim Min", "김 민"),
    ],
    ids=lambda spellings: spellings[0],
)
def test_spellings_of_one_name_meet(spellings: tuple[str, ...]) -> None:
    assert len({skeleton(spelling) for spelling in spellings}) == 1


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("Anna", "n"),
        ("aeiou", ""),
        ("Kharkiv", "rk"),
        ("Schmidt", "smdt"),
        ("北京", ""),
        ("one-two", "n t"),
        ("e\u0301te\u0301", "t"),
        ("", ""),
    ],
)
def test_what_is_left_of_a_word(text: str, left: str) -> None:
    assert skeleton(text) == left


@given(st.text(st.characters(max_codepoint=127)))
def test_plain_letters_take_a_shorter_way_to_the_same_end(text: str) -> None:
    assert skeleton(text) == skeleton(f"{text}\u0301").rstrip("\u0301")


@given(st.text())
def test_nothing_but_consonants_and_spaces_is_left(text: str) -> None:
    assert set(skeleton(text)) <= set("bdtksmnlrf ")
