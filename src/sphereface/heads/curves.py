"""psi and eta of any loss as curves over the half turn: for plots, for laws, for looking at a setting."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from sphereface.errors import ConfigurationError, nearest
from sphereface.heads.checks import check_choice, check_number, check_setting, check_together
from sphereface.heads.row import Sample
from sphereface.heads.table import HEADS

_BY_LOT = "deviation"  # the setting that scatters a margin at random; at 0 it is its mean
_STEP = 1e-6  # of an angle, to take a slope without the help of autograd


@dataclass(frozen=True)
class Curves:
    """What a loss makes of every angle, without scale and annealing.

    Attributes:
        theta: Angles in radians, (n,).
        psi: For the own class, (n,).
        eta: For another class, (n,).
    """

    theta: Tensor
    psi: Tensor
    eta: Tensor


@dataclass(frozen=True)
class Line:
    """One curve as a picture shows it.

    Attributes:
        values: At every angle, (n,), detached.
        slope: What training differentiates, per radian, (n,), detached; not defined at exactly 0 and pi.
        held: Whether that is not the slope of ``values``, because the loss holds a weight of its own constant.
    """

    values: Tensor
    slope: Tensor
    held: bool


@dataclass(frozen=True)
class Drawing:
    """A loss as a picture shows it: what anneals stands where it stays, what is drawn by lot at its mean.

    Attributes:
        psi: For the own class.
        eta: For another class.
        weight: lambda, which is in psi already; None for a loss without.
    """

    psi: Line
    eta: Line
    weight: float | None


def curves(
    name: str,
    theta: Tensor,
    *,
    fallback: str | None = None,
    norm: float = 30.0,
    own_angle: float = math.pi / 4.0,
    **settings: float,
) -> Curves:
    """Return psi and eta of a row at these angles.

    Args:
        name: A row of the table that has prototypes.
        theta: Angles in [0, pi], (n,); both curves keep its dtype and its graph.
        fallback: Form of psi; None takes the row's own.
        norm: Length of the embedding, for losses that look at it (MagFace, AdaFace).
        own_angle: Angle to the own class where eta is looked at, for losses whose eta depends on it.
        **settings: The row's own numbers; its defaults otherwise.

    Raises:
        ConfigurationError: If there is no such row, it has no psi, or a setting does not fit.

    >>> found = curves("cosface", torch.tensor([0.0]), margin=0.25)
    >>> found.psi.item(), found.eta.item()
    (0.75, 1.0)
    """
    if name not in HEADS:
        raise ConfigurationError(f"unknown head '{name}'.{nearest(name, HEADS)} Known: {', '.join(HEADS)}")
    row = HEADS[name]
    if row.link == "pairs":
        raise ConfigurationError(f"'{name}' compares pairs and has no prototypes, hence neither psi nor eta")
    for key in settings:
        if key not in row.settings:
            known = ", ".join(row.settings) or "none"
            raise ConfigurationError(
                f"head '{name}' has no setting '{key}'.{nearest(key, row.settings)} Known: {known}"
            )
    values = tuple(float(settings.get(key, setting.default)) for key, setting in row.settings.items())
    for (key, setting), value in zip(row.settings.items(), values, strict=True):
        check_setting(key, value, setting)
    check_together(row, values)
    form = row.form if fallback is None else fallback
    check_choice("fallback", form, row.form_names)
    rule = row.make_rule(2, form).eval()
    psi: Tensor = rule(_sample(theta, norm, values)).own
    at = rule(_sample(theta.new_full((1,), own_angle), norm, values))
    cosine = torch.cos(theta)[None, :]
    eta = cosine if at.others is None else at.others(cosine)
    return Curves(theta, psi, eta[0])


def drawing(name: str, theta: Tensor, *, weight: float | None = None, **settings: Any) -> Drawing:
    """Return psi, eta and their slopes as a picture shows them.

    Args:
        name: A row of the table that has prototypes.
        theta: Angles in [0, pi], (n,). Computed and returned in float64.
        weight: lambda of an annealed loss; None takes the value at which it stays. Other losses have none.
        **settings: As :func:`curves` takes them.

    Raises:
        ConfigurationError: As :func:`curves`, or if lambda is out of range.

    >>> found = drawing("a-softmax", torch.tensor([math.pi / 2]))
    >>> found.weight, round(found.psi.values.item(), 6)
    (5.0, -0.5)
    """
    angles = theta.detach().to(torch.float64)
    row = HEADS.get(name)
    if row is not None and _BY_LOT in row.settings:
        settings.setdefault(_BY_LOT, 0.0)
    held = None
    if row is not None and row.annealed is not None:
        held = row.annealed[-1] if weight is None else weight
        check_number("lambda", held, 0.0, 1e9)

    def psi(at: Tensor) -> Tensor:
        bare = curves(name, at, **settings).psi
        return bare if held is None else annealed(bare, at, held)

    def eta(at: Tensor) -> Tensor:
        return curves(name, at, **settings).eta

    return Drawing(_line(psi, angles), _line(eta, angles), held)


def annealed(psi: Tensor, theta: Tensor, weight: float) -> Tensor:
    """Return (lambda cos(theta) + psi) / (1 + lambda), what lambda leaves of a margin, (n,).

    >>> annealed(torch.tensor([-1.0]), torch.tensor([0.0]), 1.0)
    tensor([0.])
    """
    return (weight * torch.cos(theta) + psi) / (1.0 + weight)


def _line(curve: Callable[[Tensor], Tensor], theta: Tensor) -> Line:
    """Return a curve with the slope that training sees, and whether that is the curve's own."""
    at = theta.clone().requires_grad_()
    values = curve(at)
    (slope,) = torch.autograd.grad(values.sum(), at)
    with torch.no_grad():
        own = (curve(theta + _STEP) - curve(theta - _STEP)) / (2.0 * _STEP)
    # At a kink or a leap the two differ as well, but not at most angles.
    differs = (own - slope).abs() > 1e-3 * (1.0 + slope.abs())
    return Line(values.detach(), slope, bool(differs.double().mean() > 0.5))


def _sample(theta: Tensor, norm: float, values: tuple[float, ...]) -> Sample:
    plane = torch.eye(2, dtype=theta.dtype)
    return Sample(
        theta=theta,
        norm=torch.full_like(theta, norm).detach(),
        labels=torch.zeros(len(theta), dtype=torch.int64),
        directions=lambda: plane,
        others_at=lambda scale: torch.zeros_like(theta),
        values=values,
        training=False,
    )
