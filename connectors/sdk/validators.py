"""Validators of HTTP (RFC 9110, 8.8): how a source asks for what has changed, as a part of its cursor."""

from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import TypedDict

import msgspec

from connectors.sdk.fetch import Response

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
        modified = response.headers.get("last-modified")
        return cls(response.headers.get("etag"), modified if _is_past(modified, now) else None, now.timestamp())

    def to_send(self, now: datetime) -> Sent:
        """What goes with a request: `await context.fetch(url, **validators.to_send(context.now()))`."""
        if abs(now.timestamp() - self.at) > TRUSTED.total_seconds():
            return {}
        return {"etag": self.etag, "modified": self.modified}


def _is_past(modified: str | None, now: datetime) -> bool:
    try:
        return parsedate_to_datetime(modified or "") - now <= AHEAD
    except (ValueError, TypeError):
        return False
