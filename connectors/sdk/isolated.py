"""Parsing of what came from outside, in a process of its own that may be killed.

`await isolated(function, *args)` runs a module-level function in one of a few worker processes: started when needed,
with a minimal environment and bounds on memory, time and files, without network and without writing. Function and
arguments are sent as msgpack; what comes back is decoded strictly as the function's annotated return type. Whatever a
document does to the process that reads it, the caller gets a BadDataError and the next call a new process.
"""

import asyncio
import atexit
import inspect
import math
import os
import resource
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import cache
from importlib import import_module
from operator import attrgetter
from typing import IO, Any, NoReturn, ParamSpec, TypeVar, cast, get_type_hints

import msgspec

from connectors.sdk import errors
from connectors.sdk.errors import BadDataError, BadItemError, SourceError, TransientError

SECONDS = 20.0
"""Wall-clock and processor time of one call."""
MEMORY = 1024**3
"""Bytes of address space of a worker process."""
WORKERS = min(2, os.cpu_count() or 1)
IDLE = 60.0
"""Seconds without a call after which a worker process ends."""
CALLS, PROCESSOR = 2_000, 60.0
"""Calls, or seconds of processor time, after which a worker process is replaced, so that no leak adds up."""
START = 60.0
"""Seconds within which a worker process must have started."""

FORBIDDEN = {
    *("os.chmod", "os.chown", "os.exec", "os.fork", "os.forkpty", "os.kill", "os.link", "os.mkdir", "os.posix_spawn"),
    *("os.remove", "os.rename", "os.rmdir", "os.spawn", "os.symlink", "os.system", "os.truncate", "subprocess.Popen"),
}
"""Audit events that a worker process refuses, beside all of `socket.` and opening a file for writing."""
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND

_BOOT = "import sys; sys.path[:] = sys.argv[1:]; from connectors.sdk.isolated import work; work()"

P = ParamSpec("P")
Result = TypeVar("Result")


class Request(msgspec.Struct, array_like=True):
    """A call: the function as `module:qualname`, and its arguments, encoded one by one."""

    function: str
    args: Sequence[msgspec.Raw]
    kwargs: Mapping[str, msgspec.Raw]
    seconds: float


class Answer(msgspec.Struct, array_like=True):
    """What became of it: the encoded result, or the name of an error in `errors` and its message."""

    result: msgspec.Raw
    error: str = ""
    message: str = ""
    last: bool = False
    """The process ends now."""


NOTHING = msgspec.Raw(msgspec.msgpack.encode(None))


async def isolated(function: Callable[P, Result], *args: P.args, **kwargs: P.kwargs) -> Result:
    """What `function` makes of its arguments, read in a worker process.

    `function` must be found by its name in its module, and msgspec must be able to encode and decode its arguments
    and what it is annotated to return. Cancelling the call ends the process.

    Raises:
        SourceError: as the function itself raised it.
        BadDataError: the function failed in any other way, took too long or too much memory, or ended its process.
        TransientError: no process could be started.
    """
    hints = _hints(function)
    encode = msgspec.msgpack.encode
    request = Request(
        f"{function.__module__}:{function.__qualname__}",
        [msgspec.Raw(encode(value)) for value in args],
        {name: msgspec.Raw(encode(value)) for name, value in kwargs.items()},
        SECONDS,
    )
    call = _Call(request)
    try:
        answer = await asyncio.get_running_loop().run_in_executor(_pool.threads, call.run)
    except asyncio.CancelledError:
        call.cancel()
        raise
    try:
        return cast("Result", msgspec.msgpack.decode(answer, type=hints["return"]))
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise BadDataError(f"{function.__name__} gave what it is not declared to give: {error}") from None


@cache
def _hints(function: Callable[..., Any]) -> dict[str, Any]:
    """The annotated types of parameters and return value.

    Raises:
        TypeError: another process could not find the function, or would not know what it returns.
    """
    if "<" in function.__qualname__ or function.__module__ == "__main__":
        raise TypeError(f"{function.__qualname__} must be a module's own function, so that another process finds it")
    hints = get_type_hints(function, include_extras=True)
    if "return" not in hints:
        raise TypeError(f"{function.__qualname__} needs an annotated return type")
    return hints


