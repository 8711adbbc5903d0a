"""What Elasticsearch must have before the first document: index templates, aliases, the first indices; and retention.

Nothing that is there is altered, but for templates of an older wirewatch and fields that their indices lack.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from elasticsearch import ApiError, BadRequestError, Elasticsearch, TransportError

from pipeline.engines.kafka.topics import Step
from pipeline.model.tokens import tokens
from pipeline.settings import Http, SettingsError
from pipeline.sinks.elasticsearch.client import connect, explained
from pipeline.sinks.elasticsearch.mapping import (
    ALERTS,
    ALIASES,
    FULL,
    PLAIN,
    VERSION,
    Alias,
    Folding,
    Mapped,
    analysis,
    analyzers,
    index_of,
    month_of,
    template,
)

_HOSTILE = "L’Élysée’s DEĞİL Ångström"
"""Words that only the whole folding reads as the project does."""
_MOST_TOLD = 3
"""Differences of a template that are named."""


def set_up(
    given: Http, retention_days: int, *, drop: bool = False, dry_run: bool = False, now: datetime | None = None
) -> list[Step]:
    """Creates the templates and first indices that are missing and compares the others.

    Args:
        retention_days: after which months are old.
        drop: drops them, which are otherwise only told.
        now: UTC, the month of the first indices; the present time if left out.

    Raises:
        SettingsError: Elasticsearch cannot be reached, or refuses.
    """
    now = now or datetime.now(UTC)
    client = connect(given)
    try:
        wanted = _templates(client)
        steps = [_template(client, alias, wanted[alias], dry_run) for alias in ALIASES]
        usable = {step.name for step in steps if step.what != "refused"}
        for alias in ALIASES:
            if alias in usable:
                steps += _old(client, alias, timedelta(days=retention_days), now, drop, dry_run)
                steps += _indices(client, alias, wanted[alias], now, dry_run)
        return steps
    except (ApiError, TransportError) as error:
        raise SettingsError(explained(error)) from error
    finally:
        client.close()


def check(given: Http) -> None:
    """Makes sure that the indices are there and are those of this wirewatch; for whoever reads or writes them.

    Raises:
        SettingsError: they are not, or Elasticsearch cannot be reached.
    """
    client = connect(given)
    try:
        for alias in ALIASES:
            found = client.options(ignore_status=404).indices.get_mapping(index=alias)
            if found.meta.status == 404:
                raise SettingsError(f"Elasticsearch has no {alias}; run `wirewatch setup`")
            if problem := unfit(found.body):
                raise SettingsError(problem)
    except (ApiError, TransportError) as error:
        raise SettingsError(explained(error)) from error
    finally:
        client.close()


def unfit(mappings: Mapping[str, Any]) -> str | None:
    """Why documents of this wirewatch do not go into some indices, from the answer of `GET /INDEX/_mapping`."""
    for index, held in mappings.items():
        version = _version(held["mappings"])
        if version > VERSION:
            return _newer(index, version)
        if version < VERSION:
            return f"{index} is of no wirewatch or an older one (version {version}); run `wirewatch setup`"
    return None


def _newer(name: str, version: int) -> str:
    return f"{name} is of a newer wirewatch (version {version}, this one knows {VERSION}); upgrade this wirewatch"


def _version(held: Mapping[str, Any]) -> int:
    return int(held.get("_meta", {}).get("version", 0))


# --- what the cluster can do


def _templates(client: Elasticsearch) -> dict[Alias, Mapped]:
    """The templates, with the best analysis that the cluster has."""
    stemming = {}
    for code, names in analyzers().items():
        if found := next((name for name in names if _analyzed(client, analyzer=name, text="x") is not None), None):
            stemming[code] = found
    folding = _folding(client)
    return {alias: template(alias, stemming, folding) for alias in ALIASES}


def _folding(client: Elasticsearch) -> Folding:
    parts = analysis(FULL)
    analyzed = _analyzed(
        client,
        tokenizer="standard",
        char_filter=list(parts["char_filter"].values()),
        filter=["lowercase", *parts["filter"].values()],
        text=_HOSTILE,
    )
    return FULL if analyzed == tokens(_HOSTILE) else PLAIN


def _analyzed(client: Elasticsearch, **request: Any) -> list[str] | None:
    """The words of a text; None where the cluster lacks what is asked for."""
    try:
        found = client.indices.analyze(**request)
    except BadRequestError:
        return None
    return [token["token"] for token in found["tokens"]]


# --- templates


def _template(client: Elasticsearch, alias: Alias, wanted: Mapped, dry_run: bool) -> Step:
    answer = client.options(ignore_status=404).indices.get_index_template(name=alias, flat_settings=True)
    found = answer.body.get("index_templates")
    if not found:
        return _put(client, alias, wanted, "template", dry_run)
    held = found[0]["index_template"]
    version = _version(held)
    if version > VERSION:
        return Step("refused", alias, _newer("the template", version))
    if version < VERSION:
        return _put(client, alias, wanted, f"template, in place of version {version}", dry_run)
    different = list(_differences(_comparable(held), _comparable(wanted)))
    if different:
        more = f" and {len(different) - _MOST_TOLD} more" if len(different) > _MOST_TOLD else ""
        return Step("differs", alias, "template: " + "; ".join(different[:_MOST_TOLD]) + more)
    return Step("same", alias, "template")


def _put(client: Elasticsearch, alias: Alias, wanted: Mapped, text: str, dry_run: bool) -> Step:
    if not dry_run:
        body = {key: value for key, value in wanted.items() if key != "_meta"}
        client.indices.put_index_template(name=alias, **body, meta=wanted["_meta"])
    return Step("create", alias, text)


def _comparable(template: Mapping[str, Any]) -> Mapped:
    """A template as Elasticsearch gives it back: settings flat and as text."""
    inner = template["template"]
    return {
        "index_patterns": template["index_patterns"],
        "priority": template.get("priority"),
        "settings": dict(_flat(inner.get("settings", {}))),
        "mappings": {name: value for name, value in inner.get("mappings", {}).items() if value != {}},
        "aliases": inner.get("aliases", {}),
    }


def _flat(settings: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in settings.items():
        name = f"{path}.{key}" if path else key
        if isinstance(value, Mapping):
            yield from _flat(value, name)
        else:
            yield name, [str(item) for item in value] if isinstance(value, list | tuple) else str(value)


def _differences(held: Any, wanted: Any, path: str = "") -> Iterator[str]:
    """What is not as it should be, in words."""
    if isinstance(held, Mapping) and isinstance(wanted, Mapping):
        for key in sorted({*held, *wanted}):
            yield from _differences(held.get(key), wanted.get(key), f"{path}.{key}" if path else key)
    elif held != wanted:
        yield f"{path} is {_told(held)}, wanted {_told(wanted)}"


def _told(value: Any) -> str:
    if value is None:
        return "not there"
    text = str(value)
    return text if len(text) <= 60 else f"{text[:60]}…"


# --- indices


def _indices(client: Elasticsearch, alias: Alias, wanted: Mapped, now: datetime, dry_run: bool) -> Iterator[Step]:
    """The first index where there is none, and fields that those of an older version lack."""
    existing = client.indices.get_mapping(index=f"{alias}-g*").body
    for index, held in sorted(existing.items()):
        version = _version(held["mappings"])
        if version > VERSION:
            yield Step("refused", index, _newer("the index", version))
        elif version < VERSION:
            yield _extend(client, index, wanted, version, dry_run)
        else:
            yield Step("same", index, "index")
    if not existing:
        index = index_of(alias, now)
        if not dry_run:
            create(client, index)
        yield Step("create", index, "index")


def create(client: Elasticsearch, index: str) -> None:
    """Creates an index, as its template says, where it is missing."""
    try:
        client.indices.create(index=index)
    except BadRequestError as error:
        if error.error != "resource_already_exists_exception":
            raise


def _extend(client: Elasticsearch, index: str, wanted: Mapped, version: int, dry_run: bool) -> Step:
    mappings = wanted["template"]["mappings"]
    if not dry_run:
        try:
            client.indices.put_mapping(index=index, properties=mappings["properties"], meta=mappings["_meta"])
        except BadRequestError as error:
            return Step("differs", index, f"cannot take the new fields ({explained(error)}); `wirewatch reindex`")
    return Step("create", index, f"fields that version {version} lacked")


# --- retention


def old_indices(client: Elasticsearch, alias: Alias, retention: timedelta, now: datetime | None = None) -> list[str]:
    """Indices of months that ended longer ago than the retention; one with an open alert stays."""
    before = (now or datetime.now(UTC)) - retention
    names = client.options(ignore_status=404).indices.get(index=f"{alias}-g*", features=["aliases"]).body
    old = [name for name in sorted(names) if (month := month_of(name)) and month[1] <= before]
    if alias != ALERTS:
        return old
    return [name for name in old if not client.count(index=name, query={"term": {"open": True}})["count"]]


def drop_old(client: Elasticsearch, alias: Alias, retention: timedelta, now: datetime | None = None) -> list[str]:
    """Drops the indices of months that ended longer ago than the retention; the names of those that went."""
    old = old_indices(client, alias, retention, now)
    for name in old:
        client.options(ignore_status=404).indices.delete(index=name)
    return old


def _old(
    client: Elasticsearch, alias: Alias, retention: timedelta, now: datetime, drop: bool, dry_run: bool
) -> list[Step]:
    if not drop:
        text = f"older than {retention.days} days; `wirewatch setup --drop-old` drops it"
        return [Step("differs", name, text) for name in old_indices(client, alias, retention, now)]
    old = old_indices(client, alias, retention, now) if dry_run else drop_old(client, alias, retention, now)
    return [Step("drop", name, f"older than {retention.days} days") for name in old]
