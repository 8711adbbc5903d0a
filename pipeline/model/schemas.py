"""JSON Schemas of what flows, for those who read the topics from elsewhere: `make schemas` writes them."""

import json
import sys
from pathlib import Path

import msgspec

from pipeline.model.alert import Alert
from pipeline.model.article import Article
from pipeline.model.candidate import CorrelateInput
from pipeline.model.cloudevent import AlertEvent
from pipeline.model.dead_letter import DeadLetter
from pipeline.model.enriched import EnrichedArticle
from pipeline.model.health import SourceHealth
from pipeline.model.story import Story

TYPES = {
    "article": Article,
    "enriched-article": EnrichedArticle,
    "correlate-input": CorrelateInput,
    "alert": Alert,
    "alert-event": AlertEvent,
    "story": Story,
    "dead-letter": DeadLetter,
    "source-health": SourceHealth,
}


def schemas() -> dict[str, str]:
    """File name to JSON Schema 2020-12, formatted."""
    return {
        f"{name}.json": json.dumps(
            {"$schema": "https://json-schema.org/draft/2020-12/schema"} | msgspec.json.schema(kind), indent=2
        )
        + "\n"
        for name, kind in TYPES.items()
    }


def main(folder: Path) -> None:
    """Writes every schema into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in schemas().items():
        (folder / name).write_text(text)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
