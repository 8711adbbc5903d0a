"""The meaning of a query: a tree of conditions, each of which holds of a document or does not."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from functools import lru_cache
from heapq import merge
from itertools import islice
from typing import Any, NamedTuple, Protocol, cast

from pipeline.model.document import Document, FieldType, View
from pipeline.model.enriched import Span

MOST_ITEMS = 3
"""Items of a nested list, and places of a word, that are shown as reasons."""

EXISTS = "*"
"""As the value of a term: the field has any value."""


class Term(NamedTuple):
    """Something a document has: a value in a field, or (field empty) a word in its text."""

    field: str
    value: str


class Evidence(NamedTuple):
    """A condition on an article, and whether it held there."""

    condition: str
    """In KQL, with the value found where it held."""
    held: bool
    span: Span | None = None
    """The words that made it hold."""
    found: tuple[str, ...] = ()
    """What the article has instead, where it did not hold."""
    depth: int = 0
    """How deep it stands in the query."""


class Clause(NamedTuple):
    """Terms of which a document must have at least one for the condition to hold."""

    terms: frozenset[Term]
    cost: float
    """Expected share of documents that have one: smaller is better."""


class Node(Protocol):
    """A part of a query."""

    @property
    def text(self) -> str: ...

    def holds(self, view: View) -> bool: ...

    def reasons(self, view: View) -> Iterator[Evidence]:
        """The conditions that made it hold; to be asked only where it holds."""
        ...

    def explain(self, view: View, depth: int = 0) -> Iterator[Evidence]:
        """Every condition, held or not."""
        ...

    def clauses(self) -> list[Clause]:
        """What a document cannot lack; empty where nothing can be said."""
        ...


class Glob:
    """A pattern whose only special sign is `*`, kept as the parts between the stars. Matches in linear time."""

    __slots__ = ("parts",)

    def __init__(self, parts: Sequence[str]) -> None:
        self.parts = tuple(parts)

    def matches(self, value: str) -> bool:
        first, *middle, last = self.parts
        if len(value) < len(first) + len(last) or not (value.startswith(first) and value.endswith(last)):
            return False
        at, end = len(first), len(value) - len(last)
        for part in middle:
            at = value.find(part, at, end)
            if at < 0:
                return False
            at += len(part)
        return True


_BROAD = {
    "status": 0.9, "kind": 0.7, "stance": 0.7, "type": 0.4, "mode": 0.2, "context": 0.2, "language": 0.2, "code": 0.2,
    "country": 0.1, "affiliation": 0.1, "reliability": 0.3, "states": 0.05, "countries": 0.05, "themes": 0.1,
}  # fmt: skip


def _cost(term: Term) -> float:
    if term.value == EXISTS:
        return 1.0
    if not term.field:
        return 0.1 / (1 + len(term.value))
    return _BROAD.get(term.field.rpartition(".")[2], 0.02)


def _clause(terms: Iterable[Term]) -> Clause:
    known = frozenset(terms)
    return Clause(known, sum(map(_cost, known)))


def _clause_exists(fields: Iterable[FieldType]) -> list[Clause]:
    """For conditions that only say that some value is there."""
    return [_clause(Term(field.name, EXISTS) for field in fields)]


class Everything:
    """Holds of every document."""

    text = "*"

    def holds(self, view: View) -> bool:  # noqa: ARG002
        return True

    def reasons(self, view: View) -> Iterator[Evidence]:  # noqa: ARG002
        return iter(())

    def explain(self, view: View, depth: int = 0) -> Iterator[Evidence]:  # noqa: ARG002
        yield Evidence("*", True, depth=depth)

    def clauses(self) -> list[Clause]:
        return []


class Conjunction:
    """Each part holds."""

    def __init__(self, parts: Sequence[Node]) -> None:
        self.parts = tuple(parts)
        self.text = " and ".join(_bracketed(part, Disjunction) for part in parts)

    def holds(self, view: View) -> bool:
        for part in self.parts:  # noqa: SIM110  (a loop is twice as fast as all(…), here and below)
            if not part.holds(view):
                return False
        return True

    def reasons(self, view: View) -> Iterator[Evidence]:
        for part in self.parts:
            yield from part.reasons(view)

    def explain(self, view: View, depth: int = 0) -> Iterator[Evidence]:
        for part in self.parts:
            yield from part.explain(view, depth)

    def clauses(self) -> list[Clause]:
        return [clause for part in self.parts for clause in part.clauses()]


class Disjunction:
    """At least one part holds."""

    def __init__(self, parts: Sequence[Node]) -> None:
        self.parts = tuple(parts)
        self.text = " or ".join(part.text for part in parts)

    def holds(self, view: View) -> bool:
        for part in self.parts:  # noqa: SIM110
            if part.holds(view):
                return True
        return False

    def reasons(self, view: View) -> Iterator[Evidence]:
        for part in self.parts:
            if part.holds(view):
                yield from part.reasons(view)

    def explain(self, view: View, depth: int = 0) -> Iterator[Evidence]:
        yield Evidence("any of", self.holds(view), depth=depth)
        for part in self.parts:
            yield from part.explain(view, depth + 1)

    def clauses(self) -> list[Clause]:
        """One clause that takes the best of each part."""
        best = [min(part.clauses(), key=lambda clause: clause.cost, default=None) for part in self.parts]
        if any(clause is None for clause in best):
            return []
        return [_clause(term for clause in best if clause for term in clause.terms)]


class Negation:
    """The part does not hold."""

    def __init__(self, part: Node) -> None:
        self.part = part
        self.text = f"not {_bracketed(part, Disjunction, Conjunction)}"

    def holds(self, view: View) -> bool:
        return not self.part.holds(view)

    def reasons(self, view: View) -> Iterator[Evidence]:  # noqa: ARG002
        return iter(())

    def explain(self, view: View, depth: int = 0) -> Iterator[Evidence]:
        held = self.holds(view)
        yield Evidence(self.text, held, depth=depth)
        if not held:
            for reason in self.part.reasons(view):
                yield reason._replace(depth=depth + 1)

    def clauses(self) -> list[Clause]:
        return []


class Nested:
    """One item of a nested list for which everything in the braces holds."""

    def __init__(self, items: str, part: Node) -> None:
        self.items = items
        self.part = part
        self.text = f"{items}: {{ {part.text.replace(items + '.', '')} }}"

    def holds(self, view: View) -> bool:
        for item in cast("Document", view).items(self.items):  # noqa: SIM110
            if self.part.holds(item):
                return True
        return False

    def reasons(self, view: View) -> Iterator[Evidence]:
        holding = (item for item in cast("Document", view).items(self.items) if self.part.holds(item))
        for item in islice(holding, MOST_ITEMS):
            yield from self.part.reasons(item)

    def explain(self, view: View, depth: int = 0) -> Iterator[Evidence]:
        """With the items that hold, or else with the one that comes nearest."""
        items = cast("Document", view).items(self.items)
        holding = [(n, item) for n, item in enumerate(items, 1) if self.part.holds(item)]
        yield Evidence(self.text, bool(holding), depth=depth, found=() if items else (f"no {self.items}",))
        if not items:
            return
        nearest = max(enumerate(items, 1), key=lambda numbered: _share_held(self.part, numbered[1]))
        for n, item in holding[:MOST_ITEMS] or [nearest]:
            name = f"{self.items} {n} of {len(items)}" + ("" if holding else ", the nearest")
            yield Evidence(name, bool(holding), depth=depth + 1)
            yield from self.part.explain(item, depth + 2)

    def clauses(self) -> list[Clause]:
        return self.part.clauses()


def _share_held(part: Node, item: View) -> float:
    """Conditions that hold, of all."""
    rows = [row.held for row in part.explain(item)]
    return sum(rows) / len(rows)


def _bracketed(part: Node, *kinds: type) -> str:
    return f"({part.text})" if isinstance(part, kinds) else part.text


class Condition:
    """A condition on the values of a field, or of any one of several fields."""

    def __init__(self, fields: Sequence[FieldType], text: str) -> None:
        self.fields = tuple(fields)
        self.text = text

    def values(self, view: View, field: FieldType) -> list[Any]:
        """The values of a field that meet the condition."""
        raise NotImplementedError

    def holds(self, view: View) -> bool:
        return any(self.values(view, field) for field in self.fields)

    def reasons(self, view: View) -> Iterator[Evidence]:
        for field in self.fields:
            for value in islice(self.values(view, field), MOST_ITEMS):
                yield Evidence(f"{field.name}: {quoted(shown(value))}", True, view.where(field, value))

    def explain(self, view: View, depth: int = 0) -> Iterator[Evidence]:
        if self.holds(view):
            for reason in self.reasons(view):
                yield reason._replace(depth=depth)
        else:
            found = tuple(shown(value) for field in self.fields[:1] for value in view.values(field))
            yield Evidence(self.text, False, found=found, depth=depth)

    def clauses(self) -> list[Clause]:
        return _clause_exists(self.fields)


class Equals(Condition):
    """A field has one of some values, exactly."""

    def __init__(self, field: FieldType, wanted: Iterable[Any], text: str) -> None:
        super().__init__([field], text)
        self.field = field
        self.wanted = frozenset(wanted)

    def values(self, view: View, field: FieldType) -> list[Any]:
        return [value for value in view.values(field) if value in self.wanted]

    def holds(self, view: View) -> bool:
        return not self.wanted.isdisjoint(view.values(self.field))

    def clauses(self) -> list[Clause]:
        if self.field.kind == "number":
            return _clause_exists(self.fields)
        return [_clause(Term(self.field.name, shown(value)) for value in self.wanted)]


class Exists(Condition):
    """A field has a value."""

    def values(self, view: View, field: FieldType) -> list[Any]:
        return list(view.values(field))

    def reasons(self, view: View) -> Iterator[Evidence]:
        for field in self.fields:
            for value in islice(view.values(field), 1):
                says = EXISTS if field.kind == "text" else quoted(shown(value))
                yield Evidence(f"{field.name}: {says}", True, None if field.name in TEXTS else view.where(field, value))


TEXTS = frozenset(("title", "summary", "body"))


class Matches(Condition):
    """A keyword has the shape of a pattern."""

    def __init__(self, fields: Sequence[FieldType], glob: Glob, text: str) -> None:
        super().__init__(fields, text)
        self.glob = glob

    def values(self, view: View, field: FieldType) -> list[Any]:
        return [value for value in view.values(field) if self.glob.matches(value)]


class Within(Condition):
    """A number or a date lies between two bounds, of which either may be missing."""

    def __init__(
        self,
        fields: Sequence[FieldType],
        text: str,
        *,
        low: float | datetime | None = None,
        high: float | datetime | None = None,
        above: bool = False,
        below: bool = False,
    ) -> None:
        """`above` and `below`: the bound itself is left out."""
        super().__init__(fields, text)
        self.low, self.high, self.above, self.below = low, high, above, below

    def values(self, view: View, field: FieldType) -> list[Any]:
        return [value for value in view.values(field) if self._within(value)]

    def _within(self, value: Any) -> bool:
        if self.low is not None and (value <= self.low if self.above else value < self.low):
            return False
        return not (self.high is not None and (value >= self.high if self.below else value > self.high))


class Text(Condition):
    """A condition on the words of text fields."""

    def within(self, view: View, field: FieldType) -> bool:
        """Whether it holds in one field."""
        return next(self.places(view, field), None) is not None

    def places(self, view: View, field: FieldType) -> Iterator[tuple[int, int]]:
        """Where among a field's tokens it holds: position and number of tokens."""
        raise NotImplementedError

    def holds(self, view: View) -> bool:
        for field in self.fields:  # noqa: SIM110
            if self.within(view, field):
                return True
        return False

    def reasons(self, view: View) -> Iterator[Evidence]:
        for field in self.fields:
            if self.within(view, field):
                for at, length in islice(self.places(view, field), MOST_ITEMS):
                    yield Evidence(self.text, True, view.text_span(field, at, length))

    def explain(self, view: View, depth: int = 0) -> Iterator[Evidence]:
        if self.holds(view):
            for reason in self.reasons(view):
                yield reason._replace(depth=depth)
        else:
            yield Evidence(self.text, False, depth=depth)


