"""Precision and recall of what is read, beside a keyword baseline.

python -m tests.eval                                  the seeds, our own articles, and the half kept back
python -m tests.eval --data DIR                       development sets too
python -m tests.eval --data DIR --errors rules --lang uk,ru --set alerts
python -m tests.eval --data DIR --errors places-ru    a set's own errors
python -m tests.eval --show seed-004                  all that is read in one article
"""

import argparse
import importlib.util
import signal
import sys
from collections.abc import Callable, Iterable
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import NamedTuple

from rich.console import Console
from rich.table import Table

from pipeline.alerting.rules import RuleSet
from pipeline.enrich import enrich
from pipeline.model.article import Article
from pipeline.model.enriched import EnrichedArticle
from tests.eval.baseline import read_by_keywords
from tests.eval.errors import errors, show
from tests.eval.material import Case, alerts, own, seeds
from tests.eval.other import SETS
from tests.eval.scoring import FIGURES, KINDS, MAIN_LANGUAGES, Labels, Tally, add, read_by_pipeline, score, tally

MODULES = ("stories", "replay", "feeds", "pages")
"""Scorers of their own rooms: `report(folder)` gives lines of figures."""


class Scored(NamedTuple):
    """One article's tallies by kind, for the pipeline and for keywords."""

    language: str
    pipeline: dict[str, Tally]
    keywords: dict[str, Tally]
    fired: Labels
    expected: Labels


def main() -> int:
    """Prints what the options ask for. Returns the exit code."""
    options = _options()
    console = Console(width=None if sys.stdout.isatty() else 150, highlight=False)
    folder: Path | None = options.data
    rules = RuleSet.starter()

    def read(article: Article) -> EnrichedArticle:
        return enrich(article, rules)

    labelled: dict[str, Callable[[], list[Case]]] = {
        "seeds": seeds,
        "own": partial(own, kept_back=False),
        "kept": partial(own, kept_back=True),
    }
    if folder and folder.is_dir():
        development = folder
        labelled["alerts"] = lambda: alerts(development)
    elif not options.errors and not options.show:
        console.print(f"development sets left out: {f'no folder {folder}' if folder else 'no --data given'}\n")
        folder = None
    known = {*labelled, *(SETS if folder else ()), *(MODULES if folder else ())}
    chosen = options.set or sorted(known)
    if unknown := set(chosen) - known:
        console.print(f"no such set here: {', '.join(sorted(unknown))}; there are {', '.join(sorted(known))}")
        return 2

    for name, load in labelled.items():
        if name not in chosen:
            continue
        cases = [case for case in load() if not options.lang or case.expect.language in options.lang]
        if options.show:
            for case in cases:
                if case.id == options.show:
                    _plain(show(case, read(case.article)))
        elif options.errors in KINDS:
            _plain([f"== {name}", *errors(options.errors, [(case, read(case.article)) for case in cases])])
        elif not options.errors:
            _tables(console, name, cases, read, options.by_language)
    if folder and not options.show and options.errors not in KINDS:
        _other(console, folder, [name for name in chosen if name not in labelled], read, options.errors)
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="tests.eval", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, help="folder of development sets")
    parser.add_argument("--set", action="append", help="only this set; may be given again")
    parser.add_argument("--lang", type=lambda text: text.split(","), help="only labelled articles in these languages")
    parser.add_argument("--errors", choices=[*KINDS, *SETS], help="each wrong label, with the words that misled")
    parser.add_argument("--show", metavar="ID", help="everything that is read in one labelled article")
    parser.add_argument("--by-language", action="store_true", help="F1 by language, and figures by rule")
    return parser.parse_args()


def _plain(lines: Iterable[str]) -> None:
    for line in lines:
        print(line)


def _tables(
    console: Console, name: str, cases: list[Case], read: Callable[[Article], EnrichedArticle], by_language: bool
) -> None:
    scored = [_scored(case, read) for case in cases]
    silent = sum(not case.expect.rules for case in cases)
    groups = {
        "all": scored,
        "en, uk, ru": [each for each in scored if each.language in MAIN_LANGUAGES],
        "others": [each for each in scored if each.language not in MAIN_LANGUAGES],
    }
    table = Table(title=f"{name}: {len(cases)} articles, {silent} of them silent", title_justify="left")
    table.add_column("")
    for group, members in groups.items():
        table.add_column(f"{group} ({len(members)})\nP    R    F1", justify="right")
        table.add_column("keywords\nP    R    F1", justify="right", style="dim")
    for kind in FIGURES:
        cells = []
        for members in groups.values():
            cells.append(_cell(add(each.pipeline[kind] for each in members)))
            cells.append(_cell(add(each.keywords[kind] for each in members)))
        table.add_row(kind, *cells)
    console.print(table)
    if by_language:
        _by_language(console, name, scored)
        _by_rule(console, name, scored)


def _scored(case: Case, read: Callable[[Article], EnrichedArticle]) -> Scored:
    found = read_by_pipeline(read(case.article))
    keywords = score(read_by_keywords(case.article), case.expect)
    fired, expected = found.labels["rules"], frozenset(case.expect.rules)
    return Scored(case.expect.language, score(found, case.expect), keywords, fired, expected)


def _by_rule(console: Console, name: str, scored: list[Scored]) -> None:
    table = Table(title=f"{name}: rules, P R F1", title_justify="left")
    for heading in ("rule", "wanted", "P    R    F1"):
        table.add_column(heading, justify="left" if heading == "rule" else "right")
    for rule in sorted(frozenset().union(*(each.fired | each.expected for each in scored))):
        only = frozenset({rule})
        found = add(tally(each.fired & only, each.expected & only) for each in scored)
        table.add_row(rule, str(found.right + found.missed), _cell(found))
    console.print(table)


def _by_language(console: Console, name: str, scored: list[Scored]) -> None:
    table = Table(title=f"{name}: F1 by language", title_justify="left")
    for heading in ("language", "articles", *FIGURES):
        table.add_column(heading, justify="right")
    for language in sorted({each.language for each in scored}):
        members = [each for each in scored if each.language == language]
        figures = [_figure(add(each.pipeline[kind] for each in members).f1) for kind in FIGURES]
        table.add_row(language, str(len(members)), *figures)
    console.print(table)


def _cell(tally: Tally) -> str:
    return " ".join(map(_figure, (tally.precision, tally.recall, tally.f1)))


def _figure(value: float | None) -> str:
    return "   -" if value is None else f"{value:4.2f}"


def _other(
    console: Console,
    folder: Path,
    names: list[str],
    read: Callable[[Article], EnrichedArticle],
    wanted_errors: str | None,
) -> None:
    if wanted_errors:
        _plain(error for figure in SETS[wanted_errors](folder, wanted_errors, read) for error in figure.errors)
        return
    table = Table(title="public development sets", title_justify="left")
    for heading in ("figure", "here", "naive"):
        table.add_column(heading)
    for name in names:
        if name in SETS:
            for figure in SETS[name](folder, name, read):
                table.add_row(figure.name, f"{figure.value:.3f}", figure.naive)
    if table.row_count:
        console.print(table)
    for name in names:
        if name in MODULES and importlib.util.find_spec(f"tests.eval.{name}"):
            _plain(import_module(f"tests.eval.{name}").report(folder))


if __name__ == "__main__":
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # so that `| head` ends quietly
    sys.exit(main())
