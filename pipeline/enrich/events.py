"""What happened: words that stand together, who they stand beside, and what the text around them is worth.

`events.yaml` says which words make which event; this file finds them within a sentence, asks of each find whether the
words truly belong together (`CHECKS`), and judges its status. Nothing here knows a language.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date
from functools import cache, cached_property
from itertools import count
from pathlib import Path
from typing import Any, Literal, NamedTuple

from pipeline.enrich.genre import Genre, genre
from pipeline.enrich.grammar import grammar
from pipeline.enrich.lexicon import Hit, morphology, read_yaml
from pipeline.enrich.munitions import bystander, violated
from pipeline.enrich.reading import Reading
from pipeline.enrich.speech import Attribution, attributions
from pipeline.model.enriched import Event, Facility, Place, Status

STRENGTH: tuple[Status, ...] = ("reported", "claimed", "denied", "threatened", "hypothetical", "past")
"""Strongest first: of the sentences that tell one event, the strongest decides."""

OPENING = 700
"""Characters of the body that count as its opening."""
MOST, MOST_GENERAL = 24, 8
"""Events of one article at the most, and deeds in general among them."""

_YEAR = re.compile(r"\b(?:1[5-9]|20)\d\d\b")
_BREAK = re.compile(r"[,;:()–—\n\"«»“”]")
_NAMES = frozenset(["state", "government", "organ", "organisation", "group", "adjective", "demonym"])
_PLACES = frozenset(["country", "region", "city"])
_UNREAL: dict[str, Status] = {
    "fiction": "hypothetical",
    "exercise": "hypothetical",
    "satire": "hypothetical",
    "anniversary": "past",
    "history": "past",
    "trial": "past",
    "rumour-false": "denied",
}
_NOT_FOR_TRIALS = frozenset(
    [
        "foreigner-detained",
        "ambassador-summoned",
        "protest-delivered",
        "diplomats-expelled",
        "ambassador-recalled",
        "sanctions-changed",
        "aid-changed",
    ]
)
_WANTED = frozenset(
    "ceasefire-agreed ceasefire-extended ceasefire-ended sanctions-changed aid-changed border-closed border-reopened"
    " diplomats-expelled relations-cut emergency-declared martial-law mobilisation-ordered mission-closed".split()
)
"""What people propose, demand and refuse, so that a proposal must not be taken for the deed."""
_OF_PREMISES = frozenset(["premises-damaged", "mission-closed"])
_CLOSE = 7
"""Words between a leader and what befell them, where no name stands between."""
_HARM = frozenset(["damage", "burn"])
_SPEAKS = frozenset(["says", "denies", "confirms", "condemns", "announces", "warns", "demands", "no-comment"])

Verdict = bool | Status


class Pattern(NamedTuple):
    """One way of telling an event."""

    number: int
    """Of the pattern among all."""
    slots: tuple[frozenset[str], ...]
    sure: tuple[frozenset[str], ...]
    """Slots that no name fills: an article without their concepts cannot hold the pattern."""
    near: int
    checks: tuple[str, ...]
    excluded: frozenset[str]
    status: Status | None


class Spec(NamedTuple):
    """An event of `events.yaml`."""

    what: str
    type: str
    mode: str | None
    context: tuple[str, ...]
    states: int
    lead: bool
    unless: frozenset[str]
    patterns: tuple[Pattern, ...]


class Found(NamedTuple):
    """A pattern found in a sentence."""

    spec: Spec
    sentence: int
    words: tuple[Hit, ...]
    status: Status


class Sentence:
    """One sentence with the concepts in it, and the names as `@kind`."""

    def __init__(self, article: "_Article", number: int, hits: list[Hit]) -> None:
        self.article = article
        self.number = number
        self.start, self.end = article.reading.sentences[number]
        self.by_value: dict[str, list[Hit]] = {}
        for hit in hits:
            self.by_value.setdefault(hit.value, []).append(hit)
        for start, end, kind in dict.fromkeys(name[:3] for name in self._everyone()):
            value = "@place" if kind in _PLACES else f"@{kind}"
            self.by_value.setdefault(value, []).append(Hit(start, end, "name", value))

    def _everyone(self) -> list[Any]:
        reading = self.article.reading
        return [*reading.mentions_between(self.start, self.end), *reading.names_between(self.start, self.end)]

    @cached_property
    def names(self) -> list[Any]:
        """Names that speak of a state: mentions, and nationalities that are no actors."""
        found: dict[tuple[int, int], Any] = {}
        for name in reversed(self._everyone()):  # a mention counts before a mere name
            if name[2] in _NAMES or name[2] in _PLACES or name[2] == "facility":
                found[name[0], name[1]] = name
        return sorted(found.values(), key=lambda name: (name[0], name[1]))

    def has(self, *concepts: str) -> bool:
        """Whether any of these concepts stands here."""
        return not self.by_value.keys().isdisjoint(concepts)

    def of(self, *concepts: str) -> Iterator[Hit]:
        """The hits of these concepts."""
        for concept in concepts:
            yield from self.by_value.get(concept, ())

    @cached_property
    def speech(self) -> list[Attribution]:
        """Who speaks here."""
        return self.article.speech.get(self.number, [])

    @cached_property
    def in_title(self) -> bool:
        """The headline."""
        return self.start < self.article.reading.body_start - 1

    @cached_property
    def opens(self) -> bool:
        """Headline or opening of the article."""
        return self.start < self.article.reading.body_start + OPENING


class _Article:
    """What is asked again and again while the events of one article are found."""

    def __init__(self, reading: Reading) -> None:
        self.reading = reading
        self.headlined: dict[str, Status] = {}
        """What the headline says happened, and its status there."""
        self.words_apart: Callable[[int, int], int] = self._spaces if _spaced(reading.language) else self._letters
        rules = grammar(reading.language)
        self.verb_last = rules.verb_last
        self.postpositions = bool(rules.after or rules.locative)

    @cached_property
    def genre(self) -> Genre:
        return genre(self.reading)

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
        if kind in _PLACES:
            place = self.reading.places.get(id_)
            return (place.country,) if place else ()
        return ()

    def _spaces(self, start: int, end: int) -> int:
        return self.reading.folded.count(" ", start, end)

    def _letters(self, start: int, end: int) -> int:
        return max(0, end - start) // 2

    def apart(self, one: Any, other: Any) -> int | None:
        """Words between two hits; 0 where one lies within a longer phrase; None where they overlap otherwise."""
        first, second = (one, other) if one[0] <= other[0] else (other, one)
        if second[0] >= first[1]:
            return self.words_apart(first[1], second[0])
        inner, outer = (first, second) if first[1] - first[0] < second[1] - second[0] else (second, first)
        within = outer[0] <= inner[0] and inner[1] <= outer[1] and outer[1] - outer[0] > inner[1] - inner[0]
        return 0 if within else None

    def near(self, hit: Any, others: Iterable[Any], words: int) -> bool:
        """Whether any of the others stands within so many words."""
        return any((gap := self.apart(hit, other)) is not None and gap <= words for other in others)

    def before(self, hit: Any, others: Iterable[Any], words: int, *, clause: bool = False) -> bool:
        """Whether any of the others stands before the hit, within so many words and with no comma between.

        With `clause`, the comma of a subordinate clause is none: "dementierte, dass", "zaprzecza, że".
        """
        text = self.reading.text
        return any(
            other[1] <= hit[0]
            and self.words_apart(other[1], hit[0]) <= words
            and not _BREAK.search(text, other[1] + (clause and text[other[1]] == ","), hit[0])
            for other in others
        )

    def governed(self, hit: Any, cues: Iterable[Any], words: int, *, clause: bool = False) -> bool:
        """Whether a cue governs the hit: before it, or where verbs come last close behind it or in its ending."""
        cues = tuple(cues)
        if self.before(hit, cues, words, clause=clause):
            return True
        return self.verb_last and any(
            cue[0] < hit[1] <= cue[1] or self.before(cue, [hit], (words + 1) // 2) for cue in cues
        )


def read(reading: Reading) -> tuple[Event, ...]:
    """The events of an article, in order of the text: of each kind and facility the one told most firmly."""
    article = _Article(reading)
    strongest: dict[tuple[str, str], Found] = {}
    retracted = _retracted(reading)
    for sentence, found in _find(article):
        if sentence.in_title:
            article.headlined[found.spec.what] = found.status
        if retracted:
            found = found._replace(status="denied")
        key = (found.spec.what, _facility_id(article, found) if found.spec.what in _OF_PREMISES else "")
        known = strongest.get(key)
        if known is None or STRENGTH.index(found.status) < STRENGTH.index(known.status):
            strongest[key] = found
    if fallout := _fallout(article, strongest.values()):
        strongest[fallout.spec.what, ""] = fallout
    told = [_as_headlined(article, found) for found in strongest.values()]
    told.sort(key=lambda found: (found.sentence, min(word.start for word in found.words)))
    return tuple(_event(article, found) for found in _fewer(told))


def general(what: str, type_: str) -> bool:
    """Whether an event is a deed in general, named after its PLOVER type."""
    return what == type_.lower()


def _fewer(told: list[Found]) -> list[Found]:
    """All that rules ask for, and of the deeds in general the first few."""
    room, kept = MOST_GENERAL, []
    for found in told:
        if general(found.spec.what, found.spec.type):
            room -= 1
            if room < 0:
                continue
        kept.append(found)
    return kept[:MOST]


def _fallout(article: _Article, found: Iterable[Found]) -> Found | None:
    """A third state's mission that a munition hit in a country at war: its soil was violated too."""
    what = "munition-crossed-border"
    told = [one for one in found if one.status in ("reported", "claimed")]
    if not article.concepts & {"munition", "debris"} or any(one.spec.what == what for one in told):
        return None
    for hit in told:
        facility = _facility(article, hit) if hit.spec.what == "premises-damaged" else None
        if (
            facility
            and facility.owner
            and bystander(facility.owner, facility.country, article.states, article.published)
        ):
            spec = next(spec for spec, _ in _specs()["munition"] if spec.what == what)
            return hit._replace(spec=spec)
    return None


