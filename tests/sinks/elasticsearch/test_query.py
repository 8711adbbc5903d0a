"""A search in a real Elasticsearch finds what the predicate finds, and shows the page of the embedded search."""

import random
import sqlite3
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import msgspec
import pytest
from elasticsearch import Elasticsearch
from elasticsearch.helpers import bulk

from pipeline.alerting.conditions import quoted, shown
from pipeline.alerting.kql import KqlError, parse
from pipeline.alerting.rules import RuleSet
from pipeline.enrich import enrich
from pipeline.model.document import FIELDS, NESTED, TEXT, Document, FieldType, search_document
from pipeline.model.enriched import EnrichedArticle, StoryRef
from pipeline.model.tokens import LONGEST, Tokens, split, tokens
from pipeline.settings import Http
from pipeline.sinks.elasticsearch.client import ElasticsearchError, connect
from pipeline.sinks.elasticsearch.documents import article_document, article_of
from pipeline.sinks.elasticsearch.mapping import ARTICLES, index_of
from pipeline.sinks.elasticsearch.query import search, to_dsl
from pipeline.sinks.elasticsearch.setup import create, set_up
from pipeline.sinks.embedded_search import EmbeddedSearch
from tests.eval.material import seed_articles
from tests.sinks.corpus import QUERIES, START, corpus

RANDOM = 400
"""Queries made of the values and words that the articles have."""

HOSTILE = (
    "L’Élysée’s «état» d'urgence: rock'n'roll, ''quoted'', dogs' dinner",
    "O‘Neil, ʻOkina, Qurʼan, Fo\u2019c\u2019s’le and the mayor's mayors’",
    "3.5 km at 12:30; 1,000.5 or 1.000,5; v1.2.3; U.S.A. e.g. $5; №5",
    "co-operate re_enter a_b under_score_d",
    "東京タワーは高い。ミサイルが落下した カタカナ・ひらがな",
    "대한민국 외교부는 성명을 냈다",
    "导弹碎片落入大使馆院内,A级 3月1日 中a文b 𠀀𠀁",
    "กระทรวงการต่างประเทศของไทย ພາສາລາວ ភាសាខ្មែរ မြန်မာဘာသာ",
    "السفارة الأذربيجانيّة في كِييف ١٢٣٫٥ ۱۲۳",
    "وزارت کشور می\u200cگوید",
    "שגרירות אזרבייג'ן, צה\"ל צה״ל ג׳ורג׳ קוֹל",
    "दूतावास को नुकसान क्ष\u200dत्र",
    "Ǆabc ﬁne Straße STRASSE İstanbul ISPARTA ıslak Łódź Đà Nẵng smørrebrød",
    "naïve e\u0301te\u0301 a\u0308 zero\u200bwidth soft\u00adhyphen no\u00a0break thin\u2009space",
    "ﾃｽﾄ ＦＵＬＬ１２ ᏣᎳᎩ ⴰⵎⴰⵣⵉⵖ",
    "foo@bar.com https://x.example/z?a=1&b=2 #tag C++ .NET",
    "𐌰𐌱𐌲 " + "𐌰" * 200 + " " + "ß" * 200 + " " + "a" * (2 * LONGEST + 3),
    'back\\slash "quotes" a*b? (round) {curly} [square] <b> | ~ ^ /x/',
)
"""Texts in many scripts, with what tokenizers stumble over."""

