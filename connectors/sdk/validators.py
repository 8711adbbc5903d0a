"""Validators of HTTP (RFC 9110, 8.8): how a source asks for what has changed, as a part of its cursor."""

from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, TypedDict

import msgspec

from connectors.sdk.fetch import Response

if TYPE_CHECKING:
    from connectors.sdk.source import Context

TRUSTED = timedelta(hours=24)
"""Time after which an answer is asked for whole again: a server may be wrong about what has changed."""
AHEAD = timedelta(minutes=5)
"""What the clock of a server may be ahead."""


class Sent(TypedDict, total=False):
    """Arguments of `context.fetch`."""

    etag: str | None
    modified: str | None


class Validators(msgspec.Struct, frozen=True, omit_defaults=True):
    """Of the last whole answer. Keep them only when everything in that answer has been delivered."""

    etag: str | None = None
    modified: str | None = None
    at: float = 0.0
    """When it came, seconds since 1970."""

    @classmethod
    def of(cls, response: Response, now: datetime) -> "Validators":
        """Those of an answer; a date in the future is left out, since it would hide every later change."""
        etag, modified = response.headers.get("etag"), response.headers.get("last-modified")
        modified = modified if _is_past(modified, now) else None
        return cls(etag, modified, now.timestamp()) if etag or modified else cls()

    def to_send(self, context: "Context") -> Sent:
        """What goes with a request: `await context.fetch(url, **validators.to_send(context))`.

        Nothing after a poll that failed: that nothing has changed since would not make the source healthy.
        """
        age = context.now().timestamp() - self.at
        fresh = 0 <= age < TRUSTED.total_seconds() and not context.failures
        return {"etag": self.etag, "modified": self.modified} if fresh else {}


def _is_past(modified: str | None, now: datetime) -> bool:
    try:
        return parsedate_to_datetime(modified or "") - now <= AHEAD
    except (ValueError, TypeError):
        return False