def _retracted(reading: Reading) -> bool:
    """The headline or first sentence takes a report back."""
    return any(hit.start < reading.body_start + 200 for hit in reading.concepts.get("withdraw", ()))


def _as_headlined(article: _Article, found: Found) -> Found:
    """Where the headline says that it may happen, is denied or long gone, what stands far below counts less."""
    headline = article.headlined.get(found.spec.what)
    if headline in (None, "reported", "claimed") or found.status not in ("reported", "claimed"):
        return found
    opening = article.reading.body_start + OPENING // 2
    if article.reading.sentences[found.sentence][0] < opening and found.status == "reported":
        return found
    return found._replace(status=headline)


@cache
def _specs() -> dict[str, tuple[tuple[Spec, Pattern], ...]]:
    """Concepts to the patterns that are looked for by them."""
    data = read_yaml(Path(__file__).parent / "events.yaml")
    groups = {name: frozenset(text.split()) for name, text in data["groups"].items()}
    index: dict[str, list[tuple[Spec, Pattern]]] = {}
    numbers = count()
    for what, entry in data["events"].items():
        spec = Spec(
            what=what,
            type=entry["type"],
            mode=entry.get("mode"),
            context=tuple(entry.get("context", ())),
            states=entry.get("states", 0),
            lead=entry.get("lead", False),
            unless=frozenset(entry.get("unless", ())),
            patterns=tuple(_pattern(next(numbers), pattern, groups) for pattern in entry["patterns"]),
        )
        for pattern in spec.patterns:
            for concept in sorted(_key(pattern)):
                index.setdefault(concept, []).append((spec, pattern))
    return {concept: tuple(patterns) for concept, patterns in index.items()}


