"""A server that answers for data views, dashboards and spaces as Kibana's documentation says Kibana does.

It keeps what it is sent, fills in defaults, wants the header against forged requests, knows users, and refuses unknown
keys. What it cannot do is look at a panel; the specification does that.
"""

import base64
import json
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Body = dict[str, Any]
ADMIN, READER = ("elastic", "secret"), ("reader", "secret")
KEY = "a2V5OnNlY3JldA=="
_BASIC = {f"Basic {base64.b64encode(':'.join(pair).encode()).decode()}": pair[0] for pair in (ADMIN, READER)}
USERS = {**_BASIC, f"ApiKey {KEY}": "key"}
DASHBOARD_KEYS = set("title description time_range refresh_interval query options pinned_panels panels".split())
VIEW_KEYS = {"title", "name", "timeFieldName", "fieldFormats", "sourceFilters"}


class Kibana(ThreadingHTTPServer):
    """State of a Kibana, and what it does out of the ordinary."""

    daemon_threads = True

    def __init__(self, context: ssl.SSLContext | None = None) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        if context:
            self.socket = context.wrap_socket(self.socket, server_side=True)
        self.url = f"{'https' if context else 'http'}://127.0.0.1:{self.server_address[1]}"
        self.version = "9.5.0"
        self.unsupported: set[str] = set()
        """Types of panels that it drops from what it is sent."""
        self.spaces = {"default": _Space(), "newsroom": _Space()}
        self.writes: list[tuple[str, str]] = []
        """Method and path of every request that changed something."""
        self.next: list[Callable[[str, str], tuple[int, Body] | None]] = []
        """Asked first, each once, with method and path; None leaves the request to the next answer."""

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that does not like the certificate is no error."""


class _Space:
    def __init__(self) -> None:
        self.views: dict[str, Body] = {}
        self.dashboards: dict[str, Body] = {}


@contextmanager
def serving(context: ssl.SSLContext | None = None) -> Iterator[Kibana]:
    """A Kibana on a free port."""
    with Kibana(context) as kibana:
        thread = threading.Thread(target=kibana.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        yield kibana
        kibana.shutdown()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    server: Kibana
    protocol_version = "HTTP/1.1"
    wbufsize = 65536  # one write an answer

    def do_GET(self) -> None:
        self._answer({})

    def do_POST(self) -> None:
        self._answer(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

    def do_PUT(self) -> None:
        self.do_POST()

    def _answer(self, body: Body) -> None:
        status, answer = self._extraordinary() or self._answered(body)
        if not 200 <= status < 300:
            answer = {"statusCode": status, "error": "…", **answer}
        data = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def _extraordinary(self) -> tuple[int, Body] | None:
        for answer in self.server.next:
            found = answer(self.command, self.path)
            if found:
                self.server.next.remove(answer)
                return found
        return None

    def _answered(self, body: Body) -> tuple[int, Body]:
        user = USERS.get(self.headers.get("Authorization", ""))
        if user is None:
            return 401, {"message": "unable to authenticate"}
        path, name = self.path, "default"
        if path.startswith("/s/"):
            name, _, path = path[3:].partition("/")
            path = f"/{path}"
        space = self.server.spaces.get(name)
        if path == "/api/status":
            return 200, {"version": {"number": self.server.version}, "status": {"overall": {"level": "available"}}}
        if path.startswith("/api/spaces/space/"):
            wanted = path.rpartition("/")[2]
            return (200, {"id": wanted}) if wanted in self.server.spaces else (404, {"message": "Not Found"})
        if space is None:
            return 404, {"message": f"Saved object [space/{name}] not found"}
        if self.command == "GET":
            return _read(space, path)
        if "kbn-xsrf" not in self.headers:
            return 400, {"message": "Request must contain a kbn-xsrf header."}
        if user == READER[0]:
            return 403, {"message": "API is unauthorized for user [reader]"}
        elsewhere = [other for other in self.server.spaces.values() if other is not space]
        if "panels" in body:
            body["panels"] = [panel for panel in body["panels"] if panel["type"] not in self.server.unsupported]
        status, answer = _written(space, elsewhere, self.command, path, body)
        if status < 300:
            self.server.writes.append((self.command, self.path))
        return status, answer

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Says nothing."""


def _read(space: _Space, path: str) -> tuple[int, Body]:
    id_ = path.rpartition("/")[2]
    if path == f"/api/dashboards/{id_}" and id_ in space.dashboards:
        return 200, _dashboard(id_, space.dashboards[id_])
    if path == f"/api/data_views/data_view/{id_}" and id_ in space.views:
        return 200, {"data_view": space.views[id_]}
    return 404, {"message": f"Saved object [{id_}] not found"}


def _written(space: _Space, elsewhere: list[_Space], method: str, path: str, body: Body) -> tuple[int, Body]:
    id_ = body.get("data_view", {}).get("id") or path.rpartition("/")[2]
    if any(id_ in other.views or id_ in other.dashboards for other in elsewhere):
        return 409, {"message": f"Saved object [{id_}] conflict"}  # an id is there once over all spaces
    if method == "PUT" and path == f"/api/dashboards/{id_}":
        if unknown := body.keys() - DASHBOARD_KEYS:
            return 400, {"message": f"[request body.{min(unknown)}]: definition for this key is missing"}
        status = 200 if id_ in space.dashboards else 201
        space.dashboards[id_] = body
        return status, _dashboard(id_, body)
    view = body.get("data_view", {})
    if method == "POST" and path == "/api/data_views/data_view":
        if any(other["name"] == view["name"] for other in space.views.values()):
            return 400, {"message": f"Duplicate data view: {view['name']}"}
        space.views[view["id"]] = {"allowNoIndex": False, "fields": {}, "version": "WzEsMV0=", **view}
        return 200, {"data_view": space.views[view["id"]]}
    if method == "POST" and path == f"/api/data_views/data_view/{id_}":
        if unknown := view.keys() - VIEW_KEYS:
            return 400, {"message": f"[request body.data_view.{min(unknown)}]: definition for this key is missing"}
        if id_ not in space.views:
            return 404, {"message": f"Saved object [index-pattern/{id_}] not found"}
        space.views[id_] |= view
        return 200, {"data_view": space.views[id_]}
    return 404, {"message": "Not Found"}


def _dashboard(id_: str, body: Body) -> Body:
    """A dashboard as it is read: with everything that was not set."""
    filled = {"filters": [], "tags": [], **body, "options": {"auto_apply_filters": True, **body["options"]}}
    filled["panels"] = [
        panel | {"config": {"hide_border": False, "filters": [], "sampling": 1, **panel["config"]}}
        for panel in body["panels"]
    ]
    return {"id": id_, "data": filled, "meta": {"version": "WzIsMV0=", "managed": False}}