WRITTEN: Sequence[str] = (
    "embassy and not events: { what: premises-damaged }",
    "states: (RUS or UKR) and happenings: * and not claims: { stance: denies }",
    "events: { status: (reported or claimed) and facility.kind: embassy and place.country: * }",
    "events: { what: * and not (status: reported or status: claimed) }",
    "not events: { not status: reported }",
    "events: { not facility.owner: * and not place.name: * and target: * }",
    "claims: { speaker.role: * and not speaker.actor: * }",
    'claims: { about: "the embassy" } or claims: { about: посольст* }',
    "claims: { quoted: true and not speaker.anonymous: true and stance: (asserts or warns) }",
    "actors: { kind: organ and id: *MFA } and actors: { kind: state and not id: RUS }",
    "facilities: { owner: * and not city: * }",
    "facilities: { lat > 0 and lon < 60 }",
    "places.lat > 40 and places.lon < 40 and not places.kind: country",
    "published >= 2026-01-01 and published < 2026-06-01",
    'published > "2026-02-01T00:00:00Z" or not published: *',
    "stored >= 2026-03-05 and stored <= 2026-03-05",
    'stored: "2026-03-01T07:00:00Z" or fetched: 2026-03-02',
    '"foreign ministry" and not title: ministry',
    'title: ("embassy" or "посольство" or "السفارة" or "大使馆" or "大使館" or "대사관")',
    "body: (*ministerium or minist* or *мід*) and not language: (en or uk)",
    "em*sy and 3*",
    "summary: * and title: *",
    "source.*: *A* or source.affiliation: *",
    "version > 1e30 or version: 1e30 or version < -1e30",
    "version < 1e30 and version: (3 or 3.5 or 7)",
    "withdraws: true or truncated: true",
    "not (not (not (language: en)))",
    "a* or *e or *",
    "straße", "strasse", "istanbul", "ıspanta or isparta", "łódź", "lodz", "smorrebrod", "qur'an", "ʻokina",
    "dogs", "mayor and mayors", '"rock\'n\'roll quoted"', "fo'c's'le", "1.000,5 and 1,000.5", '"12:30"', "u.s.a",
    "re_enter", "score", "大", '"大使"', '"碎片落入"', "タワー", "外교부는", "외교부는", "ไทย", "กระ*", "كييف",
    "۱۲۳ or ١٢٣٫٥", "میگوید", 'צה\\"ל', "ג'ורג", "קול", "दूतावास", "etat", "\"l'elysee etat\"", "ete", "zero",
    "softhyphen", "break", "foo", "x.example", "net", "𐌰𐌱𐌲", "𐌰" * 200, "ß" * 200, "a" * LONGEST, "a" * 3,
    "back and slash", '"a b"', "claims: { speaker.text: * }", "events: { when: * }", "events: { when: *day }",
)  # fmt: skip


@cache
def articles() -> Sequence[EnrichedArticle]:
    """The seeds, read, in the order they were written; then the corpus, and one article a hostile text."""
    rules = RuleSet.starter()
    read = [enrich(article, rules) for article in seed_articles().values()]
    written = corpus()
    hostile = [
        msgspec.structs.replace(written[n % 3], id=f"hostile{n}", title=text, body=f"{text} …", summary="…")
        for n, text in enumerate(HOSTILE)
    ]
    empty = [msgspec.structs.replace(written[0], id="empty", title="…!", body="")]
    return [
        msgspec.structs.replace(
            article,
            version=number,
            stored=article.stored or START + timedelta(minutes=17 * number),
            story=StoryRef(id=f"story{number % 7}", origin=article.id),
        )
        for number, article in enumerate({each.id: each for each in [*read, *written, *hostile, *empty]}.values())
    ]


@cache
def documents() -> Sequence[Document]:
    return [search_document(article) for article in articles()]


def by_predicate(query: str) -> set[str]:
    asked = parse(query)
    return {document.article.id for document in documents() if asked.matches(document)}


@pytest.fixture(scope="module")
def filled(given: Http, client: Elasticsearch) -> Elasticsearch:
    """A node with every article in the index of its month."""
    set_up(given, 35)
    index_all(client, articles())
    return client


def index_all(client: Elasticsearch, found: Sequence[EnrichedArticle]) -> None:
    months = [index_of(ARTICLES, article.stored or START) for article in found]
    for index in set(months):
        create(client, index)
    bulk(
        client,
        [
            {"_index": index, "_id": article.id, "_source": article_document(article)}
            for index, article in zip(months, found, strict=True)
        ],
        refresh=True,
    )


def by_elasticsearch(client: Elasticsearch, queries: Sequence[str]) -> list[set[str]]:
    """The ids that each query finds, asked all at once."""
    asked: list[dict[str, Any]] = []
    for query in queries:
        asked += ({"index": ARTICLES}, {"query": to_dsl(parse(query)), "size": 1000, "_source": False})
    answers = client.msearch(searches=asked)["responses"]
    for query, answer in zip(queries, answers, strict=True):
        assert "error" not in answer, (query, answer["error"])
    return [{hit["_id"] for hit in answer["hits"]["hits"]} for answer in answers]


def agree(client: Elasticsearch, queries: Sequence[str]) -> None:
    """Fails with the queries of which Elasticsearch finds too much or too little."""
    wrong = []
    for query, found in zip(queries, by_elasticsearch(client, queries), strict=True):
        expected = by_predicate(query)
        if found != expected:
            wrong.append((query, "too many", found - expected, "too few", expected - found))
    assert wrong == []


def test_written_queries_find_what_the_predicate_finds(filled: Elasticsearch) -> None:
    queries = [*QUERIES, *WRITTEN]
    agree(filled, queries)
    telling = [query for query in queries if 0 < len(by_predicate(query)) < len(articles())]
    assert len(telling) >= 150


