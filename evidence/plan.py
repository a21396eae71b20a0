"""What is run: every row, setting and seed, decided before the first of these runs was made.

docs/results/evidence.md says why. A run's name is its place below ``summaries/``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from sphereface.training.recipe import Recipe, parse_recipe

Kind = Literal["trial", "judged", "stress"]
Settings = Mapping[str, Any]

SEEDS = (1, 2, 3)
STRESS_SEEDS = tuple(range(1, 9))
SCALE = 30.0  # where it is not tuned
RAMP = 0.2  # share of a run over which margins grow, but for A-Softmax, which has its lambda


@dataclass(frozen=True)
class Run:
    """One training run.

    Attributes:
        question: Which it was made for.
        row: What is compared with the other rows of the question.
        seed: Of weights, order and mirroring.
        head: Name of the loss.
        settings: Its settings.
        backbone: Name of the network.
        batch_norm: Whether it has batch norm.
        steps: Optimiser steps.
        batch: Images a step.
        learning_rate: At its highest; a cosine to zero.
        clip_norm: Largest norm of the gradient, or None.
        degrade: Share of pictures degraded at a known level.
        regularizers: Terms added to the loss, by name.
        kind: ``trial`` (judged on some of the training people), ``judged``, or ``stress`` (not judged).
    """

    question: str
    row: str
    seed: int
    head: str
    settings: Settings = field(default_factory=dict)
    backbone: str = "sfnet4"
    batch_norm: bool = True
    steps: int = 600
    batch: int = 64
    learning_rate: float = 0.1
    clip_norm: float | None = 5.0
    degrade: float = 0.0
    regularizers: tuple[str, ...] = ()
    kind: Kind = "judged"

    @property
    def name(self) -> str:
        """Where its summary lies."""
        return f"{self.question}/{self.row}-seed{self.seed}"

    def recipe(self) -> Recipe:
        """Return the recipe; the people are handed to the loop, so its folder is a placeholder."""
        return parse_recipe(
            {
                "title": self.name,
                "data": {"train": ["people"]},
                "input": {"size": "112x96", "flip_fusion": "none"},
                "backbone": {
                    "name": self.backbone,
                    "settings": {"embedding_dim": 512, "batch_norm": self.batch_norm},
                },
                "head": {"name": self.head, "settings": dict(self.settings)},
                "regularizers": [{"name": name} for name in self.regularizers],
                "optimiser": {"learning_rate": self.learning_rate}
                | ({} if self.clip_norm is None else {"clip_norm": self.clip_norm}),
                "augmentation": {"degrade": self.degrade},
                "training": {
                    "images": self.steps * self.batch,
                    "batch_size": self.batch,
                    "seed": self.seed,
                    "precision": "bfloat16",
                    "device": "cpu",
                    "threads": 1,
                    "journal_every": 1 if self.kind == "stress" else 10,
                    "checkpoint_every": 100,
                },
            },
            folder=Path("/"),
        )


def _scaled(scale: float, margin: float) -> Settings:
    return {"scale": scale, "margin": margin, "margin_ramp": RAMP}


def _annealed(margin: int, lowest: float = 5.0) -> Settings:
    return {"margin": margin, "lambda_min": lowest}


# Question 1. The same number of trials for every row: scales that C = 320 classes can use, the published margin
# and smaller ones. NormFace has no margin, so five scales; A-Softmax no scale, so lambdas. The fifth of each was
# added when the first four had been tried and most rows had chosen the weakest of theirs.
CANDIDATES: dict[str, tuple[Settings, ...]] = {
    "normface": tuple({"scale": scale} for scale in (10.0, 15.0, 30.0, 60.0, 20.0)),
    "a-softmax": (*(_annealed(m, lowest) for m in (2, 4) for lowest in (5.0, 1.0)), _annealed(2, 20.0)),
    "sphereface": (*(_scaled(s, m) for s in (15.0, 30.0) for m in (1.2, 1.5)), _scaled(15.0, 1.1)),
    "sphereface-r-v1": (*(_scaled(s, m) for s in (15.0, 30.0) for m in (1.2, 1.4)), _scaled(15.0, 1.1)),
    "sphereface-r-v2": (*(_scaled(s, m) for s in (30.0, 60.0) for m in (1.2, 1.4)), _scaled(15.0, 1.2)),
    "cosface": (*(_scaled(s, m) for s in (15.0, 30.0) for m in (0.2, 0.35)), _scaled(15.0, 0.1)),
    "arcface": (*(_scaled(s, m) for s in (15.0, 30.0) for m in (0.3, 0.5)), _scaled(15.0, 0.15)),
    "sphereface2-c": (*(_scaled(s, m) for s in (20.0, 40.0) for m in (0.2, 0.4)), _scaled(10.0, 0.2)),
}

TWINS = ("sphereface", "sphereface-r-v1")
"""Below an angle of pi / m their functions are the same, and so are the weights that come out."""


def trials() -> Iterator[Run]:
    """Yield the tuning trials: short runs of a small network, judged on training people it did not learn from."""
    for head, settings in CANDIDATES.items():
        for number, chosen in enumerate(settings, 1):
            yield Run("tuning", f"{head}-{number}", 1, head, chosen, steps=300, kind="trial")


def margins(chosen: Mapping[str, Settings]) -> Iterator[Run]:
    """Yield question 1: each loss with the settings its trials chose; of twins with the same ones, the first."""
    first, second = TWINS
    same = first in chosen and chosen.get(second) == chosen[first]
    for seed in SEEDS:
        for head in CANDIDATES:
            if head in chosen and not (same and head == second):
                yield Run("margins", head, seed, head, chosen[head], backbone="sfnet10")


FUNCTIONS = {"sphereface": 2.0, "sphereface-r-v1": 2.0, "arcface": 0.5}
"""Question 2: margins at which all three differ, for SphereFace and SphereFace-R v1 beyond 90 degrees."""


def twins(chosen: Mapping[str, Settings]) -> Iterator[Run]:
    """Yield one run of the twin that question 1 leaves out, to hold its weights against the other's."""
    first, second = TWINS
    if first in chosen and chosen.get(second) == chosen[first]:
        yield Run("twins", second, SEEDS[0], second, chosen[second], backbone="sfnet10")


