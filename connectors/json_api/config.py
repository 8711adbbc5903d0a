"""What a json-api source is declared with: a request, where the items are, what their fields are called."""

import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import (
    AfterValidator,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    TypeAdapter,
    ValidationError,
)
from pydantic import model_validator as validator

from connectors.json_api.dates import FORMATS
from connectors.json_api.expression import Expression
from connectors.json_api.template import names
from connectors.sdk import Secret, SourceConfig

PRESETS = files("connectors.json_api") / "presets"
UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
OWN = {"since", "until", "page", "offset", "token", "size"}
"""Names that a request may mention and that have their values from cursor and paging."""

_SECRET: TypeAdapter[SecretStr] = TypeAdapter(Secret)


def _secret(value: Any) -> SecretStr:
    try:
        return _SECRET.validate_python(value)
    except ValidationError as error:
        said = error.errors(include_url=False, include_input=False)[0]["msg"]
        raise ValueError(said.removeprefix("Value error, ")) from None


class Part(SourceConfig):
    """Base of the parts of a declaration."""


def _seconds(value: Any) -> Any:
    found = re.fullmatch(r"(\d+)\s*([smhd])", value.strip()) if isinstance(value, str) else None
    if found:
        return int(found[1]) * UNITS[found[2]]
    if isinstance(value, str):
        raise ValueError("a duration is a whole number with s, m, h or d, as `1h`")
    return value


Duration = Annotated[float, BeforeValidator(_seconds, json_schema_input_type=str | float), Field(ge=0)]
"""Seconds, or a whole number with s, m, h or d."""


def _dated(form: str) -> str:
    if form not in FORMATS and "%" not in form:
        raise ValueError(f"is one of {', '.join(FORMATS)} or a pattern of strftime, as `%Y%m%d`")
    return form


def _with_secrets(value: Any) -> Any:
    """The value, wherever in it `{env: NAME}` or `{file: PATH}` stands having become the secret."""
    if isinstance(value, Mapping):
        if len(value) == 1 and set(value) <= {"env", "file"}:
            return _secret(value)
        return {str(key): _with_secrets(part) for key, part in value.items()}
    return [_with_secrets(part) for part in value] if isinstance(value, list) else value


Filled = Annotated[Any, BeforeValidator(_with_secrets)]
"""A value of a request: `{name}` in texts is replaced, `{env: NAME}` and `{file: PATH}` are secrets."""


class Request(Part):
    """What is asked."""

    url: str
    """Address; `{name}` in it is replaced, as everywhere in a request."""
    method: Literal["GET", "POST"] | None = None
    """GET, or POST where there is a body."""
    query: dict[str, Filled] = Field(default_factory=dict)
    """Parameters of the address; a list is repeated; what mentions a name that has no value is left out."""
    headers: dict[str, Filled] = Field(default_factory=dict)
    """Headers; `{env: NAME}` and `{file: PATH}` are secrets, here and in query and body."""
    body: Filled = None
    """Sent as JSON."""


class Outlet(Part):
    """Who published an item, where the API has items of many outlets."""

    id: Expression
    """Id of the outlet, by which the table of outlets knows it, such as its domain."""
    name: Expression | None = None
    """Its name as people know it; its id where nothing is given."""


class Fields(Part):
    """Where an item has what; at least one of title, body and summary."""

    key: Expression | None = None
    """What identifies it; its link where nothing is given."""
    url: Expression | None = None
    """Its link."""
    title: Expression | None = None
    """Its headline."""
    body: Expression | None = None
    """Its whole text, or as much of it as the API gives."""
    summary: Expression | None = None
    """Its lead; stands for the body where there is none."""
    authors: Expression | None = None
    """One name or a list of names."""
    published: Expression | None = None
    """RFC 3339, RFC 2822, seconds or milliseconds since 1970, `20261124T143000Z` or a date."""
    outlet: Outlet | None = None
    """Who published it, where that is not the source itself."""

    @validator(mode="after")
    def _has_text(self) -> Self:
        if not (self.title or self.body or self.summary):
            raise ValueError("needs at least one of title, body and summary")
        return self


