"""Correlate: the life of an alert. Raised once, updated, escalated, contradicted, retracted, resolved when quiet.

Reads candidates, ticks of the clock, users' actions and changes of rules, all keyed by rule. Whatever has fallen due
by the time of a message happens before it, in order of its due time and stamped with it.
"""

import hashlib
import heapq
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, cast

import msgspec
from msgspec.structs import replace

from pipeline.alerting.case import Case, Changed, Entry, Phase, with_entry
from pipeline.alerting.compose import compose, severity
from pipeline.alerting.forgetting import without
from pipeline.model.alert import Alert, Change
from pipeline.model.candidate import Action, Candidate, CorrelateInput, RuleChange
from pipeline.model.codec import decode, encode
from pipeline.stage import Decision, Effect, Message

CANDIDATES = "alerts.candidates.v1"
ALERTS = "alerts.state.v1"
KEPT = timedelta(days=35)
"""How long a case is kept that is not open: as long as relate knows its articles."""
DESKS = ("diplomacy", "conflict", "security", "governance", "humanitarian", "economy", "system")


@dataclass
class Alerts:
    """State of correlate."""

    rules: dict[str, RuleChange] = field(default_factory=dict)
    cases: dict[str, Case] = field(default_factory=dict)
    stories: dict[tuple[str, str], str] = field(default_factory=dict)
    """Rule and story -> the case."""
    due: list[tuple[datetime, str]] = field(default_factory=list)
    """A heap of times and cases; what is out of date stays until it comes up."""


def alert_id(rule: str, story: str) -> str:
    """32 hexadecimal digits over rule and story."""
    return hashlib.sha256(f"{rule}\n{story}".encode()).hexdigest()[:32]


def cloud_event(alert: Alert) -> bytes:
    """The alert as a CloudEvents 1.0 event in structured JSON; its id is the alert's with the sequence."""
    event: dict[str, Any] = {
        "specversion": "1.0",
        "id": f"{alert.id}/{alert.sequence}",
        "source": "wirewatch",
        "type": f"wirewatch.alert.{alert.change}",
        "subject": alert.id,
        "time": alert.times.changed,
        "datacontenttype": "application/json",
        "data": alert,
    }
    return encode(event)


class Correlate:
    """The stage that makes alerts."""

    name = "correlate"
    input = CANDIDATES
    outputs = (*(f"alerts.{desk}.v1" for desk in DESKS), ALERTS)

    def empty(self) -> Alerts:
        """A state without rules and alerts."""
        return Alerts()

    def fold(self, state: Alerts, change: bytes) -> None:
        """Takes in one change.

        Raises:
            InvalidError: not a change of this stage.
        """
        changed = decode(change, Changed)
        if changed.rule:
            state.rules[changed.rule.rule] = changed.rule
        if changed.gone:
            _remove(state, changed.gone)
        case = changed.case
        if case:
            _remove(state, case.id)
            state.cases[case.id] = case
            for story in (case.story, *case.merged):
                state.stories[case.rule, story] = case.id
            if case.due:
                heapq.heappush(state.due, (case.due, case.id))
        while state.due and not _current(state, *state.due[0]):
            heapq.heappop(state.due)

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
        for case in list(state.cases.values()):
            entries = tuple(entry for entry in case.entries if entry.article.id not in articles)
            if len(entries) == len(case.entries):
                continue
            held = {entry.article.origin for entry in entries if entry.holds}
            alert = without(case.alert, articles) if case.alert else None
            if held and (alert or not case.alert):
                origins = tuple(origin for origin in case.origins if origin in held)
                state.cases[case.id] = replace(case, entries=entries, origins=origins, alert=alert)
            else:
                _remove(state, case.id)


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
        self._cases: dict[str, Case] = {}
        self._gone: set[str] = set()
        self._effects: list[Effect] = []
        self._changes: list[Changed] = []

    def decision(self) -> Decision:
        return Decision(self._effects, [encode(change) for change in self._changes])

    def pass_time(self) -> None:
        """Performs every transition due by now, in order."""
        due = self._state.due
        if not due or due[0][0] > self._now:
            return
        waiting = [(case.due, case.id) for case in self._state.cases.values() if case.due and case.due <= self._now]
        heapq.heapify(waiting)
        while waiting:
            at, id_ = heapq.heappop(waiting)
            case = self._fall_due(self._case(id_), at)
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
            case,
            entries=with_entry(case.entries, entry),
            origins=candidate.origins,
            withdrawn=withdrawn,
            contradicted=case.contradicted or entry.denies,
            active=case.active or self._now,
        )
        after, change = _moved(case, after, entry, rule)
        self._send(replace(after, active=self._now) if change else after, change, at=self._now)

    def act(self, action: Action) -> None:
        """What a user does with an alert."""
        case = None if action.alert in self._gone else self._state.cases.get(action.alert)
        if case is None or case.alert is None or case.rule != action.rule:
            raise ValueError(f"there is no alert {action.alert} of the rule {action.rule}")
        case = self._case(action.alert)
        assert case.alert
        if action.do == "acknowledge":
            after = replace(case, alert=replace(case.alert, acknowledged=True))
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
        self._changes.append(Changed(rule=rule))
        if rule.removed:
            for case in self._state.cases.values():
                if case.rule == rule.rule and case.phase == "open":
                    self._send(replace(self._case(case.id), phase="resolved"), "resolved", at=self._now)

    def _case(self, id_: str) -> Case:
        return self._cases.get(id_) or self._state.cases[id_]

    def _case_of(self, candidate: Candidate) -> Case:
        """The case of a rule in a story, with those of the stories that it has taken in."""
        stories = (candidate.story, *candidate.merged)
        known = (self._state.stories.get((candidate.rule, story)) for story in stories)
        cases = [self._case(id_) for id_ in dict.fromkeys(known) if id_ and id_ not in self._gone]
        kept = next((case for case in cases if case.alert), cases[0] if cases else None)
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
        if other.alert and other.phase == "open":
            self._send(replace(other, phase="resolved"), "resolved", at=self._now)
        self._changes.append(Changed(gone=other.id))
        entries = kept.entries
        for entry in other.entries:
            entries = with_entry(entries, entry)
        return replace(
            kept,
            entries=tuple(sorted(entries, key=lambda entry: entry.arrived)),
            withdrawn=tuple(dict.fromkeys((*kept.withdrawn, *other.withdrawn))),
            contradicted=kept.contradicted or other.contradicted,
            merged=tuple(dict.fromkeys((*kept.merged, *other.merged, other.story))),
        )

    def _fall_due(self, case: Case, at: datetime) -> Case | None:
        """What time alone does to a case; None where its time is over."""
        if case.snoozed_until and case.snoozed_until <= at:
            awake = replace(case, snoozed_until=None, withheld=False)
            return self._send(awake, "updated" if case.withheld else None, at=at)
        if case.phase == "open":
            return self._send(replace(case, phase="resolved"), "resolved", at=at)
        self._changes.append(Changed(gone=case.id))
        self._gone.add(case.id)
        return None

    def _send(self, case: Case, change: Change | None, *, at: datetime, by_user: bool = False) -> Case:
        """Keeps the case, and sends its alert where it changed and is not snoozed."""
        rule = _rule(self._state.rules, case.rule)
        if change == "updated" and not by_user and case.snoozed_until:
            case, change = replace(case, withheld=True), None
        if change:
            alert = compose(case, rule, change, at)
            case = replace(case, alert=alert)
            self._effects.append(Effect(f"alerts.{alert.desk}.v1", alert.id, cloud_event(alert)))
            self._effects.append(Effect(ALERTS, alert.id, encode(alert)))
        case = replace(case, due=_due(case, rule))
        self._cases[case.id] = case
        self._changes.append(Changed(case=case))
        return case


