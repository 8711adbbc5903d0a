"""Which articles are one account: reprints, translations, retellings of one owner, reports that credit one agency."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from pipeline.stories.kinds import Kind
from pipeline.stories.memory import DAY, Known, Memory, Story

OWN_FACTS = (Kind.PERSON, Kind.CITY, Kind.FIGURE, Kind.NUMBER, Kind.NAME)
"""What a report of its own would add to."""

TOLD_ALREADY = 0.8
"""Share of an article's names and numbers that an earlier one has: from here it has nothing of its own."""
SAME_ORDER = 0.6
"""Share of states, cities, persons and numbers that follow one another alike: from here it is a translation."""
FEWEST = 5
"""Names and numbers a comparison needs."""
WITHIN = 4 * DAY
LATEST = 128
"""Articles of a story that another may retell."""


class Account(NamedTuple):
    """Whose account an article is."""

    origin: bytes
    duplicate_of: bytes
    """The article it retells, empty where none is known."""


def account_of(
    memory: Memory,
    story: Story | None,
    *,
    article: bytes,
    copy: Known | None,
    own: Sequence[int],
    credited: Sequence[int],
    features: frozenset[int],
    order: tuple[int, ...],
    now: int,
) -> Account:
    """The account that an article belongs to; its own where nothing speaks for another.

    A copied text decides first, then whom it credits, then its own outlet's or owner's earlier account, then a
    translation or retelling without credit.
    """
    if copy:
        return Account(copy.origin, copy.id)
    if story is None:
        return Account(article, b"")
    told = _retold(memory, story, article, features, order, now)
    for key in (*credited, *own):
        if key in story.accounts:
            return Account(story.accounts[key], told.id if told and told.origin == story.accounts[key] else b"")
    return Account(told.origin, told.id) if told else Account(article, b"")


def _retold(
    memory: Memory,
    story: Story,
    article: bytes,
    features: frozenset[int],
    order: tuple[int, ...],
    now: int,
) -> Known | None:
    """The article of the story that this one translates or retells."""
    mine = frozenset(feature for feature in features if feature >> 28 in OWN_FACTS)
    times = Counter(order)
    best: tuple[float, Known] | None = None
    for name in story.articles[-LATEST:]:
        known = memory.articles[name]
        if name == article or now - known.at > WITHIN or not known.features:
            continue
        score = _retelling(mine, order, times, known)
        if score and (best is None or score > best[0]):
            best = score, known
    return best[1] if best else None


def _retelling(mine: frozenset[int], order: tuple[int, ...], times: Mapping[int, int], known: Known) -> float:
    """How surely this is that told again, 0 where it is not."""
    share = len(mine & known.feature_set) / len(mine) if len(mine) >= FEWEST else 0.0
    theirs = known.numbered_order
    alike = in_order(order, theirs) if _may_be_in_order(order, times, theirs) else 0.0
    if share >= TOLD_ALREADY or alike >= SAME_ORDER:
        return share + alike
    return 0.0


def _may_be_in_order(a: Sequence[int], times: Mapping[int, int], b: Sequence[int]) -> bool:
    """Whether so much is shared that the order can matter: cheaper to tell than the order."""
    needed = SAME_ORDER * max(len(a), len(b))
    if min(len(a), len(b)) < max(FEWEST, needed):
        return False
    return sum(map(times.__getitem__, times.keys() & b)) >= needed


def in_order(a: Sequence[int], b: Sequence[int]) -> float:
    """Length of the longest common subsequence, as a share of the longer one."""
    row = [0] * (len(b) + 1)
    for left in a:
        before = 0
        for index, right in enumerate(b, 1):
            before, row[index] = row[index], before + 1 if left == right else max(row[index], row[index - 1])
    return row[-1] / max(len(a), len(b), 1)
