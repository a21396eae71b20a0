"""What a calibration says of two pictures, and of which model."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from sphereface.calibrating import calibrate, calibration_of, evidence_of
from sphereface.errors import DataError
from sphereface.evaluation.calibration import read_calibration, write_calibration

FINGERPRINT = "a" * 64


@pytest.fixture(scope="module")
def embeddings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    generator = np.random.default_rng(0)
    people = np.repeat(np.arange(120), 3)
    x = generator.standard_normal((120, 16))[people] + 0.5 * generator.standard_normal((360, 16))
    path = tmp_path_factory.mktemp("calibrating") / "people.npz"
    np.savez(path, embeddings=x, identity=np.array([f"p{p}" for p in people]), model=np.array(FINGERPRINT))
    return path


@pytest.mark.parametrize("kind", ["platt", "isotonic"])
def test_the_ratio_is_the_calibration_s(embeddings: Path, tmp_path: Path, kind: Any) -> None:
    _, fitted = calibrate(None, embeddings, kind)
    write_calibration(tmp_path / "calibration.json", fitted)
    embedder: Any = SimpleNamespace(fingerprint=FINGERPRINT)
    told = []
    for cosine in (0.95, -0.2):
        vectors = np.array([[1.0, 0.0], [cosine, np.sqrt(1 - cosine**2)]], dtype=np.float32)
        ratio = evidence_of(embedder, tmp_path, vectors)
        expected = fitted.calibrator().log_likelihood_ratio(np.array([cosine], dtype=np.float32))
        assert ratio == pytest.approx(float(expected[0]), abs=1e-4)
        told.append(ratio)
    assert told[0] > 0 > told[1]


def test_a_model_without_one_says_nothing(tmp_path: Path) -> None:
    embedder: Any = SimpleNamespace(fingerprint=FINGERPRINT)
    assert evidence_of(embedder, tmp_path, np.eye(2, dtype=np.float32)) is None
    assert calibration_of(tmp_path / "net.onnx") == tmp_path / "net.calibration.json"


def test_that_of_another_model_is_refused(embeddings: Path, tmp_path: Path) -> None:
    path, fitted = calibrate(None, embeddings, out=tmp_path / "map.json")
    write_calibration(path, fitted)
    assert read_calibration(path) == fitted
    embedder: Any = SimpleNamespace(fingerprint="b" * 64)
    with pytest.raises(DataError, match="was fitted for model aaaaaaaaaaaa, not for bbbbbbbbbbbb"):
        evidence_of(embedder, tmp_path, np.eye(2, dtype=np.float32), path)
