"""Laws of correlate: the log alone decides, and an alert is raised once."""

from collections.abc import Sequence
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from pipeline.alerting.correlate import Alerts, Correlate
from pipeline.model.alert import Alert
from pipeline.model.candidate import Action, CorrelateInput, RuleChange, Tick
from pipeline.model.codec import decode, encode
from pipeline.stage import Decision, Message
from pipeline.topics import ALERTS
from tests.alerting.candidates import ALERT, DAY, NOON, RULE, candidate, said

ARTICLES = "abcde"


@st.composite
def inputs(draw: st.DrawFn) -> CorrelateInput:
    """Anything that correlate may be told."""
    kind = draw(st.sampled_from(["candidate"] * 6 + ["tick", "action", "rule"]))
    if kind == "tick":
        return Tick(rule="hit")
    if kind == "rule":
        return draw(st.sampled_from([RULE, RuleChange(rule="hit", version="v2", quiet_for=3600)]))
    if kind == "action":
        until = draw(st.sampled_from([None, NOON + DAY, NOON + 10 * DAY]))
        return Action(
            rule="hit", alert=ALERT, do=draw(st.sampled_from(["acknowledge", "snooze", "close"])), until=until
        )
    article = draw(st.sampled_from(ARTICLES))
    story = draw(st.sampled_from(["story", "story", "other"]))
    holds = draw(st.booleans())
    return candidate(
        article,
        story=story,
        origin=draw(st.sampled_from([article, "a"])),
        origins=draw(st.lists(st.sampled_from(ARTICLES), unique=True, max_size=4)),
        revision=draw(st.sampled_from(["r1", "r2"])),
        holds=holds,
        age=draw(st.sampled_from([None, timedelta(), 3 * DAY])),
        denies=draw(st.booleans()),
        withdraws=draw(st.booleans()),
        claims=[said("Oslo", "denies", actor="NOR")] if draw(st.booleans()) else [],
        merged=("other",) if story == "story" and draw(st.booleans()) else (),
    )


logs = st.lists(st.tuples(inputs(), st.integers(0, 120)), max_size=15)
"""Messages, each with the hours since the one before."""


def messages(log: Sequence[tuple[CorrelateInput, int]]) -> list[Message]:
    hours, made = 0, [Message("hit", encode(RULE), 1, NOON)]
    for offset, (each, after) in enumerate(log, 2):
        hours += after
        made.append(Message(each.rule, encode(each), offset, NOON + timedelta(hours=hours)))
    return made


def run(log: Sequence[Message], state: Alerts | None = None) -> tuple[list[Decision], Alerts]:
    """What an engine does: a message that cannot be handled is set aside."""
    stage = Correlate()
    state = stage.empty() if state is None else state
    decisions = []
    for message in log:
        try:
            decision = stage.decide(state, message)
        except ValueError:
            decision = Decision(())
        for change in decision.changes:
            stage.fold(state, change)
        decisions.append(decision)
    return decisions, state


def folded(decisions: Sequence[Decision]) -> Alerts:
    stage = Correlate()
    state = stage.empty()
    for decision in decisions:
        for change in decision.changes:
            stage.fold(state, change)
    return state


def same(one: Alerts, other: Alerts) -> bool:
    """What two states hold; their heaps may hold out of date times as well."""
    return (one.rules, one.cases, one.entries, one.stories) == (other.rules, other.cases, other.entries, other.stories)


def alerts(decisions: Sequence[Decision]) -> list[Alert]:
    sent = [effect for decision in decisions for effect in decision.effects]
    return [decode(effect.value, Alert) for effect in sent if effect.topic == ALERTS]


@given(logs, st.data())
def test_killed_anywhere_and_folded_again_it_goes_on_the_same(
    log: Sequence[tuple[CorrelateInput, int]], data: st.DataObject
) -> None:
    whole, state = run(messages(log))
    cut = data.draw(st.integers(0, len(log) + 1))
    rest, end = run(messages(log)[cut:], folded(whole[:cut]))
    assert whole[:cut] + rest == whole
    assert same(end, state)


@given(logs, st.data())
def test_dumped_and_loaded_anywhere_it_goes_on_the_same(
    log: Sequence[tuple[CorrelateInput, int]], data: st.DataObject
) -> None:
    whole, state = run(messages(log))
    cut = data.draw(st.integers(0, len(log) + 1))
    loaded = Correlate().load(Correlate().dump(folded(whole[:cut])))
    rest, end = run(messages(log)[cut:], loaded)
    assert (whole[:cut] + rest, end) == (whole, state)


@given(logs, st.data())
def test_the_last_change_of_each_key_is_enough_in_any_order(
    log: Sequence[tuple[CorrelateInput, int]], data: st.DataObject
) -> None:
    decisions, state = run(messages(log))
    last = {change.key: change for decision in decisions for change in decision.changes}
    stage, compacted = Correlate(), Correlate().empty()
    for change in data.draw(st.permutations(list(last.values()))):
        stage.fold(compacted, change)
    assert same(compacted, state)
    later = Message("hit", encode(candidate("f", stored=NOON + 30 * DAY, origins=["a", "f"])), 99, NOON + 100 * DAY)
    assert stage.decide(compacted, later) == stage.decide(state, later)


@given(logs)
def test_deciding_alters_nothing(log: Sequence[tuple[CorrelateInput, int]]) -> None:
    decisions, state = run(messages(log))
    stage = Correlate()
    for message in messages(log):
        try:
            stage.decide(state, message._replace(now=NOON + 100 * DAY))
        except ValueError:
            continue
    assert state == folded(decisions)


@given(logs)
def test_ticks_make_things_happen_sooner_and_never_otherwise(log: Sequence[tuple[CorrelateInput, int]]) -> None:
    plain = messages([*log, (Tick(rule="hit"), 24)])
    ticked = [
        each for message in plain for each in (message._replace(value=encode(Tick(rule="hit")), key="hit"), message)
    ]
    assert alerts(run(plain)[0]) == alerts(run(ticked)[0])


@given(logs)
def test_a_candidate_delivered_twice_sends_nothing_more(log: Sequence[tuple[CorrelateInput, int]]) -> None:
    log = [(each, after) for each, after in log if not isinstance(each, Action)]
    twice = [message for message in messages(log) for _ in range(2)]
    decisions, _ = run(twice)
    assert alerts(decisions) == alerts(run(messages(log))[0])


@given(logs)
def test_raised_once_and_numbered_without_gaps(log: Sequence[tuple[CorrelateInput, int]]) -> None:
    seen: dict[str, list[Alert]] = {}
    for alert in alerts(run(messages(log))[0]):
        seen.setdefault(alert.id, []).append(alert)
    for history in seen.values():
        assert [alert.change == "raised" for alert in history] == [True] + [False] * (len(history) - 1)
        assert [alert.sequence for alert in history] == list(range(1, len(history) + 1))
        assert [alert.times.changed for alert in history] == sorted(alert.times.changed for alert in history)
        assert all((alert.change == "retracted") <= (alert.origins == 0) for alert in history)


@given(st.lists(st.sampled_from(ARTICLES), min_size=1, max_size=6))
def test_what_is_stale_raises_nothing(names: Sequence[str]) -> None:
    log = [(candidate(name, origins=names, age=3 * DAY), 1) for name in names]
    assert alerts(run(messages(log))[0]) == []
