"""What else must hold of words that stand together, for them to tell an event: the checks that `events.yaml` names."""

from collections.abc import Callable

from pipeline.enrich.lexicon import Hit
from pipeline.enrich.munitions import violated
from pipeline.enrich.sentence import PLACES, Context, Sentence
from pipeline.model.enriched import Status

_CLOSE, _CLOSE_VERB_LAST = 7, 10
"""Words between a leader and what befell them, where no name stands between; the more where verbs come last."""
_HARM = frozenset(["damage", "burn"])
_SPEAKS = frozenset(["says", "denies", "confirms", "condemns", "announces", "warns", "demands", "no-comment"])

_FIGHTING = frozenset(
    "war army troops attackers munition gunfire talks border defence-ministry head-of-state head-of-government".split()
)

Verdict = bool | Status
"""Whether a check holds, or the status that the words have instead."""


def _premises(context: Context, sentence: Sentence, words: tuple[Hit, ...]) -> Verdict:
    """The premises are what is hit or shut: they do not speak, stand nearby, or lie behind another verb."""
    premises, deed = words[0], words[1]
    if _speaks(sentence, premises, deed) or context.near(premises, sentence.of("embassy-row"), 0):
        return False
    if context.near(premises, sentence.of("cyber"), 5) or context.near(deed, sentence.of("cyber"), 3):
        return False
    if deed.value in ("storm", "strike") and _in_jest(context):
        return False
    if deed.value == "storm" and _ordinary(context, sentence) and "attackers" not in context.concepts:
        return False  # a drunk over the fence
    beside = [*sentence.of("nearby")]
    if (
        context.before(premises, beside, 4)
        or (deed > premises and context.before(deed, beside, 3))
        or context.near(deed, beside, 0)
        or (context.trailing and any(context.before(cue, [premises], 1) for cue in beside))
    ):
        return "denied" if _spared(context, sentence, premises) else False
    low, high = sorted((premises, deed))[0].end, sorted((premises, deed))[1].start
    between = sentence.of(*_SPEAKS, "urge", "summon", "demonstration")
    if any(low <= hit.start and hit.end <= high for hit in between):
        return False
    if any(spared.start <= deed.start and deed.end <= spared.end for spared in sentence.of("unharmed")):
        return "denied"  # "damage" within "no damage"
    if deed.value not in _HARM and _spared(context, sentence, premises):
        return "denied"
    return True


def _ordinary(context: Context, sentence: Sentence) -> bool:
    """An ordinary crime, as the sentence or the headline says."""
    start = context.reading.body_start
    return sentence.has("crime") or any(hit.start < start for hit in context.reading.concepts.get("crime", ()))


def _in_jest(context: Context) -> bool:
    """Stormed by guests: food and parties, and nobody who attacks or guards."""
    return context.genre.weight("lifestyle") >= 3 and not context.concepts & {
        "attackers",
        "munition",
        "police",
        "troops",
    }


def _shut(context: Context, sentence: Sentence, words: tuple[Hit, ...]) -> Verdict:
    """The premises themselves are shut, not their entrance or the street."""
    return not context.before(words[0], sentence.of("premises-part"), 2) and _premises(context, sentence, words)


def _spared(context: Context, sentence: Sentence, premises: Hit) -> bool:
    """The premises, not the people in them, are said to be unharmed, or to work as ever."""
    return any(
        context.near(premises, [cue], 8) and not context.near(cue, sentence.of("staff", "diplomat", "citizens"), 2)
        for cue in sentence.of("unharmed", "working-normally")
    )


def _speaks(sentence: Sentence, hit: Hit, deed: Hit) -> bool:
    """Whether a word names who speaks of the deed, rather than whom it befell."""
    return any(
        said.start <= hit.start < said.end and not said.start <= deed.start < said.end for said in sentence.speech
    )


def _envoy(context: Context, sentence: Sentence, words: tuple[Hit, ...]) -> Verdict:
    """A state's envoy, not one of a brand or festival, and not the one who speaks."""
    if context.near(words[0], sentence.of("goodwill-ambassador"), 0):
        return False
    return words[0].value != "ambassador" or not _within_premises(sentence, words[0])


def _within_premises(sentence: Sentence, hit: Hit) -> bool:
    """An ambassador who is only the beginning of the word embassy, in scripts without spaces."""
    return any(
        premises.start <= hit.start and hit.end < premises.end
        for premises in sentence.of("embassy", "consulate", "residence", "embassy-vehicle", "@facility")
    ) and not _has_spaces(sentence)


def _has_spaces(sentence: Sentence) -> bool:
    """Whether spaces part the words of the sentence."""
    return sentence.context.spaced


def _diplomatic(_context: Context, sentence: Sentence, _words: tuple[Hit, ...]) -> Verdict:
    """Between states: one of them, its ministry or its envoy stands in the sentence."""
    return sentence.has(
        "ambassador", "foreign-ministry", "embassy", "@organ", "@state", "@government", "@adjective", "@facility",
        "@country", "@place", "diplomat", "government",
    )  # fmt: skip


