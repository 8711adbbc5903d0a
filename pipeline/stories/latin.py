"""Names across scripts: reduced to the consonants that survive transliteration, so that two spellings meet."""

import re
import unicodedata
from functools import cache
from importlib.resources import files

DIGRAPHS = {
    "tsch": "s",
    "sch": "s",
    "tch": "s",
    "dzh": "s",
    "dz": "s",
    "kh": "",
    "ch": "s",
    "cz": "s",
    "ph": "f",
    "дж": "s",
    "дз": "s",
    "تش": "s",
}
"""Written together in some alphabets, one letter in others."""

_SEPARATOR = re.compile(r"[\W_]+")


@cache
def _classes() -> dict[str, str]:
    lines = files("pipeline.stories").joinpath("latin.tsv").read_text("utf-8").splitlines()
    rows = (line.split("\t") for line in lines if line and not line.startswith("#"))
    return {letter: name for name, letters in rows for letter in letters}


class _Table(dict[int, str]):
    """For str.translate: filled as characters are met, so that a script costs nothing until it is read."""

    def __missing__(self, code: int) -> str:
        character = chr(code)
        if not character.isalnum():
            found = " " if not unicodedata.category(character).startswith("M") else ""
        else:
            classes = _classes()
            base = unicodedata.normalize("NFKD", character)
            found = classes.get(character) or "".join(classes.get(part, "") for part in base)
        self[code] = found
        return found


_TABLE = _Table()


def skeleton(text: str) -> str:
    """Consonant classes of every word, words kept apart by spaces; doubled consonants count once.

    Words without any (a vowel, a Chinese name) leave nothing between their spaces.
    """
    folded = text.lower()
    for written, sound in DIGRAPHS.items():
        folded = folded.replace(written, sound)
    folded = _ascii(folded) if folded.isascii() else folded.translate(_TABLE)
    for letter in "bdtksmnlrf":
        folded = folded.replace(letter * 3, letter).replace(letter * 2, letter)
    return folded


def _ascii(text: str) -> str:
    """What translating by the table gives, many times faster."""
    table, nothing = _ascii_table()
    return text.encode().translate(table, nothing).decode()


@cache
def _ascii_table() -> tuple[bytes, bytes]:
    """A class for every byte, and the bytes that have none."""
    classes = [_TABLE[code] for code in range(128)]
    table = "".join(name or " " for name in classes).encode() + bytes(128)
    return table, bytes(code for code, name in enumerate(classes) if not name)


def words(text: str) -> list[str]:
    """Casefolded words of a text, without marks on letters that Unicode can take off cheaply."""
    return [word for word in _SEPARATOR.split(text.casefold()) if word]
