"""What the reference tests share: a batch that visits every branch, and two ways to a gradient.

Each test file writes its loss as one numpy function of (x, w, labels). Its gradient comes

* in full mode from that function alone, by the complex step f'(a) = Im f(a + ih) / h: no subtraction, so
  with h = 1e-30 it is exact to rounding, and no derivative is written down that could be wrong;
* in detached mode by hand, from the definition dL/dcos_ij = rho_i (p_ij - [j = y_i]) / N, pulled back through
  the normalisations.

For the complex step a loss must be analytic: lengths as sqrt(sum of squares), no abs, no conjugates. What a loss
holds constant (a running mean, a mask, a weight) enters its function as numbers taken from the real batch. Where
a loss is more than logits over (C, d) prototypes, detached mode is that function too, with f(theta) - cos(theta)
held at its value on the real batch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from sphereface.heads import HeadResult, MarginHead, build_head

Array = NDArray[Any]
Equation = Callable[[Array, Array, Array], Any]
STEP = 1e-30


@dataclass(frozen=True)
class Batch:
    """Embeddings (N, d) of several lengths, prototypes (C, d) or (C, K, d) of several lengths, labels (N,)."""

    x: Array
    w: Array
    labels: Array


@dataclass(frozen=True)
class Outcome:
    """What a head gave: result, and gradients by embeddings and prototypes; and the head as it is after that."""

    head: MarginHead
    result: HeadResult
    loss: float
    by_x: Array
    by_w: Array


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> Iterator[None]:
    """Tensors this small lose more to the start of threads than to arithmetic."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def batch() -> Batch:
    """Angles to the own prototype from 0.001 to pi - 0.05: every segment of every psi, both ArcFace forms."""
    rng = np.random.default_rng(7)
    angles = np.array([0.001, 0.3, 0.7, 1.0, 1.3, 1.7, 2.1, 2.5, 2.75, np.pi - 0.05])
    w = rng.normal(size=(4, 5)) * np.array([0.5, 1.0, 1.5, 2.0])[:, None]
    labels = np.arange(len(angles)) % 4
    towards = w[labels] / np.sqrt((w[labels] ** 2).sum(-1, keepdims=True))
    aside = rng.normal(size=towards.shape)
    aside -= (aside * towards).sum(-1, keepdims=True) * towards
    aside /= np.sqrt((aside**2).sum(-1, keepdims=True))
    x = np.cos(angles)[:, None] * towards + np.sin(angles)[:, None] * aside
    return Batch(x * np.linspace(0.5, 6.0, len(angles))[:, None], w, labels)


def make_head(name: str, batch: Batch, **settings: Any) -> MarginHead:
    """Build a float64 head whose prototypes are those of the batch."""
    head = build_head(name, num_classes=batch.w.shape[0], embedding_dim=batch.w.shape[-1], **settings).double()
    with torch.no_grad():
        head.prototypes.copy_(torch.from_numpy(batch.w))
    return head


def evaluate(head: MarginHead, batch: Batch) -> Outcome:
    """Run a head forwards and backwards."""
    x = torch.from_numpy(batch.x).requires_grad_()
    result = head(x, torch.from_numpy(batch.labels))
    head.zero_grad()
    result.loss.backward()
    return Outcome(head, result, result.loss.item(), x.grad.numpy(), head.prototypes.grad.numpy().copy())


def complex_step(function: Callable[[Array], Any], at: Array) -> Array:
    """Return the gradient of a real analytic function of an array, exact to rounding."""
    gradient = np.empty(at.shape)
    for index in np.ndindex(at.shape):
        moved = at.astype(np.complex128)
        moved[index] += 1j * STEP
        gradient[index] = np.imag(function(moved)) / STEP
    return gradient


def cosines_of(x: Array, w: Array) -> tuple[Array, Array]:
    """Return the lengths of embeddings, (N, 1), and their cosines to all prototypes, (N, C)."""
    norm = np.sqrt((x * x).sum(axis=1, keepdims=True))
    return norm, (x / norm) @ (w / np.sqrt((w * w).sum(axis=1, keepdims=True))).T


def replace_own(psi: Callable[[Array], Array]) -> Callable[[Array, Array], Array]:
    """Return cosines and labels to values (N, C): psi of the cosine for the own class, the cosine for others."""

    def values(cosine: Array, labels: Array) -> Array:
        rows, moved = np.arange(len(cosine)), cosine.copy()
        moved[rows, labels] = psi(cosine[rows, labels])
        return moved

    return values


