"""What an alert is outside: a CloudEvent, and the headers that say the same."""

import msgspec

from pipeline.model.alert import Alert
from pipeline.model.cloudevent import alert_of, event, headers
from pipeline.model.codec import encode
from tests.alerting.candidates import ALERT, HOUR, Desk, candidate


def alert() -> Alert:
    desk = Desk()
    desk.feed(candidate("a"))
    [escalated] = desk.feed(candidate("b", origins=["a", "b", "c"]), HOUR)
    return escalated


ATTRIBUTES = {
    "specversion": "1.0",
    "id": f"{ALERT}/2",
    "source": "/wirewatch/desks/diplomacy",
    "type": "org.wirewatch.alert.escalated",
    "subject": ALERT,
    "time": "2026-03-02T13:00:00Z",
}


def test_the_event_holds_the_alert_and_says_what_happened_to_it() -> None:
    said = msgspec.json.decode(event(alert()))
    assert msgspec.convert(said.pop("data"), Alert) == alert()
    assert said == ATTRIBUTES | {"datacontenttype": "application/json"}


def test_it_is_the_same_to_the_letter_around_the_alert_s_own_bytes() -> None:
    assert event(alert(), encode(alert())) == event(alert())


def test_the_alert_can_be_taken_out_again() -> None:
    assert alert_of(event(alert())) == alert()


def test_the_headers_of_a_kafka_record_repeat_the_attributes() -> None:
    said = {name: value.decode() for name, value in headers(alert())}
    assert said == {f"ce_{name}": value for name, value in ATTRIBUTES.items()} | {
        "content-type": "application/cloudevents+json; charset=UTF-8"
    }
