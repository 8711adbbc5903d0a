"""Deciding ahead: while a backlog waits, other processes decide messages for a stage that remembers nothing."""

import logging
import os
import pickle
import subprocess
import sys
import threading
import time
import traceback
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from queue import SimpleQueue
from typing import IO, TYPE_CHECKING, Any, NamedTuple, NoReturn

from pipeline.stage import AnyStage, Decision, Message, Prepares, Pure, StateChange

if TYPE_CHECKING:
    from pipeline.engines.store import Logged, Store

BACKLOG = 300
"""Waiting messages from which other processes help: they take two seconds to start, so fewer are done without."""
NEAR = 50
"""Waiting messages below which nothing more is given away: what has just arrived is decided soonest here."""
WINDOW = 200
"""Messages looked ahead at most."""
LARGEST_WINDOW = 8 * 1024 * 1024
"""Bytes of messages looked ahead, beyond which no more are read."""
CHUNK = 8
"""Messages given away at once: so long may the last one keep this process waiting."""
IN_HAND = 2
"""Chunks that another process has at once: while one is decided, the next is there."""
MOST = 2
"""Other processes at most: relating, searching and writing, which stay here, keep up with no more."""
LINGER = 10.0
"""Seconds without a backlog after which the other processes end."""
PATIENCE = 60.0
"""Seconds without an answer after which they are given up."""
PAUSE = 60.0
"""Seconds after one has died or was given up before another is started."""

_BOOT = "import sys; sys.path[:] = sys.argv[1:]; from pipeline.engines.ahead import work; work()"
_NEVER = datetime(1970, 1, 1, tzinfo=UTC)

log = logging.getLogger("wirewatch.engine")


def spare_cores() -> int:
    """Cores that this process may use beside its own."""
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(MOST, usable - 1)


class Made(NamedTuple):
    """What another process has made of a message."""

    decision: Decision
    prepared: Sequence[object] = ()
    """What the next stage makes of each effect's value."""


class Recipe(NamedTuple):
    """What another process does."""

    make: Callable[[], AnyStage]
    prepare: Callable[[bytes], object] | None
    """Asked of each effect's value."""


def helped(stage: AnyStage, following: AnyStage | None, prepared: dict[bytes, object]) -> AnyStage:
    """The stage, with other processes to help it where it is pure and this machine has cores for them.

    Args:
        following: the stage that reads what this one sends; what it can have prepared goes into `prepared`.
    """
    return Ahead(stage, following, prepared) if isinstance(stage, Pure) and spare_cores() > 0 else stage


class Ahead:
    """A pure stage, in whose place it stands: the same decisions, some of them made ahead by other processes.

    They begin at the far end of what is looked ahead at, this process at the near end. What cannot be decided ahead,
    for whatever reason, is decided when its turn comes.
    """

    def __init__(self, stage: Pure, following: AnyStage | None, prepared: dict[bytes, object]) -> None:
        self.name, self.input, self.outputs = stage.name, stage.input, stage.outputs
        self._stage, self._prepared = stage, prepared
        self._prepare = following.prepare if isinstance(following, Prepares) else None
        self._changed = threading.Condition()  # guards what follows, down to `_workers`
        self._waiting: deque[Logged] = deque()
        self._away: set[int] = set()
        self._done: dict[int, Made] = {}
        self._workers: list[_Worker] = []
        self._window: deque[tuple[int, int]] = deque()
        self._bytes = self._seen = 0
        self._needed_until = self._rest_until = 0.0
        self._told = False

    def empty(self) -> Any:
        return self._stage.empty()

    def fold(self, state: Any, change: StateChange) -> None:
        self._stage.fold(state, change)

    def decide(self, state: Any, message: Message) -> Decision:
        """What the stage decides; if another process is at it, messages further on are decided meanwhile."""
        self._pass(message.offset)
        while message.offset in self._away:
            self._help(state, message.offset)
        made = self._done.pop(message.offset, None) or Made(self._stage.decide(state, message))
        for effect, prepared in zip(made.decision.effects, made.prepared, strict=False):
            self._prepared[effect.value] = prepared
        return made.decision

    def _pass(self, offset: int) -> None:
        """Nobody else need begin a message whose turn has come."""
        with self._changed:
            while self._waiting and self._waiting[0].offset <= offset:
                self._waiting.popleft()
        while self._window and self._window[0][0] <= offset:
            self._bytes -= self._window.popleft()[1]

    def _help(self, state: Any, awaited: int) -> None:
        """Decides the next message that nobody has begun; where there is none, waits for the one that is due."""
        with self._changed:
            record = self._waiting.popleft() if self._waiting else None
            if not record and self._changed.wait_for(lambda: awaited not in self._away, PATIENCE):
                return
        if not record:
            self._broke("does not answer")
            self.close()
            return
        with suppress(Exception):  # raised again when its turn comes
            message = _message(record.value, record.key, record.offset)
            self._done[record.offset] = Made(self._stage.decide(state, message))

    def look(self, store: "Store", seq: int, offset: int) -> None:
        """Looks at what waits after a place in the input; starts, feeds and ends the other processes by it."""
        self._prepared.clear()  # the next stage has seen what was sent last time
        with store.reading() as connection:
            head = connection.execute("SELECT head FROM topics WHERE topic = ?", (self.input,)).fetchone()
        waiting, now = (head[0] if head else 0) - offset, time.monotonic()
        if waiting >= (NEAR if self._workers else BACKLOG):
            self._needed_until = now + LINGER
            if not self._workers and now >= self._rest_until:
                self._start()
            if self._workers:
                self._look_further(store, seq)
        elif now > self._needed_until:
            self.close()

    def _look_further(self, store: "Store", seq: int) -> None:
        self._seen = max(self._seen, seq)
        while len(self._window) < WINDOW and self._bytes < LARGEST_WINDOW:
            records = store.after(self.input, self._seen, min(NEAR, WINDOW - len(self._window)))
            if not records:
                return
            self._seen = records[-1].seq
            self._window += [(record.offset, len(record.value)) for record in records]
            self._bytes += sum(len(record.value) for record in records)
            with self._changed:
                self._waiting += records
                self._changed.notify_all()

    def _start(self) -> None:
        recipe = Recipe(self._stage.elsewhere(), self._prepare)
        for _ in range(spare_cores()):
            try:
                worker = _Worker(self)
            except OSError as error:
                self._broke(f"could not be started ({error})")
                return
            with self._changed:
                self._workers.append(worker)
            worker.start(recipe)

    def take(self, *, wait: bool) -> Sequence["Logged"]:
        """The furthest messages that nobody has begun; none where there are none, or after the end of waiting."""
        with self._changed:
            while wait and not self._waiting and self._workers:
                self._changed.wait()
            chunk = [self._waiting.pop() for _ in range(min(CHUNK, len(self._waiting)))] if self._workers else []
            self._away.update(record.offset for record in chunk)
            return chunk

    def give(self, chunk: Sequence["Logged"], made: Sequence[Made | None]) -> None:
        """What became of messages that were taken; None where this process has to try."""
        with self._changed:
            for record, each in zip(chunk, made, strict=True):
                if record.offset in self._away and each is not None:
                    self._done[record.offset] = each
                self._away.discard(record.offset)
            self._changed.notify_all()

    def lose(self, worker: "_Worker", chunks: Sequence[Sequence["Logged"]]) -> None:
        """A worker has ended, and this is what it had in hand."""
        for chunk in chunks:
            self.give(chunk, [None] * len(chunk))
        with self._changed:
            if worker not in self._workers:
                return
            self._workers.remove(worker)
        self._broke("has ended unexpectedly")

    def _broke(self, what: str) -> None:
        self._rest_until = time.monotonic() + PAUSE
        if not self._told:
            self._told = True
            log.warning("a process that helps with the backlog %s: work goes on without it, more slowly", what)

    def discard(self) -> None:
        """Lets go of all that was looked at and decided ahead."""
        with self._changed:
            self._waiting.clear()
            self._away.clear()
            self._done.clear()
        self._window.clear()
        self._bytes = self._seen = 0

    def close(self) -> None:
        """Ends the other processes, at once."""
        with self._changed:
            workers, self._workers = self._workers, []
            self._changed.notify_all()
        for worker in workers:
            worker.end()
        self.discard()


