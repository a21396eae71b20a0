"""Section on question 7: does the answer depend on the budget?"""

from __future__ import annotations

from collections.abc import Sequence

from evidence import drawing, plan
from evidence.budget import BudgetAnswer, BudgetRow
from evidence.comparing import Comparison
from evidence.section import (
    OF,
    SHORT,
    SORTED,
    Section,
    blocks,
    calm_words,
    ended,
    failed_words,
    judged,
    picture,
)
from evidence.wording import (
    listed,
    loss_words,
    mean_words,
    name_of,
    number,
    paragraph,
    sorted_clauses,
    together_words,
)
from sphereface.card.markdown import table

FEW, MANY = plan.BUDGETS


def budgets(found: BudgetAnswer) -> Section:
    """Return question 7."""
    margins = [row for row in found.rows if row.change is not None]
    verdicts = [
        "; ".join(
            sorted_clauses(
                [(name_of(row.name), row.against[steps]) for row in margins],
                f"After {steps:,} steps lower error than NormFace at s = 30:",
                "higher:",
                **SHORT,
            )
        )
        for steps in plan.BUDGETS
    ]
    changes = [(name_of(row.name), row.change) for row in margins if row.change is not None]
    gains = sorted_clauses(
        changes,
        f"Gains more than NormFace from {MANY:,} steps instead of {FEW:,}:",
        "Gains less:",
        **SORTED | {"undecided": "Undecided whether it gains more or less:"},
    )
    named = [
        *(
            (f"{name_of(row.name)} after {steps:,} steps", row.against[steps])
            for steps in plan.BUDGETS
            for row in margins
        ),
        *((f"the change of {name}", change) for name, change in changes),
    ]
    ended_rows = [
        (f"{name_of(row.name)} after {steps:,} steps", ending)
        for row in found.rows
        for steps, ending in row.ending.items()
    ]
    verdict = " ".join(
        (
            f"{'. '.join([*verdicts, *gains])}.",
            together_words(named, len(named)),
            calm_words(named, found.restless),
            failed_words(ended_rows),
        )
    )
    return Section(
        _short(margins, changes), verdict, _body(found, margins), {"budget": drawing.budget_figure(found)}
    )


def _short(margins: Sequence[BudgetRow], changes: Sequence[tuple[str, Comparison]]) -> str:
    """Return how far from NormFace each margin is after either budget, and what is known of the change."""
    values = {
        row.name: [number(100.0 * one.difference.value, 1) for one in row.against.values()] for row in margins
    }
    points = listed([f"{name_of(name)} {' and '.join(both)}" for name, both in values.items()])
    words = sorted_clauses(changes, "with more training it gains on NormFace:", "it loses:", **SHORT, points=False)
    budgets_words = f"after {FEW:,} and after {MANY:,} steps"
    return f"Less NormFace (s = 30), points {budgets_words}: {points}; {'; '.join(words)}"


def _body(found: BudgetAnswer, margins: Sequence[BudgetRow]) -> str:
    rows = [
        (
            loss_words(*plan.PUBLISHED[row.name]),
            *(mean_words(row.headline[steps]) for steps in plan.BUDGETS),
            *(mean_words(row.easier[steps]) for steps in plan.BUDGETS),
            *(ended(row.ending[steps]) for steps in plan.BUDGETS),
        )
        for row in found.rows
    ]
    differences = [
        (
            loss_words(*plan.PUBLISHED[row.name]),
            *map(judged, [*row.against.values(), row.change, row.change_easier, *row.against_tuned.values()]),
        )
        for row in margins
        if row.change is not None and row.change_easier is not None
    ]
    many = f"{MANY:,} steps"
    return blocks(
        picture("budget", f"Headline of each margin less NormFace's after {FEW:,} and after {MANY:,} steps"),
        table(
            [
                "loss",
                f"{OF}, {FEW:,} steps",
                many,
                f"FNMR at FMR 1 %, {FEW:,} steps",
                many,
                f"ended, {FEW:,} steps",
                many,
            ],
            rows,
        ),
        paragraph(
            "Hollow: a run failed. Less NormFace at s = 30, in points, and how that changes from the smaller "
            "budget to the larger; then less NormFace at s = 15, which the tuning trials found better, "
            "exploratory: what gains on s = 30 need not gain by its margin. Nothing is tuned again for the "
            "larger budget. A change is *near the ceiling* where both losses miss more than 95 % after one of "
            "the budgets."
        ),
        table(
            [
                "loss",
                f"{FEW:,} steps",
                many,
                "change",
                "change of FNMR at FMR 1 %",
                f"less s = 15, {FEW:,} steps",
                f"less s = 15, {many}",
            ],
            differences,
        ),
    )
