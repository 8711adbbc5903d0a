"""Workers of wirewatch as processes, as an operator starts them."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from tests.stack.process import end_with_parent, free_ports


class Worker:
    """`wirewatch worker` for some stages, with a folder of its own."""

    def __init__(self, folder: Path, bootstrap: str, stages: str, more: Mapping[str, str] | None = None) -> None:
        """`more`: further environment, such as WIREWATCH_ELASTICSEARCH_URL."""
        self.port = free_ports(len(stages.split(",")))
        self.log = folder / f"worker-{stages.replace(',', '-')}-{self.port}.log"
        folder.mkdir(parents=True, exist_ok=True)
        self._command = [sys.executable, "-m", "pipeline.cli", "worker", "--stages", stages, "--port", str(self.port)]
        self._environment = (
            dict(os.environ)
            | {"WIREWATCH_KAFKA_BOOTSTRAP": bootstrap, "WIREWATCH_DATA": str(folder / "data")}
            | dict(more or {})
        )
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Starts the supervisor, which starts the stages."""
        with self.log.open("ab") as out:
            self._process = subprocess.Popen(
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                env=self._environment,
                start_new_session=True,
                preexec_fn=end_with_parent if sys.platform == "linux" else None,
            )

    @property
    def session(self) -> int:
        """Id of the session that its processes are in; 0 before it is started."""
        return self._process.pid if self._process else 0

    @property
    def stages(self) -> list[int]:
        """Process ids of the stages that run now."""
        if self._process is None:
            return []
        listed = subprocess.run(["ps", "-o", "pid=", "--ppid", str(self._process.pid)], capture_output=True, text=True)
        return [int(pid) for pid in re.findall(r"\d+", listed.stdout)]

    def kill_stages(self) -> int:
        """Kills every stage, as a crash would; the supervisor starts them again. How many there were."""
        stages = self.stages
        for pid in stages:
            os.kill(pid, signal.SIGKILL)
        return len(stages)

    def kill(self) -> None:
        """Kills the whole worker at once."""
        if self._process:
            with suppress(ProcessLookupError):  # it has ended by itself, and its stages with it
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()

    def stop(self) -> float:
        """Asks the worker to end; seconds that it took."""
        began = time.monotonic()
        if self._process and self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(20)
            finally:
                self.kill()
        return time.monotonic() - began
