"""Enrich: an article in, what was read in it out. Pure; one file a question."""

from typing import TYPE_CHECKING

import msgspec

from pipeline.enrich import actors, claims, events, facilities, persons, places, plugins, states, themes, vocabulary
from pipeline.enrich.language import identify
from pipeline.enrich.reading import Reading
from pipeline.enrich.text import clean
from pipeline.model.article import Article
from pipeline.model.enriched import EnrichedArticle

if TYPE_CHECKING:
    from pipeline.alerting.rules import RuleSet


def read(article: Article) -> tuple[Reading, EnrichedArticle]:
    """Everything read in an article, before any rule is asked."""
    article = clean(article)
    language = identify(article.title, article.body or article.summary)
    reading = Reading(article, language.code)
    found = vocabulary.find(reading.text, reading.folded, language.code)
    reading.words, reading.themes = found.words, found.themes
    hits = places.settle(reading, found.names)
    hits = persons.collect(reading, hits)
    reading.names = hits
    places.collect(reading, hits)
    states.judge(reading, hits)
    actors.collect(reading, hits)
    political = states.is_political(reading)
    if political:
        actors.organs(reading, hits)
    facilities.compose(reading, hits)
    states.parties(reading)
    reading.mentions.sort()
    happened = events.read(reading)
    if political:
        states.sides(reading, happened)
    fields = {name: getattr(article, name) for name in Article.__struct_fields__}
    enriched = EnrichedArticle(
        **fields,
        language=language,
        actors=tuple(reading.actors.values()),
        places=tuple(reading.places.values()),
        facilities=tuple(reading.facilities.values()),
        themes=themes.read(reading),
        events=happened,
        claims=claims.read(reading, happened),
        withdraws=claims.withdraws(reading),
    )
    return reading, enriched


def enrich(article: Article, rules: "RuleSet | None" = None) -> EnrichedArticle:
    """The article with what was read in it, and the rules that hold for it."""
    _, enriched = read(article)
    enriched = plugins.apply(enriched)
    if rules is None:
        return enriched
    because = tuple(rules.apply(enriched))
    held = tuple(dict.fromkeys(reason.rule for reason in because))
    return msgspec.structs.replace(enriched, rules=held, ruleset=rules.hash, because=because)
