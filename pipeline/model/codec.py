"""JSON in and out for every type that flows: one encoder, one strict decoder, one way of naming what is wrong."""

from datetime import UTC, datetime
from functools import cache
from typing import Any, TypeVar

import msgspec

T = TypeVar("T")

Time = datetime
"""UTC, RFC 3339 on the wire. A time without an offset is refused."""

encode = msgspec.json.Encoder(order="deterministic").encode


class Invalid(ValueError):
    """Input that does not have the shape of its type; the message names the field."""


@cache
def _decoder(kind: Any) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(kind, strict=True)


def decode(data: bytes | str, kind: type[T]) -> T:
    """Reads one JSON value of type `kind`.

    Raises:
        Invalid: not JSON, or not of that type. The message says which field and what was expected.
    """
    try:
        value: T = _decoder(kind).decode(data)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise Invalid(str(error)) from None
    return value


def utc(time: datetime) -> datetime:
    """The same instant with offset zero.

    Raises:
        Invalid: the time has no offset.
    """
    if time.tzinfo is None:
        raise Invalid("a time without an offset from UTC")
    try:
        return time.astimezone(UTC)
    except OverflowError:
        raise Invalid("a time outside the years 1 to 9999") from None
