"""Clean text: what a reader would see, and nothing else."""

import html
import re
import unicodedata

import msgspec

from pipeline.model.article import MAX_BODY, Article, revision_of

_INVISIBLE = "\u00ad\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff"
_SPACES = "\t\v\f\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000\u0085\u2028\u2029\r"
_CONTROL = "\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufffe\uffff"
_ODD = re.compile(f"[{_INVISIBLE}{_SPACES}{_CONTROL}]")
_DROPPED = re.compile(f"[{_INVISIBLE}{_CONTROL}]")
_LINE_ENDS = re.compile("\r\n?|[\u2028\u2029\u0085]")
_ODD_SPACE = re.compile(f"[{_SPACES}]")
_ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[a-zA-Z][a-zA-Z0-9]{1,31});")

ROUNDS = 8
"""Layers of entities that are taken off at the most."""


def clean(article: Article) -> Article:
    """The article with its title, body and summary cleaned, its body cut at MAX_BODY and its revision recomputed.

    Cleaning twice changes nothing more. Zero-width joiners stay: scripts need them.
    """
    title, body, summary = _plain(article.title), _plain(article.body), _plain(article.summary)
    truncated = article.truncated or len(body) > MAX_BODY
    body = body[:MAX_BODY].rstrip() if len(body) > MAX_BODY else body
    title = " ".join(title.split())
    if (title, body, summary, truncated) == (article.title, article.body, article.summary, article.truncated):
        return article
    return msgspec.structs.replace(
        article, title=title, body=body, summary=summary, truncated=truncated, revision=revision_of(title, body)
    )


def _plain(text: str) -> str:
    """Cleaned until nothing changes any more: an entity may hide another, or a space."""
    for _ in range(ROUNDS):
        cleaned = _round(text)
        if cleaned == text:
            break
        text = cleaned
    return text


def _round(text: str) -> str:
    """Each step only where a quick look says that there is something to do."""
    if "&" in text:
        text = _ENTITY.sub(lambda found: html.unescape(found[0]), text)
    if not text.replace("\n", " ").isprintable() and _ODD.search(text):  # what is printable is not odd
        text = _ODD_SPACE.sub(" ", _DROPPED.sub("", _LINE_ENDS.sub("\n", text)))
    if not text.isascii() and not unicodedata.is_normalized("NFC", text):
        text = unicodedata.normalize("NFC", text)
    if "  " in text:
        text = re.sub(" {2,}", " ", text)
    if " \n" in text or "\n " in text:
        text = re.sub(r" ?\n ?", "\n", text)
    if "\n\n\n" in text:
        text = re.sub(r"\n{3,}", "\n\n", text)
    return text.strip()
