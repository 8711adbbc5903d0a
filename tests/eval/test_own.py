"""Our own labelled articles: right in form, and what they must hold."""

from collections import Counter

import pytest

from tests.eval.material import OWN, Case, own

CASES = [*own(kept_back=False), *own(kept_back=True)]
BY_LANGUAGE = Counter(case.expect.language for case in CASES)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_labels_speak_of_the_text(case: Case) -> None:
    text = f"{case.article.title}\n{case.article.body}"
    for claim in case.expect.claims:
        assert claim.speaker in text
        assert claim.about in text
    assert case.expect.language in {path.stem for path in OWN.glob("*.jsonl")}


def test_ids_are_unique() -> None:
    assert len({case.id for case in CASES}) == len(CASES)


@pytest.mark.parametrize("language", sorted(BY_LANGUAGE))
def test_half_of_each_language_is_silent(language: str) -> None:
    silent = sum(not case.expect.rules for case in CASES if case.expect.language == language)
    assert BY_LANGUAGE[language] >= 6
    assert 0.4 <= silent / BY_LANGUAGE[language] <= 0.6
