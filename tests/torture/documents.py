"""What Elasticsearch holds beside what the topics say that it should."""

from collections import defaultdict
from typing import NamedTuple

import msgspec
from elasticsearch import Elasticsearch, helpers

from pipeline.sinks.elasticsearch.mapping import ALIASES
from pipeline.sinks.elasticsearch.sink import TOPICS, Record, Write, write_of
from tests.stack.topics import records

Place = tuple[str, str]
"""Alias and id of a document."""


class Documents(NamedTuple):
    """What a comparison came to."""

    lost: int
    doubles: int
    """Ids that more than one document has, or one that no record asked for."""
    different: int


def documents(bootstrap: str, url: str) -> Documents:
    """Compares every document with the newest record that it should be made of."""
    wanted, found = _wanted(bootstrap), _found(url)
    return Documents(
        lost=len(wanted.keys() - found.keys()),
        doubles=sum(len(payloads) > 1 for payloads in found.values()) + len(found.keys() - wanted.keys()),
        different=sum(found[place] != [_payload(wanted[place])] for place in wanted.keys() & found.keys()),
    )


def _wanted(bootstrap: str) -> dict[Place, Write]:
    newest: dict[Place, Write] = {}
    for topic in TOPICS:
        for record in records(bootstrap, topic):
            at = Record(topic, record.partition, record.offset, "", record.value, 1000 * record.timestamp)
            if made := write_of(at):
                known = newest.setdefault((made.alias, made.id), made)
                newest[made.alias, made.id] = max(known, made, key=lambda write: write.version)
    return newest


def _payload(write: Write) -> str:
    payload: str = msgspec.json.decode(write.document)["payload"]
    return payload


def _found(url: str) -> dict[Place, list[str]]:
    found: dict[Place, list[str]] = defaultdict(list)
    with Elasticsearch(url) as client:
        client.indices.refresh(index=list(ALIASES))
        for alias in ALIASES:
            for hit in helpers.scan(client, index=alias, query={"_source": ["payload"]}, size=200):
                found[alias, hit["_id"]].append(hit["_source"]["payload"])
    return found
