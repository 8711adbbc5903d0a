"""Rules: read from YAML, checked with line and column of every mistake, and asked of articles through an index."""

import difflib
import gc
import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple, get_args

import msgspec
import yaml

from pipeline.alerting.kql import KqlError, Query, parse
from pipeline.alerting.rule_index import RuleIndex
from pipeline.model.alert import Desk, Severity
from pipeline.model.candidate import Escalation, RuleChange
from pipeline.model.document import search_document
from pipeline.model.enriched import Because, EnrichedArticle, Span

STARTER = Path(__file__).with_name("rules")
"""The rules that wirewatch comes with."""

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""LibYAML where PyYAML was built with it: ten times as fast."""

_KEYS = ("id", "title", "desk", "severity", "when", "fresh", "quiet_for", "escalate")
_REQUIRED = ("id", "title", "desk", "severity", "when")
_ID = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_DURATION = re.compile(r"(\d+)\s*([smhd])")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """A rule as its author wrote it; times in seconds."""

    id: str
    title: str
    desk: Desk
    severity: Severity
    when: str
    """In KQL."""
    fresh: int = 172_800
    """An article older than this when it first arrives raises nothing."""
    quiet_for: int = 259_200
    """An alert without news for so long is resolved."""
    escalate: Escalation | None = None

    @property
    def version(self) -> str:
        """16 hex digits that change with the rule."""
        return _hash(self)

    @property
    def change(self) -> RuleChange:
        """The part of the rule that alerts need."""
        return RuleChange(
            rule=self.id,
            version=self.version,
            title=self.title,
            desk=self.desk,
            severity=self.severity,
            fresh=self.fresh,
            quiet_for=self.quiet_for,
            escalate=self.escalate,
        )


class Mistake(NamedTuple):
    """Something in a rule file that cannot be read; line and column count from 1."""

    file: str
    line: int
    column: int
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}: {self.message}"


class RuleErrors(ValueError):  # noqa: N818
    """Every mistake in the rule files, in their order."""

    def __init__(self, mistakes: Sequence[Mistake]) -> None:
        super().__init__("\n".join(map(str, mistakes)))
        self.mistakes = tuple(mistakes)


class RuleSet:
    """Rules ready to be asked. Can be used from several threads."""

    def __init__(self, rules: Iterable[Rule], queries: Iterable[Query] | None = None) -> None:
        """Takes rules, and their queries where they have been read already.

        Raises:
            KqlError: a query cannot be read.
        """
        self.rules = {rule.id: rule for rule in rules}
        read = [parse(rule.when) for rule in self.rules.values()] if queries is None else list(queries)
        self._queries = dict(zip(self.rules, read, strict=True))
        self.hash = _hash(sorted(rule.version for rule in self))
        """16 hex digits that change with any rule."""
        self._index = RuleIndex({id_: query.required_terms() for id_, query in self._queries.items()})

    @classmethod
    def starter(cls) -> "RuleSet":
        """The rules that wirewatch comes with."""
        return load_rules(STARTER)

    def __iter__(self) -> Iterator[Rule]:
        return iter(self.rules.values())

    def __len__(self) -> int:
        return len(self.rules)

    def get(self, id_: str) -> Rule | None:
        """A rule by its id."""
        return self.rules.get(id_)

    def query(self, id_: str) -> Query:
        """What a rule's `when` means."""
        return self._queries[id_]

    def changes(self) -> list[RuleChange]:
        """What alerts need to know of each rule."""
        return [rule.change for rule in self]

    def apply(self, article: EnrichedArticle) -> list[Because]:
        """The conditions and words for which rules hold of an article, by rule id; at least one for each that holds.

        A condition that no words of the article gave, such as its language, points at the title.
        """
        document = search_document(article)
        because: list[Because] = []
        for id_ in sorted(self._index.candidates(document)):
            query = self._queries[id_]
            if query.matches(document):
                because += [
                    Because(rule=id_, condition=reason.condition, span=reason.span or _whole_title(article))
                    for reason in query.reasons(document)
                ] or [Because(rule=id_, condition=query.text.strip() or "*", span=_whole_title(article))]
        return because


