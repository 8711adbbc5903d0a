"""Names: whatever names somebody or somewhere in a language, and which of the words found are written as names."""

import re
from collections.abc import Iterable, Iterator

from pipeline.enrich import tables
from pipeline.enrich.language import alphabet, script_of
from pipeline.enrich.lexicon import (
    EXACT,
    LANGUAGES,
    MAX_TAIL,
    Found,
    Hit,
    Morphology,
    Pattern,
    fold,
    language_files,
    longest,
    morphology,
    read_yaml,
)
from pipeline.enrich.watchlists import watchlists

EVERYWHERE = 50_000
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


def judge(hits: Iterable[Found], text: str, language: str) -> list[Hit]:
    """Of names found those that are written as names are, longest only; those that share a span are all kept.

    Args:
        hits: in order.
    """
    rules = morphology(language)
    judged: dict[Found, None] = {}
    for hit in hits:
        if hit[2] in _PLAIN:
            if not rules.capitals or text[hit[0]].isupper():
                judged[hit] = None
        elif found := _judge(hit, text, rules):
            judged[found] = None
    return list(map(Hit._make, longest(judged)))


_PLAIN = frozenset(("state", "region", "city", "organisation", "group", "person"))
"""Kinds of name that begin with a capital and have nothing else to show."""


def _judge(hit: Found, text: str, rules: Morphology) -> Found | None:
    """The hit where it is written as a name of its kind is, else None."""
    start, end, kind, value = hit
    if kind.startswith("acronym:"):
        return (start, end, kind[8:], value) if text[start : start + 2].isupper() else None
    if not rules.capitals or kind == "phrase":
        return hit
    if kind in ("adjective", "demonym", "city-adjective"):
        return None if rules.capital_adjectives and not text[start].isupper() else hit
    if not text[start].isupper():
        return None
    if kind.startswith("word:"):
        return None if opens_sentence(text, start) else (start, end, kind[5:], value)
    return hit


_OPENS = re.compile(r"(?:^|[.!?…:;\n•])[\s\"'«»„“”‘’(\[—–-]*$")


def opens_sentence(text: str, start: int) -> bool:
    """Whether a capital letter here says nothing, because a sentence begins with it."""
    return bool(_OPENS.search(text, max(0, start - 6), start)) or start < 2


def _usable(pattern: Pattern, rules: Morphology) -> bool:
    if not (pattern.text.isalpha() or any(map(str.isalpha, pattern.text))):
        return False
    return not (pattern.kind.startswith("word:") and not rules.capitals)


def patterns(language: str) -> Iterator[Pattern]:
    """Names of a language from its own files, the watchlists and CLDR: all but those of `Towns`."""
    rules = morphology(language)
    return (pattern for pattern in _patterns(language, rules) if _usable(pattern, rules))


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
            name = _throughout(text, rules) if entry.kind == "person" else text
            yield from _written(name, entry.kind, entry.id, rules)
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
        id_ = _city_id(key) or ""
        if not id_:
            continue  # said by `mistakes`, which a test asks of every language
        for text in texts or ():
            kind = "city-adjective" if str(text).endswith("|adjective") else "city"
            yield from _written(str(text), kind, id_, rules)


def _city_id(key: str) -> str | None:
    """GeoNames id of `Odesa` (the most populous of the name), `Odessa, USA`, or another Latin spelling."""
    name, _, country = key.partition(", ")
    for spelling in tables.spellings(tables.names("latin").get((fold(name).split() or [""])[0], "")):
        if spelling.name == key:
            return (*spelling.main, *spelling.other)[0]
        if spelling.name == name and country:
            return next((id_ for id_ in spelling.main if tables.cities()[id_].country == country), None)
    return None


