"""A trained model on disk: weights in ``model.safetensors``, everything about them in ``model.json``.

No pickle and no torch: a stranger's model can be looked at, and refused, with numpy alone. The card states
the size and the SHA-256 of the weights, so every damaged byte is noticed before it becomes an embedding.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import safetensors.numpy
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from safetensors import SafetensorError

from sphereface.atomic import sync_folder, write_bytes, write_json
from sphereface.errors import ModelError, reason_of
from sphereface.evaluation.operating_point import OperatingPoint, point_of
from sphereface.faces.contract import InputContract

WEIGHTS_FILE = "model.safetensors"
CARD_FILE = "model.json"
FORMAT_VERSION = 1
LICENCE = "trained by you; licence is yours"
HOW_TO_MAKE_ONE = "'sphereface demo' or 'sphereface train RECIPE' makes one"

_SHA256 = re.compile("[0-9a-f]{64}")  # it becomes part of a file's name
_LARGEST_CARD = 4 * 2**20
_LARGEST_HEADER = 16 * 2**20
_LARGEST_WEIGHTS = 8 * 2**30
STORED = {"float32", "float16", "float64", "int64", "int32", "uint8", "bool"}
"""Types of tensors that a model file holds."""


class Architecture(BaseModel):
    """Which backbone this is: ``build_backbone(name, **settings)`` makes it again."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    settings: dict[str, Any] = Field(default_factory=dict)


class Provenance(BaseModel):
    """Where the weights come from.

    Attributes:
        recipe: The recipe as it was run.
        seed: The run's seed.
        steps: Optimiser steps taken.
        images_seen: Images the network was shown, repetitions counted.
        start: Fingerprint of the model whose weights it started from; empty for random ones.
        data_hash: ``Manifest.data_hash`` of the training data.
        versions: Package name to version.
        created: Time of saving, ISO 8601 in UTC.
        licence: Who may do what with the weights.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    recipe: dict[str, Any] = Field(default_factory=dict)
    seed: int = 0
    steps: int = Field(default=0, ge=0)
    images_seen: int = Field(default=0, ge=0)
    start: str = ""
    data_hash: str = ""
    versions: dict[str, str] = Field(default_factory=dict)
    created: str = ""
    licence: str = LICENCE


class ModelCard(BaseModel):
    """What ``model.json`` holds.

    Attributes:
        format_version: Layout of this file.
        architecture: Backbone and its settings.
        embedding_dimension: Width of the backbone's output, before flip fusion.
        parameters: Number of trained numbers; 0 where nobody counted them.
        input_contract: What the network expects of a picture.
        provenance: Recipe, seed, data, versions, licence.
        weights_sha256: Of the whole weights file; filled in by :func:`save_model`.
        weights_bytes: Size of that file; filled in by :func:`save_model`.
        operating_points: Decisions measured for exactly this model.
        known_answer: What the network makes of one fixed picture, the first numbers of that direction, so that
            code which changed since is noticed; empty where nobody asked.
        learned_sha256: Of ``learned.safetensors``, which knows whom the model has learned from; empty where nobody
            wrote it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    format_version: int = FORMAT_VERSION
    architecture: Architecture
    embedding_dimension: int = Field(ge=2, le=65536)
    parameters: int = Field(ge=0)
    input_contract: InputContract = InputContract()
    provenance: Provenance = Provenance()
    weights_sha256: str = ""
    weights_bytes: int = Field(default=0, ge=0, le=_LARGEST_WEIGHTS)
    operating_points: tuple[OperatingPoint, ...] = ()
    known_answer: tuple[float, ...] = Field(default=(), max_length=64)
    learned_sha256: str = ""

    @property
    def fingerprint(self) -> str:
        """64 hex digits that name the embedding space: weights, architecture and input contract.

        Operating points and provenance stay outside: measuring a model does not change it.

        Raises:
            ModelError: If the card has not been saved yet and so knows no weights.
        """
        if not self.weights_sha256:
            raise ModelError("this model card has no weights yet; save it with save_model first")
        identity = {
            "weights": self.weights_sha256,
            "architecture": self.architecture.model_dump(mode="json"),
            "input_contract": self.input_contract.model_dump(mode="json"),
        }
        return _digest(identity)

    def point(self, kind: str) -> OperatingPoint | None:
        """Return the point for searching (``fpir``) or comparing two pictures (``fmr``), if it was measured."""
        return point_of(self.operating_points, kind)