class _Pool:
    """The threads that wait for worker processes, and the workers that have nothing to do."""

    def __init__(self) -> None:
        self.threads = ThreadPoolExecutor(WORKERS, "isolated")
        self.idle: list[_Worker] = []

    def close(self) -> None:
        while self.idle:
            self.idle.pop().end()


class _Call:
    """One call, run by a thread; may be cancelled from another."""

    def __init__(self, request: Request) -> None:
        self._request = request
        self._lock = threading.Lock()
        self._worker: _Worker | None = None
        self._cancelled = False

    def run(self) -> bytes:
        """The encoded result. An idle worker that has ended since is replaced by a new one."""
        while True:
            try:
                worker = _pool.idle.pop()
            except IndexError:
                return self._run(_Worker())
            with suppress(_EndedError):
                return self._run(worker)

    def _run(self, worker: "_Worker") -> bytes:
        with self._lock:
            self._worker = worker
            if self._cancelled:
                worker.kill()
        answer = None
        try:
            answer = worker.call(self._request)
        finally:
            with self._lock:
                self._worker = None
                usable = answer is not None and not self._cancelled
            if not usable:
                worker.end()
            else:
                _pool.idle.append(worker)
        if answer.error:
            raise cast("type[Exception]", getattr(errors, answer.error))(answer.message)
        return bytes(answer.result)

    def cancel(self) -> None:
        with self._lock:
            self._cancelled = True
            if self._worker:
                self._worker.kill()


class _EndedError(BadDataError):
    """The worker process had ended by itself, in good order, before it took the call."""


class _Worker:
    """A worker process, seen from here.

    Started anew rather than forked: it inherits no lock, no open file, no environment, and gets no signal of the
    terminal's. Its input ends with this process, however that ends, and then it ends too.
    """

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-B", "-X", "utf8", "-c", _BOOT, *map(os.path.abspath, sys.path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            bufsize=0,
            env={name: os.environ[name] for name in ("LD_LIBRARY_PATH",) if name in os.environ},
            cwd="/",
            process_group=0,
        )
        assert self._process.stdin
        assert self._process.stdout
        self._in, self._out = self._process.stdin, self._process.stdout
        os.set_blocking(self._in.fileno(), False)
        try:
            self._receive(time.monotonic() + START)
        except (OSError, EOFError, TimeoutError):
            self.end()
            raise TransientError("the process in which documents are read could not be started") from None

    def call(self, request: Request) -> Answer:
        """Raises BadDataError, _EndedError in particular; then the process is of no more use."""
        deadline = time.monotonic() + request.seconds
        name = request.function.rpartition(":")[2]
        try:
            self._send(msgspec.msgpack.encode(request), deadline)
            return msgspec.msgpack.decode(self._receive(deadline), type=Answer)
        except TimeoutError:
            raise BadDataError(f"{name} took longer than {request.seconds:g} seconds") from None
        except (OSError, EOFError, msgspec.DecodeError):
            self.kill()
            raise self._ended(name, request.seconds) from None

    def _ended(self, name: str, seconds: float) -> BadDataError:
        code = self._process.wait()
        if code == 0:
            return _EndedError(f"{name} ended the process that read it")
        if code in (-signal.SIGXCPU, -signal.SIGALRM):
            return BadDataError(f"{name} took longer than {seconds:g} seconds")
        return BadDataError(f"{name} ended the process that read it: {_signal(code)}")

    def _send(self, data: bytes, deadline: float) -> None:
        for part in (len(data).to_bytes(8, "big"), data):
            rest = memoryview(part)
            while rest:
                self._wait(self._in, select.POLLOUT, deadline)
                rest = rest[os.write(self._in.fileno(), rest[: 1 << 20]) :]

    def _receive(self, deadline: float) -> bytes:
        size = int.from_bytes(self._read(8, deadline), "big")
        return self._read(size, deadline)

    def _read(self, size: int, deadline: float) -> bytes:
        parts = bytearray()
        while len(parts) < size:
            self._wait(self._out, select.POLLIN, deadline)
            part = os.read(self._out.fileno(), min(size - len(parts), 1 << 20))
            if not part:
                raise EOFError
            parts += part
        return bytes(parts)

    def _wait(self, pipe: IO[bytes], event: int, deadline: float) -> None:
        poll = select.poll()
        poll.register(pipe.fileno(), event)
        if not poll.poll(max(0.0, deadline - time.monotonic()) * 1000):
            raise TimeoutError

    def kill(self) -> None:
        """Ends the process; whoever waits for its answer is told."""
        with suppress(OSError):
            self._process.kill()

    def end(self) -> None:
        self.kill()
        self._process.wait()
        self._in.close()
        self._out.close()


