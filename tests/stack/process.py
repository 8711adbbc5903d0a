"""A server as a child process: started, waited for, killed, started again, its output kept in a file."""

import ctypes
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from tests.stack.java import StackError


def free_port() -> int:
    """A port of the loopback interface that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def free_ports(count: int) -> int:
    """The first of so many ports in a row that nobody listens on, below those that systems give to clients."""
    while True:
        first = random.randrange(20_000, 32_000)
        if not any(answers(port) for port in range(first, first + count)):
            return first


def answers(port: int) -> bool:
    """Whether somebody listens on a port of the loopback interface."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


class Server:
    """A command that serves until it is stopped; it ends with the process that started it, however that ends."""

    def __init__(
        self,
        command: Sequence[str | Path],
        log: Path,
        ready: Callable[[], bool],
        *,
        environment: Mapping[str, str] | None = None,
        user: str | None = None,
    ) -> None:
        self._command = [str(part) for part in command]
        self.log = log
        self._ready = ready
        self._environment = dict(os.environ) | dict(environment or {})
        self._user = user
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, patience: float = 120) -> None:
        """Starts it and waits until it serves.

        Raises:
            StackError: it ended, or did not serve within `patience` seconds; with the end of its log.
        """
        with self.log.open("ab") as out:
            self._process = subprocess.Popen(
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                env=self._environment,
                user=self._user,
                extra_groups=[] if self._user else None,
                start_new_session=True,
                preexec_fn=end_with_parent if sys.platform == "linux" else None,
            )
        until = time.monotonic() + patience
        while not self._ready():
            if self._process.poll() is not None or time.monotonic() > until:
                self.stop()
                raise StackError(f"{Path(self._command[0]).name} does not start: {self._tail()}")
            time.sleep(0.1)

    def _tail(self) -> str:
        return self.log.read_text(errors="replace")[-2000:]

    @property
    def session(self) -> int:
        """Id of the session that its processes are in; 0 before it is started."""
        return self._process.pid if self._process else 0

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def kill(self) -> None:
        """Ends it as a power cut would (SIGKILL)."""
        self._signal(signal.SIGKILL)

    def pause(self) -> None:
        """Stops it where it stands: connections stay open and nothing answers (SIGSTOP)."""
        if self._process:
            os.killpg(self._process.pid, signal.SIGSTOP)

    def resume(self) -> None:
        """Lets it go on (SIGCONT)."""
        if self._process:
            os.killpg(self._process.pid, signal.SIGCONT)

    def stop(self) -> None:
        """Asks it to end, and ends it after twenty seconds."""
        self._signal(signal.SIGTERM)

    def _signal(self, number: int) -> None:
        process = self._process
        if process is None:
            return
        try:
            os.killpg(process.pid, number)
            process.wait(20)
        except ProcessLookupError:
            process.wait()
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


class Node:
    """What has a server inside: its data stay, whatever is done to it."""

    _server: Server

    @property
    def session(self) -> int:
        """Id of the session that its processes are in."""
        return self._server.session

    def start(self) -> None:
        """Starts it and waits until it answers."""
        self._server.start()

    def kill(self) -> None:
        """Kills it."""
        self._server.kill()

    def stop(self) -> None:
        """Stops it."""
        self._server.stop()

    def pause(self) -> None:
        """Lets it hang, with its connections open."""
        self._server.pause()

    def resume(self) -> None:
        """Lets it go on after it has hung."""
        self._server.resume()


def end_with_parent() -> None:
    """In the child: be killed when the parent ends (Linux)."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)