def save_model(folder: Path, tensors: Mapping[str, NDArray[Any]], card: ModelCard) -> ModelCard:
    """Write weights and card to ``folder``, which holds one whole model at any moment, also after a kill.

    The weights wait under a name of their own until the card says that they are the model's, and take their usual
    name then.

    Args:
        folder: Made if missing. An older model in it is replaced.
        tensors: Name to array; float, integer or bool, all finite.
        card: Its ``weights_sha256`` and ``weights_bytes`` are filled in here.

    Returns:
        The card as saved.

    Raises:
        ModelError: If a tensor is not finite or of a type that is not stored, or the disk refuses.
    """
    if not tensors:
        raise ModelError("a model without tensors cannot be saved")
    for name, tensor in tensors.items():
        if tensor.dtype.name not in STORED:
            raise ModelError(f"tensor '{name}' is {tensor.dtype}; convert it to float32 before saving")
        if not np.isfinite(tensor).all():
            raise ModelError(f"tensor '{name}' holds NaN or infinity; this model is not saved")
    weights = safetensors.numpy.save({name: np.asarray(a, order="C") for name, a in tensors.items()})
    saved = card.model_copy(
        update={"weights_sha256": hashlib.sha256(weights).hexdigest(), "weights_bytes": len(weights)}
    )
    folder = Path(folder)
    try:
        waiting = folder / _waiting_name(saved)
        write_bytes(waiting, weights)
        _write_card(folder, saved)
        waiting.replace(folder / WEIGHTS_FILE)
        sync_folder(folder)
        for left in folder.glob(_waiting_name(None)):  # of a run that was killed before its card was written
            left.unlink()
    except OSError as error:
        raise ModelError(f"the model cannot be written to '{folder}': {reason_of(error)}") from error
    return saved


def load_card(folder: Path) -> ModelCard:
    """Read and check ``model.json``.

    Raises:
        ModelError: If there is no model, or its card is damaged or of a newer format.
    """
    folder = Path(folder)
    path = folder / CARD_FILE
    if not folder.is_dir():
        raise ModelError(f"there is no model folder '{folder}'; {HOW_TO_MAKE_ONE}")
    try:
        with path.open("rb") as file:
            text = file.read(_LARGEST_CARD + 1)
    except FileNotFoundError as error:
        raise ModelError(f"'{folder}' holds no model ({CARD_FILE} is missing); {HOW_TO_MAKE_ONE}") from error
    except OSError as error:
        raise ModelError(f"'{path}' cannot be read: {reason_of(error)}") from error
    if len(text) > _LARGEST_CARD:
        raise _damaged(path, f"it is larger than {_LARGEST_CARD // 2**20} MiB")
    try:
        raw = json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise _damaged(path, "it is not JSON") from error
    version = raw.get("format_version") if isinstance(raw, dict) else None
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        raise _damaged(path, "it does not say its format_version")
    if version > FORMAT_VERSION:
        raise ModelError(
            f"'{path}' has format version {version}, but this program reads up to {FORMAT_VERSION}; "
            f"upgrade sphereface, or use another model ({HOW_TO_MAKE_ONE})"
        )
    if raw.pop("checksum", None) != _digest(raw):
        raise _damaged(path, "its checksum does not fit, so something has edited it")
    try:
        card = ModelCard.model_validate(raw)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise _damaged(path, f"{where}: {first['msg'].lower()}") from error
    if not _SHA256.fullmatch(card.weights_sha256) or card.weights_bytes < 8:
        raise _damaged(path, "it does not name its weights")
    contract = card.input_contract
    if not (math.isfinite(contract.mean) and math.isfinite(contract.std) and contract.std > 0):
        raise _damaged(path, "input_contract: mean must be finite and std above zero")
    return card


