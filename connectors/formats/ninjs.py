"""ninjs, the IPTC's News in JSON: 1.x (headline, body_text), 2.x (headlines, bodies) and 3.x (in camelCase)."""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from connectors.pages import read_fragment
from connectors.pages.dates import read_date
from connectors.sdk import Bad
from connectors.sdk.linked import Entry

TELLING = {"versioncreated", "headlines", "bodies", "pubstatus", "body_text", "body_xhtml", "body_html"}
"""Names of fields, in small letters, by which ninjs is told from other JSON."""
MARKUP = ("html", "xml")


def is_ninjs(item: Mapping[str, Any]) -> bool:
    """Whether a JSON object is a ninjs item."""
    return "uri" in item and any(name.lower() in TELLING for name in item)


def read_ninjs(data: bytes, key: str) -> Entry | Bad:
    """One ninjs item. `key` names it where it is broken."""
    try:
        item = {name.lower(): value for name, value in msgspec.json.decode(data, type=dict[str, Any]).items()}
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        return Bad(key, f"not ninjs: {error}", data)
    status = _text(item.get("pubstatus")) or "usable"
    if status not in ("usable", "stat:usable"):
        return Bad(_text(item.get("uri")) or key, f"its publisher calls it {status}", data)
    uri = _text(item.get("uri"))
    raw = _text(item.get("versioncreated")) or _text(item.get("firstcreated"))
    return Entry(
        key=uri or key,
        url=uri if uri.startswith(("http://", "https://")) else None,
        title=_best(item, "headline", "main"),
        summary=_best(item, "description", "summary"),
        content=_best(item, "body", "main"),
        authors=_authors(item),
        published=read_date(raw),
        published_origin="ninjs",
        published_raw=raw,
    )


def _best(item: Mapping[str, Any], name: str, role: str) -> str:
    """The value of `name`: plain text before markup, the wanted role before others."""
    variants = [*_variants_1(item, name), *_variants_2(item, name, role)]
    return next((text for _, text in sorted(variants, key=lambda variant: variant[0]) if text), "")


def _variants_1(item: Mapping[str, Any], name: str) -> Iterable[tuple[int, str]]:
    """1.x: `body_text`, `body_xhtml`, …, `headline`; each with how much it is to be preferred (0 most)."""
    for field, value in item.items():
        if field == name or field.startswith(f"{name}_"):
            variant = field.removeprefix(name).lstrip("_")
            yield 2 if variant in ("", "text") else 1, _plain(value, variant)


def _variants_2(item: Mapping[str, Any], name: str, role: str) -> Iterable[tuple[int, str]]:
    """2.x and 3.x: `bodies: [{role, contenttype, value}]`."""
    plural = {"headline": "headlines", "description": "descriptions", "body": "bodies"}[name]
    parts = item.get(plural)
    for part in parts if isinstance(parts, list) else ():
        if isinstance(part, dict):
            fields = {key.lower(): value for key, value in part.items()}
            yield 0 if fields.get("role") == role else 1, _plain(fields.get("value"), _text(fields.get("contenttype")))


def _plain(value: Any, kind: str) -> str:
    text = _text(value)
    return read_fragment(text) if any(mark in kind for mark in MARKUP) else text


def _authors(item: Mapping[str, Any]) -> tuple[str, ...]:
    by = _text(item.get("byline")) or _text(item.get("by"))
    return (by,) if by else ()


def _text(value: Any) -> str:
    return value.strip() if isinstance(value, str) else ""
