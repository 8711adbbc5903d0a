"""Case: all that correlate keeps of one alert, or of one that is not raised yet. An Alert is composed from it."""

from typing import Literal

import msgspec

from pipeline.model.alert import Alert, AlertActor, AlertArticle, AlertPlace, LedgerEntry, Reason
from pipeline.model.candidate import RuleChange
from pipeline.model.codec import Time

Phase = Literal["waiting", "open", "resolved", "retracted", "closed"]

ENTRIES = 100
"""Articles that a case keeps; past that, reprints go first, oldest first."""


class Entry(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What one article means for the alert, by its latest revision."""

    article: AlertArticle
    revision: str
    holds: bool
    fresh: bool
    headline: str = ""
    facts: tuple[str, ...] = ()
    because: tuple[Reason, ...] = ()
    claims: tuple[LedgerEntry, ...] = ()
    denies: bool = False
    withdraws: bool = False
    arrived: Time
    fetched: Time | None = None
    actors: tuple[AlertActor, ...] = ()
    places: tuple[AlertPlace, ...] = ()


class Case(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One rule in one story."""

    id: str
    """Of the alert."""
    rule: str
    story: str
    merged: tuple[str, ...] = ()
    """Other stories whose news comes here, because this one has taken them in."""
    phase: Phase = "waiting"
    entries: tuple[Entry, ...] = ()
    """In order of arrival."""
    origins: tuple[str, ...] = ()
    """For which the rule holds in the story, as relate counts them."""
    withdrawn: tuple[str, ...] = ()
    """Origins that took their report back."""
    contradicted: bool = False
    active: Time | None = None
    """Last time that an article changed it."""
    due: Time | None = None
    """When time alone changes it next."""
    snoozed_until: Time | None = None
    withheld: bool = False
    """Something changed while it was snoozed."""
    alert: Alert | None = None
    """As last sent."""

    @property
    def standing(self) -> tuple[str, ...]:
        """Origins that stand by the report."""
        return tuple(origin for origin in self.origins if origin not in self.withdrawn)

    def entry(self, article: str) -> Entry | None:
        """What the case has of an article."""
        return next((entry for entry in self.entries if entry.article.id == article), None)


class Changed(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A change of correlate's state: whichever is given replaces what was there."""

    case: Case | None = None
    rule: RuleChange | None = None
    gone: str | None = None
    """Id of a case that another has taken in."""


def with_entry(entries: tuple[Entry, ...], entry: Entry) -> tuple[Entry, ...]:
    """The entry in the place of its article's earlier one, or last; within the limit."""
    known = [old.article.id for old in entries]
    if entry.article.id in known:
        at = known.index(entry.article.id)
        return (*entries[:at], entry, *entries[at + 1 :])
    if len(entries) >= ENTRIES:
        spare = next((at for at, old in enumerate(entries[1:], 1) if old.article.duplicate_of), 1)
        entries = (*entries[:spare], *entries[spare + 1 :])
    return (*entries, entry)
