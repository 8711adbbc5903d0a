"""Rules: interim loader."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import msgspec
import yaml

from pipeline.alerting.kql import Query, parse
from pipeline.model.candidate import Escalation, RuleChange
from pipeline.model.document import search_document
from pipeline.model.enriched import Because, EnrichedArticle

_UNITS = {"m": 60, "h": 3600, "d": 86400}


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    title: str
    desk: str
    severity: str
    when: str
    fresh: int = 172_800
    quiet_for: int = 259_200
    escalate: Escalation | None = None

    @property
    def version(self) -> str:
        return hashlib.sha256(msgspec.json.encode(self)).hexdigest()[:16]


class RuleErrors(ValueError):
    pass


class RuleSet:
    def __init__(self, rules: list[Rule]) -> None:
        self.rules = {r.id: r for r in rules}
        self.queries: dict[str, Query] = {r.id: parse(r.when) for r in rules}
        self.hash = hashlib.sha256(msgspec.json.encode(rules)).hexdigest()[:16]

    def __iter__(self) -> Iterator[Rule]:
        return iter(self.rules.values())

    def __len__(self) -> int:
        return len(self.rules)

    def get(self, id: str) -> Rule | None:
        return self.rules.get(id)

    @classmethod
    def starter(cls) -> "RuleSet":
        return load_rules(Path(__file__).with_name("rules"))

    def apply(self, article: EnrichedArticle) -> list[Because]:
        doc = search_document(article)
        out = []
        for id, q in self.queries.items():
            if q.matches(doc):
                out += [Because(rule=id, condition=e.condition, span=e.span) for e in q.reasons(doc) if e.span]
        return out

    def changes(self) -> list[RuleChange]:
        return [
            RuleChange(rule=r.id, version=r.version, title=r.title, desk=r.desk, severity=r.severity, fresh=r.fresh,
                       quiet_for=r.quiet_for, escalate=r.escalate)
            for r in self
        ]


def _seconds(v: str) -> int:
    return int(v[:-1]) * _UNITS[v[-1]]


def load_rules(*paths: Path) -> RuleSet:
    rules = []
    for path in paths:
        for file in sorted(path.glob("*.yaml")) if path.is_dir() else [path]:
            for d in yaml.safe_load_all(file.read_text()):
                for k in ("fresh", "quiet_for"):
                    if k in d:
                        d[k] = _seconds(d[k])
                if "escalate" in d:
                    e = d["escalate"]
                    d["escalate"] = Escalation(to=e["to"], origins=e["when"]["origins"], excluding_affiliation=tuple(e["when"].get("excluding_affiliation", ())))
                rules.append(Rule(**d))
    return RuleSet(rules)
