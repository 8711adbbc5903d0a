"""The same job in its plainest form, as the first search result would have it: what every figure stands beside.

A bare Faust app: langdetect over the text, a regular expression of keywords, one `es.index` a document.

    python -m tests.bench.plain BOOTSTRAP ELASTICSEARCH FOLDER
"""

import re
import sys
from collections.abc import AsyncIterable
from typing import Any

import faust
import langdetect
from elasticsearch import AsyncElasticsearch

from tests.bench.baseline import KEYWORDS

TOPIC = "plain.articles"
INDEX = "plain-articles"
STATES = ("Ukraine", "Russia", "Azerbaijan", "Poland", "Germany", "France", "Israel", "Iran", "China", "Turkey")
WORDS = re.compile("|".join(re.escape(word) for word in (*KEYWORDS, *STATES)), re.IGNORECASE)


def app_of(bootstrap: str, elasticsearch: str, folder: str) -> faust.App:
    """The app with its one agent."""
    app = faust.App("plain", broker=f"kafka://{bootstrap}", datadir=folder, topic_disable_leader=True)
    topic = app.topic(TOPIC, value_serializer="json")
    client = AsyncElasticsearch(elasticsearch)

    async def read(articles: AsyncIterable[dict[str, Any]]) -> None:
        async for article in articles:
            text = f"{article['title']}\n{article['body']}"
            document = {
                "title": article["title"],
                "body": article["body"],
                "language": langdetect.detect(text),
                "keywords": sorted({word.lower() for word in WORDS.findall(text)}),
            }
            await client.index(index=INDEX, id=article["id"], document=document)

    app.agent(topic)(read)
    return app


if __name__ == "__main__":
    faust.Worker(app_of(*sys.argv[1:4]), loglevel="ERROR").execute_from_commandline()
