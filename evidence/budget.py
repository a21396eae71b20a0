"""What the runs answer to question 7: is a margin worth more where there is more training?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from evidence import plan
from evidence.answers import easier_rates, headlines
from evidence.comparing import CEILING, Comparison, Pool, Verdict
from evidence.endings import Ending, endings
from evidence.study import Study
from sphereface.evaluation.repeated import Repeated

PLAIN, TUNED = UNDER = "normface-s30", "normface-s15"


@dataclass(frozen=True)
class BudgetRow:
    """A loss at both budgets.

    Attributes:
        name: Of the row.
        headline: By number of steps.
        easier: FNMR at FMR 1 %, likewise.
        against: The headline less NormFace's at s = 30, likewise; empty for NormFace.
        change: How that difference changes from the smaller budget to the larger; None for NormFace. Near the
            ceiling where both losses are there at one of the budgets: who cannot get worse gains nothing.
        change_easier: The same by FNMR at FMR 1 %.
        against_tuned: The headline less NormFace's at s = 15, which the tuning trials found better.
        ending: How many of its runs failed, by number of steps.
    """

    name: str
    headline: dict[int, Repeated]
    easier: dict[int, Repeated]
    against: dict[int, Comparison]
    change: Comparison | None
    change_easier: Comparison | None
    against_tuned: dict[int, Comparison]
    ending: dict[int, Ending]


@dataclass(frozen=True)
class BudgetAnswer:
    """Question 7: its rows, and the one whose headlines lie furthest apart."""

    rows: tuple[BudgetRow, ...]
    restless: str


def budgets(study: Study) -> BudgetAnswer | None:
    """Return what question 7 found."""
    ready = study.ready("budget")
    if ready is None:
        return None
    rows, counted = ready
    pools = headlines(rows, counted), easier_rates(rows, counted)
    headline, easier = pools
    ended = {ending.row: ending for ending in endings(rows)}
    together = (1 + len(plan.BUDGETS)) * (len(plan.PUBLISHED) - len(UNDER))
    found = []
    for name in plan.PUBLISHED:
        at, plain, tuned = (
            {steps: plan.budget_row(row, steps) for steps in plan.BUDGETS} for row in (name, *UNDER)
        )
        margin = name not in UNDER
        found.append(
            BudgetRow(
                name,
                {steps: headline.mean(row) for steps, row in at.items()},
                {steps: easier.mean(row) for steps, row in at.items()},
                {steps: headline.compare(row, plain[steps], together) for steps, row in at.items()}
                if margin
                else {},
                _change(headline, name, at, plain, together) if margin else None,
                _change(easier, name, at, plain) if margin else None,
                {steps: headline.compare(row, tuned[steps]) for steps, row in at.items()} if margin else {},
                {steps: ended[row] for steps, row in at.items()},
            )
        )
    return BudgetAnswer(tuple(found), headline.restless)


def _change(
    pool: Pool, name: str, at: Mapping[int, str], plain: Mapping[int, str], together: int = 0
) -> Comparison:
    few, many = plan.BUDGETS
    weights = {at[many]: 1.0, plain[many]: -1.0, at[few]: -1.0, plain[few]: 1.0}
    change = pool.compare_sums(name, PLAIN, weights, together)
    crowded = any(min(pool.mean(row[steps]).value for row in (at, plain)) > CEILING for steps in plan.BUDGETS)
    return replace(change, planned=Verdict.CEILING, calm=None) if crowded else change
