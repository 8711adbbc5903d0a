"""The state of relate: the articles of the last weeks, indexed by what they share. Built from records alone."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import msgspec

from pipeline.stories.credits import Names, learn_name
from pipeline.stories.rarity import Lengths, lengths, most_telling, weights
from pipeline.stories.record import Decided, Held, unpack

DAY = 86_400_000
IDENTITY = 35 * DAY
"""An article is recognised, and its copies too, for so long after its latest revision."""
JOINING = 10 * DAY
"""An article draws others into its story for so long."""
POSTINGS = 128
"""Latest articles that are remembered for one feature; a feature with more is too common to find a story by."""


class Known(NamedTuple):
    """An article as later ones are compared with it; times in milliseconds."""

    id: bytes
    revisions: tuple[bytes, ...]
    """Newest last."""
    at: int
    version: int
    stored: int
    published: int | None
    source: str
    owner: str
    language: str
    story: bytes
    origin: bytes
    duplicate_of: bytes
    features: frozenset[int]
    lengths: Lengths
    """Of the features, as they weighed when the article came."""
    sketch: tuple[int, ...]
    order: tuple[int, ...]
    rules: tuple[str, ...]


class _Place(NamedTuple):
    story: bytes
    origin: bytes


@dataclass
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


@dataclass
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


@dataclass
class Memory:
    """State of relate. Only `learn` alters it."""

    articles: dict[bytes, Known] = field(default_factory=dict)
    stories: dict[bytes, Story] = field(default_factory=dict)
    redirects: dict[bytes, bytes] = field(default_factory=dict)
    """Merged story -> the story that took it in."""
    frequency: dict[int, int] = field(default_factory=dict)
    """Articles that have a feature."""
    postings: dict[int, list[bytes]] = field(default_factory=dict)
    """Latest articles that have a feature."""
    shingles: dict[int, list[bytes]] = field(default_factory=dict)
    """Latest articles that have a shingle in their sketch."""
    sources: dict[str, str] = field(default_factory=dict)
    """Id of a source -> its name."""
    names: Names = field(default_factory=Names)
    """Of the sources, as other articles credit them."""
    ageing: list[tuple[int, bytes]] = field(default_factory=list)
    """Articles whose features still count, oldest first."""
    leaving: list[tuple[int, bytes]] = field(default_factory=list)
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
        decided = self._whole(decided)
        self._forget(decided.at)
        before = self.articles.get(decided.id)
        known = self._known(decided, before)
        if before:
            self._uncount(before)
            self._unsketch(before)
        self.articles[known.id] = known
        if decided.name:
            self.sources[decided.source] = decided.name
            learn_name(self.names, decided.source, decided.name)
        self._count(known)
        self._merge(known.story, decided.merged)
        self._join(known, decided, before)
        self.ageing.append((known.at, known.id))
        self.leaving.append((known.at, known.id))

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

    def _whole(self, decided: Decided) -> Decided:
        """A record with its place and time."""
        default = self._default_place(decided)
        return msgspec.structs.replace(
            decided,
            stored=decided.stored or decided.at,
            story=decided.story or default.story,
            origin=decided.origin or default.origin,
        )

    def _default_place(self, decided: Decided) -> _Place:
        """Where a copy stands if nothing else is said: with its original; any other article by itself."""
        original = self.articles.get(decided.duplicate_of)
        if original and decided.at - original.at <= IDENTITY:
            return _Place(original.story, original.origin)
        return _Place(decided.id, decided.id)

    def _known(self, decided: Decided, before: Known | None) -> Known:
        features = frozenset(unpack(decided.features))
        revisions = (*(before.revisions if before else ()), decided.revision)
        return Known(
            id=decided.id,
            revisions=revisions[-16:],
            at=decided.at,
            version=decided.version,
            stored=decided.stored,
            published=decided.published,
            source=decided.source,
            owner=decided.owner,
            language=decided.language,
            story=decided.story,
            origin=decided.origin,
            duplicate_of=decided.duplicate_of,
            features=features,
            lengths=lengths(self.weights(features)),
            sketch=unpack(decided.sketch),
            order=unpack(decided.order, "H"),
            rules=tuple(held.rule for held in decided.held),
        )

    def _count(self, known: Known) -> None:
        for key in sorted(known.features):
            self.frequency[key] = self.frequency.get(key, 0) + 1
            _post(self.postings, key, known.id)
        for key in known.sketch:
            _post(self.shingles, key, known.id)

    def _uncount(self, known: Known) -> None:
        for key in known.features:
            left = self.frequency.get(key, 0) - 1
            if left > 0:
                self.frequency[key] = left
            else:
                self.frequency.pop(key, None)
            _unpost(self.postings, key, known.id)

    def _unsketch(self, known: Known) -> None:
        for key in known.sketch:
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
                self.articles[name] = self.articles[name]._replace(story=into)
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
        gone = _before(self.ageing, now - JOINING)
        for at, name in self.ageing[:gone]:
            known = self.articles.get(name)
            if known and known.at == at and known.features:
                self._uncount(known)
                self.articles[name] = known._replace(features=frozenset(), order=())
        del self.ageing[:gone]
        gone = _before(self.leaving, now - IDENTITY)
        for at, name in self.leaving[:gone]:
            known = self.articles.get(name)
            if known and known.at == at:
                self._drop(known)
        del self.leaving[:gone]

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


def _before(times: list[tuple[int, bytes]], limit: int) -> int:
    """How many of the oldest are before a time."""
    return next((index for index, (at, _) in enumerate(times) if at >= limit), len(times))


def _post(postings: dict[int, list[bytes]], key: int, name: bytes) -> None:
    posted = postings.get(key)
    if posted is None:
        postings[key] = [name]
    else:
        posted.append(name)
        if len(posted) > POSTINGS:
            del posted[0]


def _unpost(postings: dict[int, list[bytes]], key: int, name: bytes) -> None:
    posted = postings.get(key)
    if posted and name in posted:
        posted.remove(name)
        if not posted:
            del postings[key]
