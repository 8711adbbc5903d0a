"""Messages of a mailbox, such as newsletters. A message is marked as read only when the log has it."""

import asyncio
import imaplib
import re
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

import msgspec
from pydantic import ConfigDict, Field, model_validator

from connectors.formats.articles import Item, article_of
from connectors.formats.mail import read_mail
from connectors.sdk import (
    AuthError,
    Bad,
    BadDataError,
    Batch,
    Context,
    GoneError,
    Secret,
    SourceConfig,
    TransientError,
    isolated,
    source,
)
from connectors.sdk.receiver import is_loopback

BATCH = 20
MOST = 2_000
"""Messages of one poll; the rest follow at the next."""
LARGEST = 10 * 1024 * 1024
"""Bytes of a message that is read."""
PATIENCE = 30.0
"""Seconds that the server may take for an answer."""


class ImapConfig(SourceConfig):
    """Which mailbox."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"host": "mail.newsroom.example", "user": "wire", "password": "the password"}]}
    )

    host: str = Field(description="The server.")
    port: int = Field(993, ge=1, le=65535, description="Its port.")
    tls: bool = Field(True, description="Encrypted from the start; without it only for a server on this machine.")
    user: str = Field(description="Whose mailbox.")
    password: Secret = Field(description="The password.")
    folder: str = Field("INBOX", description="The folder whose messages are read.")
    mark: bool = Field(True, description="Mark messages as read, once the log has them.")

    @model_validator(mode="after")
    def _encrypted(self) -> "ImapConfig":
        if not (self.tls or is_loopback(self.host)):
            raise ValueError("without `tls` the password would cross the network in the clear")
        return self


class Cursor(msgspec.Struct, omit_defaults=True):
    """How far the folder has been read."""

    validity: int = 0
    """The server's number for the folder as it is; with another one, UIDs mean other messages."""
    uid: int = 0
    unmarked: list[int] = []
    """Messages that the log has and that may not be marked yet."""


@source("imap", config=ImapConfig)
async def imap(config: ImapConfig, context: Context) -> AsyncIterator[Batch]:
    """Messages of a mailbox by IMAP, such as newsletters; each is marked as read once the log has it."""
    cursor = _read_cursor(context.cursor)
    async with _mailbox(config, context) as box:
        validity = await box.call(box.select, config.folder, not config.mark)
        if validity != cursor.validity:
            cursor = Cursor(validity=validity)
        if config.mark and cursor.unmarked:
            await box.call(box.mark, cursor.unmarked)
            cursor.unmarked = []
        waiting = await box.call(box.after, cursor.uid)
        for start in range(0, min(len(waiting), MOST), BATCH):
            uids = waiting[start : start + BATCH]
            items = [await _item(await box.call(box.message, uid), uid, context) for uid in uids]
            cursor.uid = uids[-1]
            cursor.unmarked = uids if config.mark else []
            yield Batch(items, msgspec.to_builtins(cursor), next_poll=0)
            if config.mark:
                await box.call(box.mark, uids)
                cursor.unmarked = []
        yield Batch(cursor=msgspec.to_builtins(cursor), next_poll=0 if len(waiting) > MOST else None)


def _read_cursor(cursor: Any) -> Cursor:
    try:
        return msgspec.convert(cursor or {}, Cursor)
    except msgspec.ValidationError:
        return Cursor()


async def _item(data: bytes | None, uid: int, context: Context) -> Item:
    key = f"message {uid}"
    if data is None:
        return Bad(key, f"larger than {LARGEST:,} bytes, or gone before it was read", b"")
    try:
        return article_of(await isolated(read_mail, data, key), context, data, "message/rfc822")
    except BadDataError as error:
        return Bad(key, str(error), data)


