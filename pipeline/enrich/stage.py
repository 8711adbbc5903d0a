"""The first stage of the graph: article in, enriched article out; it keeps no state."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from pipeline.alerting.rules import Rule, RuleSet
from pipeline.enrich import enrich, munitions, plugins, themes, watchlists
from pipeline.model.article import Article
from pipeline.model.codec import decode, encode
from pipeline.stage import Decision, Effect, Message, StateChange
from pipeline.topics import ENRICHED, RAW


class Enrich:
    """Enriches articles and says which rules hold for each.

    Args:
        rules: those that are asked of every article.
    """

    name = "enrich"
    input = RAW
    outputs = (ENRICHED,)

    def __init__(self, rules: RuleSet) -> None:
        self._rules = rules

    def empty(self) -> None:
        return None

    def decide(self, state: None, message: Message) -> Decision:  # noqa: ARG002
        """One effect, keyed by the article's id.

        Raises:
            InvalidError: the message is no Article; the text names the field.
        """
        article = enrich(decode(message.value, Article), self._rules)
        return Decision([Effect(ENRICHED, article.id, encode(article))])

    def fold(self, state: None, change: StateChange) -> None:  # noqa: ARG002
        return None

    def elsewhere(self) -> Callable[[], "Enrich"]:
        """Makes the same stage in another process, with the same rules and the user's own files."""
        return partial(_made, tuple(self._rules), tuple(module.own() for module in _EXTENDED), _known())


_EXTENDED = (watchlists, themes, munitions, plugins)
"""What a user may add files to, or choose from by name."""


def _known() -> tuple[object, ...]:
    return watchlists.watchlists(), themes.lexicon(), munitions.wars()


def _made(rules: Sequence[Rule], own: Sequence[Sequence[Path | str]], known: Sequence[object]) -> Enrich:
    for module, files in zip(_EXTENDED, own, strict=True):
        module.add(*files)
    if _known() != known:
        raise ValueError("a watchlist, a list of wars or a lexicon of themes has changed since it was read")
    return Enrich(RuleSet(rules))
