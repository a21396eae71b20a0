"""Curves for pictures: what anneals stands where it stays, margins are not scattered, slopes are training's."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from sphereface.errors import ConfigurationError
from sphereface.heads.curves import curves, drawing
from sphereface.heads.table import HEADS

THETA = torch.linspace(0.01, math.pi - 0.01, 401, dtype=torch.float64)
DRAWN = [name for name, row in HEADS.items() if row.link != "pairs"]


@pytest.mark.parametrize("name", DRAWN)
def test_a_slope_is_the_curve_s_own_unless_it_says_otherwise(name: str) -> None:
    """Differences of what is drawn, away from leaps and kinks; Circle loss alone holds its weights constant."""
    found = drawing(name, THETA)
    for line in (found.psi, found.eta):
        assert line.held == (name == "circle")
        own = np.gradient(line.values.numpy(), THETA.numpy())
        near = np.abs(own - line.slope.numpy()) < 1e-2 * (1.0 + np.abs(own))
        assert near[1:-1].mean() > 0.95 if not line.held else near.mean() < 0.55


def test_the_slopes_of_circle_loss_are_its_weights_times_the_cosine_s() -> None:
    found = drawing("circle", THETA, margin=0.25)
    cosine, sine = np.cos(THETA.numpy()), np.sin(THETA.numpy())
    np.testing.assert_allclose(found.psi.slope.numpy(), -np.maximum(1.25 - cosine, 0.0) * sine, atol=1e-12)
    np.testing.assert_allclose(found.eta.slope.numpy(), -np.maximum(cosine + 0.25, 0.0) * sine, atol=1e-12)


@pytest.mark.parametrize("name", ["elasticface", "elasticface-plus"])
def test_a_scattered_margin_is_drawn_at_its_mean_unless_asked_otherwise(name: str) -> None:
    mean = drawing("arcface", THETA, margin=0.4).psi.values
    torch.testing.assert_close(drawing(name, THETA, margin=0.4).psi.values, mean)
    assert not torch.allclose(drawing(name, THETA, margin=0.4, deviation=0.1).psi.values, mean)


def test_lambda_is_where_it_stays_unless_given() -> None:
    bare = curves("a-softmax", THETA).psi
    for weight, expected in ((None, 5.0), (0.0, 0.0), (20.0, 20.0)):
        found = drawing("a-softmax", THETA, weight=weight)
        assert found.weight == expected
        mixed = (expected * torch.cos(THETA) + bare) / (1.0 + expected)
        torch.testing.assert_close(found.psi.values, mixed)
    assert drawing("cosface", THETA, weight=3.0).weight is None  # it has none


def test_angles_are_left_alone_and_curves_have_no_graph() -> None:
    theta = torch.tensor([0.5, 1.0], requires_grad=True)
    found = drawing("sphereface-r-v2", theta)
    assert theta.grad is None
    for each in (found.psi.values, found.psi.slope, found.eta.values, found.eta.slope):
        assert each.dtype == torch.float64
        assert not each.requires_grad


@pytest.mark.parametrize(
    ("name", "settings", "sentence"),
    [
        ("cosfase", {}, "Did you mean 'cosface'"),
        ("simple", {}, "neither psi nor eta"),
        ("cosface", {"margn": 0.2}, "no setting 'margn'"),
        ("a-softmax", {"weight": -1.0}, "lambda must be a number in"),
        ("arcface", {"fallback": "soft"}, "fallback must be one of"),
    ],
)
def test_what_cannot_be_drawn(name: str, settings: dict[str, float], sentence: str) -> None:
    with pytest.raises(ConfigurationError, match=sentence):
        drawing(name, THETA, **settings)
