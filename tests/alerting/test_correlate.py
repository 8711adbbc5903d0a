from datetime import timedelta

import msgspec
import pytest

from pipeline.alerting.correlate import Correlate
from pipeline.model.alert import Alert
from pipeline.model.candidate import Action, Forgetting, RuleChange, Tick
from pipeline.model.codec import InvalidError, encode
from pipeline.stage import Message
from pipeline.topics import ALERTS
from tests.alerting.candidates import ALERT, DAY, HOUR, NOON, RULE, Desk, candidate, said


class TestRaised:
    def test_once_for_a_rule_and_a_story(self) -> None:
        desk = Desk()
        assert desk.changes(candidate("a")) == ["raised"]
        assert desk.changes(candidate("b", origins=["a", "b"]), HOUR) == ["updated"]
        assert desk.changes(candidate("c", story="other"), HOUR) == ["raised"]
        assert desk.changes(candidate("a", rule="another"), HOUR) == ["raised"]

    def test_as_the_rule_says(self) -> None:
        [alert] = Desk().feed(candidate("a"))
        assert (alert.id, alert.sequence, alert.rule.version, alert.desk, alert.severity) == (
            *(ALERT, 1, "v1"),
            *("diplomacy", "high"),
        )

    @pytest.mark.parametrize(
        ("age", "stored", "raised"),
        [
            (timedelta(), NOON, True),
            (47 * HOUR, NOON, True),
            (48 * HOUR, NOON, True),
            (49 * HOUR, NOON, False),
            (None, NOON, True),
            (-DAY, NOON, True),
            (DAY, NOON + 2 * DAY, False),
        ],
        ids=["now", "fresh", "just", "stale", "undated", "future", "late arrival"],
    )
    def test_only_where_it_is_fresh(self, age: timedelta | None, stored: object, raised: bool) -> None:
        assert bool(Desk().feed(candidate("a", age=age, stored=stored))) is raised  # type: ignore[arg-type]

    def test_the_times_are_those_of_the_article_that_raised_it(self) -> None:
        desk = Desk()
        desk.feed(candidate("a", age=3 * DAY))
        [alert] = desk.feed(candidate("b", age=HOUR, origins=["a", "b"]), HOUR)
        assert (alert.times.published, alert.times.raised) == (NOON - HOUR, NOON + HOUR)

    def test_what_was_stale_counts_once_it_is_raised(self) -> None:
        desk = Desk()
        assert desk.changes(candidate("a", age=3 * DAY)) == []
        [alert] = desk.feed(candidate("b", origins=["a", "b"]), HOUR)
        assert (alert.change, alert.origins, [article.id for article in alert.articles]) == ("raised", 2, ["a", "b"])

    def test_not_by_an_article_for_which_the_rule_does_not_hold(self) -> None:
        assert Desk().changes(candidate("a", holds=False, denies=True)) == []

    def test_without_a_rule_announced_it_is_plain(self) -> None:
        [alert] = Desk().feed(candidate("a", rule="unheard-of"))
        assert (alert.headline, alert.desk) == ("Finland's embassy in Bergen damaged", "system")


