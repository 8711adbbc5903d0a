"""Whose soil a munition came down on, and whether that state was a party to the fighting it belonged to."""

from datetime import date
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import msgspec

from pipeline.enrich.lexicon import Hit, read_yaml
from pipeline.enrich.sentence import PLACES, Context, Sentence

_added: list[Path] = []

_MISSIONS = ("embassy", "consulate", "residence", "mission", "embassy-vehicle", "@facility")
_GROUND = PLACES | {"state", "government"}
"""Kinds of names that a munition can come down on."""


class War(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An open war between two parties; `to` is left out while it goes on."""

    parties: tuple[str, str]
    begun: date = msgspec.field(name="from")
    over: date = msgspec.field(name="to", default=date.max)


def add(*files: Path) -> None:
    """Further wars, in the form of `wars.yaml`, before anything has been read; for a user's own.

    Raises:
        ValueError: a file is not a list of wars; the message names file and field.
    """
    for file in files:
        _read(file)
        _added.append(file)
    wars.cache_clear()
    enemies.cache_clear()


def own() -> tuple[Path, ...]:
    """The files that were added, in their order."""
    return tuple(_added)


def _read(file: Path) -> list[War]:
    try:
        return msgspec.convert(read_yaml(file) or [], list[War])
    except msgspec.ValidationError as error:
        raise ValueError(f"{file.name}: {error}") from None


@cache
def wars() -> tuple[War, ...]:
    """Every war, of every file."""
    return tuple(war for file in (Path(__file__).parent / "wars.yaml", *_added) for war in _read(file))


@lru_cache(maxsize=4096)
def enemies(state: str, day: date) -> frozenset[str]:
    """Those with whom a state was openly at war on a day."""
    return frozenset(
        party
        for war in wars()
        if state in war.parties and war.begun <= day <= war.over
        for party in war.parties
        if party != state
    )


def bystander(owner: str, host: str | None, states: frozenset[str], day: date) -> bool:
    """Whether a mission's owner is no party to a war that its host is fighting with a state the article names."""
    if len(owner) != 3 or host == owner:
        return False
    hosts = {host} if host else states - {owner}
    return any(
        foe in states and owner not in enemies(foe, day) and owner != foe for one in hosts for foe in enemies(one, day)
    )


def violated(context: Context, sentence: Sentence, munition: Hit, deed: Hit) -> str | None:
    """The state that was hit or crossed into without being the open target; None where there is none."""
    owners = _owners(context, sentence, munition)
    victims = [state for state in _victims(context, sentence, munition, deed, owners) if len(state) == 3]
    if not victims:
        return None
    day = context.published
    foreign = sentence.has("airspace", "border", "crossing") or deed.value in ("enter", "violate")
    for state in victims:
        if state in owners:
            continue
        foes = enemies(state, day)
        if foes and (not owners or owners & foes):
            continue
        if owners or foreign or any(enemies(other, day) for other in context.states - {state}):
            return state
    return None


def _owners(context: Context, sentence: Sentence, munition: Hit) -> set[str]:
    """Whose munition it is, as the adjective or name beside it says, or the place that it came from."""
    sources, missions = sentence.of("from"), sentence.of(*_MISSIONS)
    origins = [name for name in sentence.names if _source(context, name, sources)]
    beside = [
        name
        for name in sentence.names
        if name[2] in ("adjective", "state", "demonym", "group")
        and context.near(munition, [name], 2)
        and not (context.owner_first and name[0] > munition[0])
        and not context.near(name, sentence.of("airspace", "territory", "border"), 1)
        and not _owns(context, name, missions)
    ]
    return {state for name in origins or beside for state in context.states_of(name)}


def _victims(context: Context, sentence: Sentence, munition: Hit, deed: Hit, owners: set[str]) -> list[str]:
    """States on whose soil or in whose sky the deed was done, the surest first."""
    names = sentence.names
    soil, sources = sentence.of("airspace", "territory"), sentence.of("from")
    certain: list[str] = []
    likely: list[str] = []
    missions = sentence.of(*_MISSIONS)
    for name in names:
        its_soil = context.near(name, soil, 2)
        if not its_soil and not (name[2] in _GROUND and _at(context, sentence, name, munition, deed)):
            continue
        if name[2] == "facility" or _source(context, name, sources) or _owns(context, name, missions):
            continue
        (certain if its_soil else likely).extend(context.states_of(name))
    if owners.issuperset(certain + likely) and context.near(deed, soil, 5):
        likely = [state for name in names[:1] for state in context.states_of(name)]
    return certain + likely


def _source(context: Context, name: Any, sources: list[Hit]) -> bool:
    """Whether a munition came from this place: "from Iraq", "Irak'tan atılan"."""
    if context.postpositions:
        return any(context.before(source, [name], 2) for source in sources)
    return context.before(name, sources, 2)


def _owns(context: Context, name: Any, missions: list[Hit]) -> bool:
    """Whether a name only says whose a mission is."""
    return name[2] in ("adjective", "state", "demonym") and context.near(name, missions, 1)


def _at(context: Context, sentence: Sentence, name: Any, munition: Hit, deed: Hit) -> bool:
    """Whether a place stands where the deed was done: behind the munition, or close before both."""
    reach = 9
    if name[0] <= munition[0]:
        on_soil = context.verb_last and not sentence.has("embassy", "consulate", "@facility")
        reach = 7 if on_soil else 4
    return context.near(name, [deed], reach) and not any(said.start <= name[0] < said.end for said in sentence.speech)
