"""Sections on how training behaves: questions 3 to 6."""

from __future__ import annotations

from collections.abc import Sequence

from evidence import drawing, plan
from evidence.answers import MARGINS, CriterionAnswer, SizesAnswer
from evidence.budget import BudgetRow
from evidence.comparing import Comparison
from evidence.drawing import TWO_CLASSES
from evidence.quality import Norm, NormsAnswer
from evidence.section import (
    HEALTH_NAMES,
    OF,
    RATES,
    SHORT,
    SORTED,
    Section,
    blocks,
    health,
    judged_together,
    marked,
    picture,
    rates,
    together_note,
)
from evidence.stability import LEVEL, StabilityAnswer
from evidence.wording import (
    difference_words,
    listed,
    mean_words,
    name_of,
    network_of,
    number,
    paragraph,
    share,
    sorted_clauses,
    together_words,
    verdict_words,
)
from sphereface.card.markdown import table
from sphereface.sphere.bounds import MANY_ORTHONORMAL

STEP_NAMES = {
    "annealed": "With m and lambda down to 5 as published",
    "whole": "With a margin that is whole in the end",
    "depth": "With depth",
}


def stability(found: StabilityAnswer) -> Section:
    """Return question 3."""
    rungs = "; ".join(
        f"{network_of(backbone)} at rate {rate:g}: {arm.seeds - arm.trained} of {arm.seeds} seeds fail"
        for backbone, rate, arm in found.tried
    )
    if not found.tested:
        never = f"Not tested: A-Softmax with m = 4 and no lambda never fails often enough ({rungs})."
        nothing = "Without a loss that fails there is nothing to be more stable than."
        return Section("Not tested: the control never fails", never, nothing)
    ended = "; ".join(f"{name_of(arm.name)} {arm.trained} of {arm.seeds}" for arm in found.arms)
    better = [name_of(test.first) for test in found.against_control if test.p < LEVEL]
    more = (
        f"{listed(better)} train{'s' * (len(better) == 1)} more often than A-Softmax m = 4"
        if better
        else "none trains more often for sure"
    )
    rows = [
        (name_of(arm.name), str(arm.trained), str(arm.stuck), str(arm.diverged), _p_of(found, arm.name))
        for arm in found.arms
    ]
    gradient = "; ".join(
        f"{name_of(test.first)} with {name_of(test.second)}, p = {test.p:.3f}" for test in found.by_gradient
    )
    body = blocks(
        picture("stability", "How the seeds of each arm ended: trained, stuck or diverged"),
        paragraph(f"The control, A-Softmax with m = 4 and no lambda: {rungs}."),
        table(["arm", "trained", "stuck", "diverged", "Fisher's p against the control"], rows),
        paragraph(f"Full and detached gradient, exploratory: {gradient}."),
    )
    verdict = f"Seeds that train: {ended}. Of the five arms of the claim, at p < {LEVEL:g}: {more}."
    control = next(arm for arm in found.arms if arm.name == plan.CONTROL)
    short = (
        f"The control trains in {control.trained} of {control.seeds} seeds; of the five arms of the claim {more}"
    )
    return Section(short, verdict, body, {"stability": drawing.stability_figure(found.arms)})


def _p_of(found: StabilityAnswer, arm: str) -> str:
    return next((f"{test.p:.4f}" for test in found.against_control if test.first == arm), "–")


def sizes(found: SizesAnswer) -> Section:
    """Return question 4."""
    verdicts, all_steps = [], []
    for series, steps in found.steps.items():
        named = [(step_words(one), one) for one in steps]
        verdicts.append(f"{STEP_NAMES[series]} {_steps_sorted(named)}.")
        how = {"annealed": " with lambda", "whole": " of the whole margin"}.get(series, "")
        all_steps += [(words + how, one) for words, one in named]
    verdicts.append(together_words(all_steps, len(all_steps)))
    rows = [(name_of(row.name), str(len(row.seeds)), *rates(row), *health(row)) for row in found.rows]
    steps_rows = [
        (_series(series), step_words(one), *judged_together(one))
        for series, steps in found.steps.items()
        for one in steps
    ]
    body = blocks(
        picture("m", "Headline against m, with lambda and whole")
        + "\n"
        + picture("depth", "Headline against depth"),
        paragraph(
            "The paper says that error falls with m and with depth. Each step up, headline, in points; "
            f"{together_note(len(all_steps))}."
        ),
        table(["series", "step", "difference", "verdict", "together"], steps_rows),
        table(["row", "seeds", *RATES, *HEALTH_NAMES], rows),
    )
    figures = {"m": drawing.m_figure(found), "depth": drawing.depth_figure(found)}
    short = _steps_sorted(all_steps, points=False)
    return Section(short[:1].upper() + short[1:], " ".join(verdicts), body, figures)