class TestUpdated:
    def test_a_repeat_sends_nothing(self) -> None:
        desk = Desk()
        desk.feed(candidate("a"))
        assert desk.decide(candidate("a"), HOUR) == ([], [])

    def test_a_reprint_joins_the_articles_and_adds_no_origin(self) -> None:
        desk = Desk()
        desk.feed(candidate("a"))
        [alert] = desk.feed(candidate("b", origin="a"), HOUR)
        assert (alert.origins, len(alert.articles)) == (1, 2)

    def test_a_new_revision_replaces_the_old_and_both_stay_reasons(self) -> None:
        desk = Desk()
        desk.feed(candidate("a", claims=[said("Oslo", "asserts")]))
        [alert] = desk.feed(candidate("a", revision="r2", replaces=True, claims=[said("Helsinki", "confirms")]), HOUR)
        assert [claim.speaker for claim in alert.claims] == ["Helsinki"]
        assert (len(alert.articles), len(alert.because)) == (1, 2)

    def test_an_article_that_has_nothing_to_say_of_it_is_left_out(self) -> None:
        desk = Desk()
        desk.feed(candidate("a"))
        assert desk.changes(candidate("b", holds=False, origins=["a"]), HOUR) == []

    def test_a_claim_reaches_the_ledger_from_an_article_that_does_not_hold(self) -> None:
        desk = Desk()
        desk.feed(candidate("a"))
        [alert] = desk.feed(
            candidate("b", holds=False, origins=["a"], claims=[said("Oslo", "declines-to-comment")]), HOUR
        )
        assert [(claim.speaker, claim.stance) for claim in alert.claims] == [("Oslo", "declines-to-comment")]

    def test_the_next_change_carries_the_new_version_of_the_rule(self) -> None:
        desk = Desk()
        desk.feed(candidate("a"))
        assert desk.changes(msgspec.structs.replace(RULE, version="v2")) == []
        [alert] = desk.feed(candidate("b", origins=["a", "b"]), HOUR)
        assert alert.rule.version == "v2"


class TestEscalated:
    def test_by_independent_origins(self) -> None:
        desk = Desk()
        desk.feed(candidate("a"))
        desk.feed(candidate("b", origins=["a", "b"]), HOUR)
        [alert] = desk.feed(candidate("c", origins=["a", "b", "c"]), HOUR)
        assert (alert.change, alert.severity) == ("escalated", "critical")
        assert desk.changes(candidate("d", origins=["a", "b", "c", "d"]), HOUR) == ["updated"]

    def test_outlets_of_an_excluded_state_do_not_count(self) -> None:
        desk = Desk()
        desk.feed(candidate("a"))
        desk.feed(candidate("b", origins=["a", "b"]), HOUR)
        [alert] = desk.feed(candidate("c", origins=["a", "b", "c"], affiliation="NOR"), HOUR)
        assert (alert.change, alert.severity, alert.origins) == ("updated", "high", 3)


class TestContradicted:
    def test_by_a_denial_of_a_party_and_only_once(self) -> None:
        desk = Desk()
        desk.feed(candidate("a"))
        denial = candidate("b", holds=False, origins=["a"], denies=True, claims=[said("Oslo", "denies", actor="NOR")])
        [alert] = desk.feed(denial, HOUR)
        assert (alert.change, alert.summary) == (
            "contradicted",
            "Reported by one origin in 1 article; first by A. Denied by Norway.",
        )
        assert desk.changes(candidate("c", holds=False, origins=["a"], denies=True), HOUR) == ["updated"]

    def test_a_denial_that_came_first_is_in_the_alert(self) -> None:
        desk = Desk()
        desk.feed(candidate("b", holds=False, denies=True, claims=[said("Oslo", "denies", actor="NOR")]))
        [alert] = desk.feed(candidate("a"), HOUR)
        assert (alert.change, alert.reliability.information) == ("raised", 4)
        assert "Denied by Norway" in alert.summary


class TestRetracted:
    def test_when_its_only_origin_takes_it_back(self) -> None:
        desk = Desk()
        desk.feed(candidate("a"))
        [alert] = desk.feed(candidate("a2", origin="a", origins=["a"], holds=False, withdraws=True), HOUR)
        assert (alert.change, alert.origins, alert.headline) == (
            "retracted",
            0,
            "Withdrawn: Finland's embassy in Bergen damaged",
        )

    def test_not_while_another_origin_stands(self) -> None:
        desk = Desk()
        desk.feed(candidate("a"))
        desk.feed(candidate("b", origins=["a", "b"]), HOUR)
        [alert] = desk.feed(candidate("a2", origin="a", origins=["a", "b"], holds=False, withdraws=True), HOUR)
        assert (alert.change, alert.origins) == ("updated", 1)

    def test_when_an_edit_leaves_nothing(self) -> None:
        desk = Desk()
        desk.feed(candidate("a"))
        assert desk.changes(candidate("a", revision="r2", replaces=True, holds=False), HOUR) == ["retracted"]

    def test_a_late_reprint_does_not_bring_it_back(self) -> None:
        desk = Desk()
        desk.feed(candidate("a"))
        desk.feed(candidate("a2", origin="a", origins=["a"], holds=False, withdraws=True), HOUR)
        assert desk.changes(candidate("b", origin="a", origins=["a"]), 2 * HOUR) == []

    def test_another_origin_does(self) -> None:
        desk = Desk()
        desk.feed(candidate("a"))
        desk.feed(candidate("a2", origin="a", origins=["a"], holds=False, withdraws=True), HOUR)
        [alert] = desk.feed(candidate("b", origins=["a", "b"]), 2 * HOUR)
        assert (alert.change, alert.origins, alert.sequence) == ("updated", 1, 3)


