"""Kinds of features, and features: 32 bits, the kind in the highest four, a hash of what it says in the others."""

from enum import IntEnum
from zlib import crc32


class Kind(IntEnum):
    """Kinds of features; 0 to 15, as a feature has four bits for it."""

    FACILITY = 0
    """Owner of a diplomatic facility; owner, kind and city of one."""
    PAIR = 1
    """Two states that an article speaks of most, together: far rarer than each."""
    FACT = 2
    """A slot of an event and what fills it: 12 bits of the one, 16 of the other."""
    HAPPENING = 3
    STATE = 4
    ORGANISATION = 5
    PERSON = 6
    CITY = 7
    REGION = 8
    """A region, or a capital, which stands for its country as often as for itself."""
    FIGURE = 9
    """A number of three digits or more."""
    NUMBER = 10
    NAME = 11
    """Consonants of a capitalised word, or of a part of a person's name."""
    SHORT_WORD = 12
    WORD = 13
    LONG_WORD = 14
    GRAM = 15
    """Two characters of a script that has no spaces."""


LIMITS = {
    Kind.FACILITY: 6,
    Kind.PAIR: 3,
    Kind.FACT: 8,
    Kind.HAPPENING: 4,
    Kind.STATE: 6,
    Kind.ORGANISATION: 5,
    Kind.PERSON: 6,
    Kind.CITY: 6,
    Kind.REGION: 3,
    Kind.FIGURE: 4,
    Kind.NUMBER: 6,
    Kind.NAME: 12,
}
"""Features kept of an article by kind, so that a record of it stays near 500 bytes."""


def feature(kind: Kind, text: str) -> int:
    """The feature of a kind that says `text`."""
    return kind << 28 | crc32(text.encode("utf-8", "surrogatepass")) & 0xFFFFFFF