def _out_of_country(context: Context, sentence: Sentence, words: tuple[Hit, ...]) -> Verdict:
    """People who are abroad: an embassy or two states are spoken of."""
    who, deed = words[0], words[1]
    if _speaks(sentence, who, deed) and not _asked(context, sentence, who):
        return False
    if who.value == "staff" and _unwanted(context, sentence, deed):
        return False
    if len(words) > 2 and context.before(words[2], sentence.of("negation"), 1):
        return False  # told to stay
    return sentence.has("embassy", "consulate", "@facility", "foreign", "citizens") or _states(context, sentence) >= 2


def _asked(context: Context, sentence: Sentence, who: Hit) -> bool:
    """Where verbs come last, those whom an office asks stand among the words before "asked"."""
    return context.verb_last and context.before(
        who, sentence.of("foreign-ministry", "ministry", "embassy", "government", "@organ", "@facility"), 6
    )


def _unwanted(context: Context, sentence: Sentence, deed: Hit) -> bool:
    """Staff whom another state than their own sends away."""
    if "persona-non-grata" in context.concepts:
        return True
    facilities = context.reading.mentions_between(sentence.start, sentence.end, ("facility",))
    owners = {state for mention in facilities for state in context.states_of(mention)[:1]}
    actors = {
        state
        for name in sentence.names
        if name[2] in ("state", "government", "organ") and name[0] < deed.start
        for state in context.states_of(name)
    }
    return bool(owners and actors - owners) and not actors & owners


def _states(context: Context, sentence: Sentence) -> int:
    return len({state for name in sentence.names for state in context.states_of(name)})


def _takeover(context: Context, sentence: Sentence, _words: tuple[Hit, ...]) -> Verdict:
    """Power over a state, by force: soldiers or a government are spoken of."""
    if not context.names_a_state:
        return False
    if sentence.has("parliament", "verbal-attack") and not sentence.has("army", "troops", "attackers"):
        return False
    signs = ("army", "troops", "seize-power", "overthrow", "attackers", "head-of-state", "government", "martial-law")
    return sum(1 for sign in signs if sign in context.concepts) >= 2


def _measure(context: Context, sentence: Sentence, _words: tuple[Hit, ...]) -> Verdict:
    """A measure of a state, not of a town."""
    return context.names_a_state and not (sentence.has("local", "domestic") and not sentence.has("nationwide"))


def _whole_country(context: Context, _sentence: Sentence, _words: tuple[Hit, ...]) -> Verdict:
    """A curfew that comes with a coup, martial law or emergency of the whole country."""
    return bool(context.concepts & {"nationwide", "martial-law", "seize-power", "coup"})


def _news(context: Context, sentence: Sentence, words: tuple[Hit, ...]) -> Verdict:
    """Agreed now, and not the ceasefire signed once that is broken, ended or extended here."""
    ceasefire, deed = words[0], words[1]
    others = [hit for hit in sentence.of("violate", "end", "extend") if context.apart(hit, ceasefire) not in (0, None)]
    return not (deed > ceasefire and others and context.near(ceasefire, [deed], 2))


def _armed(context: Context, sentence: Sentence, _words: tuple[Hit, ...]) -> Verdict:
    """Between sides at war: a state or group stands in the sentence, or fighting in the article; not neighbours."""
    return bool(context.concepts & _FIGHTING) or sentence.has(
        "@state", "@government", "@organ", "@organisation", "@adjective", "@demonym", "@group", "@country"
    )


def _in_earnest(context: Context, sentence: Sentence, _words: tuple[Hit, ...]) -> Verdict:
    """Shut for a reason of state, not for repairs, a holiday or an accident."""
    if sentence.has("maintenance", "accident"):
        return False
    serious = context.concepts & {
        "troops",
        "war",
        "gunfire",
        "attackers",
        "spying",
        "seize-power",
        "coup",
        "protest-note",
    }
    return "maintenance" not in context.concepts or bool(serious)


def _frontier(context: Context, sentence: Sentence, words: tuple[Hit, ...]) -> Verdict:
    """Of a state, and shut or opened rather than close by."""
    return not context.near(words[1], sentence.of("nearby"), 0)


def _policy(context: Context, sentence: Sentence, words: tuple[Hit, ...]) -> Verdict:
    """Of a state or organisation that stands in the sentence or opens the article, and not of a firm on its sellers."""
    of_a_firm = context.genre.weight("business") and context.near(words[0], sentence.of("retail"), 4)
    return bool(context.states) and not of_a_firm


def _foreigner(context: Context, sentence: Sentence, words: tuple[Hit, ...]) -> Verdict:
    """Of another state than the one that holds them, and not for an ordinary crime."""
    capture, victim = words[0], words[1]
    if _speaks(sentence, victim, capture) or _sentenced(context):
        return False
    if _ordinary(context, sentence) and not context.concepts & {"spying", "hostage"}:
        return False
    return (
        victim.value in ("diplomat", "foreign")
        or context.near(victim, sentence.of("foreign"), 3)
        or _two_states(context, sentence, victim)
    )


