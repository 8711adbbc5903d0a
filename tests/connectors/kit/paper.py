"""A well-behaved source for the tests of the kit, and for each promise a source that breaks it and no other."""

import asyncio
import logging
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar
from uuid import uuid4

import msgspec
from pydantic import ConfigDict

from connectors.pages import read_fragment
from connectors.sdk import (
    AuthError,
    Bad,
    BadDataError,
    BadItemError,
    Batch,
    BlockedError,
    Context,
    GoneError,
    Kind,
    RateLimitedError,
    Response,
    Secret,
    SourceConfig,
    TransientError,
)
from connectors.sdk.testing import HttpWorld, Sample
from pipeline.model.article import Article, Source

PART = 10


class PaperWorld(HttpWorld):
    """A list of reports in JSON."""

    url = "https://paper.example/reports.json"
    content_type = "application/json"

    def config(self) -> dict[str, Any]:
        return {"url": self.url, "key": "sesame"}

    def render(self, items: Sequence[Sample]) -> bytes:
        return msgspec.json.encode(
            [{"url": item.url, "title": item.title, "html": item.html, "at": item.published} for item in items]
        )


class NamelessWorld(PaperWorld):
    """The same without addresses."""

    shows = frozenset({"title", "body", "published"})


class PaperConfig(SourceConfig):
    """Where the paper is."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"url": "https://paper.example/reports.json"}]})

    url: str
    """Address of its list of reports."""
    key: Secret | None = None
    """Sent as X-Key."""


class Report(msgspec.Struct):
    url: str
    title: str
    html: str
    at: datetime


class Cursor(msgspec.Struct):
    etag: str | None = None
    seen: list[str] = msgspec.field(default_factory=list)


class Paper:
    """Keeps every promise; those below override the step in which they break one."""

    config: ClassVar[type[SourceConfig]] = PaperConfig
    world: ClassVar[type[HttpWorld]] = PaperWorld
    docs: ClassVar[str | None] = None
    """What its documentation says; nothing where it has none."""

    @property
    def kind(self) -> Kind[Any]:
        return Kind("paper", self.config, self.poll)

    async def poll(self, config: Any, context: Context) -> AsyncIterator[Batch]:
        """Reports of a paper."""
        cursor = self.read_cursor(context.cursor)
        response = await self.get(config, context, cursor)
        if response is None or response.not_modified:
            yield Batch()
            return
        reports = self.fresh(self.parse(response.body), cursor)
        cursor.etag = None
        for start in range(0, len(reports), PART):
            part = reports[start : start + PART]
            cursor.seen += self.seen(part, reports)
            yield Batch([self.item(row, context) for row in part], msgspec.to_builtins(cursor), next_poll=0)
        cursor.etag = response.headers.get("etag")
        yield Batch(cursor=msgspec.to_builtins(cursor))

    def read_cursor(self, cursor: Any) -> Cursor:
        try:
            return msgspec.convert(cursor or {}, Cursor)
        except msgspec.ValidationError:
            return Cursor()

    async def get(self, config: Any, context: Context, cursor: Cursor) -> Response | None:
        key = {"X-Key": config.key.get_secret_value()} if config.key else {}
        return await context.fetch(config.url, etag=cursor.etag, headers=key)

    def parse(self, data: bytes) -> list[Report | Bad]:
        try:
            rows = msgspec.json.decode(data, type=list[msgspec.Raw])
        except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
            raise BadDataError(f"no list of reports: {error}") from None
        return [self.report(number, bytes(row)) for number, row in enumerate(rows)]

    def report(self, number: int, row: bytes) -> Report | Bad:
        try:
            return msgspec.json.decode(row, type=Report)
        except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
            return Bad(str(number), str(error), row)

    def fresh(self, rows: Sequence[Report | Bad], cursor: Cursor) -> list[Report | Bad]:
        return [row for row in rows if isinstance(row, Bad) or row.url not in cursor.seen]

    def seen(self, part: Sequence[Report | Bad], everything: Sequence[Report | Bad]) -> list[str]:
        del everything
        return [row.url for row in part if isinstance(row, Report)]

    def item(self, row: Report | Bad, context: Context) -> Article | Bad:
        if isinstance(row, Bad):
            return row
        try:
            return self.article(row, context)
        except BadItemError as error:
            return Bad(row.url, str(error), msgspec.json.encode(row))

    def article(self, row: Report, context: Context) -> Article:
        body = self.text(row.html)
        return context.article(url=row.url, title=row.title, body=body, published=row.at, published_origin="api")

    def text(self, html: str) -> str:
        return read_fragment(html)


class Undescribed(Paper):
    class Config(PaperConfig):
        pages: bool = True

    config = Config


class Talkative(Paper):
    """Its errors tell the key."""

    async def get(self, config: Any, context: Context, cursor: Cursor) -> Response | None:
        try:
            return await super().get(config, context, cursor)
        except AuthError as error:
            key = config.key.get_secret_value() if config.key else ""
            raise AuthError(f"the key {key} was refused; {error}") from None


class Plain(Paper):
    """Its token is no `Secret`."""

    class Config(PaperConfig):
        access_token: str = ""
        """Not kept secret."""

    config = Config


class Lenient(Paper):
    class Config(PaperConfig):
        model_config = ConfigDict(extra="ignore")

    config = Config


class Noisy(Paper):
    """Logs what it sends."""

    async def get(self, config: Any, context: Context, cursor: Cursor) -> Response | None:
        logging.getLogger("paper").debug("asking with %s", config.key and config.key.get_secret_value())
        return await super().get(config, context, cursor)


class EmptyIsGone(Paper):
    def parse(self, data: bytes) -> list[Report | Bad]:
        rows = super().parse(data)
        if not rows:
            raise GoneError("there are no reports")
        return rows


class WithMarkup(Paper):
    def text(self, html: str) -> str:
        return html


class Elsewhere(Paper):
    """Takes local time for UTC."""

    def article(self, row: Report, context: Context) -> Article:
        return super().article(msgspec.structs.replace(row, at=row.at + timedelta(hours=2)), context)


class Impostor(Paper):
    def article(self, row: Report, context: Context) -> Article:
        return msgspec.structs.replace(super().article(row, context), source=Source(id="another", kind="paper"))


class Forgetful(Paper):
    """Remembers no item, only the validator."""

    def seen(self, part: Sequence[Report | Bad], everything: Sequence[Report | Bad]) -> list[str]:
        del part, everything
        return []


class Unconditional(Paper):
    async def get(self, config: Any, context: Context, cursor: Cursor) -> Response | None:
        cursor.etag = None
        return await super().get(config, context, cursor)


class NewIds(Paper):
    world = NamelessWorld

    def article(self, row: Report, context: Context) -> Article:
        body = self.text(row.html)
        return context.article(key=str(uuid4()), title=row.title, body=body, published=row.at, published_origin="api")


class Ahead(Paper):
    """Its first cursor stands behind the last item."""

    def seen(self, part: Sequence[Report | Bad], everything: Sequence[Report | Bad]) -> list[str]:
        return super().seen(everything, part)


class Brittle(Paper):
    """Trusts its cursor."""

    def read_cursor(self, cursor: Any) -> Cursor:
        return Cursor(cursor.get("etag"), list(cursor["seen"])) if cursor else Cursor()


class Hasty(Paper):
    """Goes by the newest date it has seen."""

    def fresh(self, rows: Sequence[Report | Bad], cursor: Cursor) -> list[Report | Bad]:
        newest = max(map(datetime.fromisoformat, cursor.seen), default=None)
        dated = sorted((row for row in rows if isinstance(row, Report)), key=lambda row: row.at)
        return [row for row in dated if newest is None or row.at > newest]

    def seen(self, part: Sequence[Report | Bad], everything: Sequence[Report | Bad]) -> list[str]:
        del everything
        return [row.at.isoformat() for row in part if isinstance(row, Report)]

    def read_cursor(self, cursor: Any) -> Cursor:
        found = super().read_cursor(cursor)
        try:
            list(map(datetime.fromisoformat, found.seen))
        except ValueError:
            return Cursor()
        return found


class Trusting(Paper):
    """Believes a server whose clock is ahead."""

    async def get(self, config: Any, context: Context, cursor: Cursor) -> Response | None:
        response = await context.fetch(config.url, modified=cursor.etag)
        response.headers["etag"] = response.headers.get("last-modified", "")
        return response


class Pushy(Paper):
    """Does not pass on how long it was asked to wait."""

    async def get(self, config: Any, context: Context, cursor: Cursor) -> Response | None:
        try:
            return await super().get(config, context, cursor)
        except RateLimitedError as error:
            raise RateLimitedError(str(error)) from None


class Blaming(Paper):
    """Takes a server's trouble for its document."""

    async def get(self, config: Any, context: Context, cursor: Cursor) -> Response | None:
        try:
            return await super().get(config, context, cursor)
        except TransientError as error:
            if error.what == "status":
                raise BadDataError(str(error)) from None
            raise


