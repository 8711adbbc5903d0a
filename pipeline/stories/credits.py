"""Whom an article credits: outlets already heard of, and news agencies, by their names in any script."""

from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from zlib import crc32

import yaml

from pipeline.model.article import Source
from pipeline.stories.latin import skeleton

FEWEST = 5
"""Consonants that tell a name from ordinary words."""


@dataclass
class Names:
    """Names of outlets, to be found in texts."""

    spoken: dict[str, list[tuple[tuple[str, ...], int]]] = field(default_factory=dict)
    """Consonants of the first word -> consonants of every name that begins so, and its key."""
    written: dict[str, int] = field(default_factory=dict)
    """Names too short for that, or without consonants, as they are written, and their keys."""


def key_of(kind: str, name: str) -> int:
    """The 32-bit key of a source, an owner or an agency."""
    return crc32(f"{kind}/{name}".encode("utf-8", "surrogatepass"))


def own_keys(source: Source) -> tuple[int, ...]:
    """Under which a source's own account is known: its id, the agency that it is, its owner."""
    keys = [key_of("source", source.id)]
    agencies = _agencies()
    phrase = _phrase(source.name)
    keys += [key for known, key in agencies.spoken.get(phrase[0], ()) if known == phrase] if phrase else []
    keys += [agencies.written[source.name]] if source.name in agencies.written else []
    return (*keys, key_of("owner", source.owner)) if source.owner else tuple(keys)


def learn_name(names: Names, source: str, name: str) -> None:
    """Adds the name of a source, unless it could be an ordinary word."""
    _add(names, name, key_of("source", source), short=False)


def credited(text: str, names: Names) -> tuple[int, ...]:
    """Keys of the agencies and sources that a text names; those spelled by sound in order of appearance, first."""
    agencies = _agencies()
    tokens = skeleton(text).split()
    end = len(tokens)
    found: dict[int, None] = {}
    for index, token in enumerate(tokens):
        for known in (names.spoken, agencies.spoken):
            for phrase, key in (*known.get(token, ()), *known.get(token[:-1], ())):
                if all(map(_inflected, tokens[index : index + len(phrase)], phrase)) and index + len(phrase) <= end:
                    found[key] = None
    for written in (names.written, agencies.written):
        for name, key in written.items():
            if _stands_in(name, text):
                found[key] = None
    return tuple(found)


def _inflected(token: str, part: str) -> bool:
    """Whether a word is this part of a name; an ending may add a consonant."""
    return token == part or token[:-1] == part


def _stands_in(name: str, text: str) -> bool:
    at = text.find(name)
    if at < 0 or not _spaced(name):
        return at >= 0
    end = at + len(name)
    return not (text[at - 1 : at].isalnum() or text[end : end + 1].isalnum())


def _spaced(name: str) -> bool:
    """Whether words of its script stand apart."""
    return not "\u3040" <= name[0] <= "\u9fff"


def _add(names: Names, name: str, key: int, *, short: bool) -> None:
    phrase = _phrase(name)
    if sum(map(len, phrase)) >= FEWEST:
        listed = names.spoken.setdefault(phrase[0], [])
        if (phrase, key) not in listed:
            listed.append((phrase, key))
    elif len(name) > 1 and (short or not _spaced(name)):
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
