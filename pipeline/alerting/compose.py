"""Compose: from a case to the Alert that a reader gets."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from typing import TypeVar

from pipeline.alerting.case import Case, Entry
from pipeline.alerting.reliability import grade
from pipeline.alerting.wording import possessive, state_name
from pipeline.model.alert import (
    Alert,
    AlertActor,
    AlertArticle,
    AlertPlace,
    Change,
    LedgerEntry,
    Reason,
    RuleRef,
    Severity,
    Times,
)
from pipeline.model.candidate import RuleChange

REASONS = 40
CLAIMS = 60
NAMED = 40
ARTICLES = 40
"""Reasons, claims, actors, places and articles that an alert shows at most."""

SEVERITIES: tuple[Severity, ...] = ("low", "medium", "high", "critical")

T = TypeVar("T")


def compose(case: Case, rule: RuleChange, change: Change, now: datetime) -> Alert:
    """The alert of a case after a change, one sequence further than the one before."""
    first = case.times or _first_times(case, now)
    return Alert(
        id=case.id,
        sequence=case.sequence + 1,
        change=change,
        rule=RuleRef(id=rule.rule, version=rule.version),
        desk=rule.desk,
        severity=severity(case, rule),
        headline=_headline(case, rule),
        summary=_summary(case),
        reliability=grade(case),
        because=tuple(_because(case)),
        story=case.story,
        origins=case.origins,
        articles=tuple(_articles(case.entries)),
        article_count=len(case.entries) + case.let_go,
        claims=tuple(_ledger(case)),
        actors=tuple(_named(actor for entry in case.entries for actor in entry.actors)),
        places=tuple(_located(place for entry in case.entries for place in entry.places)),
        times=Times(published=first.published, fetched=first.fetched, raised=first.raised, changed=now),
        acknowledged=case.acknowledged,
        snoozed_until=case.snoozed_until,
        closed=case.phase == "closed",
    )


def severity(case: Case, rule: RuleChange) -> Severity:
    """The rule's, or that of its escalation where enough independent origins stand; never lower than before."""
    reached: list[Severity] = [rule.severity]
    if case.severity:
        reached.append(case.severity)
    if rule.escalate and _counted(case, rule.escalate.excluding_affiliation) >= rule.escalate.origins:
        reached.append(rule.escalate.to)
    return max(reached, key=SEVERITIES.index)


def _counted(case: Case, excluding: Sequence[str]) -> int:
    """Origins that stand, without those that begin with an outlet of an excluded state."""
    begins: dict[str, str | None] = {}
    for entry in case.entries:
        if entry.holds:
            begins.setdefault(entry.article.origin, entry.article.source.affiliation)
    return case.elsewhere + sum(1 for origin in case.standing if begins.get(origin) not in excluding)


def _first_times(case: Case, now: datetime) -> Times:
    raising = next((entry for entry in case.entries if entry.holds and entry.fresh), case.entries[0])
    return Times(published=raising.article.published, fetched=raising.fetched, raised=now, changed=now)


def _headline(case: Case, rule: RuleChange) -> str:
    """What most origins report, in the words of the first of them."""
    said = _most_said(case, lambda entry: [entry.headline] if entry.headline else [])
    text = said[0] if said else rule.title or rule.rule
    return f"Withdrawn: {text}" if case.phase == "retracted" else text


def _summary(case: Case) -> str:
    return " ".join([_reported(case), *_further_facts(case), *_disputed(case)])


def _reported(case: Case) -> str:
    reports = [entry for entry in case.entries if entry.holds] or list(case.entries)
    if not reports:
        return "What it rested on has been forgotten."
    first = reports[0].article.source
    name = first.name or first.id
    if not case.origins:
        return f"First reported by {name}; no origin stands by it any more."
    origins, articles = case.origins, len(reports)
    many = f"{origins} independent origins" if origins > 1 else "one origin"
    least = "at least " if case.let_go else ""
    return f"Reported by {many} in {least}{articles} article{'s' if articles > 1 else ''}; first by {name}."


