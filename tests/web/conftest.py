"""A real engine with real articles behind the console."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from pipeline.alerting.rules import RuleSet
from pipeline.engines.embedded import Embedded
from pipeline.model.article import Article, Source, article_id, revision_of
from pipeline.web.app import create_app
from pipeline.web.server import Serving, serve

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


def article(name: str, title: str, body: str, country: str | None = None) -> Article:
    """An article of an outlet of that name, published just now."""
    url = f"https://{name}.example/{revision_of(title, body)}"
    return Article(
        id=article_id(url, name, title),
        url=url,
        source=Source(id=name, name=name.title(), country=country),
        title=title,
        body=body,
        published=NOW,
        published_origin="input",
        fetched=NOW,
        revision=revision_of(title, body),
    )


EMBASSY = article(
    "caspian",
    "Missile fragments damage Azerbaijan's embassy in Kyiv",
    "Fragments of a Russian missile damaged Azerbaijan's embassy in Kyiv on Tuesday, the Foreign Ministry in Baku "
    "said. Russia's Defence Ministry denied that it had struck the embassy.",
    country="AZE",
)
HOSTILE = article(
    "mischief",
    'Ukraine: <script>alert("x")</script> & "quotes"',
    "Officials in Kyiv <img src=x onerror=alert(1)> met \u202eofficials of Poland\u202c on Monday.",
)
TRUCE = article(
    "riverside",
    "Sudan's army and rebels sign ceasefire",
    "Sudan's army and the rebels signed a ceasefire on Tuesday, the African Union said in Khartoum.",
)


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Embedded]:
    """An engine that has read two articles."""
    made = Embedded(tmp_path / "w.db", RuleSet.starter(), clock=lambda: NOW)
    made.append([EMBASSY, HOSTILE])
    while made.process():
        pass
    yield made
    made.close()


@pytest.fixture
def client(engine: Embedded) -> Iterator[TestClient]:
    """The console over that engine, without a browser."""
    app = create_app(engine.reader, act=engine.act, now=lambda: NOW)
    with TestClient(app, base_url="http://127.0.0.1") as made:
        yield made


@pytest.fixture
def console(engine: Embedded) -> Iterator[Serving]:
    """The console on a free port."""
    stop = threading.Event()
    serving = serve(engine.reader, engine.act, "127.0.0.1", 0, stop)
    yield serving
    stop.set()
    assert serving.join(3), "the console did not stop"
