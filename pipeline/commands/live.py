"""Engine, connectors and console at work together, and what a terminal shows of them."""

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NoReturn

import typer

from connectors.pages import SiteRules
from connectors.sdk.declare import Declared
from connectors.sdk.outlets import Outlets
from connectors.sdk.polite import Polite
from connectors.sdk.runner import Runner
from pipeline.commands import show
from pipeline.commands.common import note, on_terminal
from pipeline.engines.embedded import Embedded
from pipeline.engines.records import Counts
from pipeline.model.alert import Alert
from pipeline.model.cloudevent import alert_of
from pipeline.settings import Console
from pipeline.topics import DESKS, desk_topic

if TYPE_CHECKING:
    from rich.console import Console as Terminal
    from rich.console import RenderableType

    from pipeline.web.server import Serving

LOOK = 0.1
"""Seconds between looks at the log."""
PATIENCE = 1.0
"""Seconds that threads get to end what they are at."""
TELL = 5.0
"""Seconds between lines of counts where output is no terminal."""


@dataclass
class Job:
    """What runs, until `stop` is set."""

    engine: Embedded
    sources: Sequence[Declared] = ()
    outlets: Outlets = field(default_factory=Outlets)
    allow: Sequence[str] = ()
    polite: Polite = field(default_factory=Polite)
    site_rules: SiteRules | None = None
    feeders: Sequence[Callable[[threading.Event], None]] = ()
    """More threads to run beside."""
    stop: threading.Event = field(default_factory=threading.Event)
    failure: BaseException | None = None
    stopped: bool = True
    """Whether every thread has ended."""

    def thread(self, name: str, work: Callable[[], None]) -> threading.Thread:
        """Starts a thread; whatever it raises ends the job."""

        def guarded() -> None:
            try:
                work()
            except BaseException as error:  # raised again by the main thread
                self.failure = error
                self.stop.set()

        started = threading.Thread(target=guarded, name=name, daemon=True)
        started.start()
        return started

    @contextmanager
    def running(self, *, once: bool = False) -> Iterator[threading.Thread]:
        """Engine, connectors and feeders in their threads; yields that of the connectors. Stops them all at the end.

        Raises:
            StoreError: the engine could not go on.
        """
        runner = Runner(
            self.engine,
            self.sources,
            outlets=self.outlets,
            allow=self.allow,
            polite=self.polite,
            site_rules=self.site_rules,
        )
        threads = [self.thread("engine", lambda: self.engine.run(self.stop))]
        connectors = self.thread("connectors", lambda: runner.run(self.stop, once=once))
        threads += [connectors, *(self.thread("feeder", lambda f=feed: f(self.stop)) for feed in self.feeders)]  # type: ignore[misc]
        try:
            yield connectors
        finally:
            self.stop.set()
            until = time.monotonic() + PATIENCE
            for thread in threads:
                thread.join(max(0.0, until - time.monotonic()))
            self.stopped = not any(thread.is_alive() for thread in threads)
        if self.failure:
            raise self.failure

    def close(self) -> None:
        """Closes the engine. A batch that is still in hand is left, is undone by that, and done by the next start."""
        if self.stopped:
            self.engine.close()

    def leave(self) -> NoReturn:
        """Closes the engine and ends the process: to take apart what is in memory would take another second."""
        self.close()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(0)


def stop_on_signals(stop: threading.Event) -> None:
    """Ctrl-C and SIGTERM end the work instead of the process."""
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, lambda *_: stop.set())


def run_once(job: Job) -> None:
    """Takes in all that the sources have, works it off, and prints every alert as it stands then."""
    stop_on_signals(job.stop)
    with job.running(once=True) as connectors, _progress(job.engine):
        while connectors.is_alive() and not job.stop.is_set():
            connectors.join(LOOK)
        while not job.stop.is_set() and any(job.engine.counts().lag.values()):
            time.sleep(LOOK)
    alerts = job.engine.reader.alerts(limit=10_000)
    _print_alerts(list(reversed(alerts)))
    for source in job.engine.sources():
        if source.error:
            note(f"wirewatch: {source.name}: {source.error}")
    typer.echo(summary(job.engine.counts()))


def run_live(job: Job, console: Console | None, *, from_start: bool, any_port: bool = False) -> NoReturn:
    """Works until Ctrl-C and shows what happens; with the console, where one is wanted. Then the process ends.

    Args:
        from_start: show alerts that are in the log already.
        any_port: take another port where the wanted one is in use.
    """
    stop_on_signals(job.stop)
    reader = job.engine.reader
    pattern = desk_topic("*")
    after = 0 if from_start else reader.head(pattern)
    with job.running():
        served = _serve(job, console, any_port) if console else None
        with _View(served.url if served else None) as view:
            while not job.stop.is_set():
                for record in reader.tail(pattern, after):
                    after = record.offset
                    if record.topic in map(desk_topic, DESKS):
                        view.alert(alert_of(record.value))
                view.counts(job.engine.counts(), len(job.sources))
                job.stop.wait(LOOK)
    if served:
        served.join(timeout=0.5)
    note(f"stopped; {summary(job.engine.counts())}")
    job.leave()


