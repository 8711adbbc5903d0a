"""Who speaks in a sentence: reporting words, quotations and colons, and the words beside them that name the speaker."""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from functools import cache
from itertools import islice
from typing import NamedTuple

from pipeline.enrich.lexicon import LANGUAGES, Hit, fold, morphology, read_yaml
from pipeline.enrich.reading import Reading

STANCES = {
    "denies": "denies",
    "no-comment": "declines-to-comment",
    "confirms": "confirms",
    "demands": "demands",
    "warns": "warns",
    "announces": "announces",
    "according": "asserts",
    "says": "asserts",
}
"""Reporting concepts and their stance; where a word has several, the first counts."""
_ORDER = {concept: place for place, concept in enumerate(STANCES)}

SPEAKERS = frozenset(
    [
        "embassy",
        "consulate",
        "mission",
        "ambassador",
        "diplomat",
        "journalist",
        "aid-worker",
        "head-of-state",
        "head-of-government",
        "minister",
        "party-leader",
        "foreign-ministry",
        "defence-ministry",
        "interior-ministry",
        "ministry",
        "government",
        "parliament",
        "leader-office",
        "army",
        "police",
        "security-service",
        "court",
        "spokesperson",
        "official",
        "voice",
        "anonymous",
        "attackers",
    ]
)
"""Concepts that can be who speaks."""

_ACTORS = frozenset(["state", "government", "organ", "organisation", "group", "person", "facility", "city"])
_VOICES = frozenset(["state", "government", "organ", "organisation", "group", "person"])
"""Names that can stand before a colon as the speaker of what follows."""
_EDGE = ';—–\n()"«»“”„「」『』】'
"""What ends a speaker's words for good; so do a colon that is not in a time and a comma before a quotation."""
_COLON_EDGE = re.compile(r":(?:(?!\d)|(?<!\d:))")
_COMMA_EDGE = re.compile(r",(?=\s+[\"“«„])")
_COMMA = ",،、，"
_CLOSERS = {'"': '"', "«": "»", "“": "”", "„": '“”"', "”": "”", "「": "」", "『": "』"}
_OPENER = re.compile(f"[{''.join(_CLOSERS)}]")
_CLOSER = {opener: re.compile(f"[{closers}\n]") for opener, closers in _CLOSERS.items()}
_QUOTED_MOST = 600
"""Characters of a quotation at the most."""
_COLON = re.compile(r": ?(?=\S{2})")
_BEFORE = re.compile(r"(?:[^\w\n]|\d\d[:.]\d\d\b)*([^\n:;.!?,]{3,70}?)\s*$")
_LONGEST = 16
"""Words of a speaker at the most."""
_SUBJECT = 70
"""Characters of a sentence in which its subject is looked for."""
_SHORT = 7
"""Words after which a speaker's end is looked for."""
_FILLER = re.compile(r"(?:[\s\-–—•▪◾,:;.!?\"'«»“”„()…]|\d\d[:.]\d\d\b)+")
_TAIL = re.compile(r"[.,!?]?[\"»“”」』][.,،，]?\s*[—–-]?\s*")
"""What stands behind quoted words before the words of their speaker."""
_TIE = re.compile(r"[,—–،，]")
_PAUSE = re.compile(r"[,،;:—–\n\"«»“”„]")
_WORD = re.compile(r"\S+")
_QUOTED = frozenset('"«»“”„—–」』')
_NAME = re.compile(r"[^\W\d_a-zà-öø-ÿа-яіїєґё][\w'’-]+")


_FULL_NAME = re.compile(r"[^\W\d_a-zà-öø-ÿа-яіїєґё][\w'’-]+ [^\W\d_a-zà-öø-ÿа-яіїєґё][\w'’-]+")