def _signal(code: int) -> str:
    if code >= 0:
        return f"code {code}"
    try:
        return signal.Signals(-code).name
    except ValueError:
        return f"signal {-code}"


_pool = _Pool()
atexit.register(lambda: _pool.close())


def _forget() -> None:
    """A fork has no threads, and the workers belong to its parent."""
    global _pool
    _pool = _Pool()


os.register_at_fork(after_in_child=_forget)


def work() -> NoReturn:
    """The worker process: answers call after call; ends with its input, when idle, and before leaks add up."""
    requests, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    null = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1):  # whatever is printed must not get among the answers
        os.dup2(null, number)
    _limit()
    sys.addaudithook(_refuse)
    _write(answers, b"")
    for _ in range(CALLS):
        if time.process_time() > PROCESSOR or not select.select([requests], [], [], IDLE)[0]:
            break
        size = requests.read(8)
        if len(size) < 8:
            break
        answer = _answer(requests.read(int.from_bytes(size, "big")))
        _write(answers, msgspec.msgpack.encode(answer))
        if answer.last:
            break
    os._exit(0)


def _limit() -> None:
    """Bounds of the whole process, as far as the platform has them."""
    bounds = {"RLIMIT_AS": MEMORY, "RLIMIT_NOFILE": 64, "RLIMIT_FSIZE": 0, "RLIMIT_CORE": 0}
    for name, value in bounds.items():
        with suppress(AttributeError, ValueError, OSError):
            resource.setrlimit(getattr(resource, name), (value, value))


def _allow(seconds: float) -> None:
    """Processor time from now on, and wall-clock time in case nobody is left to watch it."""
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (math.ceil(time.process_time() + seconds), hard))
    signal.alarm(math.ceil(seconds) + 1)


def _refuse(event: str, args: tuple[Any, ...]) -> None:
    """Audit hook: no network, no other process, nothing written."""
    if event == "open":
        if not (isinstance(args[2], int) and args[2] & WRITING) or args[0] == os.devnull:
            return
    elif not (event in FORBIDDEN or (event.startswith("socket.") and event != "socket.__new__")):
        return
    raise PermissionError(f"{event} is refused where documents are read")


def _write(answers: IO[bytes], data: bytes) -> None:
    answers.write(len(data).to_bytes(8, "big"))
    answers.write(data)
    answers.flush()


def _answer(data: bytes) -> Answer:
    name = "it"
    try:
        request = msgspec.msgpack.decode(data, type=Request)
        del data
        _allow(request.seconds)
        module, _, name = request.function.partition(":")
        result = _called(attrgetter(name)(import_module(module)), request)
        return Answer(msgspec.Raw(msgspec.msgpack.encode(result)))
    except (SourceError, BadItemError) as error:
        known = next(each for each in type(error).__mro__ if each.__module__ == errors.__name__)
        return Answer(NOTHING, known.__name__, str(error))
    except MemoryError:
        return Answer(NOTHING, "BadDataError", f"{name} needed more than {MEMORY >> 20} MiB of memory", last=True)
    except BaseException as error:  # whatever a parser raises on a hostile document, the document is to blame
        return Answer(NOTHING, "BadDataError", f"{name} failed with {type(error).__name__}: {error}"[:500])
    finally:
        signal.alarm(0)


def _called(function: Callable[..., object], request: Request) -> object:
    hints = _hints(function)
    given = inspect.signature(function).bind(*request.args, **request.kwargs)
    for name, raw in given.arguments.items():
        given.arguments[name] = _decoder(hints.get(name, Any)).decode(raw)
    return function(*given.args, **given.kwargs)


def _decoder(hint: Any) -> msgspec.msgpack.Decoder[Any]:
    """For a parameter. What msgspec cannot express, such as `bytes | str`, comes as it was sent."""
    try:
        return msgspec.msgpack.Decoder(hint)
    except TypeError:
        return msgspec.msgpack.Decoder()