class TestResolved:
    def test_when_quiet_for_long_enough_and_stamped_with_that_time(self) -> None:
        desk = Desk()
        desk.feed(candidate("a"))
        assert desk.tick(71 * HOUR) == []
        [alert] = desk.tick(100 * HOUR)
        assert (alert.change, alert.times.changed) == ("resolved", NOON + 72 * HOUR)

    def test_it_happens_before_any_message_in_order_of_time(self) -> None:
        desk = Desk()
        desk.feed(candidate("a", story="one"))
        desk.feed(candidate("b", story="two"), HOUR)
        sent = desk.feed(candidate("c", story="three"), 100 * HOUR)
        assert [(alert.story, alert.change, alert.times.changed) for alert in sent] == [
            ("one", "resolved", NOON + 72 * HOUR),
            ("two", "resolved", NOON + 73 * HOUR),
            ("three", "raised", NOON + 100 * HOUR),
        ]

    def test_every_article_puts_it_off(self) -> None:
        desk = Desk()
        desk.feed(candidate("a"))
        desk.feed(candidate("b", origins=["a", "b"], stored=NOON + 71 * HOUR, age=-71 * HOUR), 71 * HOUR)
        assert desk.tick(100 * HOUR) == []
        assert [alert.change for alert in desk.tick(143 * HOUR)] == ["resolved"]

    def test_it_wakes_as_updated(self) -> None:
        desk = Desk()
        desk.feed(candidate("a"))
        desk.tick(80 * HOUR)
        late = candidate("b", origins=["a", "b"], stored=NOON + 90 * HOUR, age=-90 * HOUR)
        [alert] = desk.feed(late, 90 * HOUR)
        assert (alert.change, alert.sequence) == ("updated", 3)
        assert [alert.change for alert in desk.tick(200 * HOUR)] == ["resolved"]

    def test_what_is_stale_does_not_wake_it(self) -> None:
        desk = Desk()
        desk.feed(candidate("a"))
        desk.tick(80 * HOUR)
        assert desk.changes(candidate("b", origin="a", stored=NOON + 90 * HOUR), 90 * HOUR) == []

    def test_long_after_it_is_forgotten(self) -> None:
        desk = Desk()
        desk.feed(candidate("a"))
        desk.tick(80 * HOUR)
        desk.tick(40 * DAY)
        assert (desk.state.cases, desk.state.stories, desk.state.due) == ({}, {}, [])

    def test_a_rule_removed_resolves_its_alerts_and_raises_no_more(self) -> None:
        desk = Desk()
        desk.feed(candidate("a"))
        assert desk.changes(RuleChange(rule="hit", version="", removed=True), HOUR) == ["resolved"]
        assert desk.changes(candidate("b", story="other"), HOUR) == []


