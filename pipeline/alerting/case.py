"""Case: all that correlate keeps of one alert, or of one that is not raised yet. An Alert is composed from it."""

from collections.abc import Iterable
from typing import Literal

import msgspec
from msgspec.structs import replace

from pipeline.model.alert import Severity, Times
from pipeline.model.candidate import Report
from pipeline.model.codec import Time

Phase = Literal["waiting", "open", "resolved", "retracted", "closed"]

ENTRIES = 100
"""Articles that a case keeps; past that, reprints go first, oldest first."""


class Entry(Report, frozen=True, kw_only=True, omit_defaults=True):
    """What one article means for the alert, by its latest revision; `because` keeps what earlier ones gave."""

    fresh: bool
    arrived: Time
    number: int
    """Its place among the entries of the case."""


class Case(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One rule in one story. Its entries are kept beside it, each as a record of its own."""

    id: str
    """Of the alert."""
    rule: str
    story: str
    merged: tuple[str, ...] = ()
    """Other stories whose news comes here, because this one has taken them in."""
    phase: Phase = "waiting"
    entries: tuple[Entry, ...] = ()
    """In order of arrival."""
    let_go: int = 0
    """Articles that there was no room for any more."""
    standing: tuple[str, ...] = ()
    """Origins among those of the entries that stand by the report, in the order that relate gives."""
    elsewhere: int = 0
    """Other origins that stand by it."""
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
    acknowledged: bool = False
    sequence: int = 0
    """Of the alert as last sent; 0 where it has not been raised."""
    severity: Severity | None = None
    times: Times | None = None

    @property
    def origins(self) -> int:
        """Independent origins that stand by the report."""
        return len(self.standing) + self.elsewhere

    def entry(self, article: str) -> Entry | None:
        """What the case has of an article."""
        return next((entry for entry in self.entries if entry.article.id == article), None)


def with_entry(case: Case, entry: Entry) -> Case:
    """The case with the entry in the place of its article's earlier one, or last; within the limit."""
    entries = case.entries
    known = [old.article.id for old in entries]
    if entry.article.id in known:
        at = known.index(entry.article.id)
        entry = replace(entry, number=entries[at].number)
        return replace(case, entries=(*entries[:at], entry, *entries[at + 1 :]))
    let_go = case.let_go
    if len(entries) >= ENTRIES:
        spare = next((at for at, old in enumerate(entries[1:], 1) if old.article.duplicate_of), 1)
        entries, let_go = (*entries[:spare], *entries[spare + 1 :]), let_go + 1
    entry = replace(entry, number=entries[-1].number + 1 if entries else 0)
    return replace(case, entries=(*entries, entry), let_go=let_go)


def with_origins(case: Case, origins: Iterable[str]) -> Case:
    """The case resting on these origins, less those that took their report back."""
    among = {entry.article.origin for entry in case.entries}
    left = [origin for origin in origins if origin not in case.withdrawn]
    standing = tuple(origin for origin in left if origin in among)
    return replace(case, standing=standing, elsewhere=len(left) - len(standing))
