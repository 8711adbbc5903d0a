"""States: where a state is spoken of as one that acts, rather than as somebody's nationality or a place on the map."""

import re
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

from pipeline.enrich import tables
from pipeline.enrich.genre import genre
from pipeline.enrich.grammar import is_located, is_way
from pipeline.enrich.lexicon import Hit
from pipeline.enrich.names import opens_sentence
from pipeline.enrich.reading import Mention, Reading
from pipeline.model.enriched import Actor, Event, Span

OFFICES = frozenset(
    (
        *("embassy", "consulate", "residence", "mission", "un-premises", "ambassador", "diplomat", "head-of-state"),
        *("head-of-government", "minister", "foreign-ministry", "defence-ministry", "interior-ministry", "ministry"),
        *("government", "parliament", "leader-office", "army", "security-service", "border", "airspace"),
    )
)
"""Concepts of what a state consists of; metaphors of war and peace, in sport and trade, do without them."""
DEALINGS = frozenset(
    (
        *("sanctions", "ceasefire", "martial-law", "state-of-emergency", "coup", "mobilisation", "protest-note"),
        *("persona-non-grata", "relations", "hostage", "spying", "munition", "troops", "foreign-aid", "war", "talks"),
        *("attackers", "detain", "kidnap", "journalist", "aid-worker", "citizens"),
    )
)
"""Concepts of what states do to each other and to each other's people."""
POLITICAL = OFFICES | DEALINGS

OFFICIAL = (POLITICAL - {"aid-worker", "journalist", "citizens"}) | {
    "party-leader",
    "court",
    "police",
    "spokesperson",
    "official",
    "territory",
}
SHORT_TEXT = 400
"""Characters: too few to tell what an article deals with, so that who is named is taken at their word."""
REACH = 30
"""Characters within which a word belongs to an adjective."""
_BREAK = re.compile(r"[.;:!?…\n\"«»“”„。！？；]")
"""What no adjective reaches across."""
_DATELINE = frozenset(("—", "–"))
"""Behind the place that a report comes from."""
_CROSSING = frozenset(("munition", "debris", "airspace", "shoot-down", "violate", "strike", "attackers"))
"""Concepts of what violates the state that it goes through."""
_AND = re.compile(r",? \w{1,3} (?:\w{1,2} )?|, | [وו]|[和与與、及]|[와과] ")
"""Between names that stand side by side."""

SPEAKING = frozenset(
    (
        *("says", "denies", "confirms", "warns", "demands", "announces", "no-comment", "condemns", "summon"),
        *("expel", "recall", "cut", "agree", "refuse", "impose", "lift", "close", "suspend", "evacuate"),
        *(
            "order",
            "threat",
            "deploy",
            "extend",
            "widen",
            "resume",
            "reopen",
            "violate",
            "strike",
            "shoot-down",
            "protest",
            "urge",
            "declare",
        ),
    )
)
"""What a government does, also by the name of its capital."""

BRUSSELS = "2800866"
"""It stands for the European Union, except to Belgians."""


def judge(reading: Reading, hits: Sequence[Hit]) -> None:
    """Adds the mentions of states and the states that act to the reading."""
    political = is_political(reading)
    named = [hit for hit in hits if hit.kind in ("state", "adjective", "demonym")]
    times = Counter(hit.value for hit in named)
    named = [hit for hit in named if times[hit.value] > 1 or not _is_passed(reading, hit)]
    for hit in named:
        reading.mentions.append(Mention(hit.start, hit.end, hit.kind, hit.value))
    if not political:
        return
    spans: dict[str, list[Span]] = defaultdict(list)
    acting = {hit.value for hit in named if _acts(reading, hit, times[hit.value])}
    for hit in named:
        if hit.kind != "demonym" and hit.value in acting:
            spans[hit.value].append(reading.span(hit.start, hit.end))
    union: list[Span] = []
    for hit in _governments(reading, hits):
        code = tables.capitals()[hit.value]
        if hit.value == BRUSSELS and reading.article.source.country != code:
            reading.mentions.append(Mention(hit.start, hit.end, "organisation", "EU"))
            union.append(reading.span(hit.start, hit.end))
            continue
        reading.mentions.append(Mention(hit.start, hit.end, "government", code))
        spans[code].append(reading.span(hit.start, hit.end))
    if union:
        reading.actors["EU"] = Actor(id="EU", kind="organisation", name="European Union", mentions=tuple(union))
    for code, mentions in spans.items():
        reading.actors[code] = Actor(
            id=code, kind="state", name=tables.countries()[code].name, mentions=tuple(mentions)
        )


def _acts(reading: Reading, named: Hit, times: int) -> bool:
    """Whether a name that stands so many times in the article makes its state one that acts."""
    return named.kind == "state" or (named.kind == "adjective" and (times > 1 or _is_official(reading, named)))


def _is_passed(reading: Reading, named: Hit) -> bool:
    """Whether a state is only the way of people or goods ("via Lithuania"), and not of what flies over its border."""
    if named.kind != "state" or not is_way(reading, named.start, named.end):
        return False
    words = reading.words_by_sentence.get(reading.sentence_at(named.start), ())
    return _CROSSING.isdisjoint(word.value for word in words)


