"""Where words go: results to stdout, everything else to stderr; JSON alone on stdout when asked for."""

from __future__ import annotations

import io
import json
import sys
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import PurePath
from typing import Any

from sphereface.percentages import fixed_percent, percent_with_interval
from sphereface.progress import Lines, Task


def print_json(value: dict[str, Any]) -> None:
    """Print one JSON object, and nothing else, to stdout; paths are texts and models objects."""
    text = json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False, default=_plain)
    try:
        text.encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:  # JSON has an escape of its own for what the output has no letter for
        text = json.dumps(value, indent=2, allow_nan=False, default=_plain)
    print(text)


def write_what_can_be_written() -> None:
    """Let both outputs escape letters that their encoding lacks: names may have any, and no work is lost by it."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _plain(value: Any) -> Any:
    if isinstance(value, PurePath):
        return str(value)
    if hasattr(value, "model_dump"):
        return value.model_dump(mode="json")
    raise TypeError(f"{type(value).__name__} has no form in JSON")


class Terminal:
    """Progress on stderr: bars with rate and time left on a terminal, elsewhere a line a minute.

    Lines passed to :meth:`say` are shown on a terminal only; a log is not told how a run felt.
    """

    def __init__(self) -> None:
        self._live = sys.stderr.isatty()
        self._lines = Lines(sys.stderr)

    def say(self, text: str) -> None:
        """Show one line for a person."""
        if self._live:
            print(text, file=sys.stderr, flush=True)

    def warn(self, text: str) -> None:
        """Show one line, also where the output goes to a file."""
        self._lines.warn(text)

    def task(self, title: str, total: int, unit: str = "images") -> AbstractContextManager[Task]:
        """Open a bar, or a task that is told of by lines."""
        return self._bar(title, total, unit) if self._live else self._lines.task(title, total, unit)

    @contextmanager
    def _bar(self, title: str, total: int, unit: str) -> Iterator[Task]:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        columns = (
            TextColumn("{task.description:<22}"),
            BarColumn(bar_width=28),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeRemainingColumn(compact=True, elapsed_when_finished=True),
            TextColumn("{task.fields[note]}"),
        )
        with Progress(*columns, console=Console(stderr=True)) as bars:
            number = bars.add_task(title, total=total, rate="", note="")
            yield _Bar(bars, number, unit)


class _Bar:
    """One bar of rich, which is given its rate over the whole task."""

    def __init__(self, bars: Any, number: Any, unit: str) -> None:
        self._bars, self._number, self._unit = bars, number, unit
        self._done, self._began = 0, time.monotonic()

    def advance(self, count: int = 1, note: str = "") -> None:
        """Move the bar."""
        self._done += count
        rate = self._done / max(time.monotonic() - self._began, 1e-9)
        self._bars.update(self._number, advance=count, rate=f"{rate:,.0f} {self._unit}/s", note=note)


def percent(value: float | None, digits: int = 2) -> str:
    """Write a share as a percentage.

    >>> percent(0.0123), percent(3e-5), percent(None)
    ('1.23 %', '0.0030 %', 'not supported by this data')
    """
    return "not supported by this data" if value is None else f"{fixed_percent((value,), digits)[0]} %"


def rate_text(rate: Any) -> str:
    """Write a rate with its interval, or why there is none."""
    if rate.value is None:
        return rate.reason or percent(None)
    return percent_with_interval(rate.value, rate.low, rate.high)
