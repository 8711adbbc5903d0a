"""`wirewatch dashboards apply|check` against a server that behaves as Kibana: what is written, and what is said."""

import json
import re
import ssl
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from pipeline import cli
from pipeline.commands.common import ProblemError
from pipeline.settings import Http, SettingsError
from pipeline.sinks import kibana as sink
from pipeline.sinks.kibana import KibanaError, apply, check, differences, items
from tests.dashboards.kibana import ADMIN, KEY, READER, Kibana, serving
from tests.stack.certificates import make
from tests.stack.fixtures import begun

ALL = [item.id for item in items()]
VIEW, DASHBOARD = "wirewatch-articles", "wirewatch-situation"


@pytest.fixture(autouse=True)
def _hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sink, "_PAUSE", 0.01)


@pytest.fixture
def kibana() -> Iterator[Kibana]:
    with serving() as server:
        yield server


def signed(kibana: Kibana, user: tuple[str, str] = ADMIN) -> Http:
    return Http(url=kibana.url, user=user[0], password=user[1])


def run(job: Callable[..., Any], given: Http, space: str = "", patience: float = 5, **more: Any) -> dict[str, str]:
    """What became of everything, by id."""
    said = more.pop("said", [])
    return {step.name: step.what for step in job(given, space, patience=patience, say=said.append, **more)}


def test_everything_is_created_and_a_second_time_changes_nothing(kibana: Kibana) -> None:
    assert run(check, signed(kibana)) == dict.fromkeys(ALL, "differs")
    assert kibana.writes == []
    assert run(apply, signed(kibana)) == dict.fromkeys(ALL, "create")
    assert [path.rpartition("/")[0] for _, path in kibana.writes] == ["/api/data_views"] * 5 + ["/api/dashboards"] * 3
    written = len(kibana.writes)
    assert run(apply, signed(kibana)) == dict.fromkeys(ALL, "same")
    assert run(check, signed(kibana)) == dict.fromkeys(ALL, "same")
    assert len(kibana.writes) == written


def test_what_was_changed_in_kibana_is_told_and_put_right(kibana: Kibana) -> None:
    run(apply, signed(kibana))
    space = kibana.spaces["default"]
    space.views[VIEW]["timeFieldName"] = "fetched"
    space.dashboards[DASHBOARD]["panels"].pop(0)
    space.dashboards[DASHBOARD]["time_range"]["from"] = "now-1y"
    told = {step.name: step.text for step in check(signed(kibana), patience=5, say=print) if step.what != "same"}
    assert told == {
        VIEW: 'data view: timeFieldName is "fetched", not "time"',
        DASHBOARD: 'dashboard: time_range.from is "now-1y", not "now-7d"; panels[open-alerts] is not there, not '
        '{"id": "open-alerts", "type": "vis", "grid": {"x": 0, "y": 0…',
    }
    assert run(apply, signed(kibana), replace=False) == dict.fromkeys(ALL, "same") | dict.fromkeys(told, "differs")
    assert run(apply, signed(kibana)) == dict.fromkeys(ALL, "same") | dict.fromkeys(told, "replace")
    assert run(check, signed(kibana)) == dict.fromkeys(ALL, "same")


def test_what_kibana_does_not_keep_is_told(kibana: Kibana) -> None:
    kibana.unsupported = {"markdown"}
    told = {step.name: step.text for step in apply(signed(kibana), patience=5, say=print) if step.what == "differs"}
    assert told.keys() == {"wirewatch-article-search"}
    assert "written, but Kibana keeps it otherwise: panels[how-to-search] is not there" in str(told)


@pytest.mark.parametrize(
    ("held", "wanted", "told"),
    [
        ({"a": 1, "filled": 2}, {"a": 1}, []),
        ({"a": {"b": 1}}, {"a": {"b": 2}}, ["a.b is 1, not 2"]),
        ({}, {"a": [1]}, ["a is not there, not [1]"]),
        ([1, 2], [1, 3], ["[1] is 2, not 3"]),
        ([1, 2], [1], ["[1] is there beside ours"]),
        ([{"id": "x", "a": 1}, {"id": "y"}], [{"id": "y"}, {"id": "x", "a": 2}], ["[x].a is 1, not 2"]),
        ([{"id": "x"}, {"id": "y"}], [{"id": "x"}], ["[y] is there beside ours"]),
        ([{"value": "v", "clientId": 1}], [{"value": "v"}], []),
        (48.0, 48, []),
    ],
)
def test_only_what_is_set_is_compared(held: Any, wanted: Any, told: list[str]) -> None:
    assert list(differences(held, wanted)) == told


