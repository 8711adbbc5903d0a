"""What Elasticsearch holds: the indices, and the mapping of each, made from the one list of what can be asked.

A text field stands there twice: as it is written, for people and Kibana's search bar, and, as `…_words`, as the words
that the project's own tokenizer made of it, which is what queries of wirewatch ask. Where the cluster has an analyzer
of the language, it stands a third time, stemmed.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from importlib.resources import files
from typing import Any, Final, Literal

import yaml

from pipeline.model.document import FIELDS, NESTED, TEXT, FieldType
from pipeline.model.tokens import fold, split

VERSION = 2
"""Of the templates. One more with every change; fields are only ever added."""

Alias = str
ARTICLES: Alias = "wirewatch-articles"
ALERTS: Alias = "wirewatch-alerts"
"""One document an alert: its latest state."""
CHANGES: Alias = "wirewatch-alert-changes"
"""One document a change of an alert."""
DEAD_LETTERS: Alias = "wirewatch-dead-letters"
SOURCES: Alias = "wirewatch-sources"
"""One document a source: its latest health."""
ALIASES = (ARTICLES, ALERTS, CHANGES, DEAD_LETTERS, SOURCES)

LONGEST_KEYWORD = 8191
"""Characters of a keyword that can be asked; 32,766 bytes are what Lucene takes. The payload has it whole."""
MOST_FOUND = 20_000
"""Results that can be paged through."""
LAST_FOLDED = 0x2C00
"""Behind Latin, Greek, Cyrillic, Hebrew, Arabic and their extensions there is nothing in the news to fold."""
Mapped = dict[str, Any]


def index_of(alias: Alias, at: datetime, generation: int = 1) -> str:
    """The index that a document of a time belongs to: one a month, but one in all for the sources."""
    name = f"{alias}-g{generation}"
    return name if alias == SOURCES else f"{name}-{at.astimezone(UTC):%Y.%m}"


_MONTH = re.compile(r"-g\d+-(\d{4})\.(\d\d)")


def month_of(index: str) -> tuple[datetime, datetime] | None:
    """When the month of an index begins and ends; None where it has no month."""
    found = _MONTH.search(index)
    if not found:
        return None
    year, month = int(found[1]), int(found[2])
    return datetime(year, month, 1, tzinfo=UTC), datetime(year + month // 12, month % 12 + 1, 1, tzinfo=UTC)


# --- analysis


@cache
def analyzers() -> Mapping[str, Sequence[str]]:
    """Language code -> analyzers, best first."""
    text = files(__package__).joinpath("analyzers.yaml").read_text("utf-8")
    return {code: tuple(names) for code, names in yaml.safe_load(text).items()}


FULL: Final = "full"
PLAIN: Final = "plain"
Folding = Literal["full", "plain"]
"""How far Kibana's search bar reads words as the project does: with all of its folding, or only without case."""


def analysis(folding: Folding) -> Mapped:
    """Settings of the analyzer of text as it is written."""
    if folding == PLAIN:
        return {"analyzer": {"text": {"type": "custom", "tokenizer": "standard", "filter": ["lowercase"]}}}
    return {
        "char_filter": {"fold": {"type": "mapping", "mappings": _folds()}},
        "filter": {"possessive": {"type": "pattern_replace", "pattern": "^(.+?)'s?$", "replacement": "$1"}},
        "analyzer": {
            "text": {
                "type": "custom",
                "char_filter": ["fold"],
                "tokenizer": "standard",
                "filter": ["lowercase", "possessive"],
            }
        },
    }


@cache
def _folds() -> tuple[str, ...]:
    """What `fold` does to single characters inside a word beyond making them small, as a `mapping` filter takes it."""
    found = []
    for character in map(chr, range(0x80, LAST_FOLDED)):
        words = [word for word in (f"a{character}b", f"א{character}ב") if split(word) == [word]]
        folded = fold(words[0])[1:-1] if words else character
        if folded not in (character, character.lower()):
            found.append(f"{_escaped(character)}=>{_escaped(folded)}")
    return tuple(found)


