"""Entries of `sources` in wirewatch.yaml, added without touching anything else in the file."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pipeline.commands.common import fail


def add_entries(file: Path, entries: Sequence[dict[str, Any]]) -> None:
    """Adds entries at the end of `sources`, leaving everything else, comments included, as it is.

    Raises:
        ProblemError: the file would not be right afterwards.
    """
    import os

    from pipeline import settings as module

    text = file.read_text("utf-8") if file.exists() else ""
    by_hand = f"write this under `sources:`\n{as_yaml(entries[:20], '  ')}"
    new = _with_entries(text, entries)
    if new is None:
        fail(f"`sources` in {file} is no plain list of lines; {by_hand}")
    draft = file.with_name(f".{file.name}.part")
    draft.write_text(new, "utf-8")
    try:
        module.load(draft)
    except module.SettingsError as error:
        draft.unlink()
        fail(f"{file} cannot be added to by itself ({error}); {by_hand}")
    os.replace(draft, file)


def as_yaml(entries: Sequence[dict[str, Any]], indent: str) -> str:
    """Entries as lines of a YAML list."""
    import yaml

    dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
    text = yaml.dump(list(entries), Dumper=dumper, sort_keys=False, allow_unicode=True, width=1_000)
    return "".join(f"{indent}{line}\n" for line in text.splitlines())


def _with_entries(text: str, entries: Sequence[dict[str, Any]]) -> str | None:
    """The text with entries added; None where `sources` is not written as a list of lines."""
    import yaml

    root = yaml.compose(text, Loader=yaml.SafeLoader) if text.strip() else None
    pairs = root.value if isinstance(root, yaml.MappingNode) else []
    node = next((value for key, value in pairs if key.value == "sources"), None)
    if node is None:
        gap = "\n" if text and not text.endswith("\n") else ""
        return f"{text}{gap}sources:\n{as_yaml(entries, '  ')}"
    if not isinstance(node, yaml.SequenceNode) or node.flow_style or not node.value:
        return None
    indent = " " * node.start_mark.column
    lines = text.splitlines(keepends=True)
    last = node.value[-1].end_mark
    at = last.line + (1 if last.column else 0)
    if lines and not lines[-1].endswith("\n"):
        lines[-1] += "\n"
    return "".join([*lines[:at], as_yaml(entries, indent), *lines[at:]])