class _Worker:
    """Another process, and the thread that feeds it.

    Started anew rather than forked: it shares no lock, no connection and no open file with this process, and gets no
    signal of the terminal's. Its input ends with this process, however that ends, and then it ends too.
    """

    def __init__(self, ahead: Ahead) -> None:
        self._ahead = ahead
        self._process = subprocess.Popen(
            [sys.executable, "-c", _BOOT, *sys.path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, process_group=0
        )
        self._thread = threading.Thread(target=self._run, name="ahead", daemon=True)
        self._recipe: Recipe | None = None

    def start(self, recipe: Recipe) -> None:
        self._recipe = recipe
        self._thread.start()

    def end(self) -> None:
        """Kills the process: what it was at is not needed."""
        self._process.kill()
        self._thread.join()

    def _run(self) -> None:
        chunks: deque[Sequence[Logged]] = deque()
        with suppress(Exception), self._process:  # whatever it is, this process does without
            try:
                self._feed(chunks)
            finally:
                self._process.kill()
        self._ahead.lose(self, chunks)

    def _feed(self, chunks: deque[Sequence["Logged"]]) -> None:
        given, taken = self._process.stdin, self._process.stdout
        assert given
        assert taken
        _send(given, self._recipe)
        pickle.load(taken)  # it is ready
        while True:
            while len(chunks) < IN_HAND and (chunk := self._ahead.take(wait=not chunks)):
                chunks.append(chunk)
                _send(given, [record.value for record in chunk])
            if not chunks:
                return
            made = pickle.load(taken)
            self._ahead.give(chunks.popleft(), made)


def work() -> None:
    """The other process: makes the stage, decides what comes in, and ends with its input."""
    try:
        _answer()
    except BrokenPipeError:
        pass  # nobody is there any more
    except Exception:
        traceback.print_exc()
    os._exit(1)  # without waiting for the thread that reads


def _answer() -> NoReturn:
    out, requests = os.fdopen(os.dup(1), "wb"), SimpleQueue[Any]()
    os.dup2(2, 1)  # whatever is printed must not get among the answers

    def receive() -> None:
        with suppress(Exception):
            while True:
                requests.put(pickle.load(sys.stdin.buffer))
        os._exit(0)

    threading.Thread(target=receive, daemon=True).start()
    recipe: Recipe = requests.get()
    stage = recipe.make()
    _send(out, None)
    while True:
        _send(out, [_made(stage, recipe.prepare, value) for value in requests.get()])


def _made(stage: AnyStage, prepare: Callable[[bytes], object] | None, value: bytes) -> Made | None:
    try:
        decision = stage.decide(stage.empty(), _message(value))
        return Made(decision, [prepare(effect.value) for effect in decision.effects] if prepare else ())
    except Exception:  # the first process meets it too, and says it
        return None


def _message(value: bytes, key: str = "", offset: int = 0) -> Message:
    return Message(key, value, offset, _NEVER)


def _send(to: IO[bytes], what: object) -> None:
    pickle.dump(what, to, pickle.HIGHEST_PROTOCOL)
    to.flush()
