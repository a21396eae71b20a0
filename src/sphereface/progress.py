"""How long work tells what it is doing, without knowing who listens.

Library functions take a :class:`Progress`; the command line passes a bar, scripts pass :class:`Lines` or nothing.
"""

from __future__ import annotations

import time
from contextlib import AbstractContextManager, nullcontext
from typing import Protocol, TextIO


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


class Lines:
    """The listener that writes lines, for logs, notebooks and scripts.

    Of a task it writes how far it is once a minute, so that short work leaves no line and a run of days a readable
    log: ``training: 12,800 of 90,000 images, 41 a second, 31.4 minutes left, loss 8.12``.

    Args:
        stream: Where to, such as ``sys.stderr``.
        every: Seconds between two lines of a task.
    """

    def __init__(self, stream: TextIO, every: float = 60.0) -> None:
        self._stream, self._every = stream, every

    def task(self, title: str, total: int, unit: str = "images") -> AbstractContextManager[Task]:
        """Open a task that is told of by lines."""
        return nullcontext(_TaskOfLines(self._stream, self._every, title, total, unit))

    def say(self, text: str) -> None:
        """Write the line."""
        print(text, file=self._stream, flush=True)

    def warn(self, text: str) -> None:
        """Write the line."""
        print(f"warning: {text}", file=self._stream, flush=True)


class _TaskOfLines:
    def __init__(self, stream: TextIO, every: float, title: str, total: int, unit: str) -> None:
        self._stream, self._every, self._title, self._total, self._unit = stream, every, title, total, unit
        self._done, self._began = 0, time.monotonic()
        self._told = self._began

    def advance(self, count: int = 1, note: str = "") -> None:
        self._done += count
        now = time.monotonic()
        if now - self._told < self._every:
            return
        self._told = now
        rate = self._done / (now - self._began)
        left = max(self._total - self._done, 0) / rate if rate else 0.0
        parts = [
            f"{self._title}: {self._done:,} of {self._total:,} {self._unit}",
            f"{rate:,.0f} a second" if rate >= 1 else f"{rate * 60:,.1f} a minute",
            f"{duration(left)} left",
        ]
        print(", ".join([*parts, *([note] if note else [])]), file=self._stream, flush=True)


def duration(seconds: float) -> str:
    """Write a time in the unit that suits it.

    >>> duration(90), duration(9000), duration(900_000)
    ('1.5 minutes', '2.5 hours', '10.4 days')
    """
    for unit, size, most in (("seconds", 1, 60), ("minutes", 60, 3600), ("hours", 3600, 172_800)):
        if seconds < most:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds / 86_400:,.1f} days"


SILENT = Silent()