def gradients() -> Iterator[Run]:
    """Yield question 2: three functions, each with either gradient and either kind of prototypes, unclipped."""
    for seed in SEEDS:
        for head, margin in FUNCTIONS.items():
            for gradient in ("full", "detached"):
                for prototypes in ("reparametrised", "projected"):
                    settings = {**_scaled(15.0, margin), "gradient": gradient, "prototypes": prototypes}
                    row = f"{head}-{gradient}-{prototypes}"
                    yield Run("gradients", row, seed, head, settings, clip_norm=None)


# Question 3. Networks without batch norm and gradients without a bound, from the mildest rung to the harshest.
RUNGS = (("sfnet10", 0.1), ("sfnet10", 0.2), ("sfnet20", 0.2), ("sfnet20", 0.4))
CONTROL = "a-softmax-unannealed"
_FIXED = {"radius": "hfn", "scale": SCALE, "margin": 1.4}
ARMS: dict[str, tuple[str, Settings]] = {
    CONTROL: ("a-softmax", {"margin": 4, "lambda_base": 0.0, "lambda_min": 0.0}),
    "a-softmax-annealed": ("a-softmax", _annealed(4)),
    "v1-full": ("sphereface-r-v1", {**_FIXED, "gradient": "full"}),
    "v1-detached": ("sphereface-r-v1", {**_FIXED, "gradient": "detached"}),
    "v2-full": ("sphereface-r-v2", {**_FIXED, "gradient": "full"}),
    "v2-detached": ("sphereface-r-v2", {**_FIXED, "gradient": "detached"}),
    "a-softmax-no-margin": ("a-softmax", _annealed(1)),
    "fixed-norm-m4": ("sphereface", {"scale": SCALE, "margin": 4.0}),
}


