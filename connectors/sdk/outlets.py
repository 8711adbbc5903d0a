"""The table of outlets: who owns them, which state controls them, how reliable they are. Unknown stays unknown."""

from collections.abc import Mapping
from pathlib import Path

import msgspec
import yaml

from pipeline.model.article import Source


class OutletsError(ValueError):
    """The table cannot be read; the message names the file and what is wrong in it."""


class Outlets:
    """What is known of outlets, by id."""

    def __init__(self, table: Mapping[str, Source] | None = None) -> None:
        self._table = dict(table or {})

    @classmethod
    def load(cls, path: Path) -> "Outlets":
        """Reads `sources: [{id, name, country, owner, affiliation, reliability}, …]`.

        Raises:
            OutletsError: not readable, not YAML, or not of that shape.
        """
        try:
            given = yaml.safe_load(path.read_bytes())
            rows = msgspec.convert(given, dict[str, list[Source]])["sources"]
        except (OSError, yaml.YAMLError, msgspec.ValidationError) as error:
            raise OutletsError(f"{path}: {error}") from None
        except KeyError:
            raise OutletsError(f"{path}: needs a list under `sources`") from None
        return cls({row.id: row for row in rows})

    def fill(self, source: Source) -> Source:
        """The source with what the table knows where it says nothing itself."""
        known = self._table.get(source.id)
        if known is None:
            return source
        fields = ("name", "country", "owner", "affiliation", "reliability")
        return msgspec.structs.replace(source, **{f: getattr(source, f) or getattr(known, f) for f in fields})