def _series(series: str) -> str:
    return STEP_NAMES[series].removeprefix("With ")


def _steps_sorted(named: Sequence[tuple[str, Comparison]], *, points: bool = True) -> str:
    clauses = sorted_clauses(
        named,
        "error falls from",
        "it rises from",
        "no difference from",
        "undecided from",
        nothing="no step to the next",
        points=points,
    )
    return "; ".join(clauses)


def step_words(step: Comparison) -> str:
    """Return from where to where a step goes.

    >>> from evidence.comparing import Verdict
    >>> from sphereface.evaluation.repeated import Repeated
    >>> nothing = Repeated(0, 0, 0, 0, 0, 0)
    >>> step_words(Comparison("annealed-m2-sfnet4", "annealed-m1-sfnet4", nothing, Verdict.OPEN))
    'm = 1 to 2'
    """
    (_, margin, network), (_, before, smaller) = step.first.split("-"), step.second.split("-")
    if margin != before:
        return f"m = {before[1:]} to {margin[1:]}"
    return f"{smaller.removeprefix('sfnet')} to {network.removeprefix('sfnet')} layers"


def criterion(found: CriterionAnswer) -> Section:
    """Return question 5."""
    sentences = []
    for (series, who), rise in found.rise.items():
        curve = found.share[series, who]
        how = "lambda" if series == "annealed" else "the whole margin"
        people = "of the strangers" if who == "strangers" else "of the people learned from"
        sentences.append(
            f"With {how}, {share(curve[0][1].value)} {people} meet it at m = {MARGINS[0]} and "
            f"{share(curve[-1][1].value)} at m = {MARGINS[-1]}: {verdict_words(rise)}."
        )
    rows = [
        (
            "lambda down to 5" if series == "annealed" else "whole",
            who,
            *(mean_words(mean) for _, mean in curve),
            difference_words(found.rise[series, who].difference),
        )
        for (series, who), curve in found.share.items()
    ]
    body = blocks(
        picture("criterion", "Share of people who meet the ideal criterion against m"),
        paragraph(
            f"Theory asks for m = {TWO_CLASSES:.2f} for two classes in any dimension and for "
            f"{MANY_ORTHONORMAL:.2f} for many orthonormal prototypes. Strangers are those with two pictures or "
            "more. For a share of people the plan has no bounds of *no difference*, so here a comparison is a "
            "difference or undecided."
        ),
        table(["margin", "people", *(f"m = {m}" for m in MARGINS), "m = 4 less m = 1, points"], rows),
    )
    short = "; ".join(
        f"{who}, {'lambda' if series == 'annealed' else 'whole margin'}: {verdict_words(rise)}"
        for (series, who), rise in found.rise.items()
    )
    short = f"The share who meet it, m = {MARGINS[-1]} less m = {MARGINS[0]}: {short}"
    return Section(short, " ".join(sentences), body, {"criterion": drawing.criterion_figure(found)})


