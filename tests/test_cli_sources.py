"""`wirewatch sources`: a site becomes a source, subscriptions come and go, kinds are shown, a new one begins."""

import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest

from connectors.discover import Found
from connectors.sdk.source import GROUP, kinds
from pipeline.commands import sources
from pipeline.commands.common import fail
from pipeline.model.health import SourceHealth
from pipeline.settings import Settings
from tests.connectors.server import Server, body, serving
from tests.test_cli import Run
from tests.test_cli import run as run

LONG = "The ferry between the islands sails again, and those who waited on the quay were let on board first. " * 6
ALLOWED = "# mine\nallow: [127.0.0.1]\n"


def page(text: str, head: str = "") -> bytes:
    return f"<html lang='en'><head><title>The Quay | Home</title>{head}</head><body>{text}</body></html>".encode()


def rss(server: Server, *names: str) -> bytes:
    items = "".join(f"<item><title>{name}</title><link>{server.base}/{name}</link></item>" for name in names)
    return f'<rss version="2.0"><channel>{items}</channel></rss>'.encode()


@pytest.fixture
def quay(tmp_path: Path) -> Iterator[Server]:
    """A site with a feed, and a configuration that may read it."""
    (tmp_path / "wirewatch.yaml").write_text(ALLOWED)
    with serving() as server:
        links = "".join(
            f'<link rel="alternate" type="application/rss+xml" href="/{name}.xml" title="{name}">'
            for name in ("comments", "news")
        )
        server.answers["/"] = body(page("", links), "text/html")
        server.answers["/news.xml"] = body(rss(server, *(f"ferry-{number}" for number in range(8))))
        server.answers["/comments.xml"] = body(rss(server, "Indeed"))
        for number in range(8):
            text = f"<article><h1>Ferry {number}</h1><p>{LONG}</p><p>More of it, told at length.</p></article>"
            server.answers[f"/ferry-{number}"] = body(page(text), "text/html")
        yield server


def test_a_front_page_becomes_a_source(run: Run, tmp_path: Path, quay: Server) -> None:
    ended = run("sources", "add", quay.base, "--id", "quay", "--yes")
    assert ended.code == 0, ended.err
    assert f"* 1  feed  {quay.base}/news.xml  (news, 8 items; the page names it as its feed)" in ended.err
    assert f"  2  feed  {quay.base}/comments.xml  (comments, 1 items, comments; " in ended.err
    assert ended.out.count("- ferry-") == 5
    assert "on board first" in ended.out
    assert len([path for path, _ in quay.asked if path.startswith("/ferry-")]) == 5, "no more pages than are shown"
    entry = f"sources:\n  - kind: feed\n    id: quay\n    name: The Quay\n    url: {quay.base}/news.xml\n"
    assert (tmp_path / "wirewatch.yaml").read_text() == ALLOWED + entry


def test_another_candidate_is_picked(run: Run, quay: Server) -> None:
    assert "- Indeed" in run("sources", "try", quay.base, "--pick", "2").out
    assert "only 2 found" in run("sources", "try", quay.base, "--pick", "3").err


def test_an_article_list_becomes_a_source(run: Run, tmp_path: Path, quay: Server) -> None:
    titles = {f"/ferry-{number}?id={number}1234": f"Ferry number {number} sails to the islands" for number in range(8)}
    links = "".join(f'<h2><a href="{path}">{title}</a></h2>' for path, title in titles.items()) + '<a href="/">Home</a>'
    quay.answers["/"] = body(page(links), "text/html")
    ended = run("sources", "add", quay.base, "--yes")
    assert ended.code == 0, ended.err
    assert "links: h2 > a" in (tmp_path / "wirewatch.yaml").read_text()


@pytest.mark.parametrize("target", ["quay.example", "www.quay.example/news?a=1", "новини.укр"])
def test_an_address_may_lack_its_scheme(run: Run, monkeypatch: pytest.MonkeyPatch, target: str) -> None:
    asked = []

    def search(url: str, given: Settings) -> Found:  # noqa: ARG001
        asked.append(url)
        fail("enough")

    monkeypatch.setattr(sources, "_search", search)
    assert run("sources", "try", target).code == 2
    assert asked == [f"https://{target}"]


def test_nothing_found_says_what_to_do(run: Run, quay: Server) -> None:
    quay.answers["/"] = body(page("<p>Soon</p>"), "text/html")
    ended = run("sources", "add", quay.base, "--yes")
    assert (ended.code, "give the address of the page that lists the articles" in ended.err) == (1, True)


def test_subscriptions_come_and_go(run: Run, tmp_path: Path) -> None:
    (tmp_path / "wirewatch.yaml").write_text("sources:\n  - {kind: feed, id: quay, url: 'https://quay.example/rss'}\n")
    outlines = (
        '<outline text="Ports"><outline text="Quay" xmlUrl="https://quay.example/rss/"/>'
        '<outline text="Кай" xmlUrl="https://kaj.example/rss"/></outline>'
        '<outline text="Кай" xmlUrl="https://kaj.example/second"/><outline xmlUrl="https://www.port.example/"/>'
    )
    (tmp_path / "in.opml").write_text(f"<opml version='2.0'><body>{outlines}</body></opml>")
    ended = run("sources", "import", "in.opml")
    assert ended.out == "wirewatch.yaml: added 3 feeds, 1 were there already; `wirewatch run` polls them\n"
    rows = [line.split("\t")[:3] for line in run("sources").out.splitlines()]
    assert rows == [
        ["quay", "feed", "quay"],
        ["кай", "feed", "Кай"],
        ["кай-2", "feed", "Кай"],
        ["port-example", "feed", "port-example"],
    ]
    assert "added 0 feeds, 4 were there already" in run("sources", "import", "in.opml").out
    assert run("sources", "export", "out.opml").out == "out.opml: 4 feeds\n"
    assert run("sources", "export").out == (tmp_path / "out.opml").read_text()
    (tmp_path / "wirewatch.yaml").unlink()
    assert "added 4 feeds" in run("sources", "import", "out.opml").out


