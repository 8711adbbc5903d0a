import re

import pytest

from pipeline.model.article import Source
from pipeline.stories.credits import Names, credited, key_of, learn_name, own_keys
from pipeline.stories.latin import skeleton


@pytest.fixture(scope="module")
def names() -> Names:
    known = Names()
    for source, name in {
        "harbour": "Harbour Telegraph",
        "vestnik": "Зимний вестник",
        "shimbun": "北湾新报",
        "sun": "Sun",
    }.items():
        learn_name(known, source, name)
    return known


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ("The bridge is closed, the Harbour Telegraph reports.", ["source/harbour"]),
        ("Мост закрыт, сообщает Харбор Телеграф.", ["source/harbour"]),
        ("According to the Zimny Vestnik, it snowed.", ["source/vestnik"]),
        ("Об этом пишет «Зимнего вестника» корреспондент.", ["source/vestnik"]),
        ("据北湾新报报道，大桥关闭。", ["source/shimbun"]),
        ("路透社报道，大桥关闭。", ["agency/reuters"]),
        ("The bridge is closed (Reuters).", ["agency/reuters"]),
        ("قالت وكالة رويترز إن الجسر مغلق", ["agency/reuters"]),
        ("Most zamknięto, podała PAP.", ["agency/pap"]),
        ("He wore a PAPER hat and looked at the sun.", []),
        ("A telegraph in the harbour.", []),
        ("Harbour Telegraph, Reuters and Harbour Telegraph again", ["source/harbour", "agency/reuters"]),
        ("", []),
    ],
)
def test_whom_a_text_credits(names: Names, text: str, keys: list[str]) -> None:
    words = {word: skeleton(word) for word in re.findall(r"\w+", text)}
    assert list(credited(text, words, names)) == [key_of(*key.split("/")) for key in keys]


@pytest.mark.parametrize(
    ("source", "keys"),
    [
        (Source(id="harbour", name="Harbour Telegraph"), ["source/harbour"]),
        (Source(id="harbour", owner="north-media"), ["source/harbour", "owner/north-media"]),
        (Source(id="r", name="Reuters"), ["source/r", "agency/reuters"]),
        (Source(id="dpa", name="dpa"), ["source/dpa", "agency/dpa"]),
    ],
)
def test_under_what_an_outlet_is_known(source: Source, keys: list[str]) -> None:
    assert list(own_keys(source)) == [key_of(*key.split("/")) for key in keys]
