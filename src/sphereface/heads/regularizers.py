"""Terms that a head's loss can be helped with: what they say about a batch, as functions of its embeddings.

The functions compute in the dtype they are given; ``build_regularizer`` hands them float32 or wider. A batch
that holds nothing to compare (nobody twice, all pictures equally degraded) gives 0 with a graph, so that a step
can be taken on it: these are terms of a loss, not figures to be reported.
"""

from __future__ import annotations

import math
from typing import final

import torch
from torch import Tensor, nn

from sphereface.sphere.geometry import length, unit

_LOWEST_NORM = 1e-3


def alignment(embeddings: Tensor, labels: Tensor, alpha: float = 2.0) -> Tensor:
    """Return the mean of |u_i - u_j|^alpha over two images of a person, averaged over people; 0 is best.

    The average is person by person, as in ``sphere.health.alignment``, which this equals at alpha = 2: a person
    with many images in the batch counts once. The paper's own average is over pairs; the two agree where
    everybody has equally many images. People with one image are left out.

    Args:
        embeddings: Shape (N, d), any length but zero; only directions u matter.
        labels: Who is in each, (N,), int64.
        alpha: At least 1, or the slope at equal directions is infinite.

    Returns:
        A scalar in [0, 2^alpha].

    Reference: Wang and Isola 2020, https://arxiv.org/abs/2005.10242 (alpha = 2).

    >>> alignment(torch.tensor([[1.0, 0.0], [0.0, 2.0]]), torch.tensor([0, 0]))
    tensor(2.0000)
    """
    u: Tensor = unit(embeddings)
    first, second = torch.triu(labels[:, None] == labels[None, :], diagonal=1).nonzero(as_tuple=True)
    # index_select: the backward pass of u[first] adds up in an order that changes from run to run.
    distance: Tensor = length(u.index_select(0, first) - u.index_select(0, second))
    _, person, pairs = torch.unique(labels[first], return_inverse=True, return_counts=True)
    loss: Tensor = (distance**alpha / pairs[person]).sum() / max(len(pairs), 1)
    return loss


def uniformity(embeddings: Tensor, t: float = 2.0) -> Tensor:
    """Return log of the mean of exp(-t |u_i - u_j|^2) over all pairs of the batch; lower is more spread out.

    Pairs of one person count as any other, as in the paper and in ``sphere.health.uniformity``, which this
    equals at t = 2; so in a batch with many images of few people it works against alignment.

    Args:
        embeddings: Shape (N, d), any length but zero; only directions u matter.
        t: How local the repulsion is, above 0.

    Returns:
        A scalar in [-4 t, 0].

    Reference: Wang and Isola 2020, https://arxiv.org/abs/2005.10242 (t = 2).

    >>> float(uniformity(torch.tensor([[1.0, 0.0], [-3.0, 0.0]])))
    -8.0
    """
    n = len(embeddings)
    if n < 2:
        return (0.0 * embeddings).sum()
    u: Tensor = unit(embeddings)
    later = torch.ones(n, n, dtype=torch.bool, device=u.device).triu(diagonal=1)
    exponents = (2.0 * t * (u @ u.T - 1.0))[later]  # |u - v|^2 = 2 - 2 u.v
    return torch.logsumexp(exponents, dim=0) - math.log(n * (n - 1) / 2)


def radial(norm: Tensor, levels: Tensor, margin: float = 0.5, gap: float = 0.1) -> Tensor:
    """Ask that a picture's embedding is the shorter, the more the picture is degraded.

    For every pair of the batch in which j is more degraded than i by more than ``gap``,
    max(0, margin (l_j - l_i) - (log |x_i| - log |x_j|)), averaged over these pairs. Whose pictures they are does
    not matter. The gradient at x_i is parallel to x_i and no longer than 1 / |x_i|; the direction is left to
    identity. Norms below 0.001 count as 0.001 and have no gradient.

    Args:
        norm: |x|, (N,).
        levels: Degradation l of each picture, (N,), 0 (clean) to 1.
        margin: How much of log-norm a picture loses between clean and fully degraded, at least.
        gap: Differences of level up to this are not compared.

    Reference: ours. The split (norm for how much, direction for who) is after PoLAR, which was not to be had;
    form and constants are unconfirmed.

    >>> float(radial(torch.tensor([1.0, 1.0, 9.0]), torch.tensor([0.0, 1.0, 0.0])))
    0.25
    """
    log_norm = norm.clamp(min=_LOWEST_NORM).log()
    worse = levels[None, :] - levels[:, None]  # (i, j): by how much j is the more degraded
    lacking = margin * worse - (log_norm[:, None] - log_norm[None, :])
    compared = worse > gap
    hinges = torch.where(compared, lacking.clamp(min=0.0), torch.zeros_like(lacking))
    return hinges.sum() / compared.sum().clamp(min=1)


@final
class CenterLoss(nn.Module):
    """weight / 2 times the mean of |x - c_y|^2: every class draws its embeddings to a centre that follows them.

    The mean over the batch is the authors' layer; the paper writes the sum. Embeddings are raw, as published,
    and nothing here keeps them long: with a head that does not see the norm (``hfn``) they shrink.

    The gradient of the embeddings is that of the loss, weight (x - c_y) / N. The centres' own derivative would
    be so small that they all but stood still (for weight 0.008, N = 128 and one image of a class 8,000 times
    less than published). Their gradient is instead the paper's step, which knows neither weight nor N: rate
    times the sum of c_j - x_i over the class's n_j images in the batch, divided by 1 + n_j. Plain descent with
    learning rate a is then exactly the paper's update c - alpha delta, alpha = a rate (0.5 in the paper); the
    authors' layer hands this step to the solver, momentum and weight decay included, as happens here.

    Attributes:
        centres: (C, d); they start as prototypes do, near length 1.

    Reference: Wen et al. 2016, A discriminative feature learning approach for deep face recognition, eqs. 2-4;
    weight 0.008 and learning-rate factor 1 from the authors' solver for CASIA.

    >>> term = CenterLoss(2, 3)
    >>> float(term(term.centres.detach(), torch.tensor([0, 1])).detach())
    0.0
    """

    def __init__(self, num_classes: int, embedding_dim: int, *, weight: float = 0.008, rate: float = 1.0) -> None:
        super().__init__()
        self.weight, self.rate = weight, rate
        bound = math.sqrt(3.0 / embedding_dim)
        self.centres = nn.Parameter(torch.empty(num_classes, embedding_dim).uniform_(-bound, bound))

    def forward(self, embeddings: Tensor, labels: Tensor, levels: Tensor | None = None) -> Tensor:
        """Compute the weighted loss of a batch, a scalar.

        Args:
            embeddings: Raw embeddings, (N, d).
            labels: Class of each, (N,), int64 in [0, C).
            levels: Not looked at; every term takes them.
        """
        own = self.centres.index_select(0, labels).to(embeddings.dtype)
        pull = (embeddings - own.detach()).square().sum(dim=1).mean()
        images = torch.bincount(labels)[labels]
        follow = ((embeddings.detach() - own).square().sum(dim=1) / (1.0 + images)).sum()
        # The difference is 0: it brings the centres their gradient and the loss no value.
        loss: Tensor = 0.5 * self.weight * pull + 0.5 * self.rate * (follow - follow.detach())
        return loss