def test_a_space_is_filled_and_no_other(kibana: Kibana) -> None:
    there = [f"{name}-newsroom" for name in ALL]
    assert run(apply, signed(kibana), "newsroom") == dict.fromkeys(there, "create")
    assert kibana.spaces["default"].dashboards == {}
    assert run(apply, signed(kibana), "default") == dict.fromkeys(ALL, "create")
    assert run(check, signed(kibana), "newsroom") == dict.fromkeys(there, "same")
    space = kibana.spaces["newsroom"]
    assert space.views[f"{VIEW}-newsroom"]["title"] == VIEW
    named = set(re.findall(r'"(?:ref_id|data_view_id|dashboard_id)": "(.+?)"', json.dumps(space.dashboards)))
    assert named <= {*space.views, *space.dashboards}


def test_an_api_key_signs_in(kibana: Kibana) -> None:
    assert run(apply, Http(url=kibana.url, api_key=KEY)) == dict.fromkeys(ALL, "create")


def test_a_kibana_that_is_starting_is_waited_for_with_a_line(kibana: Kibana) -> None:
    starting = (503, {"message": "Kibana server is not ready yet."})
    kibana.next = [lambda *_: starting, lambda *_: starting]
    said: list[str] = []
    assert run(apply, signed(kibana), said=said) == dict.fromkeys(ALL, "create")
    assert said == [f"waiting for Kibana at {kibana.url}, 0 s so far: Kibana server is not ready yet."]


def test_a_kibana_that_never_comes_is_told() -> None:
    said: list[str] = []
    with pytest.raises(KibanaError, match=r"Kibana at http://127\.0\.0\.1:1 is not ready .*; look at its log"):
        run(apply, Http(url="http://127.0.0.1:1"), patience=0.05, said=said)
    assert len(said) == 1


def once(method: str, part: str, status: int, message: str) -> Callable[[str, str], tuple[int, dict[str, str]] | None]:
    """An answer to the first request of this kind."""
    return lambda asked, path: (status, {"message": message}) if asked == method and part in path else None


@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_what_somebody_else_writes_meanwhile_is_read_again(kibana: Kibana, method: str) -> None:
    kibana.next = [once(method, "/api/", 409, "version conflict")]
    assert run(apply, signed(kibana)) == dict.fromkeys(ALL, "create")
    kibana.next = [once(method, "/api/", 409, "version conflict") for _ in range(5)]
    kibana.spaces["default"] = type(kibana.spaces["default"])()
    with pytest.raises(KibanaError, match=r"is in conflict .version conflict.: .*; run this again"):
        run(apply, signed(kibana))


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (once("PUT", DASHBOARD, 400, "[panels.0]: no"), rf"refuses the dashboard {DASHBOARD} \(400 \[panels"),
        (once("PUT", DASHBOARD, 500, "oh"), rf"in trouble with the dashboard {DASHBOARD} \(500 oh\); look at its log"),
        (once("PUT", DASHBOARD, 404, "Not Found"), r"cannot take the dashboard .*; run `wirewatch setup` first"),
        (once("GET", "/api/status", 404, "Not Found"), r"does not answer as Kibana does; check the address"),
        (once("GET", "/api/status", 302, ""), r"leads on to"),
    ],
)
def test_a_refusal_is_a_sentence(kibana: Kibana, answer: Any, sentence: str) -> None:
    kibana.next = [answer]
    with pytest.raises(KibanaError, match=sentence):
        run(apply, signed(kibana))


def test_who_may_not_is_told(kibana: Kibana) -> None:
    with pytest.raises(KibanaError, match=r"does not know the user or key; check kibana\.user"):
        run(apply, Http(url=kibana.url))
    with pytest.raises(KibanaError, match=r"forbids the data view .*; it needs the privileges All on Dashboards"):
        run(apply, signed(kibana, READER))
    assert run(check, signed(kibana, READER)) == dict.fromkeys(ALL, "differs")


def test_a_space_that_is_not_there_is_told(kibana: Kibana) -> None:
    with pytest.raises(KibanaError, match="has no space `desk`; create it in Kibana, or name another with --space"):
        run(apply, signed(kibana), "desk")


def test_a_kibana_without_the_api_is_told(kibana: Kibana) -> None:
    kibana.version = "9.3.2"
    with pytest.raises(KibanaError, match=r"this is Kibana 9\.3\.2, which has no Dashboards API; upgrade it to 9\.4"):
        run(apply, signed(kibana))


def test_a_data_view_of_the_same_name_is_told(kibana: Kibana) -> None:
    kibana.spaces["default"].views["own"] = {"name": "wirewatch: articles", "title": "x"}
    with pytest.raises(KibanaError, match=r"Duplicate data view: wirewatch: articles.*; rename or delete the other"):
        run(apply, signed(kibana))


# --- TLS


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tls")
    begun(lambda: make(folder) and None)
    return folder


