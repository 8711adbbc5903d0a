"""Articles that others push to us by POST, signed as Standard Webhooks says. 2xx means that the log has them."""

import asyncio
import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field

from pydantic import ConfigDict, Field, model_validator

from connectors.formats.articles import Item, read_json
from connectors.sdk import Bad, Batch, Context, Secret, SourceConfig, source
from connectors.sdk.receiver import Answer, Request, is_loopback, receiver
from pipeline.model.article import Article

TOLERANCE = 300.0
"""Seconds that a signature's timestamp may be off."""
QUEUE = 256
"""Deliveries that may wait for the log; what comes on top is asked to come again."""
TOGETHER = 64
"""Deliveries that are given to the log at a time."""
QUIET = 60.0
"""Seconds without a delivery after which the source says that it is alive."""
PATIENCE = 30.0
"""Seconds that a sender waits for the log before it is asked to come again."""


class WebhookConfig(SourceConfig):
    """Where to listen, and how senders prove themselves."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"path": "/wire", "secret": "whsec_c2l4dGVlbi1ieXRlcy1vci1tb3Jl"}]}
    )

    path: str = Field(pattern=r"^/[\w\-./]+$", description="Path of the URL that senders post to.")
    secret: Secret | None = Field(
        None, description="Shared with the sender, as Standard Webhooks writes it (whsec_ and base64) or any text."
    )
    host: str = Field("127.0.0.1", description="Address to listen on; 0.0.0.0 for all.")
    port: int = Field(8586, ge=0, le=65535, description="Port to listen on; several webhooks may share it.")

    @model_validator(mode="after")
    def _secret_where_others_reach(self) -> "WebhookConfig":
        if self.secret is None and not is_loopback(self.host):
            raise ValueError("a webhook that other machines can reach needs a `secret`")
        return self


@dataclass
class _Delivery:
    items: Sequence[Item]
    taken: "asyncio.Future[bool]" = field(default_factory=lambda: asyncio.get_running_loop().create_future())
    """Whether the log has the items, as soon as that is known."""


@source("webhook", config=WebhookConfig)
async def webhook(config: WebhookConfig, context: Context) -> AsyncIterator[Batch]:
    """Articles pushed by POST: JSON in our own form or ninjs, one or a list; 2xx only when the log has them."""
    arrived: asyncio.Queue[_Delivery] = asyncio.Queue(QUEUE)

    async def receive(request: Request) -> Answer:
        return await _receive(request, config, context, arrived)

    waiting: list[_Delivery] = []
    async with receiver(config.host, config.port, config.path, receive):
        try:
            while True:
                waiting = await _next(arrived)
                yield Batch([item for delivery in waiting for item in delivery.items], next_poll=0)
                _tell(waiting, taken=True)
                waiting = []
        finally:
            while not arrived.empty():
                waiting.append(arrived.get_nowait())
            _tell(waiting, taken=False)


def _tell(deliveries: Sequence[_Delivery], *, taken: bool) -> None:
    for delivery in deliveries:
        if not delivery.taken.done():  # else its sender has gone
            delivery.taken.set_result(taken)


async def _next(arrived: "asyncio.Queue[_Delivery]") -> list[_Delivery]:
    """What waits; nothing after a quiet while."""
    try:
        found = [await asyncio.wait_for(arrived.get(), QUIET)]
    except TimeoutError:
        return []
    while len(found) < TOGETHER and not arrived.empty():
        found.append(arrived.get_nowait())
    return found


async def _receive(
    request: Request, config: WebhookConfig, context: Context, arrived: "asyncio.Queue[_Delivery]"
) -> Answer:
    if request.method != "POST":
        return _answer(405, "post articles here", {"Allow": "POST"})
    if config.secret and (wrong := refusal(request.headers, request.body, config.secret, context.now().timestamp())):
        return _answer(401, wrong)
    items = await read_json(request.body, request.headers.get("webhook-id", "body"), context)
    if not await _deliver(_Delivery(items), arrived):
        return _answer(503, "the log does not take articles just now; send this again", {"Retry-After": "15"})
    rejected = [{"key": item.key, "reason": item.reason} for item in items if isinstance(item, Bad)]
    accepted = sum(isinstance(item, Article) for item in items)
    said = json.dumps({"accepted": accepted, "rejected": rejected}).encode()
    return Answer(422 if rejected and not accepted else 202, {"Content-Type": "application/json"}, said)


async def _deliver(delivery: _Delivery, arrived: "asyncio.Queue[_Delivery]") -> bool:
    """Whether the log has taken it."""
    try:
        arrived.put_nowait(delivery)
        async with asyncio.timeout(PATIENCE):
            return await delivery.taken
    except (asyncio.QueueFull, TimeoutError):
        return False


def _answer(status: int, said: str, headers: Mapping[str, str] | None = None) -> Answer:
    return Answer(status, {"Content-Type": "application/json", **(headers or {})}, json.dumps({"error": said}).encode())


def refusal(headers: Mapping[str, str], body: bytes, secret: Secret, now: float) -> str | None:
    """Why a delivery is not to be believed, None where it is: Standard Webhooks 1.0, symmetric signatures."""
    id_, stamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    given = headers.get("webhook-signature", "")
    if not (id_ and stamp and given):
        return "the headers webhook-id, webhook-timestamp and webhook-signature are needed"
    if not stamp.isdecimal() or abs(now - float(stamp)) > TOLERANCE:
        return f"webhook-timestamp is no time in seconds within {TOLERANCE:g} seconds of now"
    signed = f"{id_}.{stamp}.".encode() + body
    wanted = base64.b64encode(hmac.digest(_key(secret.get_secret_value()), signed, hashlib.sha256))
    ours = [part.removeprefix("v1,").encode() for part in given.split() if part.startswith("v1,")]
    if not any(hmac.compare_digest(signature, wanted) for signature in ours):
        return "no signature in webhook-signature is right for this body and our secret"
    return None


def _key(secret: str) -> bytes:
    if secret.startswith("whsec_"):
        try:
            return base64.b64decode(secret.removeprefix("whsec_"), validate=True)
        except binascii.Error:
            pass
    return secret.encode()
