"""SphereFace2: one against all, without a softmax; margin on the cosine (C), the angle (A) or its multiple (M)."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor

from sphereface.heads.row import Law, Logistic, Row, Setting


def sharpened(cosine: Tensor, t: float) -> Tensor:
    """Return g(z) = 2 ((z + 1) / 2)^t - 1, the similarity adjustment; g(-1) = -1 and g(1) = 1.

    >>> sharpened(torch.tensor([-1.0, 0.0, 1.0]), 3.0)
    tensor([-1.0000, -0.7500,  1.0000])
    """
    return 2.0 * ((cosine + 1.0) / 2.0).clamp(0.0, 1.0) ** t - 1.0


def own_c(theta: Tensor, m: float, t: float, _: float = 0.7) -> Tensor:
    """Return g(cos(theta)) - m."""
    return sharpened(torch.cos(theta), t) - m


def others_c(cosine: Tensor, m: float, t: float, _: float = 0.7) -> Tensor:
    """Return g(cos(theta)) + m: in the C form the others have the margin too."""
    return sharpened(cosine, t) + m


def own_a(theta: Tensor, m: float, t: float, _: float = 0.7) -> Tensor:
    """Return g(cos(min(theta + m, pi))); flat beyond pi - m."""
    return sharpened(torch.cos(torch.clamp(theta + m, max=math.pi)), t)


def own_m(theta: Tensor, m: float, t: float, _: float = 0.7) -> Tensor:
    """Return g(cos(min(m theta, pi))); flat beyond pi / m."""
    return sharpened(torch.cos(torch.clamp(m * theta, max=math.pi)), t)


def others_plain(cosine: Tensor, m: float, t: float, _: float = 0.7) -> Tensor:
    """Return g(cos(theta)): in the A and M forms the margin is the own class's alone."""
    return sharpened(cosine, t)


def first_bias(
    own: Callable[..., Tensor], others: Callable[..., Tensor], num_classes: int, scale: float, *values: float
) -> float:
    """Return the bias at which the gradients of own class and others balance, all angles at 90 degrees.

    With f_y and f_j the two functions there, q = balance / ((1 - balance) (C - 1)) and r the scale,
    b = log(2 q) - r f_j - log(1 - q + sqrt((1 - q)^2 + 4 q e^(r (f_y - f_j)))).

    Reference: the authors' code; 5.785 at 8,631 classes in the C form.

    >>> round(first_bias(own_c, others_c, 8631, 40.0, 0.4, 3.0, 0.7), 3)
    5.785
    """
    # On the CPU also where modules are laid out without memory: this is a number, not a weight.
    right_angle = torch.tensor([math.pi / 2.0], dtype=torch.float64, device="cpu")
    at_own = scale * own(right_angle, *values).item()
    at_others = scale * others(torch.zeros(1, dtype=torch.float64, device="cpu"), *values).item()
    balance, gap = values[2], at_own - at_others
    q = balance / ((1.0 - balance) * (num_classes - 1))
    root = math.hypot(1.0 - q, 2.0 * math.sqrt(q) * math.exp(gap / 2.0))
    if q < 1.0:
        down = math.log(1.0 - q + root)
    elif q > 1.0:  # few classes: the textbook form subtracts nearly equal numbers, so take the other root
        down = math.log(4.0 * q) + gap - math.log(q - 1.0 + root)
    else:
        down = math.log(2.0) + gap / 2.0
    return math.log(2.0 * q) - at_others - down


def weight_own(m: float, t: float, balance: float) -> float:
    """Return the balance."""
    return balance


def weight_others(m: float, t: float, balance: float) -> float:
    """Return what the balance leaves."""
    return 1.0 - balance


def pieces_a(m: float, *_: float) -> tuple[float, ...]:
    """Return where :func:`own_a` becomes flat, in units of pi."""
    return (1.0 - m / math.pi,)


def pieces_m(m: float, *_: float) -> tuple[float, ...]:
    """Return where :func:`own_m` becomes flat, in units of pi."""
    return (1.0 / m,)


def _row(
    form: str,
    own: Callable[..., Tensor],
    others: Callable[..., Tensor],
    margin: Setting,
    formula: tuple[str, str],
    laws: frozenset[Law],
    kinks: Callable[..., tuple[float, ...]] | None = None,
) -> Row:
    return Row(
        title=f"SphereFace2-{form}",
        year=2022,
        source=(
            "Wen et al. 2022, https://arxiv.org/abs/2108.01513; r = 40, t = 3, balance 0.7 and the first bias as "
            "in opensphere, and the detached gradient. With the full one the A and M forms do not train: far from "
            "its prototype g is flatter for the own class than for the others, who push it away for good"
        ),
        formula=formula,
        scale=40.0,
        settings={
            "margin": margin,
            "sharpness": Setting(3.0, 1.0, 20.0, "t of the similarity adjustment g"),
            "balance": Setting(0.7, 0.001, 0.999, "lambda, weight of the own class against the others"),
        },
        psi=own,
        neutral={"margin": 1.0 if form == "M" else 0.0},
        eta=others,
        link="logistic",
        gradient="detached",
        logistic=Logistic(own=weight_own, others=weight_others, bias=partial(first_bias, own, others)),
        kinks=kinks,
        laws=laws,
    )


C_ROW = _row(
    "C",
    own_c,
    others_c,
    Setting(0.4, 0.0, 2.0),
    (r"g(\cos\theta)-m", r"g(\cos\theta)+m"),
    frozenset({"ordered", "monotone", "strict"}),
)
A_ROW = _row(
    "A",
    own_a,
    others_plain,
    Setting(0.5, 0.0, math.pi / 2.0, "margin in radians"),
    (r"g(\cos\min(\theta+m,\pi))", r"g(\cos\theta)"),
    frozenset({"ordered", "monotone"}),
    pieces_a,
)
M_ROW = _row(
    "M",
    own_m,
    others_plain,
    Setting(1.7, 1.0, 100.0),
    (r"g(\cos\min(m\theta,\pi))", r"g(\cos\theta)"),
    frozenset({"ordered", "monotone"}),
    pieces_m,
)
