"""Where a network starts from: random weights, or those of a model, which is fine-tuning."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from sphereface.checkpoint import ModelCard, load_card, load_tensors
from sphereface.embedder.torch_embedder import misfit
from sphereface.errors import ModelError
from sphereface.training.recipe import Recipe, settings_in_words


def _start_of(recipe: Recipe) -> ModelCard | None:
    """Return the card of the model that a run starts from; None where it starts from random weights.

    Raises:
        ModelError: If it is not there, is another network, or was shown pictures another way.
    """
    folder = recipe.backbone.start
    if folder is None:
        return None
    card = load_card(folder)
    if card.architecture.name != recipe.backbone.name:
        raise ModelError(
            f"backbone.start: '{folder}' is a '{card.architecture.name}' and backbone.name is "
            f"'{recipe.backbone.name}'; a network starts from one of its own kind"
        )
    for key in ("size", "colour", "mean", "std"):
        before, now = getattr(card.input_contract, key), getattr(recipe.input, key)
        if before != now:
            raise ModelError(
                f"backbone.start: '{folder}' was shown pictures with {key} = {before}, and this run's are with "
                f"{key} = {now}; set input.{key}"
            )
    return card


def load_start(recipe: Recipe, backbone: nn.Module) -> ModelCard | None:
    """Put the weights of the model that a run starts from, if it does, into its network; return its card.

    On torch's meta device, which has no memory, they are only looked at.

    Raises:
        ModelError: If it is not there, is another network, was shown pictures another way, or if a weight is
            missing, left over or of another shape.
    """
    card, folder = _start_of(recipe), recipe.backbone.start
    if card is None or folder is None:
        return None
    tensors = load_tensors(folder, card)
    if reason := misfit(backbone, tensors):
        before, now = (settings_in_words(each) for each in (card.architecture.settings, recipe.backbone_settings))
        raise ModelError(
            f"backbone.start: the weights of '{folder}' do not fit, {reason}; it was built with {before}, and "
            f"this run's network with {now}"
        )
    if not any(parameter.is_meta for parameter in backbone.parameters()):
        backbone.load_state_dict({key: torch.from_numpy(np.array(value)) for key, value in tensors.items()})
    return card
