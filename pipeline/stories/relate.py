"""Relate: which articles are the same, which tell one story, which are one account of it.

One ordered partition. State is what comes of one small record an article (see record.py); a repeat of a revision
that is known causes nothing at all, as its first copy has been sent already.
"""

from collections import deque
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

import msgspec

from pipeline.model.codec import decode, encode
from pipeline.model.enriched import Edit, EnrichedArticle, StoryRef
from pipeline.stage import Decision, Effect, Message, StateChange
from pipeline.stories.assign import Joined, story_of
from pipeline.stories.candidates import candidate, held_by, shown
from pipeline.stories.credits import credited, own_keys
from pipeline.stories.duplicates import adds_nothing, nearest_copy
from pipeline.stories.edits import edit_of
from pipeline.stories.features import Traits, traits
from pipeline.stories.memory import IDENTITY, InStory, Known, Memory
from pipeline.stories.older import as_now
from pipeline.stories.origins import account_of
from pipeline.stories.rarity import lengths
from pipeline.stories.record import Decided, from_bytes, milliseconds, pack, time_of, to_bytes, unpack
from pipeline.topics import ARTICLES, CANDIDATES, ENRICHED

KEPT = 64
"""Features of an article that are remembered, so that its record stays near 500 bytes."""
WORDS_KEPT = range(10, 28)
"""How few and how many words of an article are among them: the rarest, as far as is known."""
NAMES_KEPT = 8
"""Names that are remembered because other articles have shown them to be names."""
NO_STORY = InStory()


class _Place(NamedTuple):
    """Where an article stands among others; ids of 16 bytes."""

    story: bytes
    origin: bytes
    duplicate_of: bytes
    merged: tuple[bytes, ...]
    features: frozenset[int]


class Relate:
    """The stage between reading and alerting."""

    name = "relate"
    input = ENRICHED
    outputs = (ARTICLES, CANDIDATES)

    def empty(self) -> Memory:
        """A state that knows no article."""
        return Memory()

    def fold(self, state: Memory, change: StateChange) -> None:
        """Takes in one record.

        Raises:
            msgspec.DecodeError: not a record of this stage.
        """
        state.learn(from_bytes(change.value))

    @contextmanager
    def restoring(self, state: Memory) -> Iterator[Callable[[StateChange], None]]:
        """Takes in a long log of records.

        Raises:
            msgspec.DecodeError: not a record of this stage.
        """
        with state.restoring() as learn:
            yield lambda change: learn(from_bytes(change.value))

    def decide(self, state: Memory, message: Message) -> Decision:
        """The finished article, and a candidate for every rule that it or its story concerns.

        Raises:
            InvalidError: the message is no EnrichedArticle.
            ValueError: its id or revision is not hexadecimal.
        """
        article = decode(message.value, EnrichedArticle)
        now = milliseconds(message.now)
        name, revision = bytes.fromhex(article.id), bytes.fromhex(article.revision)
        known = state.articles.get(name)
        if known and now - known.at > IDENTITY:
            known = None
        if known and revision in known.revisions:
            return Decision(())
        read = message.prepared if isinstance(message.prepared, Traits) else traits(article)
        own = own_keys(article.source)
        others = _credited(state, article, read, own)
        place = _again(state, known, read) if known else _place(state, article, read, own, others, now)
        decided = Decided(
            id=name,
            revision=revision,
            at=now,
            version=message.offset,
            stored=known.stored if known else now,
            lengths=pack(lengths(state.weights(place.features)), "f"),
            source=article.source.id,
            name="" if state.sources.get(article.source.id) == article.source.name else article.source.name,
            owner=article.source.owner or "",
            language=article.language.code,
            story=place.story,
            origin=place.origin,
            duplicate_of=place.duplicate_of,
            accounts=(*own, *others),
            features=pack(sorted(place.features)),
            sketch=pack(read.sketch),
            order=pack(read.order, "H"),
            held=held_by(article),
            merged=place.merged,
            gist=read.gist,
        )
        finished = _finished(article, decided, edit_of(known, read) if known else None)
        effects = [Effect(ARTICLES, finished.id, encode(finished), finished)]
        effects += _candidates(state, finished, decided, known)
        return Decision(effects, (StateChange(article.id, to_bytes(state.brief(decided))),))

    def prepare(self, value: bytes) -> Traits:
        """What is compared of an article.

        Raises:
            InvalidError: the value is no EnrichedArticle.
        """
        return traits(decode(value, EnrichedArticle))

    def dump(self, state: Memory) -> bytes:
        """The state as bytes."""
        return _dump(state)

    def load(self, data: bytes) -> Memory:
        """The state that was dumped.

        Raises:
            ValueError: not such a state.
        """
        try:
            return _load(data)
        except msgspec.ValidationError:
            return _load(as_now(data))

    def forget(self, state: Memory, articles: Collection[str]) -> None:
        """Takes articles out of the state, by their ids."""
        for article in articles:
            state.forget(bytes.fromhex(article))


