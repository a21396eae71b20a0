"""Section on question 2: is it the margin, or the gradient?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from evidence import drawing, plan
from evidence.answers import GRADIENTS, Compared, GradientsAnswer, Judged
from evidence.comparing import Verdict
from evidence.plan import FUNCTIONS
from evidence.section import (
    RATES,
    Section,
    blocks,
    compared,
    compared_head,
    ended,
    failed_words,
    picture,
    rates,
    together_note,
)
from evidence.wording import listed, name_of, number, paragraph, together_words, verdict_words
from sphereface.card.markdown import table


def gradients(found: GradientsAnswer) -> Section:
    """Return question 2."""
    named = [
        (f"{change} with {name_of(head)}", one)
        for change, comparisons in (("gradients", found.gradient), ("kinds of prototypes", found.prototypes))
        for head, (one, _) in zip((*FUNCTIONS, "all three"), comparisons, strict=True)
    ]
    functions, heading = [*map(_function, FUNCTIONS), "all three"], f"function, s = {_scale():g}"
    parts = [
        *_parts("the full gradient less the detached one (above 0 the detached one is better)", found.gradient),
        *_parts("reparametrised prototypes less projected ones", found.prototypes, found.learned),
    ]
    told = "; ".join(parts)
    collapse = _collapse(found)
    verdict = (
        f"{told[:1].upper()}{told[1:]}. {collapse}{together_words(named, len(named))} "
        f"{failed_words((name_of(row.name), row.ending) for row in found.rows)} No gradient is clipped and the "
        "rate is the same, so that an effect of the gradient's size is not excluded."
    )
    prototypes = [*zip(functions, found.prototypes, strict=True)]
    if found.learned is not None:
        prototypes.append(("those of which no run failed, exploratory", found.learned))
    body = blocks(
        picture("gradients", "Differences of the headline by gradient and by prototypes, with intervals"),
        paragraph(
            "In points; below 0 the first of the two is better, above 0 the second. The grey band is 2 points to "
            "either side; hollow: not tested, for a run failed; "
            f"{together_note(len(named))}. Full less detached gradient:"
        ),
        table(
            [heading, *compared_head(found.restless)],
            [(name, *compared(*both)) for name, both in zip(functions, found.gradient, strict=True)],
        ),
        "Reparametrised less projected prototypes:",
        table(
            [heading, *compared_head(found.restless)],
            [
                *((name, *compared(*both)) for name, both in zip(functions, found.prototypes, strict=True)),
                *(
                    [("those of which no run failed, exploratory", *compared(*found.learned))]
                    if found.learned
                    else []
                ),
            ],
        ),
        paragraph(
            "*Own cosine* is that of training images to their own prototype, over the last 50 steps; uniformity "
            f"is 0 where everybody is in one place.{_same_weights(found)}"
        ),
        table(
            [heading, "gradient", "prototypes", *RATES[:3], "own cosine", "uniformity", "ended"],
            [*map(_modes, found.rows)],
        ),
    )
    short = f"{told[:1].upper()}{told[1:]}. {collapse}".strip().removesuffix(".")
    return Section(short, verdict, body, {"gradients": drawing.gradients_figure(found)})


def _parts(change: str, comparisons: Sequence[Compared], learned: Compared | None = None) -> Iterator[str]:
    """Yield what a change does: over all functions if that is tested, else with each where it is."""
    *each, (overall, _) = comparisons
    if overall.verdict is not Verdict.UNTESTED:
        yield f"{change}, over all three functions: {verdict_words(overall)}"
        return
    tested = [
        f"with {_named(head)}: {verdict_words(one)}"
        for head, (one, _) in zip(FUNCTIONS, each, strict=True)
        if one.verdict is not Verdict.UNTESTED
    ]
    if tested:
        yield f"{change} {listed(tested)}"
    if learned is not None:
        yield f"where no run failed {verdict_words(learned[0])}"


def _collapse(found: GradientsAnswer) -> str:
    """Return a sentence on how many runs failed with either gradient, by function."""
    failed: dict[str, list[str]] = {}
    for head in FUNCTIONS:
        counts = []
        for gradient in GRADIENTS:
            ended = [row.ending for row in found.rows if row.name.startswith(f"{head}-{gradient}-")]
            counts.append((sum(each.failed for each in ended), sum(each.runs for each in ended)))
        if any(count for count, _ in counts):
            (full, runs), (detached, others) = counts
            how = f"{full} of {runs} runs with the full gradient and {detached} of {others} with the detached one"
            failed.setdefault(how, []).append(_named(head))
    return "".join(
        f"With {'each of ' * (len(heads) > 1)}{listed(heads)} embeddings draw together in {how}. "
        for how, heads in failed.items()
    )


def _same_weights(found: GradientsAnswer) -> str:
    if not found.same:
        return ""
    pairs = "; ".join(listed([*map(name_of, pair)]) for pair in found.same)
    return f" The same weights, bit for bit, in every seed, and so one row and not two: {pairs}."


def _modes(row: Judged) -> tuple[str, ...]:
    """Return a row of question 2 as the cells of its table."""
    head, gradient, kind = row.name.rsplit("-", 2)
    return _function(head), gradient, kind, *rates(row)[:3], *_ending_cells(row)


def _ending_cells(row: Judged) -> tuple[str, str, str]:
    return number(row.cosine), number(row.health["uniformity"]), ended(row.ending)


def _function(head: str) -> str:
    return f"{name_of(head)}, m = {FUNCTIONS[head]:g}"


def _named(head: str) -> str:
    return f"{name_of(head)} (m = {FUNCTIONS[head]:g})"


def _scale() -> float:
    """Return the one scale of question 2."""
    (scale,) = {run.settings["scale"] for run in plan.gradients()}
    return float(scale)
