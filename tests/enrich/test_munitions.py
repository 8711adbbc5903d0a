"""Who is openly at war with whom, and who only stands by."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from pipeline.enrich import munitions

DAY = date(2026, 6, 15)


@pytest.fixture
def _own_wars() -> Iterator[None]:
    yield
    munitions._added.clear()
    munitions.add()


def test_wars_have_dates() -> None:
    assert "PAK" in munitions.enemies("IND", date(2025, 5, 8))
    assert "PAK" not in munitions.enemies("IND", DAY)


@pytest.mark.parametrize(
    ("owner", "host", "states", "stands_by"),
    [
        ("AZE", "UKR", {"AZE", "UKR", "RUS"}, True),
        ("AZE", None, {"AZE", "UKR", "RUS"}, True),
        ("RUS", "UKR", {"UKR", "RUS"}, False),
        ("TUR", "IRQ", {"TUR", "IRQ"}, False),
        ("LTU", "LBN", {"LTU", "LBN"}, False),
        ("UN", "LBN", {"LBN", "ISR", "UN"}, False),
    ],
)
def test_whose_mission_is_hit_in_a_war_of_others(
    owner: str, host: str | None, states: set[str], stands_by: bool
) -> None:
    assert munitions.bystander(owner, host, frozenset(states), DAY) is stands_by


@pytest.mark.usefixtures("_own_wars")
def test_a_user_s_own_war(tmp_path: Path) -> None:
    own = tmp_path / "own.yaml"
    own.write_text("- {parties: [ETH, ERI], from: 2026-01-01}")
    munitions.add(own)
    assert "ERI" in munitions.enemies("ETH", DAY)


@pytest.mark.usefixtures("_own_wars")
def test_a_mistake_in_a_list_of_wars_is_named(tmp_path: Path) -> None:
    own = tmp_path / "own.yaml"
    own.write_text("- {parties: [ETH], from: 2026-01-01}")
    with pytest.raises(ValueError, match=r"own\.yaml: .*parties"):
        munitions.add(own)
