"""What the runs answer to question 7: is a margin worth more where there is more training?"""

from __future__ import annotations

from dataclasses import dataclass

from evidence import plan
from evidence.answers import easier_rates, headlines
from evidence.comparing import Comparison
from evidence.study import Study
from sphereface.evaluation.repeated import Repeated

PLAIN, TUNED = "normface-s30", "normface-s15"


@dataclass(frozen=True)
class BudgetRow:
    """A loss at both budgets.

    Attributes:
        name: Of the row.
        headline: By number of steps.
        easier: FNMR at FMR 1 %, likewise.
        against: The headline less NormFace's at s = 30, likewise; empty for NormFace.
        change: How that difference changes from the smaller budget to the larger; None for NormFace.
        against_tuned: The headline less NormFace's at s = 15, which the tuning trials found better.
    """

    name: str
    headline: dict[int, Repeated]
    easier: dict[int, Repeated]
    against: dict[int, Comparison]
    change: Comparison | None
    against_tuned: dict[int, Comparison]


def budgets(study: Study) -> tuple[BudgetRow, ...] | None:
    """Return what question 7 found."""
    ready = study.ready("budget")
    if ready is None:
        return None
    rows, counted = ready
    headline, easier = headlines(rows, counted), easier_rates(rows, counted)
    margins = [name for name in plan.PUBLISHED if not name.startswith("normface")]
    together = (1 + len(plan.BUDGETS)) * len(margins)
    few, many = plan.BUDGETS
    found = []
    for name in plan.PUBLISHED:
        at = {steps: plan.budget_row(name, steps) for steps in plan.BUDGETS}
        plain = {steps: plan.budget_row(PLAIN, steps) for steps in plan.BUDGETS}
        weights = {at[many]: 1.0, plain[many]: -1.0, at[few]: -1.0, plain[few]: 1.0}
        found.append(
            BudgetRow(
                name,
                {steps: headline.mean(row) for steps, row in at.items()},
                {steps: easier.mean(row) for steps, row in at.items()},
                {steps: headline.compare(at[steps], plain[steps], together) for steps in plan.BUDGETS}
                if name in margins
                else {},
                headline.compare_sums(name, PLAIN, weights, together) if name in margins else None,
                {steps: headline.compare(at[steps], plan.budget_row(TUNED, steps)) for steps in plan.BUDGETS}
                if name in margins
                else {},
            )
        )
    return tuple(found)
