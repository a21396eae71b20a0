"""What every head obeys as a whole: limits, symmetries, finite values at every angle, bounded gradients."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from sphereface.heads import HEADS, build_head
from sphereface.heads.table import SOFTMAX_ROWS

ROWS = list(HEADS)
SPHERICAL = [name for name in ROWS if name != "softmax"]
SEEDS = st.integers(0, 2**31)
drawn = settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
PI = math.pi
ANGLES = [
    0.0,
    1e-12,
    1e-8,
    1e-4,
    0.5,
    PI / 4,
    PI / 2,
    PI / 1.4,
    PI - 0.5,
    PI - 1e-4,
    PI - 1e-8,
    PI - 1e-12,
    PI,
]


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    """Tensors this small lose more to the start of threads than to arithmetic."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@st.composite
def row_settings(draw, name):
    """Draw settings that the row accepts."""
    row = SOFTMAX_ROWS[name]
    whole = st.integers(int(row.lowest), 4) if row.whole else st.floats(row.lowest, min(row.highest, 6.0))
    return {
        "margin": draw(whole),
        "gradient": draw(st.sampled_from(["full", "detached"])),
        "fallback": draw(st.sampled_from(["hard", *row.fallbacks])),
    }


def sample(seed, count=6, classes=4, dimension=5):
    generator = torch.Generator().manual_seed(seed)
    x = 3.0 * torch.randn(count, dimension, generator=generator, dtype=torch.float64)
    w = torch.randn(classes, dimension, generator=generator, dtype=torch.float64)
    return x, w, torch.randint(classes, (count,), generator=generator)


def head_on(w, name, **settings_):
    head = build_head(name, num_classes=w.shape[0], embedding_dim=w.shape[1], **settings_).to(w.dtype)
    with torch.no_grad():
        head.prototypes.copy_(w)
    return head


def both_ways(head, x, labels):
    """Loss and gradients by embeddings and prototypes."""
    x = x.clone().requires_grad_()
    head.zero_grad()
    loss = head(x, labels).loss
    loss.backward()
    return loss.detach(), x.grad, head.prototypes.grad.clone()


def at_angles(dtype=torch.float64, norm=1.0):
    """Embeddings at every listed angle to the first of three prototypes, in the plane of the second."""
    angles = torch.tensor(ANGLES, dtype=torch.float64)
    x = norm * torch.stack([torch.cos(angles), torch.sin(angles), torch.zeros_like(angles)], dim=1)
    w = torch.tensor([[1.0, 0.0, 0.0], [-1.0, 0.0, 0.0], [0.6, 0.0, 0.8]], dtype=torch.float64)
    x[0], x[-1] = norm * w[0], -norm * w[0]  # exactly 0 and pi
    return x.to(dtype), w.to(dtype)


@pytest.mark.parametrize("name", SPHERICAL)
@pytest.mark.parametrize("radius", ["nfn", "hfn", "sfn"])
@drawn
@given(seed=SEEDS, gradient=st.sampled_from(["full", "detached"]), scale=st.floats(1.0, 128.0))
def test_neutral_margin_is_the_normalised_softmax(name, radius, seed, gradient, scale):
    """With the row's own radius, to 1e-12; loss and gradients."""
    x, w, labels = sample(seed)
    common = {"radius": radius, "scale": scale, "gradient": gradient}
    ours = both_ways(head_on(w, name, margin=SOFTMAX_ROWS[name].neutral, **common), x, labels)
    plain = both_ways(head_on(w, "normface", **common), x, labels)
    assert ours[0].item() == pytest.approx(plain[0].item(), rel=1e-12, abs=1e-12)
    for got, expected in zip(ours[1:], plain[1:], strict=True):
        np.testing.assert_allclose(got.numpy(), expected.numpy(), rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize("name", ROWS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16, torch.float16])
@drawn
@given(data=st.data(), scale=st.floats(1.0, 128.0), low_head=st.booleans(), norm=st.floats(0.1, 30.0))
def test_finite_at_every_angle(name, dtype, data, scale, low_head, norm):
    """Own class and other class at 0, at pi and a rounding away from them; prototypes in either precision."""
    x, w = at_angles(dtype, norm)
    x = torch.cat([x, torch.zeros_like(x[:1])])
    head = head_on(w if low_head else w.double(), name, scale=scale, **data.draw(row_settings(name)))
    for own in range(3):
        loss, by_x, by_w = both_ways(head, x, torch.full((len(x),), own))
        assert loss.dtype in (torch.float32, torch.float64)
        assert by_x.dtype == dtype
        assert all(bool(torch.isfinite(value).all()) for value in (loss, by_x, by_w))


