"""Characters of a page's bytes: what its header, byte order mark or meta element says, checked against the bytes."""

import codecs
import re

META = re.compile(
    rb"""<meta[^>]{0,500}?charset\s*=\s*["']?\s*([\w.:-]+)|<\?xml[^>]{0,200}encoding=["']([\w.:-]+)""", re.I
)
HEADER = re.compile(r"charset\s*=\s*[\"']?\s*([\w.:-]+)", re.I)
MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
KNOWN = re.compile(r"(utf-(8|16|32)|iso8859|cp|koi8|gb|hz|big5|euc|shift|mac|iso2022|johab|tis|kz|ptcp)")
"""Families of codecs that pages are written in; Python knows others that are none or are slow."""
MEANT = {"iso8859-1": "cp1252", "ascii": "cp1252", "gb2312": "gb18030", "gbk": "gb18030", "euc_kr": "cp949"} | {
    "shift_jis": "cp932",
    "iso8859-9": "cp1254",
    "tis-620": "cp874",
}
"""As browsers read what is declared (WHATWG Encoding Standard)."""
HEAD = 8_192
"""Bytes in which a declaration is looked for."""
SAMPLE = 32_768
"""Bytes from which an undeclared encoding is detected."""
NOT_TEXT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufffe\uffff]")


def decode(data: bytes, content_type: str = "") -> str:
    """The characters; what cannot be read is U+FFFD. Control characters become spaces."""
    return NOT_TEXT.sub(" ", _decode(data, content_type))


def _decode(data: bytes, content_type: str) -> str:
    for mark, name in MARKS:
        if data.startswith(mark):
            return data[len(mark) :].decode(name, "replace")
    header = HEADER.search(content_type)
    meta = META.search(data[:HEAD])
    declared = _codec(header[1]) if header else None
    if declared is None and meta:
        declared = _codec((meta[1] or meta[2]).decode("ascii", "replace"))
    if declared is None or not declared.startswith(("utf-16", "utf-32", "iso2022", "hz")):
        try:  # bytes above 127 that are UTF-8 by chance do not occur in text, whatever is declared
            return data.decode("utf-8")
        except UnicodeDecodeError:
            pass
        if declared == "utf-8":
            text = data.decode("utf-8", "replace")
            if text.count("\ufffd") * 1_000 <= len(text):
                return text
            declared = None
    elif declared in ("utf-16", "utf-32") or not _holds(data, declared):
        declared = None  # declared in bytes that could then not be read: browsers take it for UTF-8
    return data.decode(declared or detect(data), "replace")


def _codec(label: str) -> str | None:
    try:
        name = codecs.lookup(label).name
    except (LookupError, ValueError):
        return None
    return MEANT.get(name, name) if KNOWN.match(name) or name in MEANT else None


def _holds(data: bytes, name: str) -> bool:
    """Whether a sample of the bytes makes characters in a codec whose bytes are not ASCII's own."""
    sample = data[:HEAD].decode(name, "replace")
    return sample.count("\ufffd") * 100 <= len(sample) and "<" in sample


def detect(data: bytes) -> str:
    """Of the bytes between the tags: markup is ASCII in any of them."""
    from charset_normalizer import from_bytes

    pieces = (piece for piece in re.split(rb"[<>]", data[: SAMPLE * 8]) if not piece.isascii())
    text = b" ".join(pieces)
    best = from_bytes(text[:SAMPLE]).best()
    return (_codec(best.encoding) if best else None) or "cp1252"
