"""psi and eta of any loss as curves over the half turn: for plots, for laws, for looking at a setting."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from sphereface.errors import ConfigurationError, nearest
from sphereface.heads.checks import check_choice, check_setting, check_together
from sphereface.heads.row import Sample
from sphereface.heads.table import ROWS


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
    if name not in ROWS:
        raise ConfigurationError(f"unknown head '{name}'.{nearest(name, ROWS)} Known: {', '.join(ROWS)}")
    row = ROWS[name]
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


def annealed(psi: Tensor, theta: Tensor, weight: float) -> Tensor:
    """Return (lambda cos(theta) + psi) / (1 + lambda), what lambda leaves of a margin, (n,).

    >>> annealed(torch.tensor([-1.0]), torch.tensor([0.0]), 1.0)
    tensor([0.])
    """
    return (weight * torch.cos(theta) + psi) / (1.0 + weight)


def _sample(theta: Tensor, norm: float, values: tuple[float, ...]) -> Sample:
    plane = torch.eye(2, dtype=theta.dtype)
    return Sample(
        theta=theta,
        norm=torch.full_like(theta, norm).detach(),
        labels=torch.zeros(len(theta), dtype=torch.int64),
        directions=plane,
        cosine=torch.zeros(len(theta), 2, dtype=theta.dtype),
        values=values,
        training=False,
    )
