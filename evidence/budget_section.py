"""Section on question 7: does the answer depend on the budget?"""

from __future__ import annotations

from collections.abc import Sequence

from evidence import plan
from evidence.budget import BudgetRow
from evidence.section import OF, SHORT, SORTED, Section, blocks, judged
from evidence.wording import mean_words, name_of, paragraph, sorted_clauses, together_words
from sphereface.card.markdown import table


def budgets(found: Sequence[BudgetRow]) -> Section:
    """Return question 7."""
    few, many = plan.BUDGETS
    margins = [row for row in found if row.change is not None]
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
        f"Gains more than NormFace from {many:,} steps instead of {few:,}:",
        "Gains less:",
        **SORTED,
    )
    rows = [
        (
            name_of(row.name),
            *(mean_words(row.headline[steps]) for steps in plan.BUDGETS),
            *(mean_words(row.easier[steps]) for steps in plan.BUDGETS),
        )
        for row in found
    ]
    differences = [
        (name_of(row.name), *map(judged, [*row.against.values(), row.change, *row.against_tuned.values()]))
        for row in margins
        if row.change is not None
    ]
    body = blocks(
        table(
            [
                "loss",
                f"{OF}, {few:,} steps",
                f"{many:,} steps",
                f"FNMR at FMR 1 %, {few:,} steps",
                f"{many:,} steps",
            ],
            rows,
        ),
        paragraph(
            "Less NormFace at s = 30, in points, and how that changes from the smaller budget to the larger; then "
            "less NormFace at s = 15, exploratory. Nothing is tuned again for the larger budget."
        ),
        table(
            [
                "loss",
                f"{few:,} steps",
                f"{many:,} steps",
                "change",
                f"less s = 15, {few:,} steps",
                f"less s = 15, {many:,} steps",
            ],
            differences,
        ),
    )
    named = [
        *(
            (f"{name_of(row.name)} after {steps:,} steps", row.against[steps])
            for steps in plan.BUDGETS
            for row in margins
        ),
        *((f"the change of {name}", change) for name, change in changes),
    ]
    short = sorted_clauses(
        changes, "More training favours the margin:", "favours NormFace:", **SHORT, points=False
    )
    verdict = f"{'. '.join([*verdicts, *gains])}. {together_words(named, len(named))}"
    return Section("; ".join(short), verdict, body)
