"""The command line, as somebody at a terminal or in a pipe meets it."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from pipeline import cli
from pipeline.model.alert import Alert
from pipeline.model.codec import decode
from pipeline.model.enriched import EnrichedArticle
from tests.connectors.server import Server, body, serving

COMMAND = [sys.executable, "-c", "from pipeline.cli import main; main()"]
COMMANDS: tuple[tuple[str, ...], ...] = (
    ("demo",),
    ("run",),
    ("enrich",),
    ("replay",),
    ("search",),
    ("alerts",),
    ("subscribe",),
    ("explain",),
    ("rules", "check"),
    ("sources", "list"),
    ("sources", "try"),
    ("sources", "add"),
    ("sources", "import"),
    ("sources", "export"),
    ("sources", "kinds"),
    ("sources", "new"),
    ("dead-letters", "list"),
    ("dead-letters", "replay"),
    ("forget",),
    ("backup",),
    ("connect",),
    ("console",),
    ("reindex",),
)


class Ended(NamedTuple):
    """What a command left behind."""

    code: int
    out: str
    err: str


Run = Callable[..., Ended]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]) -> Run:
    """Runs a command in an empty folder."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("WIREWATCH_")]:
        monkeypatch.delenv(name)

    def command(*arguments: str) -> Ended:
        monkeypatch.setattr(sys, "argv", ["wirewatch", *arguments])
        capfdbinary.readouterr()
        try:
            cli.main()
            code = 0
        except SystemExit as ended:
            code = ended.code if isinstance(ended.code, int) else 0
        finally:
            os.environ.pop("WIREWATCH_CONFIG", None)
        out, err = capfdbinary.readouterr()
        return Ended(code, out.decode(), err.decode())

    return command


def shell(folder: Path, *arguments: str, stdin: bytes = b"") -> Ended:
    """Runs a command in a process of its own."""
    ended = subprocess.run(
        [*COMMAND, *arguments], cwd=folder, input=stdin, capture_output=True, timeout=60, check=False
    )
    return Ended(ended.returncode, ended.stdout.decode(), ended.stderr.decode())


def article(id_: str = "a1", **more: Any) -> dict[str, Any]:
    return {
        "id": id_,
        "url": f"https://harbour.example/{id_}",
        "source": {"id": "harbour", "name": "Harbour Herald", "country": "PRT"},
        "title": "Drone fragments hit the embassy of Azerbaijan in Kyiv",
        "body": "Fragments of a Russian drone damaged the embassy of Azerbaijan in Kyiv on Monday night, breaking "
        "windows and a wall, the Azerbaijani Foreign Ministry said. Nobody was hurt.",
        "published": "2030-05-01T08:00:00Z",
        **more,
    }


def lines(*articles: dict[str, Any]) -> bytes:
    return b"".join(json.dumps(each, ensure_ascii=False).encode() + b"\n" for each in articles)


# Help and usage

HEAVY = {
    *("aiokafka", "elasticsearch", "faust", "feedparser", "httpx", "kafka", "lark", "pydantic", "starlette"),
    *("trafilatura", "uvicorn", "pipeline.enrich.reading"),
}
"""What commands need and help does not."""


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_help_teaches_with_an_example(run: Run, command: Sequence[str]) -> None:
    ended = run(*command, "--help")
    assert ended.code == 0
    assert "Examples:" in ended.out
    assert f"wirewatch {command[0]}" in ended.out


def test_help_names_every_command(tmp_path: Path) -> None:
    ended = shell(tmp_path, "--help")
    assert ended.code == 0
    assert all(command[0] in ended.out for command in COMMANDS)


