"""One configuration: `wirewatch.yaml`, and `WIREWATCH_*` variables, which win. Checked whole before anything starts."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
import yaml

from connectors.pages import SiteRuleError, SiteRules, load_site_rules
from connectors.sdk.declare import DeclarationError, Declared, declare
from connectors.sdk.polite import Polite

FILE = Path("wirewatch.yaml")
PREFIX = "WIREWATCH_"
CONFIG = PREFIX + "CONFIG"

LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""libyaml's where PyYAML has it: ten thousand sources take a second or two instead of half a minute."""

Key = str | int


class SettingsError(ValueError):
    """The configuration is wrong; the message names file, line and key, or the variable."""


class Console(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the console listens."""

    host: str = "127.0.0.1"
    port: Annotated[int, msgspec.Meta(ge=0, le=65535)] = 8585


Mechanism = Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"]


class Kafka(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The brokers, where there are any: with `bootstrap` wirewatch runs on Kafka, without it in one process."""

    bootstrap: str = ""
    """host:port, several with commas between."""
    tls: bool = False
    ca_file: str = ""
    """PEM; empty for the authorities of the system."""
    certificate_file: str = ""
    """PEM, where the broker asks who we are by certificate."""
    key_file: str = ""
    mechanism: Mechanism | None = None
    """Of SASL, with `user` and `password`."""
    user: str = ""
    password: str = ""
    partitions: Annotated[int, msgspec.Meta(ge=1)] = 6
    """Of the topics that are read by several workers; fixed once they have been made."""
    replication: Annotated[int, msgspec.Meta(ge=1)] = 1


class Http(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A server that is spoken to over HTTP: Elasticsearch or Kibana."""

    url: str = ""
    user: str = ""
    password: str = ""
    api_key: str = ""
    """Instead of user and password."""
    ca_file: str = ""
    """PEM; empty for the authorities of the system."""
    fingerprint: str = ""
    """SHA-256 of the certificate, in hexadecimal, instead of `ca_file`."""


class _File(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The keys of wirewatch.yaml. Paths are relative to the file."""

    data: str = ".wirewatch"
    console: Console = Console()
    retention_days: Annotated[int, msgspec.Meta(ge=1)] = 35
    starter_rules: bool = True
    rules: tuple[str, ...] = ()
    watchlists: tuple[str, ...] = ()
    themes: tuple[str, ...] = ()
    wars: tuple[str, ...] = ()
    enrichers: tuple[str, ...] = ()
    outlets: str | None = None
    site_rules: tuple[str, ...] = ()
    allow: tuple[str, ...] = ()
    polite: Polite = Polite()
    sources: tuple[dict[str, Any], ...] = ()
    kafka: Kafka = Kafka()
    elasticsearch: Http = Http()
    kibana: Http = Http()


@dataclass(frozen=True)
class Settings:
    """What wirewatch runs with."""

    file: Path | None
    """Where it was read from; None where there is no file."""
    data: Path
    """Folder of everything wirewatch keeps."""
    console: Console
    retention_days: int
    starter_rules: bool
    """Whether the rules that ship with wirewatch apply, beside `rules`."""
    rules: tuple[Path, ...]
    watchlists: tuple[Path, ...]
    themes: tuple[Path, ...]
    wars: tuple[Path, ...]
    """Beside those that wirewatch knows of: whose soil a munition may hit without that being news of a third state."""
    outlets: Path | None
    """Table of outlets: owner, affiliation, reliability."""
    site_rules: SiteRules | None
    """How the pages of some sites are read, before the rules that are shipped; None for those alone."""
    allow: tuple[str, ...]
    """Hosts and networks that may be fetched from though they are not public."""
    sources: tuple[Declared, ...]
    enrichers: tuple[str, ...] = ()
    """Names of enrichers that installed packages offer, in the order in which they run."""
    polite: Polite = field(default_factory=Polite)
    """How hosts are spared that sources are fetched from."""
    kafka: Kafka = field(default_factory=Kafka)
    elasticsearch: Http = field(default_factory=Http)
    kibana: Http = field(default_factory=Http)

    @property
    def database(self) -> Path:
        return self.data / "wirewatch.db"


VARIABLES: dict[str, tuple[Key, ...]] = {
    "DATA": ("data",),
    "CONSOLE_HOST": ("console", "host"),
    "CONSOLE_PORT": ("console", "port"),
    "RETENTION_DAYS": ("retention_days",),
    "STARTER_RULES": ("starter_rules",),
    "RULES": ("rules",),
    "WATCHLISTS": ("watchlists",),
    "THEMES": ("themes",),
    "WARS": ("wars",),
    "ENRICHERS": ("enrichers",),
    "OUTLETS": ("outlets",),
    "SITE_RULES": ("site_rules",),
    "ALLOW": ("allow",),
    **{
        f"{section}_{field}".upper(): (section, field)
        for section, kind in (("polite", Polite), ("kafka", Kafka), ("elasticsearch", Http), ("kibana", Http))
        for field in kind.__struct_fields__
    },
}
"""Variables without their prefix, and the keys they set. Lists are separated as in PATH."""
LISTS = {"RULES", "WATCHLISTS", "THEMES", "WARS", "ENRICHERS", "SITE_RULES", "ALLOW"}


def load(path: Path | None = None, environ: Mapping[str, str] = os.environ) -> Settings:
    """Reads `path`, or the file named by WIREWATCH_CONFIG, or wirewatch.yaml where there is one.

    Raises:
        SettingsError: anything is wrong, the first mistake being named.
    """
    named = path or (Path(environ[CONFIG]) if environ.get(CONFIG) else None)
    if named and not named.is_file():
        raise SettingsError(f"{named}: there is no such file")
    file = named or (FILE if FILE.is_file() else None)
    document = _Document(file)
    variables = _variables(environ)
    given = document.value
    for name, value in variables.items():
        _put(given, VARIABLES[name], value)
    try:
        keys = msgspec.convert(given, _File, strict=not variables)
    except msgspec.ValidationError as error:
        message, _, where = str(error).partition(" - at `$")
        raise document.error(_path(where.rstrip("`"), message), message, variables) from None
    base = file.parent if file else Path()
    paths = {
        key: tuple(_existing(base, text, (key, number), document, variables) for number, text in enumerate(texts))
        for key, texts in (
            ("rules", keys.rules),
            ("watchlists", keys.watchlists),
            ("themes", keys.themes),
            ("wars", keys.wars),
        )
    }
    return Settings(
        file=file,
        data=base / keys.data if "DATA" not in variables else Path(keys.data),
        console=keys.console,
        retention_days=keys.retention_days,
        starter_rules=keys.starter_rules,
        **paths,
        outlets=_existing(base, keys.outlets, ("outlets",), document, variables) if keys.outlets else None,
        site_rules=_site_rules(base, keys.site_rules, document, variables),
        enrichers=keys.enrichers,
        allow=keys.allow,
        polite=keys.polite,
        kafka=keys.kafka,
        elasticsearch=keys.elasticsearch,
        kibana=keys.kibana,
        sources=_sources(keys.sources, document),
    )


def _variables(environ: Mapping[str, str]) -> dict[str, Any]:
    given: dict[str, Any] = {}
    for variable, text in environ.items():
        name = variable.removeprefix(PREFIX)
        if not variable.startswith(PREFIX) or variable == CONFIG:
            continue
        if name not in VARIABLES:
            raise SettingsError(f"{variable}: no such setting; there are {', '.join(PREFIX + n for n in VARIABLES)}")
        given[name] = [part for part in text.split(os.pathsep) if part] if name in LISTS else text
    return given


def _put(into: dict[str, Any], keys: Sequence[Key], value: Any) -> None:
    *parents, last = keys
    for key in parents:
        inner = into.get(str(key))
        into[str(key)] = into = dict(inner) if isinstance(inner, dict) else {}
    into[str(last)] = value


def _path(where: str, message: str) -> tuple[Key, ...]:
    """`.sources[0].kind` as keys; where a key is unknown or missing, that key is the last one."""
    parts = [part for part in where.replace("[", ".[").split(".") if part]
    keys: list[Key] = [int(part[1:-1]) if part[1:-1].isdecimal() and part[0] == "[" else part for part in parts]
    if "unknown field" in message:
        keys.append(message.split("`")[1])
    return tuple(keys)


def _existing(
    base: Path, text: str, keys: tuple[Key, ...], document: "_Document", variables: Mapping[str, Any]
) -> Path:
    by_variable = any(VARIABLES[name] == keys[:1] for name in variables)
    path = Path(text) if by_variable else base / text
    if not path.exists():
        raise document.error(keys, f"{path} does not exist", variables)
    return path


def _site_rules(
    base: Path, texts: Sequence[str], document: "_Document", variables: Mapping[str, Any]
) -> SiteRules | None:
    paths = [_existing(base, text, ("site_rules", number), document, variables) for number, text in enumerate(texts)]
    try:
        return load_site_rules(paths) if paths else None
    except SiteRuleError as error:
        raise SettingsError(str(error)) from None


def _sources(entries: Sequence[Mapping[str, Any]], document: "_Document") -> tuple[Declared, ...]:
    sources: dict[str, Declared] = {}
    for number, entry in enumerate(entries):
        keys: tuple[Key, ...] = ("sources", number)
        try:
            declared = declare(entry)
        except DeclarationError as error:
            key = tuple(part for part in error.key.split(".") if part)
            raise document.error((*keys, *key), error.message, {}) from None
        if declared.id in sources:
            raise document.error((*keys, "id"), f"`{declared.id}` is the id of an earlier source too", {})
        sources[declared.id] = declared
    return tuple(sources.values())


class _Document:
    """A YAML file whose mistakes can be pointed at."""

    def __init__(self, file: Path | None) -> None:
        self._file = file
        self._root: yaml.Node | None = None
        self.value: dict[str, Any] = {}
        if file is None:
            return
        try:
            text = file.read_text("utf-8")
            loader = LOADER(text)
            self._root = loader.get_single_node()
            value = loader.construct_document(self._root) if self._root else None
        except yaml.MarkedYAMLError as error:
            line = f"{error.problem_mark.line + 1}:" if error.problem_mark else ""
            raise SettingsError(f"{file}:{line} not YAML: {error.problem}") from None
        except (OSError, UnicodeError, yaml.YAMLError, RecursionError) as error:
            raise SettingsError(f"{file}: cannot be read: {error}") from None
        if value is not None and not isinstance(value, dict):
            raise SettingsError(f"{file}:1: expected keys such as `sources:`")
        self.value = value or {}

    def error(self, keys: tuple[Key, ...], message: str, variables: Mapping[str, Any]) -> SettingsError:
        """What is wrong at `keys`, with the line, or the variable that set it."""
        for name in variables:
            if VARIABLES[name] == tuple(key for key in keys if isinstance(key, str))[: len(VARIABLES[name])]:
                return SettingsError(f"{PREFIX}{name}: {message}")
        name = "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in keys).lstrip(".")
        return SettingsError(f"{self._file or 'settings'}:{self._line(keys)}: {name}: {message}")

    def _line(self, keys: tuple[Key, ...]) -> int:
        node, line = self._root, 1
        for key in keys:
            found = _child(node, key)
            if found is None:
                break
            line, node = found
        return line


def _child(node: yaml.Node | None, key: Key) -> tuple[int, yaml.Node] | None:
    """The line of a key, counted from 1, and the node under it."""
    if isinstance(node, yaml.MappingNode):
        for name, value in node.value:
            if name.value == str(key):
                return name.start_mark.line + 1, value
    if isinstance(node, yaml.SequenceNode) and isinstance(key, int) and key < len(node.value):
        item = node.value[key]
        return item.start_mark.line + 1, item
    return None
