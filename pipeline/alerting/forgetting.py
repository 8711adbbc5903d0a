"""An alert without articles that are to be forgotten."""

from collections.abc import Collection

import msgspec

from pipeline.model.alert import Alert


def without(alert: Alert, ids: Collection[str]) -> Alert | None:
    """The alert as if it had never named these articles; None where no reason is left for it."""
    because = tuple(reason for reason in alert.because if reason.article not in ids)
    articles = tuple(article for article in alert.articles if article.id not in ids)
    if not articles or (alert.because and not because):
        return None
    grounds = {reason.article for reason in because} or {article.id for article in articles}
    return msgspec.structs.replace(
        alert,
        because=because,
        articles=tuple(
            msgspec.structs.replace(article, duplicate_of=None) if article.duplicate_of in ids else article
            for article in articles
        ),
        article_count=max(0, alert.article_count - len(alert.articles) + len(articles)),
        claims=tuple(claim for claim in alert.claims if claim.article not in ids),
        origins=min(alert.origins, len({article.origin for article in articles if article.id in grounds})),
    )
