"""A run's summary: one JSON file, small enough to keep with the code, and without a name, a picture or a score."""

from __future__ import annotations

import base64
import hashlib
import json
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from evidence.plan import Run
from sphereface.atomic import write_text
from sphereface.errors import DataError

SUMMARIES = Path(__file__).resolve().parent / "summaries"
Summary = dict[str, Any]
Rows = Mapping[str, Sequence[Summary]]
"""Runs by row, in the order of their seeds."""

_KIND, _MANY = "int32", 200
_WHOM, _OF_RUN = {"judged", "kept", "learners"}, {"recipe_hash", "stopped"}


def recipe_hash(run: Run) -> str:
    """Return the hash of everything in the recipe that decides the outcome."""
    recipe = run.recipe()
    values = recipe.model_dump_json(
        include={"input", "backbone", "head", "regularizers", "optimiser", "augmentation"},
        # Most runs are older than these keys; none starts from a model, and all are with SGD.
        exclude={"backbone": {"start"}, "optimiser": {"name", "beta2"}},
    )
    training = recipe.training
    parts = (values, training.images, training.batch_size, training.seed, training.precision, training.threads)
    return hashlib.sha256("\n".join(map(str, parts)).encode()).hexdigest()[:16]


def write_summary(name: str, summary: Mapping[str, Any], folder: Path = SUMMARIES) -> None:
    """Write a summary, one key a line; counts of many people are packed (:func:`unpacked`)."""
    lines = (f"  {json.dumps(key)}: {_compact(_packed(value))}" for key, value in summary.items())
    write_text(folder / f"{name}.json", "{\n" + ",\n".join(lines) + "\n}\n")


def load_summary(path: Path) -> Summary:
    """Read the file of a summary."""
    summary: Summary = unpacked(json.loads(path.read_text(encoding="utf-8")))
    return summary


def check_folder(folder: Path) -> None:
    """Refuse a folder that holds something else than summaries.

    Raises:
        DataError: If it is no folder, or a JSON file in it is neither the summary of a run nor ``people.json``.
    """
    if not folder.is_dir():
        raise DataError(f"there are no summaries in {folder}: python -m evidence run makes them")
    for path in sorted(folder.rglob("*.json")):
        try:
            keys = {*load_summary(path)}
        except (ValueError, TypeError):
            keys = set()
        if not (_WHOM if path == folder / "people.json" else _OF_RUN) <= keys:
            raise DataError(f"{path} is no summary of a run: {folder} is to hold nothing else")


def unpacked(value: Any) -> Any:
    """Return a value with its packed counts as lists.

    They are about half the size as ``{"int32": text}``: little-endian numbers, deflated, in base 64.
    """
    if isinstance(value, dict):
        if {*value} == {_KIND}:
            return np.frombuffer(zlib.decompress(base64.b64decode(value[_KIND])), dtype="<i4").tolist()
        return {key: unpacked(inner) for key, inner in value.items()}
    return value


def _packed(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _packed(inner) for key, inner in value.items()}
    if isinstance(value, list) and len(value) >= _MANY and all(isinstance(number, int) for number in value):
        return {_KIND: base64.b64encode(zlib.compress(np.array(value, dtype="<i4").tobytes(), 9)).decode()}
    return value


def _compact(value: Any) -> str:
    return json.dumps(value, allow_nan=False, separators=(",", ":"))


def read_summary(run: Run, folder: Path = SUMMARIES) -> Summary | None:
    """Return a run's summary, or None if it was not made yet.

    Raises:
        DataError: If it was made with other settings than the plan has now.
    """
    path = folder / f"{run.name}.json"
    if not path.exists():
        return None
    summary = load_summary(path)
    if summary["recipe_hash"] != recipe_hash(run):
        raise DataError(
            f"the summary {path} was made with other settings than plan.py has for it now: a plan does not change "
            "after its runs; restore it, or delete the summary to run it again and say so in the page"
        )
    return summary
