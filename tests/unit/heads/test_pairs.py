"""Contrastive and triplet loss against their equations written as loops, with gradients by the complex step."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from sphereface.errors import MissingExtraError
from sphereface.heads.build_regularizer import build_regularizer
from sphereface.heads.pairs import contrastive, triplet

Array = NDArray[Any]
LABELS = np.array([0, 0, 1, 1, 1, 2, 2, 3])


@pytest.fixture
def x() -> Array:
    generator = np.random.default_rng(8)
    directions = generator.normal(size=(4, 3))[LABELS] + 0.8 * generator.normal(size=(8, 3))
    return directions * np.linspace(0.5, 4.0, 8)[:, None]


def cosines(x: Array) -> Array:
    u = x / np.sqrt((x * x).sum(axis=1, keepdims=True))
    return u @ u.T


def contrastive_equation(x: Array, margin: float) -> Any:
    cosine, genuine, impostor = cosines(x), [], []
    for i in range(len(x)):
        for j in range(i):
            if LABELS[i] == LABELS[j]:
                genuine.append(1.0 - cosine[i, j])
            elif cosine[i, j].real > margin:
                impostor.append(cosine[i, j] - margin)
    return sum(genuine) / len(genuine) + sum(impostor) / max(len(impostor), 1)


def semi_hard(x: Array, margin: float) -> list[tuple[int, int, int]]:
    cosine, count = cosines(x).real, range(len(x))
    return [
        (a, p, n)
        for a in count
        for p in count
        for n in count
        if a != p and LABELS[a] == LABELS[p] != LABELS[n] and 0.0 < cosine[a, p] - cosine[a, n] <= margin
    ]


def triplet_equation(x: Array, margin: float) -> Any:
    cosine, chosen = cosines(x), semi_hard(x, margin)
    return sum(cosine[a, n] - cosine[a, p] + margin for a, p, n in chosen) / len(chosen)


@pytest.mark.parametrize(
    ("make", "equation", "margin"),
    [
        (contrastive, contrastive_equation, 0.5),
        (contrastive, contrastive_equation, 0.0),
        (contrastive, contrastive_equation, 1.0),
        (triplet, triplet_equation, 0.1),
        (triplet, triplet_equation, 0.6),
    ],
)
def test_loss_and_gradient(x, make, equation, margin):
    tensor = torch.from_numpy(x.copy()).requires_grad_()
    loss = make(margin)(tensor, torch.from_numpy(LABELS))
    loss.backward()
    assert np.array_equal(tensor.detach().numpy(), x)
    assert loss.item() == pytest.approx(float(equation(x, margin)), rel=1e-12)
    for index in np.ndindex(x.shape):
        moved = x.astype(np.complex128)
        moved[index] += 1e-30j
        slope = np.imag(equation(moved, margin)) / 1e-30
        assert tensor.grad[index].item() == pytest.approx(slope, rel=1e-9, abs=1e-12)
    assert tensor.grad.abs().max() > 1e-3


def test_triplet_is_half_of_facenets_in_squared_distances(x):
    u = x / np.linalg.norm(x, axis=1, keepdims=True)
    square = ((u[:, None] - u[None]) ** 2).sum(axis=2)
    alpha = 0.2
    hinges = [max(0.0, square[a, p] - square[a, n] + alpha) for a, p, n in semi_hard(x, alpha / 2)]
    assert hinges
    loss = triplet(alpha / 2)(torch.from_numpy(x), torch.from_numpy(LABELS)).item()
    assert 2.0 * loss == pytest.approx(np.mean(hinges), rel=1e-12)


def test_the_contrastive_margin_is_one_of_distance():
    degrees = np.radians([0.0, 59.0, 61.0])  # 60 degrees: cosine 0.5, distance 1
    near, far = ([[1.0, 0.0], [np.cos(angle), np.sin(angle)]] for angle in degrees[1:])
    loss = contrastive(0.5)
    assert loss(torch.tensor(near), torch.tensor([0, 1])) > 0.0
    assert loss(torch.tensor(far), torch.tensor([0, 1])) == 0.0


@pytest.mark.parametrize("make", [contrastive, triplet])
def test_a_batch_without_pairs_gives_zero_with_a_graph(make):
    x = torch.eye(3, requires_grad=True)
    loss = make()(x, torch.arange(3))
    loss.backward()
    assert loss.item() == 0.0
    assert not x.grad.any()


@pytest.mark.parametrize("name", ["contrastive", "triplet"])
def test_pairs_hold_nothing_to_be_saved(name):
    assert not build_regularizer(name, num_classes=3, embedding_dim=2).state_dict()


@pytest.mark.parametrize("make", [contrastive, triplet])
def test_without_the_library_the_extra_is_named(make, monkeypatch):
    monkeypatch.setitem(sys.modules, "pytorch_metric_learning", None)
    with pytest.raises(MissingExtraError, match=r"not installed: pip install 'sphereface\[pairs\]'$"):
        make()
