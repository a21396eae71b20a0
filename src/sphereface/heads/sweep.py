"""The blocks of classes that the fused head goes over, and what is computed of one while it is in the caches."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from sphereface.errors import ConfigurationError
from sphereface.heads.others import Others
from sphereface.heads.spare import Memory

_WORKING = 24 * 2**20  # bytes of one block's working memory; fewer, larger products are faster
_STRIP = 2**19  # bytes of prototypes that several passes go over while they are in a core's own cache
_LEAST = 256  # classes of a block, unless the memory budget asks for fewer: below, products are slow


@dataclass
class Block:
    """One block of classes: where it lies, and what is known of it."""

    start: int
    stop: int  # the class after its last
    low: Tensor  # its prototypes in the format of the products, (B K, d)
    z: Tensor  # logits, own classes at -inf, (N, B); later the derivative of the rest by them
    values: Tensor | None  # eta of the cosines, (N, B), if there is an eta
    cosine: Tensor | None  # what eta was taken of; in the graph of values
    every: Tensor | None  # cosines of all centres, (N, B, K), if there are several


class Sweep:
    """Lays out the blocks and computes one at a time.

    Args:
        others: The question.
        a: What the prototypes are multiplied with, (N, d): embeddings at length 1, or as long as their radius
            where there is no eta.
        products: Format of the products, bfloat16 or that of the embeddings.
        memory_budget: MiB for the working memory of a block and for what is kept of all of them.
        memory: That of earlier sweeps, to be used again.

    Attributes:
        edges: First class of every block, and C.
        centres: K, prototypes of a class.
        casts: Whether products have a format of their own.
        keeps: Whether the budget holds a matrix (N, C K) beside a block.

    Raises:
        ConfigurationError: If the budget does not hold one class.
    """

    def __init__(
        self, others: Others, a: Tensor, products: torch.dtype, memory_budget: float, memory: Memory
    ) -> None:
        self.others, self.a, self.memory = others, a.detach(), memory
        self.differentiate = torch.is_grad_enabled()
        self.wide = others.u.dtype
        self.products = products if self.wide == torch.float32 else self.wide
        self.casts = self.products != self.wide
        classes, self.centres, width = _shape(others.prototypes)
        count = len(others.u)
        per_class, kept = _bytes(count, self.centres, width, self.wide, self.products, others)
        budget = memory_budget * 2**20
        if per_class > budget:
            raise ConfigurationError(
                f"memory_budget = {memory_budget:g} MiB does not hold one class at a time: a batch of {count} "
                f"with {width} dimensions needs {math.ceil(per_class / 2**20 * 100) / 100:g} or more"
            )
        wanted = max(_LEAST, _WORKING // per_class)
        self.size = int(max(1, min(wanted, budget // per_class, classes)))
        self.keeps = self.size * per_class + classes * kept <= budget
        self.edges = [*range(0, classes, self.size), classes]
        order = torch.argsort(others.labels, stable=True)
        edges = torch.tensor(self.edges, device=order.device)
        places = torch.searchsorted(others.labels[order], edges).tolist()
        self._own = [order[first:last] for first, last in itertools.pairwise(places)]
        self._inverse = others.u.new_empty(classes * self.centres)  # 1 / length of the prototypes

    def blocks(self) -> Iterator[Block]:
        """Compute the logits of block after block; the next one overwrites the memory of the last."""
        a, rho, bias = self.a, self.others.rho.detach(), self.others.bias
        low_a, rows = a.to(self.products), self.size * self.centres
        lows = self.memory.low.take((rows if self.casts else 0, a.shape[1]), self.products, a.device)
        # Where neither the format nor several centres stand between, the product is written where z goes.
        between = self.casts or self.centres > 1
        products = self.memory.product.take((len(a) * rows if between else 0,), self.products, a.device)
        logits = self.memory.logits.take((len(a) * self.size,), self.wide, a.device)
        for index, (start, stop) in enumerate(itertools.pairwise(self.edges)):
            low, inverse = self.prototypes(start, stop, lows)
            z = logits[: len(a) * (stop - start)].view(len(a), stop - start)
            place = products[: len(a) * len(low)].view(len(a), len(low)) if between else z
            product = torch.mm(low_a, low.T, out=place)
            every = values = cosine = None
            if self.centres > 1:
                every = torch.mul(product, 1.0 if inverse is None else inverse).view(len(a), -1, self.centres)
                torch.amax(every, dim=2, out=z)
            else:
                if product is not z:  # a product of two formats would do the same by way of a third matrix
                    z.copy_(product)
                if inverse is not None:
                    z.mul_(inverse)
            if self.others.eta is not None:
                # A rounded cosine of 1 is only near 1: as it stands, a steep eta would take its infinite slope.
                end = 1.0 - 0.5 * torch.finfo(self.products).eps
                cosine = z.clamp(-end, end) if self.casts else z.clone()
                with torch.set_grad_enabled(self.differentiate and self.others.slope):
                    cosine.requires_grad_(torch.is_grad_enabled())
                    values = self.others.eta(cosine)
                torch.mul(values.detach(), rho[:, None], out=z)
            if bias is not None:
                z.add_(bias.detach())
            own = self._own[index]
            if len(own):
                z[own, self.others.labels[own] - start] = -torch.inf
            yield Block(start, stop, low, z, values, cosine, every)

    def rows(self, start: int, stop: int) -> Tensor:
        """Return prototypes of these classes as they are learned, (B K, d)."""
        chosen = self.others.prototypes.detach()[start:stop]
        return chosen.flatten(0, 1) if chosen.ndim == 3 else chosen

    def prototypes(self, start: int, stop: int, lows: Tensor) -> tuple[Tensor, Tensor | None]:
        """Return them in the format of the products, (B K, d), and 1 / length of each, (B K,), or None if free.

        Args:
            start: First class.
            stop: The class after the last.
            lows: Where to write them if the format is another; empty if it is not.
        """
        rows, inverse = self.rows(start, stop), self.inverse(start, stop)
        low = lows[: len(rows)] if len(lows) else rows
        for first, last in self.strips(len(rows)):
            strip = rows[first:last]
            if inverse is not None:
                norm = torch.linalg.vector_norm(strip, dim=1)
                torch.reciprocal(norm.masked_fill_(norm == 0, 1.0), out=inverse[first:last])  # zero stays zero
            if low is not rows:
                low[first:last].copy_(strip)
        return low, inverse

    def inverse(self, start: int, stop: int) -> Tensor | None:
        """Return 1 / length of prototypes that have been through ``prototypes``, (B K,); None where free."""
        if self.others.lengths == "free":
            return None
        return self._inverse[start * self.centres : stop * self.centres]

    def strips(self, rows: int) -> Iterator[tuple[int, int]]:
        """Split a block's prototypes into parts that stay in the cache from one pass to the next."""
        step = max(1, _STRIP // (self.others.prototypes.shape[-1] * self.wide.itemsize))
        return itertools.pairwise([*range(0, rows, step), rows])

    def by_product(self, block: Block, by_z: Tensor, room: Tensor | None = None) -> Tensor:
        """Return the derivative by a's products with the block's prototypes, their lengths held constant.

        Args:
            block: The block.
            by_z: Derivative by its logits, (N, B); it is overwritten.
            room: Memory for all blocks, (N C K,), if it is to stay.

        Returns:
            Shape (N, B K), in the format of the products; without room, the next block may overwrite it.
        """
        if self.others.eta is not None:  # without one, the radius is in a already
            by_z.mul_(self.others.rho.detach()[:, None])
        if block.cosine is not None and block.values is not None and block.cosine.requires_grad:
            (by_z,) = torch.autograd.grad(block.values, block.cosine, by_z, materialize_grads=True)
        if block.every is not None:  # where two centres are equally near, the gradient is shared between them
            nearest = block.every == torch.amax(block.every, dim=2, keepdim=True)
            by_z = ((by_z / nearest.sum(dim=2))[:, :, None] * nearest).flatten(1)
        inverse = self.inverse(block.start, block.stop)
        if inverse is not None:
            by_z.mul_(inverse)
        if room is None:
            return by_z.to(self.products)
        first = len(by_z) * block.start * self.centres
        return room[first : first + by_z.numel()].view(by_z.shape).copy_(by_z)

    def write(self, start: int, stop: int, product: Tensor, gradient: Tensor) -> None:
        """Write the slice of the prototypes' gradient, (B K, d), from the backward product.

        What the lengths contribute is added: turning to length 1 takes the part along the prototype out.
        """
        rows, inverse = self.rows(start, stop), self.inverse(start, stop)
        for first, last in self.strips(len(rows)):
            strip, slice_ = rows[first:last], gradient[first:last]
            if product is not gradient:
                slice_.copy_(product[first:last])
            if inverse is not None and self.others.lengths == "reparametrised":
                along = (slice_ * strip).sum(dim=1)
                along.mul_(inverse[first:last]).mul_(inverse[first:last]).neg_()
                slice_.addcmul_(strip, along[:, None])


def _shape(prototypes: Tensor) -> tuple[int, int, int]:
    """Return C, K and d."""
    return prototypes.shape[0], prototypes.shape[1] if prototypes.ndim == 3 else 1, prototypes.shape[-1]


def _bytes(
    count: int, centres: int, width: int, wide: torch.dtype, products: torch.dtype, others: Others
) -> tuple[int, int]:
    """Return the bytes of working memory for each class of a block, and those kept for each class."""
    of_low, of_wide = products.itemsize, wide.itemsize
    prototype = 0 if products == wide else 2 * centres * width * of_low  # on the way in, and their gradient
    cells = count * (3 * centres * of_low + 2 * of_wide)  # product, derivatives by it before and now; z, a copy
    if others.logistic:
        cells += 2 * count * of_wide  # of the softplus
    if others.eta is not None:
        cells += 5 * count * of_wide  # cosines, eta, its graph and its slope
    if centres > 1:
        cells += 3 * count * centres * of_wide
    return prototype + cells, count * centres * of_low
