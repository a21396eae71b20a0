"""The exact loss of any row near the speed of its matrix products, without the (N, C) matrix of logits.

The unit of work is a block of classes with all rows of the batch. The forward sweep multiplies with a block's
prototypes, divides by their lengths, keeps running maxima and sums over the classes, and adds the block's part
to the derivative by the embeddings. The backward sweep writes the block's slice of the prototypes' gradient, once,
through the normalisation. What the forward sweep knew about a block is kept where the memory budget allows it
(three products in all) and computed again where it does not (four); both are exact.

Products are in bfloat16 where the processor has it, everything else in float32 (all of it in float64 for float64
numbers). Embeddings and prototypes are rounded to bfloat16 on the way in, and torch's products on a CPU round
every result to it, so that cosines carry a relative error of up to 2^-9 for that alone before the scale. The
own class is not part of this: its logit is computed from its own prototype in float32.
"""

from __future__ import annotations

import itertools
from typing import Any

import torch
from torch import Tensor

from sphereface.errors import ConfigurationError
from sphereface.heads.others import Others
from sphereface.heads.softplus import softplus
from sphereface.heads.spare import Memory
from sphereface.heads.sweep import Sweep


def fused(others: Others, products: torch.dtype, memory_budget: float, memory: Memory) -> Tensor:
    """Return what ``Others`` asks for, (N,), block by block; it can be differentiated once.

    Args:
        others: The question.
        products: Format of the products, bfloat16 or that of the embeddings.
        memory_budget: MiB for one block's working memory and for what is kept between the sweeps; beside it
            only what grows with N or with C alone, and the prototypes' gradient.
        memory: That of earlier calls, to be used again.

    Raises:
        ConfigurationError: If the budget does not hold one class, or when differentiated a second time.
    """
    # Where nothing bends the cosines, the radius can be multiplied into the embeddings, N d numbers instead of
    # N C, and torch differentiates that.
    a = others.u * others.rho[:, None] if others.eta is None else others.u
    rho = None if others.eta is None else others.rho
    sweep = Sweep(others, a, products, memory_budget, memory)
    rest: Tensor = _Fused.apply(a, others.prototypes, rho, others.bias, sweep)  # type: ignore[no-untyped-call]
    return rest


class _Fused(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        a: Tensor,
        prototypes: Tensor,
        rho: Tensor | None,
        bias: Tensor | None,
        sweep: Sweep,
    ) -> Tensor:
        logistic = sweep.others.logistic
        by_a, by_prototypes, by_rho, by_bias = (
            needed and sweep.differentiate for needed in ctx.needs_input_grad[:4]
        )
        keeps = by_prototypes and sweep.keeps
        # Derivatives of the rest by what belongs to a row are row-local too: they run along with the sums.
        total, along_a = a.new_zeros(len(a)), torch.zeros_like(a)
        along_rho, along_bias = a.new_zeros(len(a)), a.new_zeros(len(a))
        highest = torch.full_like(total, torch.finfo(total.dtype).min)
        kept: list[Tensor] = []
        heights: list[Tensor] = []
        cells = (len(a) * prototypes.shape[:-1].numel(),)
        room = sweep.memory.kept.take(cells, sweep.products, a.device) if keeps else None
        for block in sweep.blocks():
            z = block.z
            if logistic:
                total += softplus(z).sum(dim=1)
                z.sigmoid_()
            else:
                before, highest = highest, torch.maximum(highest, z.amax(dim=1))
                z.sub_(highest[:, None]).exp_()
                shrinks = torch.exp(before - highest)
                for running in (total, along_rho, along_bias):
                    running *= shrinks
                along_a *= shrinks[:, None]
                total += z.sum(dim=1)
            if by_rho:
                assert block.values is not None  # a radius is an input of its own only beside an eta
                along_rho += (z * block.values.detach()).sum(dim=1)
            if by_bias:
                along_bias += z.sum(dim=1)
            if by_a or keeps:
                by_product = sweep.by_product(block, z, room)
                if by_a:
                    along_a += by_product @ block.low
                if keeps:
                    kept.append(by_product)
                    heights.append(highest)
        rest, share = (total, torch.ones_like(total)) if logistic else (highest + total.log(), 1.0 / total)
        along_a *= share[:, None]
        # What is kept goes with what autograd saves, so that it is gone after the backward pass, however long
        # somebody holds the loss.
        ctx.save_for_backward(prototypes, rest, along_a, along_rho * share, along_bias * share, *kept, *heights)
        ctx.sweep = sweep
        return rest

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        if torch.is_grad_enabled():
            raise ConfigurationError(
                "the fused head can be differentiated once: for second derivatives build the head with "
                "implementation='reference'"
            )
        weight = gradients[0]
        prototypes, rest, along_a, along_rho, along_bias, *of_blocks = ctx.saved_tensors
        kept, heights = of_blocks[: len(of_blocks) // 2], of_blocks[len(of_blocks) // 2 :]
        by_prototypes = None
        if ctx.needs_input_grad[1]:
            by_prototypes = ctx.sweep.memory.gradient.take(prototypes.shape, prototypes.dtype, prototypes.device)
            _write_gradient(ctx.sweep, rest, weight, kept, heights, by_prototypes.flatten(0, -2))
        _, _, by_rho, by_bias, *_ = ctx.needs_input_grad
        return (
            weight[:, None] * along_a,
            by_prototypes,
            weight * along_rho if by_rho else None,
            (weight * along_bias).sum() if by_bias else None,
            None,
        )


def _write_gradient(
    sweep: Sweep, rest: Tensor, weight: Tensor, kept: list[Tensor], heights: list[Tensor], gradient: Tensor
) -> None:
    """Write the gradient by the prototypes, each slice once.

    Args:
        sweep: The blocks.
        rest: Result of the forward sweep, (N,).
        weight: The loss's derivative by it, (N,).
        kept: What the forward sweep kept of the blocks; empty where they are to be computed again.
        heights: Highest logits at the time, (N,) each.
        gradient: Where to write, (C K, d).
    """
    logistic, weighed = sweep.others.logistic, sweep.a * weight[:, None]
    blocks = None if kept else sweep.blocks()
    rows = sweep.size * sweep.centres if sweep.casts else 0
    scratch = sweep.memory.scratch.take((rows, gradient.shape[1]), sweep.products, gradient.device)
    for index, (start, stop) in enumerate(itertools.pairwise(sweep.edges)):
        right = weighed
        if blocks is None:
            by_product = kept[index]
            if not logistic:  # kept relative to the highest logit so far
                right = weighed * torch.exp(heights[index] - rest)[:, None]
        else:
            block = next(blocks)
            by_z = block.z.sigmoid_() if logistic else block.z.sub_(rest[:, None]).exp_()
            by_product = sweep.by_product(block, by_z)
        slice_ = gradient[start * sweep.centres : stop * sweep.centres]
        place = scratch[: len(slice_)] if sweep.casts else slice_
        torch.mm(by_product.T, right.to(sweep.products), out=place)
        sweep.write(start, stop, place, slice_)
