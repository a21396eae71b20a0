"""Aligned pictures to unit vectors, by a model that a run left behind or one that others published.

Importing this package imports neither torch nor numpy; :func:`load_embedder` brings in what the model needs.
"""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sphereface.errors import MissingExtraError

if TYPE_CHECKING:
    from sphereface.embedder.embedder import Embedder, Face, TellsNorms, embed_files, embed_readings
    from sphereface.embedder.torch_embedder import Precision

__all__ = ["Embedder", "Face", "TellsNorms", "embed_files", "embed_readings", "load_embedder"]

_HERE = {"Embedder", "Face", "TellsNorms", "embed_files", "embed_readings"}


def load_embedder(
    folder: Path | str, *, precision: Precision = "float32", batch_size: int = 64, device: str = "auto"
) -> Embedder:
    """Load the model in ``folder`` and make it ready to embed.

    Args:
        folder: A run's folder, with ``model.safetensors`` and ``model.json``; or one with a card alone, for
            a model whose weights come with another package (dlib's, which ignores precision and device).
        precision: ``"float32"``, or ``"bfloat16"`` where speed matters more than the third digit.
        batch_size: Pictures that go through the network at once; bounds the memory, not the input.
        device: ``auto`` (a CUDA device if there is one), ``cpu``, ``cuda``, ``cuda:1``...

    Raises:
        ModelError: If the model is missing, damaged, or its weights do not fit its architecture.
        ConfigurationError: If a setting is out of range or there is no such device here.
        MissingExtraError: If torch, or dlib, is not installed.
    """
    from sphereface.checkpoint import load_card
    from sphereface.embedder.dlib_embedder import ARCHITECTURE, DlibEmbedder

    card = load_card(Path(folder))
    if card.architecture.name == ARCHITECTURE:
        return DlibEmbedder(card, batch_size=batch_size)
    try:
        from sphereface.embedder.torch_embedder import load_torch_embedder
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] != "torch":
            raise
        raise MissingExtraError(
            "embedding pictures needs PyTorch, which is not installed: pip install 'sphereface[train]'"
        ) from error
    return load_torch_embedder(Path(folder), precision=precision, batch_size=batch_size, device=device)


def __getattr__(name: str) -> Any:
    if name not in _HERE:
        raise AttributeError(f"module 'sphereface.embedder' has no attribute {name!r}")
    return getattr(importlib.import_module("sphereface.embedder.embedder"), name)
