"""What every head obeys as a whole: limits, symmetries, finite values at every angle, bounded gradients.

``SPHEREFACE_LAW_EXAMPLES`` and ``SPHEREFACE_GRADCHECKS`` set how much is drawn; `make test-faults` draws 1,000
settings and 50 gradient checks for each row.
"""

from __future__ import annotations

import math
import os

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from sphereface.errors import ConfigurationError
from sphereface.heads import HEADS, build_head
from sphereface.heads.curves import curves

PI = math.pi
NAMES = list(HEADS)
CENTRED = [name for name in NAMES if HEADS[name].link != "pairs"]  # those with prototypes
SPHERICAL = [name for name in CENTRED if HEADS[name].unit_prototypes]
OF_THE_NORM = {"magface", "adaface"}  # whose margin depends on the length of the embedding
DRAWN = {"elasticface", "elasticface-plus"}  # whose margin depends on the place in the batch
MARGINAL = [  # a one-against-all loss starts from another bias with another margin
    name for name, row in HEADS.items() if row.link == "softmax" and "ordered" in row.laws and row.neutral
]
SEEDS = st.integers(0, 2**31)
EXAMPLES = int(os.environ.get("SPHEREFACE_LAW_EXAMPLES", "20"))
GRADCHECKS = int(os.environ.get("SPHEREFACE_GRADCHECKS", "3"))
_slow = [HealthCheck.too_slow, HealthCheck.filter_too_much]
drawn = settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=_slow)
few = settings(max_examples=GRADCHECKS, deadline=None, suppress_health_check=_slow)
ANGLES = [0.0, 1e-12, 1e-8, 1e-4, 0.5, PI / 4, PI / 2, PI / 1.4, PI - 0.5, PI - 1e-4, PI - 1e-8, PI - 1e-12, PI]


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
    row = HEADS[name]
    found = {}
    for key, setting in row.settings.items():
        if key == "bank":
            found[key] = 16
            continue
        high = min(setting.high, 6.0) if setting.low < 6.0 else setting.high
        whole = st.integers(int(setting.low), int(high))
        found[key] = draw(whole if setting.whole else st.floats(setting.low, high, exclude_min=setting.above))
    if name == "magface":
        found["high_norm"] = found["low_norm"] + draw(st.floats(1.0, 20.0))
        found["high_margin"] = max(found["low_margin"], found["high_margin"])
    if "deviation" in found:  # within a few deviations of the default, so that most draws stay clear of pi
        found["margin"], found["deviation"] = found["margin"] / 4.0, found["deviation"] / 20.0
    if row.link != "pairs":
        found["gradient"] = draw(st.sampled_from(["full", "detached"]))
        if row.forms:
            found["fallback"] = draw(st.sampled_from(row.form_names))
    return found


def scaled(name, **wanted):
    """Keep those of scale and radius that the row takes."""
    return {} if HEADS[name].own_scale or HEADS[name].link == "pairs" else wanted


def sample(seed, count=6, classes=4, dimension=5):
    generator = torch.Generator().manual_seed(seed)
    x = 3.0 * torch.randn(count, dimension, generator=generator, dtype=torch.float64)
    w = torch.randn(classes, dimension, generator=generator, dtype=torch.float64)
    return x, w, torch.randint(classes, (count,), generator=generator)


def head_on(w, name, **settings_):
    """A head on these prototypes that remembers nothing; further sub-centres are the same numbers shifted."""
    try:
        head = build_head(name, num_classes=w.shape[0], embedding_dim=w.shape[1], **settings_).to(w.dtype).eval()
    except ConfigurationError:  # combined margins that would make the own class easier
        assume(False)
    if HEADS[name].link != "pairs":
        with torch.no_grad():
            turned = [torch.roll(w, shift, dims=1) for shift in range(head.row.centres or 1)]
            head.prototypes.copy_(w if head.row.centres is None else torch.stack(turned, dim=1))
    return head


def own_angles(head, x, labels):
    return head(x, labels).target_angle


