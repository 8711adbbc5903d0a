"""Which address of a page is trusted to be the article's."""

import re
from collections.abc import Iterable
from urllib.parse import parse_qsl, urljoin, urlsplit

from pipeline.model.article import canonical_url, without_tracking

MAX_URL = 2_000
"""Characters of an address."""
FRONT = re.compile(r"/?(?:(?:index|home|default|main)\.\w{2,5}|[a-z]{2}(?:[-_][a-z]{2})?|home|news)?/?", re.I)
"""Paths of front pages, those of a language among them."""
PAGE_KEYS = {"page", "p", "pg", "paged", "seite", "pagina", "start", "offset"}
VARIANT = re.compile(
    r"(?:amp|print|printable|mobile|m|lite|full|all|single|text|share|comments?|video|\.?html?)(?:\.\w+)?", re.I
)


def trusted(candidates: Iterable[str], url: str) -> str | None:
    """The first candidate that may stand for the page at `url`, without tracking parameters.

    It must be http(s), within the registrable domain of `url`, no front page unless `url` is one, no section above
    `url`, and on the same page of an article in several pages. Without `url` any http(s) address that is no front page
    is taken.
    """
    for candidate in candidates:
        link = _absolute(candidate, url)
        if link and _may_stand_for(link, url):
            return without_tracking(link)
    return None


def _absolute(candidate: str, url: str) -> str | None:
    candidate = candidate.strip()
    if not candidate or len(candidate) > MAX_URL or re.search(r"[\s<>\"\\]", candidate):
        return None
    try:
        link = urljoin(url, candidate).partition("#")[0]
        parts = urlsplit(link)
        held = parts.scheme in ("http", "https") and parts.hostname and not parts.username and parts.port != 0
    except ValueError:
        return None
    return link if held else None


def registrable(url: str) -> str:
    """The registrable domain of a URL by the Public Suffix List.

    The last two labels of a host whose top level the list lacks, an address of figures as it is, "" for no URL.
    """
    from tld import get_fld

    try:
        host = urlsplit(url).hostname or ""
    except ValueError:
        return ""
    try:
        found = get_fld(f"https://{host}/", fail_silently=True)
    except Exception:  # hosts that it stumbles over are compared as they are
        return host
    if found:
        return str(found)
    return host if re.fullmatch(r"[\d.]+|.*:.*", host) else ".".join(host.split(".")[-2:])


def _may_stand_for(link: str, url: str) -> bool:
    there, here = urlsplit(link), urlsplit(url)
    front = FRONT.fullmatch(there.path) is not None and not there.query
    if not url:
        return not front
    if canonical_url(link) == canonical_url(url):
        return True
    if registrable(link) != registrable(url):
        return False
    if front and not (FRONT.fullmatch(here.path) and not here.query):
        return False
    return _pages(there.path, there.query) == _pages(here.path, here.query) and not _is_section(there.path, here.path)


def _pages(path: str, query: str) -> str:
    """The number of the page within an article; "1" where none is given."""
    for name, value in parse_qsl(query[:MAX_URL]):
        if name.lower() in PAGE_KEYS and value.isdigit() and len(value) < 4:
            return value
    found = re.search(r"/(?:page|seite|pagina)[/-]?(\d{1,3})/?$", path, re.I)
    return found[1] if found else "1"


def _is_section(there: str, here: str) -> bool:
    """Whether a path is one above another and not the same article without the name of its variant."""
    above, below = there.rstrip("/") + "/", here.rstrip("/") + "/"
    if not below.startswith(above) or above == below:
        return False
    rest = below[len(above) :].strip("/").split("/")
    return not all(VARIANT.fullmatch(part) for part in rest) and not re.search(r"\d{4,}|(?:-[^/-]+){3}", above)
