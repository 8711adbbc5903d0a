"""Validators: what is kept of an answer, and when it is sent."""

from datetime import UTC, datetime, timedelta

import httpx
import pytest

from connectors.sdk import Context, Fetch, Response
from connectors.sdk.validators import Validators
from pipeline.model.article import Source

NOW = datetime(2030, 5, 1, 12, tzinfo=UTC)
PAST, FUTURE = "Wed, 01 May 2030 11:00:00 GMT", "Wed, 01 May 2030 13:00:00 GMT"


def at(now: datetime, failures: int = 0) -> Context:
    return Context(source=Source(id="a"), fetch=Fetch(), now=lambda: now, failures=failures)


def of(**headers: str) -> Validators:
    given = httpx.Headers({name.replace("_", "-"): value for name, value in headers.items()})
    return Validators.of(Response("https://a.example/", 200, given, b""), NOW)


@pytest.mark.parametrize(
    ("validators", "sent"),
    [
        (of(etag='"1"', last_modified=PAST), ('"1"', PAST)),
        (of(last_modified=FUTURE), (None, None)),
        (of(last_modified="yesterday"), (None, None)),
        (of(last_modified="Wed, 01 May 2030 11:00:00"), (None, None)),
        (of(), (None, None)),
    ],
    ids=["both", "in the future", "no date", "no zone", "none"],
)
def test_what_is_sent(validators: Validators, sent: tuple[str | None, str | None]) -> None:
    assert (validators.to_send(at(NOW)).get("etag"), validators.to_send(at(NOW)).get("modified")) == sent


@pytest.mark.parametrize(("later", "conditional"), [(timedelta(hours=23), True), (timedelta(hours=25), False)])
def test_once_a_day_all_is_asked_for(later: timedelta, conditional: bool) -> None:
    assert bool(of(etag='"1"').to_send(at(NOW + later))) is conditional


def test_after_a_failure_all_is_asked_for() -> None:
    assert not of(etag='"1"').to_send(at(NOW, failures=1))
