"""The seeds keep their own rules, and what is read in them does not get worse."""

from collections import Counter
from pathlib import Path

import pytest
import yaml

from pipeline.alerting.rules import RuleSet
from pipeline.enrich import enrich
from pipeline.model.article import Article, from_input
from pipeline.model.codec import decode
from tests.eval.material import SEEDS, Label, seed_articles, seed_labels, seed_lines, seeds
from tests.eval.scoring import MAIN_LANGUAGES, ORGANISATIONS, Tally, add, read_by_pipeline, score

RULES = {
    "diplomatic-premises-hit",
    "diplomatic-protest",
    "cross-border-munitions",
    "mission-evacuation",
    "coup-or-emergency",
    "ceasefire-change",
    "border-or-mobilisation",
    "aid-or-sanctions-change",
    "foreigner-detained",
    "leader-attacked",
}
STANCES = {"asserts", "denies", "confirms", "warns", "demands", "announces", "declines-to-comment"}
FACILITIES = {"embassy", "consulate", "residence", "mission", "un-premises"}

LABELS = seed_labels()
ARTICLES = seed_articles()


def text(article: Article) -> str:
    """Title and body as a reader sees them."""
    return " ".join(f"{article.title}\n{article.body}".split())


def test_every_article_has_one_label_and_every_label_an_article() -> None:
    lines = [decode(line, Label) for line in (SEEDS / "labels.jsonl").read_bytes().splitlines()]
    assert len(lines) == len(LABELS)
    assert LABELS.keys() == ARTICLES.keys()


def test_labels_and_articles_agree_on_the_url() -> None:
    assert {key: article.url for key, article in ARTICLES.items()} == {key: label.url for key, label in LABELS.items()}


def test_at_least_half_stay_silent() -> None:
    silent = [label for label in LABELS.values() if not label.expect.rules]
    assert len(LABELS) >= 84
    assert len(silent) * 2 >= len(LABELS)


def test_there_are_at_least_twelve_languages() -> None:
    assert len({label.expect.language for label in LABELS.values()}) >= 12


@pytest.mark.parametrize("rule", sorted(RULES))
def test_every_rule_fires_on_two_articles_in_two_languages(rule: str) -> None:
    languages = [label.expect.language for label in LABELS.values() if rule in label.expect.rules]
    assert len(languages) >= 2
    assert len(set(languages)) >= 2


def test_no_two_articles_are_equal() -> None:
    assert max(Counter(map(text, ARTICLES.values())).values()) == 1


@pytest.mark.parametrize("key", sorted(LABELS))
def test_a_label_uses_the_vocabularies_and_quotes_its_article(key: str) -> None:
    expect, words = LABELS[key].expect, text(ARTICLES[key])
    countries = [
        *expect.states,
        *(city.country for city in expect.cities),
        *(each.country for each in expect.facilities),
    ]
    assert set(expect.rules) <= RULES
    assert set(expect.organisations) <= ORGANISATIONS
    assert {each.kind for each in expect.facilities} <= FACILITIES
    assert all(country is None or (len(country) == 3 and country.isupper()) for country in countries)
    assert len(expect.claims) <= 3
    for claim in expect.claims:
        assert claim.stance in STANCES
        assert claim.speaker in words
        assert claim.about in words
    assert (expect.story is None) == (expect.origin is None)
    assert LABELS[key].why


@pytest.mark.parametrize("line", [pytest.param(line, id=from_input(line)[0]) for line in seed_lines()])
def test_an_article_is_of_a_real_length_and_dated(line: bytes) -> None:
    key, article = from_input(line)
    shortest = 280 if LABELS[key].expect.language in ("zh", "ja") else 600
    assert shortest <= len(article.body) <= 2500
    assert article.published is not None
    assert article.fetched is not None
    assert article.published < article.fetched


def test_every_outlet_is_in_the_table() -> None:
    table = {each["id"]: each for each in yaml.safe_load((SEEDS / "sources.yaml").read_text("utf-8"))["sources"]}
    sources = {article.source.id for article in ARTICLES.values()}
    assert sources <= table.keys()
    for article in map(from_input, seed_lines()):
        outlet = table[article[1].source.id]
        assert (article[1].source.name, article[1].source.country) == (outlet["name"], outlet["country"])


@pytest.mark.parametrize("path", sorted((SEEDS / "feeds" / "pages").glob("*.html")), ids=lambda path: path.stem)
def test_a_page_is_linked_from_a_feed(path: Path) -> None:
    assert f"{{{{base}}}}/pages/{path.name}" in {label.url for label in LABELS.values()}


@pytest.fixture(scope="module")
def tallies() -> dict[tuple[str, str], Tally]:
    """Of every kind, for the main languages and for the others."""
    rules = RuleSet.starter()
    scored = [(case, score(read_by_pipeline(enrich(case.article, rules)), case.expect)) for case in seeds()]
    return {
        (group, kind): add(each[kind] for case, each in scored if (case.expect.language in MAIN_LANGUAGES) == main)
        for group, main in (("en, uk, ru", True), ("others", False))
        for kind in scored[0][1]
    }


FLOORS = [
    ("en, uk, ru", "rules", "precision", 0.85),
    ("en, uk, ru", "rules", "recall", 0.65),
    ("en, uk, ru", "states", "f1", 0.85),
    ("en, uk, ru", "cities", "f1", 0.85),
    ("en, uk, ru", "language", "f1", 1.0),
    ("others", "states", "f1", 0.70),
    ("others", "cities", "f1", 0.70),
    ("others", "language", "f1", 0.95),
]


@pytest.mark.parametrize(("group", "kind", "figure", "floor"), FLOORS)
def test_reading_keeps_its_floor(
    tallies: dict[tuple[str, str], Tally], group: str, kind: str, figure: str, floor: float
) -> None:
    value = getattr(tallies[group, kind], figure)
    assert value is not None
    assert value >= floor, f"{kind} {figure} in {group}: see python -m tests.eval --set seeds --errors {kind}"
