"""A folder in a temporary place, for sources that read files."""

import asyncio
import os
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Any, ClassVar, Self

import msgspec

from connectors.sdk.testing.world import NO_NETWORK, NOW, Sample, Trouble, World, sample


class FolderWorld(World):
    """A file an item. A kind derives from it where its files are not JSON articles."""

    skips = NO_NETWORK
    troubles = frozenset({"404"})
    suffix: ClassVar[str] = ".json"

    def __init__(self) -> None:
        self._temporary = tempfile.TemporaryDirectory(prefix="conformance-")
        self.path = Path(self._temporary.name) / "incoming"
        self._contents: dict[str, bytes] = {}
        self._writes = 0

    async def __aenter__(self) -> Self:
        self.path.mkdir()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await asyncio.to_thread(self._temporary.cleanup)

    def config(self) -> dict[str, Any]:
        return {"path": str(self.path)}

    def render(self, item: Sample) -> bytes:
        """A file that holds this item."""
        return msgspec.json.encode(
            {"url": item.url, "title": item.title, "body": item.body, "published": item.published}
        )

    def publish(self, number: int) -> None:
        self._contents[f"{number:03}{self.suffix}"] = self.render(sample(number))
        self._write()

    def trouble(self, kind: Trouble | None) -> None:
        away = self.path.with_name("away")
        if kind == "404" and self.path.exists():
            self.path.rename(away)
        elif kind is None and away.exists():
            away.rename(self.path)

    def document(self) -> bytes:
        return self._contents[max(self._contents)]

    def damage(self, data: bytes | None, *, pages: bool = False) -> None:
        """The newest file holds these bytes."""
        if not pages:
            self._write({} if data is None else {max(self._contents): data})

    def _write(self, instead: dict[str, bytes] | None = None) -> None:
        for name, content in (self._contents | (instead or {})).items():
            file = self.path / name
            if file.exists() and file.read_bytes() == content:
                continue
            file.write_bytes(content)
            self._writes += 1
            when = NOW.timestamp() - 3600 + self._writes
            os.utime(file, (when, when))