def test_help_imports_nothing_heavy(tmp_path: Path) -> None:
    code = "import atexit, sys; atexit.register(lambda: print(*sys.modules)); from pipeline.cli import main; main()"
    ended = subprocess.run(
        [sys.executable, "-c", code, "--help"], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    loaded = set(ended.stdout.splitlines()[-1].split())
    assert "pipeline.cli" in loaded
    assert not loaded & HEAVY


def test_version(run: Run) -> None:
    assert run("--version").out.startswith("wirewatch 0.")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nonsense"], "No such command"),
        (["search"], "Missing argument"),
        (["--config", "gone.yaml", "rules", "check"], "gone.yaml: there is no such file"),
        (["enrich", "gone.jsonl"], "gone.jsonl: cannot be read: No such file or directory"),
        (["replay", "gone.jsonl"], "gone.jsonl: cannot be read"),
        (["rules", "check", "gone.yaml"], "gone.yaml does not exist"),
        (["sources", "try", "nobody"], "`nobody` is no source's id"),
        (["run"], "wirewatch sources add"),
        (["dead-letters", "replay"], "name the ids to replay, or --all"),
        (["connect"], "kafka.bootstrap is not set"),
        (["reindex", "--from-topic"], "kafka.bootstrap is not set"),
        (["subscribe", "--group", "night"], "--group needs Kafka"),
    ],
)
def test_wrong_usage(run: Run, arguments: list[str], said: str) -> None:
    ended = run(*arguments)
    assert ended.code in (1, 2)
    assert said in " ".join(ended.err.split())
    assert "Traceback" not in ended.err


@pytest.mark.parametrize("arguments", [["search", "embassy"], ["alerts"], ["subscribe"], ["forget", "x", "--yes"]])
def test_without_data_they_say_how_to_get_some(run: Run, arguments: list[str]) -> None:
    ended = run(*arguments)
    assert ended.code == 1
    assert (
        ended.err == "wirewatch: there is no data in .wirewatch yet: start with `wirewatch demo` or `wirewatch run`\n"
    )


# enrich


def test_enrich_keeps_order_and_ids(tmp_path: Path) -> None:
    given = lines(article("b"), article("a", title="Harbour opens", body="The harbour opens on Sunday."), article("c"))
    ended = shell(tmp_path, "enrich", stdin=given)
    assert ended.code == 0, ended.err
    found = [decode(line, EnrichedArticle) for line in ended.out.splitlines()]
    assert [each.id for each in found] == ["b", "a", "c"]
    assert [each.rules for each in found][1] == ()
    assert "diplomatic-premises-hit" in found[0].rules
    assert ended.err == ""


def test_enrich_reads_files_one_after_the_other(run: Run, tmp_path: Path) -> None:
    (tmp_path / "1.jsonl").write_bytes(lines(article("a")))
    (tmp_path / "2.jsonl").write_bytes(b"\xef\xbb\xbf" + lines(article("b")))
    ended = run("enrich", "1.jsonl", "2.jsonl")
    assert [json.loads(line)["id"] for line in ended.out.splitlines()] == ["a", "b"]


BAD_LINES = {
    "broken": (b"{", "truncated"),
    "not an object": (b"[1]", "Expected `object`, got `array`"),
    "wrong type": (lines(article(title=7)), "$.title"),
    "no source": (b'{"id": "x", "title": "t"}', "`source`"),
    "neither url nor id": (b'{"source": {"id": "s"}, "title": "t"}', "`url`, or `id`"),
    "empty": (lines(article(title="", body=" ")), "`title` or `body`"),
    "no such date": (lines(article(published="2030-02-31T00:00:00Z")), "$.published"),
    "a date without offset": (lines(article(published="2030-02-01T00:00:00")), "offset"),
    "not UTF-8": (b'{"source": {"id": "s"}, "id": "x", "title": "\xff"}', "not UTF-8 in `title`: byte 0xff"),
    "half a character": (b'{"source": {"id": "s"}, "id": "x", "title": "a\\ud800b"}', "title"),
    "not a number": (b'{"source": {"id": "s"}, "id": "x", "title": NaN}', "malformed"),
    "deep": (b'{"source": {"id": "s"}, "id": "x", "title": "t", "deep": ' + b"[" * 99_999 + b"]" * 99_999 + b"}", ""),
    "binary": (bytes(range(11, 256)), "not UTF-8"),
}


@pytest.mark.parametrize(("bad", "said"), BAD_LINES.values(), ids=BAD_LINES.keys())
def test_a_bad_line_is_named_and_its_neighbours_go_on(run: Run, tmp_path: Path, bad: bytes, said: str) -> None:
    (tmp_path / "in.jsonl").write_bytes(lines(article("a")) + bad.strip() + b"\n" + lines(article("b")))
    ended = run("enrich", "in.jsonl")
    assert [json.loads(line)["id"] for line in ended.out.splitlines()] == ["a", "b"]
    assert ended.code == 1
    assert ended.err.startswith("wirewatch: in.jsonl:2: ")
    assert said in ended.err
    assert ended.err.count("\n") == 1