def _key(pattern: Pattern) -> frozenset[str]:
    """The slot by which a pattern is looked for: the first that no name fills, else the concepts of the first."""
    pure = (slot for slot in pattern.slots if not any(concept.startswith("@") for concept in slot))
    return next(pure, frozenset(concept for concept in pattern.slots[0] if not concept.startswith("@")))


def _live(article: _Article) -> dict[str, list[tuple[Spec, Pattern]]]:
    """The patterns that this article can hold, by the concepts that begin them."""
    live: dict[str, list[tuple[Spec, Pattern]]] = {}
    possible: dict[int, bool] = {}
    concepts, states, kind, specs = article.concepts, article.states, article.genre.kind, _specs()
    for concept in concepts & specs.keys():
        for pair in specs[concept]:
            spec, pattern = pair
            if pattern.number not in possible:
                possible[pattern.number] = (
                    kind not in spec.unless
                    and len(states) >= spec.states
                    and not any(map(concepts.isdisjoint, pattern.sure))
                )
            if possible[pattern.number]:
                live.setdefault(concept, []).append(pair)
    return live


def _pattern(number: int, data: dict[str, Any], groups: dict[str, frozenset[str]]) -> Pattern:
    slots = tuple(_slot(slot, groups) for slot in data["all"])
    return Pattern(
        number=number,
        slots=slots,
        sure=tuple(slot for slot in slots if not any(concept.startswith("@") for concept in slot)),
        near=data.get("near", 0),
        checks=tuple(data.get("check", ())),
        excluded=frozenset(data.get("not", ())),
        status=data.get("status"),
    )


