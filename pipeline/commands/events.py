"""CloudEvents around alerts, as they are on the desks' topics."""

import msgspec

from pipeline.model.alert import Alert
from pipeline.model.codec import decode


class _Event(msgspec.Struct):
    data: Alert


def alert_of(value: bytes) -> Alert:
    """The alert inside a record of a desk's topic.

    Raises:
        InvalidError: it is no CloudEvent with an alert in it.
    """
    return decode(value, _Event).data
