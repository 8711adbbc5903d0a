"""Requests as they are declared: `{name}` stands for a value that is known only when the request is made."""

import re
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote, urlencode

from pydantic import SecretStr

PLACE = re.compile(r"\{\{|\}\}|\{([A-Za-z_][A-Za-z0-9_]*)\}")


class _Missing:
    """What has no value at present."""


MISSING: Final = _Missing()


def names(value: Any) -> set[str]:
    """The names that a template, or anything made of templates, mentions."""
    if isinstance(value, str):
        return {match[1] for match in PLACE.finditer(value) if match[1]}
    parts = value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ()
    return {name for part in parts for name in names(part)}


def fill(value: Any, known: Mapping[str, Any]) -> Any:
    """The value with its names replaced; what mentions a name without a value is left out, MISSING at the top.

    A text that is one name alone takes the type of its value; `{{` and `}}` are braces.
    """
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    if isinstance(value, str):
        return _text(value, known)
    if isinstance(value, Mapping):
        filled = {key: fill(part, known) for key, part in value.items()}
        return {key: part for key, part in filled.items() if part is not MISSING}
    if isinstance(value, list):
        return [part for part in (fill(part, known) for part in value) if part is not MISSING]
    return value


def _text(text: str, known: Mapping[str, Any]) -> Any:
    whole = PLACE.fullmatch(text)
    if whole and whole[1]:
        return known.get(whole[1], MISSING)
    if any(name not in known for name in names(text)):
        return MISSING
    return PLACE.sub(lambda match: str(known[match[1]]) if match[1] else match[0][0], text)


def address(url: str, query: Mapping[str, Any], known: Mapping[str, Any]) -> str:
    """The URL to ask. Values are quoted in it, except for a server's address at its beginning."""
    head = PLACE.match(url)
    begin, rest = (_server(known[head[1]]), url[head.end() :]) if head and head[1] else ("", url)
    path = PLACE.sub(lambda match: quote(str(known[match[1]]), safe="") if match[1] else match[0][0], rest)
    asked = urlencode({name: _plain(value) for name, value in fill(query, known).items()}, doseq=True)
    joint = "&" if "?" in begin + path else "?"
    return f"{begin}{path}{joint}{asked}" if asked else begin + path


def _server(value: Any) -> str:
    text = str(value).rstrip("/")
    return text if "://" in text else f"https://{text}"


def _plain(value: Any) -> Any:
    if isinstance(value, bool):
        return str(value).lower()
    return [_plain(part) for part in value] if isinstance(value, list) else value