def away_from_kinks(head, x, labels, distance):
    """Assume that no own angle lies where psi or its slope may jump, nor two sub-centres tie."""
    theta = own_angles(head, x, labels)
    row, values = head.row, head.schedule.values
    kinks = [0.0, 0.5, 1.0, *(() if row.kinks is None else row.kinks(*values))]
    if "low_margin" in row.settings:  # MagFace: between its smallest and its largest margin
        assume((theta < PI - values[3] - distance).all())
    if "deviation" in row.settings:  # ElasticFace: within what it may draw
        assume((theta < PI - min(PI / 2, values[0] + 6.0 * values[1]) - distance).all())
    if "concentration" in row.settings:  # AdaFace: where the angle is clipped
        assume(((theta > values[0] + 0.01) & (theta < PI - values[0] - 0.01)).all())
    assume(all((theta - kink * PI).abs().min() > distance for kink in kinks))


def both_ways(head, x, labels):
    """Loss and gradients by embeddings and prototypes."""
    x = x.clone().requires_grad_()
    head.zero_grad()
    loss = head(x, labels).loss
    loss.backward()
    by_w = head.prototypes.grad.clone() if isinstance(head.prototypes, torch.nn.Parameter) else None
    return loss.detach(), x.grad, by_w


def at_angles(dtype=torch.float64, norm=1.0):
    """Embeddings at every listed angle to the first of three prototypes, in the plane of the second."""
    angles = torch.tensor(ANGLES, dtype=torch.float64)
    x = norm * torch.stack([torch.cos(angles), torch.sin(angles), torch.zeros_like(angles)], dim=1)
    w = torch.tensor([[1.0, 0.0, 0.0], [-1.0, 0.0, 0.0], [0.6, 0.0, 0.8]], dtype=torch.float64)
    x[0], x[-1] = norm * w[0], -norm * w[0]  # exactly 0 and pi
    return x.to(dtype), w.to(dtype)


@pytest.mark.parametrize("name", [name for name in SPHERICAL if "neutral" in HEADS[name].laws])
@pytest.mark.parametrize("radius", ["nfn", "hfn", "sfn"])
@drawn
@given(seed=SEEDS, gradient=st.sampled_from(["full", "detached"]), scale=st.floats(1.0, 128.0))
def test_neutral_settings_are_the_normalised_softmax(name, radius, seed, gradient, scale):
    """With the row's own radius, to 1e-12; loss and gradients."""
    x, w, labels = sample(seed)
    common = {"radius": radius, "scale": scale, "gradient": gradient}
    ours = both_ways(head_on(w, name, **HEADS[name].neutral, **common), x, labels)
    plain = both_ways(head_on(w, "normface", **common), x, labels)
    assert ours[0].item() == pytest.approx(plain[0].item(), rel=1e-12, abs=1e-12)
    for got, expected in zip(ours[1:], plain[1:], strict=True):
        np.testing.assert_allclose(got.numpy(), expected.numpy(), rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16, torch.float16])
@drawn
@given(data=st.data(), scale=st.floats(1.0, 128.0), low_head=st.booleans(), norm=st.floats(0.1, 30.0))
def test_finite_at_every_angle(name, dtype, data, scale, low_head, norm):
    """Own class and other class at 0, at pi and a rounding away from them; prototypes in either precision."""
    x, w = at_angles(dtype, norm)
    head = head_on(
        w if low_head else w.double(), name, **scaled(name, scale=scale), **data.draw(row_settings(name))
    )
    head.train()
    untouched = x.clone()
    for own in range(3):
        loss, by_x, by_w = both_ways(head, x, torch.full((len(x),), own))
        assert loss.dtype in (torch.float32, torch.float64)
        assert by_x.dtype == dtype
        assert all(bool(torch.isfinite(value).all()) for value in (loss, by_x, by_w) if value is not None)
    assert torch.equal(x, untouched)


def largest_slope(name, form, numbers):
    """max |psi'| and max |eta'| by the angle, on a grid that has both ends."""
    theta = torch.linspace(0.0, PI, 2049, dtype=torch.float64, requires_grad=True)
    try:
        found = curves(name, theta, fallback=form, own_angle=PI / 2, **numbers)
    except ConfigurationError:  # combined margins that would make the own class easier
        assume(False)
    slopes = []
    for curve in (found.psi, found.eta):
        (slope,) = torch.autograd.grad(curve.sum(), theta, retain_graph=True)
        slopes.append(slope.abs().max().item())
    return slopes


