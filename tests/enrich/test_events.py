"""What happened, in short articles of three languages, most of those that are silent written to fool keywords."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from pipeline.enrich import enrich
from pipeline.enrich.events import general
from pipeline.model.article import Article, Source, revision_of

CASES = Path(__file__).parent / "cases"
WHEN = datetime(2026, 6, 15, 12, tzinfo=UTC)


def article(title: str, body: str) -> Article:
    """An article of the day."""
    return Article(
        id="0" * 32, source=Source(id="test"), title=title, body=body, published=WHEN, revision=revision_of(title, body)
    )


def cases() -> list[Any]:
    """Every case of every file."""
    found: list[Any] = []
    for file in sorted(CASES.glob("*.yaml")):
        found += [pytest.param(case, id=f"{file.stem}: {case['title']}") for case in yaml.safe_load(file.read_text())]
    return found


@pytest.mark.parametrize("case", cases())
def test_what_happened(case: dict[str, Any]) -> None:
    events = enrich(article(case["title"], case["body"])).events
    happened = {
        event.what
        for event in events
        if event.status in ("reported", "claimed") and not general(event.what, event.type)
    }
    assert happened == set(case["happened"])


@pytest.mark.parametrize(
    ("text", "source", "target"),
    [
        pytest.param("Denmark condemned Sweden on Monday.", ("DNK",), ("SWE",), id="verb between"),
        pytest.param("The Danish government and Norway condemned Sweden.", ("DNK",), ("SWE",), id="the subject first"),
        pytest.param("Denmark condemned the attack.", ("DNK",), (), id="no object"),
    ],
)
def test_who_did_it_to_whom(text: str, source: tuple[str, ...], target: tuple[str, ...]) -> None:
    (event,) = enrich(article("", text)).events
    assert (event.source, event.target) == (source, target)
