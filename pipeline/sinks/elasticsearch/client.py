"""Clients of Elasticsearch from the settings, and its errors as sentences that say what to do."""

import ssl
from pathlib import Path
from typing import Any

from elastic_transport import ConnectionError as UnreachableError
from elastic_transport import TlsError
from elasticsearch import ApiError, AsyncElasticsearch, Elasticsearch, TransportError

from pipeline.settings import Http, SettingsError

TIMEOUT = 30.0
"""Seconds that a request may take."""


class ElasticsearchError(Exception):
    """Elasticsearch cannot do what was asked; the message says what to do about it."""


def connect(given: Http) -> Elasticsearch:
    """A client for threads; nothing is sent yet.

    Raises:
        SettingsError: settings that cannot be used, such as two ways of signing in.
    """
    return Elasticsearch(given.url, **_options(given))


def connect_async(given: Http) -> AsyncElasticsearch:
    """A client for coroutines; nothing is sent yet.

    Raises:
        SettingsError: settings that cannot be used, such as two ways of signing in.
    """
    return AsyncElasticsearch(given.url, **_options(given))


def _options(given: Http) -> dict[str, Any]:
    """Arguments of a client."""
    if not given.url.startswith(("http://", "https://")):
        raise SettingsError(
            f"elasticsearch.url: `{given.url}` is no address; write it as https://elasticsearch.example:9200"
        )
    options: dict[str, Any] = {"request_timeout": TIMEOUT}
    if given.api_key and (given.user or given.password):
        raise SettingsError("elasticsearch.api_key: there is a user or password too; leave one of the two out")
    if bool(given.user) != bool(given.password):
        missing = "password" if given.user else "user"
        raise SettingsError(f"elasticsearch.{missing}: is not set; user and password belong together")
    if given.api_key:
        options["api_key"] = given.api_key
    elif given.user:
        options["basic_auth"] = (given.user, given.password)
    return options | _tls(given)


def _tls(given: Http) -> dict[str, Any]:
    for key, value in (("ca_file", given.ca_file), ("fingerprint", given.fingerprint)):
        if value and not given.url.startswith("https://"):
            raise SettingsError(f"elasticsearch.{key}: the url is not encrypted; write it with https://")
    if given.fingerprint:
        if given.ca_file:
            raise SettingsError("elasticsearch.fingerprint: there is a ca_file too; leave one of the two out")
        digits = given.fingerprint.replace(":", "").lower()
        if len(digits) != 64 or set(digits) - set("0123456789abcdef"):
            raise SettingsError(
                "elasticsearch.fingerprint: is no SHA-256 of a certificate, which has 64 hexadecimal digits;"
                " `openssl x509 -noout -fingerprint -sha256 -in FILE` prints it"
            )
        return {"ssl_assert_fingerprint": digits, "verify_certs": False, "ssl_show_warn": False}
    if not given.ca_file:
        return {}
    if not Path(given.ca_file).is_file():
        raise SettingsError(f"elasticsearch.ca_file: {given.ca_file} does not exist")
    try:
        return {"ssl_context": ssl.create_default_context(cafile=given.ca_file)}
    except ssl.SSLError:
        raise SettingsError(f"elasticsearch.ca_file: {given.ca_file} is no certificate in PEM form") from None


def explained(error: Exception) -> str:
    """What went wrong with a request, in one sentence that says what to do."""
    if isinstance(error, ApiError):
        return _refusal(error)
    if isinstance(error, TlsError) or type(error.__context__).__name__ == "ServerFingerprintMismatch":
        return (
            "the certificate that elasticsearch.url shows is not trusted; set elasticsearch.ca_file to the certificate"
            " of its authority, or elasticsearch.fingerprint"
        )
    if isinstance(error, UnreachableError):
        return f"elasticsearch.url cannot be reached ({error.message}); check that it is running, and the address"
    if isinstance(error, TransportError):
        return f"Elasticsearch did not answer ({error.message}); try again"
    return f"Elasticsearch: {error}"


def _refusal(error: ApiError) -> str:
    cause = _cause(error)
    match error.meta.status:
        case 401:
            return (
                "Elasticsearch does not know the user or key; check elasticsearch.user and elasticsearch.password,"
                " or elasticsearch.api_key"
            )
        case 403:
            return f"Elasticsearch forbids this to the user or key ({cause}); docs/elasticsearch-roles.md has the roles"
        case 404:
            return f"Elasticsearch lacks something ({cause}); run `wirewatch setup`"
        case 429:
            return "Elasticsearch has more requests than it can take; try again"
        case status if status >= 500:
            return f"Elasticsearch is in trouble ({status} {cause}); look at its log, then try again"
        case status:
            return f"Elasticsearch refuses the request ({status} {cause})"


def _cause(error: ApiError) -> str:
    """The innermost reason that an error gives."""
    if not isinstance(error.body, dict) or not isinstance(inner := error.body.get("error"), dict):
        return error.message
    if inner.get("failed_shards"):
        inner = inner["failed_shards"][0]["reason"]
    while isinstance(inner.get("caused_by"), dict):
        inner = inner["caused_by"]
    return str(inner.get("reason") or error.message)
