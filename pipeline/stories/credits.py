"""Whom an article credits: outlets already heard of, and news agencies, by their names in any script."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, lru_cache
from importlib.resources import files
from zlib import crc32

import yaml
from ahocorasick_rs import AhoCorasick, MatchKind

from pipeline.model.article import Source
from pipeline.stories.latin import skeleton

FEWEST = 5
"""Consonants that tell a name from ordinary words."""
REACH = 60
"""Characters before and after a name's longest word in which its others are looked for."""

_UNSPACED = re.compile("[\u3040-\u9fff]")


_Spoken = tuple[tuple[str, ...], int, int]


@dataclass
class Names:
    """Names of outlets, to be found in texts."""

    spoken: dict[str, list[_Spoken]] = field(default_factory=dict)
    """Consonants of a name's longest word -> those of its words, which of them it is, and the key."""
    written: dict[str, int] = field(default_factory=dict)
    """Names of agencies too short for that, as they are written, and their keys."""
    unspaced: dict[str, int] = field(default_factory=dict)
    """Names in scripts without spaces."""


def key_of(kind: str, name: str) -> int:
    """The 32-bit key of a source, an owner or an agency."""
    return crc32(f"{kind}/{name}".encode("utf-8", "surrogatepass"))


def own_keys(source: Source) -> tuple[int, ...]:
    """Under which a source's own account is known: its id, the agency that it is, its owner."""
    keys = [key_of("source", source.id), *_agency(source.name)]
    return (*keys, key_of("owner", source.owner)) if source.owner else tuple(keys)


@lru_cache(maxsize=4096)
def _agency(name: str) -> tuple[int, ...]:
    """The key of the agency of this name, if it is one."""
    agencies = _agencies()
    phrase = _phrase(name)
    if phrase:
        known = agencies.spoken.get(max(phrase, key=len), ())
        if keys := tuple(key for other, _, key in known if other == phrase):
            return keys
    return tuple(names[name] for names in (agencies.written, agencies.unspaced) if name in names)


def learn_name(names: Names, source: str, name: str) -> None:
    """Adds the name of a source, unless it could be an ordinary word."""
    _add(names, name, key_of("source", source), short=False)


def credited(text: str, words: Mapping[str, str], names: Names) -> tuple[int, ...]:
    """Keys of the agencies and sources that a text names; those spelled by sound in order of appearance, first.

    Args:
        text: to be read.
        words: its words that may be names, and their consonants; a name is looked for around these alone.
        names: of sources.
    """
    agencies = _agencies()
    found: dict[int, None] = {}
    if hits := _hits(set(words.values()), (names.spoken, agencies.spoken)):
        for part in _around(text, [word for word, consonants in words.items() if consonants in hits]):
            tokens = skeleton(part).split()
            for at, token in enumerate(tokens):
                if token in hits:
                    found.update(dict.fromkeys(_named_at(tokens, at, names.spoken)))
                    found.update(dict.fromkeys(_named_at(tokens, at, agencies.spoken)))
    found.update(dict.fromkeys(_agencies_written(text)))
    if _UNSPACED.search(text):
        for unspaced in (names.unspaced, agencies.unspaced):
            found.update(dict.fromkeys(key for name, key in unspaced.items() if name in text))
    return tuple(found)


def _hits(consonants: set[str], known: Iterable[dict[str, list[_Spoken]]]) -> set[str]:
    """Those with which a known name may begin: its longest word, perhaps with an ending."""
    found: set[str] = set()
    shorter = {word[:-1] for word in consonants}
    for names in known:
        found |= names.keys() & consonants
        if longer := names.keys() & shorter:
            found.update(word for word in consonants if word[:-1] in longer)
    return found


def _around(text: str, words: Iterable[str]) -> Iterator[str]:
    """The parts of a text within REACH of one of these words, in order, cut at spaces."""
    begin = end = 0
    for start, stop in sorted(span for word in words for span in _occurrences(text, word)):
        left = (text.find(" ", start - REACH, start) + 1 or start - REACH) if start > REACH else 0
        right = text.rfind(" ", stop, stop + REACH) if stop + REACH < len(text) else len(text)
        if left > end:
            yield text[begin:end]
            begin = left
        end = max(end, right if right >= 0 else stop + REACH)
    yield text[begin:end]


def _occurrences(text: str, word: str) -> Iterator[tuple[int, int]]:
    at = text.find(word)
    while at >= 0:
        yield at, at + len(word)
        at = text.find(word, at + len(word))


def _agencies_written(text: str) -> list[int]:
    """Keys of the agencies whose short names stand in a text, in the order of the table."""
    finder, keys = _written()
    found = finder.find_matches_as_indexes(text, overlapping=True)
    return [keys[name] for name in sorted({name for name, start, end in found if _alone(text, start, end)})]


def _named_at(tokens: list[str], at: int, known: dict[str, list[_Spoken]]) -> Iterator[int]:
    """Keys of the names whose longest word stands here, and the others around it."""
    for phrase, index, key in (*known.get(tokens[at], ()), *known.get(tokens[at][:-1], ())):
        said = tokens[max(at - index, 0) : at - index + len(phrase)]
        if len(said) == len(phrase) and all(map(_inflected, said, phrase)):
            yield key


def _inflected(token: str, part: str) -> bool:
    """Whether a word is this part of a name; an ending may add a consonant."""
    return token == part or token[:-1] == part


def _alone(text: str, start: int, end: int) -> bool:
    return not (text[start - 1 : start].isalnum() or text[end : end + 1].isalnum())


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


@cache
def _written() -> tuple[AhoCorasick, Sequence[int]]:
    """Finds the short names of agencies, and their keys."""
    written = _agencies().written
    return AhoCorasick(list(written), matchkind=MatchKind.Standard), tuple(written.values())