def _slot(text: str, groups: dict[str, frozenset[str]]) -> frozenset[str]:
    concepts: set[str] = set()
    for word in text.split():
        concepts |= groups.get(word, frozenset([word]))
    return frozenset(concepts)


@cache
def _spaced(language: str) -> bool:
    return morphology(language).script.spaced


def _find(article: _Article) -> Iterator[tuple[Sentence, Found]]:
    """Every pattern that holds, sentence by sentence; of each event in a sentence the most firmly told."""
    live = _live(article)
    settled: set[str] = set()
    if not live:
        return
    for number, hits in sorted(article.reading.words_by_sentence.items()):
        values = {hit[3] for hit in hits}
        firsts = values & live.keys()
        if not firsts:
            continue
        sentence: Sentence | None = None
        found: dict[str, Found] = {}
        asked: set[int] = set()
        for spec, pattern in [pair for first in sorted(firsts) for pair in live[first]]:
            if pattern.number in asked or spec.what in settled:
                continue
            asked.add(pattern.number)
            if any(map(values.isdisjoint, pattern.sure)) or not values.isdisjoint(pattern.excluded):
                continue
            sentence = sentence or Sentence(article, number, hits)
            if any(map(sentence.by_value.keys().isdisjoint, pattern.slots)):
                continue
            for status, words in _matches(article, sentence, spec, pattern):
                known = found.get(spec.what)
                if known is None or STRENGTH.index(status) < STRENGTH.index(known.status):
                    found[spec.what] = Found(spec, number, words, status)
                break
        if sentence is None:
            continue
        for one in found.values():
            if one.status == "reported" and one.spec.what not in _OF_PREMISES:
                settled.add(one.spec.what)
            yield sentence, one


def _matches(
    article: _Article, sentence: Sentence, spec: Spec, pattern: Pattern
) -> Iterator[tuple[Status, tuple[Hit, ...]]]:
    for words in _together(article, sentence, pattern)[:4]:
        verdict: Verdict = True
        for check in pattern.checks:
            verdict = CHECKS[check](article, sentence, words)
            if verdict is not True:
                break
        if verdict is False:
            continue
        if verdict is not True:
            yield verdict, words
        elif pattern.status:
            if not article.before(words[1], sentence.of("negation"), 2):
                yield pattern.status, words
        else:
            yield _status(article, sentence, spec, words), words


def _together(article: _Article, sentence: Sentence, pattern: Pattern) -> list[tuple[Hit, ...]]:
    """Hits of every slot near one another, the closest first."""
    chains: list[tuple[int, tuple[Hit, ...]]] = [(0, (hit,)) for hit in _hits(sentence, pattern.slots[0])]
    for slot in pattern.slots[1:]:
        hits = _hits(sentence, slot)
        longer = []
        for width, chain in chains:
            for hit in hits:
                gaps = [article.apart(hit, other) for other in chain]
                if None in gaps:
                    continue
                gap = min(gap for gap in gaps if gap is not None)
                if gap <= pattern.near:
                    longer.append((width + gap, (*chain, hit)))
        chains = sorted(longer)[:12]
    return [chain for _, chain in chains]


def _hits(sentence: Sentence, slot: frozenset[str]) -> list[Hit]:
    return [hit for concept in slot & sentence.by_value.keys() for hit in sentence.by_value[concept]]


# What the words are worth.


def _status(article: _Article, sentence: Sentence, spec: Spec, words: tuple[Hit, ...]) -> Status:
    """The status of an event, from the sentence around it and the kind of article."""
    trigger = words[1] if len(words) > 1 else words[0]
    kind = article.genre.kind
    if kind in _UNREAL and not (kind == "trial" and spec.what in _NOT_FOR_TRIALS):
        return _UNREAL[kind]
    if article.governed(trigger, sentence.of("negation"), 3) or _denied(article, sentence, trigger):
        return "denied"
    for cue in ("fiction", "exercise", "satire", "anniversary", "trial", "history"):
        if cue == "trial" and spec.what in _NOT_FOR_TRIALS:
            continue
        if article.genre.weight(cue) >= 3 and sentence.has(cue) and not sentence.in_title:
            return _UNREAL[cue]
    if article.governed(trigger, sentence.of("threat"), 6, clause=True):
        return "threatened"
    if _supposed(article, sentence, spec, words):
        return "hypothetical"
    if _past(article, sentence, words) or (spec.lead and not sentence.opens):
        return "past"
    return "claimed" if sentence.has("alleged", "anonymous") or sentence.speech else "reported"


