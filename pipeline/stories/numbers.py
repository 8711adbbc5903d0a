"""Numbers in a text, in digits or words of many languages, as integers."""

import re
from collections.abc import Iterator, Set
from functools import cache
from importlib.resources import files
from typing import NamedTuple

import yaml

LEAST = 3
"""Smaller numbers stand everywhere."""

# The digit first: looking behind at every character would cost four times as much.
_DIGITS = re.compile(r"\d(?<!\d\d)(?<!\d[.,:]\d)\d*(?:[.,\u00a0\u202f ]\d{3})*(?![.,:]?\d)")
_CHINESE = re.compile(r"[一二三四五六七八九十百]{1,5}(?=[名个人年辆架枚天页月万千亿座家位艘起次支场项岁分小])")
_NONE: tuple[dict[str, int], frozenset[int]] = {}, frozenset()
_DIGIT = {character: value for value, character in enumerate("零一二三四五六七八九")}


class Number(NamedTuple):
    """A number in a text."""

    start: int
    """In code points."""
    value: int


class _Found(NamedTuple):
    start: int
    end: int
    value: int
    spelled: bool


def numbers(text: str, language: str, words: Set[str]) -> list[Number]:
    """Every number of a text from three on, years left out; a ten and a unit after it are one.

    Args:
        text: to be read.
        language: ISO 639-1 code.
        words: the text's words, casefolded.
    """
    spelled, tens = _words().get(language, _NONE)
    found = [_Found(each.start(), each.end(), _digits(each[0]), False) for each in _DIGITS.finditer(text)]
    written = spelled.keys() & words
    if language in ("uk", "be"):
        written |= {word for word in spelled if "'" in word and word.partition("'")[0] in words}
    if written and tens.isdisjoint(map(spelled.__getitem__, written)):
        written = {word for word in written if spelled[word] >= LEAST}
    if written:
        folded = text.lower()
        if language in ("uk", "be"):
            folded = folded.replace("’", "'")
        for word in written:
            found += _spelled(folded, word, spelled[word])
    if language in ("zh", "ja"):
        found += [_Found(each.start(), each.end(), _chinese(each[0]), False) for each in _CHINESE.finditer(text)]
    joined = _joined(sorted(found), tens)
    return [Number(each.start, each.value) for each in joined if each.value >= LEAST and not 1900 <= each.value <= 2100]


def _spelled(text: str, word: str, value: int) -> Iterator[_Found]:
    at = text.find(word)
    while at >= 0:
        end = at + len(word)
        if not (text[at - 1 : at].isalnum() or text[end : end + 1].isalnum()):
            yield _Found(at, end, value, True)
        at = text.find(word, end)


def _joined(found: list[_Found], tens: frozenset[int]) -> Iterator[_Found]:
    ten: _Found | None = None
    for each in found:
        if ten and each.spelled and each.value < 10 and each.start - ten.end < 4:
            yield _Found(ten.start, each.end, ten.value + each.value, True)
            ten = None
            continue
        if ten:
            yield ten
            ten = None
        if each.spelled and each.value in tens:
            ten = each
        else:
            yield each
    if ten:
        yield ten


def _digits(token: str) -> int:
    if token.isdecimal():
        return int(token) if len(token) <= 15 else 0
    digits = "".join(character for character in token if character.isdigit())
    return int(digits) if len(digits) <= 15 and digits.isdecimal() else 0


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
