"""docs/connectors.md: its code runs, its entries are right."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from connectors.pages import load_site_rules
from connectors.sdk.declare import declare

ROOT = Path(__file__).parents[2]
DOC = (ROOT / "docs" / "connectors.md").read_text("utf-8")
FILES = re.findall(r"^`([\w./]+)`:\n```\w+\n(.*?)^```$", DOC, re.M | re.S)
BLOCKS = re.findall(r"^```yaml\n(.*?)^```$", DOC, re.M | re.S)


def test_the_source_that_it_builds_passes_its_tests(tmp_path: Path) -> None:
    for name, text in FILES:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, "utf-8")
    installed = tmp_path / "harbour" / "wirewatch_harbour-1.0.dist-info"  # as pip would have left it
    installed.mkdir()
    (installed / "METADATA").write_text("Metadata-Version: 2.1\nName: wirewatch-harbour\nVersion: 1.0\n")
    (installed / "entry_points.txt").write_text("[wirewatch.sources]\nharbour = harbour\n")
    path = os.pathsep.join([str(tmp_path / "harbour"), str(ROOT), os.environ.get("PYTHONPATH", "")])
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_harbour.py"],
        cwd=tmp_path / "harbour",
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout[-3000:]
    assert " passed" in ran.stdout


def test_its_site_rule_is_right(tmp_path: Path) -> None:
    (tmp_path / "rules.yaml").write_text(next(block for block in BLOCKS if block.startswith("- sites")), "utf-8")
    assert load_site_rules([tmp_path]).of("https://www.quay.example/a")


@pytest.mark.parametrize("block", [block for block in BLOCKS if block.startswith("sources:")])
def test_its_entries_are_right(block: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GUARDIAN_KEY", "key")
    for entry in yaml.safe_load(block)["sources"]:
        declare(entry)
