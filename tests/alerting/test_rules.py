"""Rules: what is read, what is refused with which words and where, and which rules an article meets."""

from pathlib import Path

import pytest

from pipeline.alerting.kql import parse
from pipeline.alerting.rule_index import RuleIndex
from pipeline.alerting.rules import Rule, RuleErrors, RuleSet, load_rules
from pipeline.model.document import search_document
from pipeline.model.enriched import EnrichedArticle
from tests.sinks.corpus import QUERIES, corpus

GOOD = """\
id: embassy-hit
title: Embassy hit
desk: diplomacy
severity: high
when: >
  events: { what: premises-damaged
  and facility.kind: * }
fresh: 36h
escalate: {to: critical, when: {origins: 3, excluding_affiliation: [RUS, BLR]}}
quiet_for: 3d
"""


def written(folder: Path, text: str) -> Path:
    file = folder / "r.yaml"
    file.write_text(text, encoding="utf-8")
    return file


def test_a_rule_is_read(tmp_path: Path) -> None:
    (rule,) = load_rules(written(tmp_path, GOOD))
    assert (rule.id, rule.desk, rule.severity, rule.fresh, rule.quiet_for) == (
        "embassy-hit", "diplomacy", "high", 129_600, 259_200,
    )  # fmt: skip
    assert rule.escalate is not None
    assert (rule.escalate.to, rule.escalate.origins, rule.escalate.excluding_affiliation) == (
        "critical", 3, ("RUS", "BLR"),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("right", "wrong", "at", "message"),
    [
        ("id: embassy-hit", "id: Embassy Hit", "Embassy", "an id is words of a-z"),
        ("id: embassy-hit\n", "", "title", "the rule has no `id`"),
        ("desk: diplomacy", "desk: diplomats", "diplomats", "`diplomats` is none of: diplomacy, conflict"),
        ("severity: high", "severty: high", "severty", "did you mean `severity`?"),
        ("fresh: 36h", "fresh: 36h\nfresh : 1h", "fresh :", "a second time"),
        ("what: premises", "staus: claimed and what: premises", "staus", "did you mean `status`?"),
        ("facility.kind: *", "facilty.kind: *", "facilty", "facility.kind"),
        ("{ what: premises", "( what: premises", ": premises", "a `:` too many"),
        ("fresh: 36h", "fresh: two days", "two days", "a duration is a whole number with s, m, h or d"),
        ("origins: 3", "origins: few", "few", "`origins` is a whole number"),
        ("[RUS, BLR]", "[RUS, Belarus]", "Belarus", "three capital letters"),
        ("quiet_for: 3d", "quiet_for: @", "@", "is not YAML here"),
    ],
    ids=lambda value: value[:20],
)
def test_a_mistake_is_named_with_its_place(tmp_path: Path, right: str, wrong: str, at: str, message: str) -> None:
    text = GOOD.replace(right, wrong)
    before = text[: text.index(at)]
    with pytest.raises(RuleErrors) as caught:
        load_rules(written(tmp_path, text))
    (mistake,) = [mistake for mistake in caught.value.mistakes if message in mistake.message]
    assert mistake[1:3] == (before.count("\n") + 1, len(before) - before.rfind("\n")), mistake


def test_every_mistake_in_every_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(GOOD.replace("high", "grave").replace("36h", "36"))
    (tmp_path / "b.yaml").write_text(GOOD + "---\n" + GOOD)
    (tmp_path / "c.yaml").write_bytes(b"id: \xff")
    with pytest.raises(RuleErrors) as caught:
        load_rules(tmp_path)
    assert [(Path(m.file).name, m.line) for m in caught.value.mistakes] == [
        ("a.yaml", 4), ("a.yaml", 8), ("b.yaml", 12), ("c.yaml", 1),
    ]  # fmt: skip


def test_the_starter_pack_has_its_ten_rules() -> None:
    assert sorted(rule.id for rule in RuleSet.starter()) == [
        "aid-or-sanctions-change", "border-or-mobilisation", "ceasefire-change", "coup-or-emergency",
        "cross-border-munitions", "diplomatic-premises-hit", "diplomatic-protest", "foreigner-detained",
        "leader-attacked", "mission-evacuation",
    ]  # fmt: skip


def test_a_rule_changes_its_version_with_its_text_and_the_set_its_hash() -> None:
    rule = Rule(id="a", title="A", desk="conflict", severity="low", when="states: UKR")
    other = Rule(id="a", title="A", desk="conflict", severity="low", when="states: POL")
    assert rule.version != other.version
    assert RuleSet([rule]).hash != RuleSet([other]).hash


@pytest.mark.parametrize("article", corpus(), ids=lambda article: article.title[:30])
def test_the_index_asks_every_rule_that_can_hold(article: EnrichedArticle) -> None:
    rules = RuleSet(
        Rule(id=f"r{n}", title=query or "all", desk="system", severity="low", when=query)
        for n, query in enumerate(QUERIES)
    )
    document = search_document(article)
    expected = {f"r{n}" for n, query in enumerate(QUERIES) if parse(query).matches(document)}
    assert {reason.rule for reason in rules.apply(article)} == expected


@pytest.mark.parametrize(
    ("query", "asked"),
    [
        ("states: AZE", True),
        ("states: POL", False),
        ("embassy and states: POL", False),  # one of two terms is not enough
        ("embassy or states: POL", True),
        ("states: (POL or AZE) and embassy", True),
        ("truce and states: AZE", False),
        ("events: { what: premises-damaged and target: FRA }", False),
        ("not states: AZE", True),  # can hold without any term
        ("cities: *", True),
        ("summary: *", False),
    ],
)
def test_an_article_asks_only_the_rules_it_has_the_terms_for(query: str, asked: bool) -> None:
    index = RuleIndex({"rule": parse(query).required_terms()})
    assert index.candidates(search_document(corpus()[1])) == ({"rule"} if asked else set())
