"""The first stage of the graph: article in, enriched article out; it keeps no state."""

from pipeline.alerting.rules import RuleSet
from pipeline.enrich import enrich
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
