"""JSON in and out for every type that flows: one encoder, one strict decoder, one way of naming what is wrong."""

import re
from collections.abc import Hashable
from datetime import UTC, datetime
from functools import cache
from typing import Annotated, Any, TypeVar, cast

import msgspec

T = TypeVar("T")

Time = Annotated[datetime, msgspec.Meta(tz=True)]
"""UTC, RFC 3339 on the wire. A time without an offset is refused."""

encode = msgspec.json.Encoder(order="deterministic").encode


class InvalidError(ValueError):
    """Input that does not have the shape of its type; the message names the field."""


@cache
def _decoder(kind: Hashable) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(kind, strict=True)


def decode(data: bytes | str, kind: type[T]) -> T:
    """Reads one JSON value of type `kind`.

    Raises:
        InvalidError: not JSON, or not of that type. The message says which field and what was expected.
    """
    try:
        value: T = _decoder(cast("Hashable", kind)).decode(data)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        said = str(error).replace("Expected `datetime` with a timezone component", "a time without an offset from UTC")
        raise InvalidError(_lone_surrogate(data) or said) from None
    return value


_HALF = re.compile(
    r'"(\w+)"\s*:\s*"(?:[^"\\]|\\.)*?(?:'
    r"\\u[dD][89abAB]\w\w(?!\\u[dD][c-fC-F])|(?<!\\u[dD][89abAB]\w\w)\\u[dD][c-fC-F]\w\w)"
)


def _lone_surrogate(data: bytes | str) -> str | None:
    """Names the field with half a character in it, which msgspec calls truncated input."""
    text = data if isinstance(data, str) else data.decode("utf-8", "replace")
    found = _HALF.search(text)
    return f"Half a character (a lone surrogate) - at `$.{found[1]}`" if found else None


def utc(time: datetime) -> datetime:
    """The same instant with offset zero.

    Raises:
        InvalidError: the time has no offset.
    """
    if time.tzinfo is None:
        raise InvalidError("a time without an offset from UTC")
    try:
        return time.astimezone(UTC)
    except OverflowError:
        raise InvalidError("a time outside the years 1 to 9999") from None