def test_random_queries_find_what_the_predicate_finds(filled: Elasticsearch) -> None:
    chance = random.Random(4)
    queries = [any_query(chance, 3) for _ in range(RANDOM)]
    agree(filled, queries)
    telling = [query for query in queries if 0 < len(by_predicate(query)) < len(articles())]
    assert len(telling) >= RANDOM // 2


def test_every_word_and_phrase_of_hostile_texts_is_found(filled: Elasticsearch) -> None:
    queries = [f'title: "{word}"' for word in dict.fromkeys(tokens(" ".join(HOSTILE))) if '"' not in word]
    for text in HOSTILE:
        words = split(text)
        queries += [f'body: "{text[:at].strip()}"' for at in (20, 40) if '"' not in text[:at] and "\\" not in text[:at]]
        queries += [f"title: {word[:2]}*" for word in words if tokens(word[:2])]
    agree(filled, queries)


def test_rules_find_what_they_hold_for(filled: Elasticsearch) -> None:
    agree(filled, [rule.when for rule in RuleSet.starter()])


# --- queries at random


def any_query(chance: random.Random, depth: int) -> str:
    kind = chance.random()
    if depth and kind < 0.45:
        inner = [any_query(chance, depth - 1) for _ in range(chance.randint(2, 3))]
        return "(" + chance.choice((" and ", " or ")).join(inner) + ")"
    if depth and kind < 0.6:
        return f"not ({any_query(chance, depth - 1)})"
    if kind < 0.8:
        nested = chance.choice(NESTED)
        return f"{nested}: {{ {nested_query(chance, nested, 2)} }}"
    return condition(chance, None)


def nested_query(chance: random.Random, nested: str, depth: int) -> str:
    if depth and chance.random() < 0.5:
        inner = [nested_query(chance, nested, depth - 1) for _ in range(2)]
        return "(" + chance.choice((" and ", " or ")).join(inner) + ")"
    negated = "not " if chance.random() < 0.25 else ""
    return negated + condition(chance, nested)


def condition(chance: random.Random, nested: str | None) -> str:
    field = chance.choice([field for field in FIELDS.values() if field.nested == nested])
    name = field.name[len(nested) + 1 :] if nested else field.name
    values = all_values()[field.name]
    if not values or chance.random() < 0.1:
        return f"{name}: *"
    value = chance.choice(values)
    if field.kind in ("number", "date") and chance.random() < 0.7:
        return f"{name} {chance.choice(('<', '<=', '>', '>='))} {quoted(shown(value))}"
    if field.kind == "text":
        return text_condition(chance, name, value)
    text = shown(value)
    if field.kind == "keyword" and chance.random() < 0.3 and text.isalnum():
        at = chance.randrange(len(text) + 1)
        return f"{name}: {text[:at]}*{text[at + 1 :]}"
    if chance.random() < 0.2:
        return f"{name}: ({quoted(text)} or {quoted(shown(chance.choice(values)))})"
    return f"{name}: {quoted(text)}"


def text_condition(chance: random.Random, name: str, text: str) -> str:
    words = Tokens([text]).words
    if not words:
        return f"{name}: *"
    at = chance.randrange(len(words))
    some = [word for word in words[at : at + chance.randint(1, 4)] if '"' not in word]
    if not some:
        return f"{name}: *"
    kind = chance.random()
    if kind < 0.2 and some[0].isalnum():
        return f"{name}: {some[0][:3]}*" if tokens(some[0][:3]) else f"{name}: *"
    prefix = f"{name}: " if name not in TEXT or chance.random() < 0.5 else ""
    if kind < 0.6:
        return f'{prefix}"{" ".join(some)}"'
    return prefix + " ".join(some) if all(word == quoted(word) for word in some) else f"{name}: {quoted(some[0])}"


@cache
def all_values() -> dict[str, list[Any]]:
    """What the articles have in each field."""

    def of(field: FieldType) -> Iterator[Any]:
        for document in documents():
            yield from document.all_values(field)

    return {name: list(dict.fromkeys(of(field))) for name, field in FIELDS.items()}


# --- the page


@pytest.fixture(scope="module")
def embedded() -> EmbeddedSearch:
    search = EmbeddedSearch(sqlite3.connect(":memory:", isolation_level=None))
    search.create()
    for article in articles():
        search.index(article)
    return search


