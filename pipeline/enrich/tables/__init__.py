"""The world as the tables have it: countries, cities, and their names in each language. See docs/data.md."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

FOLDER = Path(__file__).parent


class City(NamedTuple):
    """A city or town, from GeoNames."""

    id: str
    name: str
    country: str
    """Alpha-3."""
    lat: float
    lon: float
    population: int
    capital: bool
    region: str
    """Postal code of the state for towns of the USA, else empty."""


class Spelling(NamedTuple):
    """A name and the cities that bear it, the most populous first."""

    name: str
    main: tuple[str, ...]
    """Ids of those whose English name it is."""
    other: tuple[str, ...]
    """Ids of those that are also spelled so."""


class Region(NamedTuple):
    """A part of a state that bears towns' names beside other states' towns."""

    id: str
    name: str
    country: str
    lat: float
    lon: float
    code: str


class Country(NamedTuple):
    """A state or territory, from GeoNames."""

    code: str
    """Alpha-3."""
    alpha2: str
    id: str
    name: str
    lat: float
    lon: float
    population: int
    capital: str
    """Id of the city; empty where it has none in the table."""
    languages: tuple[str, ...]
    """ISO 639 codes, the most spoken first."""
    neighbours: frozenset[str]
    """Alpha-2."""


@cache
def _lines(table: str) -> list[str]:
    return (FOLDER / table).read_text(encoding="utf-8").split("\n")[:-1]


def _rows(table: str) -> list[list[str]]:
    return [line.split("\t") for line in _lines(table)]


class _Cities(dict[str, City]):
    """Made of their rows when they are first asked for: an article names a few of 38,000."""

    def __init__(self) -> None:
        self._rows = dict(line.split("\t", 1) for line in _lines("cities.tsv"))

    def __missing__(self, id_: str) -> City:
        name, country, lat, lon, population, kind, region = self._rows[id_].split("\t")
        city = City(id_, name, country, float(lat), float(lon), int(population), kind == "capital", region)
        self[id_] = city
        return city

    def get(self, id_: str, default: Any = None) -> Any:
        return self[id_] if id_ in self._rows else default


@cache
def cities() -> Mapping[str, City]:
    """Every city by id."""
    return _Cities()


@cache
def names(script: str) -> Mapping[str, str]:
    """A word, folded, to the line of the names of cities in a script of which it is the first or the longest word.

    Empty for a script in which GeoNames has none.
    """
    table = f"names/{script}.tsv"
    return dict(line.split("\t", 1) for line in _lines(table)) if (FOLDER / table).exists() else {}


def spellings(line: str) -> list[Spelling]:
    """The names in a line of `names`."""
    return list(map(_spelling, line.split("\t"))) if line else []


def _spelling(field: str) -> Spelling:
    name, main, other = field.split("|")
    return Spelling(name, tuple(main.split()), tuple(other.split()))


@cache
def countries() -> dict[str, Country]:
    """Every country by alpha-3."""
    return {
        row[0]: Country(
            row[0],
            row[1],
            row[2],
            row[3],
            float(row[4]),
            float(row[5]),
            int(row[6]),
            row[7],
            tuple(tag.split("-")[0] for tag in row[8].split(",")),
            frozenset(row[9].split(",")) - {""},
        )
        for row in _rows("countries.tsv")
    }


@cache
def regions() -> dict[str, Region]:
    """Every region by id."""
    return {
        row[0]: Region(row[0], row[1], row[2], float(row[3]), float(row[4]), row[5]) for row in _rows("regions.tsv")
    }


def _of_language(table: str, language: str) -> list[tuple[str, str]]:
    prefix = f"{language}\t"
    rows = (line.split("\t") for line in _lines(table) if line.startswith(prefix))
    return [(id_, name) for _, id_, name in rows]


def territories(language: str) -> list[tuple[str, str]]:
    """CLDR's names of states (alpha-3) and of EU and UN in a language."""
    return _of_language("territories.tsv", language)


def exemplars(language: str) -> list[tuple[str, str]]:
    """CLDR's names of the world's best-known cities in a language, by GeoNames id."""
    return _of_language("exemplars.tsv", language)


@cache
def capitals() -> dict[str, str]:
    """Capital's city id to its country's alpha-3."""
    return {country.capital: country.code for country in countries().values() if country.capital}
