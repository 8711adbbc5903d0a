"""Articles of what was handed over as documents: each format's entries, and JSON as `wirewatch enrich` takes it."""

from collections.abc import Iterable, Sequence

import msgspec

from connectors.formats.ninjs import is_ninjs, read_ninjs
from connectors.sdk import Bad, BadItemError, Context, isolated
from connectors.sdk.linked import Entry
from pipeline.model.article import Article, from_input, raw_of
from pipeline.model.codec import InvalidError

Item = Article | Bad


async def read_json(data: bytes, key: str, context: Context) -> list[Item]:
    """The articles of a JSON document, which is one object or a list of them; see `read_objects`."""
    if data.lstrip()[:1] != b"[":
        return await read_objects([(key, data)], context)
    try:
        rows = msgspec.json.decode(data, type=list[msgspec.Raw])
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        return [Bad(key, str(error), data)]
    return await read_objects([(f"{key} item {number}", bytes(row)) for number, row in enumerate(rows, 1)], context)


async def read_objects(rows: Sequence[tuple[str, bytes]], context: Context) -> list[Item]:
    """An item for each JSON object, which comes with a key that names it: ninjs, or an article in our own form.

    An article of our own form belongs to this source unless it names its own.
    """
    items: list[Item] = []
    for key, data in rows:
        try:
            fields = msgspec.json.decode(data, type=dict[str, msgspec.Raw])
        except (msgspec.DecodeError, UnicodeError, RecursionError):
            fields = {}
        if is_ninjs(fields):
            items.append(article_of(await isolated(read_ninjs, data, key), context, data, "application/json"))
        else:
            items.append(_plain(data, key, fields, context))
    return items


def _plain(data: bytes, key: str, fields: dict[str, msgspec.Raw], context: Context) -> Item:
    named = fields and "source" not in fields
    try:
        _, article = from_input(msgspec.json.encode({**fields, "source": context.source}) if named else data)
    except InvalidError as error:
        return Bad(key, str(error), data)
    return msgspec.structs.replace(
        article,
        source=msgspec.structs.replace(article.source, kind=context.source.kind),
        fetched=context.now(),
        raw=raw_of(data, "application/json"),
    )


def articles_of(entries: Iterable[Entry | Bad], context: Context, data: bytes, content_type: str) -> list[Item]:
    """The articles of the entries that were read from `data`."""
    return [article_of(entry, context, data, content_type) for entry in entries]


def article_of(entry: Entry | Bad, context: Context, data: bytes, content_type: str) -> Item:
    """The article that an entry is, or why it is none."""
    if isinstance(entry, Bad):
        return entry
    try:
        return context.article(
            url=entry.url,
            key=entry.key,
            title=entry.title,
            body=entry.content or entry.summary,
            summary=entry.summary if entry.content else "",
            authors=entry.authors,
            published=entry.published,
            published_origin=entry.published_origin,
            published_raw=entry.published_raw,
            raw=raw_of(data, content_type),
        )
    except BadItemError as error:
        return Bad(entry.key, str(error), data)
