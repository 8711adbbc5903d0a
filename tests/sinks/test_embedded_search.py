"""The search in SQLite finds what the predicate finds, pages it, counts it, and forgets it."""

import sqlite3
from datetime import timedelta
from itertools import pairwise

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.alerting.kql import KqlError, parse
from pipeline.model.document import search_document
from pipeline.model.enriched import EnrichedArticle
from pipeline.sinks.embedded_search import EmbeddedSearch
from tests.sinks.corpus import QUERIES, START, corpus

ARTICLES = corpus()


def made(articles: list[EnrichedArticle]) -> EmbeddedSearch:
    search = EmbeddedSearch(sqlite3.connect(":memory:", isolation_level=None))
    search.create()
    for article in articles:
        search.index(article)
    return search


@pytest.fixture(scope="module")
def search() -> EmbeddedSearch:
    return made(ARTICLES)


def by_predicate(query: str, articles: list[EnrichedArticle]) -> set[str]:
    asked = parse(query)
    return {article.id for article in articles if asked.matches(search_document(article))}


def test_there_are_a_hundred_queries_and_most_tell_articles_apart() -> None:
    telling = [query for query in QUERIES if 0 < len(by_predicate(query, ARTICLES)) < len(ARTICLES)]
    assert len(QUERIES) >= 100
    assert len(telling) >= 80


@pytest.mark.parametrize("query", QUERIES)
def test_search_finds_what_the_predicate_finds(search: EmbeddedSearch, query: str) -> None:
    page = search.search(query, limit=1000)
    assert {article.id for article in page.hits} == by_predicate(query, ARTICLES)
    assert page.total == len(page.hits)


@settings(max_examples=60, deadline=None)
@given(
    st.recursive(
        st.sampled_from(QUERIES[2:]),
        lambda inner: (
            st.builds("({}) and ({})".format, inner, inner)
            | st.builds("({}) or ({})".format, inner, inner)
            | st.builds("not ({})".format, inner)
        ),
        max_leaves=4,
    )
)
def test_any_combination_of_queries_finds_what_its_predicate_finds(query: str) -> None:
    assert {hit.id for hit in SEARCH.search(query, limit=1000).hits} == by_predicate(query, ARTICLES)


SEARCH = made(ARTICLES)


def test_newest_first_in_pages(search: EmbeddedSearch) -> None:
    everything = [article.id for article in search.search("", limit=1000).hits]
    assert everything == [article.id for article in reversed(ARTICLES)]
    paged = [hit.id for offset in range(0, len(ARTICLES), 7) for hit in search.search("", limit=7, offset=offset).hits]
    assert paged == everything


def test_a_window_of_time_is_half_open(search: EmbeddedSearch) -> None:
    page = search.search("", limit=1000, since=START + timedelta(hours=7), until=START + timedelta(hours=21))
    assert [article.version for article in page.hits] == [2, 1]


def test_facets_and_histogram_count_the_whole_result(search: EmbeddedSearch) -> None:
    page = search.search("states: AZE", limit=1)
    assert page.total == 12
    assert {value.value: value.count for value in page.facets["states"]} == {"AZE": 12, "RUS": 12}
    assert sum(bar.count for bar in page.histogram) == 12
    starts = [bar.start for bar in page.histogram]
    assert {(b - a).total_seconds() for a, b in pairwise(starts)} == {page.step}


def test_a_new_revision_takes_the_place_of_the_old() -> None:
    search = made(ARTICLES[:3])
    changed = msgspec.structs.replace(ARTICLES[0], title="Correction", body="Nothing fell.", actors=())
    search.index(changed)
    assert [hit.title for hit in search.search("correction").hits] == ["Correction"]
    assert search.search("", limit=10).total == 3
    assert ARTICLES[0].id not in {hit.id for hit in search.search("fragments").hits}


def test_what_is_deleted_is_gone_from_every_table() -> None:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    search = EmbeddedSearch(connection)
    search.create()
    for article in ARTICLES:
        search.index(article)
    connection.execute("CREATE VIRTUAL TABLE words USING fts5vocab(search_words, row)")
    assert len(connection.execute("SELECT term FROM words").fetchall()) > 100
    for article in ARTICLES:
        search.delete(article.id)
    search.delete("never there")
    for query in QUERIES:
        assert search.search(query).total == 0
    search.compact()
    words = connection.execute("SELECT term FROM words").fetchall()
    assert words == []


def test_a_query_that_cannot_be_read_says_where(search: EmbeddedSearch) -> None:
    with pytest.raises(KqlError) as caught:
        search.search("states: AZE and sttes: RUS")
    assert (caught.value.line, caught.value.column) == (1, 17)
    assert "states" in caught.value.message


def test_dates_can_be_reckoned_in_searches(search: EmbeddedSearch) -> None:
    now = START + timedelta(days=10)
    assert search.search("stored > now-2d", limit=100, now=now).total == len(
        [a for a in ARTICLES if a.stored and a.stored > now - timedelta(days=2)]
    )