class TestActions:
    def test_acknowledged(self) -> None:
        desk = Desk()
        desk.feed(candidate("a"))
        [alert] = desk.act("acknowledge", HOUR)
        assert (alert.change, alert.acknowledged, alert.sequence) == ("updated", True, 2)
        assert desk.act("acknowledge", HOUR) == []
        assert desk.feed(candidate("b", origins=["a", "b"]), HOUR)[0].acknowledged

    def test_snoozed_it_holds_back_updates_and_tells_at_the_end(self) -> None:
        desk = Desk()
        desk.feed(candidate("a"))
        [alert] = desk.act("snooze", HOUR, until=10 * HOUR)
        assert alert.snoozed_until == NOON + 10 * HOUR
        assert desk.changes(candidate("b", origins=["a", "b"]), 2 * HOUR) == []
        [alert] = desk.tick(11 * HOUR)
        assert (alert.change, alert.times.changed, len(alert.articles), alert.snoozed_until) == (
            *("updated", NOON + 10 * HOUR),
            *(2, None),
        )

    def test_a_snooze_in_which_nothing_came_ends_in_silence(self) -> None:
        desk = Desk()
        desk.feed(candidate("a"))
        desk.act("snooze", HOUR, until=10 * HOUR)
        assert desk.tick(11 * HOUR) == []

    @pytest.mark.parametrize(
        ("given", "change"),
        [
            (candidate("b", holds=False, origins=["a"], denies=True), "contradicted"),
            (candidate("b", origins=["a", "b", "c"]), "escalated"),
            (candidate("b", origin="a", origins=["a"], holds=False, withdraws=True), "retracted"),
        ],
        ids=["contradicted", "escalated", "retracted"],
    )
    def test_what_matters_breaks_through_a_snooze(self, given: object, change: str) -> None:
        desk = Desk()
        desk.feed(candidate("a"))
        desk.act("snooze", HOUR, until=10 * HOUR)
        assert desk.changes(given, 2 * HOUR) == [change]  # type: ignore[arg-type]

    def test_closed_it_stays_silent(self) -> None:
        desk = Desk()
        desk.feed(candidate("a"))
        [alert] = desk.act("close", HOUR)
        assert alert.closed
        assert desk.changes(candidate("b", origins=["a", "b", "c"]), 2 * HOUR) == []
        assert desk.tick(100 * HOUR) == []

    @pytest.mark.parametrize(
        ("action", "reason"),
        [
            (Action(rule="hit", alert="0" * 32, do="close"), "there is no alert 0000"),
            (Action(rule="other", alert=ALERT, do="close"), "there is no alert"),
            (Action(rule="hit", alert=ALERT, do="snooze"), "name a time to come"),
            (Action(rule="hit", alert=ALERT, do="snooze", until=NOON - HOUR), "name a time to come"),
        ],
        ids=["unknown", "of another rule", "until when", "until the past"],
    )
    def test_what_cannot_be_done_is_refused(self, action: Action, reason: str) -> None:
        desk = Desk()
        desk.feed(candidate("a"))
        with pytest.raises(ValueError, match=reason):
            desk.feed(action)


class TestMergedStories:
    def test_the_alert_goes_on_under_its_id(self) -> None:
        desk = Desk()
        desk.feed(candidate("a"))
        merging = candidate("b", story="bigger", origins=["a", "b"], merged=("story",))
        [alert] = desk.feed(merging, HOUR)
        assert (alert.id, alert.change, alert.story, len(alert.articles)) == (ALERT, "updated", "bigger", 2)
        [alert] = desk.feed(candidate("c", story="bigger", origins=["a", "b", "c"]), HOUR)
        assert (alert.id, alert.change) == (ALERT, "escalated")

    def test_of_two_alerts_one_goes_on_with_the_articles_of_both(self) -> None:
        desk = Desk()
        desk.feed(candidate("a", story="other"))
        desk.feed(candidate("b", stored=NOON + HOUR), HOUR)
        sent = desk.feed(candidate("c", stored=NOON + 2 * HOUR, origins=["a", "b", "c"], merged=("other",)), 2 * HOUR)
        assert [(alert.story, alert.change) for alert in sent] == [("other", "resolved"), ("story", "escalated")]
        assert [article.id for article in sent[1].articles] == ["a", "b", "c"]


