"""Diplomatic facilities, composed of what they are, whose, and where."""

from collections.abc import Sequence

from pipeline.enrich.lexicon import Hit
from pipeline.enrich.reading import Reading


def compose(reading: Reading, hits: Sequence[Hit]) -> None:
    """Adds the facilities named in the text to the reading."""
