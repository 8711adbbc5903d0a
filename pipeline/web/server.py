"""Serves the console from a thread beside the pipeline."""

import errno
import os
import socket
import threading
from collections.abc import Callable

import uvicorn

from pipeline.model.candidate import Action
from pipeline.web.app import create_app
from pipeline.web.reader import Reads


class AddressError(RuntimeError):
    """The console cannot listen where it was told to; the message says what to do."""


class Serving:
    """A console that is up."""

    def __init__(self, url: str, thread: threading.Thread) -> None:
        self.url = url
        self._thread = thread

    def join(self, timeout: float | None = None) -> bool:
        """Waits until it is down; whether it is."""
        self._thread.join(timeout)
        return not self._thread.is_alive()


def serve(reader: Reads, act: Callable[[Action], None] | None, host: str, port: int, stop: threading.Event) -> Serving:
    """Serves the console until `stop` is set; returns once it accepts connections.

    Args:
        port: 0 for any that is free.

    Raises:
        AddressError: the address is taken or is none of this machine's.
    """
    listening = _listen(host, port)
    address, bound = listening.getsockname()[:2]
    app = create_app(reader, act=act, hosts=(host,), stopping=stop.is_set)
    config = uvicorn.Config(
        app, log_level="warning", access_log=False, lifespan="off", timeout_graceful_shutdown=1, server_header=False
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=_run, args=(server, listening), name="console", daemon=True)
    thread.start()
    threading.Thread(target=_stop, args=(server, thread, stop), name="console-stop", daemon=True).start()
    shown = f"[{address}]" if ":" in address else address
    return Serving(f"http://{shown}:{bound}", thread)


def _run(server: uvicorn.Server, listening: socket.socket) -> None:
    with listening:
        server.run(sockets=[listening])


def _stop(server: uvicorn.Server, thread: threading.Thread, stop: threading.Event) -> None:
    stop.wait()
    server.should_exit = True
    thread.join()


def _listen(host: str, port: int) -> socket.socket:
    """A bound and listening socket: connections wait in it until the server is up."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listening = socket.socket(family, kind, protocol)
    except OSError as error:
        raise AddressError(f"the console cannot listen on {host}: {error}; set `console.host`") from None
    try:
        if os.name == "posix":  # else a restart would have to wait for the old connections to time out
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
        listening.listen(128)
    except OSError as error:
        listening.close()
        if error.errno == errno.EADDRINUSE:
            raise AddressError(
                f"port {port} on {host} is in use: stop what listens there, or set `console.port` (0 takes a free one)"
            ) from None
        raise AddressError(f"the console cannot listen on {host}:{port}: {error.strerror}") from None
    return listening
