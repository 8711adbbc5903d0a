"""Correlate: the life of an alert. Raised once, updated, escalated, contradicted, retracted, resolved when quiet.

Reads candidates, ticks of the clock, users' actions and changes of rules, all keyed by rule. Whatever has fallen due
by the time of a message happens before it, in order of its due time and stamped with it.

Its changes are records of three kinds of keys: `rule/ID` is a rule, `ALERT` a case without its entries, `ALERT/ARTICLE`
an entry of the case. The last record of each key, in any order of the keys, gives the state: the log may be compacted.
"""

import hashlib
import heapq
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, cast

import msgspec
from msgspec.structs import replace

from pipeline.alerting.case import Case, Entry, Phase, with_entry, with_origins
from pipeline.alerting.compose import compose, severity
from pipeline.model.alert import Change
from pipeline.model.candidate import Action, Candidate, CorrelateInput, Forgetting, Report, RuleChange
from pipeline.model.cloudevent import event
from pipeline.model.codec import decode, encode
from pipeline.stage import Decision, Effect, Message, StateChange
from pipeline.topics import ALERTS, CANDIDATES, DESKS, desk_topic

RULE = "rule"
KEPT = timedelta(days=35)
"""How long a case is kept that is not open: as long as relate knows its articles."""


@dataclass
class Alerts:
    """State of correlate."""

    rules: dict[str, RuleChange] = field(default_factory=dict)
    cases: dict[str, Case] = field(default_factory=dict)
    """Without their entries."""
    entries: dict[str, dict[str, Entry]] = field(default_factory=dict)
    """Of each case by article."""
    stories: dict[tuple[str, str], str] = field(default_factory=dict)
    """Rule and story -> the case."""
    due: list[tuple[datetime, str]] = field(default_factory=list)
    """A heap of times and cases; what is out of date stays until it comes up."""


def alert_id(rule: str, story: str) -> str:
    """32 hexadecimal digits over rule and story."""
    return hashlib.sha256(f"{rule}\n{story}".encode()).hexdigest()[:32]


class Correlate:
    """The stage that makes alerts."""

    name = "correlate"
    input = CANDIDATES
    outputs = (*map(desk_topic, DESKS), ALERTS)

    def empty(self) -> Alerts:
        """A state without rules and alerts."""
        return Alerts()

    def fold(self, state: Alerts, change: StateChange) -> None:
        """Takes in one change.

        Raises:
            InvalidError: not a change of this stage.
        """
        kind, _, part = change.key.partition("/")
        if kind == RULE:
            state.rules[part] = decode(change.value, RuleChange)
        elif part:
            _fold_entry(state, kind, part, change.value)
        else:
            _fold_case(state, kind, change.value)

    def decide(self, state: Alerts, message: Message) -> Decision:
        """What has fallen due by now, then what the message changes.

        Raises:
            InvalidError: the message is none of CorrelateInput.
            ValueError: an action on an alert that does not exist.
        """
        said: CorrelateInput = decode(message.value, cast("type[Any]", CorrelateInput))
        turn = _Turn(state, message.now)
        turn.pass_time()
        if isinstance(said, Candidate):
            turn.take(said)
        elif isinstance(said, Action):
            turn.act(said)
        elif isinstance(said, RuleChange):
            turn.change_rule(said)
        elif isinstance(said, Forgetting):
            turn.forget(frozenset(said.articles))
        return turn.decision()

    def dump(self, state: Alerts) -> bytes:
        """The state as bytes."""
        return msgspec.msgpack.encode(state)

    def load(self, data: bytes) -> Alerts:
        """The state that was dumped.

        Raises:
            msgspec.DecodeError: not such a state.
        """
        return msgspec.msgpack.decode(data, type=Alerts)

    def forget(self, state: Alerts, articles: Collection[str]) -> None:
        """Takes the articles out of every case, and the cases that rested on them alone."""
        for id_, entries in list(state.entries.items()):
            left = {article: entry for article, entry in entries.items() if article not in articles}
            if len(left) == len(entries):
                continue
            held = {entry.article.origin for entry in left.values() if entry.holds}
            if held:
                case = state.cases[id_]
                standing = tuple(origin for origin in case.standing if origin in held)
                state.cases[id_], state.entries[id_] = replace(case, standing=standing), left
            else:
                _remove(state, id_)
                del state.entries[id_]