class Words(Text):
    """Any one of some words stands in a text."""

    def __init__(self, fields: Sequence[FieldType], tokens: Iterable[str], text: str) -> None:
        super().__init__(fields, text)
        self.tokens = frozenset(tokens)

    def within(self, view: View, field: FieldType) -> bool:
        return not view.text(field).vocabulary.isdisjoint(self.tokens)

    def places(self, view: View, field: FieldType) -> Iterator[tuple[int, int]]:
        found = [view.text(field).positions(token) for token in self.tokens]
        return ((at, 1) for at in (found[0] if len(found) == 1 else merge(*found)))

    def clauses(self) -> list[Clause]:
        return _clause_text(self.fields, self.tokens)


class Phrase(Text):
    """Some words stand in a text one after another."""

    def __init__(self, fields: Sequence[FieldType], tokens: Sequence[str], text: str) -> None:
        super().__init__(fields, text)
        self.tokens = list(tokens)
        self.phrase = " ".join(tokens)

    def places(self, view: View, field: FieldType) -> Iterator[tuple[int, int]]:
        return ((at, len(self.tokens)) for at in view.text(field).positions(self.phrase))

    def clauses(self) -> list[Clause]:
        return [clause for token in dict.fromkeys(self.tokens) for clause in _clause_text(self.fields, [token])]