def _is_official(reading: Reading, adjective: Hit) -> bool:
    """Whether the adjective goes with a word of state, as in "Turkish drone" and not in "Turkish marble"."""
    if not reading.words:
        return True
    at = bisect_left(reading.words, (adjective.start - REACH,))
    for word in reading.words[at:]:
        if word.start > adjective.end + REACH:
            return False
        if word.value == "capital" and 0 < word.start - adjective.end <= 2:
            return True
        if word.value in OFFICIAL:
            gap = (adjective.end, word.start) if adjective.start < word.start else (word.end, adjective.start)
            if not _BREAK.search(reading.text, *gap):
                return True
    return False


def is_political(reading: Reading) -> bool:
    """Whether the article deals with what states do at all."""
    kind = genre(reading).kind
    if kind in ("sport", "lifestyle", "fiction", "satire", "domestic"):
        return False
    if kind == "business" and not _headlines_sanctions(reading):
        return False
    if len(reading.text) < SHORT_TEXT or not reading.words:
        return True
    concepts = reading.concepts
    offices = {hit.start for concept in OFFICES & concepts.keys() for hit in concepts[concept]}
    return len(offices) >= 2 or (len(offices) == 1 and not DEALINGS.isdisjoint(concepts.keys()))


def _headlines_sanctions(reading: Reading) -> bool:
    """Whether a headline about business is about a state's sanctions."""
    headline = reading.body_start
    named = any(hit.start < headline and hit.kind in ("state", "adjective", "city") for hit in reading.names)
    return named and any(hit.start < headline for hit in reading.concepts.get("sanctions", ()))


def _governments(reading: Reading, hits: Sequence[Hit]) -> list[Hit]:
    """The capitals that stand for their governments: they speak, open a sentence, or are named in one breath."""
    capitals = [hit for hit in hits if hit.kind == "city" and hit.value in tables.capitals()]
    found = []
    for breath in _breaths(reading, capitals):
        first = breath[0]
        if is_located(reading, first.start, first.end) or is_way(reading, first.start, first.end):
            continue
        if reading.text[breath[-1].end : breath[-1].end + 2].strip() in _DATELINE:
            continue
        if len(breath) > 1 or _speaks(reading, first) or _opens(reading, first):
            found += breath
    return found


def _breaths(reading: Reading, capitals: Sequence[Hit]) -> list[list[Hit]]:
    """The capitals, those together that are named side by side: "Vilnius, Tallinn and Warsaw"."""
    breaths: list[list[Hit]] = []
    for hit in capitals:
        joined = breaths and _AND.fullmatch(reading.text, breaths[-1][-1].end, hit.start)
        if joined and not is_located(reading, hit.start, hit.end):  # "from Sanaa to Cairo" is no breath
            breaths[-1].append(hit)
        else:
            breaths.append([hit])
    return breaths


def _speaks(reading: Reading, capital: Hit) -> bool:
    """Whether a word of what governments do follows in the sentence."""
    number = reading.sentence_at(capital.start)
    return any(
        word.value in SPEAKING for word in reading.words_by_sentence.get(number, ()) if word.start >= capital.end
    )


def _opens(reading: Reading, capital: Hit) -> bool:
    """Whether a capital is the bare subject of its sentence, as in "Budapest was the first to condemn it"."""
    text, end = reading.text, capital.end
    return (
        capital.start > reading.body_start
        and reading.plain_capitals
        and opens_sentence(text, capital.start)
        and text[end : end + 1] == " "
        and text[end + 1 : end + 2].islower()
    )


def parties(reading: Reading) -> None:
    """Whose facility is spoken of acts, but in a novel; so does the country where a facility of the UN stands."""
    if genre(reading).kind == "fiction":
        return
    political = bool(reading.facilities) and is_political(reading)
    for facility in reading.facilities.values():
        for code in (facility.owner, facility.country if political and facility.owner == "UN" else None):
            if code in tables.countries() and code not in reading.actors:
                name = tables.countries()[code].name
                reading.actors[code] = Actor(id=code, kind="state", name=name, mentions=facility.mentions)


def sides(reading: Reading, events: Iterable[Event]) -> None:
    """A state that an event names as doing or suffering it acts, though only its adjective stands there."""
    for code in dict.fromkeys(id_ for event in events for id_ in (*event.source, *event.target, *_struck(event))):
        if code in tables.countries() and code not in reading.actors:
            mentions = tuple(reading.span(one.start, one.end) for one in reading.mentions if one.id == code)
            name = tables.countries()[code].name
            reading.actors[code] = Actor(id=code, kind="state", name=name, mentions=mentions)


def _struck(event: Event) -> tuple[str, ...]:
    """The country in which premises were hit: its soil was."""
    if event.what != "premises-damaged" or event.status != "reported" or not event.facility:
        return ()
    return (event.facility.country,) if event.facility.country else ()
