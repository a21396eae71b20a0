"""Networks looked at before any picture is read: a wrong name, setting, output or start is told at once.

They are built on torch's meta device, where tensors have shapes and no memory.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from sphereface.checkpoint import STORED
from sphereface.errors import ConfigurationError
from sphereface.training.loop import build_networks, build_regularizers
from sphereface.training.recipe import Recipe
from sphereface.training.start import load_start


def check_networks(recipe: Recipe) -> None:
    """Build backbone and head without memory, so that a wrong name or setting is told before data is read.

    Raises:
        ConfigurationError: If a name or setting does not fit.
    """
    device = torch.device("meta")
    with device:
        backbone, _ = build_networks(recipe, 2, device)
        build_regularizers(recipe, 2, device)
        check_storable(recipe, backbone)
        check_output(recipe, backbone)
        load_start(recipe, backbone)


def check_storable(recipe: Recipe, backbone: nn.Module) -> None:
    """Insist on tensors of types that model files hold.

    Raises:
        ConfigurationError: Naming the first that is not.
    """
    for key, value in backbone.state_dict().items():
        if str(value.dtype).removeprefix("torch.") not in STORED:
            raise ConfigurationError(
                f"backbone '{recipe.backbone.name}' has a tensor of {value.dtype}, '{key}', which model files do "
                "not hold; keep it in float32, training casts products itself"
            )


def check_output(recipe: Recipe, backbone: nn.Module) -> None:
    """Send two pictures without memory through a network on the meta device and look at what comes out.

    Raises:
        ConfigurationError: If the network does not take the recipe's pictures to (N, ``embedding_dimension``).
    """
    name, wanted = recipe.backbone.name, (2, recipe.embedding_dimension)
    pictures = torch.empty(2, 3, recipe.input.height, recipe.input.width, device="meta")
    try:
        embeddings = backbone(pictures)
    except NotImplementedError:  # an operation that needs numbers, not only shapes: the first step will tell
        return
    except (RuntimeError, TypeError, ValueError) as error:
        if "meta tensor" in str(error):
            return
        reason = " ".join(str(error).split())[:300]
        raise ConfigurationError(
            f"backbone '{name}' fails on pictures of {recipe.input.size}: {reason}"
        ) from error
    if not isinstance(embeddings, Tensor):
        raise ConfigurationError(
            f"backbone '{name}' must return a tensor (N, {wanted[1]}), not {type(embeddings).__name__}"
        )
    if tuple(embeddings.shape) != wanted:
        raise ConfigurationError(
            f"backbone '{name}' takes two pictures to {tuple(embeddings.shape)}, not to {wanted}: "
            "one raw embedding a picture, as wide as backbone.settings.embedding_dim"
        )
