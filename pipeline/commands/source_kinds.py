"""`sources kinds` and `sources new`: what kinds of source there are, and the start of another."""

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipeline.commands import show
from pipeline.commands.common import fail, on_terminal

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

COMMON = {
    "id": "Identifies it; made from its address where it is not given.",
    "name": "Shown to people.",
    "country": "Of the outlet, ISO 3166-1 alpha-3.",
    "owner": "Outlets of one owner are not independent of one another.",
    "affiliation": "The state that controls the outlet, alpha-3.",
    "reliability": "NATO Admiralty code, A to F.",
    "every": "Seconds between polls; left to the schedule where it is not given.",
}
"""Keys that every source has."""


def list_kinds(
    name: Annotated[str | None, typer.Argument(metavar="[KIND]", help="Only this one.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One object a line, with the JSON Schema.")] = False,
) -> None:
    """List the kinds of source, the keys each is configured with, and the package it comes from.

    Examples:

        wirewatch sources kinds

        wirewatch sources kinds sitemap
    """
    from connectors.sdk import kinds

    offered = kinds()
    if name and name not in offered:
        fail(f"no kind of source is called `{name}`; there are: {', '.join(offered)}")
    for found in [offered[name]] if name else offered.values():
        if as_json:
            import json

            typer.echo(json.dumps(_described(found), ensure_ascii=False))
        else:
            _show_kind(_described(found))
    if not as_json:
        typer.echo("Keys that every source has:")
        _show_keys([(key, "", meaning) for key, meaning in COMMON.items()])


def _described(found: "EntryPoint") -> dict[str, Any]:
    """A kind as it is shown; one that cannot be loaded has `error` in the place of `config`."""
    from connectors.sdk import kind

    package = f"{found.dist.name} {found.dist.version}" if found.dist else "no package"
    about: dict[str, Any] = {"kind": found.name, "package": package, "module": found.value}
    try:
        loaded = kind(found.name)
        return about | {"summary": loaded.summary, "config": loaded.config.model_json_schema()}
    except Exception as error:  # a foreign module may fail in any way, and must not hide the others
        return about | {"error": f"{type(error).__name__}: {error}"}


def _show_kind(about: dict[str, Any]) -> None:
    typer.echo(f"{show.printable(about['kind'])}  ({show.printable(about['package'])}, {about['module']})")
    if "error" in about:
        typer.echo(f"  cannot be used: {show.printable(about['error'])}\n")
        return
    schema = about["config"]
    required = set(schema.get("required", ()))
    typer.echo(f"  {show.printable(about['summary'])}")
    _show_keys(
        [
            (key, _type(field, schema) + _default(field, key in required), field.get("description", ""))
            for key, field in schema.get("properties", {}).items()
        ]
    )
    for example in schema.get("examples", ())[:1]:
        from pipeline.commands.source_entries import as_yaml

        ordered = {key: example[key] for key in schema["properties"] if key in example}
        typer.echo(f"  for example\n{as_yaml([{'kind': about['kind'], **ordered}], '    ')}")


def _show_keys(rows: list[tuple[str, str, str]]) -> None:
    widths = [max((len(row[column]) for row in rows), default=0) for column in (0, 1)]
    for key, type_, meaning in rows:
        middle = f"{type_:<{widths[1]}}  " if widths[1] else ""
        typer.echo(f"    {key:<{widths[0]}}  {middle}{show.printable(meaning)}".rstrip())
    typer.echo()


def _type(field: dict[str, Any], schema: dict[str, Any]) -> str:
    """The type of a field in a word or two."""
    if reference := field.get("$ref"):
        return _type(schema.get("$defs", {}).get(reference.rpartition("/")[2], {}), schema)
    if field.get("format") == "password":
        return "secret"
    if "enum" in field or "const" in field:
        return " | ".join(map(str, field.get("enum", [field.get("const")])))
    for several in ("anyOf", "oneOf"):
        if several in field:
            types = dict.fromkeys(_type(one, schema) for one in field[several] if one.get("type") != "null")
            return " | ".join(types)
    if field.get("type") == "array":
        return f"list of {_type(field.get('items', {}), schema)}"
    return {"object": "mapping", "boolean": "true/false", "": "anything"}.get(
        str(field.get("type", "")), str(field.get("type", ""))
    )


def _default(field: dict[str, Any], required: bool) -> str:
    if required:
        return ", required"
    default = field.get("default")
    if default in (None, "", [], {}):
        return ""
    return f", {str(default).lower() if isinstance(default, bool) else default}"


def new_kind(
    name: Annotated[str, typer.Argument(help="Name of the kind: small letters, figures and hyphens.")],
    folder: Annotated[
        Path | None, typer.Option("--into", metavar="FOLDER", help="Where to write; ./wirewatch-NAME by default.")
    ] = None,
) -> None:
    """Write a package with a new kind of source that works: function, entry point, conformance test, README.

    Examples:

        wirewatch sources new my-archive
    """
    from connectors.sdk import kinds
    from connectors.sdk.template import write

    if not re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", name):
        fail(f"`{name}` cannot be a name: small letters, figures and single hyphens, a letter first")
    if name in kinds():
        fail(f"there is a kind `{name}` already, from {kinds()[name].value}; choose another name")
    into = folder or Path(f"wirewatch-{name}")
    if into.exists() and (not into.is_dir() or any(into.iterdir())):
        fail(f"{into} is there already, and not empty; choose another place with --into")
    for path in write(name, into):
        typer.echo(str(path))
    if on_terminal():
        typer.echo(f"\nNext: cd {into} && pip install -e . && pytest; README.md says where to go on.")