class Attribution(NamedTuple):
    """A reporting word with its speaker; offsets in the text."""

    sentence: int
    start: int
    end: int
    """Of the speaker's words, which a pronoun may have left in an earlier sentence."""
    verb: Hit
    """The reporting word; the empty place beside a quotation or colon where there is none."""
    stance: str
    anonymous: bool


class Manner(NamedTuple):
    """How a language ties a reporting word to its speaker; see the head of `speech.yaml`."""

    that: re.Pattern[str] | None
    relative: tuple[str, ...]
    passive: frozenset[str]
    helpers: frozenset[str]
    tells: frozenset[str]
    ties: frozenset[str]
    pronouns: frozenset[str]
    topic: tuple[str, ...]
    participles: tuple[str, ...]
    after: tuple[str, ...]
    final: bool
    verb_first: bool
    spaced: bool
    capitals: bool


@cache
def manner(language: str) -> Manner:
    """What the file says of a language."""
    data = read_yaml(LANGUAGES / "speech.yaml").get(language, {})
    that = "|".join(re.escape(fold(word)) for word in data.get("that", ()))
    return Manner(
        that=re.compile(rf" (?:{that})(?= |$)") if that else None,
        relative=tuple(f"{fold(word)} " for word in data.get("who", ())),
        passive=frozenset(map(fold, data.get("passive", ()))),
        helpers=frozenset(map(fold, data.get("helpers", ()))),
        tells=frozenset(map(fold, data.get("tells", ()))),
        ties=frozenset(map(fold, data.get("and", ()))),
        pronouns=frozenset(map(fold, data.get("pronouns", ()))),
        topic=tuple(map(fold, data.get("topic", ()))),
        participles=tuple(map(fold, data.get("participles", ()))),
        after=tuple(map(fold, data.get("after", ()))),
        final=data.get("final", False),
        verb_first=data.get("first", False),
        spaced=morphology(language).script.spaced,
        capitals=morphology(language).capitals,
    )


def attributions(reading: Reading) -> tuple[Attribution, ...]:
    """Every reporting word, quotation or colon beside which a speaker stands, in order; found once an article."""
    if reading.speech is None:
        reading.speech = tuple(_Finder(reading).find())
    found: tuple[Attribution, ...] = reading.speech
    return found


def quotations(text: str) -> list[tuple[int, int]]:
    """The words between quotation marks, in order: start and end of each."""
    found: list[tuple[int, int]] = []
    at = 0
    while opener := _OPENER.search(text, at):
        at = opener.end()
        closer = _CLOSER[opener[0]].search(text, at, at + _QUOTED_MOST)
        if closer is not None and closer[0] != "\n" and closer.start() - at > 1:
            found.append((at, closer.start()))
            at = closer.end()
    return found


