"""Suggestions: the published bounds to the digit, published settings nearly met, which way every rule goes."""

from __future__ import annotations

import math
import subprocess
import sys
import tomllib
from typing import get_args

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sphereface.errors import ConfigurationError
from sphereface.sphere.scale import adacos_scale, cosface_scale, learnable_scale, loss_floor
from sphereface.sphere.suggest import Loss, suggest

LOSSES = get_args(Loss)
losses = st.sampled_from(LOSSES)
classes = st.integers(2, 10**7)


def probability(own, others):
    return math.exp(own) / (math.exp(own) + np.exp(others).sum())


@pytest.mark.parametrize("count", [2, 10, 330])
def test_cosfaces_bound_is_what_a_perfect_image_needs(count):
    """On its prototype, the others at -1 / (C - 1), the corners of a simplex: just P."""
    s = cosface_scale(count, 0.9)
    assert probability(s, np.full(count - 1, -s / (count - 1))) == pytest.approx(0.9)
    assert loss_floor(count, s) == pytest.approx(-math.log(0.9))


def test_adacos_scale_is_half_at_45_degrees():
    s = adacos_scale(1000)
    assert s == pytest.approx(math.sqrt(2) * math.log(999))
    assert probability(s * math.cos(math.pi / 4), np.zeros(999)) == pytest.approx(0.5)
    assert learnable_scale(1000, math.cos(math.pi / 4), 0.5) == pytest.approx(s)


@pytest.mark.parametrize(
    ("loss", "target"),
    [
        ("normface", math.cos(math.pi / 4)),
        ("cosface", math.cos(math.pi / 4) - 0.35),
        ("arcface", math.cos(math.pi / 4 + 0.5)),
        ("sphereface", math.cos(1.5 * math.pi / 4)),
    ],
)
def test_the_suggested_scale_lets_a_learned_image_have_its_probability(loss, target):
    found = suggest(330, 58, 64, loss=loss)
    assert probability(found.scale * target, np.zeros(329)) >= 0.9
    assert probability((found.scale - 1) * target, np.zeros(329)) < 0.9


def test_published_settings_are_nearly_met():
    """8,631 people (VGGFace2): s = 30 and m = 1.5 for SphereFace, s = 30 for CosFace; SphereFace's rate at 512."""
    sphereface = suggest(8631, 360, 512, loss="sphereface")
    assert (sphereface.scale, sphereface.margin, sphereface.learning_rate) == (30.0, 1.5, 0.1)
    assert suggest(8631, 360, 512, loss="cosface").scale == pytest.approx(30, abs=2)
    a_softmax = suggest(10_572, 46, 512, loss="a-softmax")
    assert (a_softmax.scale, a_softmax.margin, a_softmax.lambda_min) == (None, 4.0, 5.0)
    assert suggest(85_742, 68, 1024, loss="arcface").margin_ramp == 0.06


@given(count=classes, images=st.floats(1, 1e4), batch=st.integers(2, 10**5), loss=losses)
def test_every_suggestion_is_within_its_bounds(count, images, batch, loss):
    found = suggest(count, images, batch, loss=loss)
    if found.scale is not None:
        assert found.scale >= max(found.scale_bounds.values())
    if found.margin is not None:
        assert all(found.margin <= bound for bound in found.margin_bounds.values())
    assert 0.0 <= (found.margin_ramp or 0.0) <= 0.3
    assert 0.0 < found.learning_rate <= 0.1
    assert 0.0 < found.warmup <= 0.05
    assert all(len(reason) > 20 and reason.endswith(".") for reason in found.reasons)


@given(count=classes, few=st.floats(1, 1e3), more=st.floats(1, 1e3), batch=st.integers(2, 512), loss=losses)
def test_fewer_images_give_a_smaller_margin_and_a_longer_ramp(count, few, more, batch, loss):
    few, more = sorted((few, more))
    small, large = suggest(count, few, batch, loss=loss), suggest(count, more, batch, loss=loss)
    assert (small.margin or 0) <= (large.margin or 0)
    assert (small.margin_ramp or 0) >= (large.margin_ramp or 0)
    assert (small.lambda_min or 0) >= (large.lambda_min or 0)


@given(one=st.integers(2, 4096), two=st.integers(2, 4096))
def test_smaller_batches_give_a_smaller_rate(one, two):
    one, two = sorted((one, two))
    assert suggest(330, 58, one).learning_rate <= suggest(330, 58, two).learning_rate


def test_on_the_circle_the_prototypes_set_the_margin():
    """CosFace's bound 1 - cos(2 pi / C) is for d = 2 only, and the reasons say so."""
    flat = suggest(10, 100, 64, embedding_dim=2)
    assert flat.margin == pytest.approx(0.19)
    assert flat.margin <= 1 - math.cos(2 * math.pi / 10)
    assert suggest(10, 100, 64, loss="arcface", embedding_dim=2).margin == 0.5
    assert suggest(100, 100, 64, loss="arcface", embedding_dim=2).margin == pytest.approx(0.06)
    deep = suggest(10, 100, 64)
    assert deep.margin == 0.35
    assert any("two dimensions only" in reason for reason in deep.reasons)


def test_reasons_say_whose_they_are_and_what_no_setting_can_mend():
    words = " ".join(suggest(40, 1, 8).reasons)
    for wanted in (
        "CosFace",
        "AdaCos",
        "NormFace",
        "of ours",
        "Goyal",
        "One image a class",
        "Batch norm",
        "40 people",
    ):
        assert wanted in words
    assert "GiB" in " ".join(suggest(2_059_906, 20, 512).reasons)


@pytest.mark.parametrize("loss", LOSSES)
def test_the_lines_for_a_recipe_are_a_head_that_can_be_built(loss):
    from sphereface.heads import build_head

    found = suggest(330, 12, 64, loss=loss)
    lines = tomllib.loads(found.to_toml())
    assert lines["optimiser"] == {"learning_rate": 0.05, "warmup": 0.05, "clip_norm": 5.0}
    assert lines["head"]["settings"] == found.head_settings()
    build_head(lines["head"]["name"], num_classes=330, embedding_dim=8, **lines["head"]["settings"])


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((1, 5, 64), "num_classes must be a whole number from 2 to 1,000,000,000, not 1"),
        ((10, 0.5, 64), "images_per_class must be a number from 1"),
        ((10, math.nan, 64), "images_per_class must be a number from 1"),
        ((10, 5, 1), "batch_size must be a whole number from 2"),
        ((10.0, 5, 64), "num_classes must be a whole number"),
    ],
)
def test_numbers_out_of_range(arguments, sentence):
    with pytest.raises(ConfigurationError, match=sentence):
        suggest(*arguments)


def test_an_unknown_loss_and_a_line_for_an_embedding():
    with pytest.raises(ConfigurationError, match="Did you mean 'cosface'"):
        suggest(10, 5, 64, loss="cosfase")
    with pytest.raises(ConfigurationError, match="embedding_dim must be a whole number from 2"):
        suggest(10, 5, 64, embedding_dim=1)


def test_it_needs_no_numpy():
    code = "import sys, sphereface.sphere.suggest as s; s.suggest(9, 9, 9); print('numpy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