@pytest.mark.parametrize("name", SPHERICAL)
@pytest.mark.parametrize(("dtype", "slack"), [(torch.float64, 1e-7), (torch.float32, 2e-3)])
@drawn
@given(data=st.data(), scale=st.floats(1.0, 128.0), norm=st.floats(0.1, 30.0), seed=SEEDS)
def test_gradient_is_bounded(name, dtype, slack, data, scale, norm, seed):
    """|dL_i/dx_i| <= s (max |psi'| + max |eta'|) / |x_i| with a fixed norm, at 0 and pi too."""
    drawn_settings = data.draw(row_settings(name))
    m = float(drawn_settings["margin"])
    psi_slope = m if name in ("a-softmax", "sphereface", "sphereface-r-v1") else 1.0
    if name == "a-softmax":
        psi_slope = (5.0 + m) / 6.0
    eta_slope = 1.0 / m if name == "sphereface-r-v2" and drawn_settings["gradient"] == "full" else 1.0
    if drawn_settings["gradient"] == "detached":
        psi_slope = 1.0
    x, w = at_angles(dtype, norm)
    spread, other_w, _ = sample(seed, count=5, classes=3, dimension=3)
    x, w = torch.cat([x, spread.to(dtype)]), w if seed % 2 else other_w.to(dtype)
    head = head_on(w, name, scale=scale, radius="hfn", **drawn_settings)
    for own in range(3):
        by_x = both_ways(head, x, torch.full((len(x),), own))[1] * len(x)
        bound = scale * (psi_slope + eta_slope) / x.norm(dim=1)
        assert bool((by_x.norm(dim=1) <= bound * (1 + slack)).all())