def _hash(value: object) -> str:
    return hashlib.sha256(msgspec.json.encode(value)).hexdigest()[:16]


def _whole_title(article: EnrichedArticle) -> Span:
    return Span(field="title", start=0, end=len(article.title))


def load_rules(*paths: Path) -> RuleSet:
    """Reads rule files, and every *.yaml and *.yml in folders. A file holds one rule, a list, or several documents.

    Raises:
        RuleErrors: with every mistake in every file.
    """
    files = [
        file
        for path in paths
        for file in (sorted([*path.rglob("*.yaml"), *path.rglob("*.yml")]) if path.is_dir() else [path])
    ]
    mistakes: list[Mistake] = []
    found: dict[str, tuple[Rule, Query]] = {}
    for file in files:
        reader = _FileReader(file)
        for rule, query, node in reader.rules():
            if rule.id in found:
                reader.mistake(node, f"there is a rule `{rule.id}` already; give this one another id")
            else:
                found[rule.id] = rule, query
        mistakes += reader.mistakes
    if mistakes:
        raise RuleErrors(mistakes)
    rules = RuleSet([rule for rule, _ in found.values()], [query for _, query in found.values()])
    gc.freeze()  # they stay for good: the garbage collector need not walk ten thousand of them again and again
    return rules


class _FileReader:
    """Reads one file and collects what is wrong in it."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.mistakes: list[Mistake] = []
        self.lines: list[str] = []

    def mistake(self, node: yaml.Node, message: str) -> None:
        self._at(node.start_mark.line + 1, node.start_mark.column + 1, message)

    def _at(self, line: int, column: int, message: str) -> None:
        self.mistakes.append(Mistake(str(self.file), line, column, message))

    def rules(self) -> Iterator[tuple[Rule, Query, yaml.Node]]:
        try:
            text = self.file.read_text(encoding="utf-8")
            self.lines = text.splitlines()
            documents = list(yaml.compose_all(text, Loader=_LOADER))
        except OSError as error:
            self._at(1, 1, f"cannot be read: {error.strerror}")
            return
        except UnicodeDecodeError as error:
            self._at(1, 1, f"is not UTF-8 (byte {error.start}); save it as UTF-8")
            return
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            where = (mark.line + 1, mark.column + 1) if mark else (1, 1)
            self._at(*where, f"is not YAML here: {error.problem or error.context}")
            return
        except yaml.YAMLError as error:
            self._at(1, 1, f"is not YAML: {error}")
            return
        for document in documents:
            for node in document.value if isinstance(document, yaml.SequenceNode) else [document]:
                if node is None:
                    continue
                if isinstance(node, yaml.MappingNode):
                    yield from self._rule(node)
                else:
                    self.mistake(node, "a rule is a list of `key: value` lines, beginning with `id:`")

    def _rule(self, node: yaml.MappingNode) -> Iterator[tuple[Rule, Query, yaml.Node]]:
        before = len(self.mistakes)
        nodes = self._mapping(node, _KEYS, "a rule")
        for key in _REQUIRED:
            if key not in nodes:
                self.mistake(node, f"the rule has no `{key}`; add it")
        values: dict[str, Any] = {key: self._text(nodes[key]) for key in ("id", "title") if key in nodes}
        if "id" in nodes and not _ID.fullmatch(values["id"]):
            self.mistake(nodes["id"], "an id is words of a-z and 0-9 with hyphens between, as `embassy-hit`")
        for key, choices in (("desk", get_args(Desk)), ("severity", get_args(Severity))):
            if key in nodes:
                values[key] = self._choice(nodes[key], choices)
        for key in ("fresh", "quiet_for"):
            if key in nodes:
                values[key] = self._duration(nodes[key])
        if "escalate" in nodes:
            values["escalate"] = self._escalation(nodes["escalate"])
        query = self._query(nodes["when"]) if "when" in nodes else None
        if len(self.mistakes) == before and query is not None:
            yield Rule(**values, when=query.text), query, nodes["id"]

    def _mapping(self, node: yaml.Node, known: Sequence[str], of: str) -> dict[str, yaml.Node]:
        """Keys and their values; unknown and repeated keys are mistakes."""
        if not isinstance(node, yaml.MappingNode):
            self.mistake(node, f"{of} is written as `key: value`")
            return {}
        nodes: dict[str, yaml.Node] = {}
        for key, value in node.value:
            name = str(key.value)
            if name not in known:
                near = difflib.get_close_matches(name, known, 1)
                hint = f"did you mean `{near[0]}`?" if near else f"there are: {', '.join(known)}"
                self.mistake(key, f"{of} has no `{name}`; {hint}")
            elif name in nodes:
                self.mistake(key, f"`{name}` stands here a second time; remove one")
            else:
                nodes[name] = value
        return nodes

    def _text(self, node: yaml.Node) -> str:
        if not isinstance(node, yaml.ScalarNode) or not node.value.strip():
            self.mistake(node, "a text is missing here")
            return ""
        return str(node.value.strip())

    def _choice(self, node: yaml.Node, choices: Sequence[str]) -> str:
        value = self._text(node)
        if value and value not in choices:
            self.mistake(node, f"`{value}` is none of: {', '.join(choices)}")
        return value

    def _duration(self, node: yaml.Node) -> int:
        found = _DURATION.fullmatch(self._text(node))
        if not found:
            self.mistake(node, "a duration is a whole number with s, m, h or d, as `48h`")
            return 0
        return int(found[1]) * _SECONDS[found[2]]

    def _escalation(self, node: yaml.Node) -> Escalation | None:
        nodes = self._mapping(node, ("to", "when"), "`escalate`")
        when = self._mapping(nodes["when"], ("origins", "excluding_affiliation"), "`when`") if "when" in nodes else {}
        if "to" not in nodes or "origins" not in when:
            self.mistake(node, "write it as `{to: critical, when: {origins: 3}}`")
            return None
        origins = self._text(when["origins"])
        if not origins.isdecimal() or int(origins) < 1:
            self.mistake(when["origins"], "`origins` is a whole number from 1")
            return None
        return Escalation(
            to=self._choice(nodes["to"], get_args(Severity)),  # type: ignore[arg-type]
            origins=int(origins),
            excluding_affiliation=self._states(when.get("excluding_affiliation")),
        )

    def _states(self, node: yaml.Node | None) -> tuple[str, ...]:
        if node is None:
            return ()
        items = node.value if isinstance(node, yaml.SequenceNode) else [node]
        states = []
        for item in items:
            state = self._text(item)
            if not re.fullmatch("[A-Z]{3}", state):
                self.mistake(item, "a state is three capital letters (ISO 3166-1 alpha-3), as `RUS`")
            states.append(state)
        return tuple(states)

    def _query(self, node: yaml.Node) -> Query | None:
        text = self._text(node)
        if not text:
            return None
        try:
            return parse(text)
        except KqlError as error:
            self._at(*self._place(node, text, error), f"in `when`: {error.message}")
            return None

    def _place(self, node: yaml.Node, text: str, error: KqlError) -> tuple[int, int]:
        """Line and column in the file of a place in a query: block scalars keep their lines, folded or not."""
        before = sum(len(line) + 1 for line in text.split("\n")[: error.line - 1]) + error.column - 1
        start = node.start_mark
        if getattr(node, "style", None) not in ("|", ">"):
            return start.line + 1, start.column + 1 + before + (getattr(node, "style", None) in ("'", '"'))
        number, line = start.line + 1, ""
        for number in range(start.line + 1, node.end_mark.line):
            line = self.lines[number] if number < len(self.lines) else ""
            length = len(line.strip()) + 1
            if before < length:
                break
            before -= length
        return number + 1, len(line) - len(line.lstrip()) + 1 + before
