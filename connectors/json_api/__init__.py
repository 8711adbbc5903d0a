"""JSON APIs as they are declared: what to ask, where the items are, how to ask only for what is new."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any
from urllib.parse import quote, quote_plus, urljoin, urlsplit

import msgspec

from connectors.json_api.config import JsonApiConfig, secrets
from connectors.json_api.reading import Broken, Item, Recipe, read_answer
from connectors.json_api.template import MISSING, address, fill
from connectors.json_api.walk import Cursor, Walk
from connectors.sdk import (
    Bad,
    BadDataError,
    Batch,
    BlockedError,
    Context,
    GoneError,
    Response,
    SourceError,
    isolated,
    source,
)
from connectors.sdk.linked import PARALLEL, Entry, articles_of
from pipeline.model.article import Article, Source

MAX_ITEMS = 2_000
"""Items of one poll; what is left follows with the next one."""
BATCH = 20
"""Items that are fetched with their pages before they go to the log."""


@source("json-api", config=JsonApiConfig)
async def json_api(config: JsonApiConfig, context: Context) -> AsyncIterator[Batch]:
    """Items of a JSON API, by a declared request and JMESPath."""
    veil = Veil(secrets(config))
    walk = Walk(config, veil.revealed(context.cursor), context.now())
    recipe = _recipe(config)
    pause = 60.0 / config.rate
    left, any_new = MAX_ITEMS, False
    for number in range(1, config.paging.max + 1):
        try:
            url, response = await _ask(config, walk, context)
            if response.not_modified:
                yield Batch(at_least=max(response.fresh_for, pause))
                return
            answer = await isolated(read_answer, response.body, response.url, recipe)
        except SourceError as error:
            if number == 1 and isinstance(error, GoneError | BadDataError | BlockedError) and walk.forget_place():
                continue  # the place where the last poll stopped is not there any more
            raise veil.error(error) from None
        new = walk.new(answer)
        any_new = any_new or bool(new)
        *parts, last = _parts(new[:left], BATCH if config.pages else MAX_ITEMS)
        for part in parts:
            yield Batch(await _items(part, walk, veil, config, context), veil.hidden(walk.cursor), next_poll=0)
        items = await _items(last, walk, veil, config, context)
        if len(new) > left:
            yield Batch(items, veil.hidden(walk.cursor), next_poll=0)
            await asyncio.sleep(pause)
            return  # the next poll sees the rest of this page
        left -= len(new)
        more, missed = walk.go_on(answer, response, url)
        if missed:
            items.append(Bad(veil.text(response.url), missed, b""))
        at_once = more and (any_new or number < config.paging.max)
        wait = max(response.fresh_for, pause)
        cursor = veil.hidden(walk.cursor)
        moved = None if cursor == context.cursor and not any_new else cursor
        yield Batch(items, moved, next_poll=0 if at_once else None, at_least=wait)
        if not at_once:
            return
        await asyncio.sleep(pause)


async def _ask(config: JsonApiConfig, walk: Walk, context: Context) -> tuple[str, Response]:
    """The next page, and the address it was asked for at."""
    request, known, place = config.request, walk.variables(), walk.cursor.place
    url = address(request.url, request.query, known)
    if place is not None and config.goes_by_address:
        url, first = urljoin(url, place), url
        if urlsplit(url)[:2] != urlsplit(first)[:2]:
            raise BlockedError(f"{first} goes on at another server, {url}, which is not asked with its credentials")
    headers = {"Accept": "application/json"}
    headers |= {name: str(value) for name, value in fill(request.headers, known).items()}
    body = fill(request.body, known)
    content = None if body is None or body is MISSING else msgspec.json.encode(body)
    if content is not None:
        headers.setdefault("Content-Type", "application/json")
    method = request.method or ("GET" if content is None else "POST")
    response = await context.fetch(url, etag=walk.validator(url), headers=headers, method=method, content=content)
    return url, response


async def _items(
    items: Sequence[Item | Broken], walk: Walk, veil: "Veil", config: JsonApiConfig, context: Context
) -> list[Article | Bad]:
    """What goes to the log for some items, in their order; the walk remembers them."""
    gate = asyncio.Semaphore(PARALLEL)

    async def one(item: Item | Broken) -> list[Article | Bad]:
        if isinstance(item, Broken):
            return [veil.item(Bad(item.key, item.reason, item.data))]
        async with gate:
            seen = walk.waiting(item)
            found = [
                found async for part in articles_of([_entry(item)], seen, context, pages=config.pages) for found in part
            ]
            walk.wait(item, seen)
        return [veil.item(_published_by(item, each, context)) for each in found]

    made = await asyncio.gather(*(one(item) for item in items))
    walk.mark(items)
    return [each for found in made for each in found]


def _entry(item: Item) -> Entry:
    return Entry(
        key=item.key,
        url=item.url,
        title=item.title,
        summary=item.summary,
        content=item.body,
        authors=tuple(item.authors),
        published=item.published,
        published_origin="api",
        published_raw=item.published_raw,
    )


def _published_by(item: Item, made: Article | Bad, context: Context) -> Article | Bad:
    """What was made of an item, with the item's own outlet for its source."""
    if isinstance(made, Bad) or not item.outlet:
        return made
    outlet = Source(id=item.outlet, name=item.outlet_name or item.outlet, kind=context.source.kind)
    return msgspec.structs.replace(made, source=outlet)