def test_what_is_no_opml_is_refused(run: Run, tmp_path: Path) -> None:
    (tmp_path / "in.opml").write_text("<html/>")
    ended = run("sources", "import", "in.opml")
    assert (ended.code, ended.err) == (2, "wirewatch: in.opml: it is no OPML: it begins with <html>\n")


def test_the_list_as_json(run: Run, tmp_path: Path) -> None:
    (tmp_path / "wirewatch.yaml").write_text("sources:\n  - {kind: folder, id: box, path: .}\n")
    (row,) = run("sources", "--json").out.splitlines()
    assert json.loads(row) == {"id": "box", "kind": "folder", "name": "box", "state": None}


def test_the_list_tells_how_sources_do(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "wirewatch.yaml").write_text("sources:\n  - {kind: folder, id: box, path: .}\n")
    now = datetime.now(UTC)
    quay = SourceHealth(
        id="quay",
        kind="feed",
        name="The Quay",
        state="backing-off",
        items=31,
        last_success=now - timedelta(hours=3, seconds=5),
        last_item=now - timedelta(days=4, seconds=5),
        lag=95.0,
        per_day=0.25,
        usual_per_day=12.0,
        next_poll=now + timedelta(minutes=10, seconds=5),
        failure="rate-limited",
        error="it asks for fewer requests",
    )
    monkeypatch.setattr(sources, "_health", lambda given: [quay])  # noqa: ARG005
    box, row = (line.split("\t") for line in run("sources").out.splitlines())
    assert box[:5] == ["box", "folder", "box", "not polled yet", "0"]
    assert row[:5] == ["quay", "feed", "The Quay", "backing-off", "31"]
    assert row[7:10] == ["95", "0.25", "12"]
    assert row[11] == "rate-limited: it asks for fewer requests"
    assert len(box) == len(row) == 12
    monkeypatch.setattr(sources, "on_terminal", lambda: True)
    monkeypatch.setenv("COLUMNS", "160")
    shown = " ".join(run("sources").out.split())
    assert "quay (The Quay) feed backing-off 3 h ago 4 d ago 95 s 0.25 (12) in 10 min" in shown
    assert "box folder not polled yet" in shown
    assert shown.endswith("quay: rate-limited: it asks for fewer requests")


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(-3, "0 s"), (7, "7 s"), (119, "119 s"), (120, "2 min"), (7_200, "2 h"), (172_799, "48 h"), (172_800, "2 d")],
)
def test_lengths_of_time(seconds: float, shown: str) -> None:
    assert sources._span(seconds) == shown


def test_kinds(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = EntryPoint("broken", "nobody.has.this", GROUP)
    monkeypatch.setattr("connectors.sdk.kinds", lambda: kinds() | {"broken": broken})
    shown = run("sources", "kinds").out
    assert "sitemap  (wirewatch 0.1.0, connectors.sitemap)" in shown
    assert "    days   number, 2.0       Age in days up to which entries are taken at the first poll." in shown
    assert "    url    string, required" in shown
    assert "broken  (no package, nobody.has.this)\n  cannot be used: LookupError" in shown
    assert "    reliability  NATO Admiralty code" in shown
    only = run("sources", "kinds", "page-list").out
    assert "    links        string, required" in only
    assert (
        "  for example\n    - kind: page-list\n      url: https://news.example/latest\n      links: article h2 a\n"
        in only
    )
    assert "sitemap" not in only
    described = json.loads(run("sources", "kinds", "page-list", "--json").out)
    assert described["config"]["required"] == ["url", "links"]
    assert "there are: " in run("sources", "kinds", "nobody").err


@pytest.mark.parametrize("name", ["My", "a_b", "-a", "feed", "1a", "a--b"])
def test_a_name_that_cannot_be_a_kinds(run: Run, name: str) -> None:
    assert run("sources", "new", "--", name).code == 2


def test_a_new_kind_passes_its_own_test(run: Run, tmp_path: Path) -> None:
    ended = run("sources", "new", "my-archive")
    assert ended.code == 0, ended.err
    package = tmp_path / "wirewatch-my-archive"
    names = {"pyproject.toml", "README.md", "wirewatch_my_archive.py", "test_wirewatch_my_archive.py"}
    assert {path.name for path in package.iterdir()} == names
    info = package / "wirewatch_my_archive-0.1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: wirewatch-my-archive\nVersion: 0.1.0\n")
    (info / "entry_points.txt").write_text("[wirewatch.sources]\nmy-archive = wirewatch_my_archive\n")
    command: list[Any] = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", package]
    tested = subprocess.run(command, cwd=package, capture_output=True, text=True, timeout=300)
    assert tested.returncode == 0, tested.stdout
    assert run("sources", "new", "my-archive").code == 2, "nothing is overwritten"
