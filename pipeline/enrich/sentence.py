"""One sentence of an article and what stands in it, and how near its words are to one another."""

import re
from collections.abc import Callable, Iterable, Sequence
from datetime import date
from functools import cached_property, partial
from typing import Any

from pipeline.enrich.genre import Genre, genre
from pipeline.enrich.grammar import grammar
from pipeline.enrich.lexicon import Hit
from pipeline.enrich.reading import Reading
from pipeline.enrich.speech import Attribution, attributions

OPENING = 700
"""Characters of the body that count as its opening."""
PLACES = frozenset(["country", "region", "city"])
"""Kinds of mentions that are places."""
BREAK = re.compile(r"[,;:()–—\n\"«»“”，；：（）]")
"""What parts a sentence."""

UNREAL = ("fiction", "exercise", "satire", "anniversary", "trial", "history")
"""Genres that tell of deeds not done now, the first that a sentence has counting."""
PLAIN = 3
"""Weight from which a genre counts in the sentences that have a word of it."""

_NAMES = frozenset(["state", "government", "organ", "organisation", "group", "adjective", "demonym"])


class Context:
    """What is asked again and again while the events of one article are found."""

    def __init__(self, reading: Reading) -> None:
        self.reading = reading
        rules = grammar(reading.language)
        self.spaced = rules.spaced
        self.words_apart: Callable[[int, int], int] = (
            partial(_syllables_apart, reading.folded)
            if rules.syllables
            else partial(reading.folded.count, " ")
            if rules.spaced
            else _letters_apart
        )
        """Words between two offsets."""
        self.verb_last = rules.verb_last
        self.postpositions = bool(rules.after or rules.locative)
        self.trailing = self.postpositions or not rules.spaced  # "near" stands behind what it is near
        self.bare_names = rules.verb_last or rules.bare_names
        self.owner_first = rules.owner == rules.adjective == "before"

    @cached_property
    def genre(self) -> Genre:
        return genre(self.reading)

    @cached_property
    def unreal(self) -> tuple[str, ...]:
        """What in the article is invented, rehearsed, remembered or tried in court, as far as its words tell."""
        return tuple(genre for genre in UNREAL if self.genre.weight(genre) >= PLAIN)

    @cached_property
    def speech(self) -> dict[int, list[Attribution]]:
        """Who speaks in each sentence."""
        found: dict[int, list[Attribution]] = {}
        for said in attributions(self.reading):
            found.setdefault(said.sentence, []).append(said)
        return found

    @cached_property
    def concepts(self) -> frozenset[str]:
        """Every concept that stands anywhere in the article."""
        return frozenset(self.reading.concepts)

    @cached_property
    def published(self) -> date:
        when = self.reading.article.published or self.reading.article.fetched
        return when.date() if when else date.max

    @cached_property
    def states(self) -> frozenset[str]:
        """States, organisations and groups named anywhere, a country or city counting as its state."""
        named = {state for mention in self.reading.mentions for state in self.states_of(mention)}
        return frozenset(named)

    @cached_property
    def names_a_state(self) -> bool:
        """A state is named, or its capital stands for it: more than a town, or an office that could be anybody's."""
        kinds = ("state", "adjective", "demonym", "government", "country")
        return any(mention.kind in kinds for mention in self.reading.mentions)

    def states_of(self, mention: Any) -> tuple[str, ...]:
        """The states a mention or name speaks of."""
        kind, id_ = mention[2], mention[3]
        if kind in ("state", "adjective", "demonym", "government", "organ"):
            return (id_.split("/")[0],)
        if kind in ("organisation", "group"):
            return (id_,)
        if kind == "facility":
            facility = self.reading.facilities.get(id_)
            return tuple(state for state in (facility.owner, facility.country) if state) if facility else ()
        if kind in PLACES:
            place = self.reading.places.get(id_)
            return (place.country,) if place else ()
        return ()

    def apart(self, one: Any, other: Any) -> int | None:
        """Words between two hits; 0 where one lies within a longer phrase; None where they overlap otherwise."""
        if one[1] <= other[0]:
            return self.words_apart(one[1], other[0])
        if other[1] <= one[0]:
            return self.words_apart(other[1], one[0])
        first, second = (one, other) if one[0] <= other[0] else (other, one)
        inner, outer = (first, second) if first[1] - first[0] < second[1] - second[0] else (second, first)
        within = outer[0] <= inner[0] and inner[1] <= outer[1] and outer[1] - outer[0] > inner[1] - inner[0]
        return 0 if within else None

    def near(self, hit: Any, others: Iterable[Any], words: int) -> bool:
        """Whether any of the others stands within so many words."""
        for other in others:
            gap = self.apart(hit, other)
            if gap is not None and gap <= words:
                return True
        return False

    def before(self, hit: Any, others: Iterable[Any], words: int, *, clause: bool = False) -> bool:
        """Whether any of the others stands before the hit, within so many words and with no comma between.

        With `clause`, the comma of a subordinate clause is none: "dementierte, dass", "zaprzecza, że".
        """
        text = self.reading.text
        for other in others:
            if (
                other[1] <= hit[0]
                and self.words_apart(other[1], hit[0]) <= words
                and not BREAK.search(text, other[1] + (clause and text[other[1]] == ","), hit[0])
            ):
                return True
        return False

    def governed(self, hit: Any, cues: Sequence[Any], words: int, *, clause: bool = False) -> bool:
        """Whether a cue governs the hit: before it, or where verbs come last close behind it or in its ending."""
        if self.before(hit, cues, words, clause=clause):
            return True
        return self.verb_last and any(
            cue[0] < hit[1] <= cue[1] or self.before(cue, [hit], (words + 1) // 2) for cue in cues
        )


def _syllables_apart(folded: str, start: int, end: int) -> int:
    """Words between two offsets where spaces part syllables, at three syllables for two words."""
    return folded.count(" ", start, end) * 2 // 3


def _letters_apart(start: int, end: int) -> int:
    """Words between two offsets where no spaces part them, at two letters a word."""
    return max(0, end - start) // 2


class Sentence:
    """One sentence with the concepts in it, and the names as `@kind`."""

    def __init__(self, context: Context, number: int) -> None:
        self.context = context
        self.number = number
        self.start, self.end = context.reading.sentences[number]
        self._named: dict[str, list[Hit]] = {}
        self.words: dict[str, list[Hit]] = {}
        """The concepts here, with the hits of each."""
        for hit in context.reading.words_by_sentence.get(number, ()):
            self.words.setdefault(hit[3], []).append(hit)

    def named(self, kind: str) -> list[Hit]:
        """The names here of a kind, `@state` and the like, as hits of it."""
        if kind not in self._named:
            kinds = PLACES if kind == "@place" else (kind[1:],)
            spans = dict.fromkeys((name[0], name[1], name[2]) for name in self._everyone if name[2] in kinds)
            self._named[kind] = [Hit(start, end, "name", kind) for start, end, _ in spans]
        return self._named[kind]

    @cached_property
    def _everyone(self) -> list[Any]:
        reading = self.context.reading
        return [*reading.mentions_between(self.start, self.end), *reading.names_between(self.start, self.end)]

    @cached_property
    def names(self) -> list[Any]:
        """Names that speak of a state: mentions, and nationalities that are no actors."""
        found: dict[tuple[int, int], Any] = {}
        for name in reversed(self._everyone):  # a mention counts before a mere name
            if name[2] in _NAMES or name[2] in PLACES or name[2] == "facility":
                found[name[0], name[1]] = name
        return sorted(found.values(), key=lambda name: (name[0], name[1]))

    def has(self, *concepts: str) -> bool:
        """Whether any of these concepts stands here, or a name of these kinds."""
        return not self.words.keys().isdisjoint(concepts) or any(
            self.named(concept) for concept in concepts if concept[0] == "@"
        )

    def of(self, *concepts: str) -> list[Hit]:
        """The hits of these concepts, and the names of these kinds."""
        found: list[Hit] = []
        for concept in concepts:
            if concept in self.words:
                found += self.words[concept]
            elif concept[0] == "@":
                found += self.named(concept)
        return found

    @cached_property
    def speech(self) -> list[Attribution]:
        """Who speaks here."""
        return self.context.speech.get(self.number, [])

    @property
    def in_title(self) -> bool:
        """The headline."""
        return self.start < self.context.reading.body_start - 1

    @property
    def opens(self) -> bool:
        """Headline or opening of the article."""
        return self.start < self.context.reading.body_start + OPENING
