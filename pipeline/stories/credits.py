"""Whom an article credits: outlets already heard of, and news agencies, by their names in any script."""

import re
from collections.abc import Iterator, Set
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from zlib import crc32

import yaml

from pipeline.model.article import Source
from pipeline.stories.latin import skeleton

FEWEST = 5
"""Consonants that tell a name from ordinary words."""

_UNSPACED = re.compile("[\u3040-\u9fff]")


_Spoken = tuple[tuple[str, ...], int, int]


@dataclass
class Names:
    """Names of outlets, to be found in texts."""

    spoken: dict[str, list[_Spoken]] = field(default_factory=dict)
    """Consonants of a name's longest word -> those of its words, which of them it is, and the key."""
    written: dict[str, int] = field(default_factory=dict)
    """Names too short for that, as they are written, and their keys."""
    unspaced: dict[str, int] = field(default_factory=dict)
    """Names in scripts without spaces."""


def key_of(kind: str, name: str) -> int:
    """The 32-bit key of a source, an owner or an agency."""
    return crc32(f"{kind}/{name}".encode("utf-8", "surrogatepass"))


def own_keys(source: Source) -> tuple[int, ...]:
    """Under which a source's own account is known: its id, the agency that it is, its owner."""
    keys = [key_of("source", source.id), *_agency(source.name)]
    return (*keys, key_of("owner", source.owner)) if source.owner else tuple(keys)


def _agency(name: str) -> list[int]:
    """The key of the agency of this name, if it is one."""
    agencies = _agencies()
    phrase = _phrase(name)
    if phrase:
        known = agencies.spoken.get(max(phrase, key=len), ())
        if keys := [key for other, _, key in known if other == phrase]:
            return keys
    return [names[name] for names in (agencies.written, agencies.unspaced) if name in names]


def learn_name(names: Names, source: str, name: str) -> None:
    """Adds the name of a source, unless it could be an ordinary word."""
    _add(names, name, key_of("source", source), short=False)


def credited(text: str, words: Set[str], names: Names) -> tuple[int, ...]:
    """Keys of the agencies and sources that a text names; those spelled by sound in order of appearance, first.

    Args:
        text: to be read.
        words: consonants of its words that may be names; only where one begins a known name is the text looked through.
        names: of sources.
    """
    agencies = _agencies()
    found: dict[int, None] = {}
    hits = {word for word in words for known in (names.spoken, agencies.spoken) if word in known or word[:-1] in known}
    tokens = skeleton(text).split() if hits else []
    for at, token in enumerate(tokens):
        if token in hits:
            found.update(dict.fromkeys(_named_at(tokens, at, names.spoken)))
            found.update(dict.fromkeys(_named_at(tokens, at, agencies.spoken)))
    for written in (names.written, agencies.written):
        found.update(dict.fromkeys(key for name, key in written.items() if _stands_in(name, text)))
    if _UNSPACED.search(text):
        for written in (names.unspaced, agencies.unspaced):
            found.update(dict.fromkeys(key for name, key in written.items() if name in text))
    return tuple(found)


def _named_at(tokens: list[str], at: int, known: dict[str, list[_Spoken]]) -> Iterator[int]:
    """Keys of the names whose longest word stands here, and the others around it."""
    for phrase, index, key in (*known.get(tokens[at], ()), *known.get(tokens[at][:-1], ())):
        said = tokens[max(at - index, 0) : at - index + len(phrase)]
        if len(said) == len(phrase) and all(map(_inflected, said, phrase)):
            yield key


def _inflected(token: str, part: str) -> bool:
    """Whether a word is this part of a name; an ending may add a consonant."""
    return token == part or token[:-1] == part


def _stands_in(name: str, text: str) -> bool:
    at = text.find(name)
    return at >= 0 and not (text[at - 1 : at].isalnum() or text[at + len(name) : at + len(name) + 1].isalnum())


def _add(names: Names, name: str, key: int, *, short: bool) -> None:
    phrase = _phrase(name)
    if sum(map(len, phrase)) >= FEWEST:
        longest = max(phrase, key=len)
        entry = phrase, phrase.index(longest), key
        listed = names.spoken.setdefault(longest, [])
        if entry not in listed:
            listed.append(entry)
    elif _UNSPACED.match(name) and len(name) > 1:
        names.unspaced.setdefault(name, key)
    elif short:
        names.written.setdefault(name, key)


def _phrase(name: str) -> tuple[str, ...]:
    return tuple(skeleton(name).split())


@cache
def _agencies() -> Names:
    names = Names()
    table: dict[str, list[str]] = yaml.safe_load(files("pipeline.stories").joinpath("agencies.yaml").read_text("utf-8"))
    for agency, spellings in table.items():
        for spelling in spellings:
            _add(names, spelling, key_of("agency", agency), short=True)
    return names
