"""From prototypes as they are learned to directions, and the rows of a batch's own classes."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from sphereface.heads.batch import wide_embeddings, without_autocast
from sphereface.heads.checks import check_shape
from sphereface.heads.others import Lengths
from sphereface.heads.row import MOST_SHOWN
from sphereface.sphere.geometry import length, unit


def directions(prototypes: Tensor, lengths: Lengths) -> Tensor:
    """Return prototypes (..., d) at length 1, in their own shape; zero stays zero.

    >>> directions(torch.tensor([[3.0, 4.0]]), "projected")
    tensor([[0.6000, 0.8000]])
    """
    if lengths != "projected":
        turned: Tensor = unit(prototypes)
        return turned
    # Held constant, the length divides the gradient without projecting it; on projected prototypes it is 1
    # anyway.
    norm: Tensor = length(prototypes.detach(), keepdims=True)
    return prototypes / torch.where(norm > 0, norm, torch.ones_like(norm))


def own_rows(prototypes: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """Return the prototypes of the batch's own classes, (N, ..., d), and all of them, (C, ..., d).

    What is computed from either adds up to one gradient without a second matrix of that size: the rows'
    part is added in place to the part of all, whose gradient must therefore be fresh memory (a product's, a
    quotient's), not one that is shared with another summand. On a CPU it is added in the order of the batch, so
    that the bits repeat; the backward pass of ``prototypes[labels]`` adds equal labels in the order of the
    threads.
    """
    rows: Tensor
    all_of_them: Tensor
    rows, all_of_them = _OwnRows.apply(prototypes, labels)  # type: ignore[no-untyped-call]
    return rows, all_of_them


def nearest(u: Tensor, rows: Tensor) -> Tensor:
    """Return of each sample's own K prototypes (N, K, d) the one nearest to u (N, d), (N, d)."""
    cosine = (unit(rows.detach()) * u.detach()[:, None]).sum(dim=2)
    place = cosine.argmax(dim=1)[:, None, None].expand(-1, 1, rows.shape[2])
    return rows.gather(1, place)[:, 0]


def shown(prototypes: Tensor, labels: Tensor, own_direction: Tensor) -> Tensor:
    """Return the prototypes that a loss may look at, at length 1, one a row.

    Args:
        prototypes: As they are learned, (C, d) or (C, K, d).
        labels: Own classes of the batch, (N,).
        own_direction: The batch's own prototypes at length 1, (N, d).

    Returns:
        All of them where there are at most ``MOST_SHOWN`` classes, else those of the batch's classes, once each.
    """
    if len(prototypes) <= MOST_SHOWN:
        every: Tensor = unit(prototypes.flatten(0, -2))
        return every
    classes, inverse = torch.unique(labels, return_inverse=True)
    places = torch.arange(len(labels), device=labels.device)
    first = torch.full_like(classes, len(labels)).scatter_reduce_(0, inverse, places, "amin")
    return own_direction.index_select(0, first)


def cosines(embeddings: Tensor, prototypes: Tensor) -> Tensor:
    """Return the cosine of every embedding to every class, (N, C): of its nearest centre, where it has several.

    Args:
        embeddings: Shape (N, d), any length but zero.
        prototypes: Shape (C, d) or (C, K, d); one of no length has the cosine 0 to everybody.

    Raises:
        ConfigurationError: If the shape does not fit, or an embedding is not finite or zero.

    >>> cosines(torch.tensor([[3.0, 4.0]]), torch.eye(2))
    tensor([[0.6000, 0.8000]])
    """
    check_shape(embeddings, prototypes.shape[-1])
    with without_autocast(embeddings):
        x, _ = wide_embeddings(embeddings, prototypes)
        found: Tensor = unit(x) @ unit(prototypes.to(x)).flatten(0, -2).T
    return found if prototypes.ndim == 2 else found.view(-1, *prototypes.shape[:2]).amax(dim=2)


class _OwnRows(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, prototypes: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        ctx.save_for_backward(labels)
        ctx.shape = prototypes.shape
        ctx.set_materialize_grads(False)
        return prototypes.index_select(0, labels), prototypes.view_as(prototypes)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor | None) -> tuple[Tensor | None, None]:
        by_rows, by_all = gradients
        if by_rows is None:
            return by_all, None
        (labels,) = ctx.saved_tensors
        if by_all is None:
            by_all = by_rows.new_zeros(ctx.shape)
        if torch.is_grad_enabled():  # somebody differentiates a second time
            return by_all.index_add(0, labels, by_rows), None
        return by_all.index_add_(0, labels, by_rows), None
