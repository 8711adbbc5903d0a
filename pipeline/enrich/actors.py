"""Actors other than states: organs of state, and the organisations, groups and persons of the watchlists."""

from collections import defaultdict
from collections.abc import Sequence
from typing import cast

from pipeline.enrich import composition, tables
from pipeline.enrich.genre import genre
from pipeline.enrich.lexicon import Hit
from pipeline.enrich.reading import Mention, Reading
from pipeline.enrich.watchlists import entry
from pipeline.model.enriched import Actor, ActorKind, Span

NAMED = ("organisation", "group", "person", "organ")

ORGANS = {
    "foreign-ministry": ("GOV/MFA", "Foreign Ministry"),
    "defence-ministry": ("GOV/MOD", "Defence Ministry"),
    "interior-ministry": ("GOV/MOI", "Interior Ministry"),
    "ministry": ("GOV", "Government"),
    "government": ("GOV", "Government"),
    "leader-office": ("GOV/LEADER", "Leader's office"),
    "parliament": ("LEG", "Parliament"),
    "army": ("MIL", "Armed forces"),
    "police": ("COP", "Police"),
    "security-service": ("SPY", "Security service"),
    "court": ("JUD", "Courts"),
}
"""Concept to the code of the office, after PLOVER's actors, and its English name."""
OWN = frozenset(("foreign-ministry", "defence-ministry", "leader-office"))
"""Organs that belong to the state spoken of where the text does not say whose they are."""
_LOCAL = frozenset(("local",))
BESIDE = 3
"""Characters between a word and the one that says more of it."""
NATIONAL = OWN | {"government", "ministry", "parliament"}
"""Organs that belong to the outlet's own state where the text does not say whose they are and nobody is spoken of."""


def collect(reading: Reading, hits: Sequence[Hit]) -> None:
    """Adds the organisations, groups and persons among the hits to the reading."""
    spans: dict[str, list[Span]] = defaultdict(list)
    kinds: dict[str, str] = {}
    for hit in hits:
        if hit.kind not in NAMED:
            continue
        known = entry(hit.value)
        kinds[hit.value] = known.kind if known else hit.kind
        reading.mentions.append(Mention(hit.start, hit.end, kinds[hit.value], hit.value))
        spans[hit.value].append(reading.span(hit.start, hit.end))
    for id_, mentions in spans.items():
        known = entry(id_)
        before = reading.actors[id_].mentions if id_ in reading.actors else ()
        reading.actors[id_] = Actor(
            id=id_,
            kind=cast("ActorKind", kinds[id_]),
            name=known.name if known else id_,
            mentions=(*mentions, *before),
        )


def organs(reading: Reading, hits: Sequence[Hit]) -> None:
    """Adds the organs of state that the article names: `RUS/GOV/MFA`, by whose they are or whom the text is about."""
    heads = composition.heads(reading, frozenset(ORGANS))
    names = composition.candidates(reading, hits)
    named = [hit for hit in hits if hit.kind == "organ"]
    spans: dict[str, list[Span]] = defaultdict(list)
    labels: dict[str, str] = {}
    for number, head in enumerate(heads):
        if any(hit.start < head.end and head.start < hit.end for hit in named):
            continue
        state = _owner(reading, number, heads, names)
        if not state or state not in tables.countries():
            continue
        code, label = ORGANS[head.value]
        id_ = f"{state}/{code}"
        labels[id_] = f"{label} of {tables.countries()[state].name}"
        reading.mentions.append(Mention(head.start, head.end, "organ", id_))
        spans[id_].append(reading.span(head.start, head.end))
    for id_, mentions in spans.items():
        known = reading.actors.get(id_)
        before = known.mentions if known else ()
        name = known.name if known else labels[id_]
        reading.actors[id_] = Actor(id=id_, kind="organ", name=name, mentions=(*before, *mentions))


def _owner(reading: Reading, number: int, heads: Sequence[Hit], names: Sequence[Hit]) -> str | None:
    head = heads[number]
    tied = composition.tie(reading, number, heads, names)
    if tied.owner:
        return tied.owner
    if tied.country and (tied.city is None or tables.cities()[tied.city].capital):
        return tied.country
    if head.value in OWN:
        first, _ = reading.sentences[reading.sentence_at(head.start)]
        for name in reversed(names):
            if first <= name.start < head.start and name.kind in ("state", "adjective"):
                return name.value
    home = reading.article.source.country
    if head.value not in NATIONAL or not home or _is_local(reading, head):
        return None
    return home if home in reading.actors or any(p.country == home for p in reading.places.values()) else None


def _is_local(reading: Reading, head: Hit) -> bool:
    """Whether a government is only a district's or a province's, as it is in news of floods and fires."""
    if genre(reading).kind == "disaster" and head.value not in OWN:
        return True
    return any(abs(word.start - head.end) < BESIDE or word.start == head.start for word in reading.words_of(_LOCAL))
