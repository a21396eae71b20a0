"""Sections on which loss is better: tuning and question 1."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from evidence import drawing, plan
from evidence.answers import PLAIN, MarginsAnswer, Trial
from evidence.comparing import Comparison, Verdict
from evidence.plan import TWINS, Settings
from evidence.section import (
    HEALTH_NAMES,
    RATES,
    SHORT,
    SORTED,
    Section,
    blocks,
    compared,
    compared_head,
    failed_words,
    hanging,
    health,
    judged,
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
)
from sphereface.card.markdown import table

TUNING_PEOPLE = 57  # kept out of the trials and judged by them
HIGH = 0.9  # of the headline: above it FNMR at FMR 1 % says more
DIFFERS = {
    "a-softmax": "the margin, and a free norm instead of a scale",
    "sphereface2-c": "one decision a person instead of one among all, the margin, detached gradient",
}


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
    noise = (
        f" Made with one seed, a small network and {counted_words(TUNING_PEOPLE)} people, they do not tell apart "
        "what differs by some tenths of a point."
    )
    return Section(
        "",
        f"Chosen for question 1: {'; '.join(chosen)}.{at_edge}{noise}",
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
    failed = failed_words((name_of(row.name), row.ending) for row in found.rows)
    verdict = (
        f"{'. '.join(clauses)}. {together_words(named, count)} {_other_figures(found)}{_ceiling(found)} {failed} "
        "All have the full gradient but SphereFace2-C; reference implementations of SphereFace, ArcFace and "
        "SphereFace-R detach it ([how](../losses.md#switches)), which is looked at in question 2. The settings "
        "were chosen by trials of half as many steps and a smaller network; others are in "
        "[8](#8-all-small-networks-together)."
    )
    figures = {"margins": drawing.margins_figure(found), "pictures": drawing.pictures_figure(found)}
    best = name_of(found.best)
    body = blocks(
        picture("margins", f"Headline of {others} losses less NormFace's: each seed, the mean and its interval"),
        paragraph(
            "The headline less NormFace's: dots are seeds, with their mean and its 95 % interval over people and "
            "seeds. The whole interval of *no difference* lies within the grey band, 2 points to either side."
        ),
        table(
            ["loss", "settings", *RATES],
            [(name_of(row.name), settings_words(chosen[row.name]), *rates(row)) for row in found.rows],
        ),
        *([paragraph(_twin(found, chosen))] if found.twin else []),
        table(
            ["loss", *HEALTH_NAMES, "clipped"],
            [(name_of(row.name), *health(row), share(row.clipped)) for row in found.rows],
        ),
        paragraph(
            "*Clipped*: the share of the recorded steps (every 20th) whose gradient was longer than the bound of "
            f"{plan.Run.clip_norm:g}. Health is that of the people judged "
            "([what it is](../report-json.md#health), lower is better but for the rank); a narrow cone has good "
            "alignment and bad uniformity. Search is not compared: near 100 % little can differ. Against "
            f"NormFace, in points; {together_note(count)}. What was seen afterwards is told [below](#changes)."
        ),
        table(
            ["loss", *compared_head(found.restless), "accuracy", "differs from NormFace in"],
            [
                (name_of(one.first), *compared(one, two), judged(three), DIFFERS.get(one.first, "the margin"))
                for one, two, three in zip(found.headline, found.easier, found.accuracy, strict=True)
            ],
        ),
        paragraph(
            f"Exploratory: the {others} with each other, headline of the row less that of the column, in points. "
            "Bold: the 95 % interval excludes 0; *same*: no difference; else undecided. Of "
            f"{len(found.exploratory)} such intervals {number(0.05 * len(found.exploratory), 2)} would be "
            "expected to exclude 0 if all were alike."
        ),
        _each_other(found.exploratory),
        picture("pictures", f"Error of people learned from by pictures in training, NormFace and {best}"),
        paragraph(
            f"People learned from: pairs of the pictures kept back that are missed at the headline's threshold, "
            f"NormFace and {best}, which has the lowest mean of the {others}. Those with more than 30 pictures "
            "all come from one of the two sets learned from: the curve cannot tell the number from the set. Its "
            "level cannot be held against the headline: the threshold is that of strangers of a third set."
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
    by_itself = {one.first for one in found.headline if one.verdict is Verdict.DIFFERENCE and not one.survives}
    marked = [(f"{name} (by itself)" if one.first in by_itself else name, one) for name, one in named]
    short = sorted_clauses(marked, "Lower error shown:", "higher:", **SHORT, points=False)
    gradient = "all with the full gradient but SphereFace2-C"
    tuned = "settings from trials of half as many steps, see [8](#8-all-small-networks-together)"
    return Section("; ".join([*short, *hanging(named, found.restless), gradient, tuned]), verdict, body, figures)


_SAME = {
    None: "so these are its runs",
    True: "so these are its runs: one was made and has the same weights, bit for bit",
    False: "so it was run but once; **that run has other weights**",
}


def _twin(found: MarginsAnswer, chosen: Mapping[str, Settings]) -> str:
    """Return a sentence on the loss that was not run because another is the same."""
    first, second = TWINS
    return (
        f"{name_of(second)} ({settings_words(chosen[second])}) is the same function as {name_of(first)} below "
        f"180/m degrees, {_SAME[found.proven]}."
    )


def _other_figures(found: MarginsAnswer) -> str:
    """Return sentences on what FNMR at FMR 1 % and accuracy say."""
    sentences = []
    for figure, comparisons in (("FNMR at FMR 1 %", found.easier), ("Accuracy", found.accuracy)):
        named = [(name_of(one.first), one) for one in comparisons]
        clauses = sorted_clauses(
            named, "shown lower for", "higher for", **SHORT, points=False, nothing="none of them"
        )
        sentences.append(f"{figure} is {'; '.join(clauses)}.")
    return " ".join(sentences)


def _ceiling(found: MarginsAnswer) -> str:
    """Return a sentence where the headline of NormFace leaves little room above it."""
    plain = next(row for row in found.rows if row.name == PLAIN)
    if plain.headline.value <= HIGH:
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
