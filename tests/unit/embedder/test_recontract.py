"""A copy of a model behind another contract is whole or not there, and the model stays as it was."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from sphereface.checkpoint import Architecture, ModelCard, load_card, load_tensors, save_model
from sphereface.data.learned import Learned, read_learned
from sphereface.embedder.recontract import save_behind
from sphereface.errors import DataError, ModelError
from sphereface.faces.contract import InputContract

CONTRACT = InputContract(colour="bgr", std=64.0)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    card = ModelCard(architecture=Architecture(name="sfnet4"), embedding_dimension=8, parameters=3)
    save_model(tmp_path / "model", {"weight": np.arange(3, dtype=np.float32)}, card)
    return tmp_path / "model"


def test_the_copy_has_the_weights_and_the_other_contract(model: Path, tmp_path: Path) -> None:
    before = {path: path.read_bytes() for path in model.iterdir()}
    saved = save_behind(model, CONTRACT, tmp_path / "copy")
    assert saved == load_card(tmp_path / "copy")
    assert saved.input_contract == CONTRACT
    assert saved.weights_sha256 == load_card(model).weights_sha256
    assert saved.fingerprint != load_card(model).fingerprint
    np.testing.assert_array_equal(load_tensors(tmp_path / "copy")["weight"], np.arange(3))
    assert {path: path.read_bytes() for path in model.iterdir()} == before
    assert read_learned(tmp_path / "copy") is None


def test_whom_the_model_learned_from_goes_along(model: Path, tmp_path: Path) -> None:
    Learned(np.arange(4, dtype=np.uint64), np.arange(9, dtype=np.uint64)).save(model)
    save_behind(model, CONTRACT, tmp_path / "copy")
    known = read_learned(tmp_path / "copy")
    assert known is not None
    assert len(known.people) == 4


def test_a_damaged_model_leaves_no_copy(model: Path, tmp_path: Path) -> None:
    weights = model / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1])
    with pytest.raises(ModelError, match="is damaged"):
        save_behind(model, CONTRACT, tmp_path / "copy")
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


def test_a_copy_that_fails_half_way_leaves_nothing(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    Learned(np.arange(4, dtype=np.uint64), np.arange(9, dtype=np.uint64)).save(model)
    monkeypatch.setattr("shutil.copy", full)
    with pytest.raises(OSError, match="No space left"):
        save_behind(model, CONTRACT, tmp_path / "copy")
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


def test_what_is_there_is_not_written_over(model: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="is there already and not empty"):
        save_behind(model, CONTRACT, model)
