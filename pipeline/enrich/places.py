"""Places: which of its bearers a name means here, and whether it means a place at all."""

import math
import re
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

from pipeline.enrich import tables
from pipeline.enrich.grammar import grammar, is_located, is_street
from pipeline.enrich.lexicon import Hit, morphology
from pipeline.enrich.names import opens_sentence
from pipeline.enrich.reading import Reading
from pipeline.model.enriched import Place, PlaceKind, Span

SMALL, MIDDLING, LARGE, HUGE = 50_000, 200_000, 500_000, 2_000_000
"""Populations between which a town needs more or less support by its surroundings (`_is_doubtful`)."""

_CAPITALISED = re.compile(r"([^\W\d_][\w'’-]*)\.? $")
_FOLLOWED = re.compile(r"[ ]([^\W\d_][\w'’-]*)")
_APPOSITION = re.compile(r"^(?:, | \(|,\s)")

Groups = dict[tuple[int, int], list[Hit]]


def settle(reading: Reading, hits: Sequence[Hit]) -> list[Hit]:
    """One meaning for each name: the hit that is meant, or none where it is a person, a firm or a phrase."""
    groups = _by_span(reading, hits)
    people = _people(reading, groups)
    groups = {span: group for span, group in groups.items() if span not in people}
    settled = _choose_all(reading, groups, _support(groups.values()))
    support = _support([hit] for hit in settled)
    starts = _starts(settled)
    return [hit for hit in settled if not _is_doubtful(reading, hit, starts, support)]


def _by_span(reading: Reading, hits: Sequence[Hit]) -> Groups:
    """What each name may mean, states first; phrases, streets and names alone in quotation marks left out."""
    groups: Groups = defaultdict(list)
    for hit in hits:
        groups[hit[0], hit[1]].append(hit)
    found: Groups = {}
    for span, group in groups.items():
        if len(group) > 1:
            if any(hit[2] == "phrase" for hit in group):
                continue
            group.sort(key=lambda hit: _ORDER.get(hit[2], 0))
        elif group[0][2] == "phrase":
            continue
        if not (_is_quoted(reading, *span) or is_street(reading, *span)):
            found[span] = group
    return found


_ORDER = {"state": 0, "adjective": 1, "demonym": 2, "region": 3, "city": 4, "city-adjective": 5}


def _starts(hits: Iterable[Hit]) -> dict[str, list[int]]:
    """Where the names of cities begin, by id."""
    starts: dict[str, list[int]] = defaultdict(list)
    for start, _, kind, value in hits:
        if kind in _CITY_KINDS:
            starts[value].append(start)
    return starts


def _is_quoted(reading: Reading, start: int, end: int) -> bool:
    """A name that stands alone between quotation marks is a firm's, a ship's or a song's."""
    text = reading.text
    return text[max(0, start - 1) : start] in _OPENING and text[end : end + 1] in _CLOSING


_OPENING, _CLOSING = frozenset('«„“"‘「『'), frozenset('»“”"’」』')


def _people(reading: Reading, groups: Groups) -> set[tuple[int, int]]:
    """Spans that are part of a person's or firm's name, and the bare mentions that stand for the same."""
    if not reading.plain_capitals and reading.language not in NAME_FIRST:
        return set()
    starts, ends = {start for start, _ in groups}, {end for _, end in groups}
    spans = {span for span, group in groups.items() if _is_part_of_name(reading, group[0], starts, ends)}
    if not spans:
        return spans
    parts = Counter(reading.folded[start:end] for start, end in spans)
    all_ = Counter(reading.folded[start:end] for start, end in groups)
    persons = {word for word, count in parts.items() if all_[word] <= count * 4}
    if grammar(reading.language).bare_names:  # "Menteri Pembangunan Jerman" is Germany's
        persons -= {reading.folded[start:end] for (start, end), group in groups.items() if group[0].kind == "state"}
    alike = [(start, end) for start, end in groups if reading.folded[start:end] in persons]
    persons -= {reading.folded[start:end] for start, end in alike if is_located(reading, start, end)}
    return spans | {(start, end) for start, end in alike if reading.folded[start:end] in persons}


def _choose_all(reading: Reading, groups: Groups, support: Counter[str]) -> list[Hit]:
    """A name means the same throughout an article: what the mention with the strongest support says."""
    doubtful = [group for group in groups.values() if len(group) > 1]
    best: dict[tuple[str, ...], tuple[float, Hit]] = {}
    named = _named_states(groups) if doubtful else []
    for group in doubtful:
        bearers = tuple(hit.value for hit in group)
        chosen = _choose(reading, group, named, support)
        if bearers not in best or chosen[0] > best[bearers][0]:
            best[bearers] = chosen
    settled = []
    for group in groups.values():
        if len(group) == 1:
            settled.append(group[0])
        else:
            hit = best[tuple(hit.value for hit in group)][1]
            settled.append(group[0]._replace(kind=hit.kind, value=hit.value))
    settled.sort()
    return settled