@dataclass(frozen=True)
class Softmax:
    """Cross-entropy over rho f, and for ``sfn`` pull * mean | |x| - target |: an equation.

    Attributes:
        values: Cosines (N, C) and labels to f, (N, C).
        scale: rho; None is |x|.
        pull: Weight of the penalty.
        target: Where it draws the norm.
    """

    values: Callable[[Array, Array], Array]
    scale: float | None = None
    pull: float = 0.0
    target: float = 0.0

    def logits(self, x: Array, w: Array, labels: Array) -> Array:
        """Return rho f, (N, C)."""
        norm, cosine = cosines_of(x, w)
        return self.values(cosine, labels) * (norm if self.scale is None else self.scale)

    def __call__(self, x: Array, w: Array, labels: Array) -> Any:
        """Return the loss of the batch."""
        logits = self.logits(x, w, labels)
        top = logits.real.max(axis=1, keepdims=True)
        total = np.log(np.exp(logits - top).sum(axis=1)) + top[:, 0]
        excess = np.sqrt((x * x).sum(axis=1)) - self.target
        penalty = (np.sign(excess.real) * excess).mean()
        return (total - logits[np.arange(len(x)), labels]).mean() + self.pull * penalty


def softmax_parts(values: Array, labels: Array) -> tuple[Array, Array]:
    """Return the cross-entropy of each sample (N,) and its slope by the logits, p_ij - [j = y_i], (N, C)."""
    shifted = np.exp(values - values.max(axis=1, keepdims=True))
    probability = shifted / shifted.sum(axis=1, keepdims=True)
    rows = np.arange(len(values))
    return -np.log(probability[rows, labels]), probability - np.eye(values.shape[1])[labels]


def logistic_parts(values: Array, labels: Array, own: float, others: float) -> tuple[Array, Array]:
    """Return own log(1 + e^-z_y) + others sum log(1 + e^z_j), (N,), and its slope by the logits, (N, C).

    The slope is a weighted sigmoid less [j = y]: -own (1 - sigma(z_y)) and others sigma(z_j).
    """
    at_own = np.eye(values.shape[1], dtype=bool)[labels]
    sigmoid = 1.0 / (1.0 + np.exp(-values))
    each = np.where(at_own, own * np.log1p(np.exp(-values)), others * np.log1p(np.exp(values)))
    return each.sum(axis=1), np.where(at_own, own * (sigmoid - 1.0), others * sigmoid)


@pytest.fixture
def cosines() -> Callable[[Array, Array], tuple[Array, Array]]:
    """Return ``cosines_of``: (x, w) to the lengths of x and all cosines."""
    return cosines_of


@pytest.fixture
def on_own() -> Callable[[Callable[[Array], Array]], Callable[[Array, Array], Array]]:
    """Return ``replace_own``: psi of the own cosine to the values of all classes."""
    return replace_own


@pytest.fixture
def softmax() -> type[Softmax]:
    """Return ``Softmax``: the values of all classes to an equation."""
    return Softmax


@pytest.fixture
def logistic() -> Callable[..., tuple[Array, Array]]:
    """Return ``logistic_parts``: one class against all, per sample, and its slope by the logits."""
    return logistic_parts


@pytest.fixture
def multiplied() -> Callable[[Array, float], Array]:
    """Return psi of the multiplicative margin by the angle, (theta, m): (-1)^k cos(m theta) - 2k."""

    def psi(theta: Array, m: float) -> Array:
        k = np.floor(m * theta.real / np.pi)
        return (-1.0) ** k * np.cos(m * theta) - 2 * k

    return psi


@pytest.fixture
def closed_form() -> Callable[[int, Array], Array]:
    """Return psi of the cosine, (m, c): polynomials and signs, no angle anywhere (the released Caffe layer)."""

    def psi(m: int, c: Array) -> Array:
        s0 = np.sign(c.real)
        if m == 1:
            return c
        if m == 2:
            return 2 * s0 * c**2 - 1
        if m == 3:
            s1 = np.sign(np.abs(c.real) - 0.5)
            return s1 * (4 * c**3 - 3 * c) + s0 * (1 + s1) - 2
        s3 = s0 * np.sign(2 * c.real**2 - 1)
        return s3 * (8 * c**4 - 8 * c**2 + 1) + 2 * s0 + s3 - 3

    return psi


