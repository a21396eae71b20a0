"""Schedules of the margin: a ramp, equal steps, or none; where they start, what they move, how they resume."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from sphereface.errors import ConfigurationError
from sphereface.heads import build_head
from sphereface.heads.schedule import MarginSchedule

SIZES = {"num_classes": 4, "embedding_dim": 5}


def margins(name, shares, setting="margin", **settings):
    """The scheduled number of a head at these shares of the run."""
    head = build_head(name, **SIZES, **settings)
    found = []
    for share in shares:
        head.advance(share)
        found.append(head.schedule_state()[setting])
    return found


def test_steps_are_equal_and_taken_at_their_shares():
    schedule = MarginSchedule((1.4,), (1.0,), steps=(0.1, 0.5, 0.6, 1.0))
    found = [schedule(share)[0] for share in (0.0, 0.0999, 0.1, 0.4999, 0.5, 0.6, 0.9999, 1.0)]
    assert found == pytest.approx([1.0, 1.0, 1.1, 1.1, 1.2, 1.3, 1.3, 1.4])
    assert schedule(1.0) == (1.4,)


def test_one_step_is_a_late_start():
    assert margins("cosface", (0.0, 0.29, 0.3, 1.0), margin=0.4, margin_steps=(0.3,)) == [0.0, 0.0, 0.4, 0.4]
    assert margins("cosface", (0.0,), margin=0.4, margin_steps=(0.0,)) == [0.4]


@pytest.mark.parametrize(
    ("name", "settings", "share", "now"),
    [
        ("cosface", {"margin": 0.3, "margin_steps": (0.25, 0.5, 0.75)}, 0.5, {"margin": 0.2}),
        ("sphereface-r-v2", {"margin": 1.6, "margin_steps": (0.2, 0.4)}, 0.3, {"margin": 1.3}),
        ("arcface", {"margin": 0.5, "margin_ramp": 0.4}, 0.1, {"margin": 0.125}),
        ("sphereface", {"margin": 3.0, "margin_ramp": 1.0}, 0.5, {"margin": 2.0}),
        ("ga-softmax", {"margin": 2.0, "margin_steps": (0.1, 0.9)}, 0.1, {"margin": 1.5}),
        (
            "combined",
            {"m1": 1.2, "m2": 0.4, "m3": 0.1, "margin_ramp": 0.5},
            0.25,
            {"m1": 1.1, "m2": 0.2, "m3": 0.05},
        ),
        ("mv-softmax", {"margin": 0.4, "weight": 1.2, "margin_ramp": 0.5}, 0.25, {"margin": 0.2, "weight": 1.1}),
    ],
)
def test_the_loss_on_the_way_is_that_of_the_margin_there(run_head, name, settings, share, now):
    """Value and gradients, not only the number in the journal."""
    outcome = run_head(name, progress=share, **settings)
    expected = run_head(name, **now)
    assert outcome.loss == pytest.approx(expected.loss, rel=1e-13)
    np.testing.assert_allclose(outcome.by_x, expected.by_x, rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(outcome.by_w, expected.by_w, rtol=1e-10, atol=1e-12)


def test_a_run_that_nobody_advances_has_its_margin():
    """Outside of training the loss is the one asked for."""
    head = build_head("cosface", **SIZES, margin=0.4, margin_ramp=0.5)
    assert head.schedule_state() == {"margin": 0.4}
    assert build_head("cosface", **SIZES, margin=0.4, margin_steps=(0.5, 0.9)).schedule_state() == {"margin": 0.4}


@pytest.mark.parametrize("name", ["cosface", "sphereface-r-v1", "combined"])
def test_ramp_and_steps_exclude_each_other(name):
    with pytest.raises(
        ConfigurationError, match="margin_ramp and margin_steps exclude each other: give one of them"
    ):
        build_head(name, **SIZES, margin_ramp=0.3, margin_steps=(0.5,))


@pytest.mark.parametrize("steps", [(0.5, 0.5), (0.6, 0.4), (-0.1,), (0.5, 1.1), (float("nan"),), ("half",), 0.5])
def test_refuses_steps_that_are_not_rising_shares(steps):
    with pytest.raises(ConfigurationError, match=r"margin_steps must be rising numbers in \[0, 1\), not"):
        build_head("cosface", **SIZES, margin_steps=steps)


@pytest.mark.parametrize("name", ["sphereface-r-v1", "sphereface-r-v2"])
@pytest.mark.parametrize("radius", ["nfn", "sfn"])
def test_sphereface_r_with_a_free_norm_is_stepwise_by_default(name, radius):
    """As the authors do: m = 1 at first, then an equal part more at each of three steps."""
    found = margins(name, (0.0, 0.24, 0.25, 0.5, 0.74, 0.75, 1.0), margin=1.6, radius=radius)
    assert found == pytest.approx([1.0, 1.0, 1.2, 1.4, 1.4, 1.6, 1.6])


@pytest.mark.parametrize("name", ["sphereface-r-v1", "sphereface-r-v2"])
def test_with_a_fixed_norm_or_when_told_otherwise_it_is_not(name):
    assert margins(name, (0.0, 0.5), margin=1.6) == [1.6, 1.6]
    assert margins(name, (0.0, 0.5), margin=1.6, radius="hfn") == [1.6, 1.6]
    assert margins(name, (0.0, 0.5), margin=1.6, radius="nfn", margin_steps=()) == [1.6, 1.6]
    assert margins(name, (0.0, 0.5), margin=1.6, radius="nfn", margin_ramp=1.0) == pytest.approx([1.0, 1.3])


@pytest.mark.parametrize("name", ["sphereface", "arcface", "cosface"])
def test_other_losses_with_a_free_norm_are_not(name):
    head = build_head(name, **SIZES, radius="nfn")
    state = head.schedule_state()
    head.advance(0.0)
    assert head.schedule_state() == state


@pytest.mark.parametrize("how", [{"margin_ramp": 0.5}, {"margin_steps": (0.1, 0.2, 0.3, 0.4, 0.5)}])
def test_combined_moves_all_three_together(how):
    """From (1, 0, 0), no margin, each in a straight line or in the same steps."""
    given = {"m1": 0.9, "m2": 0.4, "m3": 0.15}
    for key, start in (("m1", 1.0), ("m2", 0.0), ("m3", 0.0)):
        found = margins("combined", (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 1.0), key, **given, **how)
        assert found == pytest.approx(
            [*(start + (given[key] - start) * part / 5 for part in range(6)), given[key]]
        )


def test_arcface_s_second_combined_margin_is_a_margin_all_the_way():
    """CM2 (0.9, 0.4, 0.15) has m1 < 1: psi stays below the cosine at every share of the ramp too."""
    theta = np.linspace(0.0, np.pi, 2001)
    schedule = MarginSchedule((0.9, 0.4, 0.15), (1.0, 0.0, 0.0), ramp=1.0)
    for share in np.linspace(0.0, 1.0, 51):
        m1, m2, m3 = schedule(float(share))
        phi = m1 * theta + m2
        k = np.floor(phi / np.pi)
        assert ((-1.0) ** k * np.cos(phi) - 2 * k - m3 <= np.cos(theta) + 1e-12).all()


def test_what_is_no_margin_stays_where_it_is():
    """None in place of a neutral value: mv-softmax's two numbers move, an unscheduled one would not."""
    schedule = MarginSchedule((0.4, 7.0), (0.0, None), ramp=0.5)
    assert schedule(0.0) == (0.0, 7.0)
    assert schedule(0.25) == (0.2, 7.0)
    found = margins("sphereface-plus", (0.0, 0.5, 1.0), margin_ramp=1.0)
    assert found == pytest.approx([1.0, 2.5, 4.0])


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("combined", {"margin_ramp": 0.5}),
        ("combined", {"margin_steps": (0.2, 0.3, 0.8)}),
        ("sphereface-r-v1", {"radius": "sfn"}),
        ("a-softmax", {"margin_ramp": 0.6}),
        ("l-softmax", {}),
    ],
)
def test_progress_is_saved_and_resumed(head_on, run_again, name, settings):
    """A resumed run stands where it stood: same numbers, same loss, and the same way from there."""
    head, resumed = head_on(name, **settings), head_on(name, **settings)
    head.advance(0.31)
    assert head.schedule_state() != resumed.schedule_state()
    resumed.load_state_dict(head.state_dict())
    assert resumed.schedule_state() == head.schedule_state()
    assert run_again(resumed).loss == run_again(head).loss
    for each in (head, resumed):
        each.advance(0.7)
    assert run_again(resumed).loss == run_again(head).loss


def test_progress_is_kept_in_float64():
    """Whatever the weights are; a third of a run in bfloat16 would be 0.334."""
    head = build_head("cosface", **SIZES, margin=0.3, margin_ramp=1.0)
    head.advance(1.0 / 3.0)
    assert (head.progress.dtype, head.prototypes.dtype) == (torch.float64, torch.float32)
    assert head.schedule_state()["margin"] == pytest.approx(0.1, rel=1e-15)
