"""Sections on which loss is better: tuning, question 1 and question 2."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from evidence import drawing, plan
from evidence.answers import PLAIN, GradientsAnswer, Judged, MarginsAnswer, Trial
from evidence.comparing import Comparison, Verdict
from evidence.plan import FUNCTIONS, TWINS, Settings
from evidence.section import (
    HEALTH_NAMES,
    RATES,
    SHORT,
    SORTED,
    Section,
    blocks,
    health,
    judged,
    judged_together,
    picture,
    rates,
    together_note,
)
from evidence.wording import (
    counted_words,
    listed,
    mean_words,
    name_of,
    number,
    paragraph,
    settings_words,
    share,
    sorted_clauses,
    together_words,
    verdict_words,
)
from sphereface.card.markdown import table

CEILING = 0.9  # of the headline: above it little is left that could differ


def tuning(found: Sequence[Trial]) -> Section:
    """Return the table of the tuning trials; they choose settings and answer nothing."""
    rows = [
        (
            name_of(trial.head),
            settings_words(trial.settings),
            share(trial.fnmr) if trial.fnmr is not None else "stopped",
            share(trial.eer),
            ", ".join(["**chosen**", *_edge(trial)]) if trial.chosen else "",
        )
        for trial in found
    ]
    chosen = [f"{name_of(trial.head)} {settings_words(trial.settings)}" for trial in found if trial.chosen]
    edge = [f"{name_of(trial.head)} ({', '.join(_edge(trial))})" for trial in found if trial.edge]
    at_edge = f" At the edge of what was tried: {listed(edge)}." if edge else ""
    return Section(
        "",
        f"Chosen for question 1: {'; '.join(chosen)}.{at_edge}",
        table(["loss", "settings", "FNMR at FMR 0.1 %", "EER", ""], rows),
    )


def _edge(trial: Trial) -> list[str]:
    small = [letter for setting, letter in (("margin", "m"), ("scale", "s")) if setting in trial.edge]
    words = [f"smallest {listed(small)}"] if small else []
    return [*words, "largest lambda"] if "lambda_min" in trial.edge else words


def margins(found: MarginsAnswer, chosen: Mapping[str, Settings]) -> Section:
    """Return question 1."""
    named = [(name_of(comparison.first), comparison) for comparison in found.headline]
    clauses = sorted_clauses(named, "Lower error than NormFace:", "Higher error than NormFace:", **SORTED)
    count = len(found.headline)
    others = counted_words(count)
    verdict = f"{'. '.join(clauses)}. {together_words(named, count)} {_other_figures(found)}{_ceiling(found)}"
    figures = {"margins": drawing.margins_figure(found), "pictures": drawing.pictures_figure(found)}
    best = name_of(found.best)
    body = blocks(
        picture(
            "margins", f"Headline of the {counted_words(count + 1)} losses: each seed, the mean and its interval"
        ),
        paragraph(
            "Dots are seeds, with their mean and its 95 % interval over people and seeds; the broken line is "
            "NormFace's mean. Two means whose intervals overlap can still differ, because their runs share people "
            "and seeds: the second table compares them."
        ),
        table(
            ["loss", "settings", *RATES, *HEALTH_NAMES, "clipped"],
            _rows(found, chosen),
        ),
        paragraph(
            "*Clipped*: the share of the recorded steps (every 20th) whose gradient was longer than the bound of "
            f"{plan.Run.clip_norm:g}. Against NormFace, in points; {together_note(count)}."
        ),
        table(
            ["loss", "headline", "verdict", "together", RATES[1], "verdict", "accuracy", "verdict"],
            [
                (name_of(one.first), *judged_together(one), *judged(two), *judged(three))
                for one, two, three in zip(found.headline, found.easier, found.accuracy, strict=True)
            ],
        ),
        paragraph(
            f"Exploratory: the {others} with each other, headline of the row less that of the column, in points. "
            "Bold: the 95 % interval excludes 0; *same*: no difference; else undecided. Of "
            f"{len(found.exploratory)} such intervals {number(0.05 * len(found.exploratory), 1)} are expected to "
            "exclude 0 by chance."
        ),
        _each_other(found.exploratory),
        picture("pictures", f"Error of people learned from by pictures in training, NormFace and {best}"),
        paragraph(
            f"People learned from: pairs of the pictures kept back that are missed at the headline's threshold, "
            f"NormFace and {best}, which has the lowest mean of the {others}. Those with more than 30 pictures "
            "all come from one of the two sets learned from: the curve cannot tell the number from the set."
        ),
        table(
            ["pictures in training", "people", "NormFace", best],
            [
                (
                    drawing.range_words(each.fewest, each.most),
                    str(each.people),
                    *(mean_words(each.error[head]) for head in (PLAIN, found.best)),
                )
                for each in found.bins
            ],
        ),
    )
    short = sorted_clauses(named, "Lower error:", "higher:", **SHORT, points=False)
    return Section("; ".join(short), verdict, body, figures)


_SAME = {
    None: "the same runs",
    True: "the same runs: one was made and has the same weights, bit for bit",
    False: "so not run but once; **that run has other weights**",
}


def _rows(found: MarginsAnswer, chosen: Mapping[str, Settings]) -> list[tuple[str, ...]]:
    """Return the losses that were run, and after its twin the one that was not."""
    rows = []
    for row in found.rows:
        cells = (*rates(row), *health(row), share(row.clipped))
        rows.append((name_of(row.name), settings_words(chosen[row.name]), *cells))
        if found.twin is not None and row.name == TWINS[0]:
            same = f"the same function as {name_of(row.name)} below 180/m degrees, {_SAME[found.proven]}"
            rows.append((name_of(found.twin), settings_words(chosen[found.twin]), same, *[""] * (len(cells) - 1)))
    return rows


def _other_figures(found: MarginsAnswer) -> str:
    """Return sentences on what FNMR at FMR 1 % and accuracy say of those that differ."""
    sentences = []
    for figure, comparisons, less, more in (
        ("FNMR at FMR 1 %", found.easier, "lower than NormFace's for", "higher for"),
        ("Accuracy", found.accuracy, "lower than NormFace's for", "higher for"),
    ):
        differing = [(name_of(one.first), one) for one in comparisons if one.verdict is Verdict.DIFFERENCE]
        clauses = sorted_clauses(differing, less, more, **SHORT, points=False, nothing="none of them")
        sentences.append(f"{figure} is {', '.join(clauses)}.")
    return " ".join(sentences)


def _ceiling(found: MarginsAnswer) -> str:
    """Return a sentence where the headline of NormFace leaves little room above it."""
    plain = next(row for row in found.rows if row.name == PLAIN)
    if plain.headline.value <= CEILING:
        return ""
    return (
        f" The headline of NormFace is {share(plain.headline.value)}, near its ceiling; FNMR at FMR 1 %"
        f" ({share(plain.easier.value)}) says more."
    )


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
    gradient, prototypes = found.gradient[-1], found.prototypes[-1]
    named = [
        (f"the {change} with {name_of(head)}", one)
        for change, comparisons in (("gradient", found.gradient), ("kind of prototypes", found.prototypes))
        for head, one in zip((*FUNCTIONS, "all three"), comparisons, strict=True)
    ]
    functions, heading = [*map(_function, FUNCTIONS), "all three"], f"function, s = {_scale():g}"
    verdict = (
        f"Over all three functions, the full gradient less the detached one: {verdict_words(gradient)}; "
        f"reparametrised prototypes less projected ones: {verdict_words(prototypes)}. "
        f"{together_words(named, len(named))}"
    )
    body = blocks(
        picture("gradients", "Differences of the headline by gradient and by prototypes, with intervals"),
        paragraph(
            "Headline, in points; below 0 the first of the two is better. The grey band is 2 points to either "
            f"side; {together_note(len(named))}. No gradient is clipped."
        ),
        table(
            [
                heading,
                *("full less detached", "verdict", "together"),
                *("reparametrised less projected", "verdict", "together"),
            ],
            [
                (function, *judged_together(one), *judged_together(two))
                for function, one, two in zip(functions, found.gradient, found.prototypes, strict=True)
            ],
        ),
        "*Own cosine* is that of training images to their own prototype, over the last 50 steps.",
        table([heading, "gradient", "prototypes", *RATES[:3], "own cosine"], [*map(_modes, found.rows)]),
    )
    short = (
        f"Full less detached gradient: {verdict_words(gradient)}; reparametrised less projected prototypes: "
        f"{verdict_words(prototypes)}"
    )
    return Section(short, verdict, body, {"gradients": drawing.gradients_figure(found)})


def _modes(row: Judged) -> tuple[str, ...]:
    """Return a row of question 2 as the cells of its table."""
    head, gradient, kind = row.name.rsplit("-", 2)
    return _function(head), gradient, kind, *rates(row)[:3], number(row.cosine)


def _function(head: str) -> str:
    return f"{name_of(head)}, m = {FUNCTIONS[head]:g}"


def _scale() -> float:
    """Return the one scale of question 2."""
    (scale,) = {run.settings["scale"] for run in plan.gradients()}
    return float(scale)
