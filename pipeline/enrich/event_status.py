"""What the words of an event are worth: reported, claimed, denied, threatened, hypothetical or long past."""

import re
from datetime import date

from pipeline.enrich.event_patterns import Spec
from pipeline.enrich.lexicon import Hit
from pipeline.enrich.sentence import BREAK, Context, Sentence
from pipeline.model.enriched import Status

STRENGTH: tuple[Status, ...] = ("reported", "claimed", "denied", "threatened", "hypothetical", "past")
"""Strongest first: of the sentences that tell one event, the strongest decides."""
FIRMEST = STRENGTH[0]

ARTICLE = 3
"""Letters of an article at the most."""

_YEAR = re.compile(
    r"\b(?:[1١१১][5-9٥-٩५-९৫-৯]|[2٢२২][0٠०০])\d\d\b|(?<=سال )[1۱][3۳]\d\d\b|(?<!\d)(?:1[5-9]|20)\d\d(?=[年년])"
)
"""In the digits of the language, of Persia's calendar until 2021, and where no space parts it from "year"."""
_CHAINED = 12
"""Words from "could" to the second deed of two: "could close its mission in Quito and bring staff home"."""
_OPENS = 3
"""Words before a year at the most that dates the whole sentence: "In 1979 students stormed the embassy"."""
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
    "ambassador-summoned ambassador-recalled ceasefire-agreed ceasefire-extended ceasefire-ended"
    " sanctions-changed aid-changed border-closed border-reopened"
    " diplomats-expelled relations-cut emergency-declared martial-law mobilisation-ordered mission-closed".split()
)
"""What people propose, demand and refuse, so that a proposal must not be taken for the deed."""


def firmer(status: Status, than: Status) -> bool:
    """Whether a status is stronger than another."""
    return STRENGTH.index(status) < STRENGTH.index(than)


def status_of(context: Context, sentence: Sentence, spec: Spec, words: tuple[Hit, ...]) -> Status:
    """The status of an event, from the sentence around it and the kind of article."""
    trigger = words[1] if len(words) > 1 else words[0]
    kind = context.genre.kind
    if kind in _UNREAL and not (kind == "trial" and spec.what in _NOT_FOR_TRIALS):
        return _UNREAL[kind]
    negations = _negations(sentence, trigger)
    if context.governed(trigger, negations, 3) or _nobody(context, negations, words[0]):
        return "denied"
    if _denied(context, sentence, trigger):
        return "denied"
    for cue in context.unreal:
        if sentence.has(cue) and not sentence.in_title and not (cue == "trial" and spec.what in _NOT_FOR_TRIALS):
            return _UNREAL[cue]
    if context.governed(trigger, sentence.of("threat"), 6, clause=True):
        return "threatened"
    if _supposed(context, sentence, spec, words):
        return "hypothetical"
    if _past(context, sentence, words) or (spec.lead and not sentence.opens):
        return "past"
    return "claimed" if sentence.has("alleged", "anonymous") or sentence.speech else "reported"


def _negations(sentence: Sentence, trigger: Hit) -> list[Hit]:
    """Words that negate, but no part of a name such as "no tripulado", or of the deed itself ("did not hold")."""
    names = list(sentence.of("munition", "attackers", "persona-non-grata"))
    return [
        cue
        for cue in sentence.of("negation")
        if not any(name.start <= cue.start and cue.end <= name.end for name in names)
        and not (trigger.start <= cue.start and cue.end < trigger.end)
    ]


def _nobody(context: Context, negations: list[Hit], first: Hit) -> bool:
    """A negation stands right before the word, or before its article: "no envoy", "nemmeno l'ambasciatore"."""
    folded = context.reading.folded
    return any(
        context.before(first, [cue], 2) and len(folded[cue.end : first.start].strip()) <= ARTICLE for cue in negations
    )


def _denied(context: Context, sentence: Sentence, trigger: Hit) -> bool:
    """A denial governs the words, or the sentence calls them a rumour."""
    return context.governed(trigger, sentence.of("denies"), 12, clause=True) or sentence.has("rumour-false")


def _supposed(context: Context, sentence: Sentence, spec: Spec, words: tuple[Hit, ...]) -> bool:
    """If, may, plans to, calls for: it has not happened."""
    text = context.reading.text
    cues = ("hypothetical", "plan", "proposal", "refuse") if spec.what in _WANTED else ("hypothetical", "plan")
    deeds = sentence.of("close", "recall", "expel") if spec.type == "RETREAT" else []
    for cue in sentence.of(*cues):
        if _opens_condition(sentence, cue, words):
            return True
        if cue.start >= sentence.start + 3 and text[cue.start].isupper() and not sentence.in_title:
            continue  # May, the month
        reach = 7 if cue.value == "hypothetical" else 5
        for word in words[:2]:
            if any(cue.end < deed.start and deed.end < word.start for deed in deeds):
                reach = _CHAINED
            around = cue.start <= word.start and word.end <= cue.end  # a verb may hold its own if: "fermerait"
            if around or context.governed(word, [cue], reach, clause=True):
                return True
    return False


def _opens_condition(sentence: Sentence, cue: Hit, words: tuple[Hit, ...]) -> bool:
    """ "If" opens the sentence, and what would follow stands behind a comma."""
    text = sentence.context.reading.text
    return (
        cue.value == "hypothetical"
        and cue.start <= sentence.start + 1
        and not text[cue.end + 1 : cue.end + 2].isdigit()
        and "," in text[cue.end : max(word.start for word in words)]
    )


def _past(context: Context, sentence: Sentence, words: tuple[Hit, ...]) -> bool:
    """Dated before the year of the article, or told as long gone."""
    reading = context.reading
    start, end = min(word.start for word in words), max(word.end for word in words)
    if context.near((start, end), sentence.of("past"), 5) or context.near((start, end), sentence.of("anniversary"), 3):
        return True
    if not sentence.in_title and any(_dates_all(context, sentence, cue, start) for cue in sentence.of("past")):
        return True
    this_year = context.published.year
    if context.published == date.max:
        return False
    for year in _YEAR.finditer(reading.text, sentence.start, sentence.end):
        if int(year[0]) >= this_year:
            continue
        opens = year.end() <= start and context.words_apart(sentence.start, year.start()) < _OPENS
        if opens and not BREAK.search(reading.text, sentence.start, year.start()):
            return True
        if context.near((start, end), [year.span()], 5):
            low, high = min(end, year.end()), max(start, year.start())
            if sentence.in_title or not BREAK.search(reading.text, low, high):
                return True
    return False


def _dates_all(context: Context, sentence: Sentence, cue: Hit, start: int) -> bool:
    """Whether a time long gone opens the sentence before its verb: "Two years ago the envoy had been called in"."""
    text = context.reading.text
    early = cue.end <= start and context.words_apart(sentence.start, cue.start) < 2
    return early and not BREAK.search(text, sentence.start, start)
