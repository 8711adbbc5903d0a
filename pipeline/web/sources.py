"""Sources and their health, what was refused, and whether the console itself is well."""

import base64
import binascii

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from pipeline.model.dead_letter import DeadLetter
from pipeline.web.pages import console, number, page

ORDER = ("failing", "backing-off", "silent", "ok")
"""Trouble first."""
SHOWN = 2000
"""Characters of a dead letter that are shown."""


def sources(request: Request) -> Response:
    """`/sources`: each source, trouble first."""
    found = sorted(console(request).reader.sources(), key=lambda source: (ORDER.index(source.state), source.id))
    return page(request, "sources.html", {"sources": found}, {"troubled": [s for s in found if s.state != "ok"]})


def dead_letters(request: Request) -> Response:
    """`/dead-letters`: what could not be processed, newest first."""
    letters = console(request).reader.dead_letters(limit=number(request, "limit", 100, 1, 1000))
    data = [{"number": place, **msgspec.to_builtins(letter)} for place, letter in letters]
    return page(request, "dead_letters.html", {"dead_letters": data}, {"letters": letters, "beginning": beginning})


def beginning(letter: DeadLetter) -> str:
    """The first characters of the refused bytes, with what is no text made visible."""
    try:
        data = base64.b64decode(letter.bytes)
    except binascii.Error:
        return letter.bytes[:SHOWN]
    text = data.decode("utf-8", "backslashreplace")[:SHOWN]
    return "".join(c if c.isprintable() or c in "\n\t" else c.encode("unicode_escape").decode() for c in text)


def health(request: Request) -> Response:
    """`/healthz`: 200 with the counts while the file can be read (503 otherwise, by the error handler)."""
    return JSONResponse({"status": "ok", "counts": msgspec.to_builtins(console(request).reader.counts())})


routes = [Route("/sources", sources), Route("/dead-letters", dead_letters), Route("/healthz", health)]
