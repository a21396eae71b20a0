"""Section on questions 3 and 3b: which losses train without batch norm."""

from __future__ import annotations

from collections.abc import Mapping

from evidence import drawing, plan
from evidence.outcome import COSINE
from evidence.section import Section, blocks, picture
from evidence.stability import LEVEL, TOGETHER, Arm, StabilityAnswer, needed
from evidence.wording import counted_words, listed, name_of, network_of, number, paragraph
from sphereface.card.markdown import table


def stability(found: StabilityAnswer, name: str = "stability") -> Section:
    """Return question 3, or 3b with a figure of its own name."""
    rungs = "; ".join(
        f"{network_of(backbone)} at rate {rate:g}: {arm.seeds - arm.trained} of {arm.seeds} seeds fail"
        for backbone, rate, arm in found.tried
    )
    if not found.tested:
        never = f"Not tested: A-Softmax with m = 4 and no lambda never fails often enough ({rungs})."
        nothing = "Without a loss that fails there is nothing to be more stable than."
        return Section("Not tested: the control never fails", never, nothing)
    figures = {name: drawing.stability_figure(found.arms)}
    body = blocks(
        picture(name, "How the seeds of each arm ended: trained, drawn together, near chance or diverged"),
        paragraph(f"The control, A-Softmax with m = 4 and no lambda: {rungs}."),
        table(
            [
                "arm",
                "trained",
                "stuck",
                "of these drawn together",
                "diverged",
                "own cosine in the end",
                f"trained, asking for {COSINE / 2:g}",
                "for half of the loss",
                "by the loss alone",
                "Fisher's p against the control",
            ],
            [_arm_cells(found, arm) for arm in found.arms],
        ),
        paragraph(
            "*Own cosine*: of training images to their own prototype, the lowest and the highest of the seeds "
            f"that did not diverge; {COSINE:g} is asked for. The next three columns ask for less: half of "
            "that, half of what the loss must be below, and nothing of the cosine. *Drawn together*: above "
            f"{TOGETHER:g}."
        ),
        paragraph(f"Full and detached gradient, exploratory: {_gradient_words(found)}.{_processors(found)}"),
    )
    if not any(arm.trained for arm in found.arms):
        short = (
            f"None of the {counted_words(len(found.arms))} arms trains at this rate, A-Softmax without a margin "
            "neither, so none is shown more stable"
        )
        return Section(short, f"{short}. {_ends(found)}", body, figures)
    arms = {arm.name: arm for arm in found.arms}
    control = arms[plan.CONTROL]
    more = _against_control(found, arms)
    exploratory = "Exploratory. " if name == "milder" else ""
    seeds = "; ".join(f"{name_of(arm.name)} {_trained(arm)}" for arm in found.arms)
    verdict = (
        f"{exploratory}Seeds that train: {seeds}. Of the five arms of the claim, at p < {LEVEL:g}: {more}. "
        f"{_needed(control)} {_ends(found)} These arms differ from the control in the loss, the norm, the scale "
        "and m (v1 and v2 have 1.4), not in one of them. What one of them does alone: with m = 4 and no lambda "
        f"{_trained(arms['fixed-norm-m4'])} train at a fixed norm and {_trained(control)} at a free one; at a "
        f"free norm {_trained(arms['a-softmax-no-margin'])} train without a margin."
    )
    free = f"A-Softmax without a margin trains in {_trained(arms['a-softmax-no-margin'])}"
    in_short = f"The control trains in {_trained(control)} seeds; of the five arms of the claim {more}; {free}"
    return Section(f"{exploratory}{in_short}", verdict, body, figures)


def _arm_cells(found: StabilityAnswer, arm: Arm) -> tuple[str, ...]:
    cosines = "–" if arm.cosines is None else f"{number(arm.cosines[0])} to {number(arm.cosines[1])}"
    p = next((_p_words(test.p) for test in found.against_control if test.first == arm.name), "–")
    counts = (arm.trained, arm.stuck, arm.together, arm.diverged)
    return name_of(arm.name), *map(str, counts), cosines, *map(str, arm.lenient), p


def _trained(arm: Arm) -> str:
    return f"{arm.trained} of {arm.seeds}"


def _against_control(found: StabilityAnswer, arms: Mapping[str, Arm]) -> str:
    """Say which arms train more often than the control, and which less."""
    clauses = []
    for word, sign in (("more", 1), ("less", -1)):
        names = [
            name_of(test.first)
            for test in found.against_control
            if test.p < LEVEL and sign * (arms[test.first].trained - arms[test.second].trained) > 0
        ]
        if names:
            clauses.append(f"{listed(names)} train{'s' * (len(names) == 1)} {word} often than it")
    return " and ".join(clauses) or "none trains more often than it for sure"


def _needed(control: Arm) -> str:
    """Say how many seeds have to train for a difference."""
    count = needed(control)
    if count is None:
        return f"Beside {_trained(control)} not even all would be a difference."
    return f"Beside {_trained(control)} at least {count} of {control.seeds} have to train for that."


def _gradient_words(found: StabilityAnswer) -> str:
    return "; ".join(
        f"{name_of(test.first)} with {name_of(test.second)}, p {_p_words(test.p, '= ')}"
        for test in found.by_gradient
    )


def _p_words(p: float, equals: str = "") -> str:
    """Return a p-value.

    >>> _p_words(0.0002), _p_words(0.0256, "= ")
    ('< 0.001', '= 0.026')
    """
    return "< 0.001" if p < 0.001 else f"{equals}{p:.3f}"


def _processors(found: StabilityAnswer) -> str:
    if found.processors == 1:
        return ""
    return " The runs were made on processors of more than one kind ([when](#changes))."


def _ends(found: StabilityAnswer) -> str:
    """Say which arms fail in one way in all seeds, and how many runs diverge with either norm."""
    ways = {
        "diverges": [name_of(arm.name) for arm in found.arms if arm.diverged == arm.seeds],
        "is stuck": [name_of(arm.name) for arm in found.arms if arm.stuck == arm.seeds],
    }
    told = [f"What {way} in all seeds: {listed(names)}." for way, names in ways.items() if names]
    counts = [
        f"{sum(arm.diverged for arm in arms)} of {sum(arm.seeds for arm in arms)}"
        for free in (False, True)
        for arms in [[arm for arm in found.arms if arm.name.startswith("a-softmax") is free]]
    ]
    return " ".join([*told, f"Of the runs with a fixed norm {counts[0]} diverge, with a free one {counts[1]}."])