class Cursor(Part):
    """How to ask only for what is new: `{since}` in the request has the newest date or id that was read."""

    kind: Literal["none", "since-date", "newest-id"] = "none"
    """`none`: what was seen tells what is new."""
    path: Expression | None = None
    """Date or id in an item; `published` or `key` where nothing is given."""
    format: Annotated[str, AfterValidator(_dated)] = "iso"
    """How `{since}` and `{until}` are written: iso, date, compact, epoch, epoch-ms or a pattern of strftime."""
    overlap: Duration = 3600.0
    """Asked again each time, since APIs list items late; what was seen is not repeated."""
    lookback: Duration = 86400.0
    """Where a source begins: so long before its first poll."""


class Paging(Part):
    """How to ask for more than one page, by what the request mentions: `{token}`, `{page}`, `{offset}` or `{until}`.

    `token` goes on with what `next` finds in the answer, a token or an address; `link` with the Link header's `next`;
    `until` with the oldest date of the page; `newest` with the newest id, for APIs that give the oldest first.
    """

    kind: Literal["none", "token", "link", "page", "offset", "until", "newest"] = "none"
    """What leads to the next page."""
    next: Expression | None = None
    """Where the answer has the token or address of the next page."""
    last: Expression | None = None
    """How many pages there are, where the answer says so."""
    first: int = 1
    """Number of the first page."""
    max: Annotated[int, Field(ge=1)] = 20
    """Requests a poll; the next poll goes on from there."""


@cache
def presets() -> tuple[str, ...]:
    """The names of the presets that ship."""
    return tuple(sorted(file.name.removesuffix(".yaml") for file in PRESETS.iterdir() if file.name.endswith(".yaml")))


