"""A log in memory, for the tests of connectors: what was committed, and failures on demand."""

from collections.abc import Sequence

from pipeline.model.article import Article
from pipeline.model.dead_letter import DeadLetter
from pipeline.model.health import SourceHealth


class MemoryLog:
    """What an engine offers to connectors. `failing` appends raise before anything is committed."""

    def __init__(self) -> None:
        self.articles: list[Article] = []
        self.letters: list[DeadLetter] = []
        self.cursors: dict[str, str] = {}
        self.healths: dict[str, SourceHealth] = {}
        self.failing = 0

    def append(self, articles: Sequence[Article], cursor: tuple[str, str] | None = None) -> None:
        if self.failing:
            self.failing -= 1
            raise OSError("the disk is full")
        self.articles.extend(articles)
        if cursor:
            self.cursors[cursor[0]] = cursor[1]

    def reject(self, letter: DeadLetter) -> None:
        self.letters.append(letter)

    def cursor(self, source: str) -> str | None:
        return self.cursors.get(source)

    def health(self, source: SourceHealth) -> None:
        self.healths[source.id] = source

    def sources(self) -> list[SourceHealth]:
        return list(self.healths.values())