@pytest.mark.parametrize("name", ROWS)
@pytest.mark.parametrize("radius", ["nfn", "hfn", "sfn"])
@settings(max_examples=3, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(seed=SEEDS, data=st.data())
def test_full_gradient_by_finite_differences(name, radius, seed, data):
    """Away from the steps of ArcFace and the kink of sfn's absolute value."""
    choice = {**data.draw(row_settings(name)), "gradient": "full"}
    x, w, labels = sample(seed, count=3, classes=3, dimension=4)
    theta = torch.acos(torch.cosine_similarity(x, w[labels]))
    steps = [0.0, PI, PI / 2, PI - float(choice["margin"])]
    assume(all((theta - step).abs().min() > 1e-2 for step in steps))
    assume((x.norm(dim=1) - 5.0).abs().min() > 1e-2)
    head = head_on(w, name, radius=radius, scale=5.0, **choice)

    def loss(embeddings, prototypes):
        return torch.func.functional_call(head, {"prototypes": prototypes}, (embeddings, labels)).loss

    assert torch.autograd.gradcheck(loss, (x.requires_grad_(), w.requires_grad_()), eps=1e-6, atol=1e-5)


@pytest.mark.parametrize("name", ROWS)
@drawn
@given(seed=SEEDS, data=st.data())
def test_batch_is_the_mean_of_its_samples_in_any_order(name, seed, data):
    x, w, labels = sample(seed)
    head = head_on(w, name, **data.draw(row_settings(name)))
    result = head(x, labels)
    alone = torch.stack([head(x[i : i + 1], labels[i : i + 1]).loss for i in range(len(x))])
    np.testing.assert_allclose(result.per_sample.numpy(), alone.detach().numpy(), rtol=1e-10, atol=1e-12)
    assert result.loss.item() == pytest.approx(alone.mean().item(), rel=1e-10)
    order = torch.randperm(len(x))
    assert head(x[order], labels[order]).loss.item() == pytest.approx(result.loss.item(), rel=1e-10)


@pytest.mark.parametrize("name", ROWS)
@drawn
@given(seed=SEEDS, data=st.data())
def test_turning_the_whole_space_changes_nothing(name, seed, data):
    """Loss invariant, gradients turned with it; relabelling the classes permutes the prototypes."""
    x, w, labels = sample(seed)
    choice = data.draw(row_settings(name))
    theta = torch.acos(torch.cosine_similarity(x, w[labels]))
    assume(all((theta - step).abs().min() > 1e-9 for step in (PI / 2, PI - float(choice["margin"]))))
    turn = torch.linalg.qr(torch.randn(5, 5, generator=torch.Generator().manual_seed(seed)).double())[0]
    loss, by_x, by_w = both_ways(head_on(w, name, **choice), x, labels)
    turned = both_ways(head_on(w @ turn, name, **choice), x @ turn, labels)
    assert turned[0].item() == pytest.approx(loss.item(), rel=1e-9)
    np.testing.assert_allclose(turned[1].numpy(), (by_x @ turn).numpy(), atol=1e-8)
    np.testing.assert_allclose(turned[2].numpy(), (by_w @ turn).numpy(), atol=1e-8)

    order = torch.randperm(4, generator=torch.Generator().manual_seed(seed))
    renamed = both_ways(head_on(w[order], name, **choice), x, torch.argsort(order)[labels])
    assert renamed[0].item() == pytest.approx(loss.item(), rel=1e-9)


@pytest.mark.parametrize("name", SPHERICAL)
@drawn
@given(seed=SEEDS, data=st.data(), factor=st.floats(0.1, 10.0))
def test_lengths_do_not_matter_on_the_sphere(name, seed, data, factor):
    """Prototypes of any length, and embeddings under hfn; so the gradients have no radial part."""
    x, w, labels = sample(seed)
    choice = {**data.draw(row_settings(name)), "radius": "hfn"}
    theta = torch.acos(torch.cosine_similarity(x, w[labels]))
    assume(all((theta - step).abs().min() > 1e-9 for step in (PI / 2, PI - float(choice["margin"]))))
    loss, by_x, by_w = both_ways(head_on(w, name, **choice), x, labels)
    longer = both_ways(head_on(factor * w, name, **choice), factor * x, labels)
    assert longer[0].item() == pytest.approx(loss.item(), rel=1e-9)
    np.testing.assert_allclose((factor * longer[1]).numpy(), by_x.numpy(), atol=1e-8)
    np.testing.assert_allclose((factor * longer[2]).numpy(), by_w.numpy(), atol=1e-8)
    assert (by_x * x).sum(dim=1).abs().max() < 1e-9
    assert (by_w * w).sum(dim=1).abs().max() < 1e-9


@pytest.mark.parametrize("name", SPHERICAL)
@drawn
@given(seed=SEEDS, data=st.data())
def test_projected_prototypes_agree_up_to_their_own_direction(name, seed, data):
    """Same loss, same gradient of x; the gradient of a prototype differs along that prototype alone."""
    x, w, labels = sample(seed)
    choice = data.draw(row_settings(name))
    head = head_on(w, name, prototypes="projected", **choice)
    head.advance(1.0)
    unit_w = head.prototypes.detach().clone()
    np.testing.assert_allclose(unit_w.norm(dim=1).numpy(), 1.0, rtol=1e-14)
    kept = both_ways(head, x, labels)
    free = both_ways(head_on(unit_w, name, **choice), x, labels)
    assert kept[0].item() == pytest.approx(free[0].item(), rel=1e-12)
    np.testing.assert_allclose(kept[1].numpy(), free[1].numpy(), atol=1e-10)
    difference = kept[2] - free[2]
    radial = (difference * unit_w).sum(dim=1, keepdim=True) * unit_w
    np.testing.assert_allclose(difference.numpy(), radial.numpy(), atol=1e-10)


@pytest.mark.parametrize("name", ROWS)
@drawn
@given(seed=SEEDS, data=st.data())
def test_a_larger_margin_is_a_larger_loss(name, seed, data):
    """psi <= eta, seen from the loss: never below the loss at the neutral margin."""
    x, w, labels = sample(seed)
    choice = data.draw(row_settings(name))
    neutral = {**choice, "margin": SOFTMAX_ROWS[name].neutral}
    with_margin, without = (head_on(w, name, **c)(x, labels).loss.item() for c in (choice, neutral))
    assert with_margin >= without * (1 - 1e-12)
