"""Public Telegram channels, read from the web preview that Telegram shows of them."""

import hashlib
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Annotated, Any

import msgspec
from pydantic import AfterValidator, ConfigDict

from connectors.pages import read_fragment
from connectors.sdk import Bad, BadDataError, BadItemError, Batch, Context, GoneError, SourceConfig, isolated, source
from pipeline.model.article import Article

MAX_PAGES = 20
"""Pages of about twenty messages that one poll reads; the next one goes on from there."""
NAME = re.compile(r"(?:@|(?:https?://)?(?:t|telegram)\.me/(?:s/)?)?([A-Za-z]\w{3,31})/?", re.ASCII)
POST = re.compile(r"(\w{4,32})/(\d{1,18})", re.ASCII)
HAS_TEXT = ("js-message_text", "tgme_widget_message_poll_question", "tgme_widget_message_document_title")
"""Classes of what is a message's own text; a caption is text like any other."""


def _name(channel: str) -> str:
    found = NAME.fullmatch(channel.strip())
    if not found:
        raise ValueError(
            "is the name of a public channel, as `example_news`, or its address, https://t.me/example_news"
        )
    return found[1]


class TelegramConfig(SourceConfig):
    """Which channel."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"channel": "example_news"}]})

    channel: Annotated[str, AfterValidator(_name)]
    """Its name or address."""
    server: str = "https://t.me"
    """Where the preview is shown."""


class Message(msgspec.Struct, tag="message"):
    """One message that says something."""

    id: int
    text: str
    published: datetime | None
    published_raw: str | None
    authors: list[str]
    """Whom it was forwarded from, else who signed it."""


class Broken(msgspec.Struct, tag="broken"):
    """A message that cannot be read."""

    key: str
    reason: str
    data: bytes


class Preview(msgspec.Struct):
    """One page of a channel, oldest message first."""

    messages: list[Message | Broken]
    oldest: int | None
    """The lowest id on the page, whatever became of its message."""
    newest: int
    before: int | None
    """Where the page before this one begins; None on the channel's first."""


class Cursor(msgspec.Struct, omit_defaults=True):
    """How far the channel was read.

    Pages lead from the newest message back to the one that was read last; `id` moves when they have come there, and
    until then `before` is where they go on.
    """

    id: int = 0
    newest: int = 0
    before: int | None = None
    etag: str | None = None
    """Of the newest page, where nothing lay behind it."""
    seen: dict[str, str] = {}
    """Messages of the newest page with hashes of their texts, by which an edit is noticed."""


@source("telegram", config=TelegramConfig)
async def telegram(config: TelegramConfig, context: Context) -> AsyncIterator[Batch]:
    """Messages of a public Telegram channel, from its web preview."""
    cursor = _read_cursor(context.cursor)
    base = f"{config.server.rstrip('/')}/s/{config.channel}"
    for _ in range(MAX_PAGES):
        at = cursor.before
        url = base if at is None else f"{base}?before={at}"
        response = await context.fetch(url, etag=cursor.etag if at is None else None, robots=True)
        if response.not_modified:
            yield Batch(at_least=response.fresh_for)
            return
        if f"/s/{config.channel.lower()}" not in response.url.lower():
            raise GoneError(
                f"{config.channel} has no web preview: it is private, a group or a person, restricted, or does not "
                f"exist; open {base} in a browser"
            )
        preview = await isolated(read_preview, response.body, response.url)
        if at is None and preview.newest < cursor.id:
            cursor.id = 0  # what it points at was deleted, or never was: what is seen tells what is new
        items = [_item(message, config, context) for message in preview.messages if _is_new(message, cursor)]
        if at is None:
            cursor.seen = {_key(message): _hash(message) for message in preview.messages}
        cursor.newest = max(cursor.newest, preview.newest)
        is_read = cursor.id == 0 or preview.oldest is None or preview.oldest <= cursor.id
        more = not is_read and preview.before is not None and (at is None or preview.before < at)
        cursor.before = preview.before if more else None
        cursor.etag = None if more or at is not None else response.headers.get("etag")
        if not more:
            cursor.id, cursor.newest = max(cursor.id, cursor.newest), 0
        yield Batch(items, msgspec.to_builtins(cursor), next_poll=0 if more else None, at_least=response.fresh_for)
        if not more:
            return


