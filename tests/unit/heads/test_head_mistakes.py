"""Mistakes in settings and batches: the argument, its value and what is accepted, in one sentence."""

from __future__ import annotations

import pytest
import torch

from sphereface.errors import ConfigurationError, SpherefaceError
from sphereface.heads import HEADS, build_head
from sphereface.heads.build import settings_of

SIZES = {"num_classes": 4, "embedding_dim": 3}
X, Y = torch.ones(2, 3), torch.tensor([0, 3])


@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        (X, torch.tensor([0, -1]), "labels must lie in [0, 4), but one of them is -1"),
        (X, torch.tensor([4, 0]), "labels must lie in [0, 4), but one of them is 4"),
        (X, torch.tensor([-100, 9]), "labels must lie in [0, 4), but one of them is -100"),
        (X, torch.tensor([0.0, 1.0]), "labels must be int64, not torch.float32: call labels.long()"),
        (X, Y.int(), "labels must be int64, not torch.int32: call labels.long()"),
        (X, Y[:1], "labels must have shape (2,), one per embedding, not (1,)"),
        (X, Y[:, None], "labels must have shape (2,), one per embedding, not (2, 1)"),
        (X, torch.eye(4)[Y], "labels must have shape (2,), one per embedding, not (2, 4)"),
        (torch.ones(2, 5), Y, "embeddings must have shape (N, 3), not (2, 5)"),
        (torch.ones(3), Y, "embeddings must have shape (N, 3), not (3,)"),
        (torch.ones(2, 3, 1, 1), Y, "embeddings must have shape (N, 3), not (2, 3, 1, 1)"),
        (X.int(), Y, "embeddings must be floating point, not torch.int32"),
        (X[:0], Y[:0], "the batch is empty: a loss needs at least one embedding"),
    ],
)
@pytest.mark.parametrize("name", ["softmax", "sphereface-r-v2"])
def test_refuses_a_batch_that_does_not_fit(name, x, y, message):
    with pytest.raises(ConfigurationError) as caught:
        build_head(name, **SIZES)(x, y)
    assert str(caught.value) == message


@pytest.mark.parametrize("name", HEADS)
@pytest.mark.parametrize(
    ("setting", "value", "message"),
    [
        ("num_classes", 1, "num_classes must be a whole number of 2 or more, not 1"),
        ("num_classes", 10.0, "num_classes must be a whole number of 2 or more, not 10.0"),
        ("embedding_dim", 1, "embedding_dim must be a whole number of 2 or more, not 1"),
        ("embedding_dim", "3", "embedding_dim must be a whole number of 2 or more, not '3'"),
        ("scale", 0.0, "scale must be a number in (0, 10000], not 0.0"),
        ("scale", -30, "scale must be a number in (0, 10000], not -30"),
        ("scale", float("nan"), "scale must be a number in (0, 10000], not nan"),
        ("scale", "30", "scale must be a number in (0, 10000], not '30'"),
        ("radius", "fixed", "radius must be one of nfn, hfn, sfn, not 'fixed'"),
        ("radius_weight", -1.0, "radius_weight must be a number in [0, 1e+06], not -1.0"),
        ("gradient", "cgd", "gradient must be one of full, detached, normalised, not 'cgd'"),
        ("prototypes", "free", "prototypes must be one of reparametrised, projected, not 'free'"),
        ("margin_ramp", 1.5, "margin_ramp must be a number in [0, 1], not 1.5"),
        ("loss_weight", 0.0, "loss_weight must be a number in (0, 1e+06], not 0.0"),
    ],
)
def test_refuses_settings_out_of_range(name, setting, value, message):
    if setting not in {*SIZES, *settings_of(name)}:
        message = f"head '{name}' has no setting '{setting}'."
        with pytest.raises(ConfigurationError, match=message):
            build_head(name, **{**SIZES, setting: value})
        return
    with pytest.raises(ConfigurationError) as caught:
        build_head(name, **{**SIZES, setting: value})
    assert str(caught.value) == message


OWN_NUMBERS = [(name, key, setting) for name, row in HEADS.items() for key, setting in row.settings.items()]


@pytest.mark.parametrize(("name", "key", "setting"), OWN_NUMBERS)
def test_refuses_a_number_of_its_own_out_of_range(name, key, setting):
    for wrong in (setting.low - 1.0, setting.high * 2.0 + 1.0, float("nan"), float("inf"), "0.5", True, [0.5]):
        with pytest.raises(ConfigurationError, match=rf"^{key} must be a number in [\[(].*\], not "):
            build_head(name, **SIZES, **{key: wrong})
    if setting.whole:
        with pytest.raises(ConfigurationError, match=f"^{key} must be a whole number for this head, not "):
            build_head(name, **SIZES, **{key: setting.low + 0.5})


