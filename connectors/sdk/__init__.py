"""What an integrator imports to write a source."""

from connectors.sdk.check import Verdict, check
from connectors.sdk.dial import Stream
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
from connectors.sdk.isolated import isolated
from connectors.sdk.polite import Polite
from connectors.sdk.source import Bad, Batch, Context, Kind, Secret, SourceConfig, kind, kinds, source

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
    "Polite",
    "RateLimitedError",
    "Response",
    "Secret",
    "SourceConfig",
    "SourceError",
    "Stream",
    "TransientError",
    "Verdict",
    "check",
    "isolated",
    "kind",
    "kinds",
    "source",
]
