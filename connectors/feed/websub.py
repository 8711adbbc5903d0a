"""WebSub (W3C, 2018): a subscription to a feed's hub, kept up while it is needed."""

import asyncio
import hmac
import math
import re
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlencode, urljoin, urlsplit

from pydantic import BaseModel, ConfigDict, Field

from connectors.sdk import Context, Response, SourceError
from connectors.sdk.receiver import Answer, Request, receiver

LEASE = 10 * 86400
"""Seconds for which a subscription is asked."""
RENEW_AT = 0.8
"""Part of the lease after which it is renewed."""
ASK_AGAIN, DENIED = 3600.0, 86400.0
"""Seconds until a hub is asked again that has not confirmed, or that has refused."""
CONFIRMED_WITHIN = 10.0
"""Seconds that a hub is given to confirm before the feed is polled on."""
DIGESTS = {"sha1", "sha256", "sha384", "sha512"}


class WebSub(BaseModel):
    """How hubs can reach this machine."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    callback: str = Field(pattern=r"^https?://[^\s?#]+$")
    """Public URL under which hubs reach us; the source's id is added to its path."""
    host: str = "127.0.0.1"
    """Address to listen on, behind what serves the public URL."""
    port: int = Field(8586, ge=0, le=65535)
    """Port to listen on; other sources that are pushed to may share it."""


def linked(response: Response) -> dict[str, str]:
    """What a response's Link headers point to, by relation."""
    found: dict[str, str] = {}
    for link in re.finditer(r"<([^<>]{1,2000})>([^<]*)", response.headers.get("link", "")):
        relation = re.search(r"""\brel\s*=\s*["']?([^"';,]+)""", link[2], re.I)
        for name in relation[1].lower().split() if relation else ():
            found.setdefault(name, urljoin(response.url, link[1].strip()))
    return found


@asynccontextmanager
async def subscription(config: WebSub, context: Context, hub: str, topic: str) -> AsyncIterator["Subscription"]:
    """A subscription to `topic`, as far as the hub grants it; requests to the callback are answered meanwhile.

    Raises:
        SourceError: the address cannot be listened on.
    """
    base = config.callback.rstrip("/")
    callback = f"{base}/{context.source.id}"
    made = Subscription(context, hub, topic, callback)
    async with receiver(config.host, config.port, urlsplit(callback).path, made.receive):
        yield made


class Subscription:
    """Asks the hub, confirms to it, and tells of what it pushes."""

    def __init__(self, context: Context, hub: str, topic: str, callback: str) -> None:
        self._context, self._hub, self._topic, self._callback = context, hub, topic, callback
        self._secret = secrets.token_hex(32)
        self._asked = False
        self._ask_at = self._until = -math.inf
        self._confirmed, self._pushed = asyncio.Event(), asyncio.Event()

    @property
    def is_active(self) -> bool:
        """Whether the hub has confirmed, and its lease runs."""
        return _now() < self._until

    async def keep(self) -> None:
        """Subscribes where it is time to, and gives the hub a moment to confirm."""
        if _now() < self._ask_at:
            return
        self._ask_at = _now() + ASK_AGAIN
        self._asked = True
        self._confirmed.clear()
        wanted = {
            "hub.mode": "subscribe",
            "hub.topic": self._topic,
            "hub.callback": self._callback,
            "hub.secret": self._secret,
            "hub.lease_seconds": str(LEASE),
        }
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        try:
            await self._context.fetch(self._hub, method="POST", content=urlencode(wanted).encode(), headers=headers)
            await asyncio.wait_for(self._confirmed.wait(), CONFIRMED_WITHIN)
        except (SourceError, TimeoutError):
            return  # the feed is polled as if there were no hub

    async def pushed(self, seconds: float) -> bool:
        """Waits until the hub pushes, at most so long; whether it did. The lease is renewed meanwhile."""
        end = _now() + seconds
        while _now() < end:
            await self.keep()
            try:
                async with asyncio.timeout_at(min(end, self._ask_at)):
                    await self._pushed.wait()
            except TimeoutError:
                continue
            self._pushed.clear()
            return True
        return False

    async def receive(self, request: Request) -> Answer:
        """Answers the hub: confirms what was asked for, and takes what is signed."""
        if request.method == "POST":
            if self._is_signed(request):
                self._pushed.set()
            return Answer(202)  # also where it is not: a forger learns nothing
        mode, topic = request.query.get("hub.mode"), request.query.get("hub.topic")
        if request.method != "GET" or not self._asked or topic != self._topic:
            return Answer(404)
        if mode == "denied":
            self._until, self._ask_at = -math.inf, _now() + DENIED
            return Answer(200)
        if mode != "subscribe":
            return Answer(404)
        stated = request.query.get("hub.lease_seconds", "")
        lease = float(stated) if re.fullmatch(r"\d{1,9}", stated) and int(stated) else float(LEASE)
        self._until, self._ask_at = _now() + lease, _now() + lease * RENEW_AT
        self._confirmed.set()
        return Answer(200, {"Content-Type": "text/plain"}, request.query.get("hub.challenge", "").encode())

    def _is_signed(self, request: Request) -> bool:
        method, _, given = request.headers.get("x-hub-signature", "").strip().partition("=")
        if method.lower() not in DIGESTS:
            return False
        wanted = hmac.new(self._secret.encode(), request.body, method.lower()).hexdigest()
        return hmac.compare_digest(wanted.encode(), given.strip().lower().encode())


def _now() -> float:
    return asyncio.get_running_loop().time()
