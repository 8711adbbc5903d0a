"""The bench measures what it says: real-length text, the same every time, beside a baseline of ten thousand names."""

import random
import re
from itertools import combinations
from statistics import mean

import pytest

from pipeline.alerting.rules import RuleSet
from pipeline.enrich import enrich
from pipeline.model.article import Article
from tests.bench.baseline import NAMES, Baseline
from tests.bench.texts import AVERAGE, background, backgrounds, dense_articles, long_articles
from tests.eval.material import article_of, seeds


def test_the_text_is_the_same_in_every_run() -> None:
    assert list(long_articles(20)) == list(long_articles(20))
    assert list(dense_articles(20)) == list(dense_articles(20))


def test_the_text_is_five_thousand_characters_on_average() -> None:
    assert abs(mean(len(article.body) for article in long_articles(400)) - AVERAGE) < AVERAGE * 0.03


def test_there_is_background_for_every_language_of_the_seeds() -> None:
    assert set(backgrounds()) == {case.expect.language for case in seeds()}


@pytest.mark.parametrize("language", backgrounds())
def test_every_choice_and_slot_of_a_background_is_filled(language: str) -> None:
    known, chance = backgrounds()[language], random.Random(1)
    assert len(known.sentences.splitlines()) >= 25
    for pattern in known.sentences.splitlines() * 5:
        assert not set("[]{}|") & set(known.sentence(pattern, chance)), pattern


@pytest.mark.parametrize("language", backgrounds())
def test_background_is_read_in_its_language_and_fires_no_rule(language: str) -> None:
    read = [enrich(_of_background(language, seed), RuleSet.starter()) for seed in range(5)]
    assert {article.language.code for article in read} == {language}
    assert not [reason for article in read for reason in article.because]


@pytest.mark.parametrize("language", backgrounds())
def test_two_articles_rarely_share_a_sentence_of_background(language: str) -> None:
    texts = [set(re.split(r"(?<=[.!?。])\s*", _of_background(language, seed).body)) for seed in range(12)]
    assert mean(len(one & other) / len(one) for one, other in combinations(texts, 2)) < 0.1


def _of_background(language: str, seed: int) -> Article:
    return article_of({"id": f"{language}-{seed}", "text": background(language, AVERAGE // 2, random.Random(seed))})


def test_every_article_has_its_own_url_and_text() -> None:
    articles = list(long_articles(200))
    assert len({article.id for article in articles}) == len({article.revision for article in articles}) == 200


def test_the_baseline_knows_ten_thousand_names_and_finds_them() -> None:
    baseline = Baseline()
    article = next(long_articles(1))
    language, names = baseline.read(article)
    assert len(baseline._names) == NAMES
    assert language == "en"
    assert {"AZ", "Kyiv", "embassy"} <= set(names)
