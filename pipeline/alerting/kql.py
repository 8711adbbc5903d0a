"""The Kibana Query Language: reads a query, checks every name in it, and gives the conditions that it means.

As in Kibana: unquoted words mean any of them in a text field and exactly them in a keyword field; quotes make a
phrase; `*` is a wildcard in values and field names; `events: { … }` asks for one and the same event. Free text looks in
title, summary and body. Keywords are case-sensitive, words of a text are not.
"""

import difflib
import math
import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import NamedTuple

from lark import Lark, Token, Tree, UnexpectedCharacters, UnexpectedInput, UnexpectedToken

from pipeline.alerting.conditions import (
    AnyWord,
    Clause,
    Condition,
    Conjunction,
    Disjunction,
    Equals,
    Everything,
    Evidence,
    Exists,
    Glob,
    Matches,
    Negation,
    Nested,
    Node,
    Phrase,
    Shaped,
    Text,
    Within,
    Words,
    quoted,
)
from pipeline.model.document import FIELDS, NESTED, TEXT, Document, FieldType
from pipeline.model.tokens import fold, tokens

LONGEST = 20_000
"""Characters of a query."""
DEEPEST = 60
"""Brackets, braces and `not` within one another."""


class KqlError(ValueError):
    """A query that cannot be read; the message says what to write instead. Line and column count from 1."""

    def __init__(self, message: str, line: int, column: int) -> None:
        super().__init__(f"{message} (line {line}, column {column})")
        self.message = message
        self.line = line
        self.column = column


class Query:
    """A query that was read and checked. Can be used from several threads."""

    def __init__(self, text: str, root: Node) -> None:
        self.text = text
        self.root = root

    def matches(self, document: Document) -> bool:
        """Whether the query holds of a document. This is what the query means; searches only get there faster."""
        return self.root.holds(document)

    def reasons(self, document: Document) -> list[Evidence]:
        """The conditions that made it hold, with their words. To be asked where it holds."""
        return list(dict.fromkeys(self.root.reasons(document)))

    def evidence(self, document: Document) -> list[Evidence]:
        """Every condition in the query's order, held or not, with the words that made it hold."""
        return list(self.root.explain(document))

    def required_terms(self) -> list[Clause]:
        """Clauses: of each, a document needs at least one term for the query to hold. Empty where nothing is known."""
        return self.root.clauses()


def parse(text: str, now: datetime | None = None) -> Query:
    """Reads a query. An empty one holds of every document.

    `now` (UTC) is what `now-7d` counts from; without it, as in rules, date arithmetic is refused.

    Raises:
        KqlError: the query cannot be read, or names a field that there is not.
    """
    if len(text) > LONGEST:
        raise KqlError(f"a query has at most {LONGEST:,} characters; split this one into several", 1, 1)
    try:
        tree = _parser().parse(text)
    except UnexpectedInput as error:
        raise _unexpected(error, text) from None
    if not tree.children:
        return Query(text, Everything())
    return Query(text, _Reader(now).node(_tree(tree.children[0]), Scope(None, ""), 0))


@cache
def _parser() -> "Lark":
    return Lark(
        Path(__file__).with_name("kql.lark").read_text(), parser="lalr", lexer="basic", propagate_positions=True
    )


# --- what went wrong, and what to do about it


def _unexpected(error: UnexpectedInput, text: str) -> KqlError:
    if isinstance(error, UnexpectedCharacters):
        rest = text[error.pos_in_stream or 0 :]
        message = (
            'this quote is never closed; close it with `"`, or write `\\"` to look for the sign itself'
            if rest.startswith('"')
            else "a backslash must be followed by the sign it stands before; write `\\\\` to look for a backslash"
        )
        return KqlError(message, error.line, error.column)
    if not isinstance(error, UnexpectedToken):
        return KqlError("the query ends too early", *_end(text))
    if error.token.type == "$END":
        return KqlError(_missing(text), *_end(text))
    return KqlError(_superfluous(error.token), error.token.line or 1, error.token.column or 1)


def _end(text: str) -> tuple[int, int]:
    """Line and column just behind the last sign."""
    written = text.rstrip()
    return written.count("\n") + 1, len(written) - (written.rfind("\n") + 1) + 1


