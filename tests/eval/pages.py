"""Token F1 of article bodies read from pages: python -m tests.eval.pages --data DIR"""

import gzip
import json
import re
from collections import Counter
from pathlib import Path

from connectors.text import read_page

SHINGLE = 4
"""Words; the measure of article-extraction-benchmark."""


def report(folder: Path) -> list[str]:
    """Lines of figures; the pages come out of `pages.jsonl.gz`."""
    found = wanted = right = 0.0
    exceptions = pages = 0
    with gzip.open(folder / "pages.jsonl.gz") as lines:
        for line in lines:
            given = json.loads(line)
            pages += 1
            try:
                page = read_page(given["html"].encode("utf-8", "replace"), given.get("url"))
            except Exception:
                exceptions += 1
                page = None
            read, gold = shingles(page.body if page else ""), shingles(given["gold"]["body"])
            overlap = (read & gold).total()
            total = max(1, gold.total())
            right, found, wanted = right + overlap / total, found + read.total() / total, wanted + gold.total() / total
    precision, recall = right / max(found, 1e-9), right / max(wanted, 1e-9)
    f1 = 2 * precision * recall / max(precision + recall, 1e-9)
    figures = f"body F1 {f1:.3f}, precision {precision:.3f}, recall {recall:.3f}"
    return [f"pages: {figures} on {pages} pages, {exceptions} exceptions"]


def shingles(text: str) -> Counter[tuple[str, ...]]:
    """Runs of SHINGLE words, with how often they occur."""
    words = re.findall(r"\w+", text.lower())
    return Counter(tuple(words[at : at + SHINGLE]) for at in range(max(1, len(words) - SHINGLE + 1)) if words)


if __name__ == "__main__":
    import argparse

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    print("\n".join(report(parser.parse_args().data)))
