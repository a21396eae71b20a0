"""Many pictures worked on by several processes: results in order, few in flight, and a crash costs one picture.

Each process has a pipe of its own, so that it is known which picture a process died of: a decoder that crashes on
a damaged file, or a picture too large for the memory, takes down neither the program nor the other pictures.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
import traceback
import warnings
from collections import deque
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from multiprocessing.reduction import ForkingPickler
from pathlib import Path
from queue import SimpleQueue
from typing import Any, Generic, TypeVar

from sphereface.errors import ConfigurationError, SpherefaceError
from sphereface.faces.reading import Reader, Reading

Item = TypeVar("Item")
Result = TypeVar("Result")

_CHUNK = 4  # items that travel together: enough to hide the pipe, few enough to share out evenly
_GIVEN = 2  # chunks that a process has at a time, so that it never waits for the next
_AHEAD = 256  # items that may be done before their turn while one takes long


def read_many(reader: Reader, sources: Sequence[Path | bytes], workers: int | None = None) -> Generator[Reading]:
    """Read pictures by several processes, and yield their readings in order.

    Args:
        reader: Copied to every process once.
        sources: The files, or their content, which then travels to the processes.
        workers: As in :func:`in_parallel`.

    Raises:
        ConfigurationError: If ``workers`` is below 1.
    """
    return in_parallel(reader.read, sources, workers, lost=_lost)


def in_parallel(
    work: Callable[[Item], Result],
    items: Sequence[Item],
    workers: int | None = None,
    *,
    lost: Callable[[Item, str], Result],
) -> Generator[Result]:
    """Yield ``work(item)`` for every item, in order, computed by several processes.

    The processes are fresh ones (spawned), in which OpenCV uses one thread. They end with the iterator, and also
    if this process is killed. Ctrl-C reaches this process alone.

    Args:
        work: Can be pickled; it is copied to every process once.
        items: Small, for each travels through a pipe: a path, not a picture.
        workers: How many processes; None takes one a core, and 1 does everything in this one, unprotected: where
            half a second to start counts more than an item that may crash.
        lost: Gives the result of an item whose process died twice of it, from the item and what is known of
            the end in words.

    Raises:
        ConfigurationError: If ``workers`` is below 1.
        SpherefaceError: If a process cannot be started.
        Exception: What ``work`` raises; everything is stopped then.
    """
    if workers is not None and workers < 1:
        raise ConfigurationError(f"workers must be 1 or more, not {workers}")
    if workers == 1:
        return (work(item) for item in items)
    size = workers or len(os.sched_getaffinity(0))
    return _Crew(work, items, min(size, -(-len(items) // _CHUNK)), lost).results()


@dataclass(frozen=True)
class _Chunk(Generic[Item]):
    """Items that travel together, and the place of the first among all."""

    first: int
    items: Sequence[Item]
    again: bool = False


@dataclass(eq=False)
class _Worker(Generic[Item]):
    """A process as seen from this side of its pipe."""

    process: SpawnProcess
    pipe: Connection
    given: deque[_Chunk[Item]] = field(default_factory=deque)  # the first of them is being worked on
    ready: bool = False


class _Crew(Generic[Item, Result]):
    """The processes, what they have to do and what they have done."""

    def __init__(
        self,
        work: Callable[[Item], Result],
        items: Sequence[Item],
        size: int,
        lost: Callable[[Item, str], Result],
    ) -> None:
        self._work, self._items, self._size, self._lost = work, items, size, lost
        self._workers: list[_Worker[Item]] = []
        self._next = 0  # first item that nobody was given yet
        self._again: deque[_Chunk[Item]] = deque()
        self._done: dict[int, Result] = {}

    def results(self) -> Generator[Result]:
        turn = 0
        try:
            self._workers = [self._started() for _ in range(self._size)]
            while turn < len(self._items):
                self._hand_out(turn)
                self._listen()
                while turn in self._done:
                    yield self._done.pop(turn)
                    turn += 1
        except BaseException:
            for worker in self._workers:
                worker.process.terminate()
            raise
        finally:
            for worker in self._workers:
                worker.pipe.close()  # at which a process ends
                worker.process.join()

    def _started(self) -> _Worker[Item]:
        ours, theirs = multiprocessing.Pipe()
        process = multiprocessing.get_context("spawn").Process(target=_serve, args=(theirs,), daemon=True)
        # The terminal sends Ctrl-C to every process of the program; a child inherits that it is held back.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            process.start()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
            theirs.close()
        worker: _Worker[Item] = _Worker(process, ours)
        self._send(worker, self._work)
        return worker

    def _hand_out(self, turn: int) -> None:
        for _ in range(_GIVEN):
            for worker in self._workers:
                if len(worker.given) < _GIVEN and (chunk := self._next_chunk(turn)) is not None:
                    worker.given.append(chunk)
                    self._send(worker, chunk.items)

    def _next_chunk(self, turn: int) -> _Chunk[Item] | None:
        if self._again:
            return self._again.popleft()
        if self._next >= min(len(self._items), turn + _AHEAD):
            return None
        chunk = _Chunk(self._next, self._items[self._next : self._next + _CHUNK])
        self._next += len(chunk.items)
        return chunk

    def _send(self, worker: _Worker[Item], what: object) -> None:
        try:
            worker.pipe.send(what)
        except OSError:
            return  # it is dead, which is noticed when its answers are asked for

    def _listen(self) -> None:
        """Take every answer that is there; wait for the first."""
        answering = wait([worker.pipe for worker in self._workers])
        for worker in [each for each in self._workers if each.pipe in answering]:
            try:
                answer = worker.pipe.recv()
            except (EOFError, OSError):
                self._bury(worker)
                continue
            if isinstance(answer, Exception):
                raise answer
            if not worker.ready:
                worker.ready = True
                continue
            self._done.update(enumerate(answer, worker.given.popleft().first))

    def _bury(self, worker: _Worker[Item]) -> None:
        """Replace a process that died; what it was at is tried again, item by item."""
        worker.pipe.close()
        worker.process.join()
        how = _how_it_ended(worker.process.exitcode)
        self._workers.remove(worker)
        if not worker.ready:
            raise SpherefaceError(
                f"a process to read pictures could not start ({how}); use one worker, and in a script of your own "
                "read pictures under 'if __name__ == \"__main__\":'"
            )
        if worker.given:
            suspect = worker.given.popleft()
            if suspect.again:
                self._done[suspect.first] = self._lost(suspect.items[0], how)
            else:
                single = enumerate(suspect.items, suspect.first)
                self._again.extend(_Chunk(place, [item], again=True) for place, item in single)
            self._again.extend(worker.given)
        self._workers.append(self._started())


def _serve(pipe: Connection) -> None:
    """Be a worker: take the work, say that it is there, then answer chunk after chunk."""
    warnings.filterwarnings("ignore", module="PIL")  # a damaged picture is told by its outcome
    try:
        work = pipe.recv()
        if "cv2" in sys.modules:  # the work has brought it: each process is to keep to one core
            sys.modules["cv2"].setNumThreads(1)
        answer: Any = "ready"
    except Exception as error:
        answer = _portable(error)
    chunks: SimpleQueue[Sequence[Any]] = SimpleQueue()
    threading.Thread(target=_listen_until_the_end, args=(pipe, chunks), daemon=True).start()
    while True:
        try:
            pipe.send(answer)
        except OSError:
            os._exit(1)
        except Exception as error:  # a result that cannot be pickled
            pipe.send(_portable(error))
        try:
            answer = [work(item) for item in chunks.get()]
        except Exception as error:
            answer = _portable(error)


def _listen_until_the_end(pipe: Connection, chunks: SimpleQueue[Sequence[Any]]) -> None:
    """Take chunks as soon as they come, so that neither side waits for the other to read; end with the program."""
    try:
        while True:
            chunks.put(pipe.recv())
    finally:
        os._exit(0)


def _portable(error: Exception) -> Exception:
    """Return an exception that survives the pipe, with the traceback as a note."""
    said = "".join(traceback.format_exception(error))
    try:
        copy: Exception = ForkingPickler.loads(ForkingPickler.dumps(error))
    except Exception:
        copy = RuntimeError(f"{type(error).__name__}: {error}")
    copy.add_note(said)
    return copy


def _how_it_ended(exit_code: int | None) -> str:
    """Say how a process ended.

    >>> _how_it_ended(-9), _how_it_ended(3)
    ('killed', 'exit status 3')
    """
    if exit_code is not None and exit_code < 0:
        return (signal.strsignal(-exit_code) or f"signal {-exit_code}").lower()
    return f"exit status {exit_code}"


def _lost(source: Path | bytes, how: str) -> Reading:
    name = f"the image of {len(source):,} bytes" if isinstance(source, bytes) else f"'{source}'"
    return Reading("refused", message=crashed(name, how))


def crashed(name: str, how: str) -> str:
    """Say that a process died of a picture.

    >>> crashed("'a.tif'", "killed")
    "'a.tif' cannot be read: the process that tried ended twice (killed); save it again or remove it"
    """
    return f"{name} cannot be read: the process that tried ended twice ({how}); save it again or remove it"
