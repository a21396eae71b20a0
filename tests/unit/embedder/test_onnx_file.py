"""What lies beside an ONNX file: a contract that says everything, and operating points of this very model."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from sphereface.embedder.onnx_file import CONTRACT_KEY, contract_of, read_onnx, read_points, write_points
from sphereface.errors import ModelError
from sphereface.evaluation.operating_point import OperatingPoint
from sphereface.faces.contract import InputContract

PLAIN = InputContract(mean=127.5, std=127.5, flip_fusion="none")
EXAMPLE = json.loads(PLAIN.model_dump_json())


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            None,
            r"write '.*model\.json'.*\"size\": \"112x112\", \"colour\": \"rgb\", \"mean\": 127.5, \"std\": 127.5",
        ),
        ("", "is not JSON"),
        (json.dumps(EXAMPLE)[:-1] + ', "mean": 0.0}', "is not JSON to rely on .the key 'mean' is there twice"),
        ("[1]", "no input contract"),
        ("[" * 100_000, "is not JSON"),
        (json.dumps(EXAMPLE | {"color": "rgb"}), "unknown key 'color'. Did you mean 'colour'"),
        (json.dumps({key: EXAMPLE[key] for key in EXAMPLE if key != "std"}), "does not say its 'std'"),
        (json.dumps(EXAMPLE | {"mean": "127.5"}), "wrong in 'mean'"),
        (json.dumps(EXAMPLE | {"mean": float("nan")}), "finite"),
        (json.dumps(EXAMPLE | {"std": 10**400}), "wrong in 'std'|finite"),
        (json.dumps(EXAMPLE | {"std": 0}), "above zero|greater than 0"),
        (json.dumps(EXAMPLE | {"size": "160x160"}), "wrong in 'size'"),
        (" " * (5 << 20), "belongs to no model"),
    ],
)
def test_a_contract_must_be_there_and_whole(tmp_path: Path, text: str | None, told: str) -> None:
    path = tmp_path / "model.onnx"
    if text is not None:
        path.with_suffix(".json").write_text(text)
    with pytest.raises(ModelError, match=told):
        contract_of(path, {})


def test_inside_or_beside_and_if_both_then_alike(tmp_path: Path) -> None:
    path, metadata = tmp_path / "model.onnx", {CONTRACT_KEY: json.dumps(EXAMPLE)}
    beside = path.with_suffix(".json")
    assert contract_of(path, metadata) == PLAIN
    for text in (EXAMPLE, {"format_version": 1, "input_contract": EXAMPLE}):  # alone, or in a model card of ours
        beside.write_text(json.dumps(text))
        assert contract_of(path, metadata) == contract_of(path, {}) == PLAIN
    beside.write_text(json.dumps(EXAMPLE | {"colour": "bgr"}))
    assert contract_of(path, {}) == PLAIN.model_copy(update={"colour": "bgr"})
    with pytest.raises(ModelError, match="says otherwise than the metadata"):
        contract_of(path, metadata)
    with pytest.raises(ModelError, match=r"in the metadata of .* is not JSON"):
        contract_of(path, {CONTRACT_KEY: "{"})


def test_files_that_are_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "model.onnx"
    with pytest.raises(ModelError, match=r"there is no ONNX file '.*model\.onnx'"):
        read_onnx(path)
    path.write_bytes(b"")
    with pytest.raises(ModelError, match="is empty"):
        read_onnx(path)
    path.write_bytes(b"12345")
    assert read_onnx(path) == b"12345"
    monkeypatch.setattr("sphereface.embedder.onnx_file._LARGEST_MODEL", 4)
    with pytest.raises(ModelError, match="larger than"):
        read_onnx(path)
    with pytest.raises(ModelError, match="cannot be read: is a directory"):
        read_onnx(tmp_path)


def test_operating_points_lie_beside_the_file(tmp_path: Path, make_point: Callable[..., OperatingPoint]) -> None:
    path, own = tmp_path / "model.onnx", "a" * 64
    points = (make_point(own, kind="fmr"), make_point(own))
    assert read_points(path, own) == ()
    write_points(path, own, points)
    assert read_points(path, own) == points
    assert read_points(path, "b" * 64) == ()
    with pytest.raises(ModelError, match="evaluate this model first"):
        write_points(path, own, [make_point("b" * 64, kind="fmr")])
    assert read_points(path, own) == points
    write_points(path, own, [])
    beside = tmp_path / "model.operating-points.json"
    assert json.loads(beside.read_text()) == []
    for text in ('[{"threshold": 0.1}]', "", "{}"):
        beside.write_text(text)
        with pytest.raises(ModelError, match="remove it, and measure new ones"):
            read_points(path, own)
    write_points(path, own, points)
    beside.write_text(beside.read_text().replace('"threshold":', '"threshold": -1.0, "threshold":', 1))
    with pytest.raises(ModelError, match=r"holds no operating points \(the key 'threshold' is there twice\)"):
        read_points(path, own)
    with pytest.raises(ModelError, match="cannot be written"):
        write_points(beside / "model.onnx", own, points)
