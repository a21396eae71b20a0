"""``sphereface calibrate``: a map beside the model, worth what it proves on people it was not fitted on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.end_to_end.conftest import Run
from tests.end_to_end.test_evaluate_command import write_embeddings


@pytest.mark.parametrize("kind", ["platt", "beta", "isotonic"])
def test_the_file_gives_the_ratios_it_was_judged_by(sphereface: Run, tmp_path: Path, kind: str) -> None:
    from sphereface.evaluation.calibration import read_calibration

    faces = write_embeddings(tmp_path / "faces.npz", 0.9, 1)
    done = sphereface("calibrate", "--embeddings", faces, "--kind", kind, "--json")
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    fitted = read_calibration(tmp_path / "faces.calibration.json")
    assert said["cllr"]["value"] == fitted.cllr.value < 0.5
    ratios = fitted.calibrator().log_likelihood_ratio(np.array([-0.5, 0.3, 0.9]))
    assert ratios[0] < ratios[1] < ratios[2]
    assert ratios[0] < 0 < ratios[2]


def test_a_cohort_for_the_local_one(sphereface: Run, tmp_path: Path) -> None:
    faces = write_embeddings(tmp_path / "faces.npz", 0.9, 1)
    others = np.random.default_rng(5).standard_normal((200, 32)).astype(np.float32)
    np.savez(tmp_path / "cohort.npz", embeddings=others, identity=np.array([f"q{n}" for n in range(200)]))
    kind = ("--kind", "local", "--out", tmp_path / "map.json")
    done = sphereface("calibrate", "--embeddings", faces, *kind, "--cohort", tmp_path / "cohort.npz")
    assert done.returncode == 0, done.stderr
    assert "Cllr" in done.stdout
    assert json.loads((tmp_path / "map.json").read_text("utf-8"))["kind"] == "local"
    embedded = {"embeddings": others, "identity": np.array([f"q{n}" for n in range(200)])}
    np.savez(tmp_path / "other.npz", **embedded, model=np.array("b" * 64))
    with np.load(faces) as arrays:
        np.savez(tmp_path / "known.npz", **arrays, model=np.array("a" * 64))
    foreign = sphereface(
        "calibrate", "--embeddings", tmp_path / "known.npz", *kind, "--cohort", tmp_path / "other.npz"
    )
    assert foreign.returncode == 2
    assert "was embedded by model bbbbbbbbbbbb" in foreign.stderr
    shared = sphereface("calibrate", "--embeddings", faces, *kind, "--cohort", faces)
    assert shared.returncode == 2
    assert "cohort" in shared.stderr
    assert "needs a --cohort" in sphereface("calibrate", "--embeddings", faces, *kind).stderr


def test_beside_a_model(story: Any, sphereface: Run, tmp_path: Path) -> None:
    done = sphereface("calibrate", "--model", story.folder, "--out", tmp_path / "map.json")
    assert done.returncode == 0, done.stderr
    card = json.loads((tmp_path / "map.json").read_text("utf-8"))
    assert card["model_fingerprint"]
    refused = sphereface("calibrate", "--model", "dlib", "--data", tmp_path)
    assert refused.returncode == 2
    assert "belongs to this package" in refused.stderr