def _read_cursor(cursor: Any) -> Cursor:
    try:
        return msgspec.convert(cursor or {}, Cursor)
    except msgspec.ValidationError:
        return Cursor()


def _key(message: Message | Broken) -> str:
    return str(message.id) if isinstance(message, Message) else message.key


def _hash(message: Message | Broken) -> str:
    return hashlib.sha256(message.text.encode()).hexdigest()[:12] if isinstance(message, Message) else ""


def _is_new(message: Message | Broken, cursor: Cursor) -> bool:
    known = cursor.seen.get(_key(message))
    if known is not None:
        return known != _hash(message)
    return isinstance(message, Broken) or message.id > cursor.id


def _item(message: Message | Broken, config: TelegramConfig, context: Context) -> Article | Bad:
    if isinstance(message, Broken):
        return Bad(message.key, message.reason, message.data)
    url = f"https://t.me/{config.channel}/{message.id}"
    try:
        return context.article(
            url=url,
            body=message.text,
            authors=message.authors,
            published=message.published,
            published_origin="page",
            published_raw=message.published_raw,
        )
    except BadItemError as error:
        return Bad(url, str(error), msgspec.json.encode(message))


def read_preview(html: bytes, url: str) -> Preview:
    """The messages of a preview page; those of Telegram itself, and those without any text, are left out.

    Raises:
        BadDataError: it is no such page.
    """
    from lxml import etree
    from lxml import html as lxml_html

    try:
        root = lxml_html.document_fromstring(html, parser=lxml_html.HTMLParser(encoding="utf-8", no_network=True))
    except (etree.LxmlError, ValueError, AssertionError) as error:
        raise BadDataError(f"{url} cannot be read: {error}") from None
    history = _first(root, "tgme_channel_history")
    if history is None:
        raise BadDataError(f"{url} is not the preview of a Telegram channel; open it in a browser")
    messages: list[Message | Broken] = []
    ids: list[int] = []
    for element in _all(history, "tgme_widget_message"):
        post = POST.fullmatch(element.get("data-post") or "")
        if not post:
            data = etree.tostring(element, with_tail=False)
            key = f"{url} {hashlib.sha256(data).hexdigest()[:12]}"
            messages.append(Broken(key, "the message has no number", data))
            continue
        ids.append(int(post[2]))
        text = "" if "service_message" in element.get("class", "").split() else _text(element)
        if text:
            messages.append(_message(int(post[2]), text, element))
    more = _first(history, "tme_messages_more")
    before = more.get("data-before") or "" if more is not None else ""
    return Preview(
        messages=messages,
        oldest=min(ids, default=None),
        newest=max(ids, default=0),
        before=int(before) if before.isdecimal() and len(before) < 19 else None,
    )


def _all(root: Any, name: str) -> list[Any]:
    return [found for found in root.iter("*") if name in (found.get("class") or "").split()]


def _first(root: Any, name: str) -> Any:
    return next(iter(_all(root, name)), None)


def _text(element: Any) -> str:
    from lxml import etree

    parts = [found for name in HAS_TEXT for found in _all(element, name)]
    outer = [part for part in parts if not any(above in parts for above in part.iterancestors())]
    return "\n".join(
        text for part in outer if (text := read_fragment(etree.tostring(part, encoding="unicode", with_tail=False)))
    )


def _message(number: int, text: str, element: Any) -> Message:
    from_, signed = (_first(element, f"tgme_widget_message_{name}") for name in ("forwarded_from_name", "from_author"))
    author = from_ if from_ is not None else signed
    name = " ".join(author.text_content().split()) if author is not None else ""
    link = _first(element, "tgme_widget_message_date")
    times = link.iter("time") if link is not None else ()
    raw = next((time.get("datetime") for time in times), None)
    return Message(number, text, _time(raw), raw, [name] if name else [])


def _time(text: str | None) -> datetime | None:
    try:
        time = datetime.fromisoformat(text or "")
        return time.astimezone(UTC) if time.tzinfo else None
    except (ValueError, OverflowError):
        return None