@pytest.mark.parametrize(
    "name", [name for name in SPHERICAL if name not in OF_THE_NORM and not HEADS[name].own_scale]
)
@pytest.mark.parametrize(("dtype", "slack"), [(torch.float64, 1e-6), (torch.float32, 2e-3)])
@drawn
@given(data=st.data(), scale=st.floats(1.0, 128.0), norm=st.floats(0.1, 30.0), seed=SEEDS)
def test_gradient_is_bounded(name, dtype, slack, data, scale, norm, seed):
    """|dL_i/dx_i| <= s (max |psi'| + max |eta'|) / |x_i| with a fixed norm, at 0 and pi too.

    One against all: s (own weight max |psi'| + (C - 1) others' weight max |eta'|).
    """
    choice = data.draw(row_settings(name))
    numbers = {key: choice[key] for key in HEADS[name].settings}
    psi_slope, eta_slope = largest_slope(name, choice.get("fallback"), numbers)
    if choice["gradient"] == "detached":
        psi_slope = eta_slope = 1.0
    # What lambda leaves of the margin; psi' is at most 1 where it is all cosine.
    psi_slope = max(psi_slope, 1.0)
    x, w = at_angles(dtype, norm)
    spread, other_w, _ = sample(seed, count=5, classes=3, dimension=3)
    x, w = torch.cat([x, spread.to(dtype)]), w if seed % 2 else other_w.to(dtype)
    head = head_on(w, name, scale=scale, radius="hfn", **choice)
    logistic = HEADS[name].logistic
    own_weight, others_weight = (1.0, 1.0)
    if logistic is not None:
        values = head.schedule.values
        own_weight, others_weight = logistic.own(*values), 2.0 * logistic.others(*values)
    # Where eta depends on the own angle (a stretched negative), its slope is that of the stretched piece.
    eta_slope = max(eta_slope, numbers.get("weight", 1.0))
    for own in range(3):
        by_x = both_ways(head, x, torch.full((len(x),), own))[1] * len(x)
        bound = scale * (own_weight * psi_slope + others_weight * eta_slope) / x.norm(dim=1)
        assert bool((by_x.norm(dim=1) <= bound * (1 + slack)).all())


