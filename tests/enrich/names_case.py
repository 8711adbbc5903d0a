"""How the tables of this room read an article: a title and a body in, ids out."""

from pipeline.enrich import enrich
from pipeline.model.article import Article, Source, revision_of
from pipeline.model.enriched import EnrichedArticle


def read(body: str, title: str = "", country: str | None = None) -> EnrichedArticle:
    """The enriched article of a few sentences; the outlet's country where it matters."""
    return enrich(
        Article(
            id="0" * 32,
            source=Source(id="test", country=country),
            title=title,
            body=body,
            revision=revision_of(title, body),
        )
    )


def cities(article: EnrichedArticle) -> set[str]:
    """`Kyiv/UKR` of every city."""
    return {f"{place.name}/{place.country}" for place in article.places if place.kind == "city"}


def states(article: EnrichedArticle) -> set[str]:
    """Alpha-3 of every state that acts."""
    return {actor.id for actor in article.actors if actor.kind == "state"}
