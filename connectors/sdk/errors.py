"""Ways in which a poll fails. The kind of failure drives the schedule and what the health page says."""


class SourceError(Exception):
    """A poll failed; the message is a sentence that says what is wrong and what to do."""

    def __init__(self, message: str = "", *, what: str = "", retry_after: float | None = None) -> None:
        super().__init__(message)
        self.what = what
        """What failed on the network, if anything did: address, connect, dns, encoding, redirect, robots, size, status,
        timeout, tls or url."""
        self.retry_after = retry_after
        """Seconds the other side asked us to wait."""


class TransientError(SourceError):
    """Likely to pass by itself: a time-out, a reset, a 5xx."""


class RateLimitedError(SourceError):
    """The other side asked for fewer requests."""


class AuthError(SourceError):
    """Credentials are missing or refused."""


class GoneError(SourceError):
    """It is not there (404) or is gone for good (410)."""


class BadDataError(SourceError):
    """What came cannot be read as what the source is declared to be, or is larger than the limits."""


class BlockedError(SourceError):
    """wirewatch itself refuses: not a public address, not http(s), too many redirects."""


class BadItemError(ValueError):
    """One item cannot become an article; its neighbours can. The message says why."""
