"""Kibana's data views and dashboards: what `dashboards/` holds, compared with what is there, and written over HTTP.

Dashboards by the Dashboards API (Kibana 9.4 in preview, 9.5), data views by theirs. Kibana fills in whatever is not
set, so only what is set here is compared.
"""

import hashlib
import json
import re
import socket
import ssl
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx

from pipeline.engines.kafka.topics import Step
from pipeline.settings import Http, SettingsError

FOLDER = Path(__file__).parents[2] / "dashboards"
OLDEST = (9, 4)
"""The first version of Kibana with the Dashboards API."""
TIMEOUT = 60.0
"""Seconds that a request may take."""
_PAUSE = 2.0
_TOLD_EVERY = 15.0
_STARTING = (502, 503, 504)
"""Statuses of a Kibana that is not ready yet, or of the proxy before it."""
_TRIES = 3
"""How often something is read and written again that somebody else changes at the same time."""
_MOST_TOLD = 3
"""Differences that are named."""

Body = dict[str, Any]


class KibanaError(Exception):
    """Kibana cannot do what was asked; the message says what to do about it."""


@dataclass(frozen=True)
class Item:
    """A data view or dashboard as it should be."""

    kind: str
    """`data view` or `dashboard`."""
    id: str
    body: Body
    """As it is sent: every key that is set, and none that Kibana fills in."""


_REFERENCES = ("ref_id", "data_view_id", "dashboard_id")
"""Keys under which a dashboard names data views and dashboards."""


def items(space: str = "", folder: Path = FOLDER) -> list[Item]:
    """The data views, then the dashboards, which need them.

    A file's name is the id. In another space than the default one its name is added, for Kibana allows an id once
    over all spaces.

    Raises:
        KibanaError: the folder is not there.
    """
    files = [("data view", path) for path in sorted((folder / "data-views").glob("*.json"))]
    files += [("dashboard", path) for path in sorted(folder.glob("*.json"))]
    if not files:
        raise KibanaError(f"{folder} has no dashboards; install wirewatch again, or run it from a clone")
    suffix = f"-{space}" if space else ""
    return [
        Item(kind, path.stem + suffix, _referring(json.loads(path.read_text("utf-8")), suffix)) for kind, path in files
    ]


def _referring(value: Any, suffix: str) -> Any:
    """With the suffix after every id that is referred to."""
    if isinstance(value, list):
        return [_referring(inner, suffix) for inner in value]
    if isinstance(value, dict):
        return {
            key: inner + suffix if key in _REFERENCES else _referring(inner, suffix) for key, inner in value.items()
        }
    return value


def check(given: Http, space: str = "", *, patience: float, say: Callable[[str], None]) -> list[Step]:
    """Compares everything with what is there, and writes nothing: steps `same` and `differs`.

    Args:
        space: of Kibana; empty for the default one.
        patience: seconds that a Kibana which is starting is waited for.
        say: takes a line of progress.

    Raises:
        SettingsError: settings that cannot be used.
        KibanaError: Kibana cannot be reached or refuses.
    """
    with _Kibana(given, space, patience, say) as kibana:
        return [kibana.check(item) for item in items(kibana.space)]


def apply(
    given: Http, space: str = "", *, patience: float, replace: bool = True, say: Callable[[str], None]
) -> list[Step]:
    """Creates what is missing and replaces what differs: steps `same`, `create`, `replace`; `differs` where that stays.

    Args:
        replace: otherwise what differs is told and left alone.
        space: of Kibana; empty for the default one.
        patience: seconds that a Kibana which is starting is waited for.
        say: takes a line of progress.

    Raises:
        SettingsError: settings that cannot be used.
        KibanaError: Kibana cannot be reached or refuses.
    """
    with _Kibana(given, space, patience, say) as kibana:
        return [kibana.apply(item, replace) for item in items(kibana.space)]


# --- comparing


