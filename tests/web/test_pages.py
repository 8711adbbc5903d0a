"""The console's pages: what they say, in HTML and in JSON, and what they never do."""

import re
import socket
import threading
from xml.etree import ElementTree

import msgspec
import pytest
from starlette.testclient import TestClient

from pipeline.engines.embedded import Embedded
from pipeline.engines.errors import StoreUnavailableError
from pipeline.web.app import create_app
from pipeline.web.security import safe_url
from pipeline.web.server import AddressError, serve
from tests.web.conftest import EMBASSY, HOSTILE

HEADLINE = "Azerbaijan's embassy in Kyiv damaged"


def first_alert(engine: Embedded) -> str:
    return next(a.id for a in engine.reader.alerts() if a.rule.id == "diplomatic-premises-hit")


PAGES = ("/", "/search", "/search?q=embassy", "/sources", "/dead-letters", f"/articles/{EMBASSY.id}")


@pytest.mark.parametrize("path", PAGES)
def test_every_page_is_html_and_json(client: TestClient, path: str) -> None:
    html = client.get(path, headers={"Accept": "text/html"})
    json = client.get(path, headers={"Accept": "application/json"})
    assert (html.status_code, html.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert (json.status_code, json.headers["content-type"]) == (200, "application/json")
    assert isinstance(json.json(), dict)


def test_alerts_are_listed_with_headline_origins_and_grade(client: TestClient) -> None:
    page = client.get("/").text
    assert HEADLINE.replace("'", "&#39;") in page
    assert "1 independent origin" in page
    assert client.get("/?desk=economy").text.count('class="alert ') == 0
    assert client.get("/?desk=diplomacy&format=json").json()["alerts"]


def test_an_alert_shows_why_who_and_when(client: TestClient, engine: Embedded) -> None:
    page = client.get(f"/alerts/{first_alert(engine)}").text
    for said in ("Why it fired", "events.what: premises-damaged", "Who says what", "Accounts", "Times", "Denies"):
        assert said in page
    assert re.search(r'<mark class="hit"[^>]*>\w', page)


def test_an_action_is_taken_from_this_console_only(client: TestClient, engine: Embedded) -> None:
    path = f"/alerts/{first_alert(engine)}"
    for origin in ({}, {"Origin": "https://elsewhere.example"}, {"Origin": "null"}):
        assert client.post(path, data={"do": "acknowledge"}, headers=origin).status_code == 403
    own = {"Origin": "http://127.0.0.1"}
    assert client.post(path, data={"do": "dance"}, headers=own).status_code == 400
    assert client.post(path, data={"do": "acknowledge"}, headers=own, follow_redirects=False).status_code == 303
    while engine.process():
        pass
    assert client.get(f"{path}?format=json").json()["alert"]["acknowledged"] is True


def test_search_finds_marks_and_refines(client: TestClient) -> None:
    page = client.get("/search", params={"q": "embassy"}).text
    assert '<mark class="hit"' in page
    assert "1 article" in page
    assert "q=embassy+and+states%3A+AZE" in page


def test_a_query_that_cannot_be_read_is_shown_with_a_caret(client: TestClient) -> None:
    answer = client.get("/search", params={"q": "states: AZE and sttes: RUS"})
    assert answer.status_code == 400
    assert "states: AZE and sttes: RUS\n                ^" in answer.text
    wrong = client.get("/search", params={"q": "sttes: RUS", "format": "json"}).json()
    assert (wrong["line"], wrong["column"]) == (1, 1)


def test_what_came_from_outside_is_text_and_nothing_else(client: TestClient) -> None:
    for path in (f"/articles/{HOSTILE.id}", "/search", "/search?q=quotes"):
        page = client.get(path).text
        assert "<script>alert" not in page
        assert "<img" not in page
        assert "&lt;script&gt;" in page


@pytest.mark.parametrize("path", ["/", "/static/console.css", "/nowhere", "/alerts.atom", "/healthz"])
def test_every_answer_carries_the_safety_headers(client: TestClient, path: str) -> None:
    headers = client.get(path).headers
    assert "default-src 'none'" in headers["content-security-policy"]
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    ("host", "status"),
    [("127.0.0.1:8585", 200), ("localhost", 200), ("[::1]:8585", 200), ("evil.example", 421), ("", 421)],
)
def test_only_its_own_names_are_answered(client: TestClient, host: str, status: int) -> None:
    assert client.get("/healthz", headers={"Host": host}).status_code == status


