"""Speed, latency and memory, each figure beside its target.

python -m tests.bench                 about two minutes
python -m tests.bench --quick         about twenty seconds, rougher
python -m tests.bench --only reading  one part: starting, reading, end to end, latency, rules, servers, scaling,
                                      restore, feeds, sources
python -m tests.bench --only profile  where an article's time goes, step by step
python -m tests.bench --data DIR      real pages too, out of a folder of development sets

The text is ordinary: a seed article and, behind it, the background of a news article (`background.yaml`), as dense
with names as pages of world news. Dense text, made of nothing but seeds, was all that was measured once and is now a
stress: it has almost twice the names and costs about 1.3 times as much (docs/decisions.md has the figures).
"""

import argparse
import multiprocessing
import os
import platform
import sys
import sysconfig
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import NamedTuple

from rich.console import Console
from rich.table import Table

from tests.bench.parts import PARTS, PROFILE, Figures, reading
from tests.bench.texts import AVERAGE
from tests.stack.java import StackError


class Line(NamedTuple):
    """A figure, how it is written, and what it is to reach."""

    part: str
    figure: str
    name: str
    unit: str
    target: str = ""
    reached: Callable[[float], bool] | None = None


PROCESSES = (
    "connector",
    "kafka",
    "enrich",
    "relate",
    "correlate",
    "inbox",
    "sink",
    "supervisor",
    "app",
    "elasticsearch",
)
"""Whose time is counted while articles go through the servers."""

LINES = (
    Line("starting", "first alert", "start to first alert, nothing loaded", "s", "under 5", lambda wait: wait < 5),
    Line("reading", "enrich", "enrich", "articles/s of one core", "at least 500", lambda rate: rate >= 500),
    Line("reading", "baseline", "baseline beside it", "articles/s of one core"),
    Line("reading", "ratio", "enrich over baseline", "times", "at least 1", lambda ratio: ratio >= 1),
    Line("reading", "enrich dense", "enrich, dense text", "articles/s of one core"),
    Line("reading", "baseline dense", "baseline, dense text", "articles/s of one core"),
    Line("reading", "enrich pages", "enrich, real pages", "articles/s of one core"),
    Line("reading", "baseline pages", "baseline, real pages", "articles/s of one core"),
    Line(
        "end to end",
        "rate",
        "end to end, with search, of a backlog",
        "articles/s",
        "at least 250",
        lambda rate: rate >= 250,
    ),
    Line("end to end", "core", "the same by processor time", "articles/s of one core"),
    Line("latency", "p50", "fetched to alert at 50 articles/s, p50", "ms"),
    Line("latency", "p99", "fetched to alert at 50 articles/s, p99", "ms", "under 300", lambda wait: wait < 300),
    Line("rules", "cost 10", "cost of an article with 10 rules", "ms of one core"),
    Line("rules", "cost 1000", "cost of an article with 1,000 rules", "ms of one core"),
    Line("rules", "cost 10000", "cost of an article with 10,000 rules", "ms of one core"),
    Line("rules", "ratio", "10,000 rules over 10", "times", "at most 1.5", lambda ratio: ratio <= 1.5),
    Line("rules", "load 10000", "reading and checking 10,000 rules", "s"),
    Line("servers", "ours", "through Kafka, with search", "articles/s", "at least 200", lambda rate: rate >= 200),
    Line("servers", "plain", "plain Faust app beside it", "articles/s"),
    Line("servers", "ratio", "over the plain app", "times", "at least 3", lambda ratio: ratio >= 3),
    Line("servers", "p50", "fetched to subscriber at 50 articles/s, p50", "ms"),
    Line("servers", "p99", "fetched to subscriber at 50 articles/s, p99", "ms", "under 1000", lambda wait: wait < 1000),
    *(Line("servers", f"by {name}", f"an article costs {name}", "ms of one core") for name in PROCESSES),
    *(Line("servers", f"plain by {name}", f"plainly it costs {name}", "ms of one core") for name in PROCESSES),
    Line("scaling", "one", "enrich by one worker", "articles/s"),
    Line("scaling", "two", "enrich by two workers", "articles/s"),
    Line("scaling", "ratio", "two workers over one", "times"),
    Line("scaling", "enrich takeover", "enrich taken over from a dead worker", "s", "under 15", lambda wait: wait < 15),
    Line("scaling", "relate takeover", "relate taken over from a dead worker", "s", "under 60", lambda wait: wait < 60),
    Line(
        "restore",
        "restored",
        "a million articles of relate's log, restored",
        "s of one core",
        "under 60",
        lambda s: s < 60,
    ),
    Line("restore", "folded", "the same, folded one by one", "s of one core"),
    Line("restore", "memory", "memory for 300,000 of them (quick: 100,000)", "MB"),
    Line("feeds", "ours", "feeds of twenty entries", "feeds/s of one core"),
    Line("feeds", "feedparser", "feedparser alone beside it", "feeds/s of one core"),
    Line("feeds", "ratio", "over feedparser", "times", "at least 1", lambda ratio: ratio >= 1),
    Line("sources", "load", "10,000 sources (quick: 1,000) read and checked", "s", "under 5", lambda s: s < 5),
    Line("sources", "first", "their start to the first item in the log", "s", "under 5", lambda s: s < 5),
    Line("sources", "polled", "polled within 90 s (quick: 15 s)", "sources"),
    Line("sources", "polls", "polled by one process", "sources/s"),
    Line("sources", "items", "from poll to log", "items/s"),
    Line("sources", "cost", "a poll of five items costs the process", "ms of one core"),
    Line("sources", "memory", "peak memory of the process", "MB", "under 500", lambda size: size < 500),
    Line("end to end", "memory", "peak memory, end to end, helpers too", "MB", "under 600", lambda size: size < 600),
    Line("latency", "memory", "peak memory, live", "MB", "under 600", lambda size: size < 600),
)


