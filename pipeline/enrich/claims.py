"""Who says what: attributed statements, direct and indirect, with the stance of their speaker."""

import re
from bisect import bisect_left
from typing import NamedTuple

from pipeline.enrich.lexicon import Hit
from pipeline.enrich.reading import Reading
from pipeline.enrich.speech import SPEAKERS, Attribution, attributions, manner
from pipeline.model.enriched import Claim, Event, Span, Speaker, Stance

MOST = 6
"""Claims of one article at the most: the most telling stances, then speakers named or quoted before all others."""
ABOUT = 200
"""Characters of what is claimed that are kept."""

_QUOTE = re.compile(r"[\"«“„「『](?P<words>[^\"«»“”„「」『』]{3,600})[\"»”“」』]")
_OPENERS = '"«“„「『'
_ROLES = ("spokesperson", "minister", "ambassador", "head-of-state", "head-of-government", "party-leader", "official")
_NAMES = frozenset("state government organ organisation group person facility".split())
_DENIALS = frozenset(("denies", "negation"))
_RANK = {"denies": 0, "declines-to-comment": 1, "confirms": 1, "warns": 2, "demands": 2, "announces": 2, "asserts": 3}


class _Told(NamedTuple):
    said: Attribution
    about: tuple[int, int]
    quoted: bool
    weighty: bool


def read(reading: Reading, events: tuple[Event, ...] = ()) -> tuple[Claim, ...]:
    """The main claims of an article, in order of the text: of each speaker the most telling one."""
    told: dict[str, _Told] = {}
    names: dict[str, set[str]] = {}
    voices = [hit[0] for hit in reading.words_of(SPEAKERS)]
    quotes = any(mark in reading.text for mark in _OPENERS)
    denials = [
        hit for hit in reading.words_of(_DENIALS) if hit[3] == "negation" or " " in reading.folded[hit[0] : hit[1]]
    ]
    demands = reading.concepts.get("demands", [])
    near = 3 if manner(reading.language).spaced else 1
    for said in attributions(reading):
        quote = _quote(reading, said) if quotes else None
        weighty = quote is not None or _one_of(voices, said) or _named(reading, said)
        about = quote or _beside(reading, said)
        if about[1] - about[0] < 3:
            continue
        if said.stance == "asserts":
            said = said._replace(stance=_meant(denials, demands if quote else [], about, near))
        speaker = _known(names, reading.folded[said.start : said.end].strip())
        before = told.get(speaker)
        if before is not None and before.said.start < reading.body_start <= said.start:
            stance = min(before.said.stance, said.stance, key=_RANK.__getitem__)
            told[speaker] = _Told(said._replace(stance=stance), about, quote is not None, weighty)
        elif before is None or _RANK[said.stance] < _RANK[before.said.stance]:
            told[speaker] = _Told(said, about, quote is not None, weighty)
    if any(one.said.start >= reading.body_start for one in told.values()):
        told = {speaker: one for speaker, one in told.items() if one.said.start >= reading.body_start}
    best = sorted(told.values(), key=lambda one: (_RANK[one.said.stance], not one.weighty, one.said.verb.start))[:MOST]
    best.sort(key=lambda one: one.said.verb.start)
    return tuple(_claim(reading, one, events) for one in best)


def _one_of(voices: list[int], said: Attribution) -> bool:
    """Whether a word that can be who speaks begins among the speaker's."""
    at = bisect_left(voices, said.start)
    return at < len(voices) and voices[at] < said.end


def _meant(denials: list[Hit], demands: list[Hit], about: tuple[int, int], near: int) -> str:
    """The stance of words that somebody merely says: what they hold denies, begins with a negation, or demands."""
    start, end = about
    if denials:
        within = denials[bisect_left(denials, (start,)) : bisect_left(denials, (end,))]
        if any(hit[3] == "denies" or hit[0] - start < near for hit in within):
            return "denies"
    at = bisect_left(demands, (start,))
    return "demands" if at < len(demands) and demands[at][0] < end else "asserts"


def _known(names: dict[str, set[str]], speaker: str) -> str:
    """The fuller or shorter name under which this speaker has spoken already; else their own, which is noted."""
    words = set(speaker.split())
    for other, others in names.items():
        if words <= others or others <= words:
            return other
    names[speaker] = words
    return speaker


def withdraws(reading: Reading) -> Span | None:
    """Where an outlet takes its own report back, None where it does not."""
    for hit in reading.concepts.get("withdraw", ()):
        if not _of_others(reading, hit):
            start, end = reading.sentences[reading.sentence_at(hit.start)]
            return reading.span(start, len(reading.text[:end].rstrip()))
    return None


