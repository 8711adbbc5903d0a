"""Actors other than states: organisations, groups and persons of the watchlists."""

from collections import defaultdict
from collections.abc import Sequence
from typing import cast

from pipeline.enrich.lexicon import Hit
from pipeline.enrich.reading import Mention, Reading
from pipeline.enrich.watchlists import entry
from pipeline.model.enriched import Actor, ActorKind, Span

NAMED = ("organisation", "group", "person")


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
        reading.actors[id_] = Actor(
            id=id_, kind=cast("ActorKind", kinds[id_]), name=known.name if known else id_, mentions=tuple(mentions)
        )
