"""Alert: the life of one rule in one story, and the messages that move it."""

from typing import Literal

import msgspec

from pipeline.model.article import Grade, Source
from pipeline.model.codec import Time
from pipeline.model.enriched import Span, Stance

Severity = Literal["low", "medium", "high", "critical"]
Change = Literal["raised", "updated", "escalated", "contradicted", "resolved", "retracted"]
Desk = Literal["diplomacy", "conflict", "security", "governance", "humanitarian", "economy", "system"]


class RuleRef(msgspec.Struct, frozen=True, kw_only=True):
    """A rule as it stood when the alert changed."""

    id: str
    version: str
    """Hash of the rule's text."""


class Reliability(msgspec.Struct, frozen=True, kw_only=True):
    """Admiralty grade of what is reported."""

    source: Grade
    information: Literal[1, 2, 3, 4, 5, 6]
    """1 confirmed by independent sources … 5 improbable, 6 cannot be judged."""
    why: str


class Reason(msgspec.Struct, frozen=True, kw_only=True):
    """A condition that held, in which article, on which words."""

    condition: str
    article: str
    span: Span
    words: str


class LedgerEntry(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One line of who says what."""

    speaker: str
    actor: str | None = None
    anonymous: bool = False
    stance: Stance
    about: str = ""
    article: str
    since: Time


class Times(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How the alert came to be when it was."""

    published: Time | None = None
    """Of the article that raised it."""
    fetched: Time | None = None
    raised: Time
    changed: Time


class AlertArticle(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a reader of an alert needs of an article."""

    id: str
    url: str | None = None
    title: str
    source: Source
    language: str
    published: Time | None = None
    origin: str
    duplicate_of: str | None = None


class AlertActor(msgspec.Struct, frozen=True, kw_only=True):
    """An actor named in the articles of an alert."""

    id: str
    name: str


class AlertPlace(msgspec.Struct, frozen=True, kw_only=True):
    """A place named in the articles of an alert."""

    id: str
    name: str
    country: str
    lat: float
    lon: float


class Alert(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An alert after its latest change."""

    id: str
    """32 hex digits over rule and story."""
    sequence: int
    """1 when raised, one more with every change."""
    change: Change
    rule: RuleRef
    desk: Desk
    severity: Severity
    headline: str
    """In English, composed from the facts read."""
    summary: str
    reliability: Reliability
    because: tuple[Reason, ...]
    story: str
    origins: int
    """Independent accounts behind it."""
    articles: tuple[AlertArticle, ...]
    """The first and the latest, newest last; of many, reprints are left out first."""
    article_count: int = 0
    """Articles in all, shown or not; one that comes back revised after many others may count twice."""
    claims: tuple[LedgerEntry, ...] = ()
    actors: tuple[AlertActor, ...] = ()
    places: tuple[AlertPlace, ...] = ()
    times: Times
    acknowledged: bool = False
    snoozed_until: Time | None = None
    closed: bool = False
