"""Backups: a copy of the file while work goes on."""

import os
import sqlite3
from pathlib import Path

from pipeline.engines.errors import StoreError, explained


def backup(source: sqlite3.Connection, to: Path) -> None:
    """Copies all that is committed; `to` appears only when it is whole, and durable.

    Raises:
        StoreError: `to` exists already or cannot be written.
    """
    if to.exists():
        raise StoreError(f"{to} exists already: name a new file for the backup.")
    partial = to.with_name(to.name + ".partial")
    try:
        to.parent.mkdir(parents=True, exist_ok=True)
        partial.unlink(missing_ok=True)
        try:
            _copy(source, partial)
            partial.rename(to)
        finally:
            partial.unlink(missing_ok=True)
    except sqlite3.Error as error:
        raise explained(error, to) from error
    except OSError as error:
        raise StoreError(f"{to} cannot be written ({error.strerror}): name a folder that may be written.") from None


def _copy(source: sqlite3.Connection, to: Path) -> None:
    target = sqlite3.connect(to)
    try:
        source.backup(target)
    finally:
        target.close()
    with to.open("rb+") as written:
        os.fsync(written.fileno())