def _recipe(config: JsonApiConfig) -> Recipe:
    fields = config.fields.model_dump(exclude={"outlet"}, exclude_none=True)
    outlet = config.fields.outlet
    if outlet:
        fields |= {"outlet": outlet.id, "outlet_name": outlet.name or outlet.id}
    moment = {"since-date": config.fields.published, "newest-id": config.fields.key}.get(config.cursor.kind)
    return Recipe(
        items=config.items,
        fields=fields,
        moment=config.cursor.path or moment,
        next=config.paging.next,
        last=config.paging.last,
        error=config.error,
        html=config.html,
    )


def _parts(items: Sequence[Item | Broken], size: int) -> list[Sequence[Item | Broken]]:
    """At least one part, which may be empty."""
    return [items[start : start + size] for start in range(0, len(items) or 1, size)]


class Veil:
    """Hides secrets in what leaves the source: errors, dead letters, the cursor."""

    def __init__(self, secrets: Sequence[str]) -> None:
        self._names: dict[str, str] = {}
        for number, secret in enumerate(secrets):
            forms = dict.fromkeys([quote(secret, safe=""), quote_plus(secret), quote(secret), secret])
            self._names |= {form: f"{{secret:{number}.{kind}}}" for kind, form in enumerate(forms)}

    def text(self, text: str, *, marked: bool = False) -> str:
        """The text with `***` for every secret, or with marks that `revealed` understands."""
        for secret, mark in self._names.items():
            text = text.replace(secret, mark if marked else "***")
        return text

    def error(self, error: SourceError) -> SourceError:
        return type(error)(self.text(str(error)), what=error.what, retry_after=error.retry_after)

    def item(self, item: Article | Bad) -> Article | Bad:
        if not isinstance(item, Bad):
            return item
        data = item.data
        for secret in self._names:
            data = data.replace(secret.encode(), b"***")
        return Bad(self.text(item.key), self.text(item.reason), data)

    def hidden(self, cursor: Cursor) -> Any:
        """The cursor as it is stored: the address of a next page may hold the key it was asked with."""
        place = None if cursor.place is None else self.text(cursor.place, marked=True)
        return msgspec.to_builtins(msgspec.structs.replace(cursor, place=place), str_keys=True)

    def revealed(self, cursor: Any) -> Any:
        if not isinstance(cursor, dict) or not isinstance(cursor.get("place"), str):
            return cursor
        place = cursor["place"]
        for secret, mark in self._names.items():
            place = place.replace(mark, secret)
        return {**cursor, "place": place}