def _denied(article: _Article, sentence: Sentence, trigger: Hit) -> bool:
    """A denial governs the words, or the sentence calls them a rumour."""
    return article.governed(trigger, sentence.of("denies"), 10, clause=True) or sentence.has("rumour-false")


def _supposed(article: _Article, sentence: Sentence, spec: Spec, words: tuple[Hit, ...]) -> bool:
    """If, may, plans to, calls for: it has not happened."""
    text = article.reading.text
    cues = ("hypothetical", "plan", "proposal", "refuse") if spec.what in _WANTED else ("hypothetical", "plan")
    for cue in sentence.of(*cues):
        if cue.start >= sentence.start + 3 and text[cue.start].isupper() and not sentence.in_title:
            continue  # May, the month
        reach = 7 if cue.value == "hypothetical" else 5
        for word in words[:2]:
            around = cue.start <= word.start and word.end <= cue.end and cue.end - cue.start > word.end - word.start
            if around or article.governed(word, [cue], reach):
                return True
    return False


def _past(article: _Article, sentence: Sentence, words: tuple[Hit, ...]) -> bool:
    """Dated before the year of the article, or told as long gone."""
    reading = article.reading
    start, end = min(word.start for word in words), max(word.end for word in words)
    if article.near((start, end), sentence.of("past"), 5) or article.near((start, end), sentence.of("anniversary"), 3):
        return True
    this_year = article.published.year
    if article.published == date.max:
        return False
    for year in _YEAR.finditer(reading.text, sentence.start, sentence.end):
        if int(year[0]) < this_year and article.near((start, end), [year.span()], 5):
            low, high = min(end, year.end()), max(start, year.start())
            if not _BREAK.search(reading.text, low, high):
                return True
    return False


# What else must hold.


def _premises(article: _Article, sentence: Sentence, words: tuple[Hit, ...]) -> Verdict:
    """The premises are what is hit or shut: they do not speak, stand nearby, or lie behind another verb."""
    premises, deed = words[0], words[1]
    if _speaks(sentence, premises, deed) or article.near(premises, sentence.of("embassy-row"), 0):
        return False
    if article.near(premises, sentence.of("cyber"), 3) or article.near(deed, sentence.of("cyber"), 3):
        return False
    if deed.value in ("storm", "strike") and _in_jest(article):
        return False
    beside = [*sentence.of("nearby")]
    if (
        article.before(premises, beside, 4)
        or (deed > premises and article.before(deed, beside, 3))
        or article.near(deed, beside, 0)
    ):
        return "denied" if _spared(article, sentence, premises) else False
    low, high = sorted((premises, deed))[0].end, sorted((premises, deed))[1].start
    between = sentence.of(*_SPEAKS, "urge", "summon", "demonstration")
    if any(low <= hit.start and hit.end <= high for hit in between):
        return False
    if any(spared.start <= deed.start and deed.end <= spared.end for spared in sentence.of("unharmed")):
        return "denied"  # "damage" within "no damage"
    if deed.value not in _HARM and _spared(article, sentence, premises):
        return "denied"
    return True


def _in_jest(article: _Article) -> bool:
    """Stormed by guests: food and parties, and nobody who attacks or guards."""
    return article.genre.weight("lifestyle") >= 3 and not article.concepts & {
        "attackers",
        "munition",
        "police",
        "troops",
    }


def _shut(article: _Article, sentence: Sentence, words: tuple[Hit, ...]) -> Verdict:
    """The premises themselves are shut, not their entrance or the street."""
    return not article.before(words[0], sentence.of("premises-part"), 2) and _premises(article, sentence, words)


def _spared(article: _Article, sentence: Sentence, premises: Hit) -> bool:
    """The premises, not the people in them, are said to be unharmed, or to work as ever."""
    return any(
        article.near(premises, [cue], 8) and not article.near(cue, sentence.of("staff", "diplomat", "citizens"), 2)
        for cue in sentence.of("unharmed", "working-normally")
    )


def _speaks(sentence: Sentence, hit: Hit, deed: Hit) -> bool:
    """Whether a word names who speaks of the deed, rather than whom it befell."""
    return any(
        said.start <= hit.start < said.end and not said.start <= deed.start < said.end for said in sentence.speech
    )


