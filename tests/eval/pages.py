"""Bodies of articles read from pages, beside trafilatura alone: python -m tests.eval.pages --data DIR

The measure is that of article-extraction-benchmark: overlap of runs of four words, averaged over pages.
"""

import gzip
import hashlib
import json
import logging
import re
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from connectors.pages import read_page

SHINGLE = 4
"""Words."""
HALVES = ("tuned on", "not looked at")
"""The pages by the parity of their id's hash: thresholds were chosen on the first half only."""

Read = Callable[[bytes, str], str]


def _ours(html: bytes, url: str) -> str:
    page = read_page(html, url)
    return page.body if page else ""


def _trafilatura(html: bytes, url: str) -> str:
    import trafilatura

    logging.getLogger("trafilatura").setLevel(logging.CRITICAL)
    found = trafilatura.bare_extraction(html, url=url, include_comments=False, with_metadata=True)
    return "" if found is None or isinstance(found, dict) else found.text or ""


READERS: dict[str, Read] = {"pages": _ours, "trafilatura alone": _trafilatura}


@dataclass
class Tally:
    """Sums over pages, each page's shares of its body as people marked it."""

    pages: int = 0
    right: float = 0.0
    found: float = 0.0
    wanted: float = 0.0

    def add(self, body: str, gold: str) -> None:
        """Counts a page."""
        read, marked = shingles(body), shingles(gold)
        total = max(1, marked.total())
        self.pages += 1
        self.right += (read & marked).total() / total
        self.found += read.total() / total
        self.wanted += marked.total() / total

    def __str__(self) -> str:
        precision, recall = self.right / max(self.found, 1e-9), self.right / max(self.wanted, 1e-9)
        f1 = 2 * precision * recall / max(precision + recall, 1e-9)
        return f"{f1:.4f}, precision {precision:.4f}, recall {recall:.4f} on {self.pages} pages"


def report(folder: Path) -> list[str]:
    """Lines of figures; the pages come out of `pages.jsonl.gz`."""
    tallies = {reader: (Tally(), Tally(), Tally()) for reader in READERS}
    spent = dict.fromkeys(READERS, 0.0)
    exceptions = 0
    for read in READERS.values():  # both load their tables at the first page
        read(f"<p>{'A sentence of a page. ' * 40}</p>".encode(), "https://a.example/a")
    with gzip.open(folder / "pages.jsonl.gz") as lines:
        for line in lines:
            given = json.loads(line)
            html, url, gold = given["html"].encode("utf-8", "replace"), given.get("url") or "", given["gold"]["body"]
            for name, read in READERS.items():
                began = time.process_time()
                try:
                    body = read(html, url)
                except Exception:
                    body, exceptions = "", exceptions + (name == "pages")
                spent[name] += time.process_time() - began
                for tally in (tallies[name][0], tallies[name][1 + _half(given["id"])]):
                    tally.add(body, gold)
    found = []
    for name, (whole, *halves) in tallies.items():
        rate = whole.pages / max(spent[name], 1e-9)
        found.append(f"{name}: body F1 {whole}; {rate:.0f} pages/s of one core")
        found += [f"  {half}: {tally}" for half, tally in zip(HALVES, halves, strict=True)]
    return [*found, f"pages: {exceptions} exceptions"]


def _half(identity: str) -> int:
    return int(hashlib.sha256(identity.encode()).hexdigest(), 16) % 2


def shingles(text: str) -> Counter[tuple[str, ...]]:
    """Runs of SHINGLE words, with how often they occur."""
    words = re.findall(r"\w+", text.lower())
    return Counter(tuple(words[at : at + SHINGLE]) for at in range(max(1, len(words) - SHINGLE + 1)) if words)


if __name__ == "__main__":
    import argparse

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    print("\n".join(report(parser.parse_args().data)))
