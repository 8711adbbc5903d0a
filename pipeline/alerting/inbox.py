"""The public inbox: what users do with alerts, checked and handed on to correlate."""

from pipeline.model.candidate import Action
from pipeline.model.codec import decode, encode
from pipeline.stage import Decision, Effect, Message, StateChange
from pipeline.topics import ACTIONS, CANDIDATES


class Inbox:
    """A stage without a state that lets well-formed actions through, keyed by their rule."""

    name = "inbox"
    input = ACTIONS
    outputs = (CANDIDATES,)

    def empty(self) -> None:
        return None

    def decide(self, state: None, message: Message) -> Decision:  # noqa: ARG002
        """One effect, keyed by the rule that the action names.

        Raises:
            InvalidError: the message is no Action; the text names the field.
        """
        action = decode(message.value, Action)
        return Decision([Effect(CANDIDATES, action.rule, encode(action))])

    def fold(self, state: None, change: StateChange) -> None:  # noqa: ARG002
        return None
