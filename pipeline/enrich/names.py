"""Names: whatever names somebody or somewhere in a language, in one automaton, and what of it stands in a text."""

import gc
import re
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

from pipeline.enrich import tables
from pipeline.enrich.language import alphabet, script_of
from pipeline.enrich.lexicon import (
    EXACT,
    LANGUAGES,
    Hit,
    Matcher,
    Morphology,
    Pattern,
    fold,
    language_files,
    longest,
    morphology,
    read_yaml,
)
from pipeline.enrich.watchlists import watchlists

EVERYWHERE = 100_000
"""Least population of a city that is looked for in every language; smaller ones in those of their country."""
MAIN = 3
"""So many of a country's languages make it a home of theirs."""
EXONYMS = 300_000
"""Least population of a foreign city whose every spelling is looked for."""
TWO_SCRIPTS = {"sr": "sr_Latn", "zh": "zh_Hant"}
"""Languages that CLDR has in a second script."""
LONGEST_SUFFIX = 4
SHORT = 4
"""Letters below which a stem is not looked for by itself."""
SYLLABLES = "가"
"""The first of the letters (those of Korean) that are syllables: two of them are not short."""


class Gazetteer(NamedTuple):
    """The names of one language, ready to be found."""

    matcher: Matcher
    morphology: Morphology


@cache
def gazetteer(language: str) -> Gazetteer:
    """Compiles the names of a language: its own files, the watchlists, CLDR and GeoNames."""
    rules = morphology(language)
    patterns = (pattern for pattern in _patterns(language, rules) if _usable(pattern, rules))
    made = Gazetteer(Matcher(patterns, rules.script, whole=True), rules)
    gc.freeze()  # it stays for good: the garbage collector need not walk it again and again
    return made


def find(text: str, folded: str, language: str) -> list[Hit]:
    """The names in a text, longest only, in order; those that share a span are all kept."""
    matcher, rules = gazetteer(language)
    hits = dict.fromkeys(_judge(hit, text, rules) for hit in matcher.find(folded))
    return longest([hit for hit in hits if hit])


def _judge(hit: Hit, text: str, rules: Morphology) -> Hit | None:
    """The hit where it is written as a name is, else None."""
    kind = hit.kind
    if kind.startswith("acronym:"):
        if not text[hit.start : hit.start + 2].isupper():
            return None
        return hit._replace(kind=kind[8:])
    if not rules.capitals:
        return hit
    if kind in ("adjective", "demonym", "city-adjective"):
        if rules.capital_adjectives and not text[hit.start].isupper():
            return None
        return hit
    if kind == "phrase":
        return hit
    if not text[hit.start].isupper():
        return None
    if kind.startswith("word:"):
        return None if opens_sentence(text, hit.start) else hit._replace(kind=kind[5:])
    return hit


_OPENS = re.compile(r"(?:^|[.!?…:;\n•])[\s\"'«»„“”‘’(\[—–-]*$")


def opens_sentence(text: str, start: int) -> bool:
    """Whether a capital letter here says nothing, because a sentence begins with it."""
    return bool(_OPENS.search(text, max(0, start - 6), start)) or start < 2


def _usable(pattern: Pattern, rules: Morphology) -> bool:
    if not (pattern.text.isalpha() or any(map(str.isalpha, pattern.text))):
        return False
    return not (pattern.kind.startswith("word:") and not rules.capitals)


def _patterns(language: str, rules: Morphology) -> Iterator[Pattern]:
    yield from _state_patterns(language, rules)
    yield from _watch_patterns(language, rules)
    yield from _region_patterns(language, rules)
    yield from _city_patterns(language, rules)
    for text in read_yaml(LANGUAGES / language / "phrases.yaml") or ():
        yield from _written(str(text), "phrase", "", rules)


def _state_patterns(language: str, rules: Morphology) -> Iterator[Pattern]:
    for code, name in (*tables.territories(language), *tables.territories(TWO_SCRIPTS.get(language, ""))):
        yield from _named(name, "organisation" if len(code) == 2 else "state", code, rules)
    for own in language_files(language, "states.yaml"):
        for code, lists in own.items():
            for key, kind in (("names", "state"), ("adjectives", "adjective"), ("demonyms", "demonym")):
                for text in lists.get(key) or ():
                    yield from _written(str(text), kind, code, rules)


def _watch_patterns(language: str, rules: Morphology) -> Iterator[Pattern]:
    for entry in watchlists():
        for text in (*entry.names.get("any", ()), *entry.names.get(language, ())):
            yield from _written(text, entry.kind, entry.id, rules)
    for own in language_files(language, "organisations.yaml"):
        for id_, texts in own.items():
            for text in texts or ():
                yield from _written(str(text), "organisation", id_, rules)


def _region_patterns(language: str, rules: Morphology) -> Iterator[Pattern]:
    own: dict[str, list[str]] = read_yaml(LANGUAGES / language / "regions.yaml")
    shared: dict[str, list[str]] = read_yaml(LANGUAGES / "regions.yaml")
    for region in tables.regions().values():
        if script_of(language) == "latin":
            yield from _named(region.name, "region", region.id, rules)
        for text in (*(own.get(region.name) or ()), *(shared.get(region.name) or ())):
            yield from _written(str(text), "region", region.id, rules)


def _city_patterns(language: str, rules: Morphology) -> Iterator[Pattern]:
    for id_, name in (*tables.exemplars(language), *tables.exemplars(TWO_SCRIPTS.get(language, ""))):
        yield from _named(name, "city", id_, rules)
    own: dict[str, list[str]] = read_yaml(LANGUAGES / language / "cities.yaml")
    for key, texts in own.items():
        id_ = tables.city_ids().get(key, "")
        if not id_:
            continue  # said by `mistakes`, which a test asks of every language
        for text in texts or ():
            kind = "city-adjective" if str(text).endswith("|adjective") else "city"
            yield from _written(str(text), kind, id_, rules)
    for id_, name in _table_names(language):
        yield from _named(name, "city", id_, rules)