def test_an_alert_is_sent_to_its_desk_as_a_cloud_event() -> None:
    desk_effect, state_effect = Desk().decide(candidate("a")).effects
    event = msgspec.json.decode(desk_effect.value)
    assert (desk_effect.topic, desk_effect.key, state_effect.topic) == ("alerts.diplomacy.v1", ALERT, ALERTS)
    assert {name: event[name] for name in ("specversion", "id", "type", "subject", "time", "datacontenttype")} == {
        "specversion": "1.0",
        "id": f"{ALERT}/1",
        "type": "org.wirewatch.alert.raised",
        "subject": ALERT,
        "time": "2026-03-02T12:00:00Z",
        "datacontenttype": "application/json",
    }
    assert msgspec.convert(event["data"], Alert) == msgspec.json.decode(state_effect.value, type=Alert)


def test_an_alert_shows_so_many_articles_at_most() -> None:
    desk = Desk()
    for at in range(150):
        desk.feed(candidate(f"a{at:03}", origin="a000" if at % 2 else f"a{at:03}", origins=["a000"]), at * HOUR / 10)
    [alert] = desk.feed(candidate("last", origins=["a000"]), 20 * HOUR)
    assert (len(alert.articles), alert.article_count) == (40, 151)
    assert (alert.articles[0].id, alert.articles[-1].id) == ("a000", "last")


def test_a_message_of_no_known_kind_is_refused() -> None:
    with pytest.raises(InvalidError):
        Correlate().decide(Correlate().empty(), Message("hit", b'{"type": "surprise"}', 1, NOON))


def test_a_state_is_dumped_and_loaded() -> None:
    desk = Desk()
    desk.feed(candidate("a"))
    desk.act("snooze", HOUR, until=10 * HOUR)
    assert Correlate().load(Correlate().dump(desk.state)) == desk.state


def test_what_is_forgotten_leaves_the_rest() -> None:
    desk = Desk()
    desk.feed(candidate("a"))
    desk.feed(candidate("b", origins=["a", "b"]), HOUR)
    desk.stage.forget(desk.state, ["a"])
    assert b'"a"' not in encode([desk.state.cases, desk.state.entries])
    desk.stage.forget(desk.state, ["b"])
    assert (desk.state.cases, desk.state.entries) == ({}, {})
    assert desk.feed(Tick(rule="hit"), 100 * HOUR) == []


class TestForgetting:
    """What `wirewatch forget` says on Kafka."""

    FORGET = Forgetting(rule="*", articles=("a", "elsewhere"))

    def test_an_alert_that_rests_on_others_too_names_them_alone(self) -> None:
        desk = Desk()
        desk.feed(candidate("a", claims=[said("Ann", "asserts")]))
        desk.feed(candidate("b", origins=["a", "b"]), HOUR)
        (alert,) = desk.feed(self.FORGET, 2 * HOUR)
        assert (alert.change, alert.sequence, alert.origins) == ("updated", 3, 1)
        assert [article.id for article in alert.articles] == ["b"]
        assert not any(word in encode([alert, desk.state.cases, desk.state.entries]) for word in (b'"a"', b"Ann"))

    def test_an_alert_that_rested_on_it_alone_is_retracted_and_names_nothing(self) -> None:
        desk = Desk()
        desk.feed(candidate("a"))
        desk.act("snooze", HOUR, until=10 * HOUR)
        (alert,) = desk.feed(self.FORGET, 2 * HOUR)
        assert (alert.change, alert.sequence) == ("retracted", 3)
        assert (alert.articles, alert.because, alert.claims, alert.summary) == (
            (),
            (),
            (),
            "What it rested on has been forgotten.",
        )
        assert desk.feed(self.FORGET, 3 * HOUR) == []
        assert desk.tick(20 * HOUR) == []

    def test_it_comes_back_one_sequence_further(self) -> None:
        desk = Desk()
        desk.feed(candidate("a"))
        desk.feed(self.FORGET, HOUR)
        (alert,) = desk.feed(candidate("b"), 2 * HOUR)
        assert (alert.change, alert.sequence) == ("updated", 3)

    def test_what_was_not_raised_yet_goes_without_a_word(self) -> None:
        desk = Desk()
        desk.feed(candidate("a", age=100 * HOUR))
        assert desk.feed(self.FORGET, HOUR) == []
        assert (desk.state.cases, desk.state.entries) == ({}, {})
