"""From a name and settings to a head: the one place where defaults meet."""

from __future__ import annotations

import typing
from dataclasses import dataclass
from typing import Any, Literal

from sphereface.errors import ConfigurationError, nearest
from sphereface.heads.checks import (
    check_choice,
    check_number,
    check_setting,
    check_sizes,
    check_steps,
    check_together,
    is_whole,
)
from sphereface.heads.margin_head import Implementation, MarginHead, Precision, Prototypes
from sphereface.heads.pair_head import PairHead
from sphereface.heads.radius import RADII, Radius
from sphereface.heads.row import Gradient, Row
from sphereface.heads.schedule import LambdaAnnealing, MarginSchedule
from sphereface.heads.table import HEADS

Head = MarginHead | PairHead

_STEPS = (0.25, 0.5, 0.75)
"""Where a stepwise margin rises unless told otherwise; how many the authors take, and where, is unconfirmed."""


_SYMBOLS = {"s": "scale", "m": "margin"}
"""What formulas and other libraries call a setting."""


@dataclass(frozen=True)
class Settings:
    """What every loss with prototypes takes beside its own numbers.

    Attributes:
        scale: s; given without ``radius`` it means a fixed norm (``hfn``). Not used by ``nfn``.
        radius: ``nfn``, ``hfn`` or ``sfn``; without it and without ``scale`` the row decides.
        radius_weight: Weight of the penalty of ``sfn``; None takes the authors' 0.01 beside 50 CE / s, which is
            0.01 s / 50 beside the plain loss.
        gradient: ``full``, ``detached``, and for A-Softmax ``normalised``; None takes the row's own.
        prototypes: ``reparametrised`` or ``projected``, see ``MarginHead``.
        fallback: Form of psi, for rows that have several (``hard``, ``easy``...); None takes the row's own.
        margin_ramp: Share of the run over which the margin grows from neutral to its value.
        margin_steps: Shares of the run at each of which it grows by an equal part, instead of a ramp. None:
            at a quarter, a half and three quarters where the authors do so (SphereFace-R with ``nfn`` or
            ``sfn``), else not at all.
        lambda_base: Lambda at the start of the run (rows with annealing; None takes the row's own).
        lambda_gamma: How fast it falls.
        lambda_power: With which power.
        lambda_min: Where it stays.
        centres: Prototypes of each class (sub-centres).
        loss_weight: lw; the loss becomes lw L / s, or lw L where there is no fixed s (``nfn``, AdaCos, SimPLE).
            None means the plain loss, and 500 for SimPLE.
        implementation: ``fused`` goes over the classes block by block, in the memory of the prototypes and their
            gradient; ``reference`` builds the matrix of all logits and can be differentiated twice; ``auto``
            is ``fused`` for every loss that it supports.
        precision: Format of the fused products: ``bfloat16``, ``float32``, or ``auto``, which is bfloat16
            where the processor has it. float64 embeddings or prototypes are computed in float64 throughout.
        memory_budget: MiB that the fused implementation may use beside the gradients, about: what fits is kept
            between its two sweeps, what does not is computed again. The reference has no use for it.
    """

    scale: float | None = None
    radius: Radius | None = None
    radius_weight: float | None = None
    gradient: Gradient | None = None
    prototypes: Prototypes = "reparametrised"
    fallback: str | None = None
    margin_ramp: float = 0.0
    margin_steps: tuple[float, ...] | None = None
    lambda_base: float | None = None
    lambda_gamma: float | None = None
    lambda_power: float | None = None
    lambda_min: float | None = None
    centres: int | None = None
    loss_weight: float | None = None
    implementation: Literal["auto", "fused", "reference"] = "auto"
    precision: Precision = "auto"
    memory_budget: float = 256.0


def build_head(name: str, *, num_classes: int, embedding_dim: int, **settings: Any) -> Head:
    """Build a loss head by name.

    Args:
        name: A key of ``HEADS``.
        num_classes: Number C of identities, at least 2.
        embedding_dim: Width d of the embeddings.
        **settings: The row's own numbers (``margin``...) and those of ``Settings``; each has a published
            default, so none is needed.

    Returns:
        A module called with (embeddings (N, d), labels (N,)) that returns a ``HeadResult``.

    Raises:
        ConfigurationError: For an unknown name or setting or a value out of range.

    >>> head = build_head("cosface", num_classes=10, embedding_dim=4, scale=30.0)
    >>> tuple(head.prototypes.shape)
    (10, 4)
    """
    if name not in HEADS:
        raise ConfigurationError(f"unknown head '{name}'.{nearest(name, HEADS)} Known: {', '.join(HEADS)}")
    known = settings_of(name)
    for key in settings:
        if key not in known:
            raise ConfigurationError(
                f"head '{name}' has no setting '{key}'.{nearest(_SYMBOLS.get(key, key), known)} "
                f"Known: {', '.join(known)}"
            )
    return head_of(HEADS[name], num_classes=num_classes, embedding_dim=embedding_dim, **settings)


def settings_of(name: str) -> tuple[str, ...]:
    """Return the settings that a head takes: no number that would do nothing.

    >>> "lambda_min" in settings_of("a-softmax"), "lambda_min" in settings_of("cosface")
    (True, False)
    """
    row = HEADS[name]
    own = tuple(row.settings)
    if row.link == "pairs":
        return (*own, "loss_weight", "implementation", "precision")
    absent = {"scale", "radius", "radius_weight"} if row.own_scale else set()
    absent |= {"centres"} if row.centres is None else set()
    absent |= set() if row.forms else {"fallback"}
    absent |= set() if row.neutral else {"margin_ramp", "margin_steps"}
    absent |= {key for key in Settings.__dataclass_fields__ if key.startswith("lambda_") and row.annealed is None}
    return own + tuple(key for key in Settings.__dataclass_fields__ if key not in absent)