@pytest.mark.parametrize(
    "asked",
    [
        {"query": ""},
        {"query": "", "limit": 1000},
        {"query": "", "limit": 7, "offset": 14},
        {"query": "", "offset": 10_000},
        {"query": "embassy", "limit": 0},
        {"query": "states: AZE", "since": START, "until": START + timedelta(days=1)},
        {"query": "", "since": START + timedelta(hours=7), "until": START + timedelta(hours=21)},
        {"query": "", "since": datetime(2030, 1, 1, tzinfo=UTC)},
        {"query": "nothingofthekind"},
        {"query": "stored > now-2d", "now": START + timedelta(days=3)},
        *({"query": query, "limit": 50} for query in WRITTEN[:12]),
    ],
)
def test_the_page_is_that_of_the_embedded_search(
    filled: Elasticsearch, embedded: EmbeddedSearch, asked: dict[str, Any]
) -> None:
    assert search(filled, **asked) == embedded.search(**asked)


def test_nobody_pages_beyond_what_elasticsearch_keeps_in_order(filled: Elasticsearch) -> None:
    page = search(filled, "", offset=19_990, limit=20)
    assert (page.hits, page.total) == ((), len(articles()))


def test_a_query_that_cannot_be_read_says_where(filled: Elasticsearch) -> None:
    with pytest.raises(KqlError, match="line 1, column 17"):
        search(filled, "states: AZE and sttes: RUS")


def test_a_server_that_does_not_answer_is_an_error_that_says_what_to_do() -> None:
    with (
        connect(Http(url="http://127.0.0.1:9")) as nobody,
        pytest.raises(ElasticsearchError, match="check that it is running"),
    ):
        search(nobody, "")


def test_what_is_huge_or_far_away_in_time_is_taken_whole(filled: Elasticsearch) -> None:
    written = corpus()[1]
    long = "x" * 40_000
    index = index_of(ARTICLES, datetime(2020, 1, 1, tzinfo=UTC))
    create(filled, index)
    for year in (1, 1969, 2262, 9999):
        huge = msgspec.structs.replace(
            written,
            id=f"huge{year}",
            url=f"https://huge.example/{long}",
            source=msgspec.structs.replace(written.source, name=long),
            authors=(long, "Somebody"),
            published=datetime(year, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
            body="word " * 40_000,
            actors=written.actors * 6_000,
            claims=(msgspec.structs.replace(written.claims[0], about=long),),
        )
        document = article_document(huge)
        assert filled.index(index=index, id=huge.id, document=document, refresh=True)["result"] == "created"
        assert article_of(filled.get(index=index, id=huge.id)["_source"]) == huge
    found = {"bool": {"filter": [{"term": {"authors": "Somebody"}}, {"term": {"body_words": "word"}}]}}
    assert filled.count(index=ARTICLES, query=found)["count"] == 4
    filled.indices.delete(index=index)


# --- Kibana's own search bar


def test_our_words_are_those_of_the_standard_tokenizer(filled: Elasticsearch) -> None:
    for text in [*HOSTILE, *(article.body for article in articles())]:
        words = split(text)
        if max(map(len, words), default=LONGEST) < LONGEST // 2:  # Elasticsearch counts UTF-16 units, we characters
            found = filled.indices.analyze(tokenizer="standard", text=text)["tokens"]
            assert [token["token"] for token in found if tokens(token["token"])] == words


@pytest.mark.parametrize(
    ("query", "is_found"),
    [
        ({"query_string": {"query": "embassy"}}, True),
        ({"multi_match": {"type": "best_fields", "query": "EMBASSY", "lenient": True}}, True),
        ({"match_phrase": {"body": "Missile fragments fell"}}, True),
        ({"match_phrase": {"body": "fragments missile"}}, False),
        ({"match": {"stemmed.en": "embassy"}}, True),
        ({"match": {"stemmed.uk": "FRAGMENTS"}}, True),
        ({"geo_distance": {"distance": "5km", "places.location": "50.45,30.52"}}, True),
        ({"term": {"extras.language.by": "script"}}, True),
        ({"match": {"payload": "embassy"}}, None),
    ],
)
def test_the_bar_of_kibana_reads_the_text_as_written(
    filled: Elasticsearch, query: dict[str, Any], is_found: bool | None
) -> None:
    wanted = {"bool": {"filter": [query, {"terms": {"source.id": ["outlet0", "outlet1", "outlet2"]}}]}}
    if is_found is None:
        with pytest.raises(Exception, match="not indexed"):
            filled.search(index=ARTICLES, query=wanted)
    else:
        assert bool(filled.search(index=ARTICLES, query=wanted)["hits"]["total"]["value"]) is is_found


def test_what_is_only_for_searching_is_not_kept(filled: Elasticsearch) -> None:
    kept = filled.search(index=ARTICLES, query={"term": {"title_words": "embassy"}}, size=1)["hits"]["hits"][0]
    assert {"title", "body", "payload"} <= kept["_source"].keys()
    assert not {"title_words", "body_words", "stemmed"} & kept["_source"].keys()