def main() -> int:
    """Prints the figures. Returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="tests.bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="shorter and rougher")
    parser.add_argument("--only", choices=list(PARTS), action="append", help="only this part; may be given again")
    parser.add_argument("--data", type=Path, help="a folder of development sets; without it no real pages are read")
    options = parser.parse_args()
    folder: Path | None = options.data if options.data and (options.data / "pages.jsonl.gz").is_file() else None
    console = Console(width=None if sys.stdout.isatty() else 110, highlight=False)
    console.print(f"Python {platform.python_version()}, {os.cpu_count()} cores, {platform.machine()}")
    if "--enable-optimizations" not in (sysconfig.get_config_var("CONFIG_ARGS") or "--enable-optimizations"):
        console.print("this Python was built without --enable-optimizations: one with them is about 1.4 times as fast")

    figures = {}
    for part in options.only or [part for part in PARTS if part != PROFILE]:
        with console.status(f"measuring {part}"):
            measure = partial(reading, folder=folder) if part == "reading" else PARTS[part]
            try:
                figures[part] = _apart(measure, options.quick)
            except StackError as error:
                console.print(f"{part} left out: {error}")
    console.print(_table(figures))
    if "reading" in figures:
        read = figures["reading"]
        console.print(
            f"articles of {read['characters']:,.0f} characters on average, all rates as of {AVERAGE:,}; "
            f"{read['rounds']:.0f} rounds in turn"
        )
        if not folder:
            missing = f"no pages.jsonl.gz in {options.data}" if options.data else "no --data given"
            console.print(f"real pages left out: {missing}")
    if PROFILE in figures:
        console.print(f"an article costs {sum(figures[PROFILE].values()):.2f} ms of one core in one process")
    if "latency" in figures:
        console.print(f"latency over {figures['latency']['alerting']:.0f} articles that alerted")
    return 0


def _apart(measure: Callable[[bool], Figures], quick: bool) -> Figures:
    """A measurement in a new process, so that none inherits another's memory and caches."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(measure, quick).result()


def _table(figures: dict[str, Figures]) -> Table:
    table = Table()
    table.add_column("figure")
    table.add_column("here", justify="right")
    table.add_column("unit")
    table.add_column("target")
    table.add_column("")
    steps = [Line(PROFILE, step, step, "ms of one core") for step in figures.get(PROFILE, ())]
    for line in (*LINES, *steps):
        if line.figure in figures.get(line.part, {}):
            value = figures[line.part][line.figure]
            verdict = "" if line.reached is None else "PASS" if line.reached(value) else "short of it"
            shown = f"{value:,.0f}" if value >= 100 else f"{value:.2f}"
            table.add_row(line.name, shown, line.unit, line.target, verdict)
    return table


if __name__ == "__main__":
    sys.exit(main())
