"""Settings of the client, and its errors as sentences."""

from pathlib import Path

import pytest
from elastic_transport import ApiResponseMeta, HttpHeaders, NodeConfig, TlsError
from elastic_transport import ConnectionError as UnreachableError
from elasticsearch import ApiError

from pipeline.settings import Http, SettingsError
from pipeline.sinks.elasticsearch.client import connect, explained

PRINT = ":".join(["AB"] * 32)


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (Http(url="localhost:9200"), "elasticsearch.url: `localhost:9200` is no address"),
        (Http(url="http://e", user="u", password="p", api_key="k"), "elasticsearch.api_key: there is a user"),
        (Http(url="http://e", user="u"), "elasticsearch.password: is not set"),
        (Http(url="http://e", password="p"), "elasticsearch.user: is not set"),
        (Http(url="http://e", ca_file="ca.pem"), "elasticsearch.ca_file: the url is not encrypted"),
        (Http(url="https://e", ca_file="/nowhere/ca.pem"), "elasticsearch.ca_file: /nowhere/ca.pem does not exist"),
        (Http(url="https://e", fingerprint="AB:CD"), "elasticsearch.fingerprint: is no SHA-256"),
        (Http(url="https://e", fingerprint=PRINT, ca_file="c"), "elasticsearch.fingerprint: there is a ca_file"),
    ],
)
def test_settings_that_cannot_be_used_are_named(given: Http, sentence: str) -> None:
    with pytest.raises(SettingsError, match=sentence):
        connect(given)


def test_a_ca_file_without_a_certificate_is_named(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("no certificate")
    with pytest.raises(SettingsError, match="is no certificate in PEM form"):
        connect(Http(url="https://e", ca_file=str(tmp_path / "ca.pem")))


def node_of(given: Http) -> NodeConfig:
    return next(iter(connect(given).transport.node_pool.all())).config


def test_how_it_signs_in_and_whom_it_trusts() -> None:
    assert node_of(Http(url="https://e:9200", fingerprint=PRINT)).ssl_assert_fingerprint == "ab" * 32
    assert node_of(Http(url="https://e:9200")).verify_certs
    signed = connect(Http(url="https://e", user="u", password="p"))
    assert signed._headers["authorization"].startswith("Basic ")
    assert connect(Http(url="https://e", api_key="k"))._headers["authorization"] == "ApiKey k"


def refused(status: int, reason: str = "of its own") -> ApiError:
    meta = ApiResponseMeta(status, "1.1", HttpHeaders(), 0.0, NodeConfig("http", "e", 9200))
    return ApiError("illegal", meta, {"error": {"reason": "outer", "caused_by": {"reason": reason}}})


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (UnreachableError("refused"), "elasticsearch.url cannot be reached (refused); check that it is running"),
        (TlsError("self-signed"), "is not trusted; set elasticsearch.ca_file"),
        (refused(401), "does not know the user or key; check elasticsearch.user"),
        (refused(403, "action [x]"), "forbids this to the user or key (action [x]); docs/elasticsearch-roles.md"),
        (refused(404, "no such index"), "lacks something (no such index); run `wirewatch setup`"),
        (refused(429), "more requests than it can take; try again"),
        (refused(503), "in trouble (503 of its own); look at its log"),
        (refused(400), "refuses the request (400 of its own)"),
        (OSError("odd"), "Elasticsearch: odd"),
    ],
)
def test_errors_say_what_to_do(error: Exception, sentence: str) -> None:
    assert sentence in explained(error)
