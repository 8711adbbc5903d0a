"""What an integrator imports to write a source."""

from connectors.sdk.errors import (
    AuthError,
    BadDataError,
    BadItemError,
    BlockedError,
    GoneError,
    RateLimitedError,
    SourceError,
    TransientError,
)
from connectors.sdk.fetch import Fetch, Limits, Response
from connectors.sdk.source import Bad, Batch, Context, Kind, kind, kinds, source

__all__ = [
    "AuthError",
    "Bad",
    "BadDataError",
    "BadItemError",
    "Batch",
    "BlockedError",
    "Context",
    "Fetch",
    "GoneError",
    "Kind",
    "Limits",
    "RateLimitedError",
    "Response",
    "SourceError",
    "TransientError",
    "kind",
    "kinds",
    "source",
]
