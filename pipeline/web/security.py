"""What keeps the console safe: who may address it, what its pages may load, and whose links and forms it trusts."""

from collections.abc import Collection
from ipaddress import ip_address
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    # Not no-referrer: with that, browsers send `Origin: null` with forms, and `same_origin` would refuse our own.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-cache",
}


class Guard:
    """Refuses requests addressed to a foreign host name, and puts the safety headers on every answer.

    A page elsewhere can point its own name at 127.0.0.1 and read the answers (DNS rebinding). It needs a name for
    that, so `localhost`, literal addresses and the `hosts` given are accepted, and nothing else.
    """

    def __init__(self, app: ASGIApp, hosts: Collection[str] = ()) -> None:
        self.app = app
        self.hosts = {host.lower() for host in hosts} | {"localhost"}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def send_safely(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        if self.knows(Headers(scope=scope).get("host", "")):
            await self.app(scope, receive, send_safely)
        else:
            refusal = PlainTextResponse("Open the console by its address, such as http://127.0.0.1:8585\n", 421)
            await refusal(scope, receive, send_safely)

    def knows(self, host: str) -> bool:
        """Whether a Host header names this console."""
        try:
            name = urlsplit(f"//{host}").hostname or ""
        except ValueError:
            return False
        return name in self.hosts or is_address(name)


def is_address(name: str) -> bool:
    """Whether a host name is a literal IP address."""
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


def same_origin(request: Request) -> bool:
    """Whether a request was sent by a page of this console: browsers say so in Origin, and scripts cannot forge it."""
    return request.headers.get("origin") == f"{request.url.scheme}://{request.headers.get('host')}"


def safe_url(url: str | None) -> str | None:
    """The URL where it is http or https and so may become a link, else None."""
    if not url:
        return None
    try:
        parts = urlsplit(url.strip())
    except ValueError:
        return None
    return url.strip() if parts.scheme in ("http", "https") and parts.netloc else None
