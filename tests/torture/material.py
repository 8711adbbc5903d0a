"""Articles for the faults: variations of the seeds in hostile order, and messages that are poison."""

import json
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import msgspec

from pipeline.model.article import Article, article_id, revision_of
from pipeline.model.codec import encode
from tests.eval.material import seed_articles

ODD_TIMES = (
    None,
    datetime(1900, 1, 1, tzinfo=UTC),
    datetime(2100, 1, 1, tzinfo=UTC),
)


def hostile_articles(count: int, seed: int) -> Iterator[Article]:
    """`count` deliveries: new articles at URLs of their own, every tenth one a repeat or an edit of an earlier one.

    A variation has its own figures in the text, so that it is no copy of its seed; times of publication are now and
    then missing, a century early or late, or weeks ago.
    """
    chance = random.Random(seed)
    seeds = list(seed_articles().values())
    sent: list[Article] = []
    for number in range(count):
        kind = chance.random()
        if sent and kind < 0.05:
            yield chance.choice(sent)
            continue
        if sent and kind < 0.1:
            yield _edited(chance.choice(sent), number)
            continue
        article = _variation(chance.choice(seeds), number, seed, chance)
        sent.append(article)
        yield article


def _variation(article: Article, number: int, seed: int, chance: random.Random) -> Article:
    url = f"https://{article.source.id}.example/torture/{seed}/{number}"
    body = f"{article.body}\n\n{' '.join(str(chance.randrange(10**6)) for _ in range(12))}"
    published = chance.choice(ODD_TIMES) if chance.random() < 0.1 else datetime.now(UTC)
    if chance.random() < 0.1:
        published = datetime.now(UTC) - timedelta(days=chance.randrange(1, 40))
    return msgspec.structs.replace(
        article,
        id=article_id(url, article.source.id, ""),
        url=url,
        body=body,
        published=published,
        published_origin="feed" if published else None,
        fetched=datetime.now(UTC),
        revision=revision_of(article.title, body),
    )


def _edited(article: Article, number: int) -> Article:
    body = f"{article.body}\n\nCorrected for the {number}th time."
    return msgspec.structs.replace(article, body=body, revision=revision_of(article.title, body))


def poison(article: Article) -> dict[str, tuple[bytes | None, bytes | None]]:
    """Twelve kinds of message that no stage can handle: key and value, by what is wrong with them."""
    whole = json.loads(encode(article))

    def without(name: str) -> bytes:
        return json.dumps({key: value for key, value in whole.items() if key != name}).encode()

    def having(**more: object) -> bytes:
        return json.dumps(whole | more).encode()

    return {
        "empty": (b"empty", b""),
        "no value": (b"none", None),
        "binary": (b"binary", bytes(range(256)) * 64),
        "half of it": (b"half", encode(article)[: len(encode(article)) // 2]),
        "a list": (b"list", b"[1, 2, 3]"),
        "a number": (b"number", b"17"),
        "without an id": (b"no-id", without("id")),
        "without a source": (b"no-source", without("source")),
        "a title that is a number": (b"title", having(title=12)),
        "a time without an offset": (b"time", having(published="2026-11-24T12:00:00")),
        "half a character": (b"surrogate", json.dumps(whole | {"title": "\ud800 fires"}).encode()),
        "ten thousand brackets": (b"\xff\xfe key that is no text", b"[" * 10_000 + b"]" * 10_000),
    }