@pytest.mark.parametrize(
    "odd",
    [
        {"body": "word " * 2_000_000},
        {"body": "x" * 1_000_000},
        {"published": "1900-01-01T00:00:00Z"},
        {"published": "2100-01-01T00:00:00Z"},
        {"title": "a\x00\x1b[31m\u202eb", "body": "\x7f" * 50},
        {"title": "", "body": "\N{COMBINING ACUTE ACCENT}" * 10_000},
        {"unknown": {"key": [1, None, True]}},
    ],
    ids=["10 MB body", "one long word", "1900", "2100", "control characters", "only accents", "unknown keys"],
)
def test_odd_articles_are_read(run: Run, tmp_path: Path, odd: dict[str, Any]) -> None:
    (tmp_path / "in.jsonl").write_bytes(lines(article("odd", **odd), article("b")))
    ended = run("enrich", "in.jsonl")
    assert ended.code == 0, ended.err
    assert [json.loads(line)["id"] for line in ended.out.splitlines()] == ["odd", "b"]


def test_own_rules_apply_beside_the_starter_pack(run: Run, tmp_path: Path) -> None:
    (tmp_path / "own.yaml").write_text(
        "id: broken-windows\ntitle: Windows\ndesk: security\nseverity: low\nwhen: 'body: windows'\n"
    )
    (tmp_path / "in.jsonl").write_bytes(lines(article()))
    found = json.loads(run("enrich", "in.jsonl", "--rules", "own.yaml").out)
    assert {"broken-windows", "diplomatic-premises-hit"} <= set(found["rules"])


