"""The presets of json-api against answers of the documented shapes, written by hand in `responses/`."""

import json
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import msgspec
import pytest
import yaml

from connectors import sdk
from connectors.json_api.config import JsonApiConfig, preset, presets
from pipeline.model.article import Article
from tests.connectors.poll import articles, bad, last_cursor, poll
from tests.connectors.server import Answer, Server, body, status

FOLDER = Path(__file__).parent / "responses"
SECRETS = ("k-123-secret", "t-987-secret")


@pytest.fixture(params=presets())
def case(request: pytest.FixtureRequest) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((FOLDER / f"{request.param}.yaml").read_text("utf-8"))
    return found


def in_turn(pages: list[Any]) -> Answer:
    """One page after the other, and the last one for ever."""
    rest = list(pages)

    def answer(handler: BaseHTTPRequestHandler) -> None:
        page = rest.pop(0) if len(rest) > 1 else rest[0]
        body(json.dumps(page).encode(), "application/json; charset=utf-8")(handler)

    return answer


def look(server: Server, case: dict[str, Any], cursor: Any = None) -> list[sdk.Batch]:
    entry = {"kind": "json-api", "server": server.base, "rate": 60_000, **case["entry"]}
    return poll(cursor or case.get("cursor"), **entry)


def asked(server: Server) -> list[dict[str, str]]:
    queries = [parse_qs(urlsplit(path).query, keep_blank_values=True) for path, _ in server.asked]
    return [{name: ",".join(values) for name, values in query.items()} for query in queries]


def facts(article: Article, expected: dict[str, Any]) -> dict[str, Any]:
    """The article's fields that are expected to have a value."""
    found = msgspec.to_builtins(article)
    found |= {"title": article.title, "body": article.body, "authors": list(article.authors)}
    found |= {"source": article.source.id, "name": article.source.name}
    return {name: found.get(name) for name in expected}


def test_two_pages(server: Server, case: dict[str, Any]) -> None:
    server.answers[case["path"]] = in_turn(case["pages"])
    batches = look(server, case)
    found = articles(batches)
    assert not bad(batches)
    assert [facts(article, expected) for article, expected in zip(found, case["articles"], strict=True)] == case[
        "articles"
    ]
    assert {article.published_origin for article in found} == {"api"}
    queries = asked(server)
    assert [
        {name: query.get(name) for name in wanted} for query, wanted in zip(queries, case["asked"], strict=False)
    ] == (case["asked"])
    assert queries[0] == case["asked"][0], "nothing else is asked"
    assert len(queries) <= len(case["pages"])
    assert case.get("headers", {}).items() <= server.asked[0][1].items()


def test_nothing_new_the_second_time(server: Server, case: dict[str, Any]) -> None:
    server.answers[case["path"]] = in_turn(case["pages"])
    first = look(server, case)
    server.answers[case["path"]] = in_turn(case["pages"])
    assert not articles(look(server, case, json.loads(json.dumps(last_cursor(first)))))


def test_an_empty_answer(server: Server, case: dict[str, Any]) -> None:
    server.answers[case["path"]] = in_turn([case["empty"]])
    batches = look(server, case)
    assert [*articles(batches), *bad(batches)] == []
    assert len(server.asked) == 1


@pytest.mark.parametrize("which", ["limited", "failed"])
def test_errors(server: Server, case: dict[str, Any], which: str) -> None:
    said = case[which]
    content = said["text"].encode() if "text" in said else json.dumps(said.get("json", {})).encode()

    def answer(handler: BaseHTTPRequestHandler) -> None:
        if said.get("status", 200) == 200:
            body(content, "text/html")(handler)
        else:
            status(said["status"], {"Retry-After": "7"})(handler)

    server.answers[case["path"]] = answer
    with pytest.raises(getattr(sdk, said["error"])) as raised:
        look(server, case)
    assert not [secret for secret in SECRETS if secret in str(raised.value)]
    assert raised.value.retry_after == (7 if "status" in said and said["status"] != 200 else None)


def test_what_a_preset_needs_is_named(case: dict[str, Any]) -> None:
    name = case["entry"]["preset"]
    for parameter, about in preset(name).parameters.items():
        if about.optional or about.default is not None:
            continue
        given = {**case["entry"], "server": "https://api.example"}
        del given[parameter]
        with pytest.raises(ValueError, match=f"the preset {name} needs `{parameter}`: {about.about[:10]}"):
            JsonApiConfig.model_validate(given)


def test_every_preset_is_tested() -> None:
    assert presets() == tuple(sorted(file.stem for file in FOLDER.glob("*.yaml")))