def _entry(candidate: Candidate, known: Entry | None, rule: RuleChange, now: datetime) -> Entry:
    arrived = known.arrived if known else candidate.stored or now
    return Entry(
        article=candidate.article,
        revision=candidate.revision,
        holds=candidate.holds,
        fresh=_fresh(candidate, rule, arrived),
        headline=candidate.headline,
        facts=candidate.facts,
        because=(*known.because, *candidate.because) if known else candidate.because,
        claims=candidate.claims,
        denies=candidate.denies,
        withdraws=candidate.withdraws,
        arrived=arrived,
        fetched=candidate.fetched,
        actors=candidate.actors,
        places=candidate.places,
    )


def _fresh(candidate: Candidate, rule: RuleChange, arrived: datetime) -> bool:
    """Arrived within the rule's time of its publication; a missing or future date counts as fresh."""
    published = candidate.article.published
    return published is None or arrived - published <= timedelta(seconds=rule.fresh)


def _moved(before: Case, after: Case, entry: Entry, rule: RuleChange) -> tuple[Case, Change | None]:
    """Where an article takes a case, and what to tell of it."""
    stands = bool(after.standing)
    if before.alert is None:
        raising = stands and entry.holds and entry.fresh and entry.article.origin in after.standing
        return (_in(after, "open"), "raised") if raising else (after, None)
    if before.phase == "closed":
        return after, None
    if not stands:
        return (after, None) if before.phase == "retracted" else (_in(after, "retracted"), "retracted")
    if after.contradicted and not before.contradicted:
        return _in(after, "open"), "contradicted"
    if severity(after, rule) != before.alert.severity:
        return _in(after, "open"), "escalated"
    if before.phase != "open" and not entry.fresh:
        return after, None
    return _in(after, "open"), "updated"


def _in(case: Case, phase: Phase) -> Case:
    return replace(case, phase=phase)


def _due(case: Case, rule: RuleChange) -> datetime | None:
    """When time alone changes a case: at the end of a snooze, after quiet, and when it need not be kept any longer."""
    if case.active is None:
        return case.snoozed_until
    quiet = timedelta(seconds=rule.quiet_for) if case.phase == "open" else max(KEPT, timedelta(seconds=rule.quiet_for))
    over = case.active + quiet
    return min(over, case.snoozed_until) if case.snoozed_until else over
