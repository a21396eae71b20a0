"""From a name and settings to a head: the one place where defaults meet."""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable
from typing import Any

from sphereface.errors import ConfigurationError, nearest
from sphereface.heads.checks import check_choice, check_number, check_sizes
from sphereface.heads.radius import RADII, Radius
from sphereface.heads.schedule import LambdaAnnealing, MarginRamp
from sphereface.heads.softmax import Gradient, Prototypes, SoftmaxHead
from sphereface.heads.table import SOFTMAX_ROWS, Psi, Row

HeadBuilder = Callable[..., SoftmaxHead]


def build_head(name: str, *, num_classes: int, embedding_dim: int, **settings: Any) -> SoftmaxHead:
    """Build a loss head by name.

    Args:
        name: A key of ``HEADS``.
        num_classes: Number C of identities, at least 2.
        embedding_dim: Width d of the embeddings.
        **settings: See ``softmax_head``; each row has published defaults, so none is needed.

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
                f"head '{name}' has no setting '{key}'.{nearest(key, known)} Known: {', '.join(known)}"
            )
    return HEADS[name](num_classes=num_classes, embedding_dim=embedding_dim, **settings)


def settings_of(name: str) -> tuple[str, ...]:
    """Return the settings that a head takes; lambda's only where they would do something.

    >>> "lambda_min" in settings_of("a-softmax"), "lambda_min" in settings_of("cosface")
    (True, False)
    """
    annealed = SOFTMAX_ROWS[name].annealed
    keys = [key for key in inspect.signature(softmax_head).parameters if key != "row"]
    return tuple(key for key in keys if annealed or not key.startswith("lambda_"))


def softmax_head(
    row: Row,
    *,
    num_classes: int,
    embedding_dim: int,
    margin: float | None = None,
    scale: float | None = None,
    radius: Radius | None = None,
    radius_weight: float = 1.0,
    gradient: Gradient = "full",
    prototypes: Prototypes = "reparametrised",
    fallback: str = "hard",
    margin_ramp: float = 0.0,
    lambda_base: float = 1000.0,
    lambda_gamma: float = 0.12,
    lambda_power: float = 1.0,
    lambda_min: float = 5.0,
    loss_weight: float | None = None,
) -> SoftmaxHead:
    """Build a head of one row of the table.

    Args:
        row: The loss.
        num_classes: Number of identities.
        embedding_dim: Width of the embeddings.
        margin: m, the row's own default if None.
        scale: s; given without ``radius`` it means a fixed norm (``hfn``). Not used by ``nfn``.
        radius: ``nfn``, ``hfn`` or ``sfn``; without it and without ``scale`` the row decides.
        radius_weight: Weight of the penalty of ``sfn``.
        gradient: ``full`` or ``detached``.
        prototypes: ``reparametrised`` or ``projected``, see ``SoftmaxHead``.
        fallback: Form of psi beyond its natural range, for rows that have several (``hard``, ``easy``).
        margin_ramp: Share of the run over which the margin grows from neutral to ``margin``.
        lambda_base: Lambda at the start of the run (rows with annealing).
        lambda_gamma: How fast it falls.
        lambda_power: With which power.
        lambda_min: Where it stays.
        loss_weight: lw; the loss becomes lw CE / s, or lw CE with ``nfn``, which has no s. None means plain
            cross-entropy.

    Raises:
        ConfigurationError: For a value out of range.
    """
    check_sizes(num_classes, embedding_dim)
    margin = row.margin if margin is None else margin
    check_number("margin", margin, row.lowest, row.highest)
    if row.whole and margin != int(margin):
        raise ConfigurationError(f"margin must be a whole number for this head, not {margin!r}")
    if radius is None:
        radius = "nfn" if scale is None and row.scale is None else "hfn"
    check_choice("radius", radius, RADII)
    scale = (row.scale or 30.0) if scale is None else scale
    check_number("scale", scale, 0.0, 1e4, above=True)
    check_number("radius_weight", radius_weight, 0.0, 1e6)
    check_number("margin_ramp", margin_ramp, 0.0, 1.0)
    check_number("lambda_base", lambda_base, 0.0, 1e9)
    check_number("lambda_gamma", lambda_gamma, 0.0, 1e6)
    check_number("lambda_power", lambda_power, 0.0, 1e3)
    check_number("lambda_min", lambda_min, 0.0, 1e9)
    check_choice("gradient", gradient, typing.get_args(Gradient))
    check_choice("prototypes", prototypes, typing.get_args(Prototypes))
    if loss_weight is not None:
        check_number("loss_weight", loss_weight, 0.0, 1e6, above=True)
    annealing = LambdaAnnealing(lambda_base, lambda_gamma, lambda_power, lambda_min)
    return SoftmaxHead(
        num_classes=num_classes,
        embedding_dim=embedding_dim,
        psi=_choose_psi(row, fallback),
        eta=row.eta,
        ramp=MarginRamp(row.neutral, margin, margin_ramp),
        annealing=annealing if row.annealed else None,
        kind=radius,
        scale=scale,
        radius_weight=radius_weight,
        gradient=gradient,
        prototypes=prototypes,
        unit_prototypes=row.unit_prototypes,
        loss_weight=loss_weight,
    )


def _choose_psi(row: Row, fallback: str) -> Psi:
    """Return the row's psi in the wanted form beyond its natural range."""
    forms = {"hard": row.psi, **row.fallbacks}
    check_choice("fallback", fallback, tuple(forms))
    return forms[fallback]


def _builder(row: Row) -> HeadBuilder:
    """Bind a row, so that every entry of ``HEADS`` is called in the same way."""

    def build(*, num_classes: int, embedding_dim: int, **settings: Any) -> SoftmaxHead:
        return softmax_head(row, num_classes=num_classes, embedding_dim=embedding_dim, **settings)

    return build


HEADS: dict[str, HeadBuilder] = {name: _builder(row) for name, row in SOFTMAX_ROWS.items()}
