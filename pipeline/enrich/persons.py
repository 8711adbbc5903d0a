"""Persons beside their offices: "Russia's ambassador to Baku, Mikhail Evdokimov" gives the person and the office."""

import re
import unicodedata
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

from pipeline.enrich import composition, tables
from pipeline.enrich.lexicon import Hit
from pipeline.enrich.reading import Mention, Reading
from pipeline.model.enriched import Actor, Span

ROLES = {
    "ambassador": "ambassador",
    "diplomat": "diplomat",
    "head-of-state": "head of state",
    "head-of-government": "head of government",
    "minister": "minister",
    "party-leader": "party leader",
    "spokesperson": "spokesperson",
    "official": "official",
}
_UPPER = "A-ZÀ-ÖØ-ÞĀ-ŽА-ЯЁІЇЄҐЎΑ-ΩƏİŞĞ"
_WORD = rf"[{_UPPER}][\w'’ʼ-]+"
_NAME = rf"{_WORD}(?: (?:(?:al|el|bin|ibn|van|von|de|da|di|der|den|la|ben)[ -])?{_WORD}){{1,2}}"
_AFTER = re.compile(rf"(?:,? |, )({_NAME})")
_STOP = re.compile(r"[.,;:!?\n]")
_BEFORE = re.compile(rf"({_NAME}), (?:the |a |an )?$")
_LATIN = str.maketrans(
    dict(zip("абвгґдезиіклмнопрстуф", "abvggdeziiklmnoprstuf", strict=True))
    | dict(zip("ыэўјђћљњ", "yeujdclj", strict=True))
    | dict(zip("əıłøđð", "ailodd", strict=True))
    | {
        "ё": "e",
        "ж": "zh",
        "й": "y",
        "ї": "yi",
        "х": "kh",
        "ц": "ts",
        "ч": "ch",
        "ш": "sh",
        "щ": "shch",
        "ь": "",
        "ъ": "",
    }
    | {"ю": "yu", "я": "ya", "є": "ye", "љ": "lj", "њ": "nj", "џ": "dz", "þ": "th", "ß": "ss"}
)


_SPELLINGS = (
    (re.compile(r"\bye|(?<=[aeiou])ye"), "e"),
    (re.compile(r"(?:[iy][yij]|(?<=sk)i)\b"), "y"),
)
"""Yevdokimov and Evdokimov, Aliyev and Aliev; Zelenskiy, Zelenskyi, Zelenski and Zelensky."""


class _Held(NamedTuple):
    """A person's name where it stands, and the office held."""

    start: int
    end: int
    role: str


def collect(reading: Reading, hits: Sequence[Hit]) -> list[Hit]:
    """Adds the persons that stand beside an office to the reading; returns the hits that are not in their names."""
    heads = composition.heads(reading, frozenset(ROLES)) if reading.plain_capitals else []
    if not heads:
        return list(hits)
    names = composition.candidates(reading, hits)
    taken = [hit for hit in hits if hit.kind != "person"]
    held: dict[str, list[_Held]] = defaultdict(list)
    for number, head in enumerate(heads):
        found = _beside(reading, head, names, taken)
        if found:
            start, end = found
            held[_slug(reading.text[start:end])].append(_Held(start, end, _office(reading, number, heads, names)))
    for slug, offices in held.items():
        _add(reading, slug, offices)
    named = [office for offices in held.values() for office in offices]
    return [hit for hit in hits if not any(person.start <= hit.start < person.end for person in named)]


def _beside(reading: Reading, head: Hit, names: Sequence[Hit], taken: Sequence[Hit]) -> tuple[int, int] | None:
    """The name after the office (past "of Russia", "to Baku"), or in front of a comma before it ("the Slovak")."""
    end = head.end
    for name in names[bisect_left(names, (end,)) : bisect_left(names, (end + 100,))]:
        if end <= name.start <= end + 24 and not _STOP.search(reading.text, end, name.start):
            end = name.end
    for at in (end, head.end) if end > head.end else (end,):
        at = _past_possessive(reading.text, at)
        found = _AFTER.match(reading.text, at)
        if found and _is_name(reading, found.span(1), taken):
            return found.span(1)
    start = head.start
    if reading.text.rfind(",", max(0, start - 50), start) < 0:
        return None
    for name in reversed(names[bisect_left(names, (start - 40,)) : bisect_left(names, (start,))]):
        if name.end <= start <= name.end + 3 and name.kind in ("state", "adjective"):
            start = name.start
    comma = reading.text.rfind(",", max(0, start - 6), start)
    before = _BEFORE.search(reading.text, max(0, start - 60), start) if comma >= 0 else None
    if before and _is_name(reading, before.span(1), taken):
        return before.span(1)
    return None


def _past_possessive(text: str, at: int) -> int:
    return at + 2 if text[at : at + 2] in ("'s", "’s") else at


def _is_name(reading: Reading, span: tuple[int, int], taken: Sequence[Hit]) -> bool:
    """Not where its last word is a place or the first an office: Владимир Путин is a name, Prime Minister is not."""
    start, end = span
    return start not in reading.word_starts and not any(hit.start < end <= hit.end for hit in taken)


def _office(reading: Reading, number: int, heads: Sequence[Hit], names: Sequence[Hit]) -> str:
    """`ambassador of RUS to AZE`."""
    head = heads[number]
    tied = composition.tie(reading, number, heads, names)
    role = ROLES[head.value]
    owner = f" of {tied.owner}" if tied.owner in tables.countries() else ""
    to = f" to {tied.country}" if head.value == "ambassador" and tied.country else ""
    return f"{role}{owner}{to}"


def _slug(name: str) -> str:
    """The name in plain Latin letters, as an id; spellings that differ in a *y* that is heard or not are one."""
    plain = unicodedata.normalize("NFKD", name.lower().translate(_LATIN))
    plain = re.sub(r"[^a-z0-9]+", "-", "".join(char for char in plain if not unicodedata.combining(char))).strip("-")
    for spelling, same in _SPELLINGS:
        plain = spelling.sub(same, plain)
    return plain


def _add(reading: Reading, slug: str, offices: Sequence[_Held]) -> None:
    if not slug:
        return
    id_ = f"person/{slug}"
    spans: list[Span] = []
    for office in offices:
        reading.mentions.append(Mention(office.start, office.end, "person", id_))
        spans.append(reading.span(office.start, office.end))
    roles = tuple(dict.fromkeys(office.role for office in offices))
    name = reading.text[offices[0].start : offices[0].end]
    reading.actors[id_] = Actor(id=id_, kind="person", name=name, roles=roles, mentions=tuple(spans))