def load_tensors(folder: Path, card: ModelCard | None = None) -> dict[str, NDArray[Any]]:
    """Read the weights, after their size, header and SHA-256 have been found to be what the card says.

    Args:
        folder: The model's folder.
        card: Its card, if already loaded.

    Returns:
        Name to array.

    Raises:
        ModelError: If the weights are missing, cut off, edited, or not of this card.
    """
    folder = Path(folder)
    card = card if card is not None else load_card(folder)
    path = folder / _waiting_name(card)
    if not path.exists():
        path = folder / WEIGHTS_FILE
    try:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            if size != card.weights_bytes:
                raise _damaged(path, f"it has {size:,} bytes, the card says {card.weights_bytes:,}")
            data = file.read(card.weights_bytes + 1)
    except FileNotFoundError as error:
        raise ModelError(
            f"'{folder}' holds a card but no weights ({WEIGHTS_FILE} is missing); {HOW_TO_MAKE_ONE}"
        ) from error
    except OSError as error:
        raise ModelError(f"'{path}' cannot be read: {reason_of(error)}") from error
    # The file begins with the length of its header: checked before safetensors makes room for it.
    if not 2 <= int.from_bytes(data[:8], "little") <= min(_LARGEST_HEADER, len(data) - 8):
        raise _damaged(path, "its header claims an impossible length")
    if hashlib.sha256(data).hexdigest() != card.weights_sha256:
        raise _damaged(path, f"its SHA-256 is not the one in {CARD_FILE}")
    try:
        return safetensors.numpy.load(data)
    except (SafetensorError, KeyError, ValueError, TypeError, AttributeError, ImportError) as error:
        raise _damaged(path, f"safetensors refuses it ({error})") from error


def update_operating_points(folder: Path, points: Iterable[OperatingPoint]) -> ModelCard:
    """Replace the operating points stored with a model; the weights are not touched.

    Returns:
        The card as saved.

    Raises:
        ModelError: If a point was measured for another model, or the card cannot be read or written.
    """
    folder = Path(folder)
    card = load_card(folder)
    points = tuple(points)
    for point in points:
        if point.model_fingerprint != card.fingerprint:
            raise ModelError(
                f"this operating point was measured for model {point.model_fingerprint[:12]}, "
                f"but '{folder}' holds {card.fingerprint[:12]}; evaluate this model first"
            )
    saved = card.model_copy(update={"operating_points": points})
    try:
        _write_card(folder, saved)
    except OSError as error:
        raise ModelError(f"'{folder / CARD_FILE}' cannot be written: {reason_of(error)}") from error
    return saved


def _write_card(folder: Path, card: ModelCard) -> None:
    raw = card.model_dump(mode="json")
    write_json(folder / CARD_FILE, raw | {"checksum": _digest(raw)})


def _waiting_name(card: ModelCard | None) -> str:
    """Return the name of weights whose card is not written yet; of any card, a pattern, for None."""
    return f"model-{'*' if card is None else card.weights_sha256[:16]}.safetensors"


def _digest(raw: dict[str, Any]) -> str:
    """SHA-256 of JSON values, however the file is laid out."""
    canonical = json.dumps(raw, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode("ascii")).hexdigest()


def _refuse_constant(word: str) -> NoReturn:
    raise ValueError(f"{word} is not JSON")


def _damaged(path: Path, what: str) -> ModelError:
    return ModelError(f"'{path}' is damaged: {what}; restore it from a copy, or {HOW_TO_MAKE_ONE}")