class JsonApiConfig(SourceConfig):
    """A JSON API, or `preset` and the preset's own parameters."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "request": {"url": "https://api.news.example/search", "query": {"q": "embassy", "from": "{since}"}},
                    "items": "results",
                    "fields": {"key": "id", "url": "link", "title": "headline", "published": "date"},
                    "cursor": {"kind": "since-date"},
                }
            ]
        }
    )

    preset: str | None = Field(
        default=None,
        description=f"A declaration that ships, with its own parameters beside it: {', '.join(presets())}.",
    )
    request: Request
    """Address, parameters, headers and body of what is asked."""
    values: dict[str, Filled] = Field(default_factory=dict)
    """Names that the request mentions, with their values: parameters of a preset, secrets."""
    items: Expression
    """Where an answer has the list of items: JMESPath."""
    fields: Fields
    """Where an item has what: JMESPath, or `{template: "https://news.example/{section}/{id}"}`."""
    error: Expression | None = None
    """Where an answer says that it is an error; null where it is none."""
    cursor: Cursor = Cursor()
    """How to ask only for what is new."""
    paging: Paging = Paging()
    """How to ask for more than one page."""
    size: Annotated[int, Field(ge=1)] | None = None
    """Items that a full page has; `{size}` in the request."""
    rate: Annotated[float, Field(gt=0)] = 30.0
    """Requests a minute at most."""
    html: bool = True
    """Whether texts may be HTML."""
    pages: bool = False
    """Fetch the page behind an item that comes without its full text."""

    @validator(mode="before")
    @classmethod
    def _from_preset(cls, given: Any) -> Any:
        if not isinstance(given, Mapping) or not isinstance(given.get("preset"), str):
            return given
        return expand(given)

    @validator(mode="after")
    def _fits_together(self) -> Self:
        mentioned = _mentioned(self.request)
        optional = set(preset(self.preset).parameters) if self.preset else set()
        unknown = sorted(mentioned - OWN - optional - self.values.keys())
        if unknown:
            raise ValueError(f"the request mentions {{{unknown[0]}}}, which `values` does not give")
        always = {self.paging.kind, "size" if self.size else "", "since" if self.cursor.kind == "since-date" else ""}
        missing = sorted(names(self.request.url) - always - self.values.keys())
        if missing:
            raise ValueError(f"the address of the request mentions {{{missing[0]}}}, which may have no value")
        needs = {"page": "page", "offset": "offset", "until": "until", "newest": "since"}.get(self.paging.kind)
        if needs and needs not in mentioned:
            raise ValueError(f"paging by {self.paging.kind} needs {{{needs}}} in the request")
        if self.paging.kind == "token" and not self.paging.next:
            raise ValueError("paging by token needs `next`, the path of the token or address of the next page")
        if self.paging.kind == "until" and not (self.size and self.cursor.kind == "since-date"):
            raise ValueError("paging by until needs `size` and a cursor of the kind since-date")
        if self.paging.kind == "newest" and self.cursor.kind != "newest-id":
            raise ValueError("paging by newest needs a cursor of the kind newest-id")
        if self.cursor.kind == "since-date" and not (self.cursor.path or self.fields.published):
            raise ValueError("a cursor of the kind since-date needs `fields.published` or its own `path`")
        if self.cursor.kind == "newest-id" and not (self.cursor.path or self.fields.key):
            raise ValueError("a cursor of the kind newest-id needs `fields.key` or its own `path`")
        return self

    @property
    def goes_by_address(self) -> bool:
        """Whether the place of the next page is an address, not a value for the request."""
        return self.paging.kind == "link" or (self.paging.kind == "token" and "token" not in _mentioned(self.request))


def _mentioned(request: Request) -> set[str]:
    return names(request.url) | names(request.query) | names(request.headers) | names(request.body)


class Parameter(Part):
    """What a preset asks for."""

    about: str
    """What it is and where to get it."""
    default: str | int | bool | None = None
    """Its value where none is given."""
    optional: bool = False
    """May be left out: what mentions it in the request is left out too."""
    secret: bool = False
    """Never to be shown."""


class Preset(Part):
    """A declaration with open parameters."""

    title: str
    """Name of the API."""
    about: str
    """What it has."""
    parameters: dict[str, Parameter]
    """Names that the declaration mentions."""
    declaration: dict[str, Any]
    """The keys of a json-api source."""


@cache
def preset(name: str) -> Preset:
    """A preset that ships.

    Raises:
        ValueError: there is none of that name.
    """
    if name not in presets():
        raise ValueError(f"no preset is called {name}; there are {', '.join(presets())}")
    return Preset.model_validate(yaml.safe_load((PRESETS / f"{name}.yaml").read_bytes()))


def expand(given: Mapping[str, Any]) -> dict[str, Any]:
    """The declaration that a preset and its parameters stand for; keys of a declaration given beside them win.

    Raises:
        ValueError: no such preset, a parameter that it does not have, or one missing that it needs.
    """
    found = preset(given["preset"])
    own = {key: value for key, value in given.items() if key in JsonApiConfig.model_fields and key != "values"}
    values = {key: value for key, value in given.items() if key not in own and key != "values"}
    values |= given.get("values") or {}
    for name in values.keys() - found.parameters.keys():
        known = ", ".join(found.parameters)
        raise ValueError(f"the preset {given['preset']} has no parameter {name}; it has {known}")
    for name, parameter in found.parameters.items():
        if name in values:
            if parameter.secret:
                values[name] = _secret(values[name])
        elif parameter.default is not None:
            values[name] = parameter.default
        elif not parameter.optional:
            raise ValueError(f"the preset {given['preset']} needs `{name}`: {parameter.about}")
    return {**found.declaration, "values": values, **own}


def secrets(config: JsonApiConfig) -> list[str]:
    """Every secret of a declaration, in the clear."""
    places = [config.values, config.request.query, config.request.headers, config.request.body]
    return sorted({secret for place in places for secret in _secrets(place) if secret}, key=len, reverse=True)


def _secrets(value: Any) -> list[str]:
    if isinstance(value, SecretStr):
        return [value.get_secret_value()]
    parts = value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ()
    return [secret for part in parts for secret in _secrets(part)]
