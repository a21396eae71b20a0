"""Rough products in bfloat16 for :func:`sphereface.evaluation.distractors.search_distractors`; needs torch.

On processors with AMX or AVX-512 bfloat16 several times faster than float32; on others right, and slow.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray

from sphereface.evaluation.distractors import Product
from sphereface.evaluation.highest import Rough

_OUTPUT = 2.0**-8  # a product is rounded to 8 significant bits once more


def bfloat16_product(device: str = "cpu") -> Product:
    """Return a function that multiplies unit vectors in bfloat16 on ``device``, and says how far it can be off.

    With rows rounded from x to x' and from y to y', |x y - x' y'| <= |x - x'| |y| + |x'| |y - y'| (Cauchy and
    Schwarz). The norms of what was rounded away are measured; the sums are taken in float32 and rounded once.
    """

    def prepare(probes: NDArray[np.float32]) -> Callable[[NDArray[np.float32]], Rough]:
        x, x_error = _rounded(probes, device)
        sums = (probes.shape[1] + 16) * 2.0**-24 * 1.02
        threads = torch.get_num_threads()

        def multiply(distractors: NDArray[np.float32]) -> Rough:
            torch.set_num_threads(1)  # of this thread; the search brings as many threads as there are cores
            try:
                y, y_error = _rounded(distractors, device)
                products = torch.matmul(x, y.T).view(torch.int16).cpu().numpy()
            finally:
                torch.set_num_threads(threads)
            return Rough(products, 1.01 * (x_error + (1.0 + x_error) * y_error) + sums, _OUTPUT)

        return multiply

    return prepare


def _rounded(vectors: NDArray[np.float32], device: str) -> tuple[torch.Tensor, float]:
    """Return the rows in bfloat16 and the largest norm of what a row lost."""
    rows = torch.from_numpy(np.ascontiguousarray(vectors)).to(device)
    short = rows.bfloat16()
    return short, float(torch.linalg.vector_norm(rows - short, dim=1).max())
