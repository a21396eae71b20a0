"""The network that comes with dlib: a pretrained embedder of known strength, without a download and without torch.

King 2017, *High quality face recognition with deep metric learning*: a ResNet of 29 convolutions, 128 numbers,
trained on about 3 million faces of 7,485 people; 99.38 % on LFW as published (http://blog.dlib.net/2017/02). Its
training people are not listed, so nobody can say how many of a test set it has seen. The weights are in the
public domain.
"""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sphereface.checkpoint import ModelCard
from sphereface.errors import ConfigurationError, ModelError
from sphereface.faces.contract import InputContract
from sphereface.faces.dlib_files import RESNET_FILE, SHA256, dlib_file, load_dlib

ARCHITECTURE = "dlib-resnet-29"
CONTRACT = InputContract(size="150x150", mean=0.0, std=1.0, flip_fusion="none")  # dlib scales by itself
DIMENSION = 128


class DlibEmbedder:
    """dlib's network behind the same door as ours. Safe to call from several threads, one after the other.

    Args:
        card: Of the model; it must name dlib's weights and their one input contract.
        batch_size: Pictures that go through the network at once.

    Raises:
        ModelError: If the card is of another model, or the weights are missing or damaged.
        MissingExtraError: If dlib is not installed.
    """

    def __init__(self, card: ModelCard, *, batch_size: int = 16) -> None:
        if batch_size < 1:
            raise ConfigurationError(f"batch_size must be 1 or more, not {batch_size}")
        named = (card.architecture.name, card.weights_sha256, card.embedding_dimension, card.input_contract)
        if named != (ARCHITECTURE, SHA256[RESNET_FILE], DIMENSION, CONTRACT):
            raise ModelError(
                "this card does not describe dlib's network as this version knows it; write it again: "
                "sphereface models get dlib --out FOLDER"
            )
        self._network: Any = load_dlib().face_recognition_model_v1(str(dlib_file(RESNET_FILE)))
        self._one_at_a_time = threading.Lock()  # the network keeps its layers' outputs between calls
        self._batch_size = batch_size
        self._fingerprint = card.fingerprint

    @property
    def contract(self) -> InputContract:
        """What the network expects of a picture."""
        return CONTRACT

    @property
    def fingerprint(self) -> str:
        """The model card's fingerprint."""
        return self._fingerprint

    @property
    def dimension(self) -> int:
        """Width of the embedding."""
        return DIMENSION

    def embed(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Map aligned crops (N, 150, 150, 3), uint8 RGB, to unit vectors (N, 128).

        Raises:
            DataError: If the pictures are not of that size.
        """
        return self.embed_with_norms(images)[0]

    def embed_with_norms(self, images: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return unit vectors (N, 128) and the lengths (N,) they had.

        Raises:
            DataError: If the pictures are not of that size.
        """
        chips = np.ascontiguousarray(CONTRACT.crop(images))
        raw = np.empty((len(chips), DIMENSION), dtype=np.float64)
        for start in range(0, len(chips), self._batch_size):
            part = slice(start, start + self._batch_size)
            with self._one_at_a_time:
                raw[part] = np.array(self._network.compute_face_descriptor(list(chips[part])))
        norms = np.linalg.norm(raw, axis=1)
        with np.errstate(divide="ignore", invalid="ignore"):
            units = np.where(np.isfinite(norms[:, None]) & (norms[:, None] > 0), raw / norms[:, None], np.nan)
        return units.astype(np.float32), norms.astype(np.float32)