def _fold_entry(state: Alerts, case: str, article: str, value: bytes) -> None:
    entries = state.entries.setdefault(case, {})
    if value:
        entries[article] = decode(value, Entry)
    else:
        entries.pop(article, None)
    if not entries:
        del state.entries[case]


def _fold_case(state: Alerts, id_: str, value: bytes) -> None:
    _remove(state, id_)
    if value:
        case = state.cases[id_] = decode(value, Case)
        for story in (case.story, *case.merged):
            state.stories[case.rule, story] = id_
        if case.due:
            heapq.heappush(state.due, (case.due, id_))
    while state.due and not _current(state, *state.due[0]):
        heapq.heappop(state.due)


def _remove(state: Alerts, id_: str) -> None:
    case = state.cases.pop(id_, None)
    for story in (case.story, *case.merged) if case else ():
        if case and state.stories.get((case.rule, story)) == id_:
            del state.stories[case.rule, story]


def _rule(rules: dict[str, RuleChange], rule: str) -> RuleChange:
    """The rule as last announced; a plain one where none has been."""
    return rules.get(rule) or RuleChange(rule=rule, version="")


def _current(state: Alerts, due: datetime, id_: str) -> bool:
    case = state.cases.get(id_)
    return case is not None and case.due == due


class _Turn:
    """One message being handled: reads the state, and gathers what is to change beside it."""

    def __init__(self, state: Alerts, now: datetime) -> None:
        self._state = state
        self._now = now
        self._cases: dict[str, Case | None] = {}
        """As they are now; None where they are gone."""
        self._effects: list[Effect] = []
        self._changes: dict[str, RuleChange | Case | Entry | None] = {}
        """What each key stands for from now on."""

    def decision(self) -> Decision:
        changes = self._changes.items()
        return Decision(self._effects, [StateChange(key, encode(value) if value else b"") for key, value in changes])

    def pass_time(self) -> None:
        """Performs every transition due by now, in order."""
        due = self._state.due
        if not due or due[0][0] > self._now:
            return
        waiting = [(case.due, case.id) for case in self._state.cases.values() if case.due and case.due <= self._now]
        heapq.heapify(waiting)
        while waiting:
            at, id_ = heapq.heappop(waiting)
            case = self._fall_due(self._known(id_), at)
            if case and case.due and case.due <= self._now:
                heapq.heappush(waiting, (case.due, case.id))

    def take(self, candidate: Candidate) -> None:
        """An article that a rule holds for, or that concerns a story in which it has held."""
        rule = _rule(self._state.rules, candidate.rule)
        if rule.removed:
            return
        here = self._state.stories.get((candidate.rule, candidate.story))
        merging = any(self._state.stories.get((candidate.rule, story), here) != here for story in candidate.merged)
        case = self._case_of(candidate)
        known = case.entry(candidate.article.id)
        if known and known.revision == candidate.revision and not merging:
            return
        if not (candidate.holds or candidate.denies or candidate.withdraws or candidate.claims or known):
            return
        entry = _entry(candidate, known, rule, self._now)
        withdrawn = case.withdrawn
        if entry.withdraws and entry.article.origin not in withdrawn:
            withdrawn = (*withdrawn, entry.article.origin)
        after = replace(
            with_entry(case, entry),
            withdrawn=withdrawn,
            contradicted=case.contradicted or entry.denies,
            active=case.active or self._now,
        )
        after = with_origins(after, candidate.origins)
        after, change = _moved(case, after, entry, rule)
        self._send(replace(after, active=self._now) if change else after, change, at=self._now)

    def act(self, action: Action) -> None:
        """What a user does with an alert."""
        case = self._case(action.alert)
        if case is None or not case.sequence or case.rule != action.rule:
            raise ValueError(f"there is no alert {action.alert} of the rule {action.rule}")
        if action.do == "acknowledge":
            after = replace(case, acknowledged=True)
        elif action.do == "close":
            after = replace(case, phase="closed", snoozed_until=None)
        elif action.until and action.until > self._now:
            after = replace(case, snoozed_until=action.until)
        else:
            raise ValueError("to snooze an alert, name a time to come in `until`")
        if after != case:
            self._send(after, "updated", at=self._now, by_user=True)

    def change_rule(self, rule: RuleChange) -> None:
        """A rule as it is from now on; the alerts of a removed one are over."""
        if self._state.rules.get(rule.rule) == rule:
            return
        self._changes[f"{RULE}/{rule.rule}"] = rule
        if rule.removed:
            of_rule = [case.id for case in self._state.cases.values() if case.rule == rule.rule]
            for case in map(self._case, of_rule):
                if case and case.phase == "open":
                    self._send(replace(case, phase="resolved"), "resolved", at=self._now)

    def forget(self, articles: Collection[str]) -> None:
        """Cases lose what the articles said; an alert that rested on them alone is retracted, and names nothing."""
        for id_, entries in list(self._state.entries.items()):
            case = self._case(id_)
            if case is None or entries.keys().isdisjoint(articles):
                continue
            after = _without(case, articles)
            if not case.sequence:
                self._keep(id_, after if after.entries else None)
            else:
                self._send(after, "updated" if after.entries else "retracted", at=self._now, by_user=True)

    def _case(self, id_: str) -> Case | None:
        """A case as it is now, with its entries."""
        if id_ in self._cases:
            return self._cases[id_]
        case = self._state.cases.get(id_)
        entries = self._state.entries.get(id_, {}).values()
        return case and replace(case, entries=tuple(sorted(entries, key=lambda entry: entry.number)))

    def _known(self, id_: str) -> Case:
        case = self._case(id_)
        assert case
        return case

    def _keep(self, id_: str, after: Case | None) -> None:
        """The case is so from now on; what has changed of it becomes changes of the state."""
        before = self._case(id_)
        if before is None or after is None or replace(before, entries=()) != replace(after, entries=()):
            self._changes[id_] = replace(after, entries=()) if after else None
        known = {entry.article.id: entry for entry in before.entries} if before else {}
        for entry in after.entries if after else ():
            if known.pop(entry.article.id, None) is not entry:
                self._changes[f"{id_}/{entry.article.id}"] = entry
        self._changes |= dict.fromkeys(f"{id_}/{article}" for article in known)
        self._cases[id_] = after

    def _case_of(self, candidate: Candidate) -> Case:
        """The case of a rule in a story, with those of the stories that it has taken in."""
        stories = (candidate.story, *candidate.merged)
        known = (self._state.stories.get((candidate.rule, story)) for story in stories)
        cases = [case for id_ in dict.fromkeys(known) if id_ and (case := self._case(id_))]
        kept = next((case for case in cases if case.sequence), cases[0] if cases else None)
        if kept is None:
            id_ = alert_id(candidate.rule, candidate.story)
            return Case(id=id_, rule=candidate.rule, story=candidate.story)
        for other in cases:
            if other.id != kept.id:
                kept = self._absorb(kept, other)
        if candidate.story in kept.merged:
            return kept
        taken = dict.fromkeys([*kept.merged, *candidate.merged, kept.story])
        taken.pop(candidate.story, None)
        return replace(kept, story=candidate.story, merged=tuple(taken))

    def _absorb(self, kept: Case, other: Case) -> Case:
        """Both as one; the other's alert, if it was raised, is over."""
        if other.sequence and other.phase == "open":
            self._send(replace(other, phase="resolved"), "resolved", at=self._now)
        self._keep(other.id, None)
        entries = sorted((*kept.entries, *other.entries), key=lambda entry: entry.arrived)
        both = replace(
            kept,
            entries=(),
            let_go=kept.let_go + other.let_go,
            withdrawn=tuple(dict.fromkeys((*kept.withdrawn, *other.withdrawn))),
            contradicted=kept.contradicted or other.contradicted,
            merged=tuple(dict.fromkeys((*kept.merged, *other.merged, other.story))),
        )
        for entry in entries:
            both = with_entry(both, entry)
        return both

    def _fall_due(self, case: Case, at: datetime) -> Case | None:
        """What time alone does to a case; None where its time is over."""
        if case.snoozed_until and case.snoozed_until <= at:
            awake = replace(case, snoozed_until=None, withheld=False)
            return self._send(awake, "updated" if case.withheld else None, at=at)
        if case.phase == "open":
            return self._send(replace(case, phase="resolved"), "resolved", at=at)
        self._keep(case.id, None)
        return None

    def _send(self, case: Case, change: Change | None, *, at: datetime, by_user: bool = False) -> Case:
        """Keeps the case, and sends its alert where it changed and is not snoozed."""
        rule = _rule(self._state.rules, case.rule)
        if change == "updated" and not by_user and case.snoozed_until:
            case, change = replace(case, withheld=True), None
        if change:
            alert = compose(case, rule, change, at)
            case = replace(case, sequence=alert.sequence, severity=alert.severity, times=alert.times)
            value = encode(alert)
            self._effects.append(Effect(desk_topic(alert.desk), alert.id, event(alert, value)))
            self._effects.append(Effect(ALERTS, alert.id, value, alert))
        case = replace(case, due=_due(case, rule))
        self._keep(case.id, case)
        return case


