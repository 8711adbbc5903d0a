"""Candidates and correlate at work, in a few words."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from pipeline.alerting.correlate import Alerts, Correlate, alert_id
from pipeline.model.alert import Alert, AlertArticle, LedgerEntry, Reason
from pipeline.model.article import Grade, Source
from pipeline.model.candidate import Action, Candidate, CorrelateInput, Escalation, RuleChange, Tick
from pipeline.model.codec import decode, encode
from pipeline.model.enriched import Span, Stance
from pipeline.stage import Decision, Message
from pipeline.topics import ALERTS

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)

RULE = RuleChange(
    rule="hit",
    version="v1",
    title="Premises hit",
    desk="diplomacy",
    severity="high",
    fresh=48 * 3600,
    quiet_for=72 * 3600,
    escalate=Escalation(to="critical", origins=3, excluding_affiliation=("NOR",)),
)
ALERT = alert_id("hit", "story")


def candidate(
    article: str,
    *,
    rule: str = "hit",
    story: str = "story",
    origin: str = "",
    origins: Sequence[str] = (),
    revision: str = "r1",
    holds: bool = True,
    headline: str = "Finland's embassy in Bergen damaged",
    age: timedelta | None = timedelta(),
    affiliation: str | None = None,
    reliability: Grade | None = None,
    claims: Sequence[LedgerEntry] = (),
    stored: datetime = NOON,
    **rest: Any,
) -> Candidate:
    """What relate says of an article by the outlet of the same name, published `age` before NOON."""
    origin = origin or article
    span = Span(field="body", start=0, end=4)
    return Candidate(
        rule=rule,
        story=story,
        article=AlertArticle(
            id=article,
            title=f"Title of {article}",
            source=Source(id=article, name=article.title(), affiliation=affiliation, reliability=reliability),
            language="en",
            published=None if age is None else NOON - age,
            origin=origin,
        ),
        revision=revision,
        holds=holds,
        headline=headline if holds else "",
        because=(Reason(condition="events", article=article, span=span, words="hit"),) if holds else (),
        origins=tuple(origins) or ((origin,) if holds else ()),
        claims=tuple(claims),
        stored=stored,
        fetched=stored,
        **rest,
    )


def said(
    speaker: str, stance: Stance, *, actor: str | None = None, anonymous: bool = False, article: str = "a"
) -> LedgerEntry:
    """A line of the ledger."""
    return LedgerEntry(speaker=speaker, actor=actor, anonymous=anonymous, stance=stance, article=article, since=NOON)


class Desk:
    """Correlate with its state and a rule, fed message by message."""

    def __init__(self, rule: RuleChange = RULE) -> None:
        self.stage = Correlate()
        self.state: Alerts = self.stage.empty()
        self.offset = 0
        self.feed(rule)

    def decide(self, message: CorrelateInput, after: timedelta = timedelta()) -> Decision:
        """Decides and folds a message that arrives so long after NOON."""
        self.offset += 1
        decision = self.stage.decide(self.state, Message(message.rule, encode(message), self.offset, NOON + after))
        for change in decision.changes:
            self.stage.fold(self.state, change)
        return decision

    def feed(self, message: CorrelateInput, after: timedelta = timedelta()) -> list[Alert]:
        """The alerts that a message sends."""
        return [decode(effect.value, Alert) for effect in self.decide(message, after).effects if effect.topic == ALERTS]

    def changes(self, message: CorrelateInput, after: timedelta = timedelta()) -> list[str]:
        """Only what changed."""
        return [alert.change for alert in self.feed(message, after)]

    def tick(self, after: timedelta) -> list[Alert]:
        """Time passes."""
        return self.feed(Tick(rule="hit"), after)

    def act(self, do: Any, after: timedelta = timedelta(), until: timedelta | None = None) -> list[Alert]:
        """A user acts on the alert."""
        time = None if until is None else NOON + until
        return self.feed(Action(rule="hit", alert=ALERT, do=do, until=time), after)
