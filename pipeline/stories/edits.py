"""How a new revision of an article differs from the one before it."""

from pipeline.model.enriched import Edit
from pipeline.stories.duplicates import share_kept
from pipeline.stories.features import Traits
from pipeline.stories.memory import Known
from pipeline.stories.record import unpack

SAME_TEXT = 0.87
"""Share of three-word sequences above which only wording has changed."""


def edit_of(before: Known, now: Traits) -> Edit:
    """`material` where the title, a name or a number is another, or an eighth of the text; else `wording`."""
    if before.gist and before.gist != now.gist:
        return "material"
    old = unpack(before.sketch)
    kept = 1.0 if old == now.sketch else min(share_kept(old, now.sketch), share_kept(now.sketch, old))
    return "wording" if kept > SAME_TEXT else "material"
