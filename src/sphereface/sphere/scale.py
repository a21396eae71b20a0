"""How large the scale s has to be for a number of classes: two published bounds, and one with the margin in it.

Embeddings and prototypes at length 1 give logits between -s and s. If s is small, even a perfect image has a
low probability of its own class, and training pushes for ever at what cannot be reached.
"""

from __future__ import annotations

import math


def cosface_scale(num_classes: int, probability: float) -> float:
    """Return (C - 1) / C log((C - 1) P / (1 - P)): below it no image can have the probability P of its class.

    Prototypes as far apart as they can be, the image on its own one, no margin.

    Reference: Wang et al. 2018 (CosFace), eq. 6, https://arxiv.org/abs/1801.09414.

    >>> round(cosface_scale(10_572, 0.9), 2)
    11.46
    """
    others = num_classes - 1
    return others / num_classes * math.log(others * probability / (1.0 - probability))


def adacos_scale(num_classes: int) -> float:
    """Return sqrt(2) log(C - 1), AdaCos's fixed scale; 0 for two classes.

    Reference: Zhang et al. 2019, https://arxiv.org/abs/1905.00292: an image at 45 degrees from its prototype, all
    others at 90 degrees, has the probability 1/2.

    >>> round(adacos_scale(10_572), 1)
    13.1
    """
    return math.sqrt(2.0) * math.log(num_classes - 1)


def learnable_scale(num_classes: int, target: float, probability: float) -> float:
    """Return log((C - 1) P / (1 - P)) / target: AdaCos's fixed scale with a margin and another probability.

    Args:
        num_classes: C.
        target: psi of an image at 45 degrees: the cosine that is left after the margin, above 0.
        probability: P that such an image should be able to have.

    Source: ours; at psi = cos and P = 1/2 it is AdaCos's. At P = 0.9 and 8,631 people it gives 29.4 for SphereFace
    with m = 1.5 and 31.5 for CosFace with m = 0.35 (published for both: 30); at 85,742 people 38.0 for CosFace
    and 48.2 for ArcFace (published for both: 64).

    >>> round(learnable_scale(10_572, math.cos(math.pi / 4.0), 0.5), 1)
    13.1
    """
    return math.log((num_classes - 1) * probability / (1.0 - probability)) / target


def loss_floor(num_classes: int, scale: float) -> float:
    """Return log(1 + (C - 1) exp(-s C / (C - 1))): no image has a lower loss at this scale, without margin.

    Reference: Wang et al. 2017 (NormFace), https://arxiv.org/abs/1704.06369, its lower bound as recalled; it is
    :func:`cosface_scale` solved for -log P.

    >>> round(math.exp(-loss_floor(10_572, cosface_scale(10_572, 0.9))), 6)
    0.9
    """
    others = num_classes - 1
    return math.log1p(others * math.exp(-scale * num_classes / others))
