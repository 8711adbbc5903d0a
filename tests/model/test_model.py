"""What the types accept, refuse and keep."""

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.model.article import (
    MAX_BODY,
    Article,
    Source,
    article_id,
    canonical_url,
    from_input,
    revision_of,
)
from pipeline.model.codec import InvalidError, decode, encode
from pipeline.model.dead_letter import KEPT, DeadLetter, dead_letter
from pipeline.model.enriched import EnrichedArticle, Language
from pipeline.model.schemas import schemas

GOOD = '{"id": "a1", "source": {"id": "wire"}, "title": "Talks open", "body": "They met."%s}'


@pytest.mark.parametrize(
    ("given", "canonical"),
    [
        ("HTTPS://News.Example:443/a/b/?utm_source=x&b=2&a=1#top", "https://news.example/a/b?a=1&b=2"),
        ("http://news.example:8080/", "http://news.example:8080"),
        ("  https://news.example/a ", "https://news.example/a"),
        ("https://news.example/a?empty=", "https://news.example/a?empty="),
        ("https://news.example/A", "https://news.example/A"),
        ("urn:item:7", "urn:item:7"),
        ("http://[broken", "http://[broken"),
    ],
)
def test_canonical_url(given: str, canonical: str) -> None:
    assert canonical_url(given) == canonical


@given(st.text())
def test_canonical_url_is_stable(url: str) -> None:
    assert canonical_url(canonical_url(url)) == canonical_url(url)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", "truncated"),
        ("[]", "Expected `object`, got `array`"),
        (GOOD % ', "title": 3', "Expected `str`, got `int` - at `$.title`"),
        (GOOD % ', "published": "yesterday"', "at `$.published`"),
        (GOOD % ', "published": "2026-01-01T00:00:00"', "a time without an offset"),
        (GOOD % ', "authors": "one"', "at `$.authors`"),
        ('{"id": "a", "title": "x"}', "missing required field `source`"),
        ('{"id": "a", "source": {}, "title": "x"}', "missing required field `id` - at `$.source`"),
        ('{"source": {"id": "wire"}, "title": "x"}', "needs `url`, or `id`"),
        ('{"id": "a", "source": {"id": "wire"}, "title": " ", "body": ""}', "needs text in `title` or `body`"),
        (
            '{"id": "a", "source": {"id": "wire"}, "title": "\\ud800"}',
            r"Half a character (a lone surrogate) - at `$.title`",
        ),
        ('{"id": "a", "source": {"id": "wire"}, "title": "\\ud83d\\ude00", "body": 1}', "at `$.body`"),
        ("[" * 100_000, "Expected `object`"),
    ],
)
def test_input_that_is_refused_names_the_field(line: str, message: str) -> None:
    with pytest.raises(InvalidError, match=re.escape(message)):
        from_input(line)


def test_input_is_read_to_utc_and_unknown_fields_are_left_out() -> None:
    given_id, article = from_input(GOOD % ', "published": "2026-03-14T18:20:00+03:00", "expect": {"rules": []}')
    assert given_id == "a1"
    assert article.published == datetime(2026, 3, 14, 15, 20, tzinfo=UTC)
    assert article.id == article_id(None, "wire", "a1")


def test_a_long_body_is_cut_and_marked() -> None:
    _, article = from_input(GOOD.replace("They met.", "x" * (MAX_BODY + 1)) % "")
    assert (len(article.body), article.truncated) == (MAX_BODY, True)


def test_two_spellings_of_a_url_are_one_article() -> None:
    assert article_id("https://News.example/a/?utm_medium=feed", "a", "1") == article_id(
        "https://news.example/a", "b", "2"
    )


texts = st.text(st.characters(exclude_categories=["Cs"]))


@given(title=texts, body=texts, published=st.none() | st.datetimes(timezones=st.just(UTC)))
def test_an_article_survives_json(title: str, body: str, published: datetime | None) -> None:
    article = EnrichedArticle(
        id="0" * 32,
        source=Source(id="wire"),
        title=title,
        body=body,
        published=published,
        revision=revision_of(title, body),
        language=Language(code="en", confidence=1.0, by="script"),
    )
    assert decode(encode(article), EnrichedArticle) == article


def test_a_later_producers_field_is_ignored() -> None:
    data = encode(Article(id="0" * 32, source=Source(id="wire"), title="x", revision="0" * 16))
    assert decode(data[:-1] + b', "mood": "calm"}', Article).title == "x"


@given(st.binary(max_size=100) | st.just(b"x" * (KEPT + 1)))
def test_a_dead_letter_keeps_the_beginning_and_the_measure_of_the_whole(data: bytes) -> None:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    letter = dead_letter(
        stage="enrich", topic="articles.raw.v1", offset=1, key="k", reason="not JSON", at=at, data=data
    )
    again = decode(encode(letter), DeadLetter)
    assert (again.size, len(again.sha256)) == (len(data), 64)
    assert again == letter


def test_the_schemas_in_the_docs_are_current() -> None:
    folder = Path(__file__).parents[2] / "docs" / "schemas"
    assert {path.name: path.read_text() for path in folder.glob("*.json")} == schemas(), "run `make schemas`"
