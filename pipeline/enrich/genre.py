"""What kind of text an article is: news of what happens, or a novel, a match, a drill, a verdict, a menu, a rumour."""

from collections import Counter
from typing import NamedTuple

from pipeline.enrich.reading import Reading

GENRES = frozenset(
    [
        "fiction",
        "sport",
        "lifestyle",
        "business",
        "satire",
        "exercise",
        "anniversary",
        "trial",
        "history",
        "disaster",
        "rumour-false",
        "domestic",
    ]
)
"""Concepts that tell a genre."""

TITLE, LEAD, BODY = 3, 2, 1
"""What a word tells, by where it stands."""
LEAD_LENGTH = 350
ENOUGH = 5
"""Weight from which a genre is taken for what the article is; one less where the headline has a word of it."""
ROOM = 1500
"""Every so many characters a text may have one word more of a genre by chance."""
_STEM = 6


class Genre(NamedTuple):
    """The article's genre, `news` where nothing else is plain, and the weight of every genre."""

    kind: str
    weights: dict[str, int]

    def weight(self, genre: str) -> int:
        """How much in the article speaks for a genre, 0 for nothing."""
        return self.weights.get(genre, 0)


def genre(reading: Reading) -> Genre:
    """The genre that its words tell, each counted once, those of title and lead more; found once an article."""
    if reading.genre is None:
        reading.genre = _judge(reading)
    found: Genre = reading.genre
    return found


def _judge(reading: Reading) -> Genre:
    weights: Counter[str] = Counter()
    seen: set[tuple[str, str]] = set()
    headlined: set[str] = set()
    title, lead = reading.body_start - 1, reading.body_start + LEAD_LENGTH
    for start, end, _, concept in reading.words_of(GENRES):
        word = (concept, reading.folded[start : min(end, start + _STEM)])
        if word not in seen:
            seen.add(word)
            weights[concept] += TITLE if start < title else LEAD if start < lead else BODY
            if start < title:
                headlined.add(concept)
    enough = ENOUGH + max(0, len(reading.text) // ROOM - 1)
    kind, weight = max(weights.items(), key=lambda item: item[1], default=("news", 0))
    return Genre(kind if weight >= enough - (kind in headlined) else "news", dict(weights))
