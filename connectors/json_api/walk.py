"""From page to page: where a poll goes on, where it ends, and what the cursor keeps.

A walk leads from the newest items back to those that were read before (or, where an API sorts so, the other way). The
cursor's date or id moves when a walk has come to its end and not before; until then the cursor keeps the place where
the walk goes on, so that nothing behind it is skipped, however the walk is interrupted.
"""

import hashlib
import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec
from pydantic import SecretStr

from connectors.json_api.config import JsonApiConfig
from connectors.json_api.dates import read_date, step, write_date
from connectors.json_api.reading import Answer, Broken, Item
from connectors.json_api.template import fill
from connectors.sdk import Response
from connectors.sdk.linked import Seen

SEEN = 10_000
"""Items that are remembered at most."""
LINK = re.compile(r"<([^>]*)>((?:[^,\"]|\"[^\"]*\")*)")
NEXT = re.compile(r"\brel\s*=\s*\"?[^\";]*\bnext\b", re.I)
"""A link of a Link header with its parameters, and the parameter that makes it the next page (RFC 8288)."""


class Cursor(msgspec.Struct, omit_defaults=True):
    """What was read, and where to go on."""

    since: datetime | None = None
    """The newest date of the walks that have ended."""
    id: str = ""
    """Their newest id."""
    began: datetime | None = None
    """When the walk began that goes on."""
    newest: datetime | None = None
    """The newest date it has met, but for what came since it began: that may have neighbours where it was before."""
    newest_id: str = ""
    """The newest id it has met."""
    place: str | None = None
    """Where it goes on: token, address, number of the page, offset or date."""
    met: list[str] = []
    """What it has met for the first time: hashes of keys."""
    ended: bool = False
    """A walk has come to its end."""
    etag: str = ""
    """Of the page that was all of the last walk, behind a hash of its address."""
    seen: dict[str, str] = {}
    """Hash of an item's key: hash of its text; what was met last comes last."""
    pages: dict[str, Seen] = {}
    """Hash of the key of an item whose page failed for the time being: what is known of its page."""


def hashed(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:12]


def text_hash(item: Item | Broken) -> str:
    """Changes when an item was edited."""
    if isinstance(item, Broken):
        return ""
    return hashed(f"{item.url}\n{item.title}\n{item.summary}\n{item.body}")