class Silent(Paper):
    """Takes what was refused for nothing new."""

    async def get(self, config: Any, context: Context, cursor: Cursor) -> Response | None:
        try:
            return await super().get(config, context, cursor)
        except BlockedError:
            return None


class Indifferent(Paper):
    """Takes what is too large for nothing new."""

    async def get(self, config: Any, context: Context, cursor: Cursor) -> Response | None:
        try:
            return await super().get(config, context, cursor)
        except BadDataError:
            return None


class Persistent(Paper):
    """Tries again and again."""

    async def get(self, config: Any, context: Context, cursor: Cursor) -> Response | None:
        for _ in range(18):
            with suppress(TransientError):
                return await super().get(config, context, cursor)
        return await super().get(config, context, cursor)


class Naive(Paper):
    def report(self, number: int, row: bytes) -> Report | Bad:
        del number
        return msgspec.json.decode(row, type=Report)


class Stubborn(Paper):
    """Asks again when it is told to stop."""

    async def get(self, config: Any, context: Context, cursor: Cursor) -> Response | None:
        try:
            return await super().get(config, context, cursor)
        except asyncio.CancelledError:
            return None


class Littering(Paper):
    """Leaves a task behind."""

    async def get(self, config: Any, context: Context, cursor: Cursor) -> Response | None:
        self.task = asyncio.create_task(asyncio.sleep(3600))
        return await super().get(config, context, cursor)


