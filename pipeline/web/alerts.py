"""Alerts: the list, one alert, and what a user does with it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import parse_qs, urlencode

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from pipeline.model.alert import Alert, AlertArticle
from pipeline.model.candidate import Action
from pipeline.model.enriched import EnrichedArticle, Field
from pipeline.web.marks import Segment, excerpts, segments, span_marks
from pipeline.web.pages import console, number, page, problem, wants_json
from pipeline.web.security import same_origin
from pipeline.web.words import DESKS, SEVERITIES, is_open, iso

READ = 500
"""Alerts that are looked through for a list."""
MARKED = 40
"""Articles of an alert whose words are shown; the rest are listed by title."""
MAX_FORM = 4096
"""Bytes of a posted form."""
TEXTS: tuple[Field, ...] = ("summary", "body")
MAX_SNOOZE = 24 * 30
"""Hours."""


def recent(request: Request) -> tuple[list[Alert], dict[str, str]]:
    """The alerts that the query string asks for, newest change first, and the filters it set.

    `desk`; `severity`, that and above; `show`: `open` (the default), `past` or `all`.
    """
    served = console(request)
    asked = request.query_params
    filters = {
        "desk": asked.get("desk", "") if asked.get("desk") in DESKS else "",
        "severity": asked.get("severity", "") if asked.get("severity") in SEVERITIES else "",
        "show": asked.get("show", "") if asked.get("show") in ("past", "all") else "",
    }
    least = SEVERITIES.index(filters["severity"]) if filters["severity"] else 0
    found = []
    for alert in served.reader.alerts(desk=filters["desk"] or None, limit=READ):
        wanted = filters["show"] == "all" or is_open(alert, served.now()) == (filters["show"] == "")
        if wanted and SEVERITIES.index(alert.severity) >= least:
            found.append(alert)
    return found[: number(request, "limit", 100, 1, READ)], filters


def index(request: Request) -> Response:
    """`/`: alerts as they come."""
    alerts, filters = recent(request)

    def with_filter(name: str, value: str) -> str:
        query = {key: kept for key, kept in {**filters, name: value}.items() if kept}
        return "/?" + urlencode(query) if query else "/"

    return page(request, "alerts.html", {"alerts": alerts}, {"filters": filters, "with_filter": with_filter})


@dataclass(frozen=True)
class Copy:
    """An article of an alert and the words that count, by field."""

    article: AlertArticle
    title: list[Segment]
    passages: list[list[Segment]]


@dataclass(frozen=True)
class Account:
    """An independent origin: its first article, and the reprints of it."""

    first: Copy
    reprints: list[Copy]


def accounts(alert: Alert, texts: dict[str, EnrichedArticle]) -> list[Account]:
    """Articles of an alert by origin, in the order the origins came; reprints follow their first article."""
    groups: dict[str, list[AlertArticle]] = {}
    for article in alert.articles:
        groups.setdefault(article.origin, []).append(article)
    return [
        Account(copies[0], copies[1:])
        for copies in ([_copy(alert, article, texts.get(article.id)) for article in group] for group in groups.values())
    ]


def _copy(alert: Alert, article: AlertArticle, text: EnrichedArticle | None) -> Copy:
    said = {"title": article.title, "summary": text.summary if text else "", "body": text.body if text else ""}
    # An alert keeps the words of earlier revisions too; they are marked where they still stand.
    reasons = [
        (reason.span, reason.condition)
        for reason in alert.because
        if reason.article == article.id
        and said[reason.span.field][reason.span.start : reason.span.end] == reason.words
        and reason.words
    ]
    passages = [passage for field in TEXTS for passage in excerpts(said[field], span_marks(reasons, field))]
    return Copy(article, segments(article.title, span_marks(reasons, "title")), passages)


def conditions(alert: Alert) -> list[tuple[str, list[str]]]:
    """Conditions of the rule that held, each with the different words that made it hold, in the order they came."""
    found: dict[str, list[str]] = {}
    for reason in alert.because:
        words = found.setdefault(reason.condition, [])
        if reason.words and reason.words not in words:
            words.append(reason.words)
    return list(found.items())


def differences(history: list[Alert]) -> list[tuple[Alert, list[str]]]:
    """Each change of an alert, newest first, with what was different from the one before."""
    ordered = sorted(history, key=lambda alert: alert.sequence)
    changes = []
    for before, after in zip([None, *ordered], ordered, strict=False):
        changes.append((after, _difference(before, after)))
    return changes[::-1]


def _difference(before: Alert | None, after: Alert) -> list[str]:
    if before is None:
        return []
    said = []
    if before.severity != after.severity:
        said.append(f"severity {before.severity} → {after.severity}")
    if before.origins != after.origins:
        said.append(f"independent origins {before.origins} → {after.origins}")
    known = {article.id for article in before.articles}
    said += [f"article from {a.source.name or a.source.id}" for a in after.articles if a.id not in known]
    heard = {(claim.speaker, claim.stance) for claim in before.claims}
    said += [
        f"{speaker} {stance.replace('-', ' ')}"
        for speaker, stance in dict.fromkeys((claim.speaker, claim.stance) for claim in after.claims)
        if (speaker, stance) not in heard
    ]
    if before.headline != after.headline:
        said.append("new headline")
    if after.acknowledged and not before.acknowledged:
        said.append("acknowledged")
    if after.snoozed_until and after.snoozed_until != before.snoozed_until:
        said.append(f"snoozed until {iso(after.snoozed_until)}")
    if after.closed and not before.closed:
        said.append("closed")
    return said


def show(request: Request) -> Response:
    """`/alerts/{id}`: one alert, and everything that stands behind it."""
    reader = console(request).reader
    alert = reader.alert(request.path_params["id"])
    if alert is None:
        return _unknown(request)
    history = reader.alert_history(alert.id) or [alert]
    if wants_json(request):
        return page(request, "", {"alert": alert, "history": history})
    texts = {}
    for article in alert.articles[-MARKED:]:
        text = reader.article(article.id)
        if text is not None:
            texts[article.id] = text
    view = {
        "accounts": accounts(alert, texts),
        "conditions": conditions(alert),
        "changes": differences(history),
        "texts": texts,
        "titles": {article.id: article for article in alert.articles},
        "may_act": console(request).act is not None,
        "sent": request.query_params.get("sent", ""),
    }
    return page(request, "alert.html", {"alert": alert}, view)


async def act(request: Request) -> Response:
    """`POST /alerts/{id}`: acknowledge, snooze or close it. Form fields `do`, and `hours` for a snooze."""
    served = console(request)
    if not same_origin(request):
        return problem(
            request, 403, "Not from this console", "Send the Origin header of this console, as its pages do."
        )
    if served.act is None:
        return problem(request, 405, "Read-only", "Start the pipeline with this console to act on alerts.")
    body = await request.body()
    if len(body) > MAX_FORM:
        return problem(request, 413, "Too much", f"A form of at most {MAX_FORM} bytes is read.")
    form = {name: values[0] for name, values in parse_qs(body.decode("utf-8", "replace")).items()}
    return await run_in_threadpool(_act, request, served.act, form)


def _act(request: Request, take: Callable[[Action], None], form: dict[str, str]) -> Response:
    alert = console(request).reader.alert(request.path_params["id"])
    if alert is None:
        return _unknown(request)
    do = form.get("do", "")
    hours = form.get("hours", "8")
    until = console(request).now() + timedelta(hours=min(int(hours), MAX_SNOOZE)) if hours.isdecimal() else None
    if do not in ("acknowledge", "snooze", "close") or (do == "snooze" and until is None):
        return problem(request, 400, "Unclear", "Send `do` as acknowledge, snooze or close, and `hours` as a number.")
    action = Action(
        rule=alert.rule.id,
        alert=alert.id,
        do=do,  # type: ignore[arg-type]
        until=until if do == "snooze" else None,
        by="console",
    )
    try:
        take(action)
    except LookupError:  # forgotten in the meantime
        return _unknown(request)
    if wants_json(request):
        return page(request, "", {"action": action}, status=202)
    return RedirectResponse(f"/alerts/{alert.id}?{urlencode({'sent': do})}", 303)


def _unknown(request: Request) -> Response:
    return problem(request, 404, "No such alert", "It may have been forgotten or is older than what is kept.")


routes = [
    Route("/", index),
    Route("/alerts/{id}", show, methods=["GET"]),
    Route("/alerts/{id}", act, methods=["POST"]),
]
