"""Which of many rules an article has to be asked: those that it has the terms for.

Of the clauses that a document cannot lack if its query is to hold, a rule is filed under the terms of the two most
selective ones, with the others beside it; an article only asks the rules of which it has a term of each.
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from pipeline.alerting.conditions import EXISTS, Clause, shown
from pipeline.model.document import FIELDS, TEXT, Document

SELECTIVE = 0.5
"""A further clause is worth looking at where fewer documents than this share are expected to have it."""


class _Filed(NamedTuple):
    """A rule, and of what else a document needs one term each."""

    rule: str
    also: tuple[frozenset[str], ...]


class RuleIndex:
    """Finds the rules that can hold of a document."""

    def __init__(self, required: Mapping[str, Iterable[Clause]]) -> None:
        """Takes the clauses that the query of each rule requires, by the rule's id."""
        self._always: list[str] = []
        self._by_one: dict[str, list[str]] = {}
        """Rules by the terms of their only clause."""
        self._by_two: dict[str, dict[str, list[_Filed]]] = {}
        """Rules by the terms of their first clause, then by those of their second."""
        self._fields: set[str] = set()
        for id_, clauses in required.items():
            first, *others = [self._keys(clause) for clause in _best_first(clauses)] or [frozenset()]
            if not first:
                self._always.append(id_)
            for key in first:
                if not others:
                    self._by_one.setdefault(key, []).append(id_)
                    continue
                filed, seconds = _Filed(id_, tuple(others[1:])), self._by_two.setdefault(key, {})
                for second in others[0]:
                    seconds.setdefault(second, []).append(filed)

    def _keys(self, clause: Clause) -> frozenset[str]:
        self._fields.update(term.field for term in clause.terms)
        return frozenset(_key(*term) for term in clause.terms)

    def candidates(self, document: Document) -> set[str]:
        """Every rule that holds of the document, and few others."""
        has = self._has(document)
        found = set(self._always)
        for key in self._by_one.keys() & has:
            found.update(self._by_one[key])
        for key in self._by_two.keys() & has:
            seconds = self._by_two[key]
            for second in seconds.keys() & has:
                for rule, also in seconds[second]:
                    for keys in also:
                        if keys.isdisjoint(has):
                            break
                    else:
                        found.add(rule)
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
                has.update(*(document.text(FIELDS[name]).vocabulary for name in TEXT))
        return has


def _key(field: str, value: str) -> str:
    """A term as one string, which keeps its hash; no word of a text holds a line break."""
    return f"{field}\n{value}" if field else value


def _best_first(clauses: Iterable[Clause]) -> list[Clause]:
    """The most selective clause, and the others that are worth looking at, in an order that never changes."""
    ordered = sorted(set(clauses), key=lambda clause: (clause.cost, sorted(clause.terms)))
    return [clause for clause in ordered if clause.cost < SELECTIVE or clause is ordered[0]]
