"""Articles in many scripts, built by hand, and queries of every kind: searches and rules must find the same in them."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import product

from pipeline.model.article import Source, article_id, revision_of
from pipeline.model.enriched import (
    Actor,
    Claim,
    EnrichedArticle,
    Event,
    Facility,
    Language,
    Place,
    Span,
    Speaker,
    StoryRef,
    Theme,
)

START = datetime(2026, 3, 1, tzinfo=UTC)

TEXTS = (
    ("en", "Fragments hit Azerbaijan's embassy", "Missile fragments fell on the embassy in Kyiv, the ministry said."),
    ("en", "Truce holds in Sudan", "A ten-day truce, signed in Jeddah on 3.5 pages, holds; the mayor's café reopened."),
    ("uk", "Уламки впали на посольство", "Посольство Азербайджану в Києві пошкоджено уламками, пам'ять жива."),
    ("ru", "Посла вызвали в МИД", "Посла России вызвали в министерство иностранных дел и вручили ему ноту."),
    ("az", "Səfirliyin binasına ziyan dəyib", "Kiyevdəki səfirliyin binasına raket qəlpələri düşüb."),
    ("tr", "İstanbul'da protesto", "Dışişleri Bakanlığı büyükelçiyi İstanbul'a çağırdı."),
    ("ar", "السفارة تتضرر في كييف", "تضررت سفارة أذربيجان في كييف بشظايا صاروخ."),
    ("he", "השגרירות נפגעה", "שגרירות אזרבייג'ן בקייב ניזוקה מרסיסי טיל."),
    ("zh", "阿塞拜疆驻基辅大使馆受损", "导弹碎片落入大使馆院内,外交部召见俄罗斯大使。"),
    ("ja", "大使館に破片", "キーウのアゼルバイジャン大使館にミサイルの破片が落下した。"),
    ("hi", "दूतावास को नुकसान", "कीव में दूतावास पर मिसाइल के टुकड़े गिरे।"),
    ("fr", "L'ambassade endommagée à Kiev", "L'état d'urgence n'a pas été décrété, selon l'Élysée."),
)

SPAN = Span(field="title", start=0, end=5)
EMBASSY = Facility(id="embassy/AZE/UKR/Kyiv", kind="embassy", owner="AZE", city="Kyiv", country="UKR", mentions=(SPAN,))
KYIV = Place(id="703448", name="Kyiv", country="UKR", lat=50.45, lon=30.52, kind="city", mentions=(SPAN,))


def corpus() -> list[EnrichedArticle]:
    """Three dozen articles: every text with every kind of reading."""
    return [_article(n, *text, kind) for n, (text, kind) in enumerate(product(TEXTS, range(3)))]


def _article(number: int, language: str, title: str, body: str, kind: int) -> EnrichedArticle:
    url = f"https://outlet{kind}.example/{number}"
    at = START + timedelta(hours=7 * number)
    body = f"{body} № {number}"
    return EnrichedArticle(
        id=article_id(url, "", ""),
        url=url,
        source=Source(
            id=f"outlet{kind}",
            name=f"Outlet {kind}",
            country=("UKR", "AZE", None)[kind],
            reliability=("A", None, "E")[kind],
        ),
        title=title,
        body=body,
        published=at + timedelta(minutes=5) if kind == 1 else at if kind else None,
        fetched=at,
        stored=at,
        revision=revision_of(title, body),
        version=number,
        language=Language(code=language, confidence=1.0, by="script"),
        actors=_actors(kind),
        places=(KYIV,) if kind else (),
        facilities=(EMBASSY,) if kind else (),
        themes=(Theme(id="diplomacy", mentions=(SPAN,)),) if kind == 1 else (),
        events=_events(kind),
        claims=_claims(kind),
        rules=("diplomatic-premises-hit",) if kind == 1 else (),
        story=StoryRef(id=f"story-{number % 4}", origin=article_id(url, "", "")),
    )


def _actors(kind: int) -> tuple[Actor, ...]:
    state = Actor(id="AZE", kind="state", name="Azerbaijan", mentions=(SPAN,))
    ministry = Actor(id="RUS/GOV/MFA", kind="organ", name="Russian Foreign Ministry", mentions=(SPAN,))
    person = Actor(
        id="person/mikhail-orlov",
        kind="person",
        name="Mikhail Orlov",
        roles=("ambassador of RUS to AZE",),
        mentions=(SPAN,),
    )
    return ((), (state, ministry), (person,))[kind]


def _events(kind: int) -> tuple[Event, ...]:
    hit = Event(
        what="premises-damaged",
        type="ASSAULT",
        status="reported",
        target=("AZE",),
        facility=EMBASSY,
        place=KYIV,
        span=SPAN,
    )
    denied = Event(what="premises-damaged", type="ASSAULT", status="denied", span=SPAN)
    summoned = Event(what="ambassador-summoned", type="DISAPPROVE", status="claimed", source=("AZE",), span=SPAN)
    return ((), (hit, summoned), (denied, summoned))[kind]


def _claims(kind: int) -> tuple[Claim, ...]:
    spoken = Claim(
        speaker=Speaker(text="the Foreign Ministry", actor="RUS/GOV/MFA"),
        stance="denies",
        about="hitting the embassy",
        span=SPAN,
    )
    whispered = Claim(speaker=Speaker(text="a source", anonymous=True), stance="asserts", quoted=True, span=SPAN)
    return ((), (spoken,), (whispered,))[kind]


QUERIES: Sequence[str] = (
    "", "*", "embassy", "EMBASSY", "embassy truce", "embassy and truce", "embassy or truce", "not embassy",
    '"missile fragments"', '"fragments missile"', "missile and not truce", "truce and (embassy or sudan)",
    "azerbaijan", "mayor", "café", "cafe", "3.5", "ten-day", '"ten-day truce"', "frag*", "*ment*", "emb*sy",
    "title: truce", "title: (embassy or truce)", "title: *", "summary: *", "body: fell", 'body: "fell on"',
    "title: frag*", "посольство", "посольства", "ПОСОЛЬСТВО", "пам'ять", '"в Києві"', "посла and ноту", "посол*",
    "səfirliyin", "istanbul", "İstanbul", "büyükelçiyi", "السفارة", "سفارة or посольство", "שגרירות", "大使馆",
    '"大使馆"',
    "大", "ミサイル", "मिसाइल", "l'état", "etat", "urgence", "language: en", "language: (uk or ru)", "not language: en",
    "language.code: ar", "language: u*", "states: AZE", "states: aze", "states: (AZE and RUS)",
    "states: (AZE or POL)", "not states: *", "states: *", "persons: \"Mikhail Orlov\"", "persons: Mikhail*",
    "cities: Kyiv", "countries: UKR and language: zh", "facility_owners: AZE", "happenings: premises-damaged",
    "happenings: (premises-damaged or ambassador-summoned)", "themes: diplomacy", "speakers: RUS*", "rules: *",
    "rules: diplomatic-premises-hit", "source.id: outlet1", "source.country: *", "not source.country: *",
    "source.reliability: (A or B)", "source.*: UKR", "story.id: story-2", "places.name: Kyiv", "places.lat > 50",
    "places.lat <= 50", "version >= 30", "version < 3 or version: 7", "published: *", "published >= 2026-03-04",
    "published < \"2026-03-02T00:00:00Z\"", "stored > 2026-03-09", "events: { what: premises-damaged }",
    "events: { what: premises-damaged and status: denied }",
    "events: { what: premises-damaged and status: (reported or claimed) and facility.kind: * }",
    "events: { what: premises-damaged and facility.owner: AZE and place.country: UKR }",
    "events: { what: ambassador-summoned and status: reported }", "events: { not status: denied }",
    "not events: { status: denied }", "events: { source: AZE } and events: { target: AZE }",
    "events: { what: (premises-damaged or coup) and not facility.city: * }", "events: { what: *-damaged }",
    "claims: { stance: denies and speaker.actor: RUS* }", "claims: { speaker.anonymous: true }",
    "claims: { speaker.anonymous: false and about: embassy }", 'claims: { speaker.text: "the foreign" }',
    "actors: { kind: person and roles: *AZE }", "actors: { id: RUS/GOV/MFA }",
    "facilities: { kind: embassy and city: Kyiv }", "facilities: { owner: (AZE and RUS) }", "withdraws: false",
    "withdraws: true", "truncated: false and version < 5",
    "embassy and events: { status: reported } and not source.id: outlet2",
    "(embassy or посольство or 大使馆) and states: AZE",
)  # fmt: skip
