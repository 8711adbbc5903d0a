"""States of relate that were dumped before articles were kept packed."""

from typing import Any

import msgspec

from pipeline.stories.record import pack


def as_now(dumped: bytes) -> bytes:
    """The dump of an older state as it would be dumped now.

    Raises:
        ValueError: no such dump.
    """
    try:
        state = msgspec.msgpack.decode(dumped)
        state["articles"] = {name: _article(*known) for name, known in state["articles"].items()}
        for index in ("postings", "shingles"):
            state[index] = {key: names[0] if len(names) == 1 else names for key, names in state[index].items()}
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError("no state of relate") from error
    return msgspec.msgpack.encode(state)


def _article(*known: Any) -> tuple[Any, ...]:
    """What is kept of an article: no longer its version, its date and its owner."""
    id_, revisions, at, _, stored, _, source, _, language, *place, features, lengths, sketch, order, rules = known
    packed = pack(sorted(features)), lengths, pack(sketch), pack(order, "H")
    return (id_, revisions, at, stored, source, language, *place, *packed, rules)
