"""Articles as enrich would hand them on, in a few words."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta

from pipeline.model.article import Grade, Source, article_id, revision_of
from pipeline.model.candidate import Candidate
from pipeline.model.codec import decode, encode
from pipeline.model.enriched import (
    Actor,
    Because,
    Claim,
    EnrichedArticle,
    Event,
    Facility,
    Language,
    Place,
    Span,
    Speaker,
    Stance,
    Status,
)
from pipeline.stage import Decision, Message, StateChange
from pipeline.stories.memory import Memory
from pipeline.stories.relate import Relate
from pipeline.topics import ARTICLES, CANDIDATES

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
SPAN = Span(field="body", start=0, end=10)

CITIES = {"Tampere": ("634963", "FIN"), "Bergen": ("3161732", "NOR"), "Oruro": ("3909234", "BOL")}
"""Towns for places: GeoNames id and country."""


def article(
    key: str,
    title: str = "",
    body: str = "",
    *,
    source: str = "",
    name: str = "",
    owner: str | None = None,
    affiliation: str | None = None,
    reliability: Grade | None = None,
    language: str = "en",
    published: datetime | None = None,
    states: Sequence[str] = (),
    persons: Sequence[str] = (),
    cities: Sequence[str] = (),
    events: Sequence[Event] = (),
    claims: Sequence[Claim] = (),
    withdraws: bool = False,
    rules: Sequence[str] = (),
) -> EnrichedArticle:
    """An article at https://news.example/KEY."""
    url = f"https://news.example/{key}"
    actors = [Actor(id=state, kind="state", name=state, mentions=_mentions(body, state)) for state in states]
    actors += [
        Actor(
            id=f"person/{person.lower().replace(' ', '-')}",
            kind="person",
            name=person,
            mentions=_mentions(body, person),
        )
        for person in persons
    ]
    return EnrichedArticle(
        id=article_id(url, "", ""),
        url=url,
        source=Source(
            id=source or f"source-{key}", name=name, owner=owner, affiliation=affiliation, reliability=reliability
        ),
        title=title,
        body=body,
        published=published,
        revision=revision_of(title, body),
        language=Language(code=language, confidence=1.0, by="test"),
        actors=tuple(actors),
        places=tuple(
            Place(
                id=CITIES[city][0], name=city, country=CITIES[city][1], lat=0.0, lon=0.0, kind="city", mentions=(SPAN,)
            )
            for city in cities
        ),
        events=tuple(events),
        claims=tuple(claims),
        withdraws=SPAN if withdraws else None,
        rules=tuple(rules),
        because=tuple(Because(rule=rule, condition="events", span=SPAN) for rule in rules),
    )


def event(
    what: str,
    *,
    source: Sequence[str] = (),
    target: Sequence[str] = (),
    owner: str | None = None,
    city: str | None = None,
    status: Status = "reported",
) -> Event:
    """An event; with `owner` at that state's embassy."""
    facility = Facility(id=f"embassy/{owner}/-/{city}", kind="embassy", owner=owner, city=city) if owner else None
    return Event(
        what=what,
        type="TEST",
        status=status,
        source=tuple(source),
        target=tuple(target),
        facility=facility,
        span=SPAN,
    )


def claim(
    speaker: str,
    stance: Stance,
    *,
    actor: str | None = None,
    anonymous: bool = False,
    event: str | None = None,
) -> Claim:
    """A claim at the head of the body."""
    return Claim(speaker=Speaker(text=speaker, actor=actor, anonymous=anonymous), stance=stance, event=event, span=SPAN)


def _mentions(body: str, words: str) -> tuple[Span, ...]:
    at = max(body.find(words), 0)
    return (Span(field="body", start=at, end=at + len(words)),)


class Related:
    """Relate with its state, fed article by article."""

    def __init__(self) -> None:
        self.stage = Relate()
        self.state: Memory = self.stage.empty()
        self.offset = 0
        self.changes: list[StateChange] = []

    def feed(self, given: EnrichedArticle, after: timedelta = timedelta()) -> Decision:
        """Decides and folds one article that arrives so long after NOON."""
        self.offset += 1
        decision = self.stage.decide(self.state, Message(given.id, encode(given), self.offset, NOON + after))
        for change in decision.changes:
            self.stage.fold(self.state, change)
        self.changes += decision.changes
        return decision

    def finish(self, given: EnrichedArticle, after: timedelta = timedelta()) -> EnrichedArticle:
        """The finished article."""
        [value] = [effect.value for effect in self.feed(given, after).effects if effect.topic == ARTICLES]
        return decode(value, EnrichedArticle)

    def stories(self, given: Iterable[EnrichedArticle]) -> list[str]:
        """The story of each, an hour apart."""
        finished = [self.finish(each, timedelta(hours=hour)) for hour, each in enumerate(given)]
        return [each.story.id for each in finished if each.story]


def candidates(decision: Decision) -> list[Candidate]:
    """What a decision tells correlate."""
    return [decode(effect.value, Candidate) for effect in decision.effects if effect.topic == CANDIDATES]


def origin(finished: EnrichedArticle) -> str:
    """The id of the origin."""
    return finished.story.origin if finished.story else ""