def _table_names(language: str) -> Iterator[tuple[str, str]]:
    """GeoNames' spellings that can stand in a text of this language."""
    letters = alphabet(language)
    script = script_of(language)
    latin = script == "latin" or language == "sr"
    at_home = {code for code, country in tables.countries().items() if language in country.languages[:MAIN]}
    beside = {country.code for country in tables.countries().values() if country.alpha2 in _neighbours(at_home)}
    for city in tables.cities().values():
        home = city.country in at_home
        least = EVERYWHERE if city.country in beside else EXONYMS
        near = language == "en" or home or city.capital
        if latin and (near or city.population >= EVERYWHERE):
            yield city.id, city.name
        if script == "latin" and not (home or city.capital or city.population >= least):
            continue
        if script == "han" and not near and city.population < EVERYWHERE:
            continue
        for name in city.alternates.split("|"):
            if name and letters.fullmatch(name):
                yield city.id, name


def _neighbours(countries: set[str]) -> set[str]:
    """Alpha-2 codes of the countries that border on these."""
    return {code for country in countries for code in tables.countries()[country].neighbours}


def _written(text: str, kind: str, id_: str, rules: Morphology) -> Iterator[Pattern]:
    """A name as a data file has it: `stem|class`, `stem*`, or a nominative."""
    stem, bar, inflection = text.partition("|")
    if not bar:
        default = "adjective" if kind in ("adjective", "city-adjective") else kind
        if default in ("adjective", "demonym") and default in rules.endings and not stem.endswith("*"):
            inflection = default
        elif default in ("adjective", "demonym"):
            inflection = "fixed"
        else:
            yield from _named(stem, kind, id_, rules)
            return
    if stem.isupper() and len(stem) > 1 and rules.capitals:
        kind = f"acronym:{kind}"
    if stem.endswith("*"):
        yield Pattern(stem, kind, id_)
        return
    if inflection == "fixed" or inflection not in rules.endings:
        yield from _with_endings(stem, EXACT, kind, id_)
    else:
        yield from _with_endings(stem, rules.endings[inflection], kind, id_)


def _named(name: str, kind: str, id_: str, rules: Morphology) -> list[Pattern]:
    """A nominative, with the endings that the language's `decline` gives it."""
    if name.isupper() and len(name) > 1 and rules.capitals:
        return [Pattern(name, f"acronym:{kind}", id_, EXACT)]
    if name.endswith("*"):
        return [Pattern(name, kind, id_)]
    folded = fold(name)
    if folded in rules.words:
        kind = f"word:{kind}"
    if name.isalpha():  # most are a single word
        return _with_endings(*_decline(folded, rules), kind, id_)
    *head, last = name.replace("-", " ").split() or [name]
    before = "".join(f"{_leading(word, rules)} " for word in head)
    stem, endings = _decline(fold(last), rules)
    return _with_endings(before + stem, endings, kind, id_)


def _with_endings(stem: str, endings: frozenset[str], kind: str, id_: str) -> list[Pattern]:
    """The stem with its endings; short stems as whole words, since too many other words begin with them."""
    if "*" in endings:
        return [Pattern(f"{stem}*", kind, id_)]
    short = 2 if stem[-1:] >= SYLLABLES else SHORT
    if endings is not EXACT and len(stem) - stem.rfind(" ") - 1 < short:
        return [Pattern(stem + ending, kind, id_, EXACT) for ending in endings]
    return [Pattern(stem, kind, id_, endings)]


def _leading(word: str, rules: Morphology) -> str:
    """A word before the last: its stem and a star where the language changes such words."""
    if rules.leading and len(word) > 4:
        folded = fold(word)
        for suffix in rules.leading:
            if folded.endswith(suffix):
                return f"{word[: len(word) - len(suffix)]}*"
    return word


def _decline(last: str, rules: Morphology) -> tuple[str, frozenset[str]]:
    if rules.decline:
        for length in range(min(LONGEST_SUFFIX, len(last) - 2), -1, -1):
            suffix = last[len(last) - length :]
            if suffix in rules.decline:
                return last[: len(last) - length], rules.decline[suffix]
    return last, EXACT


def mistakes(language: str) -> list[str]:
    """What is wrong in a language's data files, one sentence each."""
    folder, rules, found = LANGUAGES / language, morphology(language), []
    states: dict[str, dict[str, list[str]]] = read_yaml(folder / "states.yaml")
    cities: dict[str, list[str]] = read_yaml(folder / "cities.yaml")
    for code, lists in states.items():
        if code not in tables.countries():
            found.append(f"{language}/states.yaml: {code!r} is no alpha-3 code")
        found += [
            f"{language}/states.yaml: {code} has {key!r}; names, adjectives or demonyms are meant"
            for key in lists
            if key not in ("names", "adjectives", "demonyms")
        ]
    found += [
        f"{language}/cities.yaml: {key!r} is no city of the table; write GeoNames' name"
        for key in cities
        if key not in tables.city_ids()
    ]
    texts = [text for lists in states.values() for texts in lists.values() for text in texts or ()]
    texts += [text for names in cities.values() for text in names or ()]
    for text in texts:
        _, bar, inflection = str(text).partition("|")
        if bar and inflection not in ("fixed", *rules.endings):
            found.append(f"{language}: {text!r} has a class that morphology.yaml lacks among its endings")
    return found
