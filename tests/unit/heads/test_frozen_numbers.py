"""Loss and gradients of every loss that no installable library has, as numbers that do not follow our code.

Every loss has a test of its own against its equation. These numbers stand beside them, so that a loss that changes
together with its test, by a shared mistake or a new default, is noticed all the same.

How they were made: on 22 November 2026, with the following and nothing else, by numpy 2.4 in float64; gradients by
the complex step, f'(a) = Im f(a + ih) / h with h = 1e-30, which has no rounding of differences in it. Formulas and
constants are the published ones. What a loss holds constant (a running mean, a mask, a weight, what SimPLE
compares with) is computed from real parts. Biases are kept in float32, hence rounded. Printed are the loss of the
batch, the length of its gradient by all embeddings, and of that by all prototypes.

    import numpy as np

    def length(a): return np.sqrt((a * a).sum(axis=1, keepdims=True))

    i, j, y = np.arange(7.0)[:, None], np.arange(5.0), np.arange(7) % 4
    W = np.cos(1.0 + 2.0 * np.arange(4.0)[:, None] + 5.0 * j) * (0.5 + 0.5 * np.arange(4.0)[:, None])
    X = np.sin(1.0 + 3.0 * i + 7.0 * j) + np.linspace(4.0, -3.0, 7)[:, None] * W[y] / length(W)[y]
    X *= 4.0 * 2.0**i / length(X)          # 4 to 256 long
    noise = 2.0 * np.sin(1.0 + np.arange(7.0))
    own = np.eye(4, dtype=bool)[y]

    def real(a): return np.real(a).astype(float)
    def above(a, low): return np.where(a.real > low, a, low)
    def below(a, high): return np.where(a.real < high, a, high)
    def softplus(z): return above(z, 0.0) + np.log(np.exp(-above(z, 0.0)) + np.exp(z - above(z, 0.0)))
    def softmax(z):
        top = z.real.max(axis=1, keepdims=True)
        return (np.log(np.exp(z - top).sum(axis=1)) + top[:, 0] - z[own]).mean()
    def one_by_one(z, at_own, at_others):
        return np.where(own, at_own * softplus(-z), at_others * softplus(z)).sum(axis=1).mean()
    def put(values, at_own): return np.where(own, at_own[:, None], values)
    def steps(phi):
        k = np.floor(phi.real / np.pi)
        return (-1.0) ** k * np.cos(phi) - 2 * k
    def arc(t, m): return np.where((t + m).real <= np.pi, np.cos(t + m), np.cos(t) - m * np.sin(m))
    def sharp(c): return 2.0 * ((c + 1.0) / 2.0) ** 3 - 1.0
    def sphereface2(c, f_y, f_j, at_right_angle):
        y90, j90 = at_right_angle
        q = 0.7 / (0.3 * 3)
        root = np.sqrt((1 - q) ** 2 + 4 * q * np.exp(40.0 * (y90 - j90)))
        bias = np.log(2 * q) - 40.0 * j90 - np.log(1 - q + root)
        return one_by_one(40.0 * put(f_j, f_y) + float(np.float32(bias)), 0.7, 0.3)

    def loss(name, x, w):
        n, v = length(x), w / length(w)
        c = x / n @ v.T
        o, t, a = c[own], np.arccos(c[own]), n[:, 0]
        if name in ("a-softmax", "sphereface-plus"):
            energy = -np.log(length(v[[0, 0, 0, 1, 1, 2]] - v[[1, 2, 3, 2, 3, 3]])).mean()
            return softmax(n * put(c, (5.0 * o + steps(4 * t)) / 6.0)) + energy * (name == "sphereface-plus")
        if name == "sphereface-r-v1":
            return softmax(30.0 * put(c, np.cos(below(1.4 * t, np.pi))))
        if name == "sphereface-r-v2":
            return softmax(60.0 * put(np.cos(np.arccos(c) / 1.4), o))
        if name == "sphereface2-c":
            return sphereface2(c, sharp(o) - 0.4, sharp(c) + 0.4, (-0.75 - 0.4, -0.75 + 0.4))
        if name == "sphereface2-a":
            f90 = sharp(np.cos(np.pi / 2 + 0.5))
            return sphereface2(c, sharp(np.cos(below(t + 0.5, np.pi))), sharp(c), (f90, -0.75))
        if name == "sphereface2-m":
            f90 = sharp(np.cos(1.7 * np.pi / 2))
            return sphereface2(c, sharp(np.cos(below(1.7 * t, np.pi))), sharp(c), (f90, -0.75))
        if name == "combined":
            return softmax(64.0 * put(c, steps(t + 0.3) - 0.2))
        if name == "curricularface":
            hard = c.real > np.cos(t.real + 0.5)[:, None]
            return softmax(64.0 * put(np.where(hard, c * (0.01 * real(o).mean() + c), c), arc(t, 0.5)))
        if name == "magface":
            a = below(above(a, 10.0), 110.0)
            m = 0.45 + (0.8 - 0.45) / (110.0 - 10.0) * (a - 10.0)
            easy = np.where(o.real > 0, np.cos(t + m), o)
            return softmax(64.0 * put(c, easy)) + 35.0 * (a / 110.0**2 + 1.0 / a).mean()
        if name == "adaface":
            a = np.clip(real(a), 0.001, 100.0)
            mean, deviation = 0.99 * 20.0 + 0.01 * a.mean(), 0.99 * 100.0 + 0.01 * a.std(ddof=1)
            z = np.clip(0.333 * (a - mean) / (deviation + 0.001), -1.0, 1.0)
            t = below(above(t, np.arccos(0.999)), np.pi - np.arccos(0.999))
            at_own = np.cos(below(above(t - 0.4 * z, 0.001), np.pi - 0.001)) - 0.4 * (1.0 + z)
            return softmax(64.0 * put(below(above(c, -0.999), 0.999), at_own))
        if name == "elasticface":
            return softmax(64.0 * put(c, arc(t, np.clip(0.5 + 0.05 * noise, 0.0, np.pi / 2))))
        if name == "elasticface-plus":
            m = np.empty(7)
            m[np.argsort(t.real)] = np.sort(np.clip(0.5 + 0.0175 * noise, 0.0, np.pi / 2))
            return softmax(64.0 * put(c, arc(t, m)))
        if name == "uniface":
            return one_by_one(64.0 * put(c, o - 0.4) + float(np.float32(-np.log(10.0 * 4))), 1.0, 1.0)
        if name == "adacos":
            others = np.exp(np.sqrt(2.0) * np.log(3.0) * real(c)) * ~own
            s = np.log(others.sum(axis=1).mean()) / np.cos(min(np.pi / 4, np.median(real(t))))
            return softmax(max(s, 1.0) * c)
        if name == "mv-softmax":
            return softmax(32.0 * put(np.where(c.real > (o.real - 0.35)[:, None], 1.12 * c + 0.12, c), o - 0.35))
        if name == "ga-softmax":
            return softmax(30.0 * put(1.0 - 2.0 / np.pi * np.arccos(c), 1.0 - 3.0 / np.pi * t))
        if name == "simple":
            keys, same = real(x), y[:, None] == y[None, :]
            score = x @ keys.T - 0.3 * n * length(keys).T - 10.0
            genuine, impostor = same & ~np.eye(7, dtype=bool), ~same
            at_genuine, at_impostor = softplus(-score / 2.0)[genuine], softplus(score * 2.0)[impostor]
            return 500.0 * (0.001 * at_genuine.mean() + 0.999 * at_impostor.mean())

    def gradient_length(function, at):
        moved = np.zeros(at.shape)
        for place in np.ndindex(at.shape):
            shift = at.astype(complex)
            shift[place] += 1e-30j
            moved[place] = function(shift).imag / 1e-30
        return np.sqrt((moved**2).sum())

    for name in FROZEN:
        by_x = gradient_length(lambda x: loss(name, x, W), X)
        by_w = gradient_length(lambda w: loss(name, X, w), W)
        print(name, loss(name, X, W), by_x, by_w)
"""