def _named_states(groups: Groups) -> list[tuple[int, str]]:
    """Where states and regions are named, and whose they are."""
    named = []
    for group in groups.values():
        for hit in group:
            if hit.kind in ("state", "adjective"):
                named.append((hit.start, hit.value))
            elif hit.kind == "region":
                named.append((hit.start, tables.regions()[hit.value].country))
    named.sort()
    return named


def _is_doubtful(reading: Reading, hit: Hit, starts: dict[str, list[int]], support: Counter[str]) -> bool:
    """Whether a town is too small, for a name that may be a word, to be believed without support."""
    start, end, kind, value = hit
    if kind != "city":
        return False
    city = tables.cities()[value]
    length = end - start
    if city.capital or (city.population >= LARGE and length > 4):
        return False
    own = len(starts[value]) if city.population >= MIDDLING else 0  # a town is no support for itself
    near = support[city.country] > own or reading.article.source.country == city.country
    if not morphology(reading.language).capitals:
        return _may_be_word(reading, hit, near)
    if near:
        opens = city.population < SMALL and _always_opens(reading, starts[value])
        return opens and not is_located(reading, start, end)
    if reading.language in NOUNS and city.population < LARGE and not is_located(reading, hit.start, hit.end):
        return True
    if (length <= 4 and city.population < HUGE) or _always_opens(reading, starts[hit.value]):
        return True
    return city.population < MIDDLING and not (city.population >= SMALL and is_located(reading, hit.start, hit.end))


def _always_opens(reading: Reading, starts: Iterable[int]) -> bool:
    """Whether a name stands only where a capital letter says nothing."""
    return reading.plain_capitals and all(opens_sentence(reading.text, start) for start in starts)


_TOWN = frozenset("市县縣区區镇鎮州")


def _may_be_word(reading: Reading, hit: Hit, near: bool) -> bool:
    """The same where no capital letter tells a name: short names, and names behind a glued preposition, are words."""
    population, length = tables.cities()[hit.value].population, hit.end - hit.start
    if not morphology(reading.language).script.spaced:
        told = reading.text[hit.end : hit.end + 1] in _TOWN or is_located(reading, hit.start, hit.end)
        return population < LARGE and not told and (length <= 2 or not near)
    glued = reading.text[hit.start - 1 : hit.start].isalpha()
    if near:
        return length <= 4 and population < (LARGE if glued else MIDDLING) and not is_located(reading, *hit[:2])
    if population >= MIDDLING and length > 4 and is_located(reading, hit.start, hit.end):
        return False
    return length <= 4 or glued or population < LARGE


def _is_part_of_name(reading: Reading, hit: Hit, starts: set[int], ends: set[int]) -> bool:
    """Whether a capitalised word beside it makes it part of a person's, firm's or street's name."""
    text = reading.text
    start, end, kind, _ = hit
    if kind not in ("state", "city", "region"):
        return False
    if reading.plain_capitals and text[start - 1 : start] == " " and text[start - 2 : start - 1] != ".":
        word = text.rfind(" ", 0, start - 1) + 1
        before = _CAPITALISED.search(text, max(word, start - 24), start)
        if before and before[1][0].isupper() and not before[1].isupper() and not _is_title_case(reading, start):
            at, behind = before.span(1)
            known = at in starts or behind in ends or at in reading.word_starts
            known = known or behind in reading.word_ends  # "Kementerian Luar Negeri Australia"
            if not known and not opens_sentence(text, at):
                return True
    if reading.language not in NAME_FIRST:
        return False
    after = _FOLLOWED.match(text, end)
    if after and after[1][0].isupper() and not after[1].isupper() and not _is_title_case(reading, start):
        known = after.start(1) in reading.word_starts or after.start(1) in starts
        return not known and (reading.language == "en" or not _follows_preposition(reading, start))
    return False


NAME_FIRST = frozenset(("en", "es", "pt", "it", "fr", "ca", "gl", "nl", "sv", "nb", "da", "de", "id", "ms"))
"""Languages in which a capitalised word right after a place's name makes both the name of a person or firm."""


NOUNS = frozenset(("de", "lb"))
"""Languages that write every noun with a capital."""


def _follows_preposition(reading: Reading, start: int) -> bool:
    rules = grammar(reading.language)
    words = reading.folded[max(0, start - 16) : start].split()
    return bool(words) and (words[-1] in rules.inside or words[-1] in rules.of)


def _is_title_case(reading: Reading, at: int) -> bool:
    if at >= reading.body_start:
        return False
    words = [word for word in reading.article.title.split() if len(word) > 3]
    return sum(word[0].isupper() for word in words) * 2 > len(words)


_STATE_KINDS, _CITY_KINDS = frozenset(("state", "adjective", "demonym")), frozenset(("city", "city-adjective"))