_dump = msgspec.msgpack.Encoder(enc_hook=list).encode
_load = msgspec.msgpack.Decoder(Memory, dec_hook=lambda _, times: deque(map(tuple, times))).decode


def _credited(state: Memory, article: EnrichedArticle, read: Traits, own: Sequence[int]) -> tuple[int, ...]:
    """Keys of those whom an article credits, itself left out."""
    text = f"{article.title}\n{article.body or article.summary}"
    return tuple(key for key in credited(text, read.names, state.names) if key not in own)[:6]


def _again(state: Memory, known: Known, read: Traits) -> _Place:
    """A new revision stays where the article stood, whatever it says now: alerts must not jump between stories."""
    return _Place(state.story_id(known.story), known.origin, known.duplicate_of, (), _features(state, read))


def _place(
    state: Memory, article: EnrichedArticle, read: Traits, own: Sequence[int], others: Sequence[int], now: int
) -> _Place:
    name = bytes.fromhex(article.id)
    features = _features(state, read)
    copied = nearest_copy(state, read.sketch, name, now)
    copy = copied[0] if copied else None
    if copy and adds_nothing(read.sketch, unpack(copy.sketch)):
        joined = Joined(copy.story, ())
    else:
        joined = story_of(
            state, article=name, features=features, language=article.language.code, credited=others, now=now
        )
    if copy and copy.story not in (joined.story, *joined.merged):
        joined = Joined(copy.story, ())
    account = account_of(
        state,
        state.stories.get(joined.story),
        article=name,
        copy=copy,
        own=own,
        credited=others,
        features=features,
        order=read.order,
        now=now,
    )
    return _Place(joined.story or name, account.origin, account.duplicate_of, joined.merged, features)


def _features(state: Memory, read: Traits) -> frozenset[int]:
    """What is remembered of an article: its features, names that are known, and the words that say most."""
    room = KEPT - len(read.features)
    names = [name for name in read.perhaps if name in state.frequency]
    names = names[: min(max(room - WORDS_KEPT.start, 0), NAMES_KEPT)]
    words = min(max(room - len(names), WORDS_KEPT.start), WORDS_KEPT.stop)
    return frozenset(read.features).union(state.most_telling(read.words, words), names)


def _finished(article: EnrichedArticle, decided: Decided, edited: Edit | None) -> EnrichedArticle:
    return msgspec.structs.replace(
        article,
        story=StoryRef(
            id=decided.story.hex(),
            origin=decided.origin.hex(),
            duplicate_of=decided.duplicate_of.hex() or None,
            merged=tuple(story.hex() for story in decided.merged),
        ),
        stored=time_of(decided.stored),
        version=decided.version,
        edited=edited,
    )


def _candidates(state: Memory, article: EnrichedArticle, decided: Decided, before: Known | None) -> list[Effect]:
    """For every rule that holds for the article, or has held before in its story or in one that the story takes in."""
    stories = [state.stories[id_] for id_ in (decided.story, *decided.merged) if id_ in state.stories]
    own = {held.rule: held for held in decided.held}
    rules = dict.fromkeys([*own, *(rule for story in stories for rule in story.rules)])
    if not rules:
        return []
    seen, merged = shown(article), tuple(story.hex() for story in decided.merged)
    effects = []
    for rule in rules:
        before_it = [story.rules.get(rule, NO_STORY) for story in stories]
        held = own.get(rule)
        made = candidate(
            article,
            seen,
            rule,
            story=decided.story.hex(),
            whats=[what for each in before_it for what in each.whats] + list(held.whats if held else ()),
            parties=[party for each in before_it for party in each.parties] + list(held.parties if held else ()),
            origins=(origin.hex() for origin in _standing(before_it, rule, decided, before)),
            replaces=before is not None,
            merged=merged,
        )
        if made:
            effects.append(Effect(CANDIDATES, rule, encode(made)))
    return effects


def _standing(before_it: Sequence[InStory], rule: str, decided: Decided, before: Known | None) -> Iterator[bytes]:
    """Origins for which a rule holds in a story, once the article is in it."""
    stands = {origin: times for each in before_it for origin, times in each.origins.items()}
    held = any(held.rule == rule for held in decided.held)
    if before and rule in before.rules and not held and stands.get(before.origin) == 1:
        del stands[before.origin]
    if held:
        stands[decided.origin] = 1
    yield from stands
