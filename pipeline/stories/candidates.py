"""What relate tells correlate of an article: one candidate for every rule that it or its story concerns."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from pipeline.alerting.wording import facts, headline
from pipeline.model.alert import AlertActor, AlertArticle, AlertPlace, LedgerEntry, Reason
from pipeline.model.candidate import Candidate
from pipeline.model.enriched import Claim, EnrichedArticle, Event, Span
from pipeline.stories.facts import main_states
from pipeline.stories.record import Held

CLAIMS = 12
"""Claims of one article that a ledger takes."""
REASONS = 8
"""Reasons of one article that an alert shows."""
LEAD = 500
"""Characters of a body in which an article says what it is about."""

INACTIVE = ("past", "hypothetical", "threatened")


def held_by(article: EnrichedArticle) -> tuple[Held, ...]:
    """The rules that hold for an article, with the events that made them hold and their parties."""
    return tuple(_held(article, rule) for rule in article.rules)


class Shown(NamedTuple):
    """What the candidates of an article have in common."""

    article: AlertArticle
    actors: tuple[AlertActor, ...]
    places: tuple[AlertPlace, ...]


def shown(article: EnrichedArticle) -> Shown:
    """What an alert shows of a related article, whatever the rule.

    Raises:
        ValueError: the article has no story.
    """
    if article.story is None:
        raise ValueError(f"article {article.id} has not been related")
    return Shown(
        article=AlertArticle(
            id=article.id,
            url=article.url,
            title=article.title or article.body[:80],
            source=article.source,
            language=article.language.code,
            published=article.published,
            origin=article.story.origin,
            duplicate_of=article.story.duplicate_of,
        ),
        actors=tuple(AlertActor(id=actor.id, name=actor.name) for actor in article.actors),
        places=tuple(
            AlertPlace(id=place.id, name=place.name, country=place.country, lat=place.lat, lon=place.lon)
            for place in article.places
            if place.kind != "country"
        ),
    )


def candidate(
    article: EnrichedArticle,
    shown: Shown,
    rule: str,
    *,
    story: str,
    whats: Iterable[str],
    parties: Iterable[str],
    origins: Iterable[str],
    replaces: bool,
    merged: tuple[str, ...],
) -> Candidate | None:
    """The candidate of an article for one rule; None where it has nothing to say on the matter.

    Args:
        article: to be told of.
        shown: of it.
        rule: id.
        story: id of the article's story.
        whats, parties: events that made the rule hold in the story, and whom they concern.
        origins: for which the rule holds in the story, this article's included if it does.
        replaces: the story has an earlier revision of the article.
        merged: stories that the article's has taken in.
    """
    holds = rule in article.rules
    about = _told_together(article, set(whats))
    denied = denies(article, about, set(parties), holds=holds)
    claims = tuple(_ledger(article, about, holds=holds))
    if not (holds or denied or claims or replaces or merged or article.withdraws):
        return None
    events = _events(article, rule) if holds else []
    return Candidate(
        rule=rule,
        story=story,
        article=shown.article,
        revision=article.revision,
        replaces=replaces,
        holds=holds,
        headline=headline(article, events) if holds else "",
        facts=facts(article, events) if holds else (),
        because=tuple(_reasons(article, rule)),
        claims=claims,
        denies=denied,
        withdraws=article.withdraws is not None,
        origins=tuple(origins),
        actors=shown.actors,
        places=shown.places,
        fetched=article.fetched,
        stored=article.stored,
        merged=merged,
    )


def _told_together(article: EnrichedArticle, whats: set[str]) -> set[str]:
    """These events, and those that the article tells in the same words: who denies the one denies the other."""
    spans = [event.span for event in article.events if event.what in whats]
    others = [event for event in article.events if event.what not in whats] if spans else []
    return whats | {event.what for event in others if any(_overlap(event.span, span) for span in spans)}


def denies(article: EnrichedArticle, whats: set[str], parties: set[str], *, holds: bool) -> bool:
    """Whether a party to the events denies them here.

    A denial counts that speaks of one of the events, or that is the article's point where it does not itself report
    them; so does an event that is only reported as denied.
    """
    if not holds and any(event.what in whats and event.status == "denied" for event in article.events):
        return True
    named = any(_party(actor.id) in parties for actor in article.actors)
    return any(_denial(claim, whats, parties, holds=holds, named=named) for claim in article.claims)


def _denial(claim: Claim, whats: set[str], parties: set[str], *, holds: bool, named: bool) -> bool:
    """Whether a claim denies one of the events on behalf of a party.

    Where the speaker's state could not be read, an article counts that is about the denial and names a party.
    """
    if claim.stance != "denies" or claim.speaker.anonymous:
        return False
    about, point = claim.event in whats, not holds and _leads(claim.span)
    if claim.speaker.actor is None:
        return about and point and named
    return _party(claim.speaker.actor) in parties and (about or (claim.event is None and point))


def _leads(span: Span) -> bool:
    return span.field != "body" or span.start < LEAD


def _party(actor: str) -> str:
    """The state that an actor speaks for, or the actor itself."""
    return actor.partition("/")[0] if not actor.startswith("person/") else actor


def _held(article: EnrichedArticle, rule: str) -> Held:
    events = _events(article, rule)
    parties = dict.fromkeys(main_states(article))
    for event in events:
        parties.update(dict.fromkeys(_party(actor) for actor in (*event.source, *event.target)))
        if event.facility and event.facility.owner:
            parties[event.facility.owner] = None
        if event.place:
            parties[event.place.country] = None
        elif event.facility and event.facility.country:
            parties[event.facility.country] = None
    return Held(rule, tuple(dict.fromkeys(event.what for event in events)), tuple(parties))


def _events(article: EnrichedArticle, rule: str) -> list[Event]:
    """The events that made a rule hold: those that its conditions name, else all on whose words it rests."""
    reasons = [because for because in article.because if because.rule == rule]
    live = [event for event in article.events if event.status not in INACTIVE]
    live = [event for event in live if any(_overlap(event.span, reason.span) for reason in reasons)]
    named = [event for event in live if any(event.what in reason.condition.split() for reason in reasons)]
    return named or live


def _overlap(a: Span, b: Span) -> bool:
    return a.field == b.field and a.start < b.end and b.start < a.end


def _reasons(article: EnrichedArticle, rule: str) -> Iterator[Reason]:
    left = REASONS
    for because in article.because:
        if because.rule == rule and left:
            left -= 1
            text: str = getattr(article, because.span.field)
            yield Reason(
                condition=because.condition,
                article=article.id,
                span=because.span,
                words=text[because.span.start : because.span.end],
            )


def _ledger(article: EnrichedArticle, whats: set[str], *, holds: bool) -> Iterator[LedgerEntry]:
    """The claims on these events; of an article that reports them itself also those not known to be on another."""
    since = article.stored or article.fetched or article.published
    if since is None:
        return
    concerned = [claim for claim in article.claims if claim.event in whats or (holds and claim.event is None)]
    for claim in sorted(concerned, key=lambda claim: claim.event is None)[:CLAIMS]:
        yield LedgerEntry(
            speaker=claim.speaker.text,
            actor=claim.speaker.actor,
            anonymous=claim.speaker.anonymous,
            stance=claim.stance,
            about=claim.about,
            article=article.id,
            since=since,
        )