def _further_facts(case: Case) -> list[str]:
    headline = _most_said(case, lambda entry: [entry.headline] if entry.headline else [])[:1]
    return [fact for fact in _most_said(case, lambda entry: entry.facts) if fact.rstrip(".") not in headline][:3]


def _disputed(case: Case) -> Iterator[str]:
    deniers = dict.fromkeys(_denier(entry) for entry in case.entries if entry.denies)
    if deniers:
        yield f"Denied by {_listed(list(deniers))}."
    withdrew = dict.fromkeys(
        entry.article.source.name or entry.article.source.id for entry in case.entries if entry.withdraws
    )
    if withdrew:
        yield f"Taken back by {_listed(list(withdrew))}."


def _denier(entry: Entry) -> str:
    """Who denies in an article: by English name where there is one, else in the words of the text."""
    claim = next((claim for claim in entry.claims if claim.stance == "denies" and claim.actor), None)
    if claim is None or claim.actor is None:
        return f"a party, says {entry.article.source.name or entry.article.source.id}"
    named = next((actor.name for actor in entry.actors if actor.id == claim.actor), None)
    state = state_name(claim.actor.partition("/")[0])
    if named and state and "/" in claim.actor and state not in named:
        return f"{possessive(state)} {named}"
    return named or state or claim.speaker


def _listed(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _most_said(case: Case, said: Callable[[Entry], Sequence[str]]) -> list[str]:
    """What the entries that stand say, by the number of origins that say so, then by who came first."""
    origins: dict[str, set[str]] = {}
    for entry in case.entries:
        if entry.holds:
            for text in said(entry):
                origins.setdefault(text, set()).add(entry.article.origin)
    return sorted(origins, key=lambda text: -len(origins[text]))


def _articles(entries: Sequence[Entry]) -> list[AlertArticle]:
    """The first, the newest, and as many as there is room for, the latest reports before reprints."""
    if len(entries) <= ARTICLES:
        return [entry.article for entry in entries]
    first, *between, newest = entries
    between.sort(key=lambda entry: (entry.article.duplicate_of is not None, -entry.number))
    shown = sorted(between[: ARTICLES - 2], key=lambda entry: entry.number)
    return [entry.article for entry in (first, *shown, newest)]


def _because(case: Case) -> list[Reason]:
    """Reasons of the reports first, those of reprints only where there is room."""
    ordered = sorted(case.entries, key=lambda entry: entry.article.duplicate_of is not None)
    return [reason for entry in ordered for reason in entry.because][:REASONS]


def _ledger(case: Case) -> list[LedgerEntry]:
    """Who says what since when: a speaker's words once for a stance, denials and confirmations before the rest."""
    seen: dict[tuple[str, str], LedgerEntry] = {}
    for entry in case.entries:
        for claim in entry.claims:
            seen.setdefault((claim.actor or claim.speaker.casefold(), claim.stance), claim)
    claims = list(seen.values())
    if len(claims) > CLAIMS:
        claims = sorted(claims, key=lambda claim: claim.stance not in ("denies", "confirms"))[:CLAIMS]
    return sorted(claims, key=lambda claim: claim.since)


def _named(actors: Iterable[AlertActor]) -> list[AlertActor]:
    return _frequent((actor.id, actor) for actor in actors)


def _located(places: Iterable[AlertPlace]) -> list[AlertPlace]:
    return _frequent((place.id, place) for place in places)


def _frequent(items: Iterable[tuple[str, T]]) -> list[T]:
    """One of each id, the most frequent first."""
    first: dict[str, T] = {}
    counts: Counter[str] = Counter()
    for key, item in items:
        first.setdefault(key, item)
        counts[key] += 1
    return [first[key] for key, _ in counts.most_common(NAMED)]