def head_of(row: Row, *, num_classes: int, embedding_dim: int, **settings: Any) -> Head:
    """Build a head of a row, in the table or not.

    Raises:
        ConfigurationError: For a value out of range.
    """
    check_sizes(num_classes, embedding_dim)
    num_classes, embedding_dim = int(num_classes), int(embedding_dim)
    own = {key: settings.pop(key, setting.default) for key, setting in row.settings.items()}
    for key, setting in row.settings.items():
        check_setting(key, own[key], setting)
    values = tuple(float(value) for value in own.values())
    check_together(row, values)
    common = Settings(**settings)
    if common.loss_weight is not None:
        check_number("loss_weight", common.loss_weight, 0.0, 1e6, above=True)
    loss_weight = row.loss_weight if common.loss_weight is None else float(common.loss_weight)
    implementation = _implementation(row, common)
    check_choice("precision", common.precision, typing.get_args(Precision))
    if row.link == "pairs":
        return PairHead(
            row,
            num_classes=num_classes,
            embedding_dim=embedding_dim,
            values=values,
            loss_weight=loss_weight,
        )
    check_choice("prototypes", common.prototypes, typing.get_args(Prototypes))
    form = row.form if common.fallback is None else common.fallback
    check_choice("fallback", form, row.form_names)
    kind, scale = _radius(row, common)
    gradient = row.gradient if common.gradient is None else common.gradient
    _check_gradient(row, gradient, kind)
    centres = row.centres if common.centres is None else common.centres
    if centres is not None and not (is_whole(centres) and 1 <= centres <= 64):
        raise ConfigurationError(f"centres must be a whole number from 1 to 64, not {centres!r}")
    return MarginHead(
        row,
        num_classes=num_classes,
        embedding_dim=embedding_dim,
        schedule=_schedule(row, common, values, kind),
        annealing=_annealing(row, common),
        form=form,
        kind=kind,
        scale=scale,
        radius_weight=_radius_weight(common, scale),
        gradient=gradient,
        prototypes=common.prototypes,
        centres=None if centres is None else int(centres),
        loss_weight=loss_weight,
        implementation=implementation,
        precision=common.precision,
        memory_budget=float(common.memory_budget),
    )


def _implementation(row: Row, common: Settings) -> Implementation:
    """Return who computes the loss, or say why nobody can."""
    check_choice("implementation", common.implementation, ("auto", *typing.get_args(Implementation)))
    check_number("memory_budget", common.memory_budget, 0.0, 2.0**24, above=True)
    bent = row.eta is not None or row.rule is not None
    reason = ""
    if row.link == "pairs":
        reason = "it compares pairs of embeddings and has no prototypes"
    elif not row.unit_prototypes and bent:
        reason = "its prototypes have a length of their own and its cosines are bent"
    if reason and common.implementation == "fused":
        raise ConfigurationError(
            f"implementation = 'fused' does not know {row.title}: {reason}; choose 'auto' or 'reference'"
        )
    if not reason and common.implementation != "reference":
        return "fused"
    if common.precision == "bfloat16":
        raise ConfigurationError(
            "precision = 'bfloat16' is for the fused implementation; the reference counts in float32 or wider"
        )
    return "reference"


def _radius(row: Row, common: Settings) -> tuple[Radius, float]:
    kind = common.radius
    if kind is None:
        kind = "nfn" if common.scale is None and row.scale is None else "hfn"
    check_choice("radius", kind, RADII)
    scale = (row.scale or 30.0) if common.scale is None else common.scale
    check_number("scale", scale, 0.0, 1e4, above=True)
    return kind, float(scale)


def _radius_weight(common: Settings, scale: float) -> float:
    if common.radius_weight is None:
        return 0.01 * scale / 50.0
    check_number("radius_weight", common.radius_weight, 0.0, 1e6)
    return float(common.radius_weight)


def _check_gradient(row: Row, gradient: Gradient, kind: Radius) -> None:
    check_choice("gradient", gradient, typing.get_args(Gradient))
    if gradient == "normalised" and not (row.normalised and kind == "nfn"):
        raise ConfigurationError(
            "gradient = 'normalised' is the authors' gradient of A-Softmax on the embedding's own norm; it exists "
            "for a-softmax with radius = 'nfn' only: choose 'full' or 'detached'"
        )


def _schedule(row: Row, common: Settings, values: tuple[float, ...], kind: Radius) -> MarginSchedule:
    check_number("margin_ramp", common.margin_ramp, 0.0, 1.0)
    steps = common.margin_steps
    if steps is None:
        steps = _STEPS if row.stepwise and kind != "hfn" and common.margin_ramp == 0.0 else ()
    steps = check_steps("margin_steps", steps)
    if steps and common.margin_ramp > 0.0:
        raise ConfigurationError("margin_ramp and margin_steps exclude each other: give one of them")
    neutral = tuple(row.neutral.get(key) for key in row.settings)
    return MarginSchedule(values, neutral, float(common.margin_ramp), steps)


def _annealing(row: Row, common: Settings) -> LambdaAnnealing | None:
    if row.annealed is None:
        return None
    given = (common.lambda_base, common.lambda_gamma, common.lambda_power, common.lambda_min)
    base, gamma, power, lowest = (
        default if value is None else value for value, default in zip(given, row.annealed, strict=True)
    )
    check_number("lambda_base", base, 0.0, 1e9)
    check_number("lambda_gamma", gamma, 0.0, 1e6)
    check_number("lambda_power", power, 0.0, 1e3)
    check_number("lambda_min", lowest, 0.0, 1e9)
    return LambdaAnnealing(float(base), float(gamma), float(power), float(lowest))
