"""JMESPath as a declaration uses it: checked when it is loaded, evaluated over what came from outside."""

import re
from collections.abc import Iterator
from functools import cache
from typing import Annotated, Any

import jmespath
from jmespath import functions
from jmespath.exceptions import JMESPathError
from jmespath.parser import ParsedResult
from pydantic import AfterValidator, BeforeValidator

PLACE = re.compile(r"\{([^{}]*)\}")


class _Functions(functions.Functions):
    """The standard functions, and `split` as JMESPath Community defines it."""

    @functions.signature({"types": ["string"]}, {"types": ["string"]})
    def _func_split(self, subject: str, search: str) -> list[str]:
        return subject.split(search) if search else list(subject)


OPTIONS = jmespath.Options(custom_functions=_Functions())


def _plain(value: Any) -> Any:
    """A template as the expression that means the same."""
    if not isinstance(value, dict) or set(value) != {"template"} or not isinstance(value["template"], str):
        return value
    template = value["template"]
    found = [match[1] for match in PLACE.finditer(template)]
    if not found or not all(part.strip() for part in found):
        raise ValueError(f"the template {template} needs an expression between braces")
    parts: list[str] = []
    for number, text in enumerate(PLACE.split(template)):
        if number % 2:
            parts.append(f"to_string({text})")
        elif text:
            parts.append("'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'")
    return " && ".join([*(f"({part})" for part in found), f"join('', [{', '.join(parts)}])"])


def checked(expression: str) -> str:
    """The expression itself.

    Raises:
        ValueError: it cannot be parsed, or calls a function that does not exist.
    """
    for name in _calls(compiled(expression).parsed):
        if name not in _Functions.FUNCTION_TABLE:
            known = ", ".join(sorted(_Functions.FUNCTION_TABLE))
            raise ValueError(f"`{expression}` calls {name}, which JMESPath does not have; there are {known}")
    return expression


Expression = Annotated[
    str, BeforeValidator(_plain, json_schema_input_type=str | dict[str, str]), AfterValidator(checked)
]
"""A JMESPath expression, or `{template: "text {expression} text"}`; null where one of a template's finds nothing."""


@cache
def compiled(expression: str) -> ParsedResult:
    """The expression, parsed.

    Raises:
        ValueError: it is no JMESPath expression.
    """
    try:
        return jmespath.compile(expression)
    except JMESPathError as error:
        column = getattr(error, "lex_position", None)
        where = "" if column is None else f"; it goes wrong at character {column + 1}"
        raise ValueError(f"`{expression}` is no JMESPath expression{where}") from None


def _calls(node: Any) -> Iterator[str]:
    if node["type"] == "function_expression":
        yield str(node["value"])
    for child in node["children"]:
        if isinstance(child, dict):
            yield from _calls(child)


def find(expression: str, data: Any) -> Any:
    """What the expression finds.

    Raises:
        ValueError: what is there is not what a function of the expression takes.
    """
    try:
        return compiled(expression).search(data, OPTIONS)
    except Exception as error:  # jmespath lets TypeErrors and others of foreign data through
        raise ValueError(f"`{expression}` cannot be evaluated: {' '.join(str(error).split())[:300]}") from None