def _sentenced(context: Context) -> bool:
    """A verdict for a crime rather than an arrest; spies are another matter."""
    return context.genre.kind == "trial" and "spying" not in context.concepts


def _two_states(context: Context, sentence: Sentence, victim: Hit) -> bool:
    """The victims' nationality stands beside them, another state in the sentence or at the opening."""
    nearby = [name for name in sentence.names if context.near(victim, [name], 3)]
    own = {state for name in nearby if name[2] in ("adjective", "demonym") for state in context.states_of(name)}
    if victim.value in ("citizens", "journalist", "aid-worker") and context.bare_names:  # "warga Prancis"
        first = context.owner_first
        beside = [
            name
            for name in sentence.names
            if name[2] == "state"
            and (context.before(victim, [name], 2) if first else context.before(name, [victim], 2))
        ]
        own.update(state for name in beside for state in context.states_of(name))
    return any(context.states - {state} for state in own)


def _un_staff(context: Context, sentence: Sentence, words: tuple[Hit, ...]) -> Verdict:
    """Employees of the United Nations or another organisation, wherever they come from."""
    if _speaks(sentence, words[1], words[0]) or sentence.has("crime"):
        return False
    organisations = context.reading.mentions_between(sentence.start, sentence.end, ("organisation",))
    return sentence.has("un-premises") or any(one.id in ("UN", "ICRC", "OSCE", "WFP", "EU") for one in organisations)


def _nationals(context: Context, sentence: Sentence, words: tuple[Hit, ...]) -> Verdict:
    """People of one state held in another that the sentence or headline names; not that state's own police."""
    capture, people = words[0], words[1]
    if _sentenced(context):
        return False
    if people.value == "@state" and _has_spaces(sentence):
        return False  # only where nationality is told by the bare name
    if context.near(people, sentence.of("embassy", "consulate", "mission", "residence"), 1):
        return False  # the embassy's nationality
    powers = ("police", "security-service", "army", "court", "government", "ministry", "troops", "leader-office")
    if _speaks(sentence, people, capture) or (
        _ordinary(context, sentence) and not context.concepts & {"spying", "hostage"}
    ):
        return False
    if any(people.start <= power.start and context.near(people, [power], 1) for power in sentence.of(*powers)):
        return False
    names = sentence.names
    own = {state for name in names if name[0] == people.start for state in context.states_of(name)}
    where = {
        state
        for name in names
        if name[0] != people.start and name[2] in ("state", "government", *PLACES)
        for state in context.states_of(name)
    }
    return bool(own and where - own)


def _victim(context: Context, sentence: Sentence, words: tuple[Hit, ...]) -> Verdict:
    """The leader is the one attacked: does not speak, is in office, and nothing of theirs is meant."""
    leader, deed = words[0], words[1]
    if _within_premises(sentence, leader) or context.near(leader, sentence.of("residence"), 0):
        return False  # the ambassador of a residence
    if _speaks(sentence, leader, deed) or context.before(leader, sentence.of("former"), 3):
        return False
    if context.verb_last and deed.start < leader.start and context.words_apart(deed.end, leader.start) > 2:
        return False  # the verb of a clause before
    low, high = sorted((leader, deed))[0].end, sorted((leader, deed))[1].start
    if any(low <= hit.start and hit.end <= high for hit in sentence.of(*_SPEAKS)):
        return False
    reach = _CLOSE_VERB_LAST if context.verb_last else _CLOSE
    if context.words_apart(low, high) > reach and not any(low <= name.start < high for name in sentence.of("@person")):
        return False  # far apart, and not because the leader's name stands between
    return not (
        context.reading.text[leader.end : leader.end + 2] in ("'s", "’s")
        and not context.near(leader, sentence.of("attack", "assassinate"), 3)
    )


def _aimed(_context: Context, _sentence: Sentence, words: tuple[Hit, ...]) -> Verdict:
    """The leader stands behind the words that say at whom it was aimed, or within them."""
    leader, deed = words[0], words[1]
    return deed.start < leader.start


def _third_state(context: Context, sentence: Sentence, words: tuple[Hit, ...]) -> Verdict:
    """It came down on a state that is no party to the fighting it belongs to."""
    return bool(violated(context, sentence, words[0], words[1]))


CHECKS: dict[str, Callable[[Context, Sentence, tuple[Hit, ...]], Verdict]] = {
    "premises": _premises,
    "shut": _shut,
    "envoy": _envoy,
    "diplomatic": _diplomatic,
    "out-of-country": _out_of_country,
    "takeover": _takeover,
    "measure": _measure,
    "whole-country": _whole_country,
    "news": _news,
    "armed": _armed,
    "in-earnest": _in_earnest,
    "frontier": _frontier,
    "policy": _policy,
    "foreigner": _foreigner,
    "nationals": _nationals,
    "un-staff": _un_staff,
    "victim": _victim,
    "aimed": _aimed,
    "third-state": _third_state,
}
