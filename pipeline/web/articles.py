"""Articles and stories: the text with everything that was read in it, and which articles tell one happening."""

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from pipeline.model.enriched import EnrichedArticle
from pipeline.web.alerts import READ
from pipeline.web.marks import read_marks, segments
from pipeline.web.pages import console, page, problem

KINDS = {
    "actor": "Actor",
    "place": "Place",
    "facility": "Facility",
    "event": "Event",
    "claim": "Claim",
    "theme": "Theme",
    "withdraws": "Withdrawal",
}


def show(request: Request) -> Response:
    """`/articles/{id}`: one article, its words marked, and the facts beside it."""
    reader = console(request).reader
    article = reader.article(request.path_params["id"])
    if article is None:
        return problem(request, 404, "No such article", "It may have been forgotten or is older than what is kept.")
    marks = {field: read_marks(article, field) for field in ("title", "summary", "body")}
    kinds = {mark.kind for found in marks.values() for mark in found}
    view = {
        "texts": {field: segments(getattr(article, field), found) for field, found in marks.items()},
        "legend": {kind: word for kind, word in KINDS.items() if kind in kinds},
        "reasons": reasons(article),
    }
    return page(request, "article.html", {"article": article}, view)


def reasons(article: EnrichedArticle) -> dict[str, dict[str, list[str]]]:
    """By rule and condition, the different words of the article that made it hold, in the order they stand."""
    found: dict[str, dict[str, list[str]]] = {}
    for reason in article.because:
        text: str = getattr(article, reason.span.field)
        words = found.setdefault(reason.rule, {}).setdefault(reason.condition, [])
        said = text[reason.span.start : reason.span.end]
        if said and said not in words:
            words.append(said)
    return found


def story(request: Request) -> Response:
    """`/stories/{id}`: its articles in the order they came, by origin, and the alerts it has raised."""
    reader = console(request).reader
    found = reader.story(request.path_params["id"])
    if found is None:
        return problem(request, 404, "No such story", "It may have been forgotten or is older than what is kept.")
    if found.merged_into:
        return RedirectResponse(f"/stories/{found.merged_into}", 307)
    articles = [article for article in (reader.article(id_) for id_ in found.articles) if article is not None]
    alerts = [alert for alert in reader.alerts(limit=READ) if alert.story == found.id]
    return page(request, "story.html", {"story": found, "articles": articles, "alerts": alerts})


routes = [Route("/articles/{id}", show), Route("/stories/{id}", story)]
