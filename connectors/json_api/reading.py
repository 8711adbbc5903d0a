"""What an answer says: bytes in, items out. Runs away from the event loop, over data that nobody vouches for."""

import hashlib
import json
import re
from datetime import datetime
from typing import Any
from urllib.parse import urljoin

import msgspec

from connectors.json_api.dates import read_date
from connectors.json_api.expression import find
from connectors.pages import read_fragment
from connectors.sdk import AuthError, BadDataError, RateLimitedError, SourceError, TransientError

MAX_ITEMS = 10_000
"""Items of one answer that are read."""
MAX_SAID = 300
"""Characters of an API's own words that are passed on."""
KINDS: tuple[tuple[re.Pattern[str], type[SourceError]], ...] = (
    (re.compile(r"rate.?limit|too many requests|limit (your )?requests|quota|throttl", re.I), RateLimitedError),
    (re.compile(r"api.?key|unauthori[sz]ed|forbidden|not authenticated|access token|credential", re.I), AuthError),
    (
        re.compile(r"time.?out|timed out|temporar|unavailable|try again|internal (server )?error|overload", re.I),
        TransientError,
    ),
)
"""Which failure an API speaks of, by its words."""


class Recipe(msgspec.Struct, frozen=True):
    """The expressions of a declaration."""

    items: str
    fields: dict[str, str]
    moment: str | None = None
    """Date or id by which the cursor goes."""
    next: str | None = None
    last: str | None = None
    error: str | None = None
    html: bool = True


class Item(msgspec.Struct, tag="item"):
    """One item, as text."""

    key: str
    url: str | None = None
    title: str = ""
    body: str = ""
    summary: str = ""
    authors: list[str] = []
    published: datetime | None = None
    published_raw: str | None = None
    outlet: str = ""
    outlet_name: str = ""
    date: datetime | None = None
    """The cursor's date."""
    id: str = ""
    """The cursor's id."""


class Broken(msgspec.Struct, tag="broken"):
    """An item that cannot be read."""

    key: str
    reason: str
    data: bytes


class Answer(msgspec.Struct):
    """One page of an API."""

    items: list[Item | Broken]
    next: str | None = None
    """Token or address of the next page."""
    last: int | None = None
    """How many pages there are."""


def read_answer(data: bytes, url: str, recipe: Recipe) -> Answer:
    """The items of an answer, in its order.

    Raises:
        SourceError: it is no JSON, not of the declared shape, or says itself that it is an error.
    """
    document = _document(data, url)
    said = _found(recipe.error, document)
    if said:
        raise failure(said if isinstance(said, str) else _compact(said), url)
    rows = _found(recipe.items, document)
    if rows is None and document in ({}, []):
        rows = []
    if not isinstance(rows, list):
        what = "nothing" if rows is None else "no list"
        raise BadDataError(f"{url}: there is {what} at `items` ({recipe.items}); check it against an answer of the API")
    items = [_read(row, url, recipe) for row in rows[:MAX_ITEMS]]
    if len(rows) > MAX_ITEMS:
        reason = f"the answer has {len(rows)} items, of which {MAX_ITEMS} were read; ask for smaller pages"
        items.append(Broken(f"{url} rest", reason, b""))
    following, last = _found(recipe.next, document), _found(recipe.last, document)
    return Answer(
        items=items,
        next=_unicode(str(following)) if following and type(following) in (str, int) else None,
        last=last if isinstance(last, int) and abs(last) < 2**53 else None,
    )


def failure(said: str, url: str) -> SourceError:
    """The failure that an API speaks of, typed by its words."""
    said = " ".join(_unicode(said).split())[:MAX_SAID]
    kind = next((kind for pattern, kind in KINDS if pattern.search(said)), BadDataError)
    return kind(f"{url} says: {said}")


def _document(data: bytes, url: str) -> Any:
    if not data.strip():
        return {}
    try:
        return json.loads(data)
    except RecursionError:
        raise BadDataError(f"{url} is nested too deeply") from None
    except ValueError as error:  # JSON that is broken, bytes that are no text, numbers without end
        text = data[:20_000].decode("utf-8", "replace").strip()
        if text[:1] in "{[\ufeff":
            raise BadDataError(f"{url} is no JSON: {error}") from None
        raise failure(read_fragment(text), url) from None


def _found(expression: str | None, document: Any) -> Any:
    try:
        return None if expression is None else find(expression, document)
    except ValueError as error:
        raise BadDataError(_unicode(str(error))) from None


def _read(row: Any, url: str, recipe: Recipe) -> Item | Broken:
    try:
        return _item(row, url, recipe)
    except (ValueError, RecursionError) as error:
        data = _compact(row).encode()
        return Broken(f"{url} {hashlib.sha256(data).hexdigest()[:12]}", _unicode(str(error)), data)


def _item(row: Any, base: str, recipe: Recipe) -> Item:
    found = {name: find(expression, row) for name, expression in recipe.fields.items()}
    title, body, summary = (_prose(name, found.get(name), recipe.html) for name in ("title", "body", "summary"))
    published = found.get("published")
    moment = _moment(recipe.moment, row)
    link = _link(_text("url", found.get("url")), base)
    key = _text("key", found.get("key")) or link or ""
    return Item(
        key=key or hashlib.sha256(f"{title}\n{body}\n{summary}".encode()).hexdigest()[:32],
        url=link,
        title=" ".join(title.split()),
        body=body,
        summary=summary,
        authors=_authors(found.get("authors")),
        published=read_date(published),
        published_raw=None if published is None else _unicode(str(published))[:100],
        outlet=_text("outlet", found.get("outlet"))[:200],
        outlet_name=_text("outlet", found.get("outlet_name"))[:200],
        date=read_date(moment),
        id=str(moment) if isinstance(moment, str | int) and not isinstance(moment, bool) else "",
    )


def _moment(expression: str | None, row: Any) -> Any:
    """An item without date or id for the cursor is an item all the same."""
    try:
        moment = None if expression is None else find(expression, row)
        return _checked("cursor", moment) if isinstance(moment, str) else moment
    except ValueError:
        return None


def _text(name: str, value: Any) -> str:
    if value is None or value is False:
        return ""
    if isinstance(value, str):
        return _checked(name, value)
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, list):
        return "\n".join(part for part in (_text(name, part) for part in value) if part)
    raise ValueError(f"`{name}` is an object, not text")


def _checked(name: str, text: str) -> str:
    """The text, without the null characters that no store takes."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError(f"`{name}` holds a lone surrogate") from None
    return text.replace("\x00", "")


def _prose(name: str, value: Any, html: bool) -> str:
    text = _text(name, value)
    return read_fragment(text) if html else text.strip()


def _authors(value: Any) -> list[str]:
    rows = value if isinstance(value, list) else [value]
    return [" ".join(text.split()) for row in rows if (text := _text("authors", row)).strip()]


def _link(text: str, base: str) -> str | None:
    if not text.strip():
        return None
    link = urljoin(base, text.strip())
    return link if link.lower().startswith(("http://", "https://")) else None


def _compact(value: Any) -> str:
    try:
        return json.dumps(value, ensure_ascii=True, separators=(",", ":"))
    except (ValueError, RecursionError):
        return repr(type(value))


def _unicode(text: str) -> str:
    return text.encode("utf-8", "replace").decode()
