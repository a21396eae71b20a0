"""Memory of a large gradient, used again as soon as nobody else holds it."""

from __future__ import annotations

import sys
from typing import Any

import torch
from torch import Tensor


class Spare:
    """Hands out one tensor's memory again and again.

    A CPU program that frees 170 MB after every step gets fresh pages at the next, and touching those for the
    first time takes as long as a matrix product. The memory is handed out again only when every tensor on it
    is gone, gradients that somebody kept included: torch holds the numpy array below as long as one lives.
    Elsewhere torch's own allocator does this.
    """

    def __init__(self) -> None:
        self._memory: Any = None

    def take(self, like: Tensor) -> Tensor:
        """Return an uninitialised tensor of the same shape, format and device.

        >>> spare, like = Spare(), torch.zeros(3)
        >>> first = spare.take(like)
        >>> spare.take(like).data_ptr() == first.data_ptr()  # it is still in use
        False
        """
        if like.device.type != "cpu":
            return torch.empty_like(like)
        size = like.numel() * like.dtype.itemsize
        free = self._memory is not None and sys.getrefcount(self._memory) == 2  # here and as the argument
        if not free or self._memory.nbytes != size:
            self._memory = torch.empty(size, dtype=torch.uint8).numpy()
        return torch.from_numpy(self._memory).view(like.dtype).view(like.shape)

    def __deepcopy__(self, _: object) -> Spare:
        return Spare()

    def __reduce__(self) -> tuple[type[Spare], tuple[()]]:
        return Spare, ()
