"""Which process the time goes to, as Linux counts it in /proc."""

import os
from collections import defaultdict
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

_TICKS = os.sysconf("SC_CLK_TCK")


class _Process(NamedTuple):
    session: int
    command: list[str]
    seconds: float
    """Of processor time, all threads."""


def seconds(sessions: Mapping[int, str]) -> dict[str, float]:
    """Processor seconds so far of every process that runs in one of the sessions, by name.

    Args:
        sessions: id -> name. A process that runs one stage of a worker goes by the name of the stage.

    Returns:
        Nothing where there is no /proc.
    """
    spent: dict[str, float] = defaultdict(float)
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it has just ended
            process = _read(folder)
            if name := sessions.get(process.session):
                spent[_stage(process.command) or name] += process.seconds
    return dict(spent)


def _read(folder: Path) -> _Process:
    # The name, in brackets, may hold anything; behind it stand state, parent, group, session, … user and system time.
    fields = (folder / "stat").read_text().rpartition(")")[2].split()
    command = (folder / "cmdline").read_text().split("\0")
    return _Process(int(fields[3]), command, (int(fields[11]) + int(fields[12])) / _TICKS)


def _stage(command: list[str]) -> str | None:
    return command[command.index("stage") + 1] if "stage" in command[:-1] else None