class Towns:
    """GeoNames' names of cities that can stand in a text of a language: tens of thousands, compiled as they are met."""

    def __init__(self, language: str) -> None:
        self._language, self._rules = language, morphology(language)
        self._letters, self._script = alphabet(language), script_of(language)
        self._latin = self._script == "latin" or language == "sr"
        scripts = dict.fromkeys((*("latin",) * self._latin, self._script))
        self._tables = [(script, tables.names(script)) for script in scripts]
        self._home = {code for code, country in tables.countries().items() if language in country.languages[:MAIN]}
        beside = _neighbours(self._home)
        self._beside = {country.code for country in tables.countries().values() if country.alpha2 in beside}
        self._stars = [suffix for suffix, endings in self._rules.decline.items() if "*" in endings]
        self._suffixes: dict[str, list[str]] = {}
        for suffix, endings in self._rules.decline.items():
            for ending in endings:
                self._suffixes.setdefault(ending, []).append(suffix)
        self._most = max(map(len, self._suffixes), default=0)

    def around(self, word: str) -> Iterator[tuple[Pattern, int]]:
        """The names of which a word, folded, may be the longest word or a form of it, and that word's number.

        Names that may be cut short behind the first word, as "St. Louis" at its point, are found by that.
        """
        forms = self._nominatives(word)
        for script, table in self._tables:
            for form in forms & table.keys():
                for spelling in tables.spellings(table[form]):
                    number = 0
                    if not spelling.name.isalpha():
                        words = fold(spelling.name).split()
                        if form != words[0]:
                            number = words.index(form)
                        elif form != max(reversed(words), key=len) and not self._may_be_cut(spelling.name, words):
                            continue
                    for pattern in self._compiled(script, spelling):
                        yield pattern, number

    def _may_be_cut(self, name: str, words: list[str]) -> bool:
        return "." in name or (len(words) > 2 and bool(self._rules.leading))

    def changing(self) -> Iterator[Pattern]:
        """The names of several words whose first word changes too."""
        suffixes = self._rules.leading
        for script, table in self._tables if suffixes else ():
            for form, line in table.items():
                if form.endswith(suffixes) and ("\t" in line or not line[: line.index("|")].isalpha()):
                    for spelling in tables.spellings(line):
                        if not spelling.name.isalpha() and fold(spelling.name).split()[0] == form:
                            yield from self._compiled(script, spelling)

    def every(self) -> Iterator[Pattern]:
        """All of them."""
        for script, table in self._tables:
            for spelling in {spelling for line in table.values() for spelling in tables.spellings(line)}:
                yield from self._compiled(script, spelling)

    def _nominatives(self, word: str) -> set[str]:
        """What a word may be a form of; more than there are."""
        forms = {word}
        for length in range(min(self._most, len(word)) + 1):
            if suffixes := self._suffixes.get(word[len(word) - length :]):
                stem = word[: len(word) - length]
                forms.update([stem + suffix for suffix in suffixes])
        if self._stars:
            for length in range(max(1, len(word) - MAX_TAIL), len(word) + 1):
                forms.update([word[:length] + suffix for suffix in self._stars])
        return forms

    def _compiled(self, script: str, spelling: tables.Spelling) -> Iterator[Pattern]:
        name, main, other = spelling
        ids = [id_ for id_ in main if self._is_called(tables.cities()[id_])] if script == "latin" else []
        if other and script == self._script and self._letters.fullmatch(name):
            ids += [id_ for id_ in other if self._is_spelled(tables.cities()[id_])]
        for id_ in ids:
            for pattern in _named(name, "city", id_, self._rules):
                if _usable(pattern, self._rules):
                    yield pattern

    def _is_near(self, city: tables.City) -> bool:
        return self._language == "en" or city.capital or city.country in self._home

    def _is_called(self, city: tables.City) -> bool:
        """Whether the language calls a city by its English name."""
        return city.population >= EVERYWHERE or self._is_near(city)

    def _is_spelled(self, city: tables.City) -> bool:
        """Whether the language may have another spelling of a city."""
        if self._script == "latin":
            least = EVERYWHERE if city.country in self._beside else EXONYMS
            return city.population >= least or city.capital or city.country in self._home
        return self._script != "han" or self._is_called(city)


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


def _throughout(name: str, rules: Morphology) -> str:
    """A person's name, all of whose words change where a language declines names: Остапа Лисенка."""
    *head, last = name.split(" ")
    if not head or not rules.decline or "|" in name or "*" in name:
        return name
    stems = [(word, *_decline(fold(word), rules)) for word in head]
    return " ".join(
        [*(f"{stem}*" if len(stem) > 2 and ends is not EXACT else word for word, stem, ends in stems), last]
    )


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
        if not _city_id(key)
    ]
    texts = [text for lists in states.values() for texts in lists.values() for text in texts or ()]
    texts += [text for names in cities.values() for text in names or ()]
    for text in texts:
        _, bar, inflection = str(text).partition("|")
        if bar and inflection not in ("fixed", *rules.endings):
            found.append(f"{language}: {text!r} has a class that morphology.yaml lacks among its endings")
    return found
