"""How long work tells what it is doing, without knowing who listens.

Library functions take a :class:`Progress`; the command line passes a bar, tests and scripts pass nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol


class Task(Protocol):
    """One piece of work under way."""

    def advance(self, count: int = 1, note: str = "") -> None:
        """Say that ``count`` more units are done, with an optional short note such as ``loss 3.21``."""


class Progress(Protocol):
    """Somebody who listens: a bar on a terminal, a log, or nobody."""

    def task(self, title: str, total: int, unit: str = "images") -> AbstractTask:
        """Open a task of ``total`` units; use it as a context manager."""

    def say(self, text: str) -> None:
        """Pass on one line for a person."""


class AbstractTask(Protocol):
    """A task that opens and closes: ``with progress.task(...) as task``."""

    def __enter__(self) -> Task: ...

    def __exit__(self, *exception: object) -> None: ...


class _SilentTask:
    def advance(self, count: int = 1, note: str = "") -> None:
        pass


class Silent:
    """The listener that ignores everything."""

    @contextmanager
    def task(self, title: str, total: int, unit: str = "images") -> Iterator[Task]:
        """Open a task that nobody watches."""
        yield _SilentTask()

    def say(self, text: str) -> None:
        """Drop the line."""


SILENT = Silent()
