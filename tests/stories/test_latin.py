import pytest

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
