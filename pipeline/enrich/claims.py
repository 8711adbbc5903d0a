"""Who says what: attributed statements, direct and indirect, with the stance of their speaker."""

import re
from typing import NamedTuple

from pipeline.enrich.lexicon import Hit
from pipeline.enrich.reading import Reading
from pipeline.enrich.speech import SPEAKERS, Attribution, attributions
from pipeline.model.enriched import Claim, Event, Span, Speaker, Stance

MOST = 8
"""Claims of one article at the most: those of the most telling speakers."""
ABOUT = 200
"""Characters of what is claimed that are kept."""

_QUOTE = re.compile(r"[\"«“„](?P<words>[^\"«»“”„]{3,600})[\"»”“]")
_ROLES = ("spokesperson", "minister", "ambassador", "head-of-state", "head-of-government", "party-leader", "official")
_NAMES = frozenset("state government organ organisation group person facility".split())
_RANK = {"denies": 0, "declines-to-comment": 1, "confirms": 1, "warns": 2, "demands": 2, "announces": 2, "asserts": 3}


class _Told(NamedTuple):
    said: Attribution
    about: tuple[int, int]
    quoted: bool


def read(reading: Reading, events: tuple[Event, ...] = ()) -> tuple[Claim, ...]:
    """The claims of an article, in order of the text; of one speaker with one stance only the first."""
    told: dict[tuple[str, str], _Told] = {}
    for said in attributions(reading):
        speaker_and_stance = (reading.folded[said.start : said.end], said.stance)
        if speaker_and_stance in told or not _weighty(reading, said):
            continue
        start, end = reading.sentences[said.sentence]
        about, quoted = _about(reading, said, start, end)
        if about[1] - about[0] < 3:
            continue
        told[speaker_and_stance] = _Told(said, about, quoted)
    best = sorted(told.values(), key=lambda one: (_RANK[one.said.stance], one.said.start))[:MOST]
    best.sort(key=lambda one: one.said.start)
    return tuple(_claim(reading, one, events) for one in best)


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


def _weighty(reading: Reading, said: Attribution) -> bool:
    """A speaker whose words say who it is: an office, a name, or somebody who hides theirs."""
    hits = reading.words_by_sentence[said.sentence]
    if any(hit.value in SPEAKERS and said.start <= hit.start < said.end for hit in hits):
        return True
    return bool(reading.mentions_between(said.start, said.end, _NAMES)) or reading.text[said.start].isupper()


def _about(reading: Reading, said: Attribution, start: int, end: int) -> tuple[tuple[int, int], bool]:
    """What is claimed: the quoted words, else the larger part of the sentence beside speaker and verb."""
    text = reading.text
    low, high = min(said.start, said.verb.start), max(said.end, said.verb.end)
    for quote in _QUOTE.finditer(text, start, end):
        if quote.end() <= low or quote.start() >= high:
            return (quote.start("words"), min(quote.end("words"), quote.start("words") + ABOUT)), True
    before, after = _tidy(text, start, low), _tidy(text, high, end)
    part = before if before[1] - before[0] > after[1] - after[0] and said.verb.start < said.start else after
    if part[1] - part[0] < 12:
        part = max(before, after, key=lambda span: span[1] - span[0])
    return (part[0], min(part[1], part[0] + ABOUT)), False


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
    hits = reading.words_by_sentence[said.sentence]
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
    concepts = {hit.value for hit in reading.words_by_sentence[said.sentence]}
    if said.stance in ("denies", "confirms", "declines-to-comment") or "condemns" in concepts:
        return events[0].what if events else None
    return None