class Shaped(Text):
    """A word of a text has the shape of a pattern."""

    def __init__(self, fields: Sequence[FieldType], glob: Glob, text: str) -> None:
        super().__init__(fields, text)
        self.glob = glob

    def within(self, view: View, field: FieldType) -> bool:
        return any(map(self.glob.matches, view.text(field).vocabulary))

    def places(self, view: View, field: FieldType) -> Iterator[tuple[int, int]]:
        return ((at, 1) for at, token in enumerate(view.text(field).words) if self.glob.matches(token))


class AnyWord(Text):
    """Any of several words or shapes of words."""

    def __init__(self, fields: Sequence[FieldType], choices: Iterable[Text], text: str) -> None:
        super().__init__(fields, text)
        self.choices = tuple(choices)

    def within(self, view: View, field: FieldType) -> bool:
        return any(choice.within(view, field) for choice in self.choices)

    def places(self, view: View, field: FieldType) -> Iterator[tuple[int, int]]:
        return merge(*(choice.places(view, field) for choice in self.choices))


def _clause_text(fields: Sequence[FieldType], tokens: Iterable[str]) -> list[Clause]:
    """The words themselves where they stand in the article's text; only the field's presence elsewhere."""
    if any(field.nested for field in fields):
        return _clause_exists(fields)
    return [_clause(Term("", token) for token in tokens)]


def shown(value: Any) -> str:
    """A value as a query writes it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.isoformat()
    return str(value)


@lru_cache(10_000)
def quoted(value: str) -> str:
    """A value as KQL, in quotes where it needs them."""
    words = value.split()
    plain = (
        value == " ".join(words)
        and value
        and not set(value) & set('\\():<>"*{}')
        and not {word.lower() for word in words} & {"and", "or", "not"}
    )
    return value if plain else '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
