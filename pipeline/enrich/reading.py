"""Reading: one article being read. What every question of this room is asked of."""

import re
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Container, Set
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

from pipeline.enrich.lexicon import Hit, fold, morphology
from pipeline.model.article import Article
from pipeline.model.enriched import Actor, Facility, Place, Span

# A sentence ends at . ! ? … and their like before a space and no lower-case letter, and at every line's end.
_CLOSERS = r"""["'»”’)\]」』）]*+"""
_STOP = re.compile(
    rf"[.!?…։؟۔।。！？\n](?:(?<=[。！？\n])[.!?…]*+{_CLOSERS}\s*+"
    rf"|[.!?…]*+{_CLOSERS}(?:[^\S\n]*+\n\s*+|[^\S\n]++(?![a-zа-яёіїєґ])))"
)
_SHORT_WORD = re.compile(r"\b\w{1,6}$")
_ABBREVIATIONS = frozenset(
    (
        *"ABCDEFGHIJKLMNOPQRSTUVWXYZ",
        *"АБВГДЕЖЗИЙКЛМНОПРСТУФХЦЧШЩЪЫЬЭЮЯЇІЄ",
        *("Mr", "Mrs", "Ms", "Dr", "St", "Sen", "Gov", "Gen", "Col", "Lt", "Maj", "Capt", "Sgt", "Prof", "Rev", "No"),
        *("vs", "approx", "Jan", "Feb", "Aug", "Sept", "Oct", "Nov", "Dec"),
        *("ул", "им", "г", "гг", "стр", "млн", "млрд", "тыс", "тис", "вул", "ім", "р", "ген", "полк"),
        *("prof", "dr", "gen", "płk", "hr", "Nr", "Hr", "Fr", "bzw", "ca", "Sr", "Sra", "EE", "UU"),
    )
)
"""Words behind which a point ends no sentence."""

LONGEST_SENTENCE = 1_500
"""Characters."""


class Mention(NamedTuple):
    """Words that name somebody or something, once their context has been judged; offsets in the text."""

    start: int
    end: int
    kind: str
    """state | adjective | demonym | government (a capital standing for it) | organ | organisation | group | person
    | country | region | city | facility"""
    id: str
    """Of the actor, place or facility."""


@dataclass
class Reading:
    """An article's text with everything found in it so far.

    `text` is title and body, a blank line between; all offsets are in it until `span` turns them into spans.
    """

    article: Article
    language: str
    names: list[Hit] = field(default_factory=list)
    """States, adjectives, demonyms, places, organisations: longest only, in order."""
    words: list[Hit] = field(default_factory=list)
    """Concepts of the language's `words.yaml`, in order; they may overlap."""
    themes: list[Hit] = field(default_factory=list)
    """Words of themes, in order."""
    mentions: list[Mention] = field(default_factory=list)
    """In order of start. A facility's mention encloses those of its owner and host where they stand beside it."""
    actors: dict[str, Actor] = field(default_factory=dict)
    places: dict[str, Place] = field(default_factory=dict)
    facilities: dict[str, Facility] = field(default_factory=dict)
    speech: tuple[Any, ...] | None = None
    """Who speaks where, once `speech.attributions` has looked."""
    genre: Any = None
    """Once `genre.genre` has judged it."""

    @cached_property
    def text(self) -> str:
        return f"{self.article.title}\n\n{self.article.body or self.article.summary}"

    @cached_property
    def folded(self) -> str:
        return fold(self.text)

    @cached_property
    def body_start(self) -> int:
        return len(self.article.title) + 2

    @cached_property
    def sentences(self) -> list[tuple[int, int]]:
        """Start and end of each sentence; the title is one of them."""
        text, start, sentences = self.text, 0, []
        for stop in _STOP.finditer(text):
            at, end = stop.span()
            word = _SHORT_WORD.search(text, max(start, at - 7), at) if text[at] == "." else None
            if word and word[0] in _ABBREVIATIONS:
                continue
            if at > start and not text[start:at].isspace():
                if end - start <= LONGEST_SENTENCE:
                    sentences.append((start, end))
                else:
                    sentences += _pieces(text, start, end)
            start = end
        if text[start:].strip():
            sentences += _pieces(text, start, len(text))
        return sentences

    @cached_property
    def words_by_sentence(self) -> dict[int, list[Hit]]:
        """The concepts of each sentence that has any."""
        sentences: dict[int, list[Hit]] = {}
        first, words, starts = 0, self.words, [hit[0] for hit in self.words]
        for number, following in enumerate((*self._starts[1:], len(self.text) + 1)):
            last = bisect_left(starts, following, first)  # words are in order, as the sentences are
            if last > first:
                sentences[number] = words[first:last]
                first = last
        return sentences

    @cached_property
    def concepts(self) -> dict[str, list[Hit]]:
        """Every concept that stands anywhere in the article, with its words."""
        concepts: defaultdict[str, list[Hit]] = defaultdict(list)
        for hit in self.words:
            concepts[hit[3]].append(hit)
        return dict(concepts)

    def words_of(self, concepts: Set[str]) -> list[Hit]:
        """The words of these concepts, in order."""
        all_ = self.concepts
        present = concepts & all_.keys()
        if not present:
            return []
        found = [hit for concept in present for hit in all_[concept]]
        found.sort()
        return found

    def mentions_between(self, start: int, end: int, kinds: Container[str] | None = None) -> list[Mention]:
        """Mentions that begin between two offsets, of these kinds where any are given."""
        found = self.mentions[bisect_left(self.mentions, (start,)) : bisect_left(self.mentions, (end,))]
        return found if kinds is None else [mention for mention in found if mention.kind in kinds]

    @cached_property
    def word_starts(self) -> frozenset[int]:
        """Where the concepts found begin."""
        return frozenset([hit[0] for hit in self.words])

    @cached_property
    def word_ends(self) -> frozenset[int]:
        """Where the concepts found end."""
        return frozenset([hit[1] for hit in self.words])

    @property
    def plain_capitals(self) -> bool:
        """Whether a capital letter marks a name in this language: not in German, nor where there are none."""
        return self.language not in ("de", "lb") and morphology(self.language).capitals

    def names_between(self, start: int, end: int) -> list[Hit]:
        """Names that begin between two offsets, actors or not."""
        return self.names[bisect_left(self.names, (start,)) : bisect_left(self.names, (end,))]

    @cached_property
    def _starts(self) -> list[int]:
        return [start for start, _ in self.sentences]

    def sentence_at(self, offset: int) -> int:
        """Index of the sentence around an offset."""
        return max(0, bisect_right(self._starts, offset) - 1)

    def span(self, start: int, end: int) -> Span:
        """The span of stored text that these offsets name; cut at the title's end where they cross it."""
        shift = self.body_start
        if start < shift - 2:
            return Span(field="title", start=start, end=min(end, shift - 2))
        return Span(
            field="body" if self.article.body else "summary",
            start=start - shift if start > shift else 0,
            end=end - shift,
        )


def _pieces(text: str, start: int, end: int) -> list[tuple[int, int]]:
    """A sentence; in pieces where it is longer than any that people write, so that no text takes long to read."""
    pieces = []
    while end - start > LONGEST_SENTENCE:
        space = text.rfind(" ", start + 1, start + LONGEST_SENTENCE) + 1
        cut = space or start + LONGEST_SENTENCE
        pieces.append((start, cut))
        start = cut
    return [*pieces, (start, end)]
