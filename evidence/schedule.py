"""In which order runs are made, and which can be made yet: some wait for what others find."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from evidence import plan
from evidence.plan import CANDIDATES, Run, Settings
from evidence.summary import SUMMARIES, read_summary


def chosen_settings(summaries: Path = SUMMARIES) -> dict[str, Settings]:
    """Return for each loss the settings of its best trial, for losses whose trials are all done.

    The best has the lowest FNMR at FMR 0.1 % on training people kept out of the trials; a trial that stopped
    is the worst; of equal ones the first in the plan wins.
    """
    found: dict[str, list[tuple[float, int]]] = {}
    for run in plan.trials():
        summary = read_summary(run, summaries)
        number = int(run.row.rpartition("-")[2])
        if summary is not None:
            rate = summary["trial"]["fnmr"] if "trial" in summary else 2.0
            found.setdefault(run.head, []).append((rate, number))
    return {
        head: CANDIDATES[head][min(results)[1] - 1]
        for head, results in found.items()
        if len(results) == len(CANDIDATES[head])
    }


QUESTIONS: dict[str, Callable[[Path], Iterator[Run]]] = {
    "tuning": lambda _: plan.trials(),
    "margins": lambda summaries: plan.margins(chosen_settings(summaries)),
    "gradients": lambda _: plan.gradients(),
    "sizes": lambda _: plan.sizes(),
    "norms": lambda _: plan.norms(),
}


def runs_to_make(only: Sequence[str] = (), summaries: Path = SUMMARIES) -> list[Run]:
    """Return the runs that can be made by now, done or not, in order; of some questions only, if any are named."""
    return [run for name, runs in QUESTIONS.items() if not only or name in only for run in runs(summaries)]
