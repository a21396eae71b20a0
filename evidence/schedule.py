"""In which order runs are made, and which can be made yet: some wait for what others find."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from evidence import plan
from evidence.outcome import outcome
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


def stability_runs(summaries: Path = SUMMARIES) -> Iterator[Run]:
    """Yield question 3: the control from rung to rung until it fails often enough, and all other arms there.

    Nothing comes after a control that never fails: then nothing was tested.
    """
    for backbone, rate in plan.RUNGS:
        control = list(plan.stability(plan.CONTROL, backbone, rate))
        yield from control
        ends = [outcome(summary) for run in control if (summary := read_summary(run, summaries)) is not None]
        if len(ends) < len(control):
            return
        if 2 * sum(end != "trained" for end in ends) >= len(ends):
            for arm in plan.ARMS:
                if arm != plan.CONTROL:
                    yield from plan.stability(arm, backbone, rate)
            return


QUESTIONS: dict[str, Callable[[Path], Iterator[Run]]] = {
    "tuning": lambda _: plan.trials(),
    "margins": lambda summaries: plan.margins(chosen_settings(summaries)),
    "twins": lambda summaries: plan.twins(chosen_settings(summaries)),
    "gradients": lambda _: plan.gradients(),
    "stability": stability_runs,
    "milder": lambda _: plan.milder(),
    "sizes": lambda _: plan.sizes(),
    "norms": lambda _: plan.norms(),
    "budget": lambda _: plan.budgets(),
}


def runs_to_make(only: Sequence[str] = (), summaries: Path = SUMMARIES) -> list[Run]:
    """Return the runs that can be made by now, done or not, in order; of some questions only, if any are named."""
    return [run for name, runs in QUESTIONS.items() if not only or name in only for run in runs(summaries)]


def planned_runs(question: str, summaries: Path = SUMMARIES) -> int:
    """Return how many runs a question has: more than can be named as long as some wait for what others find."""
    runs = list(QUESTIONS[question](summaries))
    if question == "margins" and len(chosen_settings(summaries)) < len(CANDIDATES):
        return len(CANDIDATES) * len(plan.SEEDS)  # twins may make it one loss fewer
    if question == "stability":
        climbed = len(runs) == len(plan.RUNGS) * len(plan.STRESS_SEEDS)
        if not (climbed and all(read_summary(run, summaries) for run in runs)):
            # Unless the control is known never to fail, the other arms are to come on this rung or a later one.
            to_come = all(run.row.startswith(plan.CONTROL) for run in runs)
            return len(runs) + to_come * (len(plan.ARMS) - 1) * len(plan.STRESS_SEEDS)
    return len(runs)
