"""Lines of progress: one a minute, readable, none for short work."""

from __future__ import annotations

import io

import pytest

from sphereface import progress
from sphereface.progress import Lines, Progress


def test_a_line_a_minute_says_how_far_and_how_long(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr(progress.time, "monotonic", lambda: now)
    stream = io.StringIO()
    listener: Progress = Lines(stream)
    with listener.task("training", 10_000) as task:
        for second in range(1, 131):
            now = float(second)
            task.advance(10, "loss 8.12")
    assert stream.getvalue().splitlines() == [
        "training: 600 of 10,000 images, 10 a second, 15.7 minutes left, loss 8.12",
        "training: 1,200 of 10,000 images, 10 a second, 14.7 minutes left, loss 8.12",
    ]


def test_slow_work_is_counted_by_the_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr(progress.time, "monotonic", lambda: now)
    stream = io.StringIO()
    with Lines(stream).task("runs", 3, "runs") as task:
        now = 120.0
        task.advance()
    assert stream.getvalue() == "runs: 1 of 3 runs, 0.5 a minute, 4.0 minutes left\n"


def test_words_are_passed_on() -> None:
    stream = io.StringIO()
    listener = Lines(stream)
    listener.say("reading")
    listener.warn("two people have one name")
    assert stream.getvalue() == "reading\nwarning: two people have one name\n"