def _entry(candidate: Candidate, known: Entry | None, rule: RuleChange, now: datetime) -> Entry:
    arrived = known.arrived if known else candidate.stored or now
    said = {name: getattr(candidate, name) for name in Report.__struct_fields__}
    if known:
        said["because"] = (*known.because, *candidate.because)
    return Entry(**said, fresh=_fresh(candidate, rule, arrived), arrived=arrived, number=0)


def _fresh(candidate: Candidate, rule: RuleChange, arrived: datetime) -> bool:
    """Arrived within the rule's time of its publication; a missing or future date counts as fresh."""
    published = candidate.article.published
    return published is None or arrived - published <= timedelta(seconds=rule.fresh)


def _moved(before: Case, after: Case, entry: Entry, rule: RuleChange) -> tuple[Case, Change | None]:
    """Where an article takes a case, and what to tell of it."""
    stands = after.origins > 0
    if not before.sequence:
        raising = stands and entry.holds and entry.fresh and entry.article.origin in after.standing
        return (_in(after, "open"), "raised") if raising else (after, None)
    if before.phase == "closed":
        return after, None
    if not stands:
        return (after, None) if before.phase == "retracted" else (_in(after, "retracted"), "retracted")
    if after.contradicted and not before.contradicted:
        return _in(after, "open"), "contradicted"
    if severity(after, rule) != before.severity:
        return _in(after, "open"), "escalated"
    if before.phase != "open" and not entry.fresh:
        return after, None
    return _in(after, "open"), "updated"


