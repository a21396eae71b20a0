"""How far the runs are, and everything that the page is made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from evidence.counted import Counted, read_counted
from evidence.plan import Settings
from evidence.schedule import QUESTIONS, chosen_settings, planned_runs
from evidence.summary import SUMMARIES, Rows, Summary, load_summary, read_summary


@dataclass(frozen=True)
class Progress:
    """How far a question is.

    Attributes:
        question: Its name.
        planned: Number of its runs.
        made: Summaries of those that were made, by row, in the order of the seeds.
    """

    question: str
    planned: int
    made: Rows

    @property
    def done(self) -> int:
        """Number of runs made."""
        return sum(len(row) for row in self.made.values())

    @property
    def complete(self) -> bool:
        """Whether there is nothing left to run."""
        return self.done == self.planned

    @property
    def stopped(self) -> tuple[Summary, ...]:
        """Runs that stopped before their end."""
        return tuple(summary for row in self.made.values() for summary in row if summary["stopped"])


@dataclass(frozen=True)
class Study:
    """All that the page is made of.

    Attributes:
        progress: By question, in the order of the runs.
        chosen: Settings that the tuning trials chose.
        counted: Whom the summaries count, None before the first run.
        learners: Number of people learned from.
    """

    progress: Mapping[str, Progress]
    chosen: Mapping[str, Settings]
    counted: Counted | None
    learners: int

    def ready(self, question: str) -> tuple[Rows, Counted] | None:
        """Return a question's rows once all of its runs are done."""
        found = self.progress[question]
        return (found.made, self.counted) if found.complete and self.counted is not None else None


def read_study(summaries: Path = SUMMARIES) -> Study:
    """Read every summary there is."""
    known = summaries / "people.json"
    people = load_summary(known)["learners"]["people"] if known.exists() else 0
    return Study(
        {question: _progress(question, summaries) for question in QUESTIONS},
        chosen_settings(summaries),
        read_counted(summaries) if known.exists() else None,
        people,
    )


def _progress(question: str, summaries: Path) -> Progress:
    made: dict[str, list[Summary]] = {}
    for run in QUESTIONS[question](summaries):
        summary = read_summary(run, summaries)
        if summary is not None:
            made.setdefault(run.row, []).append(summary)
    return Progress(question, planned_runs(question, summaries), made)