def _escaped(text: str) -> str:
    return "".join(f"\\u{unit:04x}" for unit in memoryview(text.encode("utf-16-le")).cast("H"))


# --- kinds of fields

KEYWORD: Mapped = {"type": "keyword", "ignore_above": LONGEST_KEYWORD}
WRITTEN: Mapped = {"type": "text", "analyzer": "text"}
WORDS: Mapped = {"type": "text", "analyzer": "whitespace"}
AS_WRITTEN: Mapped = {"type": "alias", "path": "body"}
"""In a language that the cluster has no analyzer of; no text is indexed twice in the same way."""
PAYLOAD: Mapped = {"type": "keyword", "index": False, "doc_values": False}
"""The record itself, as JSON: kept, not indexed."""
GEO: Mapped = {"type": "geo_point", "ignore_malformed": True}
DATE: Mapped = {"type": "date"}
LONG: Mapped = {"type": "long"}
DOUBLE: Mapped = {"type": "double"}
BOOLEAN: Mapped = {"type": "boolean"}

_WHOLE = frozenset({"version", "raw.size"})


def words_of(field: str) -> str:
    """The name under which the words of a text field stand."""
    return f"{field}_words"


def _mapped(field: FieldType) -> Mapped:
    if field.nested and field.kind != "text":  # nobody can aggregate it, and it is not sorted by
        return _plain(field) | {"doc_values": False}
    return _plain(field)


def _plain(field: FieldType) -> Mapped:
    match field.kind:
        case "text":
            return WRITTEN
        case "number":
            return LONG if field.name in _WHOLE else DOUBLE
        case "date":
            return DATE
        case "boolean":
            return BOOLEAN
        case _:
            return KEYWORD


def _put(properties: Mapped, path: str, mapped: Mapped) -> None:
    """Puts a field under its dotted name."""
    first, _, rest = path.partition(".")
    if not rest:
        properties[first] = mapped
        return
    parent = properties.setdefault(first, {"properties": {}})
    _put(parent["properties"], rest, mapped)


def _text(properties: Mapped, path: str) -> None:
    _put(properties, path, WRITTEN)
    _put(properties, words_of(path), WORDS)


# --- the mappings


def _articles(stemming: Mapping[str, str]) -> Mapped:
    properties: Mapped = {nested: {"type": "nested", "properties": {}} for nested in NESTED}
    for field in FIELDS.values():
        parent = field.name.rpartition(".")[0]
        if parent in FIELDS:  # `language.code` is a second name of `language`
            properties[parent] = KEYWORD | {"fields": {field.name.rpartition(".")[2]: KEYWORD}}
        elif field.kind == "text":
            _text(properties, field.name)
        else:
            _put(properties, field.name, _mapped(field))
    _put(properties, "places.location", GEO)
    _put(properties, "facilities.location", GEO)
    languages = {
        code: {"type": "text", "analyzer": stemming[code]} if code in stemming else AS_WRITTEN for code in analyzers()
    }
    return properties | {
        "time": DATE,
        "extras": {"type": "flattened", "ignore_above": LONGEST_KEYWORD},
        "stemmed": {"properties": languages},
        "payload": PAYLOAD,
    }


def stemmed_in(held: Mapped) -> frozenset[str]:
    """Languages of whose text an index of articles keeps the stems, from its mapping."""
    languages = held["properties"].get("stemmed", {}).get("properties", {})
    return frozenset(code for code, field in languages.items() if field["type"] == "text")


def _keywords(*names: str) -> Mapped:
    return dict.fromkeys(names, KEYWORD)


