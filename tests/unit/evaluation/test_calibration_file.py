"""A calibration's file is read back bit for bit, or refused with a sentence."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from pydantic import ValidationError

from sphereface.errors import ConfigurationError, DataError
from sphereface.evaluation.calibration import (
    calibrate,
    calibrate_and_judge,
    calibration_file,
    read_calibration,
    write_calibration,
)
from sphereface.evaluation.calibration import file as file_module
from sphereface.evaluation.results import Rate
from sphereface.evaluation.score_normalisation import flattened
from sphereface.evaluation.scores import all_pairs

KINDS = ("platt", "beta", "isotonic", "local", "faircal")
WHOSE = {"model_fingerprint": "f" * 64, "data_hash": "d" * 64, "created": "2026-01-01T00:00:00+00:00"}


@pytest.fixture(scope="module")
def world():
    generator = np.random.default_rng(0)
    images = np.repeat(generator.normal(size=(40, 16)), 4, axis=0) + 0.8 * generator.normal(size=(160, 16))
    images = images.astype(np.float32)
    scores = all_pairs(images, [f"{number // 4:02d}" for number in range(160)])
    cohort = generator.normal(size=(60, 16)).astype(np.float32)
    return scores, images, cohort, calibrate_and_judge(scores, images, KINDS, cohort=cohort)


def made(world, kind):
    scores, images, cohort, results = world
    fitted = calibrate(scores, images, kind, cohort=cohort)
    return fitted, calibration_file(fitted, results[kind], **WHOSE)


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_read_is_what_was_written_bit_for_bit(world, kind, tmp_path):
    scores, images, _, results = world
    fitted, calibration = made(world, kind)
    write_calibration(tmp_path / "calibration.json", calibration)
    again = read_calibration(tmp_path / "calibration.json")
    assert again == calibration
    values, _, sides = flattened(scores, images)
    values[:5] = -np.inf
    before = fitted.log_likelihood_ratio(values, sides)
    assert np.array_equal(before, again.calibrator().log_likelihood_ratio(values, sides))
    assert (again.cllr.value, again.cllr.people) == (results[kind].cllr.value, 40)
    assert "half of the people" in again.measured


def test_the_file_is_plain_json_without_a_prior(world, tmp_path):
    write_calibration(tmp_path / "calibration.json", made(world, "platt")[1])
    content = json.loads((tmp_path / "calibration.json").read_text())
    assert content["schema"] == 1
    assert content["parameters"].keys() == {"slope", "offset", "lowest"}
    assert "prior" not in json.dumps(content)


def damaged(world, tmp_path, kind, changes):
    path = tmp_path / "calibration.json"
    write_calibration(path, made(world, kind)[1])
    content = json.loads(path.read_text())
    for key, value in changes.items():
        *above, last = key.split("__")
        inner = content
        for name in above:
            inner = inner[name]
        if value is None:
            del inner[last]
        else:
            inner[last] = value
    path.write_text(json.dumps(content))
    return path


@pytest.mark.parametrize(
    ("kind", "changes", "message"),
    [
        ("platt", {"schema": 2}, "'schema': Input should be 1"),
        ("platt", {"kind": "magic"}, "'kind'"),
        ("platt", {"kind": "beta"}, "the parameters of 'beta' are a, b, c; see 'a'"),
        ("platt", {"surprise": 1}, "'surprise': Extra inputs"),
        ("platt", {"data_hash": None}, "'data_hash': Field required"),
        ("platt", {"parameters__slope": "steep"}, "'parameters.slope"),
        ("platt", {"parameters__slope": float("nan")}, "'parameters.slope"),
        ("platt", {"parameters__slope": True}, "'parameters.slope"),
        ("platt", {"parameters__slope": [1.0, 2.0]}, "parameter 'slope' of 'platt' has the wrong type"),
        ("platt", {"parameters__slope": -1.0}, "slope of a Platt calibration must be 0 or more"),
        ("platt", {"parameters__slope": 10**400}, "parameter 'slope' of 'platt' holds too large a number"),
        (
            "isotonic",
            {"parameters__levels": [10**400]},
            "parameter 'levels' of 'isotonic' holds too large a number",
        ),
        ("platt", {"cllr__value": 10**400}, "'cllr.value'"),
        ("platt", {"parameters__extra": 1.0}, "see 'extra'"),
        ("platt", {"cllr__low": 0.9}, "does not hold the value"),
        ("platt", {"min_cllr": 1.5}, "'min_cllr'"),
        ("isotonic", {"parameters__knots": [0.5, 0.4]}, "increasing knots"),
        ("isotonic", {"parameters__knots": 3.0}, "parameter 'knots' of 'isotonic' has the wrong type"),
        ("local", {"parameters__top": 2.5}, "parameter 'top' of 'local' has the wrong type"),
        ("local", {"parameters__cohort": [[1.0, 2.0], [1.0]]}, "is not a calibration"),
        ("local", {"parameters__cohort": [1.0, 2.0]}, "rows of finite numbers"),
        ("local", {"parameters__centre": [[1.0]]}, "do not fit each other"),
        ("faircal", {"parameters__prior": 1.0}, "a prior must lie between 0 and 1"),
        ("faircal", {"parameters__pairs": [[1.0]]}, "do not fit each other"),
    ],
)
def test_a_damaged_file_is_refused_with_the_place(world, tmp_path, kind, changes, message):
    with pytest.raises(DataError, match=message) as error:
        read_calibration(damaged(world, tmp_path, kind, changes))
    assert "calibration.json" in str(error.value)
    assert str(error.value).endswith("fit a new one")


def test_files_that_are_none(tmp_path, monkeypatch):
    with pytest.raises(DataError, match=r"cannot read the calibration .*: no such file"):
        read_calibration(tmp_path / "none.json")
    for content in (b"", b"[]", b"\xff\xfe", b'{"schema": 1', b"[" * 100_000):
        (tmp_path / "bad.json").write_bytes(content)
        with pytest.raises(DataError, match="is not a calibration"):
            read_calibration(tmp_path / "bad.json")
    monkeypatch.setattr(file_module, "LARGEST_FILE", 1 << 20)
    (tmp_path / "bad.json").write_bytes(b" " * ((1 << 20) + 1))
    with pytest.raises(DataError, match=r"larger than a calibration can be \(1 MiB\)"):
        read_calibration(tmp_path / "bad.json")


def test_a_slope_that_is_there_twice_is_refused(world, tmp_path):
    path = tmp_path / "calibration.json"
    write_calibration(path, made(world, "platt")[1])
    path.write_text(path.read_text().replace('"slope":', '"slope": 9.0, "slope":'))
    with pytest.raises(DataError, match=r"is not a calibration \(the key 'slope' is there twice\); fit a new one"):
        read_calibration(path)


def test_what_cannot_be_written_is_said(world, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="cannot write the calibration"):
        write_calibration(tmp_path / "file" / "calibration.json", made(world, "platt")[1])
    monkeypatch.setattr(file_module, "LARGEST_FILE", 1000)
    with pytest.raises(DataError, match="fit it with a smaller cohort"):
        write_calibration(tmp_path / "calibration.json", made(world, "local")[1])


def test_the_greatest_cohort_fits(world, tmp_path):
    fitted, _ = made(world, "local")
    cohort = np.random.default_rng(0).normal(size=(1 << 15, 16))
    large = calibration_file(replace(fitted, cohort=cohort), world[3]["local"], **WHOSE)
    write_calibration(tmp_path / "calibration.json", large)
    assert np.array_equal(read_calibration(tmp_path / "calibration.json").calibrator().cohort, cohort)


def test_a_calibration_needs_evidence_of_its_own_kind(world):
    fitted, _ = made(world, "platt")
    results = world[3]
    with pytest.raises(ConfigurationError, match="a 'platt' calibration cannot be vouched for by 'beta' figures"):
        calibration_file(fitted, results["beta"], **WHOSE)
    nothing = replace(results["platt"], cllr=Rate(None, None, None, 0.95, 0.0, "too few"))
    with pytest.raises(ConfigurationError, match="cannot be vouched for"):
        calibration_file(fitted, nothing, **WHOSE)
    with pytest.raises(ValidationError, match="frozen"):
        made(world, "platt")[1].kind = "beta"