from __future__ import annotations

import numpy as np
import pytest
import torch

from sphereface.heads import HEADS, build_head

# Loss, |dL/dX|, |dL/dW|; SimPLE has no prototypes.
FROZEN = {
    "a-softmax": (140.19440422988785, 0.6528886775816706, 39.43366397113568),
    "sphereface-plus": (139.94234644422698, 0.6528886775816706, 39.528340311668956),
    "sphereface-r-v1": (23.06655646424491, 0.2673548554686245, 6.151286429238903),
    "sphereface-r-v2": (41.98160051526962, 0.395480203900857, 12.547050478408769),
    "sphereface2-c": (25.257795170213488, 0.6438122347324006, 5.647964554369407),
    "sphereface2-a": (13.263893399124283, 0.503493006708886, 3.5750399944002584),
    "sphereface2-m": (13.891848432345057, 0.5387070606560689, 4.136510483819768),
    "combined": (52.90374813875364, 0.8661945043409499, 17.41555575015026),
    "curricularface": (40.06045026000951, 1.1810689609127394, 18.197338063020446),
    "magface": (44.09134676764726, 1.018311955766183, 20.374489974935873),
    "adaface": (55.08505024648942, 0.8111679454561985, 17.792807083155278),
    "elasticface": (49.66181876143806, 1.183132404079443, 19.026993120068948),
    "elasticface-plus": (51.45330454093954, 1.033643817412221, 18.71452112925784),
    "uniface": (69.41553077855554, 1.0846972334322005, 19.386147863836452),
    "adacos": (1.7450053631237858, 0.017208838580290785, 0.4371090242873929),
    "mv-softmax": (30.388756508316145, 0.4615096044264186, 8.69457044082654),
    "ga-softmax": (24.42085527470244, 0.264915584401853, 8.09296399469591),
    "simple": (415198.5342886596, 9114.414132397558, 0.0),
}
IN_A_LIBRARY = {
    "softmax",
    "normface",
    "l-softmax",
    "sphereface",
    "cosface",
    "arcface",
    "subcenter-arcface",
    "circle",
}
"""Compared with pytorch-metric-learning, in test_against_pytorch_metric_learning.py."""

