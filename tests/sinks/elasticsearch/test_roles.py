"""The roles that ship with wirewatch, on a real node with security: each can do its work and nothing beside."""

import json
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
import yaml
from elasticsearch import ApiError, Elasticsearch

from pipeline.settings import Http, SettingsError
from pipeline.sinks.elasticsearch.client import ElasticsearchError, connect, explained
from pipeline.sinks.elasticsearch.documents import article_document
from pipeline.sinks.elasticsearch.mapping import ARTICLES, index_of
from pipeline.sinks.elasticsearch.query import search
from pipeline.sinks.elasticsearch.setup import check, create, set_up
from tests.sinks.corpus import corpus
from tests.stack.elasticsearch import Elasticsearch as Node
from tests.stack.fixtures import begun

ROLE_FILE = files("pipeline.sinks.elasticsearch").joinpath("roles.yml")
ARTICLE = corpus()[0]
INDEX = index_of(ARTICLES, datetime(2026, 3, 1, tzinfo=UTC))
PASSWORD = "only-for-tests"
ROLES = ("setup", "sink", "console", "forget", "kibana", "dashboards")
USERS = {f"my-{role}": (PASSWORD, [f"wirewatch_{role}"]) for role in ROLES}
ADMIN = {"my-admin": (PASSWORD, ["superuser"])}


def settings(node: Node, user: str) -> Http:
    return Http(url=node.url, user=f"my-{user}", password=PASSWORD)


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    """A node with security on, set up by the role for that, and with an article in it."""
    roles = ROLE_FILE.read_text("utf-8")
    made: list[Node] = []

    def start() -> None:
        made.append(Node(tmp_path_factory.mktemp("secured"), users=USERS | ADMIN, roles=roles))
        made[0].start()

    try:
        begun(start)
        set_up(settings(made[0], "setup"), 35, now=datetime(2026, 3, 15, tzinfo=UTC))
        with connect(settings(made[0], "admin")) as admin:
            admin.indices.create(index="other")
            admin.index(index=INDEX, id="there", document=article_document(ARTICLE), refresh=True)
        yield made[0]
    finally:
        for node in made:
            node.stop()


def writes(client: Elasticsearch) -> None:
    operations: list[Any] = []
    for version in (1, 2):
        to = {"_index": INDEX, "_id": "new", "version": version, "version_type": "external"}
        operations += ({"index": to}, article_document(ARTICLE))
    send(client, operations)


def deletes(client: Elasticsearch) -> None:
    send(client, [{"delete": {"_index": INDEX, "_id": "never"}}])


def send(client: Elasticsearch, operations: list[Any]) -> None:
    """A bulk request, whose items are refused one by one, though the request is not."""
    answer = client.bulk(operations=operations)
    for item in answer["items"]:
        for result in item.values():
            if result["status"] == 403:
                raise PermissionError


ACTIONS: dict[str, Callable[[Elasticsearch], Any]] = {
    "search": lambda client: search(client, "embassy"),
    "count": lambda client: client.count(index=ARTICLES),
    "get": lambda client: client.get(index=INDEX, id="there"),
    "aliases": lambda client: client.indices.get_alias(name="wirewatch-*"),
    "mapping": lambda client: client.indices.get_mapping(index=ARTICLES),
    "write": writes,
    "next month": lambda client: create(client, "wirewatch-articles-g1-2026.04"),
    "delete": deletes,
    "refresh": lambda client: client.indices.refresh(index=ARTICLES),
    "point in time": lambda client: client.open_point_in_time(index=ARTICLES, keep_alive="1m"),
    "drop": lambda client: client.indices.delete(index="wirewatch-articles-g1-2020.01"),
    "alter": lambda client: client.indices.put_mapping(index=INDEX, properties={"more": {"type": "keyword"}}),
    "move alias": lambda client: client.indices.put_alias(index=INDEX, name="wirewatch-alerts"),
    "template": lambda client: client.indices.put_index_template(name="mine", index_patterns=["mine-*"]),
    "elsewhere": lambda client: client.count(index="other"),
    "write elsewhere": lambda client: client.index(index="other", document={"a": 1}),
    "users": lambda client: client.security.get_user(username="my-admin"),
}
LOOKS = {"search", "count", "get", "aliases", "mapping", "point in time"}
MAY = {
    "setup": {"aliases", "mapping", "next month", "drop", "alter", "move alias", "template", "refresh"},
    "sink": {"aliases", "mapping", "write", "next month", "alter"},  # who may index may add fields
    "console": LOOKS,
    "forget": LOOKS | {"write", "delete", "refresh", "alter"},
    "kibana": LOOKS,
    "dashboards": LOOKS,
}


@pytest.mark.filterwarnings("ignore:the index privilege .index. allowed the update mapping action")
@pytest.mark.parametrize("role", MAY)
@pytest.mark.parametrize("action", ACTIONS)
def test_each_role_can_do_its_work_and_nothing_beside(secured: Node, role: str, action: str) -> None:
    with connect(settings(secured, role)) as client:
        try:
            ACTIONS[action](client)
            is_allowed = True
        except PermissionError:
            is_allowed = False
        except ElasticsearchError as error:
            is_allowed = "forbids" not in str(error)
        except ApiError as error:
            is_allowed = error.meta.status != 403
    assert is_allowed is (action in MAY[role])


def test_the_same_setup_again_changes_nothing(secured: Node) -> None:
    steps = set_up(settings(secured, "setup"), 10_000, dry_run=True)
    assert {step.what for step in steps} == {"same"}


@pytest.mark.parametrize("role", ["sink", "console", "kibana", "dashboards"])
def test_whoever_writes_or_reads_can_see_that_the_indices_fit(secured: Node, role: str) -> None:
    check(settings(secured, role))


@pytest.mark.parametrize(
    ("role", "space", "may"),
    [
        ("kibana", "default", {"space_read"}),
        ("dashboards", "default", {"space_all"}),
        ("dashboards", "other", set()),
        ("console", "default", set()),
    ],
)
def test_only_the_roles_of_kibana_open_its_default_space(secured: Node, role: str, space: str, may: set[str]) -> None:
    kibana, resource = "kibana-.kibana", f"space:{space}"
    wanted = {"application": kibana, "privileges": ["space_read", "space_all"], "resources": [resource]}
    with connect(settings(secured, role)) as client:
        found = client.security.has_privileges(application=[wanted])["application"][kibana][resource]
    assert {name for name, allowed in found.items() if allowed} == may


def test_the_key_that_is_documented_is_as_narrow_as_the_role() -> None:
    page = (Path(__file__).parents[3] / "docs" / "elasticsearch-roles.md").read_text("utf-8")
    body = re.search(r"POST /_security/api_key\n(.*?)\n\n", page, re.DOTALL)
    assert body
    roles = yaml.safe_load(ROLE_FILE.read_text("utf-8"))
    for name, described in json.loads(body[1])["role_descriptors"].items():
        assert described == roles[name]


def test_who_is_not_known_or_not_allowed_is_told_what_to_do(secured: Node) -> None:
    with pytest.raises(SettingsError, match=r"does not know the user or key; check elasticsearch\.user"):
        check(Http(url=secured.url, user="my-sink", password="wrong"))
    with pytest.raises(SettingsError, match="forbids this to the user or key"):
        set_up(settings(secured, "console"), 35)
    with connect(settings(secured, "sink")) as sink, pytest.raises(ApiError) as refused:
        sink.get(index=INDEX, id="there")
    assert "docs/elasticsearch-roles.md" in explained(refused.value)
