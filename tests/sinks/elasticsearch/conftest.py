"""What wirewatch has on Elasticsearch, made for the tests of a file and taken away after them."""

from collections.abc import Iterator

import pytest
from elasticsearch import Elasticsearch

from pipeline.settings import Http
from pipeline.sinks.elasticsearch.client import connect
from pipeline.sinks.elasticsearch.mapping import ALIASES


@pytest.fixture(scope="module")
def given(elasticsearch_url: str) -> Http:
    """Settings of a node for tests."""
    return Http(url=elasticsearch_url)


@pytest.fixture(scope="module")
def client(given: Http) -> Iterator[Elasticsearch]:
    """A client of a node that has nothing of wirewatch's yet; what the tests of the file put there is removed."""
    with connect(given) as client:
        wipe(client)
        yield client
        wipe(client)


def wipe(client: Elasticsearch) -> None:
    """Removes templates and indices."""
    for alias in ALIASES:
        client.options(ignore_status=404).indices.delete_index_template(name=alias)
        for index in client.indices.get(index=f"{alias}-g*", expand_wildcards="all"):
            client.indices.delete(index=index)
