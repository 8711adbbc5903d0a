"""What every command needs: settings, rules, the reader, and one way to fail."""

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import typer

if TYPE_CHECKING:
    from pipeline.alerting.rules import RuleSet
    from pipeline.engines.embedded import Embedded, Reader
    from pipeline.settings import Settings
    from pipeline.web.reader import Reads


class ProblemError(Exception):
    """Something the person at the keyboard can mend; shown as one line."""

    def __init__(self, message: str, code: int = 2) -> None:
        super().__init__(message)
        self.code = code


def note(text: str) -> None:
    """A line for the person, beside the output."""
    typer.echo(text, err=True)


def fail(message: str, code: int = 2) -> NoReturn:
    """Ends the command with one line on standard error; 2 is for wrong usage or input, 1 for everything else."""
    raise ProblemError(message, code)


def settings() -> "Settings":
    """The configuration."""
    from pipeline import settings as module

    return module.load()


def rule_set(
    given: "Settings | None" = None, paths: Sequence[Path] = (), watchlists: Sequence[Path] = (), *, alone: bool = False
) -> "RuleSet":
    """The rules that apply: the starter pack, those of the settings, and `paths` (only these where `alone`)."""
    from pipeline.alerting import rules

    apply_lexicons(given, watchlists)
    starter = Path(rules.__file__).parent / "rules"
    chosen = [] if alone or (given and not given.starter_rules) else [starter]
    if given and not alone:
        chosen += given.rules
    return rules.load_rules(*chosen, *paths)


def apply_lexicons(given: "Settings | None", paths: Sequence[Path] = ()) -> None:
    """Tells enrichment of names, themes and wars beside its own, from files or folders, and which enrichers run."""
    from pipeline.enrich import munitions, plugins, themes, watchlists

    names = [*(given.watchlists if given else ()), *paths]
    try:
        watchlists.add(*(file for path in names for file in _files(path)))
        themes.add(*(file for path in (given.themes if given else ()) for file in _files(path)))
        munitions.add(*(file for path in (given.wars if given else ()) for file in _files(path)))
        plugins.add(*(given.enrichers if given else ()))
    except (ValueError, OSError) as error:
        fail(str(error))


def _files(path: Path) -> list[Path]:
    return sorted(path.glob("*.y*ml")) if path.is_dir() else [path]


def open_engine(given: "Settings", database: Path | None = None) -> "Embedded":
    """The engine over the data folder, which is made where it is missing."""
    from pipeline.engines.embedded import Embedded

    path = database or given.database
    path.parent.mkdir(parents=True, exist_ok=True)
    return Embedded(path, rule_set(given), retention_days=given.retention_days)


def database(given: "Settings") -> Path:
    """The file to read: one's own, else the demo's.

    Raises:
        ProblemError: there is neither.
    """
    demo = given.data / "demo" / "wirewatch.db"
    if given.database.exists():
        return given.database
    if demo.exists():
        note("wirewatch: reading the demo's data; `wirewatch run` makes your own")
        return demo
    fail(f"there is no data in {given.data} yet: start with `wirewatch demo` or `wirewatch run`", 1)


def open_file() -> "Reader":
    """The read side of the data folder; another process may be writing it."""
    from pipeline.engines.embedded import Reader

    return Reader(database(settings()))


def open_reader() -> "Reads":
    """The read side: of the servers where Kafka is set, else of the data folder."""
    given = settings()
    if not given.kafka.bootstrap:
        return open_file()
    need_elasticsearch(given)
    from pipeline.sinks.elasticsearch.reader import Reader

    return Reader(given)


def need_elasticsearch(given: "Settings") -> None:
    """Ends the command where Elasticsearch is not set."""
    if not given.elasticsearch.url:
        fail("elasticsearch.url is not set: on Kafka, articles and alerts are read from Elasticsearch")


def need_kafka(given: "Settings", instead: str) -> None:
    """Ends the command where Kafka is not set; `instead` says what does the same without."""
    if not given.kafka.bootstrap:
        fail(f"kafka.bootstrap is not set: {instead}")


def on_terminal() -> bool:
    """Whether a person is looking at standard output."""
    return sys.stdout.isatty()


def write_lines(lines: Iterable[bytes]) -> None:
    """Lines of bytes to standard output, each as soon as it is there."""
    out = sys.stdout.buffer
    for line in lines:
        out.write(line + b"\n")
        out.flush()
