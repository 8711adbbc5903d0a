"""What the kit is for those who use it: one line, a class of tests, failures that say what to do."""

import inspect
import subprocess
import sys
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from connectors.sdk.testing import POINTS, BrokenPromiseError, World, conformance_suite, sample
from connectors.sdk.testing.malformed import corpus, mutations
from connectors.sdk.testing.suite import keep
from tests.connectors.kit.paper import Forgetful, Paper, PaperWorld


class Skipping(PaperWorld):
    skips = MappingProxyType({"second_poll": "a paper is read once"})


class Misspelt(PaperWorld):
    skips = MappingProxyType({"secondpoll": "a paper is read once"})


class Gentle(PaperWorld):
    troubles = frozenset()


class Elsewhere(PaperWorld):
    def config(self) -> dict[str, Any]:
        return {"address": self.url}


def test_a_class_with_a_test_for_each_promise() -> None:
    suite = conformance_suite("feed", PaperWorld)
    tests = {name: getattr(suite, name).__doc__ for name in dir(suite) if name.startswith("test_")}
    assert tests == {f"test_{name}": check.__doc__ for name, check in POINTS.items()}


def test_a_failure_says_what_was_promised_what_happened_and_what_to_do() -> None:
    suite = conformance_suite(Forgetful().kind, PaperWorld)
    with pytest.raises(pytest.fail.Exception) as failure:
        suite().test_second_poll()
    assert str(failure.value).splitlines() == [
        "paper breaks the promise `second_poll`.",
        "Promised: A second poll yields nothing new, and once there is something new, exactly that.",
        "Found: 3 of 3 known items came a second time",
        "To do: Put into the cursor what tells a known item from a new one, and give the cursor with the batch that it "
        "follows.",
    ]


def test_a_point_is_skipped_with_the_reason_that_the_world_gives() -> None:
    suite = conformance_suite(Forgetful().kind, Skipping)
    with pytest.raises(pytest.skip.Exception, match="a paper is read once"):
        suite().test_second_poll()


@pytest.mark.parametrize(
    ("world", "says"),
    [
        (Misspelt, "the world skips what is no point: secondpoll"),
        (Gentle, "the world cannot make the trouble `429`: teach it to, or name this point in its `skips`"),
        (Elsewhere, "the world's `config()` is not valid for paper"),
        (World, "World does not say its `config`"),
    ],
)
def test_a_world_that_is_wrong_fails_loudly(world: type[World], says: str) -> None:
    with pytest.raises(BrokenPromiseError, match="breaks the promise `retry_after`") as error:
        keep("retry_after", Paper().kind, world)
    assert says in str(error.value)


def test_a_kind_that_is_not_installed_is_named() -> None:
    with pytest.raises(LookupError, match="no kind of source is called `nosuch`"):
        keep("schema", "nosuch", PaperWorld)


def test_samples_differ_in_all_that_can_be_told_apart() -> None:
    samples = [sample(number) for number in range(100)]
    for field in ("title", "body", "url", "published"):
        assert len({getattr(item, field) for item in samples}) == 100


def test_documents_that_are_malformed_are_the_same_every_time() -> None:
    assert len(corpus()) > 50
    assert list(mutations(b"<a>text</a>", 30)) == list(mutations(b"<a>text</a>", 30))


def test_the_kit_is_imported_without_pytest() -> None:
    program = "import sys; import connectors.sdk.testing; sys.exit('pytest' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_the_documentation_lists_every_promise_in_its_words() -> None:
    text = Path(__file__).parents[3].joinpath("docs", "connectors-kit.md").read_text("utf-8")
    for name, check in POINTS.items():
        promise = " ".join((inspect.getdoc(check) or "").partition("\n\n")[0].split())
        assert f"| `{name}` | {promise} |" in text