def _support(groups: Iterable[Sequence[Hit]]) -> Counter[str]:
    """How strongly each country is present in the article, by what is named without doubt."""
    support: Counter[str] = Counter()
    cities = tables.cities()
    for group in groups:
        kind, value = group[0][2], group[0][3]
        if kind in _STATE_KINDS:
            if len(group) == 1 or all(hit[2] in _STATE_KINDS and hit[3] == value for hit in group):
                support[value] += 2
        elif kind in _CITY_KINDS:
            if len(group) == 1 or all(hit[2] in _CITY_KINDS for hit in group):
                country, populations = cities[value].country, [cities[hit[3]].population for hit in group]
                if max(populations) >= MIDDLING and all(cities[hit[3]].country == country for hit in group):
                    support[country] += 1
        elif kind == "region" and (len(group) == 1 or all(hit[2] == kind for hit in group)):
            support[tables.regions()[value].country] += 2
    return support


def _choose(
    reading: Reading, group: Sequence[Hit], named: Sequence[tuple[int, str]], support: Counter[str]
) -> tuple[float, Hit]:
    """The bearer that is meant and how sure that is."""
    others = [hit for hit in group if hit.kind not in PLACED]
    placed = [hit for hit in group if hit.kind in PLACED]
    if not placed:
        return 0.0, others[0]
    near = _near(reading, group[0], named)
    scores = {hit: _score(reading, hit, support, near) for hit in placed}
    best, score = max(scores.items(), key=lambda scored: scored[1])
    if others:
        # A state is meant rather than a town of its name, unless the town's own country is spoken of and not the state.
        state, country = others[0], _country(best)
        spoken = support[country] + (reading.article.source.country == country)
        elsewhere = spoken >= 2 and not support[state.value] and country != state.value
        if not (state.kind == "state" and (near.get(country, 0) > 3 or elsewhere)):
            return 20.0, state
    return score, best


PLACED = frozenset(("city", "city-adjective", "region"))


def _country(hit: Hit) -> str:
    if hit.kind == "region":
        return tables.regions()[hit.value].country
    return tables.cities()[hit.value].country


def _near(reading: Reading, hit: Hit, named: Sequence[tuple[int, str]]) -> dict[str, int]:
    """Countries named in the same sentence, those in apposition ("Odessa, Texas") the most."""
    near: dict[str, int] = {}
    if not reading.sentences:
        return near
    first, last = reading.sentences[reading.sentence_at(hit.start)]
    for start, code in named[bisect_left(named, (first, "")) : bisect_left(named, (last, ""))]:
        if start == hit.start:
            continue
        beside = 0 <= start - hit.end <= 3 and _APPOSITION.match(reading.text[hit.end : start + 1])
        near[code] = max(near.get(code, 0), 8 if beside else 2 if abs(start - hit.start) < 80 else 1)
    return near


def _score(reading: Reading, hit: Hit, support: Counter[str], near: dict[str, int]) -> float:
    country = _country(hit)
    score = float(near.get(country, 0)) + min(support[country], 6) * 0.5
    if reading.article.source.country == country:
        score += 1.5
    if hit.kind == "region":
        return score + 6.0
    city = tables.cities()[hit.value]
    return score + math.log10(max(city.population, 10)) + (2.0 if city.capital else 0.0)


def collect(reading: Reading, hits: Sequence[Hit]) -> None:
    """Fills `reading.places` from the settled hits."""
    spans: dict[str, list[Span]] = defaultdict(list)
    kinds: dict[str, str] = {}
    named = {hit.value for hit in hits if hit.kind == "city"}
    for start, end, kind, id_ in hits:
        if kind == "city-adjective" and id_ in named:
            continue
        if kind == "state":
            country, code = tables.countries().get(id_), id_
            id_ = country.id if country else ""
            kinds[id_] = f"country:{code}"
        elif kind in ("city", "city-adjective", "region"):
            kinds[id_] = "region" if kind == "region" else "city"
        else:
            continue
        if id_:
            spans[id_].append(reading.span(start, end))
    for id_, mentions in spans.items():
        reading.places[id_] = place(id_, kinds[id_], tuple(mentions))


def place(id_: str, kind: str, mentions: tuple[Span, ...] = ()) -> Place:
    """The place of an id: `kind` is city, region or `country:AZE`."""
    if kind.startswith("country:"):
        country = tables.countries()[kind[8:]]
        return _at(country, id_, country.code, "country", mentions)
    if kind == "region":
        region = tables.regions()[id_]
        return _at(region, id_, region.country, "region", mentions)
    city = tables.cities()[id_]
    return _at(city, id_, city.country, "city", mentions)


def _at(
    row: tables.Country | tables.Region | tables.City,
    id_: str,
    country: str,
    kind: PlaceKind,
    mentions: tuple[Span, ...],
) -> Place:
    return Place(id=id_, name=row.name, country=country, lat=row.lat, lon=row.lon, kind=kind, mentions=mentions)