def differences(held: Any, wanted: Any, path: str = "") -> Iterator[str]:
    """What is set in `wanted` and is not so in `held`, in words; keys that only `held` has are Kibana's own.

    Items with an `id` are told apart by it, others by their place.
    """
    if isinstance(wanted, Mapping) and isinstance(held, Mapping):
        for key, value in wanted.items():
            yield from differences(held.get(key), value, f"{path}.{key}" if path else key)
    elif isinstance(wanted, list) and isinstance(held, list):
        ours, theirs = _keyed(wanted), _keyed(held)
        for key, value in ours.items():
            yield from differences(theirs.get(key), value, f"{path}[{key}]")
        yield from (f"{path}[{key}] is there beside ours" for key in theirs if key not in ours)
    elif held != wanted:
        yield f"{path} is {_told(held)}, not {_told(wanted)}"


def _keyed(values: Sequence[Any]) -> dict[Any, Any]:
    named = all(isinstance(value, Mapping) and "id" in value for value in values)
    return {value["id"] if named else place: value for place, value in enumerate(values)}


def _different(held: Body | None, item: Item) -> list[str]:
    return ["not there"] if held is None else list(differences(held, item.body))


def _told(value: Any) -> str:
    if value is None:
        return "not there"
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else f"{text[:60]}…"


def _listed(found: Sequence[str]) -> str:
    more = f"; and {len(found) - _MOST_TOLD} more" if len(found) > _MOST_TOLD else ""
    return "; ".join(found[:_MOST_TOLD]) + more


# --- Kibana


class _ConflictError(Exception):
    """Something stands in the way that was not there when it was read; the message is Kibana's."""


