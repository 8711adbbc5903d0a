"""A source that breaks one promise fails that point, and no other."""

from pathlib import Path

import pytest

from connectors.sdk.testing import POINTS, broken_promises
from tests.connectors.kit.paper import BREACHES, Breach, Paper


def test_a_source_that_keeps_every_promise() -> None:
    assert broken_promises(Paper().kind, Paper.world) == {}


@pytest.mark.parametrize("breach", BREACHES, ids=lambda breach: type(breach.paper).__name__)
def test_a_source_that_breaks_one(breach: Breach, tmp_path: Path) -> None:
    docs = None
    if breach.paper.docs is not None:
        docs = tmp_path / "README.md"
        docs.write_text(breach.paper.docs)
    broken = broken_promises(breach.paper.kind, breach.paper.world, docs=docs)
    assert broken.keys() == {breach.point}
    assert breach.says in broken[breach.point]


def test_every_promise_is_broken_by_some_source() -> None:
    assert {breach.point for breach in BREACHES} == POINTS.keys()