def _envoy(article: _Article, sentence: Sentence, words: tuple[Hit, ...]) -> Verdict:
    """A state's envoy, not one of a brand or festival, and not the one who speaks."""
    if article.near(words[0], sentence.of("goodwill-ambassador"), 0):
        return False
    return words[0].value != "ambassador" or not _within_premises(sentence, words[0])


def _within_premises(sentence: Sentence, hit: Hit) -> bool:
    """An ambassador who is only the beginning of the word embassy, in scripts without spaces."""
    return any(
        premises.start <= hit.start and hit.end < premises.end
        for premises in sentence.of("embassy", "consulate", "residence", "embassy-vehicle", "@facility")
    ) and not _has_spaces(sentence)


def _has_spaces(sentence: Sentence) -> bool:
    """Whether spaces part the words of the sentence."""
    return _spaced(sentence.article.reading.language)


def _diplomatic(_article: _Article, sentence: Sentence, _words: tuple[Hit, ...]) -> Verdict:
    """Between states: one of them, its ministry or its envoy stands in the sentence."""
    return sentence.has(
        "ambassador", "foreign-ministry", "embassy", "@organ", "@state", "@government", "@adjective", "@facility",
        "@country", "@place", "diplomat", "government",
    )  # fmt: skip


def _out_of_country(article: _Article, sentence: Sentence, words: tuple[Hit, ...]) -> Verdict:
    """People who are abroad: an embassy or two states are spoken of."""
    who, deed = words[0], words[1]
    if _speaks(sentence, who, deed) or (who.value == "staff" and _unwanted(article, sentence, deed)):
        return False
    return sentence.has("embassy", "consulate", "@facility", "foreign", "citizens") or _states(article, sentence) >= 2


def _unwanted(article: _Article, sentence: Sentence, deed: Hit) -> bool:
    """Staff whom another state than their own sends away."""
    if "persona-non-grata" in article.concepts:
        return True
    facilities = article.reading.mentions_between(sentence.start, sentence.end, ("facility",))
    owners = {state for mention in facilities for state in article.states_of(mention)[:1]}
    actors = {
        state
        for name in sentence.names
        if name[2] in ("state", "government", "organ") and name[0] < deed.start
        for state in article.states_of(name)
    }
    return bool(owners and actors - owners) and not actors & owners


def _states(article: _Article, sentence: Sentence) -> int:
    return len({state for name in sentence.names for state in article.states_of(name)})


def _takeover(article: _Article, sentence: Sentence, _words: tuple[Hit, ...]) -> Verdict:
    """Power over a state, by force: soldiers or a government are spoken of."""
    if not article.names_a_state:
        return False
    if sentence.has("parliament", "verbal-attack") and not sentence.has("army", "troops", "attackers"):
        return False
    signs = ("army", "troops", "seize-power", "overthrow", "attackers", "head-of-state", "government", "martial-law")
    return sum(1 for sign in signs if sign in article.concepts) >= 2


def _measure(article: _Article, sentence: Sentence, _words: tuple[Hit, ...]) -> Verdict:
    """A measure of a state, not of a town."""
    return article.names_a_state and not (sentence.has("local", "domestic") and not sentence.has("nationwide"))


def _whole_country(article: _Article, _sentence: Sentence, _words: tuple[Hit, ...]) -> Verdict:
    """A curfew that comes with a coup, martial law or emergency of the whole country."""
    return bool(article.concepts & {"nationwide", "martial-law", "seize-power", "coup"})


def _news(article: _Article, sentence: Sentence, words: tuple[Hit, ...]) -> Verdict:
    """Agreed now, and not the ceasefire signed once that is broken, ended or extended here."""
    ceasefire, deed = words[0], words[1]
    others = [hit for hit in sentence.of("violate", "end", "extend") if article.apart(hit, ceasefire) not in (0, None)]
    return not (deed > ceasefire and others and article.near(ceasefire, [deed], 2))


def _in_earnest(article: _Article, sentence: Sentence, _words: tuple[Hit, ...]) -> Verdict:
    """Shut for a reason of state, not for repairs, a holiday or an accident."""
    if sentence.has("maintenance", "accident"):
        return False
    serious = article.concepts & {
        "troops",
        "war",
        "gunfire",
        "attackers",
        "spying",
        "seize-power",
        "coup",
        "protest-note",
    }
    return "maintenance" not in article.concepts or bool(serious)


