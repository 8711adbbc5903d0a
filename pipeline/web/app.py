"""The console: a Starlette application over an engine's read side."""

import sqlite3
from collections.abc import Callable, Collection
from datetime import UTC, datetime

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles

from pipeline.engines.errors import StoreError
from pipeline.model.candidate import Action
from pipeline.web import alerts, articles, atom, live, search, sources
from pipeline.web.pages import STATIC, Console, problem
from pipeline.web.reader import Reads
from pipeline.web.security import Guard


def utcnow() -> datetime:
    """The system's clock, UTC: ages are shown by it."""
    return datetime.now(UTC)


def create_app(
    reader: Reads,
    *,
    act: Callable[[Action], None] | None = None,
    hosts: Collection[str] = (),
    now: Callable[[], datetime] = utcnow,
    stopping: Callable[[], bool] = lambda: False,
) -> Starlette:
    """The console over `reader`.

    Every page is also JSON: add `?format=json`, or send `Accept: application/json`.

    Args:
        reader: read side of an engine.
        act: takes a user's action on an alert; without it the console only shows.
        hosts: names by which it may be addressed, besides `localhost` and literal addresses.
        now: the clock by which ages are shown.
        stopping: true once the server is going down; open streams end then.
    """
    app = Starlette(
        routes=[
            *atom.routes,
            *live.routes,
            *alerts.routes,
            *search.routes,
            *articles.routes,
            *sources.routes,
            Mount("/static", StaticFiles(directory=STATIC), name="static"),
        ],
        middleware=[Middleware(Guard, hosts=hosts)],
        exception_handlers={HTTPException: _refused, StoreError: _unreadable, sqlite3.Error: _unreadable},
    )
    app.state.console = Console(reader, act, now, stopping)
    return app


def _refused(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    if status == 404:
        return problem(request, 404, "No such page", "Start from the alerts, or search.")
    return problem(request, status, str(getattr(error, "detail", error)), "Go back, or start from the alerts.")


def _unreadable(request: Request, error: Exception) -> Response:
    return problem(request, 503, "The data cannot be read just now", str(error))
