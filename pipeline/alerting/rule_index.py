"""Which of many rules an article has to be asked: those that it has the terms for.

Of the clauses that a document cannot lack if its query is to hold, a rule is filed under the most selective one, and
there under the next; an article only asks the rules for which it has a term of both.
"""

from collections.abc import Iterable, Mapping

from pipeline.alerting.conditions import EXISTS, Clause, Term, shown
from pipeline.model.document import FIELDS, TEXT, Document

SELECTIVE = 0.5
"""A second clause is worth asking where fewer documents than this share are expected to have it."""


class _Has:
    """The terms that one document has, field by field, each read once."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._fields: dict[str, set[str]] = {}

    def values(self, field: str) -> set[str]:
        found = self._fields.get(field)
        if found is None:
            found = self._fields[field] = self._read(field)
        return found

    def _read(self, field: str) -> set[str]:
        if not field:
            return set().union(*(self._document.vocabulary(FIELDS[name]) for name in TEXT))
        values = self._document.all_values(FIELDS[field])
        return {EXISTS, *map(shown, values)} if values else set()


class _Drawer:
    """Rules that share a first term, filed by their second."""

    def __init__(self) -> None:
        self.plain: list[str] = []
        self.filed: dict[str, dict[str, list[str]]] = {}

    def add(self, id_: str, terms: Iterable[Term]) -> None:
        terms = list(terms)
        if not terms:
            self.plain.append(id_)
        for field, value in terms:
            self.filed.setdefault(field, {}).setdefault(value, []).append(id_)

    def collect(self, has: _Has, found: set[str]) -> None:
        found.update(self.plain)
        for field, filed in self.filed.items():
            for value in filed.keys() & has.values(field):
                found.update(filed[value])


class RuleIndex:
    """Finds the rules that can hold of a document."""

    def __init__(self, required: Mapping[str, Iterable[Clause]]) -> None:
        """Takes the clauses that the query of each rule requires, by the rule's id."""
        self._always: list[str] = []
        self._filed: dict[str, dict[str, _Drawer]] = {}
        for id_, clauses in required.items():
            first, second = _best(clauses)
            if first is None:
                self._always.append(id_)
                continue
            for field, value in first.terms:
                drawer = self._filed.setdefault(field, {}).setdefault(value, _Drawer())
                drawer.add(id_, second.terms if second else ())

    def candidates(self, document: Document) -> set[str]:
        """Every rule that holds of the document, and few others."""
        has = _Has(document)
        found = set(self._always)
        for field, filed in self._filed.items():
            for value in filed.keys() & has.values(field):
                filed[value].collect(has, found)
        return found


def _best(clauses: Iterable[Clause]) -> tuple[Clause | None, Clause | None]:
    """The two most selective clauses; the second only where it is worth asking."""
    first, second, *_ = [*sorted(set(clauses), key=lambda clause: clause.cost), None, None]
    return first, second if second and second.cost < SELECTIVE else None
