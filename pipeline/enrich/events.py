"""What happened: words that stand together in a sentence, and of each event the sentence that tells it most firmly.

Which words make which event, `event_patterns.py` says; whether those found truly belong together, `event_checks.py`;
what they are worth, `event_status.py`; who did it to whom, `event_parties.py`. Nothing of it knows a language.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from pipeline.enrich.event_checks import CHECKS, Verdict
from pipeline.enrich.event_parties import facility_of, place_of, sides, subject_and_object
from pipeline.enrich.event_patterns import Pattern, Slot, Spec, by_concept, specs
from pipeline.enrich.event_status import FIRMEST, firmer, status_of
from pipeline.enrich.lexicon import Hit
from pipeline.enrich.munitions import bystander
from pipeline.enrich.reading import Reading
from pipeline.enrich.sentence import OPENING, Context, Sentence
from pipeline.model.enriched import Event, Facility, Status

MOST, MOST_GENERAL = 24, 8
"""Events of one article at the most, and deeds in general among them."""
TRIED, CHAINS = 4, 12
"""Ways of putting a pattern's words together that are judged, and that are kept while they are put together."""
_MORE = 2
"""Words by which the parts of an event may stand further apart where the verb closes the sentence."""
_OF_PREMISES = frozenset(["premises-damaged", "mission-closed"])
"""Told once of each facility."""
_GONE: set[Status] = {"past"}


class Found(NamedTuple):
    """A pattern found in a sentence."""

    spec: Spec
    sentence: Sentence
    words: tuple[Hit, ...]
    status: Status
    facility: Facility | None


def read(reading: Reading) -> tuple[Event, ...]:
    """The events of an article, in order of the text: of each kind and facility the one told most firmly."""
    context = Context(reading)
    strongest: dict[tuple[str, str], Found] = {}
    headlined: dict[str, Status] = {}
    told_below: dict[str, set[Status]] = {}
    retracted = _retracted(reading)
    for found in _find(context):
        if found.sentence.in_title:
            headlined[found.spec.what] = found.status
        elif found.status != "past" or found.sentence.start < reading.body_start + OPENING // 4:
            told_below.setdefault(found.spec.what, set()).add(found.status)
        if retracted:
            found = found._replace(status="denied")
        key = (found.spec.what, _premises(found))
        if key not in strongest or firmer(found.status, strongest[key].status):
            strongest[key] = found
    if fallout := _fallout(context, strongest.values()):
        strongest[fallout.spec.what, ""] = fallout
    told = [_as_dated(_as_headlined(found, headlined), told_below) for found in strongest.values()]
    told.sort(key=lambda found: (found.sentence.number, min(word.start for word in found.words)))
    return tuple(_event(found) for found in _fewer(told))


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


def _premises(found: Found) -> str:
    """The facility by which events of one kind differ; empty where they do not."""
    return found.facility.id if found.facility and found.spec.what in _OF_PREMISES else ""


def _fallout(context: Context, found: Iterable[Found]) -> Found | None:
    """A third state's mission that a munition hit in a country at war: its soil was violated too."""
    what = "munition-crossed-border"
    told = [one for one in found if one.status in ("reported", "claimed")]
    if not context.concepts & {"munition", "debris"} or any(one.spec.what == what for one in told):
        return None
    for hit in told:
        facility = hit.facility
        if (
            hit.spec.what == "premises-damaged"
            and facility
            and facility.owner
            and bystander(facility.owner, facility.country, context.states, context.published)
        ):
            return hit._replace(spec=specs()[what])
    return None


def _retracted(reading: Reading) -> bool:
    """The headline or first sentence takes a report back."""
    return any(hit.start < reading.body_start + 200 for hit in reading.concepts.get("withdraw", ()))


def _as_headlined(found: Found, headlined: Mapping[str, Status]) -> Found:
    """Where the headline says that it may happen, is denied or long gone, what stands far below counts less."""
    headline = headlined.get(found.spec.what)
    if headline in (None, "reported", "claimed") or found.status not in ("reported", "claimed"):
        return found
    opening = found.sentence.context.reading.body_start + OPENING // 2
    if found.sentence.start < opening and found.status == "reported":
        return found
    return found._replace(status=headline)


def _as_dated(found: Found, told_below: Mapping[str, set[Status]]) -> Found:
    """A headline has no room for dates: an attack that the first words below tell as long gone is so there too."""
    gone = _may_be_dated(found) and told_below.get(found.spec.what) == _GONE
    return found._replace(status="past") if gone else found


def _may_be_dated(found: Found) -> bool:
    return found.spec.type == "ASSAULT" and found.sentence.in_title


