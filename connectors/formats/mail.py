"""A message as it is mailed (RFC 5322), such as a newsletter: one message, one article."""

import re
from email import message_from_bytes, policy
from email.message import EmailMessage
from email.utils import parseaddr
from urllib.parse import urlsplit

from connectors.pages import read_fragment
from connectors.pages.dates import read_date
from connectors.sdk import Bad
from connectors.sdk.linked import Entry

WEB_VERSION = re.compile(
    r'<a\b[^>]{0,2000}?href\s*=\s*["\'](https?://[^"\'\s]{1,2000})["\'][^>]{0,2000}>([^<]{1,80})<', re.I
)
IN_BROWSER = re.compile(
    r"browser|online|web version|webversion|im web|navegador|navigateur|браузер|переглядач|przeglądarc|tarayıcı", re.I
)
"""What a newsletter calls the link to itself on the web."""


def read_mail(data: bytes, key: str) -> Entry | Bad:
    """The article that a message is. `key` names it where it has no Message-ID."""
    try:
        message = message_from_bytes(data, _class=EmailMessage, policy=policy.default)
        markup, plain = _part(message, "html"), _part(message, "plain")
        name, address = parseaddr(_header(message, "From"))
        raw = _header(message, "Date")
        return Entry(
            key=_header(message, "Message-ID") or key,
            url=_web_version(markup),
            title=_header(message, "Subject"),
            content=(read_fragment(markup) if markup else "") or plain.strip(),
            authors=(name or address,) if name or address else (),
            published=read_date(raw),
            published_origin="mail",
            published_raw=raw,
        )
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        return Bad(key, f"cannot be read as a message: {error}", data)


def _part(message: EmailMessage, kind: str) -> str:
    part = message.get_body((kind,))
    if part is None:
        return ""
    try:
        content = part.get_content()
    except (LookupError, UnicodeError):  # a charset nobody knows
        payload = part.get_payload(decode=True)
        content = payload.decode("utf-8", "replace") if isinstance(payload, bytes) else ""
    return content if isinstance(content, str) else ""


def _header(message: EmailMessage, name: str) -> str:
    return " ".join(str(message.get(name) or "").split())


def _web_version(markup: str) -> str | None:
    """Where the newsletter says that it can be read in a browser."""
    for address, words in WEB_VERSION.findall(markup[:200_000]):
        if IN_BROWSER.search(words) and urlsplit(address).hostname:
            return str(address)
    return None
