"""WARC, in which web archives keep pages: its HTML responses, one after the other."""

from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

from connectors.pages import MAX_PAGE
from connectors.sdk import Bad

DAMAGE = 256 * 1024
"""Bytes of a damaged record that are kept."""


class Archived(NamedTuple):
    """A page as it was when it was archived."""

    url: str
    content_type: str
    body: bytes
    end: int
    """Offset behind its record."""


def read_warc(stream: BinaryIO, offset: int = 0) -> Iterator[Archived | Bad]:
    """The HTML pages of an archive, gzipped or not, from the record at `offset` on, one in memory at a time.

    A damaged archive ends with a `Bad`, since nothing behind the damage can be found.
    """
    from warcio.archiveiterator import ArchiveIterator
    from warcio.exceptions import ArchiveLoadFailed

    stream.seek(offset)
    records = ArchiveIterator(stream)
    end = offset
    try:
        for record in records:
            url = record.rec_headers.get_header("WARC-Target-URI") or ""
            headers = record.http_headers
            kind = (headers.get_header("Content-Type") or "") if headers else ""
            wanted = record.rec_type == "response" and headers and headers.get_statuscode() == "200" and "html" in kind
            body = record.content_stream().read(MAX_PAGE + 1) if wanted else b""
            records.read_to_end(record)
            end = records.offset
            if wanted:
                yield Archived(url, kind, body, end)
    except (ArchiveLoadFailed, OSError, ValueError, EOFError, TypeError) as error:
        stream.seek(end)
        yield Bad(f"byte {end}", f"the archive is damaged: {error}", stream.read(DAMAGE))
