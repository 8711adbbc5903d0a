"""DeadLetter: what could not be processed, kept with the reason."""

import base64
import hashlib

import msgspec

from pipeline.model.codec import Time

KEPT = 256 * 1024
"""Bytes of the message that are kept."""


class DeadLetter(msgspec.Struct, frozen=True, kw_only=True):
    """A message that a stage or connector refused for good."""

    stage: str
    topic: str
    offset: int | None
    key: str
    reason: str
    at: Time
    bytes: str
    """Base64 of the first 256 KiB."""
    size: int
    """Of the whole, bytes."""
    sha256: str
    """Of the whole."""


def dead_letter(
    *, stage: str, topic: str, offset: int | None, key: str, reason: str, at: Time, data: bytes
) -> DeadLetter:
    """Wraps the bytes of a refused message."""
    return DeadLetter(
        stage=stage,
        topic=topic,
        offset=offset,
        key=key,
        reason=reason,
        at=at,
        bytes=base64.b64encode(data[:KEPT]).decode(),
        size=len(data),
        sha256=hashlib.sha256(data).hexdigest(),
    )
