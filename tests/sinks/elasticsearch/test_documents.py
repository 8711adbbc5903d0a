"""Documents have every field that can be asked, nothing beyond the mapping, and an exact copy of what they are of."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from pipeline.model.alert import (
    Alert,
    AlertActor,
    AlertArticle,
    AlertPlace,
    LedgerEntry,
    Reason,
    Reliability,
    RuleRef,
    Times,
)
from pipeline.model.article import Source
from pipeline.model.dead_letter import dead_letter
from pipeline.model.document import FIELDS
from pipeline.model.enriched import EnrichedArticle
from pipeline.model.health import SourceHealth
from pipeline.model.tokens import LONGEST
from pipeline.sinks.elasticsearch import documents
from pipeline.sinks.elasticsearch.mapping import (
    ALERTS,
    ALIASES,
    ARTICLES,
    CHANGES,
    DEAD_LETTERS,
    SOURCES,
    index_of,
    month_of,
    properties_of,
    template,
)
from tests.sinks.corpus import SPAN, corpus

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)


def leaves(value: Any, path: str = "") -> Iterator[str]:
    """Dotted names of the fields of a document."""
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from leaves(inner, f"{path}.{name}" if path else name)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from leaves(inner, path)
    else:
        yield path


def mapped(properties: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, str]]:
    """Dotted names and types of a mapping, second names of values too."""
    for name, field in properties.items():
        full = f"{path}.{name}" if path else name
        if "properties" in field:
            yield from mapped(field["properties"], full)
        else:
            yield full, field["type"]
            yield from mapped(field.get("fields", {}), full)


def beyond(document: Mapping[str, Any], alias: str) -> set[str]:
    """Fields of a document that a strict mapping refuses."""
    types = dict(mapped(properties_of(alias)))
    wide = tuple(f"{name}." for name, kind in types.items() if kind in ("flattened", "geo_point"))
    return {name for name in leaves(document) if name not in types and not name.startswith(wide)}


def alert() -> Alert:
    return Alert(
        id="a" * 32,
        sequence=2,
        change="updated",
        rule=RuleRef(id="diplomatic-premises-hit", version="1"),
        desk="diplomacy",
        severity="high",
        headline="Embassy of Azerbaijan in Kyiv hit",
        summary="Fragments fell on the embassy.",
        reliability=Reliability(source="B", information=2, why="two sources"),
        because=(Reason(condition="events.what: premises-damaged", article="b" * 32, span=SPAN, words="Fragm"),),
        story="c" * 32,
        origins=2,
        articles=(
            AlertArticle(
                id="b" * 32,
                title="Fragments hit embassy",
                source=Source(id="outlet", kind="feed"),
                language="en",
                origin="b" * 32,
            ),
        ),
        article_count=3,
        claims=(LedgerEntry(speaker="the ministry", stance="denies", article="b" * 32, since=AT),),
        actors=(
            AlertActor(id="AZE/GOV/MFA", name="Foreign Ministry"),
            AlertActor(id="AZE", name="Azerbaijan"),
            AlertActor(id="WHO", name="WHO"),
            AlertActor(id="person/mikhail-orlov", name="Mikhail Orlov"),
        ),
        places=(AlertPlace(id="703448", name="Kyiv", country="UKR", lat=50.45, lon=30.52),),
        times=Times(published=AT - timedelta(seconds=90), raised=AT, changed=AT + timedelta(hours=1)),
    )


LETTER = dead_letter(stage="enrich", topic="t", offset=3, key="k", reason="Expected `str`", at=AT, data=b"\x00\xff")
HEALTH = SourceHealth(id="s", kind="feed", name="S", state="failing", last_poll=AT, error="the host does not answer")


def test_documents_keep_to_the_strict_mapping() -> None:
    for article in corpus():
        assert beyond(documents.article_document(article), ARTICLES) == set()
    assert beyond(documents.alert_document(alert()), ALERTS) == set()
    assert beyond(documents.change_document(alert()), CHANGES) == set()
    assert beyond(documents.dead_letter_document(LETTER), DEAD_LETTERS) == set()
    assert beyond(documents.health_document(HEALTH), SOURCES) == set()


def test_every_field_that_can_be_asked_is_mapped() -> None:
    types = dict(mapped(properties_of(ARTICLES)))
    kinds = {"keyword": {"keyword"}, "text": {"text"}, "date": {"date"}, "number": {"long", "double"}}
    for name, field in FIELDS.items():
        assert types[name] in kinds.get(field.kind, {"boolean"})


def test_what_is_read_back_is_what_went_in() -> None:
    assert [documents.article_of(documents.article_document(article)) for article in corpus()] == corpus()
    assert documents.alert_of(documents.alert_document(alert())) == alert()
    assert documents.dead_letter_of(documents.dead_letter_document(LETTER)) == LETTER
    assert documents.health_of(documents.health_document(HEALTH)) == HEALTH


def test_documents_are_plain_json() -> None:
    for article in corpus():
        document = documents.article_document(article)
        assert msgspec.json.decode(msgspec.json.encode(document)).keys() == document.keys()


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        ("states", ["AZE"]),
        ("organisations", ["WHO"]),
        ("persons", ["Mikhail Orlov"]),
        ("countries", ["UKR"]),
        ("places", [{"id": "703448", "name": "Kyiv", "country": "UKR", "location": {"lat": 50.45, "lon": 30.52}}]),
        ("delays", {"published_to_raised": 90.0}),
        ("open", True),
    ],
)
def test_alerts_have_flat_fields_for_charts(field: str, expected: object) -> None:
    assert documents.alert_document(alert())[field] == expected


def test_an_alert_names_its_articles_once_and_a_change_repeats_nothing_else_of_them() -> None:
    whole, change = documents.alert_document(alert()), documents.change_document(alert())
    assert whole["named"] == change["named"] == ["b" * 32]
    assert whole.keys() - change.keys() == {"articles", "because", "claims", "actors"}
    assert documents.alert_of(change) == alert()


def test_an_article_has_its_words_beside_its_text() -> None:
    plain = documents.article_document(_titled("İstanbul's  Café, 3.5 大使館"))
    assert plain["title"] == "İstanbul's  Café, 3.5 大使館"
    assert plain["title_words"] == "istanbul cafe 3.5 大 使 館"


def test_a_text_stands_in_the_field_of_its_language() -> None:
    of = {article.language.code: documents.stemmed(article) for article in corpus()}
    assert of["en"].keys() == {"en"}
    assert "\n" in of["en"]["en"]
    assert of["az"] == {}


@pytest.mark.parametrize(
    ("word", "is_kept"),
    [("embassy", True), ("a" * LONGEST, True), ("𐌰" * 127, True), ("𐌰" * 200, False), ("ss" * LONGEST, False)],
)
def test_words_too_long_for_the_index_are_told_apart_by_a_hash(word: str, is_kept: bool) -> None:
    assert (documents.indexed(word) == word) is is_kept
    assert len(documents.indexed(word).encode("utf-16-le")) // 2 <= documents.LONGEST_WORD
    assert documents.indexed(word) != documents.indexed(word + "x")


@pytest.mark.parametrize(
    ("alias", "at", "generation", "index"),
    [
        (ARTICLES, AT, 1, "wirewatch-articles-g1-2026.03"),
        (ALERTS, datetime.fromisoformat("2026-03-31T23:30:00-01:00"), 2, "wirewatch-alerts-g2-2026.04"),
        (SOURCES, AT, 1, "wirewatch-sources-g1"),
    ],
)
def test_documents_of_a_month_share_an_index(alias: str, at: datetime, generation: int, index: str) -> None:
    assert index_of(alias, at, generation) == index


def test_the_month_of_an_index() -> None:
    assert month_of("wirewatch-articles-g1-2026.12") == (
        datetime(2026, 12, 1, tzinfo=UTC),
        datetime(2027, 1, 1, tzinfo=UTC),
    )
    assert month_of("wirewatch-sources-g1") is None


def test_no_template_takes_the_indices_of_another() -> None:
    for alias in ALIASES:
        pattern = template(alias)["index_patterns"][0].rstrip("*")
        assert [other for other in ALIASES if index_of(other, AT).startswith(pattern)] == [alias]


def _titled(title: str) -> EnrichedArticle:
    return msgspec.structs.replace(corpus()[0], title=title)