@pytest.fixture
def encrypted(certificates: Path) -> Iterator[Kibana]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates / "server.crt", certificates / "server.key")
    with serving(context) as server:
        yield server


def fingerprint(certificate: Path) -> str:
    digits = sha256(ssl.PEM_cert_to_DER_cert(certificate.read_text())).hexdigest().upper()
    return ":".join(digits[at : at + 2] for at in range(0, 64, 2))


@pytest.mark.parametrize(
    "trust",
    [
        lambda folder: {"ca_file": str(folder / "ca.crt")},
        lambda folder: {"fingerprint": fingerprint(folder / "server.crt")},
    ],
    ids=["ca-file", "fingerprint"],
)
def test_a_certificate_is_trusted_by_its_authority_or_fingerprint(
    encrypted: Kibana, certificates: Path, trust: Callable[[Path], dict[str, str]]
) -> None:
    assert run(apply, Http(url=encrypted.url, api_key=KEY, **trust(certificates))) == dict.fromkeys(ALL, "create")


@pytest.mark.parametrize("trust", [{}, {"fingerprint": "ab" * 32}], ids=["authorities", "fingerprint"])
def test_another_certificate_is_told_before_anything_is_sent(encrypted: Kibana, trust: dict[str, str]) -> None:
    asked: list[str] = []
    encrypted.next = [lambda _, path: asked.append(path)]
    with pytest.raises(KibanaError, match=r"is not trusted; set kibana\.ca_file .* or kibana\.fingerprint \(.+\)"):
        run(apply, Http(url=encrypted.url, api_key=KEY, **trust))
    assert asked == []


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (Http(url="localhost:5601"), "kibana.url: `localhost:5601` is no address"),
        (Http(url="http://k", user="u", password="p", api_key="k"), "kibana.api_key: there is a user"),
        (Http(url="http://k", user="u"), "kibana.password: is not set"),
        (Http(url="http://k", password="p"), "kibana.user: is not set"),
        (Http(url="http://k", ca_file="ca.pem"), "kibana.ca_file: the url is not encrypted"),
        (Http(url="https://k", ca_file="/nowhere/ca.pem"), "kibana.ca_file: /nowhere/ca.pem cannot be read"),
        (Http(url="https://k", ca_file=__file__), "kibana.ca_file: .* is no certificate in PEM form"),
        (Http(url="https://k", fingerprint="AB:CD"), "kibana.fingerprint: is no SHA-256"),
        (Http(url="https://k", fingerprint="ab" * 32, ca_file="c"), "kibana.fingerprint: there is a ca_file"),
    ],
)
def test_settings_that_cannot_be_used_are_named(given: Http, sentence: str) -> None:
    with pytest.raises(SettingsError, match=sentence):
        run(apply, given)


# --- the command


def test_the_command_applies_and_checks(kibana: Kibana, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("WIREWATCH_KIBANA_URL", kibana.url)
    monkeypatch.setenv("WIREWATCH_KIBANA_API_KEY", KEY)
    before = CliRunner().invoke(cli.app, ["dashboards", "check"])
    assert isinstance(before.exception, ProblemError)
    assert before.exception.code == 1
    assert f"differs  {VIEW}  data view: not there" in before.output
    done = CliRunner().invoke(cli.app, ["dashboards", "apply", "--space", "default"])
    assert done.exit_code == 0
    assert f"create   {DASHBOARD}  dashboard" in done.output
    assert CliRunner().invoke(cli.app, ["dashboards", "check"]).exit_code == 0


def test_the_command_without_kibana_says_what_to_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    found = CliRunner().invoke(cli.app, ["dashboards", "apply"])
    assert isinstance(found.exception, ProblemError)
    assert "kibana.url is not set" in str(found.exception)


def test_setup_creates_what_is_missing_and_leaves_what_differs(
    kibana: Kibana, bootstrap: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("WIREWATCH_KAFKA_BOOTSTRAP", bootstrap)
    monkeypatch.setenv("WIREWATCH_KIBANA_URL", kibana.url)
    monkeypatch.setenv("WIREWATCH_KIBANA_API_KEY", KEY)
    tried = CliRunner().invoke(cli.app, ["setup", "--dry-run"])
    assert f"differs  {DASHBOARD}  dashboard: not there" in tried.output
    assert kibana.writes == []
    assert f"create   {DASHBOARD}  dashboard" in CliRunner().invoke(cli.app, ["setup"]).output
    kibana.spaces["default"].dashboards[DASHBOARD]["title"] = "Ours"
    again = CliRunner().invoke(cli.app, ["setup"])
    assert f'differs  {DASHBOARD}  dashboard: title is "Ours", not "wirewatch: Situation"' in again.output
    assert kibana.spaces["default"].dashboards[DASHBOARD]["title"] == "Ours"
