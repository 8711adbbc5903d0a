"""Articles of real length, made from the seeds: the same on every machine and in every run."""

import json
import random
from collections import defaultdict
from collections.abc import Iterator

from pipeline.model.article import Article, from_input
from tests.eval.material import seeds

AVERAGE = 5000
"""Characters of a body."""


def long_articles(count: int, seed: int = 0) -> Iterator[Article]:
    """Articles of 2,500 to 7,500 characters, each in one language and at a URL of its own.

    An article begins with a seed and goes on with paragraphs of other seeds in its language, so that half of them
    alert and all of them are dense with names.
    """
    chance = random.Random(seed)
    cases = seeds()
    paragraphs: dict[str, list[str]] = defaultdict(list)
    for case in cases:
        paragraphs[case.expect.language] += case.article.body.split("\n")
    for number in range(count):
        case = cases[(number * 37) % len(cases)]
        wanted = chance.randint(AVERAGE // 2, AVERAGE * 3 // 2)
        pool = [text for text in paragraphs[case.expect.language] if text.strip()]
        body = case.article.body
        while len(body) < wanted:
            body += "\n\n" + chance.choice(pool)
        line = {
            "id": f"bench-{seed}-{number}",
            "url": f"https://bench.example/{seed}/{number}",
            "source": {"id": case.article.source.id, "name": case.article.source.name},
            "title": case.article.title,
            "body": body[: max(wanted, len(case.article.body))],
        }
        yield from_input(json.dumps(line).encode())[1]
