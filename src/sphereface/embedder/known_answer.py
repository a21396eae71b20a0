"""A known-answer test of a network: what it makes of one fixed picture, by which code that changed is noticed.

A model folder holds weights and a name, no code. Another forward pass over the same weights would load, under the
same fingerprint, and compare new faces with a gallery of the old; so the card keeps what the network answered.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

_KEPT = 16
_AGREEMENT = 0.02  # of the length; formats and kernels differ by less than a thousandth, other code by far more


def answer_of(network: nn.Module, height: int, width: int) -> Tensor:
    """Send one fixed picture through a network, in evaluation mode, and return the raw answer.

    Args:
        network: (1, 3, height, width) to whatever it gives, which should be (1, d); left in the mode it was in.
        height: Of the pictures it takes, in pixels.
        width: Of them.
    """
    values = torch.arange(3 * height * width, dtype=torch.float64).sin()
    picture = values.reshape(1, 3, height, width).float()
    place = next((parameter.device for parameter in network.parameters()), torch.device("cpu"))
    training = network.training
    try:
        with torch.inference_mode():
            answer: Tensor = network.eval()(picture.to(place))
    finally:
        network.train(training)
    return answer


def summary_of(answer: Tensor) -> tuple[float, ...]:
    """Return what a card keeps of an answer (1, d): the first numbers of its direction; nothing if it has none."""
    row = answer.detach().to("cpu", torch.float64)[0]
    length = float(torch.linalg.vector_norm(row))
    if not 0 < length < float("inf"):
        return ()
    return tuple(round(value, 6) for value in (row[:_KEPT] / length).tolist())


def agree(before: tuple[float, ...], now: tuple[float, ...]) -> bool:
    """Return whether two answers are one network's, up to the arithmetic of formats and machines."""
    if len(before) != len(now):
        return False
    old, new = torch.tensor(before), torch.tensor(now)
    return float(torch.linalg.vector_norm(old - new)) <= _AGREEMENT * float(torch.linalg.vector_norm(old)) + 1e-4
