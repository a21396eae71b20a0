"""An ONNX file and what belongs to it: how it wants its pictures, and operating points measured for it.

``model.onnx`` holds its input contract in its metadata, or else ``model.json`` beside it does. Operating points go
to ``model.operating-points.json``, for the model's own file is never written.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from pydantic import TypeAdapter, ValidationError

from sphereface.atomic import write_bytes
from sphereface.errors import ModelError, nearest, reason_of
from sphereface.evaluation.operating_point import OperatingPoint
from sphereface.faces.contract import InputContract
from sphereface.strict_json import read_json

CONTRACT_KEY: Final = "sphereface.input_contract"  # in the ONNX metadata

_LARGEST_MODEL = 2 * 2**30  # where the format itself ends
_LARGEST_JSON = 4 * 2**20
_EXAMPLE = InputContract(size="112x112", colour="rgb", mean=127.5, std=127.5, flip_fusion="none")
_POINTS = TypeAdapter(tuple[OperatingPoint, ...])


def is_onnx(path: Path) -> bool:
    """Say whether a model's path is that of an ONNX file, not of a folder.

    >>> is_onnx(Path("w600k.ONNX")), is_onnx(Path("runs/demo"))
    (True, False)
    """
    return path.suffix.lower() == ".onnx" and not path.is_dir()


def read_onnx(path: Path) -> bytes:
    """Return an ONNX file's bytes.

    Raises:
        ModelError: If it is missing, empty, unreadable, or larger than 2 GiB.
    """
    try:
        with path.open("rb") as file:
            data = file.read(_LARGEST_MODEL + 1) if path.stat().st_size <= _LARGEST_MODEL else None
    except FileNotFoundError as error:
        raise ModelError(f"there is no ONNX file '{path}'") from error
    except OSError as error:
        raise ModelError(f"'{path}' cannot be read: {reason_of(error)}") from error
    if data is None or len(data) > _LARGEST_MODEL:
        raise ModelError(f"'{path}' is larger than {_LARGEST_MODEL // 2**30} GiB, more than an ONNX file can hold")
    if not data:
        raise ModelError(f"'{path}' is empty; restore it from a copy")
    return data


def contract_of(path: Path, metadata: Mapping[str, str]) -> InputContract:
    """Return the input contract of an ONNX file: from its metadata, or from the JSON file beside it.

    A model card of ours beside it will do too: its contract counts.

    Args:
        path: Of the model.
        metadata: Its own.

    Raises:
        ModelError: If there is none, it is damaged or incomplete, or the two differ.
    """
    beside = path.with_suffix(".json")
    found = {}
    if CONTRACT_KEY in metadata:
        found["metadata"] = _contract(metadata[CONTRACT_KEY], f"the input contract in the metadata of '{path}'")
    text = _read(beside)
    if text is not None:
        found["file"] = _contract(text, f"'{beside}'")
    if not found:
        raise ModelError(
            f"'{path}' does not say how it wants its pictures: write '{beside}' as the model's maker says, "
            f"which for a model in the manner of ArcFace is {json.dumps(_EXAMPLE.model_dump())}"
        )
    if len(set(found.values())) > 1:
        raise ModelError(
            f"'{beside}' says otherwise than the metadata of '{path}'; correct the file, or remove it"
        )
    return next(iter(found.values()))


def read_points(path: Path, fingerprint: str) -> tuple[OperatingPoint, ...]:
    """Return the operating points stored for an ONNX file; those of another contract do not count.

    Args:
        path: Of the model.
        fingerprint: Of the model behind its contract.

    Raises:
        ModelError: If their file is damaged.
    """
    text = _read(_points_file(path))
    try:
        points = () if text is None else _POINTS.validate_json(text)
        if text is not None:
            read_json(text)  # a threshold that is there twice is none
    except ValueError as error:
        what = "" if isinstance(error, ValidationError) else f" ({error})"
        raise ModelError(
            f"'{_points_file(path)}' holds no operating points{what}; remove it, and measure new ones with "
            "'sphereface evaluate --store'"
        ) from error
    return tuple(point for point in points if point.model_fingerprint == fingerprint)


def write_points(path: Path, fingerprint: str, points: Iterable[OperatingPoint]) -> None:
    """Replace the operating points stored for an ONNX file.

    Args:
        path: Of the model.
        fingerprint: Of the model behind its contract.
        points: All that it shall have.

    Raises:
        ModelError: If a point was measured for another model or contract, or they cannot be written.
    """
    points = tuple(points)
    for point in points:
        if point.model_fingerprint != fingerprint:
            raise ModelError(
                f"this operating point was measured for model {point.model_fingerprint[:12]}, but '{path}' is "
                f"{fingerprint[:12]}; evaluate this model first"
            )
    try:
        write_bytes(_points_file(path), _POINTS.dump_json(points, indent=2) + b"\n")
    except OSError as error:
        raise ModelError(f"'{_points_file(path)}' cannot be written: {reason_of(error)}") from error


def _points_file(path: Path) -> Path:
    return path.with_suffix(".operating-points.json")


def _read(path: Path) -> str | None:
    """Return a small file's text; None if there is no such file."""
    try:
        with path.open("rb") as file:
            data = file.read(_LARGEST_JSON + 1)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ModelError(f"'{path}' cannot be read: {reason_of(error)}") from error
    if len(data) > _LARGEST_JSON:
        raise ModelError(f"'{path}' is larger than {_LARGEST_JSON // 2**20} MiB; it belongs to no model")
    return data.decode("utf-8", errors="replace")


def _contract(text: str, where: str) -> InputContract:
    """Read a contract that says everything: a default would be a guess about somebody else's model."""
    known = tuple(InputContract.model_fields)
    try:
        raw = read_json(text)
    except ValueError as error:
        raise ModelError(
            f"{where} is not JSON to rely on ({error}); it should be like {json.dumps(_EXAMPLE.model_dump())}"
        ) from error
    if isinstance(raw, dict):
        raw = raw.get("input_contract", raw)
    if not isinstance(raw, dict):
        raise ModelError(f"{where} is no input contract; it should be like {json.dumps(_EXAMPLE.model_dump())}")
    for key in raw:
        if key not in known:
            raise ModelError(f"{where} has an unknown key '{key}'.{nearest(key, known)}")
    for key in known:
        if key not in raw:
            raise ModelError(f"{where} does not say its '{key}'; add it, as the model's maker says")
    try:
        contract = InputContract.model_validate(raw, strict=True)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise ModelError(f"{where} is wrong in '{first['loc'][0]}': {first['msg'].lower()}") from error
    if not (math.isfinite(contract.mean) and math.isfinite(contract.std) and contract.std > 0):
        raise ModelError(f"{where} is wrong: mean must be finite and std above zero")
    return contract
