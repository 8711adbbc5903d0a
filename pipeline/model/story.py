"""Story: the articles that tell one happening."""

import msgspec

from pipeline.model.codec import Time


class Story(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A story as the console and the search show it."""

    id: str
    """32 hex digits, from its first article's id."""
    title: str
    first: Time
    last: Time
    articles: tuple[str, ...]
    """Ids, in log order."""
    origins: int
    merged_into: str | None = None
