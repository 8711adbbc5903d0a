"""Which of many rules an article has to be asked: those that it has the terms for.

Of the clauses that a document cannot lack if its query is to hold, a rule is filed under the terms of the most
selective one, with those of the next beside it; an article only asks the rules of which it has a term of both.
"""

from collections.abc import Iterable, Mapping

from pipeline.alerting.conditions import EXISTS, Clause, Term, shown
from pipeline.model.document import FIELDS, TEXT, Document

SELECTIVE = 0.5
"""A second clause is worth looking at where fewer documents than this share are expected to have it."""


class RuleIndex:
    """Finds the rules that can hold of a document."""

    def __init__(self, required: Mapping[str, Iterable[Clause]]) -> None:
        """Takes the clauses that the query of each rule requires, by the rule's id."""
        self._always: list[str] = []
        self._filed: dict[str, list[tuple[str, frozenset[str] | None]]] = {}
        self._fields: set[str] = set()
        for id_, clauses in required.items():
            first, second = _best(clauses)
            if first is None:
                self._always.append(id_)
                continue
            filed = id_, self._keys(second) if second else None
            for key in self._keys(first):
                self._filed.setdefault(key, []).append(filed)

    def _keys(self, clause: Clause) -> frozenset[str]:
        self._fields.update(term.field for term in clause.terms)
        return frozenset(_key(*term) for term in clause.terms)

    def candidates(self, document: Document) -> set[str]:
        """Every rule that holds of the document, and few others."""
        has = self._has(document)
        found = set(self._always)
        for key in self._filed.keys() & has:
            for id_, second in self._filed[key]:
                if second is None or not second.isdisjoint(has):
                    found.add(id_)
        return found

    def _has(self, document: Document) -> set[str]:
        """The terms of a document, in the fields that any rule needs."""
        has: set[str] = set()
        for field in self._fields:
            if field:
                values = document.all_values(FIELDS[field])
                has.update(_key(field, shown(value)) for value in values)
                if values:
                    has.add(_key(field, EXISTS))
            else:
                has.update(*(document.vocabulary(FIELDS[name]) for name in TEXT))
        return has


def _key(field: str, value: str) -> str:
    """A term as one string, which keeps its hash; no word of a text holds a line break."""
    return f"{field}\n{value}" if field else value


def _best(clauses: Iterable[Clause]) -> tuple[Clause | None, Clause | None]:
    """The two most selective clauses; the second only where it is worth looking at."""
    first, second, *_ = [*sorted(set(clauses), key=_cost_of), None, None]
    return first, second if second and second.cost < SELECTIVE else None


def _cost_of(clause: Clause) -> tuple[float, list[Term]]:
    """In an order that does not change from run to run."""
    return clause.cost, sorted(clause.terms)
