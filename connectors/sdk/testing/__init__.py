"""The conformance kit: one line in a test file tells whether a source behaves.

    from connectors.sdk.testing import conformance_suite

    TestFeed = conformance_suite("feed", FeedWorld)

`FeedWorld` is the outside of the source: an `HttpWorld` whose document looks like a feed.
"""

from connectors.sdk.testing.folder import FolderWorld
from connectors.sdk.testing.http import HttpWorld, Reply, Request
from connectors.sdk.testing.points import POINTS
from connectors.sdk.testing.subject import BrokenPromiseError
from connectors.sdk.testing.suite import broken_promises, conformance_suite
from connectors.sdk.testing.world import FUTURE, NO_NETWORK, NOW, Sample, Trouble, World, sample

__all__ = [
    "FUTURE",
    "NOW",
    "NO_NETWORK",
    "POINTS",
    "BrokenPromiseError",
    "FolderWorld",
    "HttpWorld",
    "Reply",
    "Request",
    "Sample",
    "Trouble",
    "World",
    "broken_promises",
    "conformance_suite",
    "sample",
]