def _missing(text: str) -> str:
    without_quotes = re.sub(r'\\.|"(\\.|[^"\\])*"', "", text, flags=re.S)
    for opening, closing in ("()", "{}"):
        if without_quotes.count(opening) > without_quotes.count(closing):
            return f"a `{opening}` is never closed; add `{closing}`"
    return "the query ends where a value or a condition is missing; add it, or remove the last sign or word"


def _superfluous(token: Token) -> str:
    match token.type:
        case "_OR" | "_AND":
            return f'`{token}` needs a condition on its left; to look for the word itself, write `"{token}"`'
        case "_NOT":
            return "`not` cannot follow a condition directly; write `and not` or `or not`"
        case "COLON":
            return "a `:` too many: write `and` or `or` between two conditions, and quote a value that contains `:`"
        case "RPAR" | "RBRACE":
            return f"this `{token}` closes nothing, or what it closes is empty"
        case "LBRACE":
            return "`{` must follow the name of a nested list, as in `events: { what: coup }`"
        case "COMPARE":
            return f"`{token}` must follow the name of a field, as in `published >= 2026-01-31`"
        case _:
            return f"`{token}` cannot stand here: write `and` or `or` between two conditions"


# --- from what is written to what is meant


class Scope(NamedTuple):
    """Inside which braces a name stands."""

    nested: str | None
    prefix: str
    """Put before names, with its point."""


class Literal(NamedTuple):
    """A name or value as written, and where."""

    parts: tuple[str, ...]
    """Split at unescaped `*`; one part where there is none."""
    is_quoted: bool
    line: int
    column: int

    @property
    def plain(self) -> str:
        return "*".join(self.parts)

    @property
    def wild(self) -> bool:
        return len(self.parts) > 1

    def error(self, message: str) -> KqlError:
        return KqlError(message, self.line, self.column)


def _tree(child: object) -> "Tree[Token]":
    assert isinstance(child, Tree)
    return child


_ESCAPED = re.compile(r"\\u([0-9a-fA-F]{4})|\\(.)|(\*)", re.S)
_WHITE = {"t": "\t", "n": "\n", "r": "\r"}


def _literal(tree: "Tree[Token]") -> Literal:
    """Takes quotes and escapes off."""
    found = [child for child in tree.children if isinstance(child, Token)]
    first = found[0]
    line, column = first.line or 1, first.column or 1
    if first.type == "QUOTED":
        value = _ESCAPED.sub(lambda m: m[3] or _unescaped(m), first[1:-1])
        return Literal((value,), True, line, column)
    parts = [""]
    for n, word in enumerate(found):
        at = 0
        parts[-1] += " " if n else ""
        for match in _ESCAPED.finditer(word):
            parts[-1] += word[at : match.start()]
            at = match.end()
            if match[3]:
                parts.append("")
            else:
                parts[-1] += _unescaped(match)
        parts[-1] += word[at:]
    return Literal(tuple(parts), False, line, column)


def _unescaped(match: "re.Match[str]") -> str:
    return chr(int(match[1], 16)) if match[1] else _WHITE.get(match[2], match[2])


