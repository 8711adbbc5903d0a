"""Formats in which news is handed over as documents: bytes in, entries out, no I/O. One file a format."""
