"""From what was read and what was expected to precision and recall."""

import unicodedata
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from pipeline.model.enriched import EnrichedArticle
from tests.eval.material import Expect, Statement

KINDS = ("rules", "states", "organisations", "cities", "facilities", "claims", "language")
FIGURES = (*KINDS[:-1], "speakers", "stances", "language")
"""What the tables show: `claims` parted into speakers found, and stances right of those whose speaker was found."""
ORGANISATIONS = frozenset(
    {
        *("EU", "NATO", "UN", "OSCE", "IAEA", "ICC", "ICJ", "AU", "ASEAN", "CIS", "CSTO", "OPEC", "WTO", "WHO"),
        *("IMF", "WB", "ICRC", "ECOWAS", "BRICS", "SCO", "G7", "G20"),
        *("HEZBOLLAH", "HAMAS", "TALIBAN", "ISIS", "WAGNER", "HOUTHIS"),
    }
)
UNDECOMPOSED = str.maketrans({"ł": "l", "ø": "o", "ı": "i", "ə": "a", "đ": "d", "ß": "ss", "æ": "ae", "œ": "oe"})
MAIN_LANGUAGES = frozenset({"en", "uk", "ru"})
SAME_LANGUAGE = {"nb": "no", "nn": "no"}

Labels = frozenset[str]


class Said(NamedTuple):
    """A statement as it was read."""

    speaker: str
    stance: str
    anonymous: bool


class Reading(NamedTuple):
    """What somebody, or some program, reads in an article: labels by kind, and statements."""

    labels: Mapping[str, Labels]
    statements: tuple[Said, ...]


class Tally(NamedTuple):
    """Labels found that were wanted, found that were not, and wanted that were not found."""

    right: int = 0
    wrong: int = 0
    missed: int = 0

    def plus(self, other: "Tally") -> "Tally":
        return Tally(self.right + other.right, self.wrong + other.wrong, self.missed + other.missed)

    @property
    def precision(self) -> float | None:
        return self.right / (self.right + self.wrong) if self.right + self.wrong else None

    @property
    def recall(self) -> float | None:
        return self.right / (self.right + self.missed) if self.right + self.missed else None

    @property
    def f1(self) -> float | None:
        total = 2 * self.right + self.wrong + self.missed
        return 2 * self.right / total if total else None


def fold(name: str) -> str:
    """A name without case, diacritics, spaces and punctuation."""
    plain = unicodedata.normalize("NFKD", name.casefold().translate(UNDECOMPOSED))
    return "".join(char for char in plain if char.isalnum())


def read_by_pipeline(article: EnrichedArticle) -> Reading:
    """The labels of an enriched article."""
    labels = {
        "rules": frozenset(article.rules),
        "states": frozenset(actor.id[:3] for actor in article.actors if actor.kind in ("state", "organ")),
        "organisations": frozenset(actor.id for actor in article.actors) & ORGANISATIONS,
        "cities": frozenset(_city(place.name, place.country) for place in article.places if place.kind == "city"),
        "facilities": frozenset(f"{facility.kind}/{facility.owner or '-'}" for facility in article.facilities),
        "language": frozenset({SAME_LANGUAGE.get(article.language.code, article.language.code)}),
    }
    said = tuple(Said(claim.speaker.text, claim.stance, claim.speaker.anonymous) for claim in article.claims)
    return Reading(labels, said)


def wanted(expect: Expect) -> dict[str, Labels]:
    """The labels that an article should get."""
    return {
        "rules": frozenset(expect.rules),
        "states": frozenset(expect.states),
        "organisations": frozenset(expect.organisations),
        "cities": frozenset(_city(city.name, city.country) for city in expect.cities),
        "facilities": frozenset(f"{premises.kind}/{premises.owner or '-'}" for premises in expect.facilities),
        "language": frozenset({SAME_LANGUAGE.get(expect.language, expect.language)}),
    }


def _city(name: str, country: str | None) -> str:
    return f"{fold(name)}/{country or '-'}"


def tally(got: Labels, want: Labels) -> Tally:
    """Compares two sets of labels."""
    return Tally(len(got & want), len(got - want), len(want - got))


def match_statements(got: Iterable[Said], want: Iterable[Statement]) -> list[tuple[Statement, Said | None]]:
    """For each wanted statement the one read with the most similar speaker, the right stance first.

    Speakers are the same where at least half of the shorter one's words are in the other, single characters for
    scripts without spaces.
    """
    left = list(got)
    pairs: list[tuple[Statement, Said | None]] = []
    for statement in want:
        candidates = [said for said in left if _similar(said.speaker, statement.speaker) >= 0.5]
        best = max(
            candidates,
            key=lambda said: (said.stance == statement.stance, _similar(said.speaker, statement.speaker)),
            default=None,
        )
        if best is not None:
            left.remove(best)
        pairs.append((statement, best))
    return pairs


def tally_statements(got: tuple[Said, ...], want: tuple[Statement, ...]) -> Tally:
    """Right: speaker found and stance right. Only the main statements are labelled, so `wrong` is an upper bound."""
    right = sum(said is not None and said.stance == statement.stance for statement, said in match_statements(got, want))
    return Tally(right, len(got) - right, len(want) - right)


def tally_speakers(got: tuple[Said, ...], want: tuple[Statement, ...]) -> Tally:
    """Right: speaker found, whatever the stance. As there, `wrong` is an upper bound."""
    found = sum(said is not None for _, said in match_statements(got, want))
    return Tally(found, len(got) - found, len(want) - found)


def tally_stances(got: tuple[Said, ...], want: tuple[Statement, ...]) -> Tally:
    """Of the statements whose speaker was found, those with the right stance: precision, recall and F1 are one."""
    pairs = [(statement, said) for statement, said in match_statements(got, want) if said is not None]
    right = sum(said.stance == statement.stance for statement, said in pairs)
    return Tally(right, len(pairs) - right, len(pairs) - right)


def _similar(one: str, other: str) -> float:
    words = [_words(one), _words(other)]
    shorter = min(map(len, words))
    return len(words[0] & words[1]) / shorter if shorter else 0.0


def _words(text: str) -> frozenset[str]:
    folded = unicodedata.normalize("NFKC", text).casefold()
    words = "".join(char if char.isalnum() else " " for char in folded).split()
    return frozenset(part for word in words for part in (word if _unspaced(word) else (word,)))


def _unspaced(word: str) -> bool:
    return any("\u3040" <= char <= "\u9fff" or "\u0e00" <= char <= "\u0e7f" for char in word)


def score(reading: Reading, expect: Expect) -> dict[str, Tally]:
    """The tally of every kind for one article."""
    want = wanted(expect)
    tallies = {kind: tally(reading.labels.get(kind, frozenset()), want[kind]) for kind in want}
    tallies["claims"] = tally_statements(reading.statements, expect.claims)
    tallies["speakers"] = tally_speakers(reading.statements, expect.claims)
    tallies["stances"] = tally_stances(reading.statements, expect.claims)
    return tallies


def add(tallies: Iterable[Tally]) -> Tally:
    """Their sum."""
    total = Tally()
    for each in tallies:
        total = total.plus(each)
    return total
