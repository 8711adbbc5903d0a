"""Articles of real length, made from the seeds: the same on every machine and in every run."""

import json
import random
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

import msgspec
import yaml

from connectors.pages import read_page
from pipeline.model.article import Article, from_input
from tests.eval.material import Case, records, seeds

AVERAGE = 5000
"""Characters of a body."""

SHORTEST = 1500
"""Characters of a real page's text from which it is read."""

BACKGROUND = Path(__file__).with_name("background.yaml")
"""Sentences without news; its first lines say how they are written."""

SPACELESS = ("zh", "ja")
"""Languages without a space between sentences."""


NUMBERS = {"number": range(20, 955, 5), "few": range(5, 20), "year": range(1961, 2020)}
"""What stands for a number in a sentence."""


class Background(msgspec.Struct, frozen=True):
    """The ordinary rest of an article in one language."""

    lists: dict[str, str]
    sentences: str

    def sentence(self, pattern: str, chance: random.Random) -> str:
        """A pattern with every choice made and every slot filled."""
        text = self._fill(pattern, chance)
        return text[0].upper() + text[1:]

    def _fill(self, pattern: str, chance: random.Random) -> str:
        chosen = re.sub(r"\[([^]]*)\]", lambda choice: chance.choice(choice[1].split("|")), pattern)
        return re.sub(r"\{(\w+)\}", lambda slot: self._word(slot[1], chance), chosen)

    def _word(self, name: str, chance: random.Random) -> str:
        if name in NUMBERS:
            return str(chance.choice(NUMBERS[name]))
        return self._fill(chance.choice(self.lists[name].split(" | ")), chance)


@cache
def backgrounds() -> Mapping[str, Background]:
    """The background of every language of the seeds, by its code."""
    return msgspec.convert(yaml.safe_load(BACKGROUND.read_text("utf-8")), dict[str, Background])


def long_articles(count: int, seed: int = 0) -> Iterator[Article]:
    """Articles of 2,500 to 7,500 characters, each in one language and at a URL of its own.

    An article is a seed and, behind it, background in paragraphs of two to five sentences. Almost half of them alert,
    and names stand about as far apart as on a news page. Articles with one seed tell one story: of 1,000 articles ten
    begin alike, and the largest story of the seeds has eleven of them.
    """
    chance = random.Random(seed)
    for number, case, wanted in _openings(count, chance):
        body = case.article.body
        while len(body) < wanted:
            body += "\n\n" + background(case.expect.language, wanted - len(body), chance)
        yield _article(f"{seed}/{number}", case, body)


def background(language: str, wanted: int, chance: random.Random) -> str:
    """Paragraphs of `wanted` characters or little more, less where the patterns, each used once, are too few."""
    known = backgrounds()[language]
    space = "" if language in SPACELESS else " "
    patterns = known.sentences.splitlines()
    chance.shuffle(patterns)
    text, left = "", 0
    for pattern in patterns:
        if left == 0:
            text, left = text + ("\n\n" if text else ""), chance.randint(2, 5)
        else:
            text += space
        text, left = text + known.sentence(pattern, chance), left - 1
        if len(text) >= wanted:
            break
    return text


def dense_articles(count: int, seed: int = 0) -> Iterator[Article]:
    """A stress: articles as long, but of a seed and paragraphs of other seeds in its language.

    Every paragraph reports a happening and stands in hundreds of other articles; no news looks like that.
    """
    chance = random.Random(seed)
    paragraphs: dict[str, list[str]] = defaultdict(list)
    for case in seeds():
        paragraphs[case.expect.language] += [text for text in case.article.body.split("\n") if text.strip()]
    for number, case, wanted in _openings(count, chance):
        body = case.article.body
        while len(body) < wanted:
            body += "\n\n" + chance.choice(paragraphs[case.expect.language])
        yield _article(f"dense/{seed}/{number}", case, body[: max(wanted, len(case.article.body))])


def real_articles(folder: Path) -> list[Article]:
    """The articles of the pages in a folder of development sets that are long enough to be compared."""
    found = []
    for record in records(folder, "pages"):
        page = read_page(record["html"].encode("utf-8", "replace"), record["url"])
        if page and len(page.body) >= SHORTEST:
            line = {"id": record["id"], "source": {"id": "page"}, "title": page.title, "body": page.body}
            found.append(from_input(json.dumps(line).encode())[1])
    return found


def _openings(count: int, chance: random.Random) -> Iterator[tuple[int, Case, int]]:
    """The number, the seed and the wanted length of each article."""
    cases = seeds()
    for number in range(count):
        yield number, cases[(number * 37) % len(cases)], chance.randint(AVERAGE // 2, AVERAGE * 3 // 2)


def _article(path: str, case: Case, body: str) -> Article:
    line = {
        "id": f"bench/{path}",
        "url": f"https://bench.example/{path}",
        "source": {"id": case.article.source.id, "name": case.article.source.name},
        "title": case.article.title,
        "body": body,
    }
    return from_input(json.dumps(line).encode())[1]
