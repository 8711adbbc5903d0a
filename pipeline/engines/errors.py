"""What can go wrong with the file, in sentences that say what to do."""

import sqlite3
from pathlib import Path


class StoreError(RuntimeError):
    """The file cannot be used as it is; repeating will not help."""


class StoreUnavailableError(StoreError):
    """The file cannot be used just now (disk full, locked): nothing was changed, and repeating may help."""


def explained(error: sqlite3.Error, path: Path | str) -> StoreError:
    """The error of SQLite as a sentence for the person who can act on it."""
    code = getattr(error, "sqlite_errorcode", None)
    primary = code & 0xFF if isinstance(code, int) else None
    match primary:
        case sqlite3.SQLITE_FULL:
            return StoreUnavailableError(
                f"the disk that holds {path} is full: free some space there. Nothing acknowledged is lost, "
                "and work goes on by itself once there is room."
            )
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
            return StoreUnavailableError(
                f"{path} is locked by another program: close whatever has it open for writing, such as a database "
                "browser. Work goes on by itself."
            )
        case sqlite3.SQLITE_IOERR:
            return StoreUnavailableError(f"{path} could not be read or written ({error}): check the disk it is on.")
        case sqlite3.SQLITE_READONLY | sqlite3.SQLITE_CANTOPEN | sqlite3.SQLITE_PERM:
            return StoreError(f"{path} cannot be opened ({error}): check that its folder exists and may be written.")
        case sqlite3.SQLITE_CORRUPT | sqlite3.SQLITE_NOTADB:
            return StoreError(
                f"{path} is damaged or not a wirewatch database ({error}): move it away, then put a backup made with "
                "`wirewatch backup` in its place, or start without it to begin anew."
            )
        case _:
            return StoreError(f"{path}: {error}")


def is_of_the_file(error: sqlite3.Error) -> bool:
    """Whether the file or its disk is in trouble, rather than what was to be written."""
    code = getattr(error, "sqlite_errorcode", None)
    return isinstance(code, int) and code & 0xFF in _OF_THE_FILE


_OF_THE_FILE = {
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_CORRUPT,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_NOMEM,
    sqlite3.SQLITE_NOTADB,
    sqlite3.SQLITE_PERM,
    sqlite3.SQLITE_READONLY,
}