@pytest.mark.parametrize("path", ["/nowhere", "/alerts/0", "/articles/0", "/stories/0"])
def test_what_is_not_there_says_so(client: TestClient, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 404
    assert "No such" in answer.text


def test_the_feed_is_atom(client: TestClient) -> None:
    feed = ElementTree.fromstring(client.get("/alerts.atom").text)
    titles = [entry.findtext("{http://www.w3.org/2005/Atom}title") for entry in feed.findall("{*}entry")]
    assert any(title and HEADLINE in title for title in titles)


def test_health_is_told_in_counts(client: TestClient) -> None:
    counts = client.get("/healthz").json()["counts"]
    assert (counts["articles"], counts["searched"], counts["lag"]["relate"]) == (2, 2, 0)


@pytest.mark.parametrize("query", ["page=0", "page=x", "page=999", "limit=-1", "since=2026-11-24", "q=*"])
def test_odd_parameters_are_answered(client: TestClient, query: str) -> None:
    assert client.get(f"/search?{query}").status_code == 200
    assert client.get(f"/?{query}").status_code == 200


@pytest.mark.parametrize("query", ["since=yesterday", "until=2026-99-01", "q=(", "q=events:%20coup", "q=%00%ED%A0%80"])
def test_mistakes_are_told(client: TestClient, query: str) -> None:
    assert client.get(f"/search?{query}&format=json").status_code == 400


def test_a_link_that_is_none_is_not_made(engine: Embedded, client: TestClient) -> None:
    odd = msgspec.structs.replace(EMBASSY, id="0" * 32, url="javascript:alert(1)", title="Odd address")
    engine.append([odd])
    while engine.process():
        pass
    page = client.get(f"/articles/{odd.id}").text
    assert "Odd address" in page
    assert "javascript:" not in page


@pytest.mark.parametrize(
    ("url", "linked"),
    [
        ("https://a.example/x", True),
        ("http://a.example", True),
        ("javascript:alert(1)", False),
        (" JavaScript:alert(1)", False),
        ("data:text/html,x", False),
        ("//a.example/x", False),
        ("https:///x", False),
        ("https://[x", False),
        (None, False),
    ],
)
def test_only_http_becomes_a_link(url: str | None, linked: bool) -> None:
    assert (safe_url(url) is not None) is linked


def test_without_a_pipeline_it_only_shows(engine: Embedded) -> None:
    path = f"/alerts/{first_alert(engine)}"
    with TestClient(create_app(engine.reader), base_url="http://127.0.0.1") as client:
        assert '<form class="act"' not in client.get(path).text
        answer = client.post(path, data={"do": "close"}, headers={"Origin": "http://127.0.0.1"})
        assert answer.status_code == 405


def test_data_that_cannot_be_read_says_what_to_do(engine: Embedded, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(**_: object) -> None:
        raise StoreUnavailableError("the disk is full: free some space")

    monkeypatch.setattr(engine.reader, "alerts", full)
    with TestClient(create_app(engine.reader), base_url="http://127.0.0.1") as client:
        answer = client.get("/")
    assert answer.status_code == 503
    assert "free some space" in answer.text


def test_a_port_in_use_says_what_to_do(engine: Embedded) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(AddressError, match="in use: stop what listens there"):
            serve(engine.reader, None, "127.0.0.1", taken.getsockname()[1], threading.Event())
