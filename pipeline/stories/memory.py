"""The state of relate: the articles of the last weeks, indexed by what they share. Built from records alone."""

from bisect import bisect_left
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from sys import intern
from typing import NamedTuple

import msgspec

from pipeline.stories.credits import Names, learn_name
from pipeline.stories.rarity import FIRST_WORD, NO_LENGTHS, Lengths, lengths, most_telling, weights
from pipeline.stories.record import Decided, Held, unpack

DAY = 86_400_000
IDENTITY = 35 * DAY
"""An article is recognised, and its copies too, for so long after its latest revision."""
JOINING = 10 * DAY
"""An article draws others into its story for so long."""
POSTINGS = 128
"""Latest articles that are remembered for one feature; a feature with more is too common to find a story by."""


class Known(msgspec.Struct, array_like=True, gc=False):
    """An article as later ones are compared with it, packed as in its record; times in milliseconds."""

    id: bytes
    revisions: tuple[bytes, ...]
    """Newest last."""
    at: int
    stored: int
    source: str
    language: str
    story: bytes
    origin: bytes
    duplicate_of: bytes
    features: bytes
    """Empty while they do not count."""
    lengths: Lengths
    """Of the features, as they weighed when the article came."""
    sketch: bytes
    order: bytes
    rules: tuple[str, ...]
    gist: int = 0

    @property
    def feature_set(self) -> frozenset[int]:
        """The features."""
        return _feature_set(self.features)

    @property
    def numbered_order(self) -> tuple[int, ...]:
        """The order as numbers."""
        return _numbered_order(self.order)


@lru_cache(maxsize=8192)  # an article of a busy story is compared again and again
def _feature_set(features: bytes) -> frozenset[int]:
    return frozenset(unpack(features))


@lru_cache(maxsize=8192)
def neutral(features: bytes) -> tuple[int, ...]:
    """Packed features without words."""
    numbers = unpack(features)  # in order
    return numbers[: bisect_left(numbers, FIRST_WORD)]


@lru_cache(maxsize=8192)
def _numbered_order(order: bytes) -> tuple[int, ...]:
    return unpack(order, "H")


Postings = dict[int, bytes | list[bytes]]
"""Articles that have a feature: the one, or the latest of several."""


def posted(postings: Postings, key: int) -> Sequence[bytes]:
    """The articles that have a feature, the latest last."""
    found = postings.get(key, ())
    return (found,) if isinstance(found, bytes) else found


class _Place(NamedTuple):
    story: bytes
    origin: bytes


@dataclass(slots=True)
class InStory:
    """A rule in a story."""

    origins: dict[bytes, int] = field(default_factory=dict)
    """Origin -> articles of it for which the rule holds."""
    whats: dict[str, None] = field(default_factory=dict)
    parties: dict[str, None] = field(default_factory=dict)

    def hold(self, origin: bytes, times: int) -> None:
        """Counts articles of an origin in or out."""
        left = self.origins.get(origin, 0) + times
        if left > 0:
            self.origins[origin] = left
        else:
            self.origins.pop(origin, None)


@dataclass(slots=True)
class Story:
    """The articles of a story and what alerts need to know of it."""

    id: bytes
    articles: list[bytes] = field(default_factory=list)
    """In log order."""
    rules: dict[str, InStory] = field(default_factory=dict)
    """That hold or have held for one of them."""
    accounts: dict[int, bytes] = field(default_factory=dict)
    """Source, owner or agency -> origin of the account that is theirs."""
    merged: tuple[bytes, ...] = ()
    """Stories taken in."""


class _Arrived(NamedTuple):
    """An article as it is known now and was before, and what its record says of its features."""

    known: Known
    before: Known | None
    features: bytes
    lengths: bytes
    """Empty where the record is older than they are."""
    order: bytes


