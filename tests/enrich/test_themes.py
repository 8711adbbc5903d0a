"""Themes: by concepts in every language, by words of their own, and a user's."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from pipeline.enrich import enrich, themes
from tests.enrich.test_events import article


@pytest.fixture
def _own_lexicon() -> Iterator[None]:
    yield
    themes._added.clear()
    themes.add()


@pytest.mark.parametrize(
    ("title", "body", "theme"),
    [
        ("Turkish ambassador summoned in Athens", "The envoy was handed a note.", "diplomacy"),
        ("Вибори в Молдові", "Виборці голосують на референдумі.", "election"),
        ("Выборы в Молдавии", "Избиратели голосуют на референдуме.", "election"),
        ("Sanctions on Iranian oil", "The refinery buys crude.", "energy"),
        ("EU widens sanctions", "Brussels adds ships to the blacklist.", "sanctions"),
    ],
)
def test_theme(title: str, body: str, theme: str) -> None:
    assert theme in [found.id for found in enrich(article(title, body)).themes]


def test_one_word_far_down_is_no_theme() -> None:
    read = enrich(article("Bread prices rise in Cairo", "Bakers complain. A refugee bought the last loaf."))
    assert "migration" not in [theme.id for theme in read.themes]


def test_mentions_are_the_words_that_gave_the_theme() -> None:
    body = "Voters go to the polls. The election is the third in a year."
    (election,) = [theme for theme in enrich(article("", body)).themes if theme.id == "election"]
    assert [body[span.start : span.end] for span in election.mentions] == ["Voters", "election"]


def test_the_best_known_have_a_media_topic() -> None:
    assert themes.media_topic("diplomacy") == "medtop:20000639"
    assert themes.media_topic("mobilisation") is None


@pytest.mark.usefixtures("_own_lexicon")
def test_a_user_s_own_theme(tmp_path: Path) -> None:
    own = tmp_path / "own.yaml"
    own.write_text(yaml.safe_dump({"caviar": {"words": {"en": ["caviar", "sturgeon*"]}}}))
    themes.add(own)
    assert "caviar" in [theme.id for theme in enrich(article("Caviar again", "Sturgeon are back.")).themes]


@pytest.mark.usefixtures("_own_lexicon")
def test_a_mistake_in_a_lexicon_is_named(tmp_path: Path) -> None:
    own = tmp_path / "own.yaml"
    own.write_text("caviar: {word: {en: [caviar]}}")
    with pytest.raises(ValueError, match=r"own\.yaml: .*word"):
        themes.add(own)
