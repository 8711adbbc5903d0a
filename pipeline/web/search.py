"""`/search`: the query bar, what it finds, and how to narrow it."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from pipeline.alerting.conditions import quoted
from pipeline.alerting.kql import KqlError, Query, parse
from pipeline.model.document import search_document
from pipeline.model.enriched import EnrichedArticle, Field
from pipeline.sinks.embedded_search import SearchPage, Value
from pipeline.web.marks import Segment, excerpts, opening, segments, span_marks
from pipeline.web.pages import console, number, page, wants_json
from pipeline.web.words import clock, count, iso

PAGE = 20
PAGES = 50
"""Deeper than that, a narrower query helps more than another page."""

EXAMPLES = (
    ("embassy missile", "articles with either word"),
    ('"state of emergency"', "articles with the phrase"),
    ("states: AZE and not language: ru", "about Azerbaijan, in any language but Russian"),
    ("happenings: (ambassador-summoned or diplomats-expelled)", "what happened, whatever it was called"),
    ("events: { what: premises-damaged and facility.owner: AZE }", "both conditions of one and the same event"),
    ("claims: { stance: denies and speaker.actor: RUS* }", "what Russia's organs deny"),
    ("rules: leader-attacked", "articles for which a rule holds"),
)

FACETS = {
    "states": "States",
    "happenings": "What happened",
    "cities": "Cities",
    "countries": "Countries",
    "organisations": "Organisations",
    "persons": "Persons",
    "facility_owners": "Embassies of",
    "speakers": "Who speaks",
    "themes": "Themes",
    "language": "Language",
    "source.name": "Outlet",
    "source.id": "Outlet",
    "rules": "Rules",
}
"""Titles of facets, in the order shown; a facet that is not here is shown last under its field's name."""


@dataclass(frozen=True)
class Hit:
    """An article that was found, and why."""

    article: EnrichedArticle
    title: list[Segment]
    passages: list[list[Segment]]


@dataclass(frozen=True)
class Choice:
    """A value of a facet."""

    value: str
    count: int
    link: str
    chosen: bool


@dataclass(frozen=True)
class Bar:
    """A bar of the histogram, in the units of its drawing."""

    x: float
    y: float
    width: float
    height: float
    label: str
    link: str


def search(request: Request) -> Response:
    """Articles for `q`, page `page`, published from `since` to before `until` (RFC 3339)."""
    asked = request.query_params
    text = asked.get("q", "").strip()
    place = number(request, "page", 1, 1, PAGES)
    served = console(request)
    try:
        since, until = _time(asked.get("since")), _time(asked.get("until"))
        query = parse(text, served.now())
        found = served.reader.search(text, limit=PAGE, offset=(place - 1) * PAGE, since=since, until=until)
    except KqlError as error:
        return _mistake(request, text, error)
    data = {"query": text, "page": place, **msgspec.structs.asdict(found)}
    if wants_json(request):
        return page(request, "", data)
    link = _Links(text, asked.get("since", ""), asked.get("until", ""))
    view = {
        "found": [_hit(article, query) for article in found.hits],
        "choices": [(FACETS.get(name, name), _choices(name, values, link)) for name, values in _shown(found)],
        "bars": _bars(found, link),
        "pages": range(1, min(PAGES, -(-found.total // PAGE)) + 1),
        "link": link,
        "window": bool(since or until),
        "examples": EXAMPLES,
        "mistake": None,
    }
    return page(request, "search.html", data, view)


def _mistake(request: Request, text: str, error: KqlError) -> Response:
    """The query again, with a caret under what cannot be read."""
    lines = text.split("\n")
    line = lines[min(error.line, len(lines)) - 1]
    data = {"query": text, "error": error.message, "line": error.line, "column": error.column}
    mistake = {"message": error.message, "line": line, "caret": " " * (error.column - 1) + "^"}
    return page(request, "search.html", data, {"mistake": mistake, "examples": EXAMPLES}, status=400)


def _time(text: str | None) -> datetime | None:
    """A time of the query string.

    Raises:
        KqlError: it is no time.
    """
    if not text:
        return None
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        raise KqlError("`since` and `until` are times such as 2026-11-24T00:00:00Z", 1, 1) from None
    return time if time.tzinfo else time.replace(tzinfo=UTC)


@dataclass(frozen=True)
class _Links:
    """Addresses of this search with something changed."""

    query: str
    since: str
    until: str

    def to(self, **changed: str | int) -> str:
        """The same search with other parameters; from the first page, where no page is named."""
        given = {"q": self.query, "since": self.since, "until": self.until, **changed}
        return "/search?" + urlencode({name: value for name, value in given.items() if value not in ("", 1)})

    def refined(self, condition: str) -> str:
        """The query narrowed by one more condition."""
        if not self.query:
            return self.to(q=condition)
        bracketed = f"({self.query})" if _EITHER.search(self.query) else self.query
        return self.to(q=f"{bracketed} and {condition}")

    def without(self, condition: str) -> str:
        """The query as it was before it was narrowed by that condition."""
        rest = self.query.replace(f" and {condition}", "", 1)
        return self.to(q="" if rest == condition else rest)


_EITHER = re.compile(r"\bor\b", re.IGNORECASE)


def _shown(found: SearchPage) -> list[tuple[str, tuple[Value, ...]]]:
    order = list(FACETS)
    named = [(name, values) for name, values in found.facets.items() if values]
    return sorted(named, key=lambda facet: order.index(facet[0]) if facet[0] in order else len(order))


def _choices(name: str, values: tuple[Value, ...], link: _Links) -> list[Choice]:
    choices = []
    for value in values:
        condition = f"{name}: {quoted(value.value)}"
        chosen = link.query == condition or f" and {condition}" in link.query
        address = link.without(condition) if chosen else link.refined(condition)
        choices.append(Choice(value.value, value.count, address, chosen))
    return choices


def _hit(article: EnrichedArticle, query: Query) -> Hit:
    spans = [(reason.span, reason.condition) for reason in query.reasons(search_document(article)) if reason.span]
    field: Field = "body" if article.body else "summary"
    text: str = getattr(article, field)
    passages = excerpts(text, span_marks(spans, field), most=2)
    return Hit(
        article,
        segments(article.title, span_marks(spans, "title")),
        passages or [opening(text)],
    )


def _bars(found: SearchPage, link: _Links) -> list[Bar]:
    """The histogram, in a drawing of 100 by 100 for as many bars as there are."""
    most = max((bar.count for bar in found.histogram), default=0)
    width = 100 / max(1, len(found.histogram))
    bars = []
    for place, bar in enumerate(found.histogram):
        height = 100 * bar.count / most if most else 0
        end = bar.start + timedelta(seconds=found.step)
        bars.append(
            Bar(
                x=round(place * width, 3),
                y=round(100 - height, 3),
                width=round(width * 0.86, 3),
                height=round(height, 3),
                label=f"{clock(bar.start)} to {clock(end)}: {count(bar.count, 'article')}",
                link=link.to(since=iso(bar.start), until=iso(end)),
            )
        )
    return bars


routes = [Route("/search", search)]
