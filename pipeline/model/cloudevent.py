"""Alerts as CloudEvents 1.0: what leaves wirewatch, whichever way it leaves.

The attributes follow the specification (https://github.com/cloudevents/spec, version 1.0.2), the headers its Kafka
protocol binding, where structured mode repeats the attributes for those who route by them.
"""

from datetime import datetime
from typing import cast

import msgspec

from pipeline.model.alert import Alert
from pipeline.model.codec import decode, encode

CONTENT_TYPE = "application/cloudevents+json; charset=UTF-8"


class AlertEvent(msgspec.Struct, frozen=True, kw_only=True):
    """A change of an alert, as an event in structured JSON."""

    specversion: str = "1.0"
    id: str
    """The alert's id and the sequence of the change: the same event delivered twice has it twice."""
    source: str
    """The desk that sends it, as a URI reference."""
    type: str
    """`org.wirewatch.alert.` and the change."""
    subject: str
    """The alert's id."""
    time: datetime
    """Of the change, UTC."""
    datacontenttype: str = "application/json"
    data: Alert


def event(alert: Alert, encoded: bytes | None = None) -> bytes:
    """The alert in its CloudEvent, as JSON; `encoded` is the alert's own JSON where it is at hand."""
    return encode(_event(alert, cast("Alert", msgspec.Raw(encoded)) if encoded else alert))


def headers(alert: Alert) -> list[tuple[str, bytes]]:
    """The headers of a Kafka record that carries the event."""
    event = _event(alert, alert)
    attributes = (event.specversion, event.id, event.source, event.type, event.subject)
    named = zip(("specversion", "id", "source", "type", "subject"), attributes, strict=True)
    return [
        ("content-type", CONTENT_TYPE.encode()),
        *((f"ce_{name}", value.encode()) for name, value in named),
        ("ce_time", event.time.isoformat().replace("+00:00", "Z").encode()),
    ]


def alert_of(value: bytes) -> Alert:
    """The alert inside a CloudEvent.

    Raises:
        InvalidError: it is no CloudEvent with an alert in it.
    """
    return decode(value, AlertEvent).data


def _event(alert: Alert, data: Alert) -> AlertEvent:
    return AlertEvent(
        id=f"{alert.id}/{alert.sequence}",
        source=f"/wirewatch/desks/{alert.desk}",
        type=f"org.wirewatch.alert.{alert.change}",
        subject=alert.id,
        time=alert.times.changed,
        data=data,
    )
