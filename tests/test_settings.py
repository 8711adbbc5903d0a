"""Settings: what is read, what wins, and how mistakes are named."""

from datetime import date
from pathlib import Path

import pytest

from pipeline.commands.common import apply_lexicons
from pipeline.enrich import munitions
from pipeline.settings import SettingsError, load


def read(tmp_path: Path, text: str, **environ: str) -> str:
    """The message of the error that the settings give."""
    file = tmp_path / "wirewatch.yaml"
    file.write_text(text)
    with pytest.raises(SettingsError) as raised:
        load(file, environ)
    return str(raised.value).replace(str(tmp_path) + "/", "")


def test_without_a_file_there_are_defaults(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    found = load(environ={})
    assert (found.data, found.console.host, found.console.port) == (Path(".wirewatch"), "127.0.0.1", 8585)
    assert (found.retention_days, found.starter_rules, found.sources) == (35, True, ())


def test_the_file_in_the_current_folder_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "wirewatch.yaml").write_text("retention_days: 7\n")
    assert load(environ={}).retention_days == 7


def test_a_variable_may_name_the_file(tmp_path: Path) -> None:
    (tmp_path / "other.yaml").write_text("retention_days: 7\n")
    assert load(environ={"WIREWATCH_CONFIG": str(tmp_path / "other.yaml")}).retention_days == 7


def test_paths_are_relative_to_the_file(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "wirewatch.yaml").write_text("data: here\nrules: [mine]\nwars: [mine]\nenrichers: [bridges]\n")
    found = load(tmp_path / "wirewatch.yaml", {})
    assert (found.data, found.rules, found.wars) == (tmp_path / "here", (tmp_path / "mine",), (tmp_path / "mine",))
    assert found.enrichers == ("bridges",)


def test_wars_of_ones_own_are_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "wars.yaml").write_text("- {parties: [PRT, NLD], from: 1601-01-01, to: 1661-08-06}\n")
    (tmp_path / "wirewatch.yaml").write_text("wars: [wars.yaml]\n")
    monkeypatch.setattr(munitions, "_added", [])
    try:
        apply_lexicons(load(tmp_path / "wirewatch.yaml", {}))
        assert munitions.enemies("PRT", date(1640, 1, 1)) == {"NLD"}
    finally:
        monkeypatch.undo()
        munitions.add()  # lets go of what was read


def test_variables_win(tmp_path: Path) -> None:
    (tmp_path / "wirewatch.yaml").write_text("console: {host: 0.0.0.0, port: 1}\nstarter_rules: true\n")
    found = load(
        tmp_path / "wirewatch.yaml",
        {
            "WIREWATCH_CONSOLE_PORT": "9000",
            "WIREWATCH_STARTER_RULES": "false",
            "WIREWATCH_RULES": f"{tmp_path}:{tmp_path}",
            "WIREWATCH_DATA": "/data",
            "HOME": "/",
        },
    )
    assert (found.console.host, found.console.port) == ("0.0.0.0", 9000)
    assert (found.starter_rules, found.rules, found.data) == (False, (tmp_path, tmp_path), Path("/data"))


def test_sources_are_ready_to_be_polled(tmp_path: Path) -> None:
    (tmp_path / "wirewatch.yaml").write_text(
        "sources:\n  - {kind: feed, id: quay, url: 'https://quay.example/rss', country: PRT}\n"
        "  - {kind: folder, path: inbox}\n"
    )
    feed, folder = load(tmp_path / "wirewatch.yaml", {}).sources
    assert (feed.id, feed.source.country, feed.kind.name) == ("quay", "PRT", "feed")
    assert folder.id.startswith("folder-")


FEED = "sources:\n  - kind: feed\n    url: https://quay.example/\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("console:\n  port: x\n", "wirewatch.yaml:2: console.port: Expected `int`, got `str`"),
        ("console:\n  port: 70000\n", "wirewatch.yaml:2: console.port: Expected `int` <= 65535"),
        ("data: d\nprot: 1\n", "wirewatch.yaml:2: prot: Object contains unknown field `prot`"),
        ("\nretention_days: 0\n", "wirewatch.yaml:2: retention_days: Expected `int` >= 1"),
        ("rules:\n  - gone\n", "wirewatch.yaml:2: rules[0]: gone does not exist"),
        ("site_rules: [gone.yaml]\n", "wirewatch.yaml:1: site_rules[0]: gone.yaml does not exist"),
        ("outlets: gone.yaml\n", "wirewatch.yaml:1: outlets: gone.yaml does not exist"),
        (FEED + "    ever: 3\n", "wirewatch.yaml:4: sources[0].ever: there is no such key"),
        (FEED + "    every: 0\n", "wirewatch.yaml:4: sources[0].every: Expected `float` > 0.0"),
        (FEED + "  - kind: fax\n", "wirewatch.yaml:4: sources[1].kind: no kind of source is called `fax`"),
        (FEED + "  - kind: feed\n", "wirewatch.yaml:4: sources[1].url: is missing"),
        (
            FEED + "    id: a\n  - kind: folder\n    path: x\n    id: a\n",
            "wirewatch.yaml:7: sources[1].id: `a` is the id of an earlier source too",
        ),
        ("- a\n", "wirewatch.yaml:1: expected keys such as `sources:`"),
        ("data: [\n", "wirewatch.yaml:2: not YAML: "),
        ("data: 'a\n", "wirewatch.yaml:2: not YAML: "),
        ("a: &a [*a]\n", "wirewatch.yaml:1: a: Object contains unknown field `a`"),
        ("!!python/object:os.system {}\n", "wirewatch.yaml:1: not YAML: "),
    ],
)
def test_mistakes_are_named_by_line_and_key(tmp_path: Path, text: str, message: str) -> None:
    assert read(tmp_path, text).startswith(message)


@pytest.mark.parametrize(
    ("variable", "value", "message"),
    [
        ("WIREWATCH_RETENTION_DAYS", "week", "WIREWATCH_RETENTION_DAYS: Expected `int`"),
        ("WIREWATCH_CONSOLE_PORT", "-1", "WIREWATCH_CONSOLE_PORT: Expected `int` >= 0"),
        ("WIREWATCH_RULES", "/gone", "WIREWATCH_RULES: /gone does not exist"),
        ("WIREWATCH_RETENTION", "3", "WIREWATCH_RETENTION: no such setting; there are WIREWATCH_DATA"),
    ],
)
def test_mistakes_in_variables_are_named_by_them(tmp_path: Path, variable: str, value: str, message: str) -> None:
    assert read(tmp_path, "retention_days: 3\n", **{variable: value}).startswith(message)


def test_a_file_that_is_not_there() -> None:
    with pytest.raises(SettingsError, match=r"gone\.yaml: there is no such file"):
        load(Path("gone.yaml"), {})


def test_a_file_that_is_no_text(tmp_path: Path) -> None:
    (tmp_path / "wirewatch.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SettingsError, match="cannot be read"):
        load(tmp_path / "wirewatch.yaml", {})