def _frontier(article: _Article, sentence: Sentence, words: tuple[Hit, ...]) -> Verdict:
    """Of a state, and shut or opened rather than close by."""
    return not article.near(words[1], sentence.of("nearby"), 0)


def _policy(article: _Article, _sentence: Sentence, _words: tuple[Hit, ...]) -> Verdict:
    """Of a state or organisation that stands in the sentence or opens the article."""
    return bool(article.states)


def _foreigner(article: _Article, sentence: Sentence, words: tuple[Hit, ...]) -> Verdict:
    """Of another state than the one that holds them, and not for an ordinary crime."""
    capture, victim = words[0], words[1]
    if _speaks(sentence, victim, capture) or _sentenced(article):
        return False
    if sentence.has("crime") and not article.concepts & {"spying", "hostage"}:
        return False
    return (
        victim.value in ("diplomat", "foreign")
        or article.near(victim, sentence.of("foreign"), 3)
        or _two_states(article, sentence, victim)
    )


def _sentenced(article: _Article) -> bool:
    """A verdict for a crime rather than an arrest; spies are another matter."""
    return article.genre.kind == "trial" and "spying" not in article.concepts


def _two_states(article: _Article, sentence: Sentence, victim: Hit) -> bool:
    """The victims' nationality stands beside them, another state in the sentence or at the opening."""
    nearby = [name for name in sentence.names if article.near(victim, [name], 3)]
    own = {state for name in nearby if name[2] in ("adjective", "demonym") for state in article.states_of(name)}
    if victim.value == "citizens" and article.verb_last:  # "Fransa vatandaşı": the bare name says whose
        beside = [name for name in sentence.names if name[2] == "state" and article.before(victim, [name], 1)]
        own.update(state for name in beside for state in article.states_of(name))
    return any(article.states - {state} for state in own)


def _un_staff(article: _Article, sentence: Sentence, words: tuple[Hit, ...]) -> Verdict:
    """Employees of the United Nations or another organisation, wherever they come from."""
    if _speaks(sentence, words[1], words[0]) or sentence.has("crime"):
        return False
    organisations = article.reading.mentions_between(sentence.start, sentence.end, ("organisation",))
    return sentence.has("un-premises") or any(one.id in ("UN", "ICRC", "OSCE", "WFP", "EU") for one in organisations)


def _nationals(article: _Article, sentence: Sentence, words: tuple[Hit, ...]) -> Verdict:
    """People of one state held in another that the sentence or headline names; not that state's own police."""
    capture, people = words[0], words[1]
    if _sentenced(article):
        return False
    if people.value == "@state" and _has_spaces(sentence):
        return False  # only where nationality is told by the bare name
    powers = ("police", "security-service", "army", "court", "government", "ministry", "troops", "leader-office")
    if _speaks(sentence, people, capture) or (sentence.has("crime") and not article.concepts & {"spying", "hostage"}):
        return False
    if any(people.start <= power.start and article.near(people, [power], 1) for power in sentence.of(*powers)):
        return False
    names = sentence.names
    own = {state for name in names if name[0] == people.start for state in article.states_of(name)}
    where = {
        state
        for name in names
        if name[0] != people.start and name[2] in ("state", "government", *_PLACES)
        for state in article.states_of(name)
    }
    return bool(own and where - own)


def _victim(article: _Article, sentence: Sentence, words: tuple[Hit, ...]) -> Verdict:
    """The leader is the one attacked: does not speak, is in office, and nothing of theirs is meant."""
    leader, deed = words[0], words[1]
    if _within_premises(sentence, leader) or article.near(leader, sentence.of("residence"), 0):
        return False  # the ambassador of a residence
    if _speaks(sentence, leader, deed) or article.before(leader, sentence.of("former"), 3):
        return False
    low, high = sorted((leader, deed))[0].end, sorted((leader, deed))[1].start
    if any(low <= hit.start and hit.end <= high for hit in sentence.of(*_SPEAKS)):
        return False
    if article.words_apart(low, high) > _CLOSE and not any(low <= name.start < high for name in sentence.of("@person")):
        return False  # far apart, and not because the leader's name stands between
    return not (
        article.reading.text[leader.end : leader.end + 2] in ("'s", "’s")
        and not article.near(leader, sentence.of("attack", "assassinate"), 3)
    )


def _third_state(article: _Article, sentence: Sentence, words: tuple[Hit, ...]) -> Verdict:
    """It came down on a state that is no party to the fighting it belongs to."""
    return bool(violated(article, sentence, words[0], words[1]))


