"""Each term recomputed from its equation in float64, its gradient by the complex step, and the laws it obeys."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from torch import Tensor

from sphereface.errors import ConfigurationError
from sphereface.heads.build_regularizer import REGULARIZERS, build_regularizer
from sphereface.heads.regularizers import CenterLoss, alignment, radial, uniformity
from sphereface.sphere import health
from sphereface.sphere.geometry import length

Array = NDArray[Any]
SIZES = {"num_classes": 5, "embedding_dim": 6}
LABELS = np.array([0, 0, 1, 1, 1, 1, 2, 3, 3, 4])  # two people are alone
LEVELS = np.array([0.0, 0.3, 0.0, 0.9, 0.35, 0.0, 1.0, 0.5, 0.05, 0.0])


@pytest.fixture
def x() -> Array:
    generator = np.random.default_rng(3)
    return generator.normal(size=(10, 6)) * np.linspace(0.5, 4.0, 10)[:, None]


def lengths(x: Array) -> Array:
    return np.sqrt((x * x).sum(axis=1))


def squares(x: Array) -> Array:
    u = x / lengths(x)[:, None]
    return ((u[:, None] - u[None]) ** 2).sum(axis=2)


def alignment_equation(x: Array, labels: Array, alpha: float) -> Any:
    distance = np.sqrt(squares(x) + np.eye(len(x))) ** alpha  # the diagonal is not used
    people = [np.flatnonzero(labels == person) for person in np.unique(labels)]
    each = [distance[np.ix_(rows, rows)][np.triu_indices(len(rows), 1)] for rows in people if len(rows) > 1]
    return sum(pairs.mean() for pairs in each) / len(each)


def uniformity_equation(x: Array, t: float) -> Any:
    return np.log(np.exp(-t * squares(x)[np.triu_indices(len(x), 1)]).mean())


def radial_equation(x: Array, levels: Array, margin: float, gap: float) -> Any:
    norm, hinges = lengths(x), []
    for i in range(len(x)):
        for j in range(len(x)):
            if levels[j] - levels[i] > gap:
                lacking = margin * (levels[j] - levels[i]) - (np.log(norm[i]) - np.log(norm[j]))
                hinges.append(lacking if lacking.real > 0 else 0.0 * lacking)
    return sum(hinges) / len(hinges)


def center_equation(x: Array, centres: Array, labels: Array, weight: float) -> Any:
    return weight / 2 * ((x - centres[labels]) ** 2).sum(axis=1).mean()


def complex_step(function: Callable[[Array], Any], at: Array) -> Array:
    gradient = np.empty(at.shape)
    for index in np.ndindex(at.shape):
        moved = at.astype(np.complex128)
        moved[index] += 1e-30j
        gradient[index] = np.imag(function(moved)) / 1e-30
    return gradient


def agrees(function: Callable[[Tensor], Tensor], equation: Callable[[Array], Any], x: Array) -> None:
    tensor = torch.from_numpy(x.copy()).requires_grad_()
    loss = function(tensor)
    loss.backward()
    assert np.array_equal(tensor.detach().numpy(), x)
    assert loss.item() == pytest.approx(float(equation(x)), rel=1e-12)
    assert np.abs(tensor.grad.numpy()).max() > 1e-4
    np.testing.assert_allclose(tensor.grad.numpy(), complex_step(equation, x), rtol=1e-9, atol=1e-12)


def gradient_of(function: Callable[[Tensor], Tensor], x: Array) -> Array:
    tensor = torch.from_numpy(x).clone().requires_grad_()
    function(tensor).backward()
    return tensor.grad.numpy()


# --- equations ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("alpha", [1.0, 2.0, 3.5])
def test_alignment(x, alpha):
    labels = torch.from_numpy(LABELS)
    agrees(lambda e: alignment(e, labels, alpha), lambda e: alignment_equation(e, LABELS, alpha), x)


@pytest.mark.parametrize("t", [0.5, 2.0, 10.0])
def test_uniformity(x, t):
    agrees(lambda e: uniformity(e, t), lambda e: uniformity_equation(e, t), x)


@pytest.mark.parametrize(("margin", "gap"), [(0.5, 0.1), (2.0, 0.0), (5.0, 0.4)])
def test_radial(x, margin, gap):
    levels = torch.from_numpy(LEVELS)
    agrees(lambda e: radial(length(e), levels, margin, gap), lambda e: radial_equation(e, LEVELS, margin, gap), x)


def make_center(**options: Any) -> tuple[CenterLoss, Array]:
    term = CenterLoss(5, 6, **options).double()
    centres = np.random.default_rng(4).normal(size=(5, 6))
    with torch.no_grad():
        term.centres.copy_(torch.from_numpy(centres))
    return term, centres


def test_center(x):
    term, centres = make_center(weight=0.3, rate=7.0)
    labels = torch.from_numpy(LABELS)
    agrees(lambda e: term(e, labels), lambda e: center_equation(e, centres, LABELS, 0.3), x)


@pytest.mark.parametrize(("weight", "rate"), [(0.008, 1.0), (5.0, 1.0), (0.008, 0.25)])
def test_centres_are_updated_as_in_the_paper_whatever_the_weight(x, weight, rate):
    term, centres = make_center(weight=weight, rate=rate)
    solver = torch.optim.SGD(term.parameters(), lr=0.5)
    term(torch.from_numpy(x), torch.from_numpy(LABELS)).backward()
    solver.step()
    expected = centres.copy()
    for person in range(5):  # equation 4: alpha times the summed differences over one more than their number
        mine = x[person == LABELS]
        expected[person] -= 0.5 * rate * (centres[person] - mine).sum(axis=0) / (1 + len(mine))
    np.testing.assert_allclose(term.centres.detach().numpy(), expected, rtol=1e-12)


def test_centres_find_the_means_of_their_people(x):
    term, _ = make_center()
    solver = torch.optim.SGD(term.parameters(), lr=0.1, momentum=0.9)
    for _ in range(200):
        solver.zero_grad()
        term(torch.from_numpy(x), torch.from_numpy(LABELS)).backward()
        solver.step()
    means = np.stack([x[person == LABELS].mean(axis=0) for person in range(5)])
    np.testing.assert_allclose(term.centres.detach().numpy(), means, atol=1e-3)


# --- agreement with the report's figures --------------------------------------------------------------------


def test_alignment_and_uniformity_are_the_figures_of_the_report(x):
    tensor, labels = torch.from_numpy(x), torch.from_numpy(LABELS)
    assert alignment(tensor, labels).item() == pytest.approx(health.alignment(x, LABELS), rel=1e-12)
    assert uniformity(tensor).item() == pytest.approx(health.uniformity(x), rel=1e-12)


def test_alignment_averages_people_which_is_pairs_where_all_have_equally_many(x):
    def per_pair(labels: Array) -> float:
        same = np.triu(labels[:, None] == labels[None], 1)
        return float(squares(x)[same].mean())

    tensor, balanced = torch.from_numpy(x), np.arange(10) % 5
    assert alignment(tensor, torch.from_numpy(balanced)).item() == pytest.approx(per_pair(balanced), rel=1e-12)
    assert alignment(tensor, torch.from_numpy(LABELS)).item() != pytest.approx(per_pair(LABELS), rel=1e-2)


# --- laws ---------------------------------------------------------------------------------------------------


def test_alignment_is_zero_with_a_finite_gradient_where_people_are_points():
    x = np.repeat(np.random.default_rng(0).normal(size=(3, 6)), 2, axis=0)
    labels = torch.arange(6) // 2
    for alpha in (1.0, 1.5, 2.0):
        assert alignment(torch.from_numpy(x), labels, alpha).item() == pytest.approx(0.0, abs=1e-12)
        assert np.isfinite(gradient_of(lambda e, alpha=alpha: alignment(e, labels, alpha), x)).all()


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=20, deadline=None)
def test_uniformity_is_lowest_for_evenly_spread_points(seed):
    simplex = torch.eye(5, dtype=torch.float64) - 0.2  # five points in four dimensions, all equally far
    others = torch.from_numpy(np.random.default_rng(seed).normal(size=(5, 5)))
    others = others - others.mean(dim=1, keepdim=True)  # in the same four dimensions
    assert uniformity(simplex) <= uniformity(others)
    assert uniformity(torch.ones(5, 3)).item() == pytest.approx(0.0, abs=1e-6)


def test_uniformity_of_far_points_does_not_underflow():
    poles = torch.tensor([[1.0, 0.0], [-1.0, 0.0]])
    assert uniformity(poles, 100.0).item() == pytest.approx(-400.0)


def test_center_loss_is_zero_at_the_centres_and_nowhere_else():
    term, centres = make_center()
    at = torch.from_numpy(centres[LABELS])
    assert term(at, torch.from_numpy(LABELS)).item() == 0.0
    assert term(at + 0.1, torch.from_numpy(LABELS)).item() > 0.0


def test_the_gradient_of_radial_is_parallel_to_the_embedding_and_bounded(x):
    for margin in (0.5, 10.0):
        gradient = gradient_of(
            lambda e, margin=margin: radial(length(e), torch.from_numpy(LEVELS), margin, 0.0), x
        )
        norm = lengths(x)
        across = gradient - ((gradient * x).sum(axis=1) / norm**2)[:, None] * x
        np.testing.assert_allclose(across, 0.0, atol=1e-15)
        assert (lengths(gradient) * norm <= 1.0 + 1e-12).all()
        assert np.abs(gradient).max() > 1e-3


def test_radial_makes_the_degraded_shorter_and_the_clean_longer():
    gradient = gradient_of(lambda n: radial(n, torch.tensor([0.0, 1.0])), np.array([2.0, 2.0]))
    np.testing.assert_allclose(gradient, [-0.5, 0.5])


def test_radial_is_zero_where_norms_are_ordered_and_levels_are_equal(x):
    levels = torch.tensor([0.0, 0.4, 1.0])
    assert radial(torch.exp(-0.5 * levels), levels).item() == pytest.approx(0.0, abs=1e-7)
    assert radial(torch.exp(-0.4 * levels), levels).item() > 0.01
    for equal in (0.0, 1.0):
        same = torch.full((10,), equal, dtype=torch.float64)
        assert radial(torch.from_numpy(lengths(x)), same).item() == 0.0
        assert not gradient_of(lambda e, same=same: radial(length(e), same), x).any()


def test_radial_stays_finite_for_tiny_norms():
    gradient = gradient_of(lambda n: radial(n, torch.tensor([0.0, 1.0])), np.array([1e-30, 5.0]))
    np.testing.assert_allclose(gradient, [0.0, 0.2])


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=20, deadline=None)
def test_no_term_knows_the_axes(seed):
    generator = np.random.default_rng(seed)
    x = torch.from_numpy(generator.normal(size=(10, 6)))
    rotation = torch.linalg.qr(torch.from_numpy(generator.normal(size=(6, 6))))[0]
    labels, levels = torch.from_numpy(LABELS), torch.from_numpy(LEVELS)
    for name in REGULARIZERS:
        term = build_regularizer(name, **SIZES).double()
        before = term(x, labels, levels)
        with torch.no_grad():
            for parameter in term.parameters():
                parameter.copy_(parameter @ rotation)
        assert term(x @ rotation, labels, levels).item() == pytest.approx(before.item(), rel=1e-9, abs=1e-12)


@given(st.floats(0.01, 100.0))
@settings(max_examples=10, deadline=None)
def test_only_center_and_radial_know_the_norm(scale):
    x = torch.from_numpy(np.random.default_rng(1).normal(size=(10, 6)))
    longer = x.clone()
    longer[::2] *= scale
    for name in ("contrastive", "triplet", "alignment", "uniformity"):
        term = build_regularizer(name, **SIZES)
        before = term(x, torch.from_numpy(LABELS)).item()
        assert term(longer, torch.from_numpy(LABELS)).item() == pytest.approx(before, rel=1e-9)


# --- the table ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", REGULARIZERS)
def test_every_term_is_multiplied_by_its_weight(x, name):
    torch.manual_seed(0)
    once = build_regularizer(name, **SIZES, weight=1.0).double()
    thrice = build_regularizer(name, **SIZES, weight=3.0).double()
    thrice.load_state_dict(once.state_dict())
    batch = torch.from_numpy(x), torch.from_numpy(LABELS), torch.from_numpy(LEVELS)
    assert once(*batch).item() != 0.0
    assert thrice(*batch).item() == pytest.approx(3.0 * once(*batch).item(), rel=1e-12)
    assert build_regularizer(name, **SIZES).weight == REGULARIZERS[name].weight


@pytest.mark.parametrize("name", REGULARIZERS)
def test_every_term_is_computed_wide_whatever_autocast_says(x, name):
    torch.manual_seed(0)
    term = build_regularizer(name, **SIZES)
    labels, levels = torch.from_numpy(LABELS), torch.from_numpy(LEVELS).float()
    narrow = torch.from_numpy(x).bfloat16()
    plain = term(narrow.float(), labels, levels)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        cast = term(narrow, labels, levels)
    assert cast.dtype == torch.float32
    assert torch.equal(cast, plain)
    assert term.double()(narrow, labels, levels).dtype == (
        torch.float64 if list(term.parameters()) else torch.float32
    )


@pytest.mark.parametrize("name", REGULARIZERS)
def test_a_batch_with_nothing_to_compare_takes_a_step_of_finite_size(name):
    term = build_regularizer(name, **SIZES)
    for count in (1, 4):
        x = torch.randn(count, 6).requires_grad_()
        term(x, torch.arange(count), torch.zeros(count)).backward()
        assert torch.isfinite(x.grad).all()


@pytest.mark.parametrize("name", REGULARIZERS)
def test_terms_can_be_built_without_memory(name):
    with torch.device("meta"):
        build_regularizer(name, **SIZES)


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        (
            "centre",
            {},
            r"^unknown regularizer 'centre'\. Did you mean 'center'\? Known: center, contrastive, triplet",
        ),
        ("zzz", {}, r"^unknown regularizer 'zzz'\. Known: center"),
        (
            "radial",
            {"margn": 1.0},
            r"^regularizer 'radial' has no setting 'margn'\. Did you mean 'margin'\? Known: ",
        ),
        ("center", {"weight": 0.0}, r"^weight must be a number in \(0, 1e\+06\], not 0\.0$"),
        ("center", {"weight": "much"}, r"^weight must be a number in \(0, 1e\+06\], not 'much'$"),
        ("center", {"rate": -1.0}, r"^rate must be a number in \[0, 100\], not -1\.0$"),
        ("alignment", {"alpha": 0.5}, r"^alpha must be a number in \[1, 8\], not 0\.5$"),
        ("uniformity", {"t": 0.0}, r"^t must be a number in \(0, 100\], not 0\.0$"),
        ("contrastive", {"margin": 1.5}, r"^margin must be a number in \[-1, 1\], not 1\.5$"),
        ("triplet", {"margin": 0}, r"^margin must be a number in \(0, 2\], not 0$"),
        ("radial", {"gap": float("nan")}, r"^gap must be a number in \[0, 0\.9\], not nan$"),
        ("center", {"num_classes": 1}, r"^num_classes must be a whole number of 2 or more, not 1$"),
    ],
)
def test_refuses_settings_that_do_not_fit(name, options, message):
    with pytest.raises(ConfigurationError, match=message):
        build_regularizer(name, **{**SIZES, **options})


@pytest.mark.parametrize(
    ("levels", "message"),
    [
        (None, "the regularizer 'radial' needs the degradation level of every picture, and none were given"),
        (
            torch.zeros(3),
            "levels must be floating point of shape (2,), one per embedding, not torch.float32 of shape (3,)",
        ),
        (
            torch.zeros(2).long(),
            "levels must be floating point of shape (2,), one per embedding, not torch.int64 of shape (2,)",
        ),
        (torch.tensor([0.0, 1.5]), "levels must lie in [0, 1], but number 1 is 1.5"),
        (torch.tensor([float("nan"), 1.0]), "levels must lie in [0, 1], but number 0 is nan"),
    ],
)
def test_radial_refuses_levels_that_do_not_fit(levels, message):
    with pytest.raises(ConfigurationError) as caught:
        build_regularizer("radial", **SIZES)(torch.ones(2, 6), torch.tensor([0, 1]), levels)
    assert str(caught.value) == message


@pytest.mark.parametrize("name", REGULARIZERS)
@pytest.mark.parametrize(
    ("x", "labels", "message"),
    [
        (torch.ones(2, 5), torch.tensor([0, 1]), r"embeddings must have shape \(N, 6\), not \(2, 5\)"),
        (torch.ones(2, 6), torch.tensor([0, 5]), r"labels must lie in \[0, 5\), but one of them is 5"),
        (torch.zeros(2, 6), torch.tensor([0, 1]), r"number 0 of 2 is the zero vector"),
        (torch.full((2, 6), torch.inf), torch.tensor([0, 1]), r"number 0 of 2 holds NaN or infinity"),
    ],
)
def test_every_term_refuses_a_batch_that_does_not_fit(name, x, labels, message):
    with pytest.raises(ConfigurationError, match=message):
        build_regularizer(name, **SIZES)(x, labels, torch.zeros(2))