def test_whoever_leaves_the_pipe_is_not_told_off(tmp_path: Path) -> None:
    (tmp_path / "in.jsonl").write_bytes(lines(*(article(str(number)) for number in range(200))))
    call = [*COMMAND, "enrich", "in.jsonl"]
    process = subprocess.Popen(call, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout
    assert process.stderr
    process.stdout.readline()
    process.stdout.close()
    assert process.stderr.read() == b""
    process.wait(timeout=30)


# replay


def test_replay_names_articles_by_their_lines(run: Run, tmp_path: Path) -> None:
    story = [
        article("one", fetched="2030-05-01T08:10:00Z"),
        article("two", url="https://second.example/x", source={"id": "second"}, fetched="2030-05-01T09:00:00Z"),
        article("three", title="Harbour opens", body="The harbour opens on Sunday.", fetched="2030-05-01T09:30:00Z"),
    ]
    (tmp_path / "in.jsonl").write_bytes(lines(*story))
    ended = run("replay", "in.jsonl", "--articles", "out/articles.jsonl", "--alerts", "out/alerts.jsonl")
    assert ended.code == 0, ended.err
    finished = [decode(line, EnrichedArticle) for line in (tmp_path / "out/articles.jsonl").read_bytes().splitlines()]
    assert [each.id for each in finished] == ["one", "two", "three"]
    assert finished[0].story
    assert finished[1].story
    assert finished[0].story.id == finished[1].story.id
    changes = [decode(line, Alert) for line in (tmp_path / "out/alerts.jsonl").read_bytes().splitlines()]
    raised = next(each for each in changes if each.rule.id == "diplomatic-premises-hit")
    assert raised.change == "raised"
    assert [each.id for each in raised.articles] == ["one"]
    assert raised.times.raised.isoformat() == "2030-05-01T08:10:00+00:00"
    named = {"one", "two", "three"}
    for each in changes:
        assert {reason.article for reason in each.because} <= named
        assert {claim.article for claim in each.claims} <= named
        assert {part.id for part in each.articles} <= named


def test_replay_without_times_goes_by_publication_and_then_by_the_line_before(run: Run, tmp_path: Path) -> None:
    first = article("one")
    second = article("two", url="https://second.example/x")
    del second["published"]
    (tmp_path / "in.jsonl").write_bytes(lines(first, second))
    run("replay", "in.jsonl", "--articles", "articles.jsonl")
    stored = [json.loads(line)["fetched"] for line in (tmp_path / "articles.jsonl").read_bytes().splitlines()]
    assert stored == ["2030-05-01T08:00:00Z"] * 2


def test_replay_prints_changes_where_nothing_is_to_be_written(run: Run, tmp_path: Path) -> None:
    (tmp_path / "in.jsonl").write_bytes(lines(article()) + b"{\n")
    ended = run("replay", "in.jsonl")
    assert ended.code == 1
    assert "diplomatic-premises-hit" in ended.out
    assert ended.err.startswith("wirewatch: in.jsonl:2: ")


# A folder as a source, from declaration to alert


@pytest.fixture
def worked(run: Run, tmp_path: Path) -> Run:
    """A folder with two articles and a broken file, taken in."""
    (tmp_path / "inbox").mkdir()
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    (tmp_path / "inbox" / "1.json").write_bytes(lines(article("a1", published=now)))
    (tmp_path / "inbox" / "2.json").write_bytes(lines(article("a2", title="Harbour opens", body="On Sunday.")))
    (tmp_path / "inbox" / "3.json").write_bytes(b"{broken")
    assert run("sources", "add", "inbox", "--yes").code == 0
    ended = run("run", "--once")
    assert ended.code == 0, ended.err
    assert "2 articles in, 2 tagged, 2 searched" in ended.out
    assert "diplomatic-premises-hit" in ended.out
    return run


def test_run_again_takes_nothing_twice(worked: Run) -> None:
    assert "2 articles in, 2 tagged, 2 searched" in worked("run", "--once").out


def test_search(worked: Run) -> None:
    ended = worked("search", "harbour")
    assert [line.split("\t")[4] for line in ended.out.splitlines()] == ["Harbour opens"]
    found = worked("search", "facilities: { owner: AZE }", "--json").out.splitlines()
    assert [json.loads(line)["url"] for line in found] == ["https://harbour.example/a1"]
    nothing = worked("search", "zeppelin")
    assert (nothing.code, nothing.out) == (0, "")
    wrong = worked("search", "embassy and (")
    assert wrong.code == 2
    assert wrong.err.count("\n") == 1
    assert worked("search", "harbour", "--since", "yesterday").code == 2


def test_alerts(worked: Run) -> None:
    row = next(line for line in worked("alerts").out.splitlines() if "diplomatic-premises-hit" in line)
    id_ = row.split("\t")[1]
    assert decode(worked("alerts", id_, "--json").out.strip(), Alert).id == id_
    assert worked("alerts", id_[:12]).out.startswith("HIGH raised")
    assert worked("alerts", "--desk", "economy").out == ""
    assert worked("alerts", "--desk", "sports").code == 2
    assert worked("alerts", "zzz").code == 1


def test_explain(worked: Run, tmp_path: Path) -> None:
    ended = worked("explain", "diplomatic-premises-hit", "https://harbour.example/a1")
    assert ended.code == 0, ended.err
    assert ended.out.startswith("diplomatic-premises-hit holds for: Drone fragments")
    assert "yes" in ended.out
    (tmp_path / "one.json").write_bytes(lines(article(title="Harbour opens", body="On Sunday.")))
    assert "does not hold" in worked("explain", "diplomatic-premises-hit", "one.json").out
    assert "there are: " in worked("explain", "no-such-rule", "one.json").err
    assert worked("explain", "diplomatic-premises-hit", "https://nobody.example/").code == 1


def test_dead_letters(worked: Run, tmp_path: Path) -> None:
    (row,) = worked("dead-letters").out.splitlines()
    number, _, stage, key, reason = row.split("\t")
    assert (stage, key) == ("connector inbox", "3.json")
    assert reason
    assert worked("dead-letters", "replay").code == 2
    ended = worked("dead-letters", "replay", number)
    assert ended.code == 0, ended.err
    assert json.loads(worked("dead-letters", "list", "--json").out.splitlines()[0])["letter"]["size"] == 7
    assert tmp_path.exists()


def test_sources_list(worked: Run) -> None:
    (row,) = worked("sources").out.splitlines()
    assert row.split("\t")[:5] == ["inbox", "folder", "inbox", "ok", "2"]


def test_forget(worked: Run) -> None:
    assert worked("forget", "https://harbour.example/a1", "--yes").code == 0
    assert worked("search", "embassy").out == ""
    assert "diplomatic-premises-hit" not in worked("alerts").out
    assert worked("forget", "https://harbour.example/a1", "--yes").code == 1


def test_backup(worked: Run, tmp_path: Path) -> None:
    assert worked("backup", "copy.db").code == 0
    assert (tmp_path / "copy.db").stat().st_size > 0
    assert worked("backup", "copy.db").code == 1


def test_subscribe_from_the_start(worked: Run, tmp_path: Path) -> None:
    assert worked("subscribe", "sports").code == 2
    process = subprocess.Popen(
        [*COMMAND, "subscribe", "diplomacy", "--json", "--all"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout
    event = json.loads(process.stdout.readline())
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=10) == 130
    assert (event["specversion"], event["data"]["rule"]["id"]) == ("1.0", "diplomatic-premises-hit")


# rules


def test_rules_check(run: Run, tmp_path: Path) -> None:
    ended = run("rules", "check")
    assert ended.code == 0
    assert "diplomatic-premises-hit" in ended.out
    (tmp_path / "wrong.yaml").write_text(
        "id: wrong\ntitle: Wrong\ndesk: security\nseverity: low\nwhen: 'langage: en'\n"
    )
    wrong = run("rules", "check", "wrong.yaml")
    assert wrong.code == 2
    assert "wrong.yaml:5" in wrong.err
    assert "language" in wrong.err


# sources add and try


RSS = b"""<rss version="2.0"><channel><title>Quay</title><item><title>Ferry sails</title>
<link>https://quay.example/ferry</link><description>The ferry sails again.</description></item></channel></rss>"""


@pytest.fixture
def quay() -> Any:
    with serving() as server:
        server.answers["/rss"] = body(RSS)
        yield server


def test_a_source_is_shown_and_written(run: Run, tmp_path: Path, quay: Server) -> None:
    (tmp_path / "wirewatch.yaml").write_text("# mine\nallow: [127.0.0.1]\n")
    shown = run("sources", "try", f"{quay.base}/rss")
    assert "- Ferry sails" in shown.out
    added = run("sources", "add", f"{quay.base}/rss", "--id", "quay", "--yes")
    assert added.code == 0, added.err
    assert run("sources", "add", f"{quay.base}/rss", "--id", "quay", "--yes").code == 2
    assert run("sources", "add", f"{quay.base}/rss", "--id", "second", "--name", "Кай", "--yes").code == 0
    text = (tmp_path / "wirewatch.yaml").read_text()
    assert text.startswith("# mine\nallow: [127.0.0.1]\nsources:\n  - kind: feed\n    id: quay\n")
    assert [row.split("\t")[0] for row in run("sources").out.splitlines()] == ["quay", "second"]
    assert "- Ferry sails" in run("sources", "try", "quay").out


def test_what_is_not_public_is_refused(run: Run, quay: Server) -> None:
    ended = run("sources", "add", f"{quay.base}/rss", "--yes")
    assert ended.code == 1
    assert "not a public address; add it to `allow`" in ended.err
    assert not Path("wirewatch.yaml").exists()


@pytest.mark.parametrize(
    "text",
    [
        "sources:\n- {kind: folder, id: a, path: .}  # the first\n",
        "sources:\n  - {kind: folder, id: a, path: .}\n\nretention_days: 3\n",
        "retention_days: 3\nsources:\n    - kind: folder\n      id: a\n      path: .\n# the end",
    ],
    ids=["no indentation", "in the middle", "at the end"],
)
def test_added_behind_the_last_source_leaving_the_rest(run: Run, tmp_path: Path, text: str) -> None:
    (tmp_path / "wirewatch.yaml").write_text(text)
    (tmp_path / "box").mkdir()
    ended = run("sources", "add", "box", "--yes")
    assert ended.code == 0, ended.err
    assert [row.split("\t")[0] for row in run("sources").out.splitlines()] == ["a", "box"]
    after = (tmp_path / "wirewatch.yaml").read_text()
    assert all(line in after for line in text.splitlines())