class _Kibana:
    """One space of a Kibana that has been waited for."""

    def __init__(self, given: Http, space: str, patience: float, say: Callable[[str], None]) -> None:
        self._url = given.url
        self._client = _client(given)
        self.space = "" if space == "default" else space
        self._until = time.monotonic() + patience
        self._say = say

    def __enter__(self) -> "_Kibana":
        try:
            self._wait()
            self._look_for_space()
        except BaseException:
            self._client.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def check(self, item: Item) -> Step:
        found = _different(self._read(item), item)
        return Step("differs", item.id, f"{item.kind}: {_listed(found)}") if found else Step("same", item.id, item.kind)

    def apply(self, item: Item, replace: bool) -> Step:
        why = ""
        for _ in range(_TRIES):
            held = self._read(item)
            found = _different(held, item)
            if not found:
                return Step("same", item.id, item.kind)
            if held is not None and not replace:
                return Step("differs", item.id, f"{item.kind}: {_listed(found)}; `wirewatch dashboards apply` mends it")
            try:
                self._write(item, new=held is None)
            except _ConflictError as error:
                why = str(error)
                continue
            if left := _different(self._read(item), item):
                return Step("differs", item.id, f"{item.kind}: written, but Kibana keeps it otherwise: {_listed(left)}")
            if held is None:
                return Step("create", item.id, item.kind)
            return Step("replace", item.id, f"{item.kind}: {_listed(found)}")
        raise KibanaError(
            f"the {item.kind} {item.id} is in conflict ({why}): somebody else is changing it, or has it in another"
            " space; run this again when that is settled"
        )

    # reading and writing

    def _read(self, item: Item) -> Body | None:
        """What Kibana holds; None where it holds nothing."""
        answer = self._send("GET", self._path(item), item)
        if answer.status_code == 404:
            return None
        body = self._json(answer)
        held = body.get("data_view" if item.kind == "data view" else "data")
        if not isinstance(held, dict):
            raise self._stranger()
        return held

    def _write(self, item: Item, *, new: bool) -> None:
        if item.kind == "dashboard":
            self._send("PUT", self._path(item), item, item.body)
        elif new:
            self._send("POST", self._at("/api/data_views/data_view"), item, {"data_view": {"id": item.id, **item.body}})
        else:
            self._send("POST", self._path(item), item, {"data_view": item.body})

    def _path(self, item: Item) -> str:
        kind = "/api/data_views/data_view/" if item.kind == "data view" else "/api/dashboards/"
        return self._at(kind + quote(item.id))

    def _at(self, path: str) -> str:
        return f"/s/{quote(self.space, safe='')}{path}" if self.space else path

    # answers

    def _wait(self) -> None:
        """Waits until Kibana says that it is ready, and looks whether it is new enough."""
        answer = self._send("GET", "/api/status")
        if answer.status_code == 404:
            raise self._stranger()
        number = self._json(answer).get("version", {}).get("number", "")
        found = re.match(r"(\d+)\.(\d+)", str(number))
        if found and (int(found[1]), int(found[2])) < OLDEST:
            raise KibanaError(f"this is Kibana {number}, which has no Dashboards API; upgrade it to 9.4 or newer")

    def _look_for_space(self) -> None:
        if self.space and self._send("GET", f"/api/spaces/space/{quote(self.space, safe='')}").status_code == 404:
            raise KibanaError(f"Kibana has no space `{self.space}`; create it in Kibana, or name another with --space")

    def _send(self, method: str, path: str, item: Item | None = None, body: Body | None = None) -> httpx.Response:
        """A success, or 404 to a question; while Kibana is starting the request is repeated."""
        began = told = time.monotonic()
        while True:
            why = "it does not answer"
            try:
                answer = self._client.request(method, path, json=body)
                if answer.status_code not in _STARTING and answer.status_code != 429:
                    return self._accepted(answer, method, item)
                why = _message(answer)
            except httpx.TransportError as error:
                why = self._temporary(error)
            now = time.monotonic()
            if now > self._until:
                raise KibanaError(
                    f"Kibana at {self._url} is not ready ({why}); look at its log and at kibana.url, then try again"
                )
            if told == began or now - told > _TOLD_EVERY:
                self._say(f"waiting for Kibana at {self._url}, {now - began:.0f} s so far: {why}")
                told = now
            time.sleep(min(_PAUSE, max(0.0, self._until - now)))

    def _temporary(self, error: httpx.TransportError) -> str:
        """Why there was no answer, where waiting may help.

        Raises:
            KibanaError: it cannot.
        """
        cause: BaseException | None = error
        while cause:
            if isinstance(cause, ssl.SSLError) and not isinstance(cause, ssl.SSLEOFError):
                raise KibanaError(
                    "the certificate that kibana.url shows is not trusted; set kibana.ca_file to the certificate of its"
                    f" authority, or kibana.fingerprint ({_of_tls(cause)})"
                ) from error
            if isinstance(cause, socket.gaierror):
                raise KibanaError(f"kibana.url: there is no host as in {self._url}; check the address") from error
            cause = cause.__cause__ or cause.__context__
        return str(error) or type(error).__name__

    def _accepted(self, answer: httpx.Response, method: str, item: Item | None) -> httpx.Response:
        status, why = answer.status_code, _message(answer)
        if answer.is_success or (status == 404 and method == "GET"):
            return answer
        if answer.is_redirect:
            onwards = answer.headers.get("Location", "another address")
            raise KibanaError(f"kibana.url: {self._url} leads on to {onwards}; name that address")
        what = f"the {item.kind} {item.id}" if item else "the question for its state"
        match status:
            case 401:
                raise KibanaError(
                    "Kibana does not know the user or key; check kibana.user and kibana.password, or kibana.api_key"
                )
            case 403:
                raise KibanaError(
                    f"Kibana forbids {what} to the user or key ({why}); it needs the privileges All on Dashboards and"
                    " on Data View Management in the space"
                )
            case 404:
                raise KibanaError(f"Kibana cannot take {what} ({why}); run `wirewatch setup` first, then this again")
            case 409:
                raise _ConflictError(why)
            case _ if status >= 500:
                raise KibanaError(f"Kibana is in trouble with {what} ({status} {why}); look at its log, then try again")
            case _ if item and "uplicate data view" in why:
                raise KibanaError(f"Kibana refuses {what} ({why}); rename or delete the other one of that name")
            case _:
                raise KibanaError(
                    f"Kibana refuses {what} ({status} {why}); this wirewatch is made for Kibana 9.4 and 9.5"
                )

    def _json(self, answer: httpx.Response) -> Body:
        try:
            body = answer.json()
        except ValueError:
            body = None
        if not isinstance(body, dict):
            raise self._stranger()
        return body

    def _stranger(self) -> KibanaError:
        return KibanaError(f"kibana.url: {self._url} does not answer as Kibana does; check the address and the port")