def _alerts() -> Mapped:
    properties: Mapped = {
        **_keywords("id", "change", "desk", "severity", "story", "states", "organisations", "persons", "countries"),
        "named": KEYWORD,
        "sequence": LONG,
        "rule": {"properties": _keywords("id", "version")},
        "reliability": {"properties": _keywords("source", "why") | {"information": {"type": "byte"}}},
        "because": {"properties": _keywords("condition", "article")},
        "origins": LONG,
        "article_count": LONG,
        "articles": {
            "properties": _keywords("id", "url", "language", "origin", "duplicate_of")
            | {
                "title": WRITTEN,
                "published": DATE,
                "source": {"properties": _keywords("id", "name", "country", "owner", "affiliation", "reliability")},
            }
        },
        "claims": {
            "type": "nested",
            "properties": _keywords("speaker", "actor", "stance", "article")
            | {"anonymous": BOOLEAN, "about": WRITTEN, "since": DATE},
        },
        "actors": {"type": "nested", "properties": _keywords("id", "name")},
        "places": {"properties": _keywords("id", "name", "country") | {"location": GEO}},
        "times": {"properties": dict.fromkeys(("published", "fetched", "raised", "changed"), DATE)},
        "delays": {"properties": dict.fromkeys(("published_to_raised", "fetched_to_raised"), DOUBLE)},
        "acknowledged": BOOLEAN,
        "closed": BOOLEAN,
        "open": BOOLEAN,
        "snoozed_until": DATE,
        "payload": PAYLOAD,
    }
    for name in ("headline", "summary"):
        properties[name] = WRITTEN
    return properties


def _dead_letters() -> Mapped:
    return {
        **_keywords("stage", "topic", "key", "sha256"),
        "reason": WRITTEN | {"fields": {"keyword": {"type": "keyword", "ignore_above": 1024}}},
        "offset": LONG,
        "at": DATE,
        "size": LONG,
        "payload": PAYLOAD,
    }


def _sources() -> Mapped:
    return {
        **_keywords("id", "kind", "name", "state", "failure"),
        **dict.fromkeys(("first_poll", "last_poll", "last_success", "last_item", "next_poll"), DATE),
        **dict.fromkeys(("items", "failures"), LONG),
        **dict.fromkeys(("lag", "per_day", "usual_per_day"), DOUBLE),
        "error": WRITTEN,
        "payload": PAYLOAD,
    }


def properties_of(alias: Alias, stemming: Mapping[str, str] | None = None) -> Mapped:
    """The fields of an index.

    Args:
        alias: of the index.
        stemming: language code -> analyzer that the cluster has.
    """
    match alias:
        case "wirewatch-articles":
            return _articles(stemming or {})
        case "wirewatch-alerts" | "wirewatch-alert-changes":
            return _alerts()
        case "wirewatch-dead-letters":
            return _dead_letters()
        case _:
            return _sources()


def template(alias: Alias, stemming: Mapping[str, str] | None = None, folding: Folding = PLAIN) -> Mapped:
    """The index template of an alias: every index made of it is strict and shows under the alias."""
    meta = {"version": VERSION, "by": "wirewatch"}
    return {
        "index_patterns": [f"{alias}-g*"],
        "priority": 500,
        "version": VERSION,
        "_meta": meta,
        "template": {
            "settings": {
                "index": {
                    "number_of_shards": 1,
                    "auto_expand_replicas": "0-1",
                    "codec": "best_compression",
                    "max_result_window": MOST_FOUND,
                    "mapping": {"nested_objects": {"limit": 100_000}},
                    "query": {"default_field": _searched(alias)},
                    "analysis": analysis(folding),
                }
            },
            "mappings": {
                "dynamic": "strict",
                "_meta": meta,
                "_source": {"excludes": ["*_words", "stemmed"]} if alias == ARTICLES else {},
                "properties": properties_of(alias, stemming),
            },
            "aliases": {alias: {}},
        },
    }


def _searched(alias: Alias) -> list[str]:
    """Where a search without a field looks, in Kibana's bar as in ours."""
    match alias:
        case "wirewatch-articles":
            return list(TEXT)
        case "wirewatch-alerts" | "wirewatch-alert-changes":
            return ["headline", "summary"]
        case "wirewatch-dead-letters":
            return ["reason"]
        case _:
            return ["name", "error"]
