"""What happens to the process that reads a document does not happen to ours."""

import asyncio
import ctypes
import os
import signal
import socket
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from connectors.sdk import AuthError, BadDataError, BadItemError, isolated


class Good(msgspec.Struct, tag=True):
    text: str
    at: datetime


class Worse(msgspec.Struct, tag=True):
    data: bytes


def read(data: bytes, *, at: datetime, times: int = 1) -> list[Good | Worse]:
    return [Good(data.decode(), at), *(Worse(data) for _ in range(times))]


def size(data: bytes) -> int:
    return len(data)


def echo(data: bytes) -> bytes:
    return data


def either(data: bytes | str) -> str:
    return data if isinstance(data, str) else data.decode()


def wrong(data: bytes) -> str:
    return data  # type: ignore[return-value]


def process() -> int:
    return os.getpid()


def environment() -> dict[str, str]:
    return dict(os.environ)


def refuse(message: str) -> None:
    raise BadDataError(message)


def refuse_otherwise() -> None:
    raise AuthError("who are you?")


def refuse_item() -> None:
    raise BadItemError("no text")


def fail() -> None:
    raise ValueError("a bug")


def recurse(depth: int) -> int:
    return recurse(depth + 1)


def deep() -> Any:
    nested: Any = None
    for _ in range(100_000):
        nested = [nested]
    return nested


def sleep(seconds: float) -> None:
    time.sleep(seconds)


def spin() -> None:
    while True:
        pass


def devour() -> int:
    return len(b"." * (3 * 1024**3))


def crash() -> None:
    ctypes.string_at(0)


def leave(code: int) -> None:
    os._exit(code)


def leave_politely() -> None:
    sys.exit("enough")


def kill_me() -> None:
    signal.raise_signal(signal.SIGKILL)


def say() -> str:
    print("a line that must not get among the answers", flush=True)
    os.write(1, b"another")
    return sys.stdin.read()


def connect(port: int) -> None:
    socket.socket().connect(("127.0.0.1", port))


def look_up() -> None:
    socket.getaddrinfo("localhost", 80)


def write(path: str) -> None:
    Path(path).write_text("written")


def remove(path: str) -> None:
    Path(path).unlink()


def run_program() -> None:
    subprocess.run(["true"], check=False)


AT = datetime(2030, 5, 1, 12, tzinfo=UTC)


def test_arguments_and_results_keep_their_types() -> None:
    assert asyncio.run(isolated(read, b"abc", at=AT)) == [Good("abc", AT), Worse(b"abc")]


def test_bytes_or_text() -> None:
    assert [asyncio.run(isolated(either, data)) for data in (b"bytes", "text")] == ["bytes", "text"]


def test_it_is_another_process_and_stays_over_event_loops() -> None:
    first, second = asyncio.run(isolated(process)), asyncio.run(isolated(process))
    assert first == second != os.getpid()


def test_large_documents_pass() -> None:
    data = os.urandom(10 * 1024 * 1024)
    assert asyncio.run(isolated(echo, data)) == data


def test_nothing_of_the_environment_is_inherited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WIREWATCH_SECRET", "s3cret")
    assert "WIREWATCH_SECRET" not in asyncio.run(isolated(environment))


def test_what_is_printed_and_read_is_nothing() -> None:
    assert asyncio.run(isolated(say)) == ""


@pytest.mark.parametrize(
    ("function", "args", "error", "message"),
    [
        (refuse, ("no feed",), BadDataError, "no feed"),
        (refuse_otherwise, (), AuthError, "who are you?"),
        (refuse_item, (), BadItemError, "no text"),
        (fail, (), BadDataError, "fail failed with ValueError: a bug"),
        (wrong, (b"x",), BadDataError, "wrong gave what it is not declared to give"),
        (size, ("text",), BadDataError, "size failed with ValidationError"),
        (recurse, (0,), BadDataError, "RecursionError"),
        (deep, (), BadDataError, "RecursionError"),
        (devour, (), BadDataError, "devour needed more than 1024 MiB of memory"),
        (crash, (), BadDataError, "crash ended the process that read it: SIG"),
        (kill_me, (), BadDataError, "kill_me ended the process that read it: SIGKILL"),
        (leave, (0,), BadDataError, "leave ended the process that read it"),
        (leave, (3,), BadDataError, "leave ended the process that read it: code 3"),
        (leave_politely, (), BadDataError, "leave_politely failed with SystemExit: enough"),
        (connect, (1,), BadDataError, "socket.connect is refused"),
        (look_up, (), BadDataError, "socket.getaddrinfo is refused"),
        (run_program, (), BadDataError, "subprocess.Popen is refused"),
    ],
)
def test_what_it_raises(function: Any, args: tuple[Any, ...], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        asyncio.run(isolated(function, *args))
    assert asyncio.run(isolated(size, b"the next call")) == 13


def test_nothing_is_written(tmp_path: Path) -> None:
    kept, new = tmp_path / "kept", tmp_path / "new"
    kept.write_text("kept")
    for function, path in ((write, new), (write, kept), (remove, kept)):
        with pytest.raises(BadDataError, match="refused"):
            asyncio.run(isolated(function, str(path)))
    assert [each.read_text() for each in tmp_path.iterdir()] == ["kept"]


@pytest.mark.parametrize(("function", "args"), [(sleep, (60.0,)), (spin, ())])
def test_a_call_ends_after_its_time(function: Any, args: tuple[Any, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(sys.modules["connectors.sdk.isolated"], "SECONDS", 0.5)
        with pytest.raises(BadDataError, match=f"{function.__name__} took longer than 0.5 seconds"):
            asyncio.run(isolated(function, *args))
    assert asyncio.run(isolated(size, b"the next call")) == 13


def test_a_cancelled_call_ends_its_process() -> None:
    async def cancel() -> tuple[float, int, int]:
        before = await isolated(process)
        begun = time.monotonic()
        calls = [asyncio.create_task(isolated(sleep, 15.0)) for _ in range(6)]
        await asyncio.sleep(0.3)
        for call in calls:
            call.cancel()
        await asyncio.gather(*calls, return_exceptions=True)
        return time.monotonic() - begun, before, await isolated(process)

    took, before, after = asyncio.run(cancel())
    assert took < 5
    assert before != after


def test_a_function_must_be_found_and_say_what_it_gives() -> None:
    def inner() -> int:
        return 1

    for function in (inner, lambda: 1, len):
        with pytest.raises(TypeError):
            asyncio.run(isolated(function))  # type: ignore[arg-type]


PARENT = """
import asyncio, sys
from connectors.sdk import isolated
from tests.connectors.test_isolated import process, sleep

async def main():
    print(await isolated(process), flush=True)
    {then}

asyncio.run(main())
"""


@pytest.mark.parametrize("killed", [False, True], ids=["ends", "is killed"])
def test_the_worker_ends_with_its_parent(killed: bool) -> None:
    program = PARENT.format(then="sys.stdin.read()")
    with subprocess.Popen(
        [sys.executable, "-c", program],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    ) as parent:
        assert parent.stdout
        worker = int(parent.stdout.readline())
        if killed:
            parent.kill()
        _, said = parent.communicate()
    assert said == b""
    until = time.monotonic() + 10
    while _alive(worker) and time.monotonic() < until:
        time.sleep(0.02)
    assert not _alive(worker)


def _alive(number: int) -> bool:
    try:
        os.kill(number, 0)
    except ProcessLookupError:
        return False
    stat = Path(f"/proc/{number}/stat")
    return not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] != "Z"
