"""However an API pages, whatever arrives meanwhile, wherever it is killed: a walk skips nothing."""

import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import httpx
import msgspec
from hypothesis import example, given, settings
from hypothesis import strategies as st

from connectors.json_api.config import JsonApiConfig
from connectors.json_api.dates import read_date
from connectors.json_api.reading import Answer, Item
from connectors.json_api.walk import Walk
from connectors.sdk import Response
from tests.connectors.poll import NOW

SIZE = 3
MINUTE = timedelta(minutes=1)


@dataclass
class Api:
    """An API over a list of items; a dated one gives what is as new as it is asked."""

    paging: str
    oldest_first: bool
    items: list[Item] = field(default_factory=list)

    def publish(self, at: datetime) -> None:
        number = str(len(self.items) + 1)
        self.items.append(Item(key=number, title="Title", date=at, id=number))

    def answer(self, known: dict[str, Any], place: str | None) -> tuple[Answer, Response]:
        since, until = read_date(known.get("since")), read_date(known.get("until"))
        found = [item for item in self.items if item.date and (not since or item.date >= since)]
        found = [item for item in found if item.date and (not until or item.date <= until)]
        found.sort(key=lambda item: (item.date, int(item.key)), reverse=not self.oldest_first)
        start = 0
        if self.paging == "page":
            start = SIZE * (known["page"] - 1)
        elif self.paging != "until":
            start = int(known.get(self.paging) or (place or "").rpartition("=")[2] or 0)
        following = str(start + SIZE) if found[start + SIZE :] else None
        headers = {"Link": f'<https://api.example/?at={following}>; rel="next"'} if following else {}
        response = Response(url="https://api.example/", status=200, headers=httpx.Headers(headers), body=b"")
        return Answer([*found[start : start + SIZE]], next=following), response


def config(paging: str, form: str) -> JsonApiConfig:
    query = {"since": "{since}", "token": "{token}", "page": "{page}", "offset": "{offset}", "until": "{until}"}
    return JsonApiConfig.model_validate(
        {
            "request": {"url": "https://api.example/", "query": query},
            "items": "items",
            "fields": {"title": "title", "published": "date"},
            "cursor": {"kind": "since-date", "overlap": "10m", "format": form},
            "paging": {"kind": paging, "next": "next"},
            "size": SIZE,
        }
    )


def poll(api: Api, config: JsonApiConfig, cursor: Any, now: datetime, requests: int) -> tuple[set[str], Any, bool]:
    """What so many requests bring, the cursor behind them, and whether more is waiting."""
    walk = Walk(config, cursor, now)
    brought: set[str] = set()
    more = True
    while requests and more:
        requests -= 1
        answer, response = api.answer(walk.variables(), walk.cursor.place)
        new = walk.new(answer)
        walk.mark(new)
        brought |= {item.key for item in new}
        more, _ = walk.go_on(answer, response, "https://api.example/")
    return brought, json.loads(msgspec.json.encode(walk.cursor)), more


@settings(max_examples=100, deadline=None)
@given(
    st.sampled_from(["token", "link", "page", "offset", "until"]),
    st.sampled_from(["iso", "date"]),
    st.booleans(),
    st.lists(st.tuples(st.lists(st.integers(0, 9), max_size=8), st.integers(0, 3), st.booleans()), max_size=12),
)
@example("token", "iso", True, [([0, 0, 0, 0], 1, False), ([8], 0, False), ([0], 0, False)])
def test_nothing_is_skipped(
    paging: str, form: str, oldest_first: bool, steps: list[tuple[list[int], int, bool]]
) -> None:
    if paging == "until" and (oldest_first or form == "date"):
        return  # going back by date needs the newest first, and days of less than a page
    api, declared = Api(paging, oldest_first), config(paging, form)
    now, cursor = NOW, None
    brought: set[str] = set()
    for ages, requests, killed in steps:
        now += 7 * MINUTE
        for spread, age in enumerate(ages):  # listed late, but within the overlap
            api.publish(now - age * MINUTE - timedelta(seconds=spread))
        found, moved, _ = poll(api, declared, cursor, now, requests)
        if not killed:  # what was not acknowledged comes again
            brought, cursor = brought | found, moved
    idle = 0
    for _ in range(60):
        found, cursor, more = poll(api, declared, cursor, now, 5)
        brought |= found
        idle = 0 if found else idle + (not more)
        if idle == 2:  # walks that brought nothing; the first may have begun before
            break
    assert idle == 2, "it comes to an end"
    assert brought == {item.key for item in api.items}
