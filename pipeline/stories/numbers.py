"""Numbers in a text, in digits or words of many languages, as integers."""

import re
from collections.abc import Iterator
from functools import cache
from importlib.resources import files

import yaml

LEAST = 3
"""Smaller numbers stand everywhere."""

_TOKEN = re.compile(
    r"\d+(?:[.,\u00a0\u202f ]\d{3})*(?![.,:]?\d)|[^\W\d_]+(?:['’][^\W\d_]+)?|[零一二三四五六七八九十百]+"
)
_CHINESE = re.compile(r"[一二三四五六七八九十百]{1,5}(?=[名个人年辆架枚天页月万千亿座家位艘起次支场项岁分小])")
_NONE: tuple[dict[str, int], frozenset[int]] = {}, frozenset()
_DIGIT = {character: value for value, character in enumerate("零一二三四五六七八九")}


def numbers(text: str, language: str) -> Iterator[tuple[int, int]]:
    """Offset and value of every number of a text, years left out; tens and units are read together."""
    if language in ("zh", "ja"):
        yield from ((found.start(), _chinese(found[0])) for found in _CHINESE.finditer(text))
    words, tens = _words().get(language, _NONE)
    ten: tuple[int, int, int] | None = None
    for found in _TOKEN.finditer(text):
        token = found[0]
        value = _digits(token) if token[0].isdigit() else words.get(token.lower().replace("’", "'"))
        if ten:
            start, many, end = ten
            joins = value is not None and value < 10 and not token[0].isdigit() and found.start() - end < 4
            yield start, many + (value or 0) if joins else many
            ten = None
            if joins:
                continue
        if value in tens and not token[0].isdigit():
            ten = found.start(), value, found.end()
        elif value and value >= LEAST and not 1900 <= value <= 2100:
            yield found.start(), value
    if ten:
        yield ten[0], ten[1]


def _digits(token: str) -> int | None:
    digits = "".join(character for character in token if character.isdigit())
    return int(digits) if len(digits) <= 15 and digits.isdecimal() else None


def _chinese(token: str) -> int:
    total = current = 0
    for character in token:
        if character in "十百":
            total += (current or 1) * (10 if character == "十" else 100)
            current = 0
        else:
            current = _DIGIT[character]
    return total + current


@cache
def _words() -> dict[str, tuple[dict[str, int], frozenset[int]]]:
    """By language: words and their values; and the values that a unit may follow."""
    text = files("pipeline.stories").joinpath("numbers.yaml").read_text("utf-8")
    table: dict[str, dict[int | str, str]] = yaml.safe_load(text)
    return {
        language: (_forms(row), frozenset(ten for ten in range(10, 100, 10) if ten != 10 or 11 not in row))
        for language, row in table.items()
    }


def _forms(row: dict[int | str, str]) -> dict[str, int]:
    forms = {form: value for value, words in row.items() if isinstance(value, int) for form in words.split()}
    if "joined" in row:
        units = {form: value for form, value in forms.items() if value < 10} | {
            "ein": 1,
            "zwei": 2,
            "een": 1,
            "twee": 2,
        }
        tens = {form: value for form, value in forms.items() if value >= 20}
        for unit, one in units.items():
            forms |= {f"{unit}{row['joined']}{ten}": one + many for ten, many in tens.items()}
    return forms
