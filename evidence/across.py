"""What all networks of four layers say after 600 steps, whichever question they were made for: exploratory."""

from __future__ import annotations

from dataclasses import dataclass

from evidence import plan
from evidence.answers import Judged, easier_rates, headlines, judged_rows
from evidence.budget import TUNED
from evidence.comparing import Comparison, same_rows
from evidence.endings import failed_rows
from evidence.plan import Run
from evidence.study import Study

MADE_FOR = {
    "gradients": plan.gradients,
    "sizes": plan.sizes,
    "norms": plan.norms,
    "budget": plan.budgets,
}
FEW = plan.BUDGETS[0]
PLAIN = plan.budget_row(TUNED, FEW)
_TRIED_BY = ("scale", "margin", "lambda_min")
_USUAL = {"gradient": "full", "prototypes": "reparametrised", "radius": "hfn"}


@dataclass(frozen=True)
class SmallRow:
    """A row of networks of four layers, with NormFace's at s = 15 taken off.

    Attributes:
        judged: Its rates.
        run: One of its runs, as planned.
        trial: FNMR of the tuning trial with this loss, scale and margin, if there was one.
        against: The headline less that of ``PLAIN``; None for that itself.
        easier: The same by FNMR at FMR 1 %.
    """

    judged: Judged
    run: Run
    trial: float | None
    against: Comparison | None
    easier: Comparison | None


@dataclass(frozen=True)
class AcrossAnswer:
    """The rows of which no run failed, the best first, and how many others there are."""

    rows: tuple[SmallRow, ...]
    failed: int
    restless: str


def across(study: Study) -> AcrossAnswer | None:
    """Return what the small networks say, once the four questions that they were made for are done."""
    ready = {question: study.ready(question) for question in MADE_FOR}
    trials, counted = _trials(study), study.counted
    if trials is None or counted is None or None in ready.values():
        return None
    made = {row: runs for one in ready.values() if one is not None for row, runs in one[0].items()}
    runs = {run.row: run for question in MADE_FOR.values() for run in question() if _is_small(run)}
    # Of rows with the same weights the last stays, which is that of question 7: all are compared with one of its.
    rows = {row: made[row] for row in reversed(runs)}
    rows = {row: found for row, found in rows.items() if row not in same_rows(rows)}
    failed = failed_rows(rows)
    learned = {row: found for row, found in rows.items() if row not in failed}
    pools = headlines(learned, counted), easier_rates(learned, counted)
    found = []
    for row, judged in judged_rows(learned, counted).items():
        run = runs[row]
        against, easier = (None if row == PLAIN else pool.compare(row, PLAIN, len(learned) - 1) for pool in pools)
        found.append(SmallRow(judged, run, trials.get(_key(run)), against, easier))
    found.sort(key=lambda row: row.judged.headline.value)
    return AcrossAnswer(tuple(found), len(failed), pools[0].restless)


def _is_small(run: Run) -> bool:
    """Say whether a run is of four layers and 600 steps, with the usual prototypes, on pictures as they are."""
    usual = run.settings.get("prototypes", _USUAL["prototypes"]) == _USUAL["prototypes"]
    return run.backbone == "sfnet4" and run.steps == FEW and usual and not run.degrade


def _trials(study: Study) -> dict[tuple[object, ...], float | None] | None:
    """Return FNMR of every trial by its loss and settings."""
    ready = study.ready("tuning")
    if ready is None:
        return None
    rows, _ = ready
    return {_key(run): rows[run.row][0].get("trial", {}).get("fnmr") for run in plan.trials()}


def _key(run: Run) -> tuple[object, ...]:
    """Return what makes two losses the same: trials had a fixed norm and the usual gradient and prototypes."""
    settings = run.settings
    modes = (settings.get(name, usual) for name, usual in _USUAL.items())
    return run.head, *(settings.get(name) for name in _TRIED_BY), *modes
