"""SFNet: sizes, shapes and arithmetic as published, initialisation as published, mistakes in one sentence."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from sphereface.backbones import BACKBONES, build_backbone
from sphereface.backbones.sfnet import Convolution, ResidualPair, xavier_fan_in_
from sphereface.errors import ConfigurationError

# Derived by hand from the published layer tables; residual biases, fixed at zero there, are not counted.
PARAMETERS = {
    ("sfnet4", "112x96"): 12_562_496,
    ("sfnet4", "112x112"): 14_397_504,
    ("sfnet10", "112x96"): 15_217_984,
    ("sfnet10", "112x112"): 17_052_992,
    ("sfnet20", "112x96"): 22_666_944,
    ("sfnet20", "112x112"): 24_501_952,
    ("sfnet36", "112x96"): 32_771_392,
    ("sfnet36", "112x112"): 34_606_400,
    ("sfnet64", "112x96"): 48_186_816,
    ("sfnet64", "112x112"): 50_021_824,
}
RESIDUAL_BIASES = {"sfnet4": 0, "sfnet10": 1_280, "sfnet20": 3_712, "sfnet36": 7_424, "sfnet64": 13_696}
GIGA_PRODUCTS = {"sfnet4": 0.164, "sfnet10": 0.759, "sfnet20": 1.750, "sfnet36": 3.335, "sfnet64": 6.110}
PAIRS = {
    "sfnet4": [0, 0, 0, 0],
    "sfnet10": [0, 1, 2, 0],
    "sfnet20": [1, 2, 4, 1],
    "sfnet36": [2, 4, 8, 2],
    "sfnet64": [3, 8, 16, 3],
}


def on_meta(name, **settings):
    """Build without memory or arithmetic: shapes and counts are all there."""
    with torch.device("meta"):
        return build_backbone(name, **settings)


def convolutions(network):
    return [module for module in network.modules() if isinstance(module, nn.Conv2d)]


@pytest.mark.parametrize(("name", "size"), PARAMETERS)
def test_parameter_counts(name, size):
    network = on_meta(name, size=size)
    assert sum(p.numel() for p in network.parameters()) == PARAMETERS[name, size]


@pytest.mark.parametrize("name", PAIRS)
def test_depth_is_in_the_name(name):
    """4 strided convolutions and two a pair; the biases we leave out are one a residual channel."""
    network = on_meta(name)
    pairs = [stage for stage in network.stages if isinstance(stage, ResidualPair)]
    channels = [pair.first.convolution.out_channels for pair in pairs]
    assert [channels.count(c) for c in (64, 128, 256, 512)] == PAIRS[name]
    assert len(convolutions(network)) == 4 + 2 * len(pairs) == int(name.removeprefix("sfnet"))
    assert 2 * sum(channels) == RESIDUAL_BIASES[name]


@pytest.mark.parametrize("name", PAIRS)
@pytest.mark.parametrize("size", ["112x112", "112x96"])
def test_output_shapes_and_products(name, size):
    """Stages halve the picture four times; at 112x96 the products are those published."""
    network = on_meta(name, size=size, embedding_dim=512)
    height, width = (int(side) for side in size.split("x"))
    seen, products = [], []

    def note(module, inputs, output):
        seen.append(tuple(output.shape[1:]))
        products.append(
            module.weight[0].numel() * output[0].numel() if output.ndim == 4 else module.weight.numel()
        )

    for layer in [*convolutions(network), network.embedding]:
        layer.register_forward_hook(note)
    assert network(torch.empty(3, 3, height, width, device="meta")).shape == (3, 512)
    assert list(dict.fromkeys(seen)) == [
        (64, height // 2, width // 2),
        (128, height // 4, width // 4),
        (256, height // 8, width // 8),
        (512, height // 16, width // 16),
        (512,),
    ]
    if size == "112x96":
        assert sum(products) / 1e9 == pytest.approx(GIGA_PRODUCTS[name], abs=6e-4)


@pytest.mark.parametrize("batch_norm", [False, True])
def test_forward_written_out(batch_norm):
    """sfnet10 layer by layer: convolution, (norm,) PReLU; pairs add after their second PReLU; FC (, norm)."""
    torch.manual_seed(3)
    network = build_backbone("sfnet10", embedding_dim=6, batch_norm=batch_norm).double().eval()
    with torch.no_grad():
        for parameter in network.parameters():  # slopes, biases and norms away from their initial values
            parameter.add_(0.02 * torch.randn_like(parameter))
        for module in network.modules():
            if isinstance(module, nn.BatchNorm2d | nn.BatchNorm1d):
                module.running_mean.uniform_(-0.1, 0.1)
                module.running_var.uniform_(0.5, 1.5)
    state = network.state_dict()

    def norm(x, prefix):
        if not batch_norm:
            return x
        scale = state[f"{prefix}.weight"] / torch.sqrt(state[f"{prefix}.running_var"] + 1e-5)
        return (x - state[f"{prefix}.running_mean"]) * scale + state[f"{prefix}.bias"]

    def layer(x, prefix, stride):
        bias = state.get(f"{prefix}.convolution.bias")
        x = functional.conv2d(x, state[f"{prefix}.convolution.weight"], bias, stride=stride, padding=1)
        x = norm(x.movedim(1, -1), f"{prefix}.norm").movedim(-1, 1)
        slope = state[f"{prefix}.activation.weight"][:, None, None]
        return torch.where(x > 0, x, slope * x)

    x = images = torch.randn(2, 3, 112, 96, dtype=torch.float64)
    for index, kind in enumerate("ssrsrrs"):
        prefix = f"stages.{index}"
        if kind == "s":
            x = layer(x, prefix, 2)
        else:
            x = x + layer(layer(x, f"{prefix}.first", 1), f"{prefix}.second", 1)
    expected = norm(x.flatten(1) @ state["embedding.weight"].T + state["embedding.bias"], "norm")
    with torch.no_grad():
        np.testing.assert_allclose(network(images).numpy(), expected.numpy(), rtol=1e-10, atol=1e-10)


@pytest.fixture(scope="module")
def fresh():
    torch.manual_seed(0)
    return build_backbone("sfnet10")


def test_residual_weights_start_gaussian_with_std_0_01(fresh):
    pairs = [stage for stage in fresh.stages if isinstance(stage, ResidualPair)]
    for convolution in (half.convolution for pair in pairs for half in (pair.first, pair.second)):
        weight = convolution.weight.detach()
        assert convolution.bias is None
        assert abs(weight.mean()) < 5 * 0.01 / weight.numel() ** 0.5
        assert weight.std() == pytest.approx(0.01, rel=0.02)
        assert (weight / weight.std()).pow(4).mean() == pytest.approx(3.0, abs=0.15)  # a Gaussian's, not 1.8


def test_strided_and_last_layers_start_with_fan_in_xavier(fresh):
    strided = [stage.convolution for stage in fresh.stages if isinstance(stage, Convolution)]
    for layer in [*strided, fresh.embedding]:
        weight = layer.weight.detach()
        fan_in = weight[0].numel()
        assert weight.abs().max() <= (3.0 / fan_in) ** 0.5
        assert weight.abs().max() > 0.98 * (3.0 / fan_in) ** 0.5
        assert weight.var() == pytest.approx(1.0 / fan_in, rel=0.06)
        assert not layer.bias.any()


def test_slopes_start_at_a_quarter(fresh):
    slopes = [m for m in fresh.modules() if isinstance(m, nn.PReLU)]
    assert len(slopes) == 10
    assert all(bool((m.weight == 0.25).all()) for m in slopes)
    assert [m.weight.numel() for m in slopes] == [c.out_channels for c in convolutions(fresh)]


def test_xavier_fills_in_place():
    torch.manual_seed(1)
    weight = torch.empty(400, 12, 5)
    assert xavier_fan_in_(weight) is weight
    assert weight.var() == pytest.approx(1 / 60, rel=0.05)


def test_same_seed_same_weights():
    first, second = (_seeded("sfnet4") for _ in range(2))
    assert all(torch.equal(a, b) for a, b in zip(first.parameters(), second.parameters(), strict=True))


def _seeded(name):
    torch.manual_seed(5)
    return build_backbone(name, embedding_dim=16)


def test_batch_norm_variant():
    """A norm on every layer; convolutions then need no bias; running statistics move in training alone."""
    plain = on_meta("sfnet20")
    normed = on_meta("sfnet20", batch_norm=True)
    norms = [m for m in normed.modules() if isinstance(m, nn.BatchNorm2d)]
    assert [n.num_features for n in norms] == [c.out_channels for c in convolutions(normed)]
    assert all(c.bias is None for c in convolutions(normed))
    assert isinstance(normed.norm, nn.BatchNorm1d)
    added = sum(2 * n.num_features for n in [*norms, normed.norm]) - (64 + 128 + 256 + 512)
    assert sum(p.numel() for p in normed.parameters()) == sum(p.numel() for p in plain.parameters()) + added

    network = build_backbone("sfnet4", embedding_dim=8, batch_norm=True)
    mean = network.stages[0].norm.running_mean
    before = mean.clone()
    images = torch.randn(4, 3, 112, 96) + 1.0
    network.eval()(images)
    assert torch.equal(mean, before)
    out = network.train()(images).detach()
    assert not torch.equal(mean, before)
    np.testing.assert_allclose(out.mean(dim=0).numpy(), 0.0, atol=1e-5)


def test_every_parameter_learns():
    network = build_backbone("sfnet10", embedding_dim=8)
    network(torch.randn(2, 3, 112, 96)).square().sum().backward()
    for name, parameter in network.named_parameters():
        assert bool(torch.isfinite(parameter.grad).all()), name
        assert parameter.grad.abs().max() > 0, name


def test_the_embedding_is_raw():
    """Neither normalised nor activated: lengths differ and both signs occur."""
    torch.manual_seed(2)
    network = build_backbone("sfnet4", embedding_dim=32)
    with torch.no_grad():
        out = network(torch.randn(3, 3, 112, 96) * torch.tensor([0.5, 1.0, 2.0])[:, None, None, None])
    assert out.norm(dim=1).diff().abs().min() > 0.1 * out.norm() / 3
    assert out.min() < 0 < out.max()


def test_float64_and_memory_formats_agree():
    torch.manual_seed(4)
    network = build_backbone("sfnet4", embedding_dim=8, size="112x112")
    images = torch.randn(2, 3, 112, 112)
    with torch.no_grad():
        single = network(images)
        last = network.to(memory_format=torch.channels_last)(images.to(memory_format=torch.channels_last))
        double = network.double()(images.double())
    assert double.dtype == torch.float64
    np.testing.assert_allclose(single.numpy(), double.numpy(), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(last.numpy(), double.numpy(), rtol=1e-4, atol=1e-5)


def test_images_are_not_modified():
    images = torch.randn(1, 3, 112, 96)
    before = images.clone()
    build_backbone("sfnet4", embedding_dim=8)(images)
    assert torch.equal(images, before)


@pytest.mark.parametrize(
    "shape", [(2, 3, 112, 112), (2, 3, 96, 112), (2, 1, 112, 96), (2, 112, 96, 3), (3, 112, 96)]
)
def test_refuses_images_of_another_size(shape):
    network = on_meta("sfnet4")
    with pytest.raises(ConfigurationError) as caught:
        network(torch.empty(shape, device="meta"))
    assert str(caught.value) == f"this network takes images of shape (N, 3, 112, 96), not {shape}"


def test_refuses_unknown_names_and_settings():
    with pytest.raises(ConfigurationError, match=r"unknown backbone 'sfnet2'\. Did you mean 'sfnet20'\?"):
        build_backbone("sfnet2")
    with pytest.raises(ConfigurationError, match=r"unknown backbone 'vgg'\. Known: sfnet4, sfnet10, sfnet20"):
        build_backbone("vgg")
    for name in BACKBONES:
        with pytest.raises(ConfigurationError, match=rf"'{name}' has no setting 'batchnorm'.*mean 'batch_norm'\?"):
            build_backbone(name, batchnorm=True)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"size": "96x112"}, "size must be one of 112x112, 112x96, not '96x112'"),
        ({"size": 112}, "size must be one of 112x112, 112x96, not 112"),
        ({"embedding_dim": 1}, "embedding_dim must be a whole number of 2 or more, not 1"),
        ({"embedding_dim": "512"}, "embedding_dim must be a whole number of 2 or more, not '512'"),
        ({"embedding_dim": 64.0}, "embedding_dim must be a whole number of 2 or more, not 64.0"),
        ({"embedding_dim": True}, "embedding_dim must be a whole number of 2 or more, not True"),
        ({"batch_norm": "no"}, "batch_norm must be true or false, not 'no'"),
    ],
)
def test_refuses_settings_out_of_range(settings, message):
    with pytest.raises(ConfigurationError) as caught:
        build_backbone("sfnet4", **settings)
    assert str(caught.value) == message