def stress_row(arm: str, backbone: str, rate: float) -> str:
    """Return the row of an arm on a rung.

    >>> stress_row("v1-full", "sfnet10", 0.1)
    'v1-full-sfnet10-rate0.1'
    """
    return f"{arm}-{backbone}-rate{rate:g}"


def stability(arm: str, backbone: str, rate: float, question: str = "stability") -> Iterator[Run]:
    """Yield one arm of question 3 on one rung."""
    head, settings = ARMS[arm]
    for seed in STRESS_SEEDS:
        yield Run(
            question,
            stress_row(arm, backbone, rate),
            seed,
            head,
            settings,
            backbone=backbone,
            batch_norm=False,
            steps=400,
            batch=32,
            learning_rate=rate,
            clip_norm=None,
            kind="stress",
        )


MILDER = ("sfnet10", 0.03)
"""Question 3b: a rung on which the control fails and A-Softmax without a margin does not."""


def milder() -> Iterator[Run]:
    """Yield question 3b: all arms of question 3 where a network without batch norm can train at all."""
    for arm in ARMS:
        yield from stability(arm, *MILDER, question="milder")


def sizes() -> Iterator[Run]:
    """Yield question 4: m as published, with lambda; m with nothing annealed; and depth."""
    for seed in SEEDS:
        for m in (1, 2, 3, 4):
            yield Run("sizes", f"annealed-m{m}-sfnet4", seed, "a-softmax", _annealed(m))
        for depth in ("sfnet10", "sfnet20"):
            yield Run("sizes", f"annealed-m4-{depth}", seed, "a-softmax", _annealed(4), backbone=depth)
        for m in (1, 2, 3, 4):
            yield Run("sizes", f"whole-m{m}-sfnet4", seed, "sphereface", _scaled(SCALE, float(m)))


def norms() -> Iterator[Run]:
    """Yield question 6: what becomes of the length of an embedding."""
    v1 = {"margin": 1.4, "margin_ramp": RAMP}
    for seed in SEEDS:
        yield Run("norms", "hfn", seed, "sphereface-r-v1", {**v1, "radius": "hfn", "scale": SCALE})
        yield Run("norms", "nfn", seed, "sphereface-r-v1", {**v1, "radius": "nfn"})
        yield Run("norms", "sfn", seed, "sphereface-r-v1", {**v1, "radius": "sfn", "scale": SCALE})
        yield Run("norms", "magface", seed, "magface", {"scale": SCALE, "margin_ramp": RAMP})
        yield Run("norms", "adaface", seed, "adaface", {"scale": SCALE, "margin_ramp": RAMP})
        fixed = {**v1, "radius": "hfn", "scale": SCALE}
        yield Run("norms", "hfn-degraded", seed, "sphereface-r-v1", fixed, degrade=0.5)
        yield Run("norms", "hfn-radial", seed, "sphereface-r-v1", fixed, degrade=0.5, regularizers=("radial",))


# Question 7. What the first six cannot tell: 600 steps are 2.3 times through the data, papers train tens of times.
BUDGETS = (600, 2400)
PUBLISHED: dict[str, tuple[str, Settings]] = {
    "normface-s15": ("normface", {"scale": 15.0}),
    "normface-s30": ("normface", {"scale": SCALE}),
    "cosface": ("cosface", _scaled(SCALE, 0.35)),
    "arcface": ("arcface", _scaled(SCALE, 0.5)),
    "sphereface-r-v1": ("sphereface-r-v1", _scaled(SCALE, 1.4)),
}


def budget_row(name: str, steps: int) -> str:
    """Return the row of a loss at a budget.

    >>> budget_row("cosface", 600)
    'cosface-600steps'
    """
    return f"{name}-{steps}steps"


def budgets() -> Iterator[Run]:
    """Yield question 7: published margins at the budget of the other questions, and at four times that."""
    for seed in SEEDS:
        for steps in BUDGETS:
            for row, (head, settings) in PUBLISHED.items():
                yield Run("budget", budget_row(row, steps), seed, head, settings, steps=steps)
