"""Clean text: what a reader sees, and nothing else."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.enrich.text import clean
from pipeline.model.article import MAX_BODY, Article, Source, revision_of


def article(title: str, body: str) -> Article:
    return Article(id="0" * 32, source=Source(id="x"), title=title, body=body, revision=revision_of(title, body))


@pytest.mark.parametrize(
    ("given_text", "expected"),
    [
        pytest.param("Fish &amp; chips", "Fish & chips", id="entity"),
        pytest.param("Fish &amp;amp; chips", "Fish & chips", id="entity escaped twice"),
        pytest.param("caf&#233;", "café", id="numeric entity"),
        pytest.param("AT&T and R&D", "AT&T and R&D", id="an ampersand that is no entity"),
        pytest.param("mis\u00adsile", "missile", id="soft hyphen"),
        pytest.param("Ky\u200biv", "Kyiv", id="zero-width space"),
        pytest.param("a\u00a0b\u2009c", "a b c", id="odd spaces"),
        pytest.param("a\r\nb\r\n\r\n\r\n\r\nc", "a\nb\n\nc", id="line ends"),
        pytest.param("\ufeff text \x00\x07", "text", id="byte order mark and control characters"),
        pytest.param("и\u0306", "й", id="composed"),
        pytest.param("half \ud800 a character", "half a character", id="lone surrogate"),
        pytest.param("می\u200cرود", "می\u200cرود", id="a joiner that Persian needs stays"),
    ],
)
def test_is_what_a_reader_sees(given_text: str, expected: str) -> None:
    cleaned = clean(article("Title", given_text))
    assert cleaned.body == expected
    assert cleaned.revision == revision_of("Title", expected)


def test_a_title_is_one_line() -> None:
    assert clean(article("Two\nlines", "body")).title == "Two lines"


def test_an_enormous_body_is_cut_and_says_so() -> None:
    cleaned = clean(article("Title", "word " * (MAX_BODY // 4)))
    assert len(cleaned.body) <= MAX_BODY
    assert cleaned.truncated


@settings(deadline=None)
@given(st.text(alphabet=st.characters(), max_size=200), st.text(alphabet=st.characters(), max_size=400))
def test_cleaning_twice_is_cleaning_once(title: str, body: str) -> None:
    once = clean(article(title, body))
    assert clean(once) == once


@settings(deadline=None)
@given(st.text(max_size=300))
def test_clean_text_encodes(body: str) -> None:
    clean(article("", body)).body.encode()
