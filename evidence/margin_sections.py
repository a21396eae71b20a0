"""Sections on which loss is better: tuning, question 1 and question 2."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from evidence import drawing
from evidence.answers import FUNCTIONS, GradientsAnswer, MarginsAnswer, Trial
from evidence.comparing import Comparison, Verdict
from evidence.plan import Settings
from evidence.section import (
    HEALTH_NAMES,
    OF,
    SORTED,
    Section,
    blocks,
    health,
    marked,
    picture,
    rates,
)
from evidence.wording import (
    difference_words,
    listed,
    mean_words,
    name_of,
    number,
    paragraph,
    settings_words,
    share,
    sorted_clauses,
    table,
    verdict_words,
)


def tuning(found: Sequence[Trial]) -> Section:
    """Return the table of the tuning trials; they choose settings and answer nothing."""
    rows = [
        (
            name_of(trial.head),
            settings_words(trial.settings),
            share(trial.fnmr) if trial.fnmr is not None else "stopped",
            share(trial.eer),
            "**chosen**" if trial.chosen else "",
        )
        for trial in found
    ]
    chosen = [f"{name_of(trial.head)} {settings_words(trial.settings)}" for trial in found if trial.chosen]
    return Section(
        f"Chosen for question 1: {'; '.join(chosen)}.",
        table(["loss", "settings", "FNMR at FMR 0.1 %", "EER", ""], rows),
    )


def margins(found: MarginsAnswer, chosen: Mapping[str, Settings]) -> Section:
    """Return question 1."""
    named = [(name_of(comparison.first), comparison) for comparison in found.headline]
    surviving = [name for name, comparison in named if comparison.survives]
    clauses = sorted_clauses(named, "Lower error than NormFace:", "Higher error than NormFace:", **SORTED)
    together = f"{listed(surviving)} still differ{'s' * (len(surviving) == 1)}" if surviving else "none differs"
    verdict = ". ".join([*clauses, f"Where the seven intervals are to hold together, {together}."])
    figures = {"margins": drawing.margins_figure(found), "pictures": drawing.pictures_figure(found)}
    best = name_of(found.best)
    body = blocks(
        picture("margins", "Headline of the eight losses: each seed, the mean and its interval"),
        paragraph(
            "Dots are seeds, with their mean and its 95 % interval over people and seeds; the broken line is "
            "NormFace's mean. Two means whose intervals overlap can still differ, because their runs share people "
            "and seeds: the second table compares them."
        ),
        table(
            ["loss", "settings", OF, "accuracy, View 1", "search, FNIR at FPIR 1 %", *HEALTH_NAMES],
            [
                (name_of(row.name), settings_words(chosen[row.name]), *rates(row), *health(row))
                for row in found.rows
            ],
        ),
        "Against NormFace, in points; *together* says whether a difference survives at 1 − 0.05/7.",
        table(
            ["loss", "headline", "verdict", "together", "accuracy", "verdict"],
            [
                (
                    name_of(one.first),
                    difference_words(one.difference),
                    marked(one),
                    "yes" if one.survives else "no",
                    difference_words(two.difference),
                    marked(two),
                )
                for one, two in zip(found.headline, found.accuracy, strict=True)
            ],
        ),
        paragraph(
            "Exploratory: the seven with each other, headline of the row less that of the column, in points. "
            "Bold: the 95 % interval excludes 0; *same*: no difference; else undecided. Of 21 such intervals one "
            "is expected to exclude 0 by chance."
        ),
        _each_other(found.exploratory),
        picture("pictures", f"Error of people learned from by pictures in training, NormFace and {best}"),
        paragraph(
            f"People learned from: pairs of the pictures kept back that are missed at the headline's threshold, "
            f"NormFace and {best}, which has the lowest mean of the seven."
        ),
        table(
            ["pictures in training", "people", "NormFace", best],
            [
                (
                    drawing.range_words(each.fewest, each.most),
                    str(each.people),
                    *(mean_words(each.error[head]) for head in ("normface", found.best)),
                )
                for each in found.bins
            ],
        ),
    )
    return Section(verdict, body, figures)


def _each_other(comparisons: Sequence[Comparison]) -> str:
    """Return differences of every two rows as the lower half of a table."""
    rows = [*dict.fromkeys(name for one in comparisons for name in (one.second, one.first))]
    cells = {(one.first, one.second): _short(one) for one in comparisons}
    return table(
        ["", *map(name_of, rows[:-1])],
        [(name_of(row), *(cells.get((row, column), "") for column in rows[:-1])) for row in rows[1:]],
    )


def _short(comparison: Comparison) -> str:
    points = number(100.0 * comparison.difference.value, 1, sign=True)
    return {Verdict.DIFFERENCE: f"**{points}**", Verdict.SAME: f"{points} *same*"}.get(comparison.verdict, points)


def gradients(found: GradientsAnswer) -> Section:
    """Return question 2."""
    (*by_gradient, gradient), (*by_prototypes, prototypes) = found.gradient, found.prototypes
    verdict = (
        f"Over all three functions, the full gradient less the detached one: {verdict_words(gradient)}; "
        f"reparametrised prototypes less projected ones: {verdict_words(prototypes)}."
    )
    rows = []
    for row in found.rows:
        head, gradient_mode, kind = row.name.rsplit("-", 2)
        cosine = number(row.cosine)
        rows.append(
            (name_of(head), gradient_mode, kind, mean_words(row.headline), mean_words(row.accuracy), cosine)
        )
    each = [
        (
            name_of(head),
            difference_words(one.difference),
            marked(one),
            difference_words(two.difference),
            marked(two),
        )
        for head, one, two in zip(FUNCTIONS, by_gradient, by_prototypes, strict=True)
    ]
    overall = (
        difference_words(gradient.difference),
        marked(gradient),
        difference_words(prototypes.difference),
        marked(prototypes),
    )
    body = blocks(
        picture("gradients", "Differences of the headline by gradient and by prototypes, with intervals"),
        "Headline, in points; below 0 the first of the two is better. The grey band is 2 points to either side.",
        table(
            ["function", "full less detached", "verdict", "reparametrised less projected", "verdict"],
            [*each, ("all three", *overall)],
        ),
        "*Own cosine* is that of training images to their own prototype, over the last 50 steps.",
        table(["function", "gradient", "prototypes", OF, "accuracy, View 1", "own cosine"], rows),
    )
    return Section(verdict, body, {"gradients": drawing.gradients_figure(found)})