CHECKS: dict[str, Callable[[_Article, Sentence, tuple[Hit, ...]], Verdict]] = {
    "premises": _premises,
    "shut": _shut,
    "envoy": _envoy,
    "diplomatic": _diplomatic,
    "out-of-country": _out_of_country,
    "takeover": _takeover,
    "measure": _measure,
    "whole-country": _whole_country,
    "news": _news,
    "in-earnest": _in_earnest,
    "frontier": _frontier,
    "policy": _policy,
    "foreigner": _foreigner,
    "nationals": _nationals,
    "un-staff": _un_staff,
    "victim": _victim,
    "third-state": _third_state,
}


# Who, to whom, where.

_KINDS: dict[str, Literal["embassy", "consulate", "residence", "mission", "un-premises"]] = {
    "embassy": "embassy",
    "consulate": "consulate",
    "residence": "residence",
    "mission": "mission",
    "un-premises": "un-premises",
    "embassy-vehicle": "embassy",
}


def _facility_id(article: _Article, found: Found) -> str:
    facility = _facility(article, found)
    return facility.id if facility else ""


def _facility(article: _Article, found: Found) -> Facility | None:
    """The facility of a find: the one named at its words, else the only one of that kind, else what the words say."""
    reading = article.reading
    word = next((word for word in found.words if word.value in _KINDS or word.value == "@facility"), None)
    if word is None:
        return None
    start, end = reading.sentences[found.sentence]
    mentions = reading.mentions_between(start, end, ("facility",))
    for mention in mentions:
        if mention.start < word.end and word.start < mention.end:
            return _bare(reading.facilities.get(mention.id))
    kind = _KINDS.get(word.value, "embassy")
    alike = [facility for facility in reading.facilities.values() if facility.kind == kind]
    if alike:
        return _bare(alike[0])
    if len(reading.facilities) == 1:
        return _bare(next(iter(reading.facilities.values())))
    return Facility(id=f"{kind}/-/-/-", kind=kind)


def _bare(facility: Facility | None) -> Facility | None:
    if facility is None:
        return None
    return Facility(
        id=facility.id, kind=facility.kind, owner=facility.owner, city=facility.city, country=facility.country,
        lat=facility.lat, lon=facility.lon,
    )  # fmt: skip


def _place(article: _Article, found: Found) -> Place | None:
    """The place nearest to the words, in their sentence."""
    reading = article.reading
    start, end = reading.sentences[found.sentence]
    span = (found.words[0].start, found.words[-1].end)
    places = reading.mentions_between(start, end, _PLACES)
    nearest = min(places, key=lambda mention: abs(mention.start - span[0]), default=None)
    place = reading.places.get(nearest.id) if nearest else None
    if place is None:
        return None
    return Place(id=place.id, name=place.name, country=place.country, lat=place.lat, lon=place.lon, kind=place.kind)


def _event(article: _Article, found: Found) -> Event:
    reading = article.reading
    start, end = reading.sentences[found.sentence]
    while end > start and reading.text[end - 1].isspace():
        end -= 1
    source, target = _sides(article, found)
    return Event(
        what=found.spec.what,
        type=found.spec.type,
        mode=found.spec.mode,
        context=found.spec.context,
        status=found.status,
        source=source,
        target=target,
        facility=_facility(article, found),
        place=_place(article, found),
        span=reading.span(start, end),
        words=tuple(reading.span(word.start, word.end) for word in sorted(set(found.words))),
    )


def _sides(article: _Article, found: Found) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Source and target: whose the first word is stands beside it; the other actor of the sentence acted."""
    reading = article.reading
    start, end = reading.sentences[found.sentence]
    actors = reading.mentions_between(
        start, end, ("state", "government", "organ", "organisation", "group", "adjective")
    )
    facility = _facility(article, found)
    first = found.words[0]
    beside = [actor for actor in actors if article.near(first, [actor], 2)]
    target: Sequence[str] = (facility.owner,) if facility and facility.owner else [actor.id for actor in beside[:1]]
    states = {id_.split("/")[0] for id_ in target}
    others = [actor for actor in actors if actor.id.split("/")[0] not in states and actor not in beside[:1]]
    trigger = found.words[1] if len(found.words) > 1 else first
    others.sort(key=lambda actor: abs(actor.start - trigger.start))
    return tuple(actor.id for actor in others[:1]), tuple(target)
