"""Aligned pictures to unit vectors, by a model that a run left behind or one that others published.

Importing this package imports neither torch nor numpy; :func:`load_embedder` brings in what the model needs.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sphereface.errors import ConfigurationError, MissingExtraError, ModelError, reason_of

if TYPE_CHECKING:
    from sphereface.checkpoint import ModelCard
    from sphereface.embedder.embedder import Embedder, Face, TellsNorms, embed_files, embed_readings
    from sphereface.embedder.torch_embedder import Precision
    from sphereface.evaluation.operating_point import OperatingPoint

__all__ = [
    "Embedder",
    "Face",
    "TellsNorms",
    "embed_files",
    "embed_readings",
    "load_embedder",
    "load_model",
    "read_card",
]

_HERE = {"Embedder", "Face", "TellsNorms", "embed_files", "embed_readings"}


def load_embedder(
    folder: Path | str, *, precision: Precision = "float32", batch_size: int = 64, device: str = "auto"
) -> Embedder:
    """Load a model and make it ready to embed.

    Args:
        folder: A run's folder, with ``model.safetensors`` and ``model.json``; one with a card alone, for a
            model whose weights come with another package (dlib's, which ignores precision and device); or an
            ONNX file, which runs in float32 or as it was exported, on the CPU.
        precision: ``"float32"``, or ``"bfloat16"`` where speed matters more than the third digit.
        batch_size: Pictures that go through the network at once; bounds the memory, not the input.
        device: ``auto`` (a CUDA device if there is one), ``cpu``, ``cuda``, ``cuda:1``...

    Raises:
        ModelError: If the model is missing, damaged, or its weights do not fit its architecture.
        ConfigurationError: If a setting is out of range or there is no such device here.
        MissingExtraError: If torch, dlib or onnxruntime is wanted and not installed.
    """
    return load_model(folder, precision=precision, batch_size=batch_size, device=device)[0]


def load_model(
    folder: Path | str, *, precision: Precision = "float32", batch_size: int = 64, device: str = "auto"
) -> tuple[Embedder, ModelCard]:
    """Load a model as :func:`load_embedder` does, and its card; that of an ONNX file is made on the way."""
    from sphereface.checkpoint import load_card, load_tensors
    from sphereface.embedder.dlib_embedder import ARCHITECTURE, DlibEmbedder
    from sphereface.embedder.onnx_file import is_onnx

    folder = Path(folder)
    if is_onnx(folder):
        from sphereface.embedder.onnx_embedder import load_onnx

        if precision != "float32" or device not in ("auto", "cpu"):
            raise ConfigurationError(f"an ONNX file runs in float32 on the CPU, not in {precision} on '{device}'")
        return load_onnx(folder, batch_size=batch_size)
    card = load_card(folder)
    if card.architecture.name == ARCHITECTURE:
        return DlibEmbedder(card, batch_size=batch_size), card
    try:
        from sphereface.embedder.torch_embedder import TorchEmbedder, build_network
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] != "torch":
            raise
        raise MissingExtraError(
            "embedding pictures needs PyTorch, which is not installed: pip install 'sphereface[train]'"
        ) from error
    network = build_network(card, load_tensors(folder, card))
    return TorchEmbedder(network, card, precision=precision, batch_size=batch_size, device=device), card


def read_card(folder: Path) -> ModelCard:
    """Return a model's card; an ONNX file is loaded for it.

    Raises:
        ModelError: If the model is missing, or its card or file damaged.
    """
    from sphereface.checkpoint import load_card
    from sphereface.embedder.onnx_file import is_onnx

    return load_model(folder)[1] if is_onnx(folder) else load_card(folder)


def replace_operating_points(folder: Path, points: Iterable[OperatingPoint]) -> None:
    """Store operating points with a model, each in place of the one of its kind; others stay.

    Raises:
        ModelError: If it cannot be opened, a point was measured for another, or they cannot be
            written.
    """
    from sphereface.atomic import held
    from sphereface.checkpoint import update_operating_points
    from sphereface.embedder.onnx_file import is_onnx, write_points

    issued, place = tuple(points), Path(folder)
    kinds = {point.kind for point in issued}
    try:
        with held(place if place.is_dir() else place.parent):
            card = read_card(place)
            kept = [point for point in card.operating_points if point.kind not in kinds]
            if is_onnx(place):
                write_points(place, card.fingerprint, [*kept, *issued])
            else:
                update_operating_points(place, [*kept, *issued])
    except OSError as error:
        raise ModelError(f"the model '{folder}' cannot be opened: {reason_of(error)}") from error


def __getattr__(name: str) -> Any:
    if name not in _HERE:
        raise AttributeError(f"module 'sphereface.embedder' has no attribute {name!r}")
    return getattr(importlib.import_module("sphereface.embedder.embedder"), name)
