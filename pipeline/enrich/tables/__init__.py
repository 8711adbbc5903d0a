"""The world as the tables have it: countries, cities, and their names in each language. See docs/data.md."""

from functools import cache
from pathlib import Path
from typing import NamedTuple

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
    alternates: str
    """Other spellings in every script, separated by `|`."""


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


def _rows(table: str) -> list[list[str]]:
    lines = (FOLDER / table).read_text(encoding="utf-8").split("\n")
    return [line.split("\t") for line in lines if line]


@cache
def cities() -> dict[str, City]:
    """Every city by id, the most populous first."""
    return {
        id_: City(id_, name, country, float(lat), float(lon), int(population), kind == "capital", region, alternates)
        for id_, name, country, lat, lon, population, kind, region, alternates in _rows("cities.tsv")
    }


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


@cache
def _by_language(table: str) -> dict[str, list[tuple[str, str]]]:
    names: dict[str, list[tuple[str, str]]] = {}
    for language, id_, name in _rows(table):
        names.setdefault(language, []).append((id_, name))
    return names


def territories(language: str) -> list[tuple[str, str]]:
    """CLDR's names of states (alpha-3) and of EU and UN in a language."""
    return _by_language("territories.tsv").get(language, [])


def exemplars(language: str) -> list[tuple[str, str]]:
    """CLDR's names of the world's best-known cities in a language, by GeoNames id."""
    return _by_language("exemplars.tsv").get(language, [])


@cache
def city_ids() -> dict[str, str]:
    """`Odesa` (the most populous of the name) and `Odessa, USA` to GeoNames id; then other Latin spellings."""
    ids: dict[str, str] = {}
    for city in cities().values():
        ids.setdefault(city.name, city.id)
        ids.setdefault(f"{city.name}, {city.country}", city.id)
    for city in cities().values():
        for name in city.alternates.split("|"):
            ids.setdefault(name, city.id)
    return ids


@cache
def capitals() -> dict[str, str]:
    """Capital's city id to its country's alpha-3."""
    return {country.capital: country.code for country in countries().values() if country.capital}