class _Reader:
    """Turns a tree of signs into conditions."""

    def __init__(self, now: datetime | None) -> None:
        self.now = now

    def node(self, tree: "Tree[Token]", scope: Scope, depth: int) -> Node:
        if depth > DEEPEST:
            raise KqlError(
                f"brackets go deeper than {DEEPEST}; write the query flatter", tree.meta.line, tree.meta.column
            )
        children = [_tree(child) for child in tree.children if isinstance(child, Tree)]
        match tree.data:
            case "disjunction":
                return Disjunction([self.node(child, scope, depth + 1) for child in children])
            case "conjunction":
                return Conjunction([self.node(child, scope, depth + 1) for child in children])
            case "negation":
                return Negation(self.node(children[0], scope, depth + 1))
            case "nested":
                return self._nested(_literal(children[0]), children[1], scope, depth)
            case "range":
                return self._range(tree, scope)
            case "free":
                return self._free(_literal(children[0]), scope)
            case _:
                name = _literal(children[0])
                return self._values(children[1], name, _fields(name, scope), depth)

    def _nested(self, name: Literal, inner: "Tree[Token]", scope: Scope, depth: int) -> Node:
        path = scope.prefix + name.plain
        if scope.nested and any(field.startswith(f"{path}.") for field in FIELDS):
            return self.node(inner, Scope(scope.nested, f"{path}."), depth + 1)
        if scope.nested or path not in NESTED:
            known = _listed(NESTED, " or ")
            if any(field.startswith(f"{path}.") for field in FIELDS):
                raise name.error(f"`{path}` is not a nested list: write `{path}.…: value`, without braces")
            raise name.error(f"`{path}` is not a nested list{_nearest(path, NESTED)} Braces follow {known}")
        return Nested(path, self.node(inner, Scope(path, f"{path}."), depth + 1))

    def _free(self, value: Literal, scope: Scope) -> Node:
        if scope.nested:
            names = _listed(_names(scope)[:4])
            raise value.error(f"inside braces every value needs its field, as in `what: coup`; fields here: {names} …")
        if value.parts == ("", "") and not value.is_quoted:
            return Everything()
        return _text([FIELDS[name] for name in TEXT], value, _written(value))

    def _range(self, tree: "Tree[Token]", scope: Scope) -> Node:
        name, value = (_literal(_tree(child)) for child in (tree.children[0], tree.children[2]))
        operator = str(tree.children[1])
        fields = _fields(name, scope)
        fitting = [field for field in fields if field.kind in ("number", "date")]
        if not fitting:
            kinds = _listed(sorted(n for n, f in FIELDS.items() if f.kind in ("number", "date") and not f.nested)[:4])
            raise name.error(
                f"`{name.plain}` is neither a number nor a date, so `{operator}` cannot ask it; {kinds} … can"
            )
        return _either([self._bounded(field, operator, value) for field in fitting])

    def _bounded(self, field: FieldType, operator: str, value: Literal) -> Node:
        text = f"{field.name} {operator} {quoted(value.plain)}"
        if field.kind == "number":
            low = high = _number(value)
            if operator in (">", ">="):
                return Within([field], text, low=low, above=operator == ">")
            return Within([field], text, high=high, below=operator == "<")
        start, end = self._dates(value)
        match operator:
            case ">":
                return Within([field], text, low=end)
            case ">=":
                return Within([field], text, low=start)
            case "<":
                return Within([field], text, high=start, below=True)
            case _:
                return Within([field], text, high=end, below=True)

    def _values(self, tree: "Tree[Token]", name: Literal, fields: Sequence[FieldType], depth: int) -> Node:
        """What stands behind `field:`, a value or a list in brackets."""
        if depth > DEEPEST:
            raise name.error(f"brackets go deeper than {DEEPEST}; write the query flatter")
        children = [_tree(child) for child in tree.children if isinstance(child, Tree)]
        match tree.data:
            case "some_values":
                return _joined([self._values(child, name, fields, depth + 1) for child in children])
            case "all_values":
                return Conjunction([self._values(child, name, fields, depth + 1) for child in children])
            case "negation":
                return Negation(self._values(children[0], name, fields, depth + 1))
            case _:
                return self._value(_literal(children[0]), fields)

    def _value(self, value: Literal, fields: Sequence[FieldType]) -> Node:
        if value.parts == ("", "") and not value.is_quoted:
            return _either([Exists([field], f"{field.name}: *") for field in fields])
        several = len(fields) > 1
        nodes, error = [], None
        for field in fields:
            try:
                nodes.append(self._one(field, value))
            except KqlError as failed:  # of several fields, those that cannot hold the value are left out
                if not several:
                    raise
                error = failed
        if error and not nodes:
            raise error
        return _either(nodes)

    def _one(self, field: FieldType, value: Literal) -> Node:
        text = f"{field.name}: {_written(value)}"
        match field.kind:
            case "text":
                return _text([field], value, text)
            case "number":
                return Equals(field, [_number(value)], text)
            case "date":
                start, end = self._dates(value)
                return Within([field], text, low=start, high=end, below=True)
            case "boolean":
                if value.plain not in ("true", "false"):
                    raise value.error(f"`{field.name}` is true or false, not `{value.plain}`")
                return Equals(field, [value.plain == "true"], text)
            case _:
                if value.wild:
                    return Matches([field], Glob(value.parts), text)
                return Equals(field, [value.plain], text)

    def _dates(self, value: Literal) -> tuple[datetime, datetime]:
        """The stretch of time that a date stands for: a day, a minute, a second or an instant; end excluded."""
        written = value.plain.strip()
        if written.startswith("now") or "||" in written:
            if self.now is None:
                raise value.error(
                    f"`{written}` is date arithmetic, which a rule cannot use: it would mean something else each time"
                    " it is asked; write a date such as 2026-01-31, or say how old news may be with `fresh`"
                )
            return _arithmetic(value, written, self.now)
        found = _DATE.fullmatch(written)
        try:
            if not found:
                raise ValueError
            start = datetime.fromisoformat(written.upper())
            start = start.replace(tzinfo=UTC) if start.tzinfo is None else start.astimezone(UTC)
            return start, start + _exactness(found)
        except (ValueError, OverflowError):
            raise value.error(
                f'`{written}` is not a date; write 2026-01-31 or, in quotes, a time such as "2026-01-31T12:00:00Z"'
            ) from None