class Direct(Paper):
    """Counts its readers behind the guard's back."""

    async def get(self, config: Any, context: Context, cursor: Cursor) -> Response | None:
        with suppress(OSError):
            socket.create_connection(("198.51.100.7", 80), timeout=1).close()
        return await super().get(config, context, cursor)


class Undocumented(Paper):
    docs = "# Kinds\n## `paper`\nReports of a paper."


@dataclass(frozen=True)
class Breach:
    """A source, the promise that it breaks, and words of what the kit says about it."""

    paper: Paper
    point: str
    says: str


BREACHES = (
    Breach(Undescribed(), "schema", "`pages` of Config has no description"),
    Breach(Lenient(), "schema", "a key that does not exist is accepted"),
    Breach(Talkative(), "secrets", "an error shows the secret `key` (when the other side has the trouble `401`)"),
    Breach(Plain(), "secrets", "`access_token` of Config is a secret by its name"),
    Breach(Noisy(), "secrets", "a log record shows the secret `key`"),
    Breach(WithMarkup(), "items", "an article has '<p>' in its text"),
    Breach(Elsewhere(), "items", "published at 2024-05-06 12:09:00+00:00, its article says 2024-05-06 14:09"),
    Breach(Impostor(), "items", "not from the source of the context"),
    Breach(Forgetful(), "second_poll", "3 of 3 known items came a second time"),
    Breach(Unconditional(), "not_modified", "the second request lacked the validators"),
    Breach(NewIds(), "crash", "10 of 10 repeated articles came under another id"),
    Breach(Ahead(), "acknowledgements", "later items are skipped"),
    Breach(Brittle(), "cursor", 'with the cursor "x" a poll raised AttributeError'),
    Breach(Hasty(), "future", "a new item is hidden"),
    Breach(Trusting(), "future", "after a Last-Modified in the future a new item is hidden"),
    Breach(EmptyIsGone(), "check", "while nothing has been published, the verdict is `gone`: there are no reports"),
    Breach(Pushy(), "retry_after", "a 429 asked to wait 120 seconds; the error says 0"),
    Breach(Blaming(), "retry_after", "a 503 became BadDataError"),
    Breach(Silent(), "private_redirects", "it became a successful poll with 0 articles, not BlockedError"),
    Breach(Indifferent(), "limits", "`oversize` became a successful poll with 0 articles, not BadDataError"),
    Breach(Persistent(), "limits", "where a fetch may take 0.4"),
    Breach(Naive(), "malformed", "which is no SourceError"),
    Breach(Stubborn(), "cancels", "it went on as if nothing had been asked"),
    Breach(Littering(), "cancels", "it left a task running"),
    Breach(Direct(), "raw_sockets", "198.51.100.7"),
    Breach(Undocumented(), "docs", "does not hold what the configuration now says"),
)
