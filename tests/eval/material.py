"""Labelled material: the seeds of this project and, where it is present, a folder of development sets."""

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple
from zlib import crc32

import feedparser
import msgspec
import trafilatura

from pipeline.model.article import Article, from_input
from pipeline.model.codec import decode

SEEDS = Path(__file__).parents[2] / "seeds"
OWN = Path(__file__).parent / "own"
"""Articles written to be measured on, a file a language."""


class City(msgspec.Struct, frozen=True):
    """A city by its English name, and the alpha-3 code of its country."""

    name: str
    country: str | None


class Premises(msgspec.Struct, frozen=True):
    """A diplomatic facility."""

    kind: str
    owner: str | None
    city: str | None = None
    country: str | None = None


class Statement(msgspec.Struct, frozen=True):
    """A main attributed statement; `speaker` and `about` in the words of the text."""

    speaker: str
    stance: str
    about: str = ""
    anonymous: bool = False


class Expect(msgspec.Struct, frozen=True):
    """What should be read in an article. seeds/README.md says what each label means."""

    language: str
    states: tuple[str, ...]
    cities: tuple[City, ...]
    facilities: tuple[Premises, ...]
    rules: tuple[str, ...]
    organisations: tuple[str, ...] = ()
    claims: tuple[Statement, ...] = ()
    story: str | None = None
    origin: str | None = None


class Label(msgspec.Struct, frozen=True):
    """One line of seeds/labels.jsonl."""

    id: str
    url: str
    expect: Expect
    why: str


class Case(NamedTuple):
    """An article and what is expected of it."""

    id: str
    article: Article
    expect: Expect
    why: str


class _Labelled(msgspec.Struct):
    id: str
    expect: Expect
    why: str = ""


def seed_labels() -> dict[str, Label]:
    """The labels of every seed, by id."""
    lines = (SEEDS / "labels.jsonl").read_bytes().splitlines()
    return {label.id: label for label in (decode(line, Label) for line in lines)}


def seed_articles() -> dict[str, Article]:
    """Every seed article by its label's id: those of seeds/articles, and those that only the feeds carry."""
    found = dict(from_input(line) for line in seed_lines())
    by_url = {label.url: label.id for label in seed_labels().values()}
    for article in feed_articles():
        found[by_url[article.url or ""]] = article
    return found


def seed_lines() -> Iterator[bytes]:
    """The lines of seeds/articles/*.jsonl, file by file."""
    for path in sorted((SEEDS / "articles").glob("*.jsonl")):
        yield from path.read_bytes().splitlines()


def feed_articles() -> Iterator[Article]:
    """The articles of seeds/feeds, as a reader of the feed and of the pages it links to would get them."""
    for path in sorted((SEEDS / "feeds").iterdir()):
        if path.suffix == ".json":
            feed = json.loads(path.read_bytes())
            for item in feed["items"]:
                yield _feed_article(path.stem, feed["title"], item["url"], item["title"], item.get("content_text", ""))
        elif path.suffix == ".xml":
            parsed = feedparser.parse(path.read_bytes())
            for entry in parsed.entries:
                html = entry.content[0].value if "content" in entry else ""
                body = trafilatura.extract(f"<html><body><article>{html}</article></body></html>") if html else ""
                yield _feed_article(path.stem, parsed.feed.title, entry.link, entry.title, body or "")


def _feed_article(source: str, name: str, url: str, title: str, body: str) -> Article:
    if not body:
        page = SEEDS / "feeds" / url.removeprefix("{{base}}/")
        body = trafilatura.extract(page.read_text("utf-8"), include_comments=False) or ""
    line = {"id": url, "url": url, "source": {"id": source, "name": name}, "title": title, "body": body}
    return from_input(json.dumps(line).encode())[1]


def seeds() -> list[Case]:
    """The seeds with their labels."""
    labels = seed_labels()
    return [Case(key, article, labels[key].expect, labels[key].why) for key, article in seed_articles().items()]


def alerts(folder: Path) -> list[Case]:
    """The labelled alert articles of a folder of development sets."""
    return _cases(folder / "alerts")


def own(*, kept_back: bool) -> list[Case]:
    """One half of our own articles: what rules are mended by, or what is only measured. Ids decide, by their CRC-32."""
    return [case for case in _cases(OWN) if crc32(case.id.encode()) % 2 == kept_back]


def _cases(folder: Path) -> list[Case]:
    cases = []
    for path in sorted(folder.glob("*.jsonl")):
        for line in path.read_bytes().splitlines():
            labelled = decode(line, _Labelled)
            cases.append(Case(labelled.id, from_input(line)[1], labelled.expect, labelled.why))
    return cases


def records(folder: Path, name: str) -> list[dict[str, Any]]:
    """The lines of a gzipped set of the folder."""
    with gzip.open(folder / f"{name}.jsonl.gz", "rt", encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def article_of(record: dict[str, Any]) -> Article:
    """A record's text as an article; its gold stays behind."""
    line = {
        "id": record["id"],
        "source": {"id": "eval"},
        "title": record.get("title", ""),
        "body": record["text"],
    }
    return from_input(json.dumps(line).encode())[1]
