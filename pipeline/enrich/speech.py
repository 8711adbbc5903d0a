"""Who speaks in a sentence: reporting words and the words beside them that name the speaker."""

import re
from bisect import bisect_left
from collections.abc import Iterator
from typing import NamedTuple

from pipeline.enrich.lexicon import Hit
from pipeline.enrich.reading import Reading

STANCES = {
    "denies": "denies",
    "no-comment": "declines-to-comment",
    "confirms": "confirms",
    "demands": "demands",
    "warns": "warns",
    "announces": "announces",
    "says": "asserts",
    "according": "asserts",
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
        "anonymous",
        "attackers",
    ]
)
"""Concepts that can be who speaks."""

_ACTORS = frozenset(["state", "government", "organ", "organisation", "group", "person", "facility", "city"])
_EDGE = re.compile(r"[;:—–\n()\"«»“”„,](?:(?<!,)|\s+[\"“«„])")  # a comma only before a quotation
_COMMA = re.compile(r"[,،、，]\s*")
_LONGEST = 16
_FILLER = re.compile(r"^(?:[\s\-–—•▪,:;.!?\"'«»“”„()…]|\d\d[:.]\d\d\b)+|[\s,:;\"'«»“”„()–—-]+$")
_NAME = re.compile(r"[^\W\d_a-zà-öø-ÿа-яіїєґё][\w'’-]+")


class Attribution(NamedTuple):
    """A reporting word with its speaker; offsets in the text."""

    sentence: int
    start: int
    end: int
    """Of the speaker's words."""
    verb: Hit
    stance: str
    anonymous: bool


def attributions(reading: Reading) -> tuple[Attribution, ...]:
    """Every reporting word beside which a speaker stands, in order of the text; found once an article."""
    if reading.speech is None:
        reading.speech = tuple(_find(reading))
    found: tuple[Attribution, ...] = reading.speech
    return found


def _find(reading: Reading) -> Iterator[Attribution]:
    for number, hits in reading.words_by_sentence.items():
        verbs = _verbs(hits)
        if not verbs:
            continue
        start, end = reading.sentences[number]
        cues = [hit.start for hit in hits if hit.value in SPEAKERS]
        cues += [mention.start for mention in reading.mentions_between(start, end, _ACTORS)]
        cues.sort()
        hidden = [hit for hit in hits if hit.value == "anonymous"]
        taken = start
        for verb in verbs:
            if verb.start < taken:
                continue
            span = None
            if verb.value != "according":
                span = _left(reading, max(start, taken), verb, cues)
            if span is None:
                span = _right(reading, end, verb, cues)
            if span is None:
                continue
            taken = max(span[1], verb.end)
            anonymous = any(hit.start < span[1] and hit.end > span[0] for hit in hidden)
            yield Attribution(number, *span, verb, STANCES[verb.value], anonymous)


def _verbs(hits: list[Hit]) -> list[Hit]:
    """The reporting words of a sentence; of those that overlap the one whose stance comes first."""
    best: list[Hit] = []
    for hit in hits:
        if hit.value not in STANCES:
            continue
        if best and hit.start < best[-1].end:
            if _ORDER[hit.value] < _ORDER[best[-1].value]:
                best[-1] = hit
        else:
            best.append(hit)
    return best


def _left(reading: Reading, start: int, verb: Hit, cues: list[int]) -> tuple[int, int] | None:
    """The speaker before the verb: the nearest part between commas that names one, with what belongs to it."""
    text = reading.text
    for edge in _EDGE.finditer(text, start, verb.start):
        start = edge.end()
    parts, at = [], start
    for comma in _COMMA.finditer(text, start, verb.start):
        parts.append((at, comma.start()))
        at = comma.end()
    parts.append((at, verb.start))
    parts = [part for part in parts if text[part[0] : part[1]].strip()]
    if not parts:
        return None
    first = last = len(parts) - 1
    while first > 0 and first > last - 2 and not _names_one(text, parts[first], cues):
        first -= 1
    if first > 0 and _appositive(text, parts[first]) and _names_one(text, parts[first - 1], cues):
        first -= 1
    return _trimmed(reading, parts[first][0], parts[last][1], cues)


def _right(reading: Reading, end: int, verb: Hit, cues: list[int]) -> tuple[int, int] | None:
    """The speaker after the verb, to the next comma or other edge."""
    text = reading.text
    edge = _EDGE.search(text, verb.end, end)
    comma = _COMMA.search(text, verb.end, end)
    stop = min(end, edge.start() if edge else end, comma.start() if comma else end)
    return _trimmed(reading, verb.end, stop, cues)


def _names_one(text: str, part: tuple[int, int], cues: list[int]) -> bool:
    start, end = part
    return _has_cue(cues, start, end) or bool(end - start < 40 and _NAME.search(text, start, end))


def _has_cue(cues: list[int], start: int, end: int) -> bool:
    """Whether a word that can be a speaker begins here; `cues` says where they all begin, in order."""
    at = bisect_left(cues, start)
    return at < len(cues) and cues[at] < end


def _appositive(text: str, part: tuple[int, int]) -> bool:
    """A bare name, an age, or a clause about the speaker: it belongs to what stands before the comma."""
    words = text[part[0] : part[1]].split()
    return len(words) <= 3 and all(not word[0].islower() for word in words)


def _trimmed(reading: Reading, start: int, end: int, cues: list[int]) -> tuple[int, int] | None:
    text = reading.text
    end = min(end, len(text))
    lead = _FILLER.match(text[start:end])
    start += lead.end() if lead else 0
    while start < end and text[end - 1] in " ,.:;!?\n\"'«»“”„–—-":
        end -= 1
    if start >= end or text.count(" ", start, end) >= _LONGEST:
        return None
    if _has_cue(cues, start, end) or _NAME.search(text, start, end):
        return start, end
    return None
