"""What an article is about: themes of a lexicon, by concepts that every language has and by words of its own.

`themes.yaml` beside this file is the lexicon; a user's own files of the same form join it (`add`).
"""

from collections.abc import Iterator
from functools import cache
from pathlib import Path

import msgspec

from pipeline.enrich.lexicon import Pattern, read_yaml
from pipeline.enrich.reading import Reading
from pipeline.model.enriched import Theme

ENOUGH = 2
"""Different words of a theme that make it one of the article's; in the headline a single one does."""
MOST = 6
"""Mentions that are kept of one theme."""
_added: list[Path] = []


class Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="kebab"):
    """A theme of the lexicon."""

    media_topic: str | None = None
    concepts: tuple[str, ...] = ()
    words: dict[str, tuple[str, ...]] = {}


def add(*files: Path) -> None:
    """Further themes, before anything has been read; for a user's own.

    Raises:
        ValueError: a file is not a lexicon of themes; the message names file and field.
    """
    for file in files:
        _read(file)
        _added.append(file)
    from pipeline.enrich.vocabulary import matcher  # it is made of these themes

    for cached in (lexicon, _concepts, matcher):
        cached.cache_clear()


def own() -> tuple[Path, ...]:
    """The files that were added, in their order."""
    return tuple(_added)


@cache
def lexicon() -> dict[str, Entry]:
    """Every theme by its id."""
    found: dict[str, Entry] = {}
    for file in (Path(__file__).parent / "themes.yaml", *_added):
        found.update(_read(file))
    return found


def media_topic(theme: str) -> str | None:
    """The IPTC Media Topic of a theme, as `medtop:20000639`; None where none fits."""
    entry = lexicon().get(theme)
    return entry.media_topic if entry else None


def read(reading: Reading) -> tuple[Theme, ...]:
    """The themes of an article with the words that gave them, the best supported first."""
    mentions: dict[str, set[tuple[int, int]]] = {}
    themes_of = _concepts()
    for concept in themes_of.keys() & reading.concepts.keys():
        for theme in themes_of[concept]:
            mentions.setdefault(theme, set()).update([hit[:2] for hit in reading.concepts[concept]])
    for start, end, _, theme in reading.themes:
        mentions.setdefault(theme, set()).add((start, end))
    themes = []
    folded, headline = reading.folded, reading.body_start - 1
    for theme, spans in mentions.items():
        different = {folded[start : min(end, start + 6)] for start, end in spans}
        if len(different) >= ENOUGH or min(spans)[0] < headline:
            kept = tuple(reading.span(start, end) for start, end in sorted(spans)[:MOST])
            themes.append((-len(spans), Theme(id=theme, mentions=kept)))
    themes.sort(key=lambda one: (one[0], one[1].id))
    return tuple(theme for _, theme in themes)


def _read(file: Path) -> dict[str, Entry]:
    try:
        return msgspec.convert(read_yaml(file) or {}, dict[str, Entry])
    except msgspec.ValidationError as error:
        raise ValueError(f"{file.name}: {error}") from None


@cache
def _concepts() -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for theme, entry in lexicon().items():
        for concept in entry.concepts:
            found[concept] = (*found.get(concept, ()), theme)
    return found


def patterns(language: str) -> Iterator[Pattern]:
    """The words of themes in a language."""
    for theme, entry in lexicon().items():
        for text in entry.words.get(language, ()):
            yield Pattern(text, "theme", theme)