def _of_others(reading: Reading, hit: Hit) -> bool:
    """A correction that some ministry or company makes, not this outlet."""
    hits = reading.words_by_sentence.get(reading.sentence_at(hit.start), [])
    return any(other.value in ("minister", "party-leader", "court", "parliament", "business") for other in hits)


def _named(reading: Reading, said: Attribution) -> bool:
    """Whether a speaker's words say by a name who it is."""
    if reading.mentions_between(said.start, said.end, _NAMES):
        return True
    if not reading.plain_capitals:
        return False
    words = reading.text[said.start : said.end].split()
    return sum(word[0].isupper() for word in words) > (said.start <= reading.sentences[said.sentence][0] + 1)


def _quote(reading: Reading, said: Attribution) -> tuple[int, int] | None:
    """The words between quotation marks that are claimed, where any are."""
    start, end = reading.sentences[said.sentence]
    low, high = said.verb[:2]
    if start <= said.start < end:
        low, high = min(said.start, low), max(said.end, high)
    for quote in _QUOTE.finditer(reading.text, start, end):
        if quote.end() <= low or quote.start() >= high or said.end <= quote.start() < said.verb.start:
            return quote.start("words"), min(quote.end("words"), quote.start("words") + ABOUT)
    return None


def _beside(reading: Reading, said: Attribution) -> tuple[int, int]:
    """What is claimed without quotation marks: the larger part of the sentence beside speaker and verb."""
    text, (start, end) = reading.text, reading.sentences[said.sentence]
    first, last, verb = said.start, said.end, said.verb[0]
    low, high = said.verb[:2]
    if start <= first < end:
        low, high = min(first, low), max(last, high)
    before, after = _tidy(text, start, low), _tidy(text, high, end)
    if start <= first and last < verb:
        between = _tidy(text, last, verb)
        if between[1] - between[0] > max(12, after[1] - after[0]):
            return between[0], min(between[1], between[0] + ABOUT)
    part = before if before[1] - before[0] > after[1] - after[0] and verb < first else after
    if part[1] - part[0] < 12:
        part = max(before, after, key=lambda span: span[1] - span[0])
    return part[0], min(part[1], part[0] + ABOUT)


def _tidy(text: str, start: int, end: int) -> tuple[int, int]:
    while start < end and not text[start].isalnum():
        start += 1
    while end > start and not text[end - 1].isalnum():
        end -= 1
    return start, end


def _actor(reading: Reading, said: Attribution) -> str | None:
    """The actor that speaks: a person or organ named in the words before a state that is."""
    mentions = reading.mentions_between(said.start, said.end, _NAMES)
    order = ("person", "organ", "organisation", "group", "government", "state")
    for kind in order:
        for mention in mentions:
            if mention.kind == kind:
                return mention.id
    for mention in mentions:
        facility = reading.facilities.get(mention.id)
        if facility and facility.owner:
            return facility.owner
    return None


def _claim(reading: Reading, told: _Told, events: tuple[Event, ...]) -> Claim:
    said = told.said
    start, end = reading.sentences[said.sentence]
    hits = reading.words_by_sentence.get(reading.sentence_at(said.start), ())
    role = next((hit.value for hit in hits if hit.value in _ROLES and said.start <= hit.start < said.end), None)
    span = reading.span(start, len(reading.text[:end].rstrip()))
    stance: Stance = said.stance  # type: ignore[assignment]
    return Claim(
        speaker=Speaker(
            text=reading.text[said.start : said.end], actor=_actor(reading, said), anonymous=said.anonymous, role=role
        ),
        stance=stance,
        quoted=told.quoted,
        about=reading.text[told.about[0] : told.about[1]],
        event=_event(reading, said, events),
        span=span,
    )


def _event(reading: Reading, said: Attribution, events: tuple[Event, ...]) -> str | None:
    """The event told in the sentence of the claim, or for a denial without one, the first of the article."""
    start, end = reading.sentences[said.sentence]
    span = reading.span(start, end)
    events = tuple(event for event in events if event.what != event.type.lower())
    for event in events:
        if event.span.field == span.field and event.span.start <= span.start + 1 < event.span.end + 1:
            return event.what
    concepts = {hit.value for hit in reading.words_by_sentence.get(said.sentence, ())}
    if said.stance in ("denies", "confirms", "declines-to-comment") or "condemns" in concepts:
        return events[0].what if events else None
    return None