class Walk:
    """One poll's part of a walk."""

    def __init__(self, config: JsonApiConfig, given: Any, now: datetime) -> None:
        """`given`: the cursor as stored; what cannot be understood, or lies in the future, is taken for none."""
        self._config = config
        self._now = now
        self.cursor = _read(given, now)
        self._began = self.cursor.began = self.cursor.began or now
        self._fresh_start = self.cursor.place is None
        self._present: set[str] = set()
        self._all_new = False
        if config.cursor.kind == "since-date" and self.cursor.since is None:
            self.cursor.since = now - timedelta(seconds=max(0.0, config.cursor.lookback - config.cursor.overlap))

    @property
    def bound(self) -> datetime | None:
        """Items of this date or later are wanted."""
        cursor = self.cursor
        return cursor.since and cursor.since - timedelta(seconds=self._config.cursor.overlap)

    def variables(self) -> dict[str, Any]:
        """What the request may mention, as it is now."""
        config, cursor = self._config, self.cursor
        known = {
            name: fill(value, {}) if isinstance(value, SecretStr) else value for name, value in config.values.items()
        }
        if config.size:
            known["size"] = config.size
        if config.cursor.kind == "since-date" and self.bound:
            known["since"] = write_date(self.bound, config.cursor.format)
        if config.cursor.kind == "newest-id" and cursor.id:
            known["since"] = cursor.id
        match config.paging.kind:
            case "page":
                known["page"] = self._number(config.paging.first)
            case "offset":
                known["offset"] = self._number(0)
            case "until":
                known["until"] = write_date(self._until(), config.cursor.format)
            case "token" if cursor.place is not None:
                known["token"] = cursor.place
        return known

    def validator(self, url: str) -> str | None:
        """What to send along where the same page was asked for before and nothing followed it."""
        known, _, etag = self.cursor.etag.partition(" ")
        return etag if self.cursor.place is None and known == hashed(url) else None

    def forget_place(self) -> bool:
        """Starts the walk anew, where it went on from a place that is not there any more. Says whether it did."""
        had = self.cursor.place is not None
        self.cursor.place = None
        self._fresh_start = True
        return had

    def new(self, answer: Answer) -> list[Item | Broken]:
        """The items of a page that were not seen, or not with this text; of two with one key, the first."""
        found: list[Item | Broken] = []
        self._all_new = bool(answer.items)
        for item in answer.items:
            key = hashed(item.key)
            self._all_new = self._all_new and key not in self.cursor.seen
            is_known = self.cursor.seen.get(key) == text_hash(item) and key not in self.cursor.pages
            if key not in self._present and not is_known and not self._is_past(item, key):
                found.append(item)
            self._present.add(key)
        return found

    def _is_past(self, item: Item | Broken, key: str) -> bool:
        """Whether an item is from before the source began, by its id."""
        if isinstance(item, Broken) or self._config.cursor.kind != "newest-id" or not (self.cursor.id and item.id):
            return False
        return key not in self.cursor.seen and _rank(item.id) <= _rank(self.cursor.id)

    def waiting(self, item: Item) -> Seen:
        """What is known of the page behind an item, where it failed before."""
        return self.cursor.pages.pop(hashed(item.key), None) or Seen()

    def wait(self, item: Item, seen: Seen) -> None:
        """Remembers an item whose page failed for the time being, so that it is tried again."""
        if seen.tries:
            self.cursor.pages[hashed(item.key)] = seen

    def mark(self, items: Sequence[Item | Broken]) -> None:
        """Remembers items that go to the log now."""
        for item in items:
            key = hashed(item.key)
            if key not in self.cursor.seen and self._config.cursor.kind == "none":
                self.cursor.met.append(key)
            self.cursor.seen.pop(key, None)
            self.cursor.seen[key] = text_hash(item)

    def go_on(self, answer: Answer, response: Response, url: str) -> tuple[bool, str | None]:
        """Takes a page that was read whole for read: whether more follows, and a sentence where items were missed.

        `url` is what was asked for, before any redirect.
        """
        cursor, items = self.cursor, [item for item in answer.items if isinstance(item, Item)]
        is_first = cursor.place is None and cursor.newest is None and not cursor.newest_id
        dates = [item.date for item in items if item.date]
        ids = [item.id for item in items if item.id and self._config.cursor.kind == "newest-id"]
        above, before = cursor.newest, cursor.newest_id
        cursor.newest = max((date for date in (*dates, above) if date and date <= self._began), default=None)
        cursor.newest_id = max((*ids, cursor.newest_id), key=_rank)
        for item in answer.items:
            key = hashed(item.key)
            if key in cursor.seen:
                cursor.seen[key] = cursor.seen.pop(key)
        missed = None
        if self._config.paging.kind == "newest":
            more = bool(cursor.id and items) and _rank(cursor.newest_id) > _rank(max(before, cursor.id, key=_rank))
            cursor.id = cursor.newest_id or cursor.id
        else:
            place, missed = (
                (None, None) if self._arrived(answer, dates, above, ids) else self._next(answer, response, dates)
            )
            more = place is not None and place != cursor.place
            cursor.place = place if more else None
        if not more:
            self._end()
        etag = response.headers.get("etag")
        is_whole = is_first and not more and not cursor.pages
        cursor.etag = f"{hashed(url)} {etag}" if etag and is_whole else ""
        return more, missed

    def _arrived(self, answer: Answer, dates: list[datetime], above: datetime | None, ids: list[str]) -> bool:
        """Whether the walk has come to what was read before it began; `above`: the newest date of the pages before."""
        cursor, kind = self.cursor, self._config.cursor.kind
        if kind == "since-date":
            if not dates or self.bound is None or max(dates) >= self.bound:
                return False
            return dates[0] > dates[-1] or (above is not None and above > max(dates))  # else the oldest may come first
        if not cursor.ended:  # a source without a date begins with one page
            return True
        if kind == "newest-id":
            return bool(ids and cursor.id) and all(_rank(id_) <= _rank(cursor.id) for id_ in ids)
        met = set(cursor.met)
        last = hashed(answer.items[-1].key) if answer.items else None
        return last is not None and last in cursor.seen and last not in met

    def _next(self, answer: Answer, response: Response, dates: list[datetime]) -> tuple[str | None, str | None]:
        """Where the next page is, and what to say where a part of this one is out of reach."""
        paging, size, count = self._config.paging, self._config.size, len(answer.items)
        is_last = not count or (size is not None and count < size)
        match paging.kind:
            case "token":
                return answer.next, None
            case "link":
                links = LINK.findall(", ".join(response.headers.get_list("link")))
                return next((url for url, parameters in links if NEXT.search(parameters)), None), None
            case "page":
                page = self._number(paging.first)
                is_last = page - paging.first + 1 >= answer.last if answer.last is not None else is_last
                return (None if is_last else str(page + 1)), None
            case "offset":
                return (None if is_last else str(self._number(0) + count)), None
            case "until":
                return self._earlier(dates, is_last)
        if self._all_new and not is_last and size is not None:
            return None, "every item of a full page is new, so that more may have been missed; poll more often"
        return None, None

    def _earlier(self, dates: list[datetime], is_last: bool) -> tuple[str | None, str | None]:
        if is_last or not dates:
            return None, None
        form = self._config.cursor.format
        oldest, until = min(dates), self._until()
        if write_date(oldest, form) != write_date(until, form) and oldest < until:
            return oldest.isoformat(), None
        return (until - step(form)).isoformat(), (
            f"there are {self._config.size} items of {write_date(until, form)}, and the API shows no more of them; "
            f"others may have been missed; make the query narrower"
        )

    def _end(self) -> None:
        cursor = self.cursor
        cursor.since = max((date for date in (cursor.since, cursor.newest) if date), default=None)
        cursor.id = max(cursor.id, cursor.newest_id, key=_rank)
        cursor.began, cursor.newest, cursor.newest_id, cursor.place = None, None, "", None
        cursor.met, cursor.ended = [], True
        if self._fresh_start and self._present:  # all that the API shows was met by this very poll
            cursor.seen = {key: text for key, text in cursor.seen.items() if key in self._present}
            cursor.pages = {key: seen for key, seen in cursor.pages.items() if key in self._present}
        for key in list(cursor.seen)[:-SEEN]:
            del cursor.seen[key]

    def _number(self, first: int) -> int:
        try:
            return int(self.cursor.place or first)
        except ValueError:
            return first

    def _until(self) -> datetime:
        return read_date(self.cursor.place) or self._now


def _rank(id_: str) -> tuple[int, str]:
    """Orders numbers, and ids of one length such as ULIDs."""
    plain = id_.lstrip("0") if id_.isdecimal() else id_
    return len(plain), plain


def _read(given: Any, now: datetime) -> Cursor:
    try:
        cursor = msgspec.convert(given or {}, Cursor)
    except (msgspec.ValidationError, ValueError):
        return Cursor()
    if any(date and (date.tzinfo is None or date > now) for date in (cursor.since, cursor.began, cursor.newest)):
        return Cursor(seen=cursor.seen)
    return cursor
