"""Runs each stage in a process of its own and starts again what ends."""

import fcntl
import logging
import os
import signal
import subprocess
import sys
import threading
import time
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from pipeline.engines.kafka.app import LEAVE_WITHIN, MISCONFIGURED
from pipeline.settings import Settings

PAUSES = (0.5, 30.0)
"""Seconds before a stage that ended is started again: the first, doubled each time it ends soon, and at most."""
SOON = 60.0

log = logging.getLogger("wirewatch.kafka")


@dataclass
class _Child:
    stage: str
    port: int
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    pause: float = PAUSES[0]
    again: float = 0.0
    given_up: bool = False


def supervise(stages: Sequence[str], settings: Settings, port: int, stop: threading.Event) -> int:
    """Keeps a process for every stage until `stop` is set.

    Args:
        port: of the first stage's health page; the next stages have the next ports.

    Returns:
        0, or the exit code of a stage that no start can mend.
    """
    with _slot(settings.data) as slot:
        children = [_Child(stage, port + number) for number, stage in enumerate(stages)]
        code = 0
        while not stop.is_set() and not code:
            for child in children:
                code = code or _look_after(child, slot)
            stop.wait(0.1)
        _end(children)
        return code


def _look_after(child: _Child, slot: str) -> int:
    """Starts a stage that does not run, when its time has come; the exit code of one that must not be started again."""
    now = time.monotonic()
    if child.process is None:
        if now >= child.again:
            command = [sys.executable, "-m", "pipeline.cli", "stage", child.stage, slot, str(child.port)]
            child.process, child.started = subprocess.Popen(command, stdin=subprocess.DEVNULL), now
        return 0
    ended = child.process.poll()
    if ended is None:
        return 0
    child.process = None
    if ended == MISCONFIGURED:
        return ended
    child.pause = min(2 * child.pause, PAUSES[1]) if now - child.started < SOON else PAUSES[0]
    child.again = now + child.pause
    log.error("%s ended (%s); it is started again in %.1f s", child.stage, _said(ended), child.pause)
    return 0


def _said(code: int) -> str:
    return f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"


def _end(children: Sequence[_Child]) -> None:
    running = [child.process for child in children if child.process]
    for process in running:
        process.terminate()
    until = time.monotonic() + LEAVE_WITHIN + 1
    for process in running:
        try:
            process.wait(max(0.1, until - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


class _slot:  # noqa: N801
    """The first name for a worker on this machine that no other has, and none over another data folder can have.

    Under its name a worker that comes back has its partitions at once; two of one name would shut each other out.
    """

    def __init__(self, data: Path) -> None:
        self._data = data
        self._held: IO[str] | None = None

    def __enter__(self) -> str:
        self._data.mkdir(parents=True, exist_ok=True)
        for number in range(1000):
            held = (self._data / f"worker-{number}.lock").open("w")
            try:
                fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                held.close()
                continue
            os.set_inheritable(held.fileno(), False)
            self._held = held
            return f"{number}-{zlib.crc32(str(self._data.resolve()).encode()):08x}"
        raise OSError(f"a thousand workers have their locks in {self._data}")

    def __exit__(self, *_: object) -> None:
        if self._held:
            self._held.close()
