"""What the page of an alert makes of it: accounts with their reprints, conditions with their words, its changes."""

from datetime import UTC, datetime
from typing import Any

import msgspec

from pipeline.model.alert import Alert, AlertActor, AlertArticle, LedgerEntry, Reason, Reliability, RuleRef, Times
from pipeline.model.article import Source
from pipeline.model.enriched import Span, Stance
from pipeline.web.alerts import accounts, conditions, differences
from pipeline.web.words import by_stance, speakers

NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


def told(name: str, origin: str) -> AlertArticle:
    return AlertArticle(
        id=name,
        title=f"Embassy hit, says {name}",
        source=Source(id=name, name=name.title()),
        language="en",
        origin=origin,
    )


def said(speaker: str, stance: Stance, minute: int) -> LedgerEntry:
    return LedgerEntry(speaker=speaker, stance=stance, article="wire", since=NOON.replace(minute=minute))


def reason(condition: str, article: str, words: str) -> Reason:
    return Reason(condition=condition, article=article, span=Span(field="title", start=0, end=7), words=words)


ALERT = Alert(
    id="a",
    sequence=1,
    change="raised",
    rule=RuleRef(id="diplomatic-premises-hit", version="1"),
    desk="diplomacy",
    severity="high",
    headline="Embassy hit",
    summary="Reported by one origin.",
    reliability=Reliability(source="B", information=3, why="one origin"),
    because=(
        reason("events.what: premises-damaged", "wire", "hit"),
        reason("events.what: premises-damaged", "post", "struck"),
        reason("events.what: premises-damaged", "copy", "hit"),
    ),
    story="s",
    origins=1,
    articles=(told("wire", "wire"), told("post", "post"), told("copy", "wire")),
    times=Times(raised=NOON, changed=NOON),
)


def test_reprints_follow_the_account_that_they_repeat() -> None:
    shown = [(a.first.article.id, [copy.article.id for copy in a.reprints]) for a in accounts(ALERT, {})]
    assert shown == [("wire", ["copy"]), ("post", [])]


def test_words_of_an_earlier_revision_are_not_marked_elsewhere() -> None:
    because = (reason("a", "wire", "Embassy"), reason("b", "wire", "Mission"))
    (wire, _) = accounts(msgspec.structs.replace(ALERT, because=because), {})
    assert [(s.text, s.label) for s in wire.first.title] == [("Embassy", "a"), (" hit, says wire", "")]


def test_a_condition_has_each_of_its_words_once() -> None:
    assert conditions(ALERT) == [("events.what: premises-damaged", ["hit", "struck"])]


def test_the_ledger_is_grouped_by_stance_earliest_first() -> None:
    claims = [said("Moscow", "denies", 9), said("Kyiv", "asserts", 7), said("Baku", "asserts", 3)]
    shown = [(stance, [claim.speaker for claim in group]) for stance, group in by_stance(claims)]
    assert shown == [("asserts", ["Baku", "Kyiv"]), ("denies", ["Moscow"])]


def test_who_is_known_goes_by_an_english_name() -> None:
    claims = (
        LedgerEntry(speaker="МИД Украины", actor="UKR/GOV/MFA", stance="denies", article="wire", since=NOON),
        said("somebody", "denies", 9),
    )
    actors = (AlertActor(id="UKR/GOV/MFA", name="Foreign Ministry of Ukraine"),)
    alert = msgspec.structs.replace(ALERT, claims=claims, actors=actors)
    assert speakers(alert, "denies") == ["Foreign Ministry of Ukraine", "somebody"]


def after(**changed: Any) -> list[str]:
    later = msgspec.structs.replace(ALERT, sequence=2, **changed)
    (_, different), (_, first) = differences([later, ALERT])
    assert first == []
    return different


def test_changes_say_what_was_different() -> None:
    assert after(severity="critical", origins=3) == ["severity high → critical", "independent origins 1 → 3"]
    assert after(articles=(*ALERT.articles, told("echo", "echo"))) == ["article from Echo"]
    assert after(claims=(said("Moscow", "declines-to-comment", 9),)) == ["Moscow declines to comment"]
    assert after(acknowledged=True) == ["acknowledged"]
    assert after(closed=True, snoozed_until=NOON) == ["snoozed until 2026-11-24T12:00:00Z", "closed"]