def _without(case: Case, articles: Collection[str]) -> Case:
    """The case without what some articles said; without any entry where no report is left."""
    left = tuple(_alone(entry, articles) for entry in case.entries if entry.article.id not in articles)
    held = {entry.article.origin for entry in left if entry.holds}
    if held:
        return replace(case, entries=left, standing=tuple(origin for origin in case.standing if origin in held))
    phase: Phase = "closed" if case.phase == "closed" else "retracted"
    return replace(case, entries=(), standing=(), elsewhere=0, phase=phase, snoozed_until=None, withheld=False)


def _alone(entry: Entry, articles: Collection[str]) -> Entry:
    """The entry, no reprint of any of the articles."""
    if entry.article.duplicate_of not in articles:
        return entry
    return replace(entry, article=replace(entry.article, duplicate_of=None))


def _in(case: Case, phase: Phase) -> Case:
    return replace(case, phase=phase)


def _due(case: Case, rule: RuleChange) -> datetime | None:
    """When time alone changes a case: at the end of a snooze, after quiet, and when it need not be kept any longer."""
    if case.active is None:
        return case.snoozed_until
    quiet = timedelta(seconds=rule.quiet_for) if case.phase == "open" else max(KEPT, timedelta(seconds=rule.quiet_for))
    over = case.active + quiet
    return min(over, case.snoozed_until) if case.snoozed_until else over