LABELS = np.arange(7) % 4
NOISE = torch.from_numpy(2.0 * np.sin(1.0 + np.arange(7.0)))


def length(a):
    return np.sqrt((a * a).sum(axis=1, keepdims=True))


def embeddings_and_prototypes():
    """The batch of the recipe: angles of 12 to 159 degrees, lengths of 4 to 256, prototypes of 0.8 to 3.1."""
    i, j, c = np.arange(7.0)[:, None], np.arange(5.0), np.arange(4.0)[:, None]
    w = np.cos(1.0 + 2.0 * c + 5.0 * j) * (0.5 + 0.5 * c)
    x = np.sin(1.0 + 3.0 * i + 7.0 * j) + np.linspace(4.0, -3.0, 7)[:, None] * w[LABELS] / length(w)[LABELS]
    return torch.from_numpy(x * 4.0 * 2.0**i / length(x)), torch.from_numpy(w)


def test_every_loss_is_frozen_or_compared_with_a_library():
    assert set(FROZEN) | IN_A_LIBRARY == set(HEADS)
    assert not set(FROZEN) & IN_A_LIBRARY


@pytest.mark.parametrize("name", FROZEN)
def test_loss_and_gradients_are_the_frozen_numbers(name, monkeypatch):
    """The first step at published settings and the full gradient; ElasticFace draws what the recipe says."""
    monkeypatch.setattr(torch, "randn", lambda *_, **__: NOISE)
    x, w = embeddings_and_prototypes()
    x.requires_grad_()
    full = {} if name == "simple" else {"gradient": "full"}  # which is how they were made
    head = build_head(name, num_classes=4, embedding_dim=5, **full).double()
    if name != "simple":
        with torch.no_grad():
            head.prototypes.copy_(w)
    loss = head(x, torch.from_numpy(LABELS)).loss
    loss.backward()
    by_w = 0.0 if name == "simple" else float(head.prototypes.grad.norm())
    assert (loss.item(), float(x.grad.norm()), by_w) == pytest.approx(FROZEN[name], rel=1e-10)
