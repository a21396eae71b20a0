"""The input contract: what a network expects of a picture, in one value that travels with the weights.

Training, checkpoint, embedder and gallery all hold the same :class:`InputContract`; two different ones
never meet silently.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from sphereface.errors import DataError

Size = Literal["112x112", "112x96", "150x150"]
FlipFusion = Literal["none", "sum", "concatenate"]

_ALIGNED_SIDE = 112
_NARROW_LEFT, _NARROW_RIGHT = 8, 104  # the 112x96 SphereFace crop is columns 8..103 of the 112x112 one


class InputContract(BaseModel):
    """How an aligned RGB crop becomes the network's input.

    Attributes:
        size: Height by width of the network's input. ``112x112`` is the ArcFace template; ``112x96`` the
            SphereFace template, which is the same warp shifted by 8 pixels, hence its columns 8 to 103;
            ``150x150`` is dlib's, which shows more of the chin.
        colour: Channel order of the input tensor.
        mean: Subtracted from every channel value (0 to 255).
        std: Divides afterwards; (x - 127.5) / 128 is SphereFace's own.
        flip_fusion: How the embeddings of a picture and its mirror image are joined: not at all, by their
            sum (as arcface_torch does), or by concatenation (as SphereFace does).
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    size: Size = "112x112"
    colour: Literal["rgb", "bgr"] = "rgb"
    mean: float = 127.5
    std: float = Field(128.0, gt=0.0)
    flip_fusion: FlipFusion = "sum"

    @property
    def height(self) -> int:
        """Rows of the network's input."""
        return int(self.size.split("x")[0])

    @property
    def width(self) -> int:
        """Columns of the network's input."""
        return int(self.size.split("x")[1])

    def crop(self, images: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Cut aligned pictures to this contract's size: a 112x112 one holds the 112x96 one.

        Args:
            images: Shape (N, H, W, 3), uint8, RGB.

        Raises:
            DataError: If the pictures are of another size that does not hold it.
        """
        if images.ndim != 4 or images.shape[3] != 3 or images.dtype != np.uint8:
            alone = "; a batch of one is picture[None]" if images.ndim == 3 else ""
            raise DataError(
                f"aligned images must be uint8 of shape (N, H, W, 3), not {images.dtype} {images.shape}{alone}"
            )
        height, width = images.shape[1:3]
        if (height, width) == (self.height, self.width):
            return images
        if self.size == "112x96" and (height, width) == (_ALIGNED_SIDE, _ALIGNED_SIDE):
            return images[:, :, _NARROW_LEFT:_NARROW_RIGHT]
        raise DataError(f"this model takes aligned {self.size} crops, but the image is {height}x{width}")

    def normalise(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Crop, order channels and scale: (N, H, W, 3) uint8 RGB to (N, 3, height, width) float32."""
        cropped = self.crop(images)
        ordered = cropped if self.colour == "rgb" else cropped[..., ::-1]
        scaled = (ordered.astype(np.float32) - np.float32(self.mean)) / np.float32(self.std)
        return np.ascontiguousarray(scaled.transpose(0, 3, 1, 2))
