"""The bench measures what it says: real-length text, the same every time, beside a baseline of ten thousand names."""

from statistics import mean

from tests.bench.baseline import NAMES, Baseline
from tests.bench.texts import AVERAGE, long_articles


def test_the_text_is_the_same_in_every_run() -> None:
    assert list(long_articles(20)) == list(long_articles(20))


def test_the_text_is_five_thousand_characters_on_average() -> None:
    assert abs(mean(len(article.body) for article in long_articles(400)) - AVERAGE) < AVERAGE * 0.03


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
