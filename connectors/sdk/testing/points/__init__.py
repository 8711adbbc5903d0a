"""The promises of a source, each a check that raises `BrokenPromiseError` with what the source did instead.

The first paragraph of a check's docstring is the promise, the second what to do where it is broken.
"""

from connectors.sdk.testing.points import configuration, cursors, delivery, hostile, items, manners, network
from connectors.sdk.testing.points.promise import Check, Kit

_CHECKS: tuple[Check, ...] = (
    configuration.schema,
    configuration.secrets,
    network.check,
    items.items,
    delivery.second_poll,
    delivery.not_modified,
    delivery.crash,
    delivery.acknowledgements,
    cursors.cursor,
    cursors.future,
    network.retry_after,
    network.private_redirects,
    network.limits,
    hostile.malformed,
    manners.cancels,
    manners.raw_sockets,
    configuration.docs,
)
POINTS = {check.__name__: check for check in _CHECKS}
"""Every promise, by its name."""

__all__ = ["POINTS", "Check", "Kit"]
