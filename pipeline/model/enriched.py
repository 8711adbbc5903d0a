"""EnrichedArticle: an article and what was read in it."""

from typing import Literal

import msgspec

from pipeline.model.article import Article
from pipeline.model.codec import Time

Field = Literal["title", "summary", "body"]
ActorKind = Literal["state", "organ", "organisation", "group", "person"]
PlaceKind = Literal["country", "region", "city", "site"]
FacilityKind = Literal["embassy", "consulate", "residence", "mission", "un-premises"]
Status = Literal["reported", "claimed", "denied", "threatened", "hypothetical", "past"]
Stance = Literal["asserts", "denies", "confirms", "warns", "demands", "announces", "declines-to-comment"]


class Span(msgspec.Struct, frozen=True, kw_only=True):
    """Part of a stored field, in code points, half-open."""

    field: Field
    start: int
    end: int


class Language(msgspec.Struct, frozen=True, kw_only=True):
    """ISO 639-1 code, or 639-3 where there is none; `und` where nothing could be told."""

    code: str
    confidence: float
    """0 to 1."""
    by: str
    """The voices that decided: script, cld2, langid, langdetect, joined by +."""


class Actor(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Somebody who acts, is acted on, or is spoken of as a political actor."""

    id: str
    """`AZE`, `AZE/GOV/MFA`, `NATO`, `person/ilham-aliyev`."""
    kind: ActorKind
    name: str
    """In English where the tables have it, else as in the text."""
    roles: tuple[str, ...] = ()
    """Offices held in the text, as `ambassador of RUS to AZE`."""
    mentions: tuple[Span, ...] = ()


class Place(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A place, by GeoNames id."""

    id: str
    name: str
    """GeoNames' English name."""
    country: str
    """ISO 3166-1 alpha-3."""
    lat: float
    lon: float
    kind: PlaceKind
    mentions: tuple[Span, ...] = ()


class Facility(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A diplomatic facility, composed from owner, kind and host."""

    id: str
    """`embassy/AZE/UKR/Kyiv`, with `-` for what the text does not say."""
    kind: FacilityKind
    owner: str | None = None
    """Alpha-3, or an organisation's id."""
    city: str | None = None
    country: str | None = None
    """Where it stands, alpha-3."""
    lat: float | None = None
    lon: float | None = None
    mentions: tuple[Span, ...] = ()


class Theme(msgspec.Struct, frozen=True, kw_only=True):
    """A theme of the lexicon, with the words that gave it."""

    id: str
    mentions: tuple[Span, ...]


class Event(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Something that happened, is said to have happened, or is said not to have."""

    what: str
    """Own short vocabulary, see `pipeline/enrich/events.yaml`, which maps it to PLOVER."""
    type: str
    """PLOVER event type, such as ASSAULT."""
    mode: str | None = None
    context: tuple[str, ...] = ()
    status: Status
    source: tuple[str, ...] = ()
    """Ids of actors."""
    target: tuple[str, ...] = ()
    facility: Facility | None = None
    """Without mentions."""
    place: Place | None = None
    """Without mentions."""
    when: str | None = None
    """The words that date it."""
    span: Span
    words: tuple[Span, ...] = ()
    """The words that made it an event."""


class Speaker(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Who says so."""

    text: str
    actor: str | None = None
    anonymous: bool = False
    role: str | None = None


class Claim(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An attributed statement."""

    speaker: Speaker
    stance: Stance
    quoted: bool = False
    about: str = ""
    """The words claimed."""
    event: str | None = None
    """`what` of the event it speaks of, where one matches."""
    span: Span


class Because(msgspec.Struct, frozen=True, kw_only=True):
    """A condition of a rule that held, and the words that made it hold."""

    rule: str
    condition: str
    span: Span


class StoryRef(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Where an article stands among others."""

    id: str
    origin: str
    """Id of the first article of the independent account it belongs to."""
    duplicate_of: str | None = None
    merged: tuple[str, ...] = ()
    """Ids of stories that this story has taken in with the article."""


Edit = Literal["material", "wording"]
"""`material`: the title, names, numbers or a good part of the text are other ones; `wording`: none of these."""


class EnrichedArticle(Article, frozen=True, kw_only=True, omit_defaults=True):
    """An article, what was read in it, and, once related, the story it belongs to."""

    language: Language
    actors: tuple[Actor, ...] = ()
    places: tuple[Place, ...] = ()
    facilities: tuple[Facility, ...] = ()
    themes: tuple[Theme, ...] = ()
    events: tuple[Event, ...] = ()
    claims: tuple[Claim, ...] = ()
    withdraws: Span | None = None
    """Where the outlet takes back its own report."""
    rules: tuple[str, ...] = ()
    ruleset: str = ""
    """Hash of the rules that were asked."""
    because: tuple[Because, ...] = ()
    story: StoryRef | None = None
    stored: Time | None = None
    """Log time of the first revision."""
    version: int | None = None
    """Offset in `articles.enriched.v1` that decided the article."""
    edited: Edit | None = None
    """How it differs from the revision before it, where it had one."""
