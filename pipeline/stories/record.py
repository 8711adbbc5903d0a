"""What relate remembers of an article: one small record, the only thing that changes its state."""

import struct
from collections.abc import Iterable
from datetime import UTC, datetime

import msgspec


class Held(msgspec.Struct, frozen=True, array_like=True):
    """A rule that holds for an article."""

    rule: str
    whats: tuple[str, ...]
    """Events that made it hold."""
    parties: tuple[str, ...]
    """Whom those events concern: who did it, to whom, whose it was, where; and the states most spoken of."""


class Decided(msgspec.Struct, frozen=True, array_like=True):
    """The outcome for one revision of an article; ids are the 16 bytes that their hex digits stand for."""

    id: bytes
    revision: bytes
    at: int
    """Log time, milliseconds of the Unix epoch."""
    version: int
    """Input offset that decided it."""
    stored: int
    """Log time of its first revision, milliseconds; 0 where that is `at`."""
    lengths: bytes | int | None
    """Of its features, as they weighed when it came, two floats of 32 bits. Older records have a date here or nothing,
    and are weighed when they are folded."""
    source: str
    name: str
    """Of the source, where the state does not have it yet."""
    owner: str
    language: str
    story: bytes
    """Empty where it is that of the article it copies, or, copying none, its own."""
    origin: bytes
    """Empty likewise."""
    duplicate_of: bytes
    accounts: tuple[int, ...]
    """Keys of its source, its owner, and those it credits, less those that its story has already."""
    features: bytes
    sketch: bytes
    order: bytes
    held: tuple[Held, ...] = ()
    """Rules that hold for it, and what its story has not had yet of their events and parties."""
    merged: tuple[bytes, ...] = ()
    """Stories that its own has taken in with it."""
    gist: int = 0
    """Hash of its title and of the names and numbers it gives; 0 in older records."""


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Decided).decode


def to_bytes(decided: Decided) -> bytes:
    """The record as it is kept."""
    return _encode(decided)


def from_bytes(change: bytes) -> Decided:
    """The record that was kept.

    Raises:
        msgspec.DecodeError: not such a record.
    """
    return _decode(change)


def pack(numbers: Iterable[float], width: str = "I") -> bytes:
    """Numbers, little-endian: `I` 32 bits without sign each, `H` 16, `f` a float of 32."""
    values = tuple(numbers)
    return struct.pack(f"<{len(values)}{width}", *values)


def unpack(data: bytes, width: str = "I") -> tuple[int, ...]:
    """The numbers that were packed."""
    return struct.unpack(f"<{len(data) // struct.calcsize(width)}{width}", data)


def milliseconds(time: datetime) -> int:
    """Of the Unix epoch, without the rounding of floats."""
    since = time - datetime(1970, 1, 1, tzinfo=UTC)
    return (since.days * 86_400 + since.seconds) * 1000 + since.microseconds // 1000


def time_of(stamp: int) -> datetime:
    """The time of a number of milliseconds, UTC."""
    return datetime.fromtimestamp(stamp // 1000, UTC).replace(microsecond=stamp % 1000 * 1000)