def _message(answer: httpx.Response) -> str:
    """What Kibana says of a refusal."""
    try:
        text = str(answer.json()["message"])
    except (ValueError, KeyError, TypeError):
        text = answer.text.strip() if answer.headers.get("Content-Type", "").startswith("text/plain") else ""
    return " ".join(text.split())[:300] or answer.reason_phrase


# --- signing in


def _client(given: Http) -> httpx.Client:
    """A client; nothing is sent yet.

    Raises:
        SettingsError: settings that cannot be used.
    """
    if not given.url.startswith(("http://", "https://")):
        raise SettingsError(f"kibana.url: `{given.url}` is no address; write it as https://kibana.example:5601")
    if given.api_key and (given.user or given.password):
        raise SettingsError("kibana.api_key: there is a user or password too; leave one of the two out")
    if bool(given.user) != bool(given.password):
        missing = "password" if given.user else "user"
        raise SettingsError(f"kibana.{missing}: is not set; user and password belong together")
    headers = {"kbn-xsrf": "true"}
    if given.api_key:
        headers["Authorization"] = f"ApiKey {given.api_key}"
    return httpx.Client(
        base_url=given.url,
        auth=(given.user, given.password) if given.user else None,
        headers=headers,
        verify=_tls(given),
        timeout=TIMEOUT,
        trust_env=False,
    )


def _tls(given: Http) -> ssl.SSLContext:
    for key, value in (("ca_file", given.ca_file), ("fingerprint", given.fingerprint)):
        if value and not given.url.startswith("https://"):
            raise SettingsError(f"kibana.{key}: the url is not encrypted; write it with https://")
    if given.fingerprint and given.ca_file:
        raise SettingsError("kibana.fingerprint: there is a ca_file too; leave one of the two out")
    if given.fingerprint:
        return _pinned(given.fingerprint)
    if not given.ca_file:
        return ssl.create_default_context()
    try:
        return ssl.create_default_context(cafile=given.ca_file)
    except ssl.SSLError:
        raise SettingsError(f"kibana.ca_file: {given.ca_file} is no certificate in PEM form") from None
    except OSError:
        raise SettingsError(f"kibana.ca_file: {given.ca_file} cannot be read") from None


def _pinned(fingerprint: str) -> ssl.SSLContext:
    """Trusts the one certificate, whoever signed it and whatever its name."""
    digits = fingerprint.replace(":", "").lower()
    if not re.fullmatch(r"[0-9a-f]{64}", digits):
        raise SettingsError(
            "kibana.fingerprint: is no SHA-256 of a certificate, which has 64 hexadecimal digits;"
            " `openssl x509 -noout -fingerprint -sha256 -in FILE` prints it"
        )
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.sslsocket_class = type("_PinnedTo", (_Pinned,), {"wanted": digits})
    return context


class _Pinned(ssl.SSLSocket):
    """A connection that ends with the handshake, before anything is sent, where the certificate is another one."""

    wanted = ""

    def do_handshake(self, block: bool = False) -> None:
        super().do_handshake(block)
        shown = hashlib.sha256(self.getpeercert(binary_form=True) or b"").hexdigest()
        if shown != self.wanted:
            raise ssl.SSLError(f"its fingerprint is {shown}")


def _of_tls(error: ssl.SSLError) -> str:
    return getattr(error, "verify_message", "") or str(error.args[-1] if error.args else error)