def summary(counts: Counts) -> str:
    """How far the work is, in a line."""
    letters = f", {counts.dead_letters} dead letters (see `wirewatch dead-letters`)" if counts.dead_letters else ""
    return (
        f"{counts.articles} articles in, {counts.tagged} tagged, {counts.searched} searched, "
        f"{counts.alerts} alerts{letters}"
    )


def _serve(job: Job, console: Console, any_port: bool) -> "Serving":
    from pipeline.web.server import AddressError, serve

    try:
        return serve(job.engine.reader, job.engine.act, console.host, console.port, job.stop)
    except AddressError:
        if not any_port:
            raise
    served = serve(job.engine.reader, job.engine.act, console.host, 0, job.stop)
    note(f"port {console.port} is in use, so the console is at {served.url}")
    return served


def _print_alerts(alerts: Sequence[Alert]) -> None:
    if on_terminal():
        from rich.console import Console as Terminal

        terminal = Terminal(highlight=False)
        for alert in alerts:
            terminal.print(show.alert_block(alert))
        return
    for alert in alerts:
        typer.echo("\n".join(show.alert_lines(alert)) + "\n")


@contextmanager
def _progress(engine: Embedded) -> Iterator[None]:
    """A line on standard error that says how far the work is, where that is a terminal."""
    if not sys.stderr.isatty():
        yield
        return
    from rich.console import Console as Terminal
    from rich.live import Live
    from rich.text import Text

    def line() -> Text:
        with suppress(Exception):
            return Text(summary(engine.counts()), style="dim")
        return Text("")

    with Live(get_renderable=line, console=Terminal(stderr=True), refresh_per_second=8, transient=True):
        yield


class _View:
    """What goes to the terminal: a panel of counts that stays, and above it each alert as it comes.

    Where there is no terminal, plain lines.
    """

    def __init__(self, url: str | None) -> None:
        self._url = url
        self._terminal: Terminal | None = None
        self._told = (0.0, "")
        self._counts = Counts()
        self._sources = 0
        self._began = time.monotonic()
        if on_terminal():
            from rich import console
            from rich.live import Live

            self._terminal = console.Console(highlight=False)
            self._live = Live(get_renderable=self._panel, console=self._terminal, refresh_per_second=8, transient=True)

    def __enter__(self) -> "_View":
        if self._terminal:
            self._live.start()
        elif self._url:
            typer.echo(f"console: {self._url}")
        return self

    def __exit__(self, *_: object) -> None:
        if self._terminal:
            self._live.stop()

    def alert(self, alert: Alert) -> None:
        """Shows a change of an alert."""
        if self._terminal:
            self._terminal.print(show.alert_block(alert))
        else:
            typer.echo("\n".join(show.alert_lines(alert)) + "\n")

    def counts(self, counts: Counts, sources: int) -> None:
        """Shows how far the work is."""
        self._counts, self._sources = counts, sources
        if self._terminal:
            return
        last, said = self._told
        now = time.monotonic()
        if now - last >= TELL and summary(counts) != said:
            self._told = now, summary(counts)
            typer.echo(summary(counts))

    def _panel(self) -> "RenderableType":
        from rich.panel import Panel
        from rich.table import Table

        counts = self._counts
        waiting = sum(counts.lag.values())
        table = Table.grid(expand=True, padding=(0, 1))
        for _ in range(4):
            table.add_column(justify="center")
        table.add_row(
            *(
                f"[bold]{number:,}[/]\n[dim]{name}[/]"
                for number, name in (
                    (counts.articles, "articles in"),
                    (counts.tagged, "tagged"),
                    (counts.searched, "searched"),
                    (counts.alerts, "alerts"),
                )
            )
        )
        notes = [f"{self._sources} sources", f"{waiting} waiting" if waiting else "up to date"]
        if counts.dead_letters:
            notes.append(f"[yellow]{counts.dead_letters} dead letters[/]")
        if counts.trouble:
            notes.append(f"[red]{counts.trouble}[/]")
        where = f"console: [link={self._url}]{self._url}[/link]" if self._url else "no console"
        return Panel(table, title=f"wirewatch · {where}", subtitle=f"{' · '.join(notes)} · Ctrl-C stops")
