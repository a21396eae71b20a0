"""Large memory, used again as soon as nobody else holds it."""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor


class Spare:
    """Hands out one tensor's memory again and again.

    A CPU program that frees 170 MB after every step gets fresh pages at the next, and touching those for the
    first time takes as long as a matrix product. The memory is handed out again only when every tensor on it
    is gone, those that somebody has put aside included: torch holds the numpy array below as long as one lives.
    Elsewhere torch's own allocator does this.
    """

    def __init__(self) -> None:
        self._memory: Any = None

    def take(self, shape: Sequence[int], dtype: torch.dtype, device: torch.device) -> Tensor:
        """Return an uninitialised tensor.

        >>> spare, wanted = Spare(), ((3,), torch.float32, torch.device("cpu"))
        >>> first = spare.take(*wanted)
        >>> spare.take(*wanted).data_ptr() == first.data_ptr()  # it is still in use
        False
        """
        size = math.prod(shape) * dtype.itemsize
        if device.type != "cpu" or size == 0:
            self._memory = None
            return torch.empty(shape, dtype=dtype, device=device)
        free = self._memory is not None and sys.getrefcount(self._memory) == 2  # here and as the argument
        if not free or self._memory.nbytes != size:
            self._memory = torch.empty(size, dtype=torch.uint8).numpy()
        return torch.from_numpy(self._memory).view(dtype).view(shape)

    def __deepcopy__(self, _: object) -> Spare:
        return Spare()

    def __reduce__(self) -> tuple[type[Spare], tuple[()]]:
        return Spare, ()


class Memory:
    """What one head uses again from step to step.

    Attributes:
        gradient: For the prototypes' gradient.
        kept: For what is kept between the sweeps.
        low: For a block's prototypes in the format of the products.
        product: For a block's product.
        logits: For a block's logits.
        scratch: For a block's backward product.
    """

    def __init__(self) -> None:
        self.gradient, self.kept = Spare(), Spare()
        self.low, self.product, self.logits, self.scratch = Spare(), Spare(), Spare(), Spare()
