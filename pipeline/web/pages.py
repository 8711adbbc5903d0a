"""Pages: the same data as HTML for people and as JSON for programs."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import Response

from pipeline.model.candidate import Action
from pipeline.web import words
from pipeline.web.marks import hit
from pipeline.web.reader import Reads
from pipeline.web.security import safe_url

HERE = Path(__file__).parent
STATIC = HERE / "static"

TEMPLATES = Environment(
    loader=FileSystemLoader(HERE / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
TEMPLATES.filters |= {
    "iso": words.iso,
    "clock": words.clock,
    "full": words.full,
    "day": words.day,
    "duration": words.length,
    "names": words.names,
    "safe_url": safe_url,
}
TEMPLATES.globals |= {
    "age": words.age,
    "hit": hit,
    "count": words.count,
    "speakers": words.speakers,
    "languages": words.languages,
    "by_stance": words.by_stance,
    "is_open": words.is_open,
    "SEVERITIES": words.SEVERITIES,
    "DESKS": words.DESKS,
    "STANCE_WORDS": words.STANCE_WORDS,
    "SOURCE_GRADES": words.SOURCE_GRADES,
    "INFORMATION_GRADES": words.INFORMATION_GRADES,
}

_json = msgspec.json.Encoder(order="deterministic")


@dataclass(frozen=True)
class Console:
    """What the views stand on."""

    reader: Reads
    act: Callable[[Action], None] | None
    """Takes a user's action on an alert; None makes the console read-only."""
    now: Callable[[], datetime]
    stopping: Callable[[], bool]
    """True once the server is going down, so that open streams end."""


def console(request: Request) -> Console:
    """The console that serves a request."""
    served: Console = request.app.state.console
    return served


def wants_json(request: Request) -> bool:
    """`?format=json`, or an Accept header that asks for JSON and not for HTML."""
    if "format" in request.query_params:
        return request.query_params["format"] == "json"
    accept = request.headers.get("accept", "")
    return "application/json" in accept and "text/html" not in accept


def page(
    request: Request, template: str, data: dict[str, Any], view: dict[str, Any] | None = None, status: int = 200
) -> Response:
    """Answers with `data` as JSON, or with the template over `data` and what only people need to see, `view`."""
    if wants_json(request):
        return Response(_json.encode(data), status, {"Vary": "Accept"}, "application/json")
    html = TEMPLATES.get_template(template).render(
        **data, **(view or {}), request=request, now=console(request).now(), live=False if status >= 400 else None
    )
    # A lone surrogate cannot be sent; it becomes a question mark rather than an error.
    return Response(html.encode("utf-8", "replace"), status, {"Vary": "Accept"}, "text/html")


def problem(request: Request, status: int, title: str, what_to_do: str) -> Response:
    """An error, as a page or as JSON."""
    return page(request, "problem.html", {"error": title, "what_to_do": what_to_do}, status=status)


def number(request: Request, name: str, default: int, least: int, most: int) -> int:
    """A whole number of the query string, kept within bounds; the default where it is missing or no number."""
    try:
        value = int(request.query_params.get(name, default))
    except ValueError:
        return default
    return max(least, min(most, value))