def _find(context: Context) -> Iterator[Found]:
    """Every event told, sentence by sentence; of each event in a sentence the pattern that tells it most firmly."""
    settled: set[str] = set()
    for number, patterns in _possible(context):
        sentence: Sentence | None = None
        found: dict[str, Found] = {}
        for spec, pattern in patterns:
            known = found.get(spec.what)
            if spec.what in settled or (known and known.status == FIRMEST):
                continue
            sentence = sentence or Sentence(context, number)
            told = _told(context, sentence, spec, pattern)
            if told and (known is None or firmer(told.status, known.status)):
                found[spec.what] = told
        for one in found.values():
            if one.status == FIRMEST and one.spec.what not in _OF_PREMISES and not _may_be_dated(one):
                settled.add(one.spec.what)
            yield one


def _possible(context: Context) -> Iterator[tuple[int, Iterable[tuple[Spec, Pattern]]]]:
    """The patterns that the concepts of each sentence leave possible, by the concepts that begin them."""
    live = _live(context)
    if not live:
        return
    begins = frozenset(live)
    for number, hits in context.reading.words_by_sentence.items():
        concepts = {hit[3] for hit in hits}
        firsts = begins & concepts
        if not firsts:
            continue
        possible = {}
        for first in sorted(firsts):
            for spec, pattern in live[first]:
                lacking = pattern.others and any(map(concepts.isdisjoint, pattern.others))
                if not lacking and concepts.isdisjoint(pattern.excluded):
                    possible[pattern.number] = spec, pattern
        if possible:
            yield number, possible.values()


def _live(context: Context) -> dict[str, list[tuple[Spec, Pattern]]]:
    """The patterns that this article can hold, by the concepts that begin them."""
    live: dict[str, list[tuple[Spec, Pattern]]] = {}
    index, concepts, states, kind = by_concept(), context.concepts, len(context.states), context.genre.kind
    for concept in concepts & index.keys():
        possible = [
            (spec, pattern)
            for spec, pattern in index[concept]
            if states >= spec.states and kind not in spec.unless and not any(map(concepts.isdisjoint, pattern.others))
        ]
        if possible:
            live[concept] = possible
    return live


def _told(context: Context, sentence: Sentence, spec: Spec, pattern: Pattern) -> Found | None:
    """The event, where the words of a pattern stand together and belong together."""
    for words in _together(context, sentence, pattern)[:TRIED]:
        verdict: Verdict = True
        for check in pattern.checks:
            verdict = CHECKS[check](context, sentence, words)
            if verdict is not True:
                break
        if verdict is False:
            continue
        if verdict is not True:
            status = verdict
        elif not pattern.status:
            status = status_of(context, sentence, spec, words)
        elif context.before(words[1], sentence.of("negation"), 2):
            continue
        else:
            status = pattern.status
        return Found(spec, sentence, words, status, facility_of(sentence, words))
    return None


def _together(context: Context, sentence: Sentence, pattern: Pattern) -> list[tuple[Hit, ...]]:
    """Hits of every slot near one another, the closest first."""
    near = pattern.near + (_MORE if context.verb_last else 0)
    chains: list[tuple[int, tuple[Hit, ...]]] = [(0, (hit,)) for hit in _hits(sentence, pattern.slots[0])]
    for slot in pattern.slots[1:]:
        hits = _hits(sentence, slot) if chains else []
        longer = []
        for width, chain in chains:
            for hit in hits:
                gap = _gap(context, hit, chain)
                if gap is not None and gap <= near:
                    longer.append((width + gap, (*chain, hit)))
        chains = sorted(longer)[:CHAINS]
    return [chain for _, chain in chains]


def _gap(context: Context, hit: Hit, chain: tuple[Hit, ...]) -> int | None:
    """Words between a hit and the nearest of others; None where it overlaps one of them."""
    nearest = context.apart(hit, chain[0])
    for other in chain[1:]:
        gap = context.apart(hit, other)
        if nearest is None or gap is None:
            return None
        nearest = min(nearest, gap)
    return nearest


def _hits(sentence: Sentence, slot: Slot) -> list[Hit]:
    hits = [hit for concept in slot.words & sentence.words.keys() for hit in sentence.words[concept]]
    for kind in slot.names:
        hits += sentence.named(kind)
    return hits


def _event(found: Found) -> Event:
    spec, sentence, words = found.spec, found.sentence, found.words
    reading, end = sentence.context.reading, sentence.end
    while end > sentence.start and reading.text[end - 1].isspace():
        end -= 1
    if general(spec.what, spec.type):
        source, target = subject_and_object(sentence, words)
    else:
        source, target = sides(sentence, words, found.facility)
    return Event(
        what=spec.what,
        type=spec.type,
        mode=spec.mode,
        context=spec.context,
        status=found.status,
        source=source,
        target=target,
        facility=found.facility,
        place=place_of(sentence, words),
        span=reading.span(sentence.start, end),
        words=tuple(reading.span(word.start, word.end) for word in sorted(set(words))),
    )