_DATE = re.compile(r"\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?P<s>:\d\d(?P<f>\.\d{1,6})?)?(?:Z|[+-]\d\d:\d\d)?)?", re.I)
_ARITHMETIC = re.compile(r"now((?:[+-]\d{1,6}[yMwdhHms])*)(?:/([yMwdhHms]))?")
_UNITS = {
    "y": timedelta(days=365), "M": timedelta(days=30), "w": timedelta(weeks=1), "d": timedelta(days=1),
    "h": timedelta(hours=1), "H": timedelta(hours=1), "m": timedelta(minutes=1), "s": timedelta(seconds=1),
}  # fmt: skip


def _exactness(found: "re.Match[str]") -> timedelta:
    if "T" not in found[0].upper():
        return timedelta(days=1)
    if found["f"]:
        return timedelta(milliseconds=1)
    return timedelta(seconds=1) if found["s"] else timedelta(minutes=1)


def _arithmetic(value: Literal, written: str, now: datetime) -> tuple[datetime, datetime]:
    found = _ARITHMETIC.fullmatch(written)
    try:
        if not found:
            raise ValueError
        for sign, count, unit in re.findall(r"([+-])(\d+)(\w)", found[1]):
            now += int(f"{sign}{count}") * _UNITS[unit]
        if not found[2]:
            return now, now + timedelta(milliseconds=1)
        step = _UNITS[found[2]]
        epoch = datetime(1970, 1, 5, tzinfo=UTC)  # a Monday
        start = now - (now - epoch) % step
        return start, start + step
    except (ValueError, OverflowError):
        raise value.error(
            f"`{written}` is no point in time; write it as `now`, `now-7d`, `now-12h` or `now/d`"
        ) from None


def _number(value: Literal) -> float:
    try:
        number = float(value.plain)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise value.error(f"`{value.plain}` is not a number; write it as 12 or 12.5")
    return number


def _written(value: Literal) -> str:
    """A value as KQL again."""
    if value.is_quoted:
        return '"' + value.plain.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return "*".join(re.sub(r'([\\():<>"*{}])', r"\\\1", part) for part in value.parts)


def _either(nodes: Sequence[Node]) -> Node:
    return nodes[0] if len(nodes) == 1 else Disjunction(nodes)


def _joined(nodes: Sequence[Node]) -> Node:
    """Several exact values of one field become one condition: a look-up instead of many comparisons."""
    exact = [node for node in nodes if isinstance(node, Equals)]
    if len(exact) < len(nodes):
        return Disjunction(nodes)
    field = exact[0].field
    values = " or ".join(node.text.removeprefix(f"{field.name}: ") for node in exact)
    return Equals(field, [value for node in exact for value in node.wanted], f"{field.name}: ({values})")