class _Finder:
    """What is asked again and again while the speakers of one article are found."""

    def __init__(self, reading: Reading) -> None:
        self.reading = reading
        self.text = reading.text
        self.folded = reading.folded
        self.apart = f" {reading.folded}"
        """The same with a space before the first word too."""
        self.manner = manner(reading.language)
        self.quotes = quotations(self.text)
        self.quote_starts = [start for start, _ in self.quotes]
        self.cues: list[tuple[int, int]] = []
        self.cue_starts: list[int] = []
        self.edges: list[int] = []
        self.commas: list[int] = []
        self.anonymous = "anonymous" in reading.concepts
        self.negated = "negation" in reading.concepts
        self.start = 0
        self.spoke: tuple[int, int] | None = None
        """Who spoke last."""

    def find(self) -> list[Attribution]:
        reading = self.reading
        concepts = reading.concepts
        heads = self._heads()
        verbs: dict[int, list[Hit]] = {}
        taken = [hit[:2] for hit in concepts.get("anonymous", ())]
        taken += [mention[:2] for mention in reading.mentions if mention[2] in _VOICES]
        taken.sort()
        starts = [start for start, _ in taken]
        for verb in reading.words_of(STANCES.keys()):
            at = bisect_right(starts, verb[0]) - 1
            if at >= 0 and verb[0] < taken[at][1]:  # "the United States", "asked not to be named"
                continue
            verbs.setdefault(reading.sentence_at(verb[0]), []).append(verb)
        numbers = {reading.sentence_at(end - 1) for _, end in self.quotes} | verbs.keys() | heads.keys()
        if not numbers:
            return []
        self.cues = [hit[:2] for concept in SPEAKERS & concepts.keys() for hit in concepts[concept]]
        self.cues += [mention[:2] for mention in reading.mentions if mention[2] in _ACTORS]
        self.cues.sort()
        self.cue_starts = [start for start, _ in self.cues]
        self.commas = _places(self.text, _COMMA)
        self.edges = _places(self.text, _EDGE)
        self.edges += [colon.start() for colon in _COLON_EDGE.finditer(self.text)]
        self.edges += [comma.start() for comma in _COMMA_EDGE.finditer(self.text)]
        self.edges.sort()
        said: list[Attribution] = []
        for number in sorted(numbers):
            hits = reading.words_by_sentence.get(number, [])
            start, end = reading.sentences[number]
            self.start = start
            found = self._spoken(number, start, end, verbs[number], hits) if number in verbs else []
            if not found and number in heads:
                found = self._headed(number, heads[number], hits)
            if not found and self.quotes:
                found = self._quoted(number, start, end, hits)
            if found:
                self.spoke = (found[-1].start, found[-1].end)
                said += found
        return said

    def _heads(self) -> dict[int, tuple[int, int]]:
        """What stands before a colon at the beginning of a line, by sentence."""
        heads: dict[int, tuple[int, int]] = {}
        for colon in _COLON.finditer(self.text):
            line = self.text.rfind("\n", 0, colon.start()) + 1
            if colon.start() - line < 80 and (head := _BEFORE.fullmatch(self.text, line, colon.start())):
                heads.setdefault(self.reading.sentence_at(head.start(1)), head.span(1))
        return heads

    def _spoken(self, number: int, start: int, end: int, verbs: list[Hit], hits: list[Hit]) -> list[Attribution]:
        """Those of a sentence's reporting words."""
        found: list[Attribution] = []
        taken, last, aside = start, None, False
        negations = [hit for hit in hits if hit[3] == "negation"] if self.negated else []
        nameless = [hit for hit in hits if hit[3] == "anonymous"] if self.anonymous else []
        for verb in _foremost(verbs) if len(verbs) > 1 else verbs:
            begin, behind, _, concept = verb
            if begin < taken or (self.quotes and self._inside_quote(begin, behind)):
                continue
            if nameless and any(hit[0] <= begin and behind <= hit[1] and hit[:2] != verb[:2] for hit in nameless):
                continue  # "asked not to be named"
            stance = STANCES[concept]
            if negations and self._negates(negations, begin, behind):
                if concept not in _NEGATED:
                    continue
                stance = _NEGATED[concept]
            if last is not None and self._within(taken, begin):
                continue
            if aside and self._set_apart(begin):  # "the envoy, who insisted on anonymity, said": the latter counts
                found.pop()
                span = last
            else:
                span = self._speaker(max(start, taken), end, verb, last)
            if span is None:
                continue
            last, aside = span, self._in_relative(start, begin)
            taken = max(span[1], behind) if span[0] >= start else behind
            found.append(self._attribution(number, span, verb, stance, hits))
        return found

    def _negates(self, negations: Sequence[Hit], begin: int, behind: int) -> bool:
        """Whether a negation stands close before a reporting word, or in or behind it where verbs stand last."""
        if self.manner.final:
            return any(begin <= hit[0] <= behind + 1 for hit in negations)
        return any(
            hit[1] <= begin and begin - hit[1] < 12 and not _PAUSE.search(self.text, hit[1], begin) for hit in negations
        )

    def _within(self, start: int, verb: int) -> bool:
        """Whether a verb belongs to what an earlier one reports: no comma, quotation or "and" stands between."""
        if self.manner.final or _PAUSE.search(self.text, start, verb):
            return False
        return self.manner.ties.isdisjoint(self.folded[start:verb].split())

    def _attribution(self, number: int, span: tuple[int, int], verb: Hit, stance: str, hits: list[Hit]) -> Attribution:
        anonymous = self.anonymous and any(
            hit[3] == "anonymous" and hit[0] < span[1] and hit[1] > span[0] for hit in hits
        )
        return Attribution(number, *span, verb, stance, anonymous)

    def _speaker(self, start: int, end: int, verb: Hit, last: tuple[int, int] | None) -> tuple[int, int] | None:
        """The words that name who speaks by this verb; None where nobody does."""
        begin, behind, _, concept = verb
        rules = self.manner
        if last is not None and rules.participles and self._word(begin).endswith(rules.participles):
            return last  # "..., she said, calling on Chad to wait"
        if self.folded.startswith(rules.after, begin):
            return self._ahead(start, begin)
        if concept == "according":
            return self._right(end, behind, loose=True)
        if rules.final:
            return self._left(start, verb, last) or self._right(end, behind, first=4)
        before = self.text[start:begin].rstrip()
        mark = before[-1:]
        if rules.passive and mark.isalnum() and before[before.rfind(" ") + 1 :].lower() in rules.passive:
            return None
        if self.folded[begin:behind] in rules.tells:
            return self._left(start, verb, last)
        span = None
        if mark and (before.rstrip(",،. ")[-1:] if mark in ",،." else mark) in _QUOTED:  # "...", said the minister
            span = self._right(end, behind, loose=True)
        elif mark in ",،" and not self._after_relative(before, start):  # "..., said the minister"
            span = self._right(end, behind, loose=rules.verb_first, first=0 if rules.verb_first else 3)
            span = span or self._aside(end, behind, concept)
        elif rules.verb_first and (len(before.split()) < 3 or not any(self._cues(begin - 25, begin))):
            span = self._right(end, behind, loose=True)
        if span is not None:
            return span
        span = self._left(start, verb, last)
        if span is None or (not self._has_cue(*span) and span[0] <= self.start + 1 and not self._full_name(*span)):
            return self._right(end, behind, first=4) or span
        return span

    def _aside(self, end: int, start: int, concept: str) -> tuple[int, int] | None:
        """The few words between a verb that follows a comma and the next mark: ", the writers say," turned round."""
        stop = _next(self.edges, start, _next(self.commas, start, end))
        words = self.text[start:stop].split()
        rules = self.manner
        if not rules.spaced or not 1 <= len(words) <= 6 or self.text[stop : stop + 1] in _QUOTED:
            return None
        if not (rules.helpers | rules.passive).isdisjoint(
            self.folded[start:stop].split()
        ):  # a clause: "said she was ill"
            return None
        plain = concept == "says" and rules.capitals and not self._has_cue(self.start, start)
        if not (plain or self._full_name(start, stop)):
            return None
        return self._clipped(start, stop, True)

    def _full_name(self, start: int, end: int) -> bool:
        """Whether two words in capitals stand together here, where capitals mark a name."""
        return self.reading.plain_capitals and _FULL_NAME.search(self.text, start, end) is not None

    def _word(self, start: int) -> str:
        """The word that begins here."""
        word = _WORD.match(self.folded, start)
        return word[0] if word else ""

    def _ahead(self, start: int, end: int) -> tuple[int, int] | None:
        """The speaker before "according to" where it stands behind: up to the last comma that parts a name from it."""
        piece = self._piece(start, end)
        parts = self._parts(*piece) if piece else []
        if not parts:
            return None
        first = len(parts) - 1
        while first > 0 and not self._names_one(*parts[first]):
            first -= 1
        return self._trimmed(parts[first][0], end, loose=True)

    def _after_relative(self, before: str, start: int) -> bool:
        """Whether the last part between commas is a clause about the speaker: "the envoy, who ..., said"."""
        at = before.rfind(",", 0, len(before) - 1) + 1
        if at <= 0:
            return False
        if self.anonymous:  # "a source, speaking on condition of anonymity, said"
            hidden = self.reading.concepts["anonymous"]
            first = bisect_left(hidden, (start + at,))
            if first < len(hidden) and hidden[first][0] < start + len(before):
                return True
        return self.folded[start + at : start + len(before)].lstrip().startswith(self.manner.relative)

    def _in_relative(self, start: int, verb: int) -> bool:
        """Whether the clause of a verb is one about the speaker: "the envoy, who fears for his life, ..."."""
        at = self.text.rfind(",", start, verb) + 1
        words = self.folded[at:verb].lstrip()
        return at > 0 and bool(self.manner.relative) and words.startswith(self._relative_or_tied())

    def _relative_or_tied(self) -> tuple[str, ...]:
        rules = self.manner
        return (*rules.relative, *(f"{tie} {word}" for tie in rules.ties for word in rules.relative))

    def _left(self, start: int, verb: Hit, last: tuple[int, int] | None) -> tuple[int, int] | None:
        """The speaker before the verb: the nearest part between commas that names one, with what belongs to it."""
        rules, stop = self.manner, verb[0]
        if rules.final:
            piece = self._piece(start, stop, named=True) or self._opening(start, stop)
            return self._subject(*piece) if piece else None
        piece = self._piece(start, stop)
        parts = self._parts(piece[0], stop) if piece else []
        if not parts:
            return None
        folded = self.folded
        if len(parts) > 1 and rules.relative and folded.startswith(rules.relative, parts[-1][0]):
            return self._clipped(*parts[-2], loose=True)  # "the envoy, who ..., said"
        if (at := self._behind_that(parts[-1][0], stop)) >= 0:
            parts = [(at, stop)]
        first = end = len(parts) - 1
        words = folded[parts[end][0] : stop].split()
        if last is not None and words and (words[-1] in rules.ties or (len(words) == 2 and words[0] in rules.ties)):
            return last
        if words and len(words) <= 3 and words[-1 if words[0] in rules.ties else 0] in rules.pronouns:
            return self._referent(parts[end][0])
        if first > 0 and self._set_apart(stop) and self.text[parts[first][0]].islower():
            first -= 1  # "the minister, through a spokesman, denied"
        while first > 0 and first > end - 2 and not self._names_one(*parts[first]):
            if rules.relative and folded.startswith(rules.relative, parts[first - 1][0]):
                break
            first -= 1
        if first > 0 and self._appositive(*parts[first]) and self._names_one(*parts[first - 1]):
            first -= 1
        return self._clipped(parts[first][0], parts[end][1])

    def _set_apart(self, verb: int) -> bool:
        """Whether a comma stands right before a verb."""
        return self.text[:verb].rstrip()[-1:] in _COMMA if verb else False

    def _piece(self, start: int, end: int, *, named: bool = False) -> tuple[int, int] | None:
        """The last part between edges that has words of its own, and a word that can be a speaker where `named`."""
        edges = self.edges
        at = bisect_left(edges, end) - 1
        while at >= 0 and (edge := edges[at]) >= start:
            if self._has_words(edge + 1, end) and not (named and not self._has_cue(edge + 1, end)):
                return edge + 1, end
            end, at = edge, at - 1
        return (start, end) if self._has_words(start, end) and not (named and not self._has_cue(start, end)) else None

    def _opening(self, start: int, end: int) -> tuple[int, int] | None:
        """The first part between edges that has words of its own."""
        edges = self.edges
        for edge in (*edges[bisect_left(edges, start) : bisect_left(edges, end)], end):
            if self._words(start, edge) > 1 and self._has_words(start, edge):
                return start, edge
            start = edge + 1
        return None

    def _has_words(self, start: int, end: int) -> bool:
        """Whether anything stands here that is not quoted."""
        return bool(self.text[start:end].strip(" ,.!?-–—،")) and not (self.quotes and self._is_quoted(start, end))

    def _parts(self, start: int, end: int) -> list[tuple[int, int]]:
        """What stands between commas, where it is anything."""
        text, commas, parts = self.text, self.commas, []
        for comma in commas[bisect_left(commas, start) : bisect_left(commas, end)]:
            if text[start:comma].strip():
                parts.append((start, comma))
            start = comma + 1
            while start < end and text[start].isspace():
                start += 1
        if text[start:end].strip():
            parts.append((start, end))
        return parts

    def _behind_that(self, start: int, end: int) -> int:
        """Where the last "that" ends behind which a word can be a speaker; -1 where there is none."""
        at = -1
        if self.manner.that is not None and self._has_cue(start, end):
            for that in self.manner.that.finditer(self.apart, start, end + 1):
                if self._has_cue(that.end() - 1, end):
                    at = that.end() - 1
        return at

    def _subject(self, start: int, end: int) -> tuple[int, int] | None:
        """The speaker that opens the sentence of a language whose verbs stand last."""
        if self.manner.topic:
            at = self._topic(start, end)
            if at is not None:
                comma = bisect_left(self.commas, at) - 1
                if not self.manner.spaced and comma >= 0 and start < self.commas[comma] < at - 2:
                    start = self.commas[comma] + 1  # "according to the police, the minister"
                return self._trimmed(start, at)
        comma = _next(self.commas, start, end)
        return self._clipped(start, comma if self._has_cue(start, comma) else end)

    def _topic(self, start: int, end: int) -> int | None:
        """Where the first topic marker ends the speaker's words."""
        text, rules = self.text, self.manner
        if not rules.spaced:
            found = [at for marker in rules.topic if (at := text.find(marker, start + 2, end)) >= 0]
            return min(found) if found else None
        at = start
        for word in text[start:end].split(" ")[:10]:
            if word in rules.topic:
                return at
            if self.reading.language == "ko" and len(word) > 1 and word.endswith(rules.topic):
                return at + len(word) - 1
            at += len(word) + 1
        return None

    def _right(self, end: int, start: int, *, loose: bool = False, first: int = 0) -> tuple[int, int] | None:
        """The speaker after the verb, to the next comma or other edge; named within the `first` words where given."""
        while (helper := _WORD.match(self.folded, start + 1, end)) and helper[0] in self.manner.helpers:
            start = helper.end()
        that = self.manner.that
        if that is not None and not self.manner.final and that.match(self.apart, start + 1):
            return None
        stop = _next(self.edges, start, _next(self.commas, start, end))
        if first:
            words = self.folded[start:stop].split()
            if first == 3 and not self.manner.helpers.isdisjoint(words):  # a clause: "said the minister had left"
                return None
            if not words or words[0] not in self.manner.pronouns:
                at = bisect_left(self.cue_starts, start)
                if at >= len(self.cues) or self.cue_starts[at] >= stop:
                    return None
                if self._words(start, self.cue_starts[at]) >= first:
                    return None
        short = 4 if loose and stop == end else _SHORT  # "according to X" without a comma behind
        return self._clipped(start, stop, loose, short)

    def _referent(self, before: int) -> tuple[int, int] | None:
        """Whom a pronoun stands for: who was named or spoke last."""
        mentions = self.reading.mentions
        for mention in reversed(mentions[: bisect_left(mentions, (before,))][-12:]):
            if self.spoke is not None and mention.start < self.spoke[1]:
                break
            if mention.kind == "person":
                return mention.start, mention.end
        return self._subject_before(before) or self.spoke

    def _subject_before(self, before: int) -> tuple[int, int] | None:
        """The full name with which the sentence before begins, where nobody has spoken since."""
        number = self.reading.sentence_at(before) - 1
        if number < 0 or not self.reading.plain_capitals:
            return None
        start, end = self.reading.sentences[number]
        if self.spoke is not None and self.spoke[0] >= start:
            return None
        name = _FULL_NAME.search(self.text, start, min(end, start + _SUBJECT))
        return name.span() if name else None

    def _headed(self, number: int, head: tuple[int, int], hits: list[Hit]) -> list[Attribution]:
        """Somebody named before a colon at the beginning of a line, as in "Kyiv: no one was hurt"."""
        start, end = head
        voices = [mention[0] for mention in self.reading.mentions_between(start, end, _VOICES)]
        voices += [hit[0] for hit in hits if hit.value in SPEAKERS and start <= hit.start < end]
        name = self.text[start:end].split()[-1]
        if (
            start in voices
            and self._words(start, end) <= 9
            and (
                name[0].isupper()
                or not self.reading.plain_capitals
                or any(cue[1] == end for cue in self._cues(start, end))
            )
        ):
            verb = Hit(end, end, "word", "says")
            span = self._trimmed(start, end)
            if span is not None:
                return [self._attribution(number, span, verb, "asserts", hits)]
        return []

    def _cues(self, start: int, end: int) -> list[tuple[int, int]]:
        """Words between two offsets that can be a speaker."""
        return self.cues[bisect_left(self.cue_starts, start) : bisect_left(self.cue_starts, end)]

    def _quoted(self, number: int, start: int, end: int, hits: list[Hit]) -> list[Attribution]:
        """A quotation with its speaker beside it, whatever the word between them is."""
        at = bisect_left(self.quote_starts, start)
        if at and self.quotes[at - 1][1] > start:
            at -= 1
        for first, last in self.quotes[at:]:
            if first >= end:
                break
            if self._words(first, last) < 2:
                continue
            span = self._after_quote(last, end) or self._before_quote(start, first)
            if span is not None:
                place = span[0] if span[0] > last else span[1]
                verb = Hit(place, place, "word", "says")
                return [self._attribution(number, span, verb, "asserts", hits)]
        return []

    def _after_quote(self, quote: int, end: int) -> tuple[int, int] | None:
        text = self.text
        tail = _TAIL.match(text, quote, end)
        if tail is None or not _TIE.search(text, quote - 1, tail.end()):
            return None
        at = tail.end()
        limit = _next(self.edges, at, _next(self.commas, at, end))
        words = text[at:limit].split()
        if not 2 <= len(words) <= 14 or (not words[0][0].islower() and self.manner.spaced):
            return None
        if self.manner.final:
            return self._clipped(at, at + text[at:limit].rstrip(" .").rfind(" "))
        skip = 1 + (len(words[0]) <= 3 and len(words) > 2)
        for word in words[:skip]:
            at = text.index(word, at) + len(word)
        return self._clipped(at, limit, True)

    def _before_quote(self, start: int, quote: int) -> tuple[int, int] | None:
        """Whoever is named at the beginning of the clause before a quotation."""
        text, opener = self.text, max(start, quote - 1)
        at = start
        for edge in self.edges[bisect_left(self.edges, start) : bisect_left(self.edges, opener)]:
            if text[edge] != "," or text[edge + 1 : opener].strip():  # not the comma before this quotation
                at = edge + 1
        end = at + len(text[at : quote - 1].rstrip(" ,:-–—"))
        if self._words(at, end) < 2 or not self._has_cue(at, end):
            return None
        if self.manner.final:
            return self._subject(at, end)
        if self._words(at, self._cues(at, end)[0][0]) > 4:
            return None
        return self._clipped(at, end, short=4)

    def _inside_quote(self, start: int, end: int) -> bool:
        at = bisect_right(self.quote_starts, start) - 1
        return at >= 0 and end <= self.quotes[at][1] and self._words(*self.quotes[at]) > 2

    def _is_quoted(self, start: int, end: int) -> bool:
        at = bisect_right(self.quote_starts, start) - 1
        return at >= 0 and end <= self.quotes[at][1] + 1

    def _words(self, start: int, end: int) -> int:
        if end <= start:
            return 0
        return len(self.text[start:end].split()) if self.manner.spaced else (end - start + 1) // 2

    def _names_one(self, start: int, end: int) -> bool:
        return self._has_cue(start, end) or bool(end - start < 40 and _NAME.search(self.text, start, end))

    def _has_cue(self, start: int, end: int) -> bool:
        """Whether a word that can be a speaker begins here."""
        starts = self.cue_starts
        at = bisect_left(starts, start)
        return at < len(starts) and starts[at] < end

    def _appositive(self, start: int, end: int) -> bool:
        """A bare name, an age, or a clause about the speaker: it belongs to what stands before the comma."""
        words = self.text[start:end].split()
        return len(words) <= 3 and all(not word[0].islower() for word in words)

    def _clipped(self, start: int, end: int, loose: bool = False, short: int = _SHORT) -> tuple[int, int] | None:
        """A speaker's words up to where what is said begins."""
        that = self.manner.that
        if that is not None and self._has_cue(start, end):
            said = that.search(self.apart, start + 1, end + 1)
            if said is not None and self._has_cue(start, said.start()):
                end = said.start()
        if end - start > 2 * short and self._words(start, end) > short:  # a word and a space are two characters
            words = list(islice(_WORD.finditer(self.text, start, end), short))
            limit = words[-1].end()
            ends = [cue[1] for cue in self._cues(start, limit)]
            if self.reading.plain_capitals:
                ends += [word.end() for word in words[1:] if word[0][0].isupper()][:3]
            if ends:
                end = min(end, max(ends))
            elif loose:
                end = min(end, limit)
        return self._trimmed(start, end, loose)

    def _trimmed(self, start: int, end: int, loose: bool = False) -> tuple[int, int] | None:
        text, rules = self.text, self.manner
        end = min(end, len(text))
        if lead := _FILLER.match(text, start, end):
            start = lead.end()
        end = start + len(text[start:end].rstrip(" ,.:;!?\n\"'«»“”„–—-"))
        words = self.folded[start:end].split(" ")
        while len(words) > 1 and words[0] in rules.ties:
            start += len(words.pop(0)) + 1
        while len(words) > 1 and words[-1] in rules.helpers:
            end -= len(words.pop()) + 1
        if start >= end or len(words) > _LONGEST or (rules.that is not None and rules.that.match(self.apart, start)):
            return None
        if loose or self._has_cue(start, end) or _NAME.search(text, start, end):
            if self.folded[start:end].strip() in rules.pronouns:
                return self._referent(start)
            return start, end
        return None


_NEGATED = {"confirms": "declines-to-comment", "denies": "asserts"}
"""What a reporting word means behind a negation; nothing where it is not here."""


def _places(text: str, characters: str) -> list[int]:
    """Where any of these characters stands, in order: quicker one by one than by an expression for all."""
    places: list[int] = []
    for character in characters:
        at = text.find(character)
        while at >= 0:
            places.append(at)
            at = text.find(character, at + 1)
    places.sort()
    return places


def _next(places: Sequence[int], start: int, end: int) -> int:
    """The first of these places, which are in order, from `start` on; `end` where none stands before it."""
    at = bisect_left(places, start)
    return min(places[at], end) if at < len(places) else end


def _foremost(verbs: list[Hit]) -> list[Hit]:
    """Of reporting words that overlap the one whose stance comes first."""
    best: list[Hit] = []
    for hit in verbs:
        if best and hit[0] < best[-1][1]:
            if _ORDER[hit[3]] < _ORDER[best[-1][3]]:
                best[-1] = hit
        else:
            best.append(hit)
    return best
