"""SFNet, the residual network of SphereFace, with 4, 10, 20, 36 or 64 convolutions.

Four stages of 64, 128, 256 and 512 channels. Each opens with a 3x3 convolution of stride 2, followed by
residual pairs of 3x3 convolutions; PReLU after every convolution, the second of a pair included, before
the addition. One fully connected layer without activation gives the embedding.

Source: Liu et al. 2017, table 2, https://arxiv.org/abs/1704.08063, and the authors' network definitions.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from sphereface.errors import ConfigurationError

_CHANNELS = (64, 128, 256, 512)
_RESIDUAL_STD = 0.01
_SHRINK = 16  # four stages of stride 2


class Convolution(nn.Module):
    """3x3 convolution, optional batch norm, PReLU per channel."""

    def __init__(self, inputs: int, outputs: int, *, stride: int, bias: bool, batch_norm: bool) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=bias and not batch_norm)
        self.norm: nn.Module = nn.BatchNorm2d(outputs) if batch_norm else nn.Identity()
        self.activation = nn.PReLU(outputs)

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, inputs, H, W) to (N, outputs, H / stride, W / stride)."""
        out: Tensor = self.activation(self.norm(self.convolution(x)))
        return out


class ResidualPair(nn.Module):
    """Two 3x3 convolutions around a shortcut.

    The published residual convolutions carry a bias fixed at zero (learning rate 0), so here they have
    none; that is the difference between the two parameter counts one finds for these networks.
    """

    def __init__(self, channels: int, *, batch_norm: bool) -> None:
        super().__init__()
        self.first = Convolution(channels, channels, stride=1, bias=False, batch_norm=batch_norm)
        self.second = Convolution(channels, channels, stride=1, bias=False, batch_norm=batch_norm)

    def forward(self, x: Tensor) -> Tensor:
        """Add the pair's output to its input; shapes stay as they are."""
        out: Tensor = x + self.second(self.first(x))
        return out


class SFNet(nn.Module):
    """The whole network: (N, 3, H, W) to (N, embedding_dim).

    Args:
        pairs: Residual pairs in each of the four stages.
        embedding_dim: Width d of the embedding.
        size: Height by width of the input, ``"112x112"`` or ``"112x96"``.
        batch_norm: Put a batch norm after every layer, the last one included (not in the paper). It trains
            faster; without the last one a normalised softmax starts with all embeddings in one narrow cone,
            and at a learning rate of 0.1 it never leaves chance.

    Raises:
        ConfigurationError: For a size, width or switch that the network cannot have.
    """

    def __init__(
        self, pairs: tuple[int, int, int, int], *, embedding_dim: int, size: str, batch_norm: bool
    ) -> None:
        super().__init__()
        height, width = _parse_size(size)
        if isinstance(embedding_dim, bool) or not isinstance(embedding_dim, int) or embedding_dim < 2:
            raise ConfigurationError(f"embedding_dim must be a whole number of 2 or more, not {embedding_dim!r}")
        if not isinstance(batch_norm, bool):
            raise ConfigurationError(f"batch_norm must be true or false, not {batch_norm!r}")
        stages: list[nn.Module] = []
        inputs = 3
        for channels, count in zip(_CHANNELS, pairs, strict=True):
            stages.append(Convolution(inputs, channels, stride=2, bias=True, batch_norm=batch_norm))
            stages.extend(ResidualPair(channels, batch_norm=batch_norm) for _ in range(count))
            inputs = channels
        self.stages = nn.Sequential(*stages)
        self.embedding = nn.Linear(inputs * (height // _SHRINK) * (width // _SHRINK), embedding_dim)
        self.norm: nn.Module = nn.BatchNorm1d(embedding_dim) if batch_norm else nn.Identity()
        self.size = (height, width)
        self._initialise()

    def forward(self, images: Tensor) -> Tensor:
        """Map images (N, 3, H, W), scaled as the input contract says, to raw embeddings (N, d).

        Raises:
            ConfigurationError: If the images are not of the size the network was built for.
        """
        if tuple(images.shape[1:]) != (3, *self.size):
            raise ConfigurationError(
                f"this network takes images of shape (N, 3, {self.size[0]}, {self.size[1]}), "
                f"not {tuple(images.shape)}"
            )
        embedding: Tensor = self.norm(self.embedding(self.stages(images).flatten(1)))
        return embedding

    def _initialise(self) -> None:
        """Initialise as published: Xavier (fan-in) for strided layers, N(0, 0.01) for residual ones."""
        for module in self.modules():
            if isinstance(module, ResidualPair):
                nn.init.normal_(module.first.convolution.weight, std=_RESIDUAL_STD)
                nn.init.normal_(module.second.convolution.weight, std=_RESIDUAL_STD)
        strided = [stage.convolution for stage in self.stages if isinstance(stage, Convolution)]
        layers: list[nn.Conv2d | nn.Linear] = [*strided, self.embedding]
        for layer in layers:
            xavier_fan_in_(layer.weight)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)


def xavier_fan_in_(weight: Tensor) -> Tensor:
    """Fill with U(-a, a), a = sqrt(3 / fan_in): variance 1 / fan_in, the "xavier" filler of Caffe.

    Args:
        weight: Shape (outputs, inputs, ...), changed in place.
    """
    bound = math.sqrt(3.0 / weight[0].numel())
    with torch.no_grad():
        return weight.uniform_(-bound, bound)


def _parse_size(size: str) -> tuple[int, int]:
    known = {"112x112": (112, 112), "112x96": (112, 96)}
    if size not in known:
        raise ConfigurationError(f"size must be one of {', '.join(known)}, not {size!r}")
    return known[size]


def sfnet4(embedding_dim: int = 512, size: str = "112x96", batch_norm: bool = False) -> SFNet:
    """Return the 4-layer network: the strided convolutions alone."""
    return SFNet((0, 0, 0, 0), embedding_dim=embedding_dim, size=size, batch_norm=batch_norm)


def sfnet10(embedding_dim: int = 512, size: str = "112x96", batch_norm: bool = False) -> SFNet:
    """Return the 10-layer network."""
    return SFNet((0, 1, 2, 0), embedding_dim=embedding_dim, size=size, batch_norm=batch_norm)


def sfnet20(embedding_dim: int = 512, size: str = "112x96", batch_norm: bool = False) -> SFNet:
    """Return the 20-layer network of the released SphereFace code."""
    return SFNet((1, 2, 4, 1), embedding_dim=embedding_dim, size=size, batch_norm=batch_norm)


def sfnet36(embedding_dim: int = 512, size: str = "112x96", batch_norm: bool = False) -> SFNet:
    """Return the 36-layer network."""
    return SFNet((2, 4, 8, 2), embedding_dim=embedding_dim, size=size, batch_norm=batch_norm)


def sfnet64(embedding_dim: int = 512, size: str = "112x96", batch_norm: bool = False) -> SFNet:
    """Return the 64-layer network of the paper's tables."""
    return SFNet((3, 8, 16, 3), embedding_dim=embedding_dim, size=size, batch_norm=batch_norm)