def _text(fields: Sequence[FieldType], value: Literal, text: str) -> Condition:
    if value.is_quoted:
        found = tokens(value.plain)
        if not found:
            raise value.error(f"there is no word in `{value.plain}` to look for")
        return Words(fields, found, text) if len(found) == 1 else Phrase(fields, found, text)
    plain: list[str] = []
    shaped: list[Text] = []
    for parts in _split_words(value.parts):
        if len(parts) == 1:
            plain += tokens(parts[0])
        else:
            shaped.append(Shaped(fields, _shape(value, parts), text))
    if not plain and not shaped:
        raise value.error(f"there is no word in `{value.plain}` to look for")
    if not shaped:
        return Words(fields, plain, text)
    return shaped[0] if len(shaped) == 1 and not plain else AnyWord(fields, [*shaped, Words(fields, plain, text)], text)


def _split_words(parts: Sequence[str]) -> list[tuple[str, ...]]:
    """At white space, keeping each word's own parts."""
    words: list[list[str]] = [[""]]
    for n, part in enumerate(parts):
        if n:
            words[-1].append("")
        first, *others = re.split(r"\s+", part)
        words[-1][-1] += first
        words += [[other] for other in others]
    return [tuple(word) for word in words if word != [""]]


def _shape(value: Literal, parts: Sequence[str]) -> Glob:
    for part in parts:
        if len(tokens(part)) > 1 or (part and not tokens(part)):
            raise value.error(
                f"`{'*'.join(parts)}` is more than one word, and `*` stands for letters of a single word;"
                " write the words apart, joined by `and`"
            )
    return Glob([fold(part) for part in parts])


# --- names of fields


def _fields(name: Literal, scope: Scope) -> list[FieldType]:
    """The fields that a name stands for, several where it has a wildcard."""
    full = scope.prefix + name.plain
    if name.wild and not name.is_quoted:
        glob = Glob([scope.prefix + name.parts[0], *name.parts[1:]])
        found = [field for field in FIELDS.values() if field.nested == scope.nested and glob.matches(field.name)]
        if not found:
            raise name.error(f"no field is called `{name.plain}`{_nearest(name.plain, _names(scope))}")
        return found
    field = FIELDS.get(full)
    if field and field.nested == scope.nested:
        return [field]
    raise name.error(_unknown(name.plain, full, scope))


def _names(scope: Scope) -> list[str]:
    """The names that can stand there."""
    return [
        name.removeprefix(scope.prefix)
        for name, field in FIELDS.items()
        if field.nested == scope.nested and name.startswith(scope.prefix)
    ]


def _unknown(written: str, full: str, scope: Scope) -> str:
    if not scope.nested:
        nested, _, rest = written.partition(".")
        if nested in NESTED:
            rest = rest or _names(Scope(nested, f"{nested}."))[0]
            return f"`{nested}` is a nested list: write `{nested}: {{ {rest}: … }}`, with braces"
    elif written.startswith(f"{scope.nested}."):
        return f"inside `{scope.nested}: {{ … }}` names are short: write `{written.removeprefix(f'{scope.nested}.')}`"
    parts = [name.removeprefix(scope.prefix) for name in FIELDS if name.startswith(f"{full}.")]
    if parts:
        return f"`{written}` has several parts: write {_listed(parts, ' or ')}"
    outside = FIELDS.get(written)
    if scope.nested and outside and not outside.nested:
        return f"`{written}` is a field of the article, not of `{scope.nested}`: move it out of the braces"
    return f"no field is called `{written}`{_nearest(written, _names(scope))}"


def _nearest(written: str, names: Sequence[str]) -> str:
    """A hint at the name that was meant."""
    key: Callable[[str], str] = str.lower
    by_key = {key(name): name for name in names}
    close = difflib.get_close_matches(key(written), by_key, n=1, cutoff=0.5)
    if not close:
        last = [name for name in names if name.rpartition(".")[2] == written.rpartition(".")[2]]
        return f"; did you mean `{last[0]}`?" if last else f"; there are {_listed(list(names)[:6])} …"
    return f"; did you mean `{by_key[close[0]]}`?"


def _listed(names: Sequence[str], glue: str = ", ") -> str:
    return glue.join(f"`{name}`" for name in names)
