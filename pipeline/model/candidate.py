"""What correlate reads, all keyed by rule: candidates, the clock's ticks, users' actions and changes of the rule."""

from typing import Literal

import msgspec

from pipeline.model.alert import AlertActor, AlertArticle, AlertPlace, LedgerEntry, Reason
from pipeline.model.codec import Time


class Report(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What an article says on the matter of a rule."""

    article: AlertArticle
    revision: str
    holds: bool
    headline: str = ""
    """In English, composed from the event that made the rule hold; empty where it does not hold."""
    facts: tuple[str, ...] = ()
    """Short English sentences for the summary."""
    because: tuple[Reason, ...] = ()
    claims: tuple[LedgerEntry, ...] = ()
    denies: bool = False
    """A party to the event denies it here."""
    withdraws: bool = False
    actors: tuple[AlertActor, ...] = ()
    places: tuple[AlertPlace, ...] = ()
    fetched: Time | None = None


class Candidate(Report, frozen=True, kw_only=True, omit_defaults=True, tag="candidate"):
    """A rule holds for an article, or has held before in its story."""

    rule: str
    story: str
    replaces: bool = False
    """A new revision of an article the story already has."""
    origins: tuple[str, ...]
    """Origins in the story for which the rule holds, this article's included if it does."""
    stored: Time | None = None
    """Log time of the article's first revision: its arrival, by which freshness is judged."""
    merged: tuple[str, ...] = ()
    """Ids of stories that this story has taken in."""


class Tick(msgspec.Struct, frozen=True, kw_only=True, tag="tick"):
    """Time has passed."""

    rule: str


class Forgetting(msgspec.Struct, frozen=True, kw_only=True, tag="forget"):
    """Articles that no alert may name any more."""

    rule: str
    articles: tuple[str, ...]


class Action(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="action"):
    """What a user does with an alert."""

    rule: str
    alert: str
    do: Literal["acknowledge", "snooze", "close"]
    until: Time | None = None
    by: str = ""


class Escalation(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """When an alert becomes more severe."""

    to: Literal["low", "medium", "high", "critical"]
    origins: int
    excluding_affiliation: tuple[str, ...] = ()


class RuleChange(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="rule"):
    """The part of a rule that alerts need, or its removal."""

    rule: str
    version: str
    title: str = ""
    desk: Literal["diplomacy", "conflict", "security", "governance", "humanitarian", "economy", "system"] = "system"
    severity: Literal["low", "medium", "high", "critical"] = "medium"
    fresh: int = 172_800
    """Seconds."""
    quiet_for: int = 259_200
    """Seconds."""
    escalate: Escalation | None = None
    removed: bool = False


CorrelateInput = Candidate | Tick | Action | RuleChange | Forgetting