@pytest.mark.parametrize(
    ("name", "settings", "words"),
    [
        ("magface", {"low_norm": 50.0, "high_norm": 40.0}, "low_norm = 50, high_norm = 40.*must be below"),
        ("magface", {"low_margin": 0.9}, "low_margin must not be above high_margin"),
        ("combined", {"m1": 0.8, "m2": 0.0, "m3": 0.0}, "m1 = 0.8, m2 = 0, m3 = 0 do not fit.*raise one of"),
        ("cosface", {"gradient": "normalised"}, "'normalised' is the authors' gradient of A-Softmax"),
        ("a-softmax", {"gradient": "normalised", "radius": "hfn"}, "with radius = 'nfn' only"),
        ("cosface", {"margin_steps": (0.5, 0.2)}, r"margin_steps must be rising numbers in \[0, 1\)"),
        ("cosface", {"margin_steps": "01"}, "margin_steps must be rising numbers"),
        ("cosface", {"margin_steps": [False, True]}, "margin_steps must be rising numbers"),
        ("cosface", {"margin_steps": [0.5, 1.0]}, "margin_steps must be rising numbers"),
        ("cosface", {"margin": 10**400}, "margin must be a number in"),
        ("cosface", {"margin_steps": (0.5,), "margin_ramp": 0.1}, "exclude each other"),
        ("cosface", {"fallback": "easy"}, "head 'cosface' has no setting 'fallback'"),
        ("subcenter-arcface", {"centres": 0}, "centres must be a whole number from 1 to 64, not 0"),
    ],
)
def test_refuses_settings_that_do_not_fit_each_other(name, settings, words):
    with pytest.raises(ConfigurationError, match=words):
        build_head(name, **SIZES, **settings)


@pytest.mark.parametrize("name", HEADS)
@pytest.mark.parametrize(
    ("value", "words"),
    [
        (float("nan"), "number 1 of 2 holds NaN or infinity"),
        (float("inf"), "number 1 of 2 holds NaN or infinity"),
        (0.0, "number 1 of 2 is the zero vector, which has no direction"),
        (1e30, "number 1 of 2 has a length of inf, beyond the range of torch.float32"),
    ],
)
def test_refuses_an_embedding_without_a_direction(name, value, words):
    x = torch.stack([X[0], torch.full((3,), value)])
    with pytest.raises(
        ConfigurationError, match=f"embeddings must be finite and of a length above 0, but {words}"
    ):
        build_head(name, **SIZES)(x, Y)


def test_names_the_nearest_row():
    with pytest.raises(
        ConfigurationError, match=r"unknown head 'cosfase'\. Did you mean 'cosface'\? Known: softmax,"
    ):
        build_head("cosfase", **SIZES)
    with pytest.raises(
        ConfigurationError, match=r"unknown head 'zzz'\. Known: softmax, normface, l-softmax, a-softmax"
    ):
        build_head("zzz", **SIZES)


@pytest.mark.parametrize(("wrong", "right"), [("margn", "margin"), ("scal", "scale"), ("fall_back", "fallback")])
def test_names_the_nearest_setting(wrong, right):
    with pytest.raises(
        ConfigurationError, match=rf"'arcface' has no setting '{wrong}'\. Did you mean '{right}'\?"
    ):
        build_head("arcface", **SIZES, **{wrong: 1.0})


def test_lambda_is_a_setting_of_annealed_rows_alone():
    """Elsewhere it would be taken and do nothing."""
    with pytest.raises(ConfigurationError, match="'cosface' has no setting 'lambda_min'"):
        build_head("cosface", **SIZES, lambda_min=0.0)
    assert build_head("a-softmax", **SIZES, lambda_min=7.0).schedule_state()["lambda"] == 7.0
    with pytest.raises(ConfigurationError, match=r"lambda_min must be a number in \[0, 1e\+09\], not -1"):
        build_head("a-softmax", **SIZES, lambda_min=-1)
    assert set(settings_of("a-softmax")) - set(settings_of("cosface")) == {
        "lambda_base",
        "lambda_gamma",
        "lambda_power",
        "lambda_min",
    }


def test_mistakes_are_the_user_s():
    """The command line prints these without a traceback; callers may treat them as ValueError."""
    assert issubclass(ConfigurationError, SpherefaceError)
    with pytest.raises(ValueError, match="labels must lie in"):
        build_head("normface", **SIZES)(X, torch.tensor([0, 7]))


@pytest.mark.parametrize(
    ("name", "kind", "scale"),
    [
        ("softmax", "nfn", None),
        ("a-softmax", "nfn", None),
        ("normface", "hfn", 30.0),
        ("sphereface", "hfn", 30.0),
        ("sphereface-r-v1", "hfn", 30.0),
        ("sphereface-r-v2", "hfn", 60.0),
        ("cosface", "hfn", 64.0),
        ("arcface", "hfn", 64.0),
    ],
)
def test_default_radius_and_scale(name, kind, scale):
    """A scale without a radius is a fixed norm; without either the row decides; a radius is a radius."""
    default = build_head(name, **SIZES)
    assert default.kind == kind
    assert scale is None or default.scale == scale
    scaled = build_head(name, **SIZES, scale=12.0)
    assert (scaled.kind, scaled.scale) == ("hfn", 12.0)
    for radius in ("nfn", "hfn", "sfn"):
        assert build_head(name, **SIZES, radius=radius).kind == radius
        assert build_head(name, **SIZES, radius=radius, scale=9.0).scale == 9.0