@dataclass
class Memory:
    """State of relate. Only `learn` alters it."""

    articles: dict[bytes, Known] = field(default_factory=dict)
    stories: dict[bytes, Story] = field(default_factory=dict)
    redirects: dict[bytes, bytes] = field(default_factory=dict)
    """Merged story -> the story that took it in."""
    frequency: dict[int, int] = field(default_factory=dict)
    """Articles that have a feature."""
    postings: Postings = field(default_factory=dict)
    """By feature."""
    shingles: Postings = field(default_factory=dict)
    """By shingle of a sketch."""
    sources: dict[str, str] = field(default_factory=dict)
    """Id of a source -> its name."""
    names: Names = field(default_factory=Names)
    """Of the sources, as other articles credit them."""
    ageing: deque[tuple[int, bytes]] = field(default_factory=deque)
    """Articles whose features still count, oldest first."""
    leaving: deque[tuple[int, bytes]] = field(default_factory=deque)
    """All articles, oldest first."""

    def story_id(self, story: bytes) -> bytes:
        """The story that a story's articles are in now."""
        while story in self.redirects:
            story = self.redirects[story]
        return story

    def first(self, story: bytes) -> int:
        """When the first of a story's articles that is known arrived, in milliseconds."""
        return self.articles[self.stories[story].articles[0]].stored

    def learn(self, decided: Decided) -> None:
        """Takes in one record: the article in place of its earlier revision, and forgets what is past its window."""
        arrived = self._take(decided)
        self._count(arrived)
        self.ageing.append(self.leaving[-1])

    @contextmanager
    def restoring(self) -> Iterator[Callable[[Decided], None]]:
        """Within, to learn a long log one calls what this gives; the state is the same as of `learn`, at its end.

        Articles whose features no longer count when the log ends are never counted: only what the last days' articles
        say is put into the index, when all is read.
        """
        waiting: deque[_Arrived] = deque()

        def learn(decided: Decided) -> None:
            if not isinstance(decided.lengths, bytes):  # older: weighed by what counts when it comes
                self._count_waiting(waiting)
                self.learn(decided)
                return
            waiting.append(self._take(decided))
            while waiting[0].known.at < decided.at - JOINING:
                before = waiting.popleft().before
                if before:
                    self._uncount(before)

        try:
            yield learn
        finally:
            self._count_waiting(waiting)

    def _count_waiting(self, waiting: deque[_Arrived]) -> None:
        while waiting:
            arrived = waiting.popleft()
            self._count(arrived)
            self.ageing.append((arrived.known.at, arrived.known.id))

    def _take(self, decided: Decided) -> _Arrived:
        """All of `learn` but for the counting of features."""
        story, origin = self._place(decided)
        self._forget(decided.at)
        before = self.articles.get(decided.id)
        known = self._known(decided, story, origin, before)
        if before:
            self._unsketch(before)
        self.articles[known.id] = known
        for key in unpack(known.sketch):
            _post(self.shingles, key, known.id)
        if decided.name:
            self.sources[known.source] = decided.name
            learn_name(self.names, known.source, decided.name)
        self._merge(known.story, decided.merged)
        self._join(known, decided, before)
        self.leaving.append((known.at, known.id))
        lengths = decided.lengths if isinstance(decided.lengths, bytes) else b""
        return _Arrived(known, before, decided.features, lengths, decided.order)

    def weights(self, features: Iterable[int]) -> dict[int, float]:
        """Of features, by how rare they are now."""
        return weights(self.frequency, len(self.ageing), features)

    def most_telling(self, counted: Mapping[int, int], most: int) -> list[int]:
        """Of features, those that say most by how rare they are now and how often an article uses them."""
        return most_telling(self.frequency, len(self.ageing), counted, most)

    def brief(self, decided: Decided) -> Decided:
        """A record without what `learn` can tell from this state: where a copy stands, what a story has already."""
        default = self._default_place(decided)
        story = self.stories.get(decided.story)
        return msgspec.structs.replace(
            decided,
            stored=0 if decided.stored == decided.at else decided.stored,
            story=b"" if decided.story == default.story else decided.story,
            origin=b"" if decided.origin == default.origin else decided.origin,
            accounts=tuple(key for key in decided.accounts if key not in story.accounts) if story else decided.accounts,
            held=tuple(_news(held, story.rules.get(held.rule)) for held in decided.held) if story else decided.held,
        )

    def _place(self, decided: Decided) -> _Place:
        default = self._default_place(decided)
        story = self.stories.get(decided.story)
        return _Place(story.id if story else decided.story or default.story, decided.origin or default.origin)

    def _default_place(self, decided: Decided) -> _Place:
        """Where a copy stands if nothing else is said: with its original; any other article by itself."""
        original = self.articles.get(decided.duplicate_of)
        if original and decided.at - original.at <= IDENTITY:
            return _Place(original.story, original.origin)
        return _Place(decided.id, decided.id)

    def _known(self, decided: Decided, story: bytes, origin: bytes, before: Known | None) -> Known:
        """An article without the features and what is compared with them."""
        revisions = (*before.revisions, decided.revision)[-16:] if before else (decided.revision,)
        return Known(
            id=decided.id,
            revisions=revisions,
            at=decided.at,
            stored=decided.stored or decided.at,
            source=intern(decided.source),
            language=intern(decided.language),
            story=story,
            origin=origin,
            duplicate_of=decided.duplicate_of,
            features=b"",
            lengths=NO_LENGTHS,
            sketch=decided.sketch,
            order=b"",
            rules=tuple([held.rule for held in decided.held]),
            gist=decided.gist,
        )

    def _count(self, arrived: _Arrived) -> None:
        known, before = arrived.known, arrived.before
        features = unpack(arrived.features)
        known.lengths = Lengths(*unpack(arrived.lengths, "f")) if arrived.lengths else lengths(self.weights(features))
        if before:
            self._uncount(before)
        known.features, known.order = arrived.features, arrived.order
        frequency, postings, name = self.frequency, self.postings, known.id
        for key in features:
            frequency[key] = frequency.get(key, 0) + 1
            _post(postings, key, name)

    def _uncount(self, known: Known) -> None:
        for key in unpack(known.features):
            left = self.frequency.get(key, 0) - 1
            if left > 0:
                self.frequency[key] = left
            else:
                self.frequency.pop(key, None)
            _unpost(self.postings, key, known.id)
        known.features, known.order, known.lengths = b"", b"", NO_LENGTHS

    def _unsketch(self, known: Known) -> None:
        for key in unpack(known.sketch):
            _unpost(self.shingles, key, known.id)

    def _join(self, known: Known, decided: Decided, before: Known | None) -> None:
        story = self.stories.setdefault(known.story, Story(known.story))
        if before is None or known.id not in story.articles:
            story.articles.append(known.id)
        for name in before.rules if before else ():
            story.rules[name].hold(known.origin, -1)
        for held in decided.held:
            rule = story.rules.setdefault(held.rule, InStory())
            rule.hold(known.origin, 1)
            rule.whats.update(dict.fromkeys(held.whats))
            rule.parties.update(dict.fromkeys(held.parties))
        for key in decided.accounts:
            story.accounts.setdefault(key, known.origin)

    def _merge(self, into: bytes, merged: tuple[bytes, ...]) -> None:
        for gone in merged:
            old = self.stories.pop(gone, None)
            self.redirects[gone] = into
            if old is None:
                continue
            story = self.stories.setdefault(into, Story(into))
            for name in old.articles:
                self.articles[name].story = into
            story.articles = sorted([*story.articles, *old.articles], key=lambda name: self.articles[name].stored)
            for rule, held in old.rules.items():
                mine = story.rules.setdefault(rule, InStory())
                for origin, times in held.origins.items():
                    mine.hold(origin, times)
                mine.whats.update(held.whats)
                mine.parties.update(held.parties)
            story.accounts = old.accounts | story.accounts
            story.merged += (gone, *old.merged)

    def _forget(self, now: int) -> None:
        while self.ageing and self.ageing[0][0] < now - JOINING:
            at, name = self.ageing.popleft()
            known = self.articles.get(name)
            if known and known.at == at:
                self._uncount(known)
        while self.leaving and self.leaving[0][0] < now - IDENTITY:
            at, name = self.leaving.popleft()
            known = self.articles.get(name)
            if known and known.at == at:
                self._drop(known)

    def forget(self, name: bytes) -> None:
        """Takes an article out, as if its time were over."""
        known = self.articles.get(name)
        if known:
            self._uncount(known)
            for rule in known.rules:
                self.stories[known.story].rules[rule].hold(known.origin, -1)
            self._drop(known)

    def _drop(self, known: Known) -> None:
        del self.articles[known.id]
        self._unsketch(known)
        story = self.stories[known.story]
        story.articles.remove(known.id)
        if not story.articles:
            del self.stories[known.story]
            for gone in story.merged:
                self.redirects.pop(gone, None)


def _news(held: Held, known: InStory | None) -> Held:
    """Of a rule that holds for an article, what its story has not had yet."""
    if known is None:
        return held
    whats = tuple(what for what in held.whats if what not in known.whats)
    return Held(held.rule, whats, tuple(party for party in held.parties if party not in known.parties))


def _post(postings: Postings, key: int, name: bytes) -> None:
    found = postings.get(key)
    if found is None:
        postings[key] = name
    elif isinstance(found, bytes):
        postings[key] = [found, name]
    else:
        found.append(name)
        if len(found) > POSTINGS:
            del found[0]


def _unpost(postings: Postings, key: int, name: bytes) -> None:
    found = postings.get(key)
    if found == name:
        del postings[key]
    elif isinstance(found, list) and name in found:
        found.remove(name)
        if len(found) == 1:
            postings[key] = found[0]