def norms(found: NormsAnswer) -> Section:
    """Return question 6."""
    clauses = sorted_clauses(
        [(name_of(row.name), row.by_norm) for row in found.rows],
        "Leaving out the 20 % shortest embeddings lowers FNMR with",
        "It raises FNMR with",
        **SORTED,
    )
    sharper = sorted_clauses(
        [(name_of(row.name), row.between) for row in found.rows],
        "It does better than leaving out the 20 % least sharp pictures with",
        "It does worse than that with",
        **SORTED,
    )
    rows = [
        (
            name_of(row.name),
            mean_words(row.headline),
            mean_words(row.without),
            *(_cell(one) for one in (row.by_norm, row.by_sharpness, row.between)),
            _false_words(row),
            number(row.correlation),
        )
        for row in found.rows
    ]
    body = blocks(
        picture("discard", "FNMR of what is left against the share of the shortest embeddings left out"),
        sharper_paragraph(". ".join(sharper), found.compared),
        table(
            [
                "row",
                "FNMR, all",
                "without the 20 % shortest",
                "by norm, points",
                "by sharpness, points",
                "norm less sharpness, points",
                "FMR, all and without the 20 % shortest",
                "norm and sharpness, rank correlation",
            ],
            rows,
        ),
        paragraph(
            "`radial` on degraded pictures, beside the same pictures without it: headline "
            f"{verdict_words(found.radial)}{_survives(found.radial)}; what leaving out by norm adds to FNMR "
            f"changes by {verdict_words(found.radial_by_norm)}{_survives(found.radial_by_norm)}."
        ),
    )
    named = [(name_of(row.name), row.by_norm) for row in found.rows]
    together = together_words(named, found.compared, "none of these differs")
    short = sorted_clauses(
        named, "Leaving out short embeddings lowers FNMR with", "raises it with", **SHORT, points=False
    )
    figures = {"discard": drawing.discard_figure(found)}
    return Section("; ".join(short), f"{'. '.join(clauses)}. {together}", body, figures)


def _cell(comparison: Comparison) -> str:
    return f"{difference_words(comparison.difference)}, {marked(comparison)}{_survives(comparison)}"


def _survives(comparison: Comparison) -> str:
    return ", *together*" if comparison.survives else ""


def _false_words(row: Norm) -> str:
    """Return FMR before and after leaving pictures out, and how many times the first the second is."""
    if row.false_all is None or row.false_left is None:
        return "–"
    times = f" (× {number(row.false_left / row.false_all)})" if row.false_all else ""
    return f"{share(row.false_all, 3)}, {share(row.false_left, 3)}{times}"


def sharper_paragraph(sharper: str, compared: int) -> str:
    """Return what the columns of question 6 are, after how norm and sharpness compare."""
    return paragraph(
        f"{sharper}. FNMR is taken at the headline's threshold in all columns, each difference within each run; "
        "its interval over people and seeds takes that threshold for fixed. FMR is that of the "
        "pairs that are left, by norm, at the same threshold: FNMR that falls while FMR rises is no plain gain. "
        f"*Together*: the difference survives at 1 − 0.05/{compared}."
    )


def budgets(found: Sequence[BudgetRow]) -> Section:
    """Return question 7."""
    few, many = plan.BUDGETS
    margins = [row for row in found if row.change is not None]
    verdicts = [
        "; ".join(
            sorted_clauses(
                [(name_of(row.name), row.against[steps]) for row in margins],
                f"After {steps:,} steps lower error than NormFace at s = 30:",
                f"after {steps:,} steps higher error:",
                **SORTED,
            )
        )
        for steps in plan.BUDGETS
    ]
    changes = [(name_of(row.name), row.change) for row in margins if row.change is not None]
    gains = sorted_clauses(
        changes,
        "More training helps more than it helps NormFace:",
        "More training helps less than it helps NormFace:",
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
        (name_of(row.name), *map(_judged, [*row.against.values(), row.change]))
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
        "Less NormFace at s = 30, in points, and how that changes from the smaller budget to the larger:",
        table(["loss", f"{few:,} steps", f"{many:,} steps", "change"], differences),
    )
    named = [
        *(
            (f"{name_of(row.name)} after {steps:,} steps", row.against[steps])
            for steps in plan.BUDGETS
            for row in margins
        ),
        *((f"what more training does for {name}", change) for name, change in changes),
    ]
    short = sorted_clauses(
        changes, "More training favours the margin:", "favours NormFace:", **SHORT, points=False
    )
    verdict = f"{'. '.join([*verdicts, *gains])}. {together_words(named, len(named))}"
    return Section("; ".join(short), verdict, body)


def _judged(comparison: Comparison) -> str:
    return f"{difference_words(comparison.difference)}, {marked(comparison)}"