@pytest.fixture
def step_by_step() -> Callable[..., Array]:
    """Return ``complex_step``: (function, array) to the gradient, for what is neither embedding nor prototype."""
    return complex_step


@pytest.fixture
def agrees_in_full(batch: Batch) -> Callable[..., None]:
    """Return a check: the head's loss and both gradients are those of the equation."""

    def check(name: str, equation: Equation, **settings: Any) -> None:
        outcome = evaluate(make_head(name, batch, **{"gradient": "full", **settings}), batch)
        assert outcome.loss == pytest.approx(float(equation(batch.x, batch.w, batch.labels)), rel=1e-12)
        by_x = complex_step(lambda x: equation(x, batch.w, batch.labels), batch.x)
        by_w = complex_step(lambda w: equation(batch.x, w, batch.labels), batch.w)
        np.testing.assert_allclose(outcome.by_x, by_x, rtol=1e-9, atol=1e-10)
        np.testing.assert_allclose(outcome.by_w, by_w, rtol=1e-9, atol=1e-10)

    return check


@pytest.fixture
def agrees_when_detached(batch: Batch) -> Callable[..., None]:
    """Return a check: detached, the loss is the equation's and the gradient is the plain cosine's.

    ``logits(x, w, labels)`` gives the (N, C) logits with margin; ``rho(norm)`` and ``rho_slope(norm)``
    give rho and its derivative. For one class against all, ``logistic`` gives the weights of own class and
    others and ``bias`` what is added to the logits.
    """

    def check(
        name: str,
        logits: Callable[[Array, Array, Array], Array],
        rho: Callable[[Array], Array],
        rho_slope: Callable[[Array], Array],
        logistic: tuple[float, float] | None = None,
        bias: float = 0.0,
        **settings: Any,
    ) -> None:
        x, w, labels = batch.x, batch.w, batch.labels
        values = logits(x, w, labels)
        if logistic is None:
            per_sample, wrong = softmax_parts(values, labels)
        else:
            per_sample, wrong = logistic_parts(values + bias, labels, *logistic)
        norm_x = np.sqrt((x**2).sum(axis=1, keepdims=True))
        norm_w = np.sqrt((w**2).sum(axis=1, keepdims=True))
        u, v = x / norm_x, w / norm_w
        by_cosine = rho(norm_x) * wrong / len(x)
        by_u = by_cosine @ v
        by_x = (by_u - (by_u * u).sum(axis=1, keepdims=True) * u) / norm_x
        by_radius = (wrong * values / rho(norm_x)).sum(axis=1, keepdims=True) / len(x)
        by_x += by_radius * rho_slope(norm_x) * u
        by_v = by_cosine.T @ u
        by_w = (by_v - (by_v * v).sum(axis=1, keepdims=True) * v) / norm_w

        outcome = evaluate(make_head(name, batch, gradient="detached", **settings), batch)
        expected = per_sample.mean()
        assert outcome.loss == pytest.approx(expected, rel=1e-12)
        np.testing.assert_allclose(outcome.by_x, by_x, rtol=1e-10, atol=1e-11)
        np.testing.assert_allclose(outcome.by_w, by_w, rtol=1e-10, atol=1e-11)

        projected = make_head(name, batch, gradient="detached", prototypes="projected", **settings)
        outcome = evaluate(projected, batch)
        assert outcome.loss == pytest.approx(expected, rel=1e-12)
        np.testing.assert_allclose(outcome.by_x, by_x, rtol=1e-10, atol=1e-11)
        np.testing.assert_allclose(outcome.by_w, by_v / norm_w, rtol=1e-10, atol=1e-11)

    return check


@pytest.fixture
def head_on(batch: Batch) -> Callable[..., MarginHead]:
    """Return a function that builds a row, in float64, on the batch's prototypes."""
    return lambda name, **settings: make_head(name, batch, **settings)


@pytest.fixture
def run_again(batch: Batch) -> Callable[[MarginHead], Outcome]:
    """Return a function that runs a head that is there already, forwards and backwards, on the batch."""
    return lambda head: evaluate(head, batch)


@pytest.fixture
def run_head(batch: Batch) -> Callable[..., Outcome]:
    """Return a function that builds a row on the batch's prototypes, advances it and runs it both ways."""

    def run(name: str, progress: float | None = None, **settings: Any) -> Outcome:
        head = make_head(name, batch, **settings)
        if progress is not None:
            head.advance(progress)
        return evaluate(head, batch)

    return run