class _Box(imaplib.IMAP4):
    """A mailbox, spoken to through a socket that leads to the guarded dialer; blocks, so call it by `call`."""

    def __init__(self, end: socket.socket) -> None:
        self._end = end
        super().__init__(timeout=PATIENCE)

    def _create_socket(self, timeout: float | None) -> socket.socket:
        self._end.settimeout(timeout)
        return self._end

    async def call(self, function: Any, *args: Any) -> Any:
        """What blocks, in a thread; its failures as ours."""
        return await _in_thread(function, *args)

    def sign_in(self, user: str, password: str) -> None:
        try:
            self.login(user, password)
        except imaplib.IMAP4.abort:
            raise
        except imaplib.IMAP4.error:
            raise AuthError("the server refuses user and password; check them") from None

    def select(self, mailbox: str = "INBOX", readonly: bool = False) -> Any:
        """Opens a folder; its validity."""
        name = '"' + mailbox.replace("\\", "\\\\").replace('"', '\\"') + '"'
        status, _ = super().select(name, readonly)
        if status != "OK":
            raise GoneError(f"there is no folder {mailbox}, or it may not be opened; check `folder`")
        _, found = self.response("UIDVALIDITY")
        return int(found[0] or 0) if found and found[0] else 0

    def after(self, uid: int) -> list[int]:
        """UIDs above one, in ascending order."""
        _, found = self._checked(self.uid("SEARCH", "UID", f"{uid + 1}:*"))
        words = b" ".join(part for part in found if isinstance(part, bytes)).split()
        return sorted(number for word in words if word.isdigit() and (number := int(word)) > uid)

    def message(self, uid: int) -> bytes | None:
        """The message; None where it is too large or has gone."""
        _, sizes = self._checked(self.uid("FETCH", str(uid), "(RFC822.SIZE)"))
        size = re.search(rb"RFC822\.SIZE (\d{1,12})", b" ".join(part for part in sizes if isinstance(part, bytes)))
        if size is None or int(size[1]) > LARGEST:
            return None
        _, found = self._checked(self.uid("FETCH", str(uid), "(BODY.PEEK[])"))
        return next((part[1] for part in found if isinstance(part, tuple)), None)

    def mark(self, uids: Sequence[int]) -> None:
        """As read."""
        self._checked(self.uid("STORE", ",".join(map(str, uids)), "+FLAGS.SILENT", r"(\Seen)"))

    @staticmethod
    def _checked(answer: tuple[str, list[Any]]) -> tuple[str, list[Any]]:
        status, found = answer
        if status != "OK":
            raise TransientError(f"the server answers {status}: {found[0]!r}" if found else f"it answers {status}")
        return answer


@asynccontextmanager
async def _mailbox(config: ImapConfig, context: Context) -> AsyncIterator[_Box]:
    """A mailbox that the user has signed in to."""
    async with await context.dial(config.host, config.port, tls=config.tls) as stream:
        ours, theirs = socket.socketpair()
        reader, writer = await asyncio.open_connection(sock=theirs)
        pumps = [asyncio.create_task(_inwards(stream, writer)), asyncio.create_task(_outwards(reader, stream))]
        box = None
        try:
            box = await _in_thread(_Box, ours)
            await box.call(box.sign_in, config.user, config.password.get_secret_value())
            yield box
        finally:
            if box:
                with suppress(TransientError, imaplib.IMAP4.error, OSError):
                    await box.call(box.logout)
            for pump in pumps:
                pump.cancel()
            await asyncio.gather(*pumps, return_exceptions=True)
            writer.close()
            ours.close()


async def _inwards(stream: Any, writer: asyncio.StreamWriter) -> None:
    """Carries what the server says to the socket of `imaplib`, until it has said all."""
    try:
        while data := await stream.read(65_536, timeout=None):
            writer.write(data)
            await writer.drain()
    finally:
        writer.close()


async def _outwards(reader: asyncio.StreamReader, stream: Any) -> None:
    while data := await reader.read(65_536):
        await stream.write(data)


async def _in_thread(function: Any, *args: Any) -> Any:
    try:
        return await asyncio.to_thread(function, *args)
    except (imaplib.IMAP4.error, OSError, ValueError) as error:
        raise TransientError(f"the mail server does not answer as it should: {error}") from None