@pytest.mark.parametrize("name", CENTRED)
@drawn
@given(seed=SEEDS, data=st.data(), scale=st.floats(1.0, 64.0))
def test_detached_gradient_is_that_of_the_plain_cosine(name, seed, data, scale):
    """dL/dcos_ij = s (softmax(margin logits)_ij - 1[j = y_i]) / N, or the same with sigmoids and weights.

    Read off the part of dL/dx that is tangential to x: what depends on the norm alone is radial.
    """
    x, w, labels = sample(seed)
    choice = {**data.draw(row_settings(name)), "gradient": "detached"}
    head = head_on(w, name, **scaled(name, scale=scale, radius="hfn"), **choice)
    own = torch.nn.functional.one_hot(labels, len(w)).double()
    logits = head.logits(x, labels)
    rho = head.rule.scale.item() if HEADS[name].own_scale else scale
    if HEADS[name].logistic is None:
        by_cosine = rho * (torch.softmax(logits, 1) - own)
    else:
        values = head.schedule.values
        own_weight, others_weight = HEADS[name].logistic.own(*values), HEADS[name].logistic.others(*values)
        by_cosine = rho * torch.where(
            own > 0, -own_weight * torch.sigmoid(-logits), others_weight * torch.sigmoid(logits)
        )
    u = torch.nn.functional.normalize(x)
    directions = torch.nn.functional.normalize(head.prototypes.detach(), dim=-1)
    if directions.ndim == 3:
        nearest = torch.einsum("nd,ckd->nck", u, directions).argmax(dim=2)
        directions = directions[torch.arange(len(w))[None, :], nearest]  # (N, C, d)
        by_u = torch.einsum("nc,ncd->nd", by_cosine, directions)
    elif not HEADS[name].unit_prototypes:
        by_u = by_cosine @ head.prototypes.detach()
    else:
        by_u = by_cosine @ directions
    expected = (by_u - (by_u * u).sum(1, keepdim=True) * u) / x.norm(dim=1, keepdim=True) / len(x)
    by_x = both_ways(head, x, labels)[1]
    tangential = by_x - (by_x * u).sum(1, keepdim=True) * u
    np.testing.assert_allclose(tangential.numpy(), expected.numpy(), rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize("name", [name for name in CENTRED if name != "circle"])
@pytest.mark.parametrize("radius", ["nfn", "hfn", "sfn"])
@few
@given(seed=SEEDS, data=st.data())
def test_full_gradient_by_finite_differences(name, radius, seed, data):
    """Away from kinks; what the authors hold constant (Circle's weights) is held in its own test."""
    choice = {**data.draw(row_settings(name)), "gradient": "full"}
    if name == "adaface":
        choice["margin"] = 0.0  # its quality is a constant of the gradient; with a margin: see its own test
    x, w, labels = sample(seed, count=3, classes=3, dimension=4)
    head = head_on(w, name, **scaled(name, radius=radius, scale=5.0), **choice)
    away_from_kinks(head, x, labels, 1e-2)
    assume((x.norm(dim=1) - 5.0).abs().min() > 1e-2)
    if name == "magface":
        norms = x.norm(dim=1)
        assume(all((norms - choice[key]).abs().min() > 1e-2 for key in ("low_norm", "high_norm")))
    if head.row.centres is not None:
        u = torch.nn.functional.normalize(x)
        every = torch.einsum("nd,ckd->nck", u, torch.nn.functional.normalize(head.prototypes.detach(), dim=-1))
        best = every.topk(2, dim=2).values
        assume((best[..., 0] - best[..., 1]).min() > 1e-2)
    if name in ("mv-softmax", "curricularface"):  # a negative that changes sides
        own = head.logits(x, labels).gather(1, labels[:, None]) / (
            5.0 if radius == "hfn" else x.norm(dim=1)[:, None]
        )
        cosine = torch.nn.functional.normalize(x) @ torch.nn.functional.normalize(w).T
        borders = [own, torch.cos(own_angles(head, x, labels) + choice["margin"])[:, None]]
        assume(all((cosine - border).abs().min() > 1e-2 for border in borders))

    def loss(embeddings, prototypes):
        return torch.func.functional_call(head, {"prototypes": prototypes}, (embeddings, labels)).loss

    inputs = (x.requires_grad_(), head.prototypes.detach().clone().requires_grad_())
    assert torch.autograd.gradcheck(loss, inputs, eps=1e-6, atol=1e-4, rtol=1e-3)


@pytest.mark.parametrize("name", [name for name in CENTRED if name not in DRAWN])
@drawn
@given(seed=SEEDS, data=st.data())
def test_batch_is_the_mean_of_its_samples_in_any_order(name, seed, data):
    x, w, labels = sample(seed)
    head = head_on(w, name, **data.draw(row_settings(name)))
    result = head(x, labels)
    alone = torch.stack([head(x[i : i + 1], labels[i : i + 1]).loss for i in range(len(x))])
    if name != "magface" and "energy_weight" not in HEADS[name].settings:  # per_sample is without penalties
        np.testing.assert_allclose(result.per_sample.numpy(), alone.detach().numpy(), rtol=1e-10, atol=1e-12)
    assert result.loss.item() == pytest.approx(alone.mean().item(), rel=1e-10)
    order = torch.randperm(len(x))
    assert head(x[order], labels[order]).loss.item() == pytest.approx(result.loss.item(), rel=1e-10)


@pytest.mark.parametrize("name", NAMES)
@drawn
@given(seed=SEEDS, data=st.data())
def test_turning_the_whole_space_changes_nothing(name, seed, data):
    """Loss invariant, gradients turned with it; relabelling the classes permutes the prototypes."""
    x, w, labels = sample(seed)
    choice = data.draw(row_settings(name))
    head = head_on(w, name, **choice)
    if name in CENTRED:
        away_from_kinks(head, x, labels, 1e-9)
    turn = torch.linalg.qr(torch.randn(5, 5, generator=torch.Generator().manual_seed(seed)).double())[0]
    loss, by_x, by_w = both_ways(head, x, labels)
    other = head_on(w, name, **choice)
    if by_w is not None:
        with torch.no_grad():
            other.prototypes.copy_(head.prototypes @ turn)
    turned = both_ways(other, x @ turn, labels)
    assert turned[0].item() == pytest.approx(loss.item(), rel=1e-9)
    np.testing.assert_allclose(turned[1].numpy(), (by_x @ turn).numpy(), rtol=1e-6, atol=1e-8)
    if by_w is not None:
        np.testing.assert_allclose(turned[2].numpy(), (by_w @ turn).numpy(), rtol=1e-6, atol=1e-8)

    order = torch.randperm(4, generator=torch.Generator().manual_seed(seed))
    renamed = both_ways(head_on(w[order], name, **choice), x, torch.argsort(order)[labels])
    assert renamed[0].item() == pytest.approx(loss.item(), rel=1e-9)


@pytest.mark.parametrize("name", [name for name in SPHERICAL if name not in OF_THE_NORM])
@drawn
@given(seed=SEEDS, data=st.data(), factor=st.floats(0.1, 10.0))
def test_lengths_do_not_matter_on_the_sphere(name, seed, data, factor):
    """Prototypes of any length, and embeddings under hfn; so the gradients have no radial part."""
    x, w, labels = sample(seed)
    choice = {**data.draw(row_settings(name)), **scaled(name, radius="hfn")}
    head = head_on(w, name, **choice)
    away_from_kinks(head, x, labels, 1e-9)
    loss, by_x, by_w = both_ways(head, x, labels)
    longer = both_ways(head_on(factor * w, name, **choice), factor * x, labels)
    assert longer[0].item() == pytest.approx(loss.item(), rel=1e-9)
    np.testing.assert_allclose((factor * longer[1]).numpy(), by_x.numpy(), rtol=1e-6, atol=1e-8)
    np.testing.assert_allclose((factor * longer[2]).numpy(), by_w.numpy(), rtol=1e-6, atol=1e-8)
    size = 1.0 + by_x.abs().max() + by_w.abs().max()
    assert (by_x * x).sum(dim=1).abs().max() < 1e-9 * size
    assert (by_w * head.prototypes).sum(dim=-1).abs().max() < 1e-9 * size


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
    np.testing.assert_allclose(unit_w.norm(dim=-1).numpy(), 1.0, rtol=1e-14)
    free_head = head_on(w, name, **choice)
    with torch.no_grad():
        free_head.prototypes.copy_(unit_w)
    kept, free = both_ways(head, x, labels), both_ways(free_head, x, labels)
    assert kept[0].item() == pytest.approx(free[0].item(), rel=1e-12)
    np.testing.assert_allclose(kept[1].numpy(), free[1].numpy(), rtol=1e-9, atol=1e-10)
    difference = kept[2] - free[2]
    radial = (difference * unit_w).sum(dim=-1, keepdim=True) * unit_w
    np.testing.assert_allclose(difference.numpy(), radial.numpy(), rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("name", MARGINAL)
@drawn
@given(seed=SEEDS, data=st.data())
def test_a_larger_margin_is_a_larger_loss(name, seed, data):
    """psi <= eta, seen from the loss: never below the loss at the neutral settings."""
    x, w, labels = sample(seed)
    choice = data.draw(row_settings(name))
    neutral = {**choice, **HEADS[name].neutral}
    with_margin, without = (head_on(w, name, **c)(x, labels).per_sample.mean().item() for c in (choice, neutral))
    assert with_margin >= without * (1 - 1e-12)


@pytest.mark.parametrize("name", NAMES)
def test_one_sample_two_classes_and_a_million(name):
    """The smallest batch there is, and as many classes as a small machine holds."""
    x = torch.tensor([[0.3, -0.4]])
    for classes in (2, 1_000_000):
        head = build_head(name, num_classes=classes, embedding_dim=2)
        loss = head(x, torch.tensor([classes - 1])).loss
        loss.backward()
        assert bool(torch.isfinite(loss))
        assert all(bool(torch.isfinite(p.grad).all()) for p in head.parameters() if p.grad is not None)


@pytest.mark.parametrize("name", NAMES)
def test_what_a_head_remembers_is_saved_and_comes_back(name):
    """Two steps, a copy from the state, a third step: both give the same loss to the last bit."""
    x, _, labels = sample(5)
    torch.manual_seed(3)
    head = build_head(name, num_classes=4, embedding_dim=5)
    head.advance(0.5)
    for shift in range(2):
        head(x.float().roll(shift, 0), labels)
    copy = build_head(name, num_classes=4, embedding_dim=5)
    copy.load_state_dict(head.state_dict())
    assert torch.equal(head(x.float(), labels).loss, copy(x.float(), labels).loss)
    assert head.schedule_state() == copy.schedule_state()
