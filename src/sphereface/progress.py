"""How long work tells what it is doing, without knowing who listens.

Library functions take a :class:`Progress`; the command line passes a bar, tests and scripts pass nothing.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Protocol


class Task(Protocol):
    """One piece of work under way."""

    def advance(self, count: int = 1, note: str = "") -> None:
        """Say that ``count`` more units are done, with an optional short note such as ``loss 3.21``."""


class Progress(Protocol):
    """Somebody who listens: a bar on a terminal, a log, or nobody."""

    def task(self, title: str, total: int, unit: str = "images") -> AbstractContextManager[Task]:
        """Open a task of ``total`` units: ``with progress.task("training", 1000) as task``."""

    def say(self, text: str) -> None:
        """Pass on one line for a person who looks on."""

    def warn(self, text: str) -> None:
        """Pass on one line that must not be missed, whoever looks on."""


class _SilentTask:
    def advance(self, count: int = 1, note: str = "") -> None:
        pass


class Silent:
    """The listener that ignores everything."""

    def task(self, title: str, total: int, unit: str = "images") -> AbstractContextManager[Task]:
        """Open a task that nobody watches."""
        return nullcontext(_SilentTask())

    def say(self, text: str) -> None:
        """Drop the line."""

    def warn(self, text: str) -> None:
        """Drop the line."""


SILENT = Silent()
