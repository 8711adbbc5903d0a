"""Where sentences end."""

import json

import pytest

from pipeline.enrich.reading import LONGEST_SENTENCE, Reading
from pipeline.model.article import from_input


def sentences(body: str) -> list[str]:
    _, article = from_input(json.dumps({"id": "a", "source": {"id": "s"}, "title": "Title", "body": body}))
    reading = Reading(article, "en")
    return [reading.text[start:end].strip() for start, end in reading.sentences][1:]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("It fell. Nobody was hurt.", ["It fell.", "Nobody was hurt."]),
        ("Gen. Petrov spoke at 3.5 km. He left.", ["Gen. Petrov spoke at 3.5 km.", "He left."]),
        ("Line one\nLine two", ["Line one", "Line two"]),
        ("大使馆受损。外交部抗议！", ["大使馆受损。", "外交部抗议！"]),
        ("«Так?» Ні.", ["«Так?»", "Ні."]),
        ("", []),
    ],
)
def test_where_sentences_end(body: str, expected: list[str]) -> None:
    assert sentences(body or " ") == expected


@pytest.mark.parametrize("unit", ["embassy damaged by missile, ", "x", "посольство пошкоджено. "])
def test_no_sentence_is_longer_than_people_write(unit: str) -> None:
    found = sentences(unit * 5_000)
    assert max(map(len, found)) <= LONGEST_SENTENCE
    assert "".join(found).replace(" ", "") == (unit * 5_000).replace(" ", "")[:200_000]
