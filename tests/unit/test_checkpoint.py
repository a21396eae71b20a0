"""A model comes back exactly as it was saved, or not at all."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from sphereface import checkpoint
from sphereface.checkpoint import (
    CARD_FILE,
    WEIGHTS_FILE,
    Architecture,
    ModelCard,
    Provenance,
    load_card,
    load_tensors,
    save_model,
    update_operating_points,
)
from sphereface.errors import ModelError
from sphereface.faces.contract import InputContract


def tensors(seed: int = 0) -> dict[str, NDArray[Any]]:
    random_numbers = np.random.default_rng(seed)
    return {
        "layer.weight": random_numbers.standard_normal((4, 3, 2)).astype(np.float32),
        "layer.bias": np.zeros(4, dtype=np.float32),
        "norm.num_batches_tracked": np.array(7, dtype=np.int64),
    }


def card(**changes: Any) -> ModelCard:
    values: dict[str, Any] = {
        "architecture": Architecture(name="sfnet4", settings={"embedding_dim": 128, "batch_norm": True}),
        "embedding_dimension": 128,
        "parameters": 28,
        "provenance": Provenance(recipe={"head": {"name": "cosface"}}, seed=3, steps=10, images_seen=640),
    }
    return ModelCard(**(values | changes))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    save_model(tmp_path / "run", tensors(), card())
    return tmp_path / "run"


def one_sentence(error: pytest.ExceptionInfo[ModelError]) -> str:
    text = str(error.value)
    assert text
    assert "\n" not in text
    assert "Traceback" not in text
    return text


def test_comes_back_as_it_was(folder: Path) -> None:
    read = load_card(folder)
    assert read.model_dump(exclude={"weights_sha256", "weights_bytes"}) == card().model_dump(
        exclude={"weights_sha256", "weights_bytes"}
    )
    assert read.weights_bytes == (folder / WEIGHTS_FILE).stat().st_size
    assert read.provenance.licence == "trained by you; licence is yours"
    loaded = load_tensors(folder, read)
    assert loaded.keys() == tensors().keys()
    for name, tensor in tensors().items():
        assert (loaded[name].dtype, loaded[name].shape) == (tensor.dtype, tensor.shape)
        np.testing.assert_array_equal(loaded[name], tensor)
    assert sorted(entry.name for entry in folder.iterdir()) == [CARD_FILE, WEIGHTS_FILE]


def test_saving_gives_the_card_that_loading_gives(tmp_path: Path) -> None:
    assert save_model(tmp_path, tensors(), card()) == load_card(tmp_path)


def test_a_non_contiguous_tensor_is_saved_by_its_values(tmp_path: Path) -> None:
    turned = tensors()["layer.weight"].transpose(2, 0, 1)
    save_model(tmp_path, {"t": turned}, card())
    np.testing.assert_array_equal(load_tensors(tmp_path)["t"], turned)


def test_the_fingerprint_names_weights_architecture_and_contract(tmp_path: Path) -> None:
    def print_of(seed: int = 0, **changes: Any) -> str:
        return save_model(tmp_path, tensors(seed), card(**changes)).fingerprint

    same = print_of()
    assert len(same) == 64
    assert print_of() == same
    assert print_of(provenance=Provenance(seed=99), parameters=5) == same
    assert print_of(seed=1) != same
    assert print_of(architecture=Architecture(name="sfnet20")) != same
    assert print_of(input_contract=InputContract(flip_fusion="none")) != same


def test_a_card_that_was_never_saved_has_no_fingerprint() -> None:
    with pytest.raises(ModelError, match="save_model"):
        _ = card().fingerprint


def test_operating_points_are_stored_without_a_new_fingerprint(folder: Path, make_point: Any) -> None:
    before = load_card(folder)
    weights = (folder / WEIGHTS_FILE).read_bytes()
    point = make_point(before.fingerprint)
    update_operating_points(folder, [point])
    after = load_card(folder)
    assert list(after.operating_points) == [point]
    assert after.fingerprint == before.fingerprint
    assert (folder / WEIGHTS_FILE).read_bytes() == weights
    update_operating_points(folder, [])
    assert load_card(folder) == before


def test_another_models_operating_point_is_refused(folder: Path, make_point: Any) -> None:
    with pytest.raises(ModelError, match="measured for model 000000000000") as error:
        update_operating_points(folder, [make_point("0" * 64)])
    one_sentence(error)
    assert load_card(folder).operating_points == ()


@pytest.mark.parametrize(
    ("bad", "match"),
    [
        ({}, "without tensors"),
        ({"w": np.array([1.0, np.nan], np.float32)}, "'w' holds NaN"),
        ({"w": np.array([1.0, np.inf])}, "'w' holds NaN or infinity"),
        ({"w": np.array(["x"])}, "convert it to float32"),
        ({"w": np.array([None])}, "convert it to float32"),
    ],
)
def test_what_cannot_be_saved_leaves_the_old_model(folder: Path, bad: Any, match: str) -> None:
    with pytest.raises(ModelError, match=match) as error:
        save_model(folder, bad, card())
    one_sentence(error)
    np.testing.assert_array_equal(load_tensors(folder)["layer.bias"], tensors()["layer.bias"])


def test_a_folder_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(ModelError, match="cannot be written") as error:
        save_model(tmp_path / "file" / "run", tensors(), card())
    one_sentence(error)


@pytest.mark.parametrize("missing", ["folder", CARD_FILE, WEIGHTS_FILE])
def test_what_is_missing_names_the_command_that_makes_it(folder: Path, missing: str) -> None:
    if missing == "folder":
        folder = folder / "nowhere"
    else:
        (folder / missing).unlink()
    with pytest.raises(ModelError, match=r"'sphereface demo' or 'sphereface train RECIPE'") as error:
        load_tensors(folder)
    one_sentence(error)


def write_raw(folder: Path, change: Any) -> None:
    """Edit the card as somebody would who also knows how to mend its checksum."""
    raw = json.loads((folder / CARD_FILE).read_text())
    del raw["checksum"]
    change(raw)
    raw["checksum"] = checkpoint._digest(raw)
    (folder / CARD_FILE).write_text(json.dumps(raw))


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (lambda raw: raw.update(format_version=2), "format version 2.*upgrade"),
        (lambda raw: raw.update(format_version="1"), "format_version"),
        (lambda raw: raw.update(format_version=True), "format_version"),
        (lambda raw: raw.pop("format_version"), "format_version"),
        (lambda raw: raw.update(surprise=1), "surprise: extra inputs"),
        (lambda raw: raw.pop("architecture"), "architecture: field required"),
        (lambda raw: raw["input_contract"].update(std=0.0), "input_contract.std: input should be greater than 0"),
        (lambda raw: raw["input_contract"].update(size="9x9"), "input_contract.size"),
        (lambda raw: raw.update(embedding_dimension=10**12), "embedding_dimension"),
        (lambda raw: raw.update(weights_sha256=""), "does not name its weights"),
        (lambda raw: raw.update(weights_sha256="/../../../../x" + "0" * 50), "does not name its weights"),
        (lambda raw: raw.update(weights_sha256="0" * 64), "SHA-256"),
        (lambda raw: raw.update(weights_bytes=2**32), "the card says 4,294,967,296"),
        (lambda raw: raw.update(weights_bytes=10**15), "weights_bytes: input should be less than"),
        (lambda raw: raw.update(operating_points=[{"threshold": "x"}]), "operating_points.0"),
    ],
)
def test_a_card_that_does_not_make_sense(folder: Path, change: Any, match: str) -> None:
    write_raw(folder, change)
    with pytest.raises(ModelError, match=match) as error:
        load_tensors(folder)
    one_sentence(error)


@pytest.mark.parametrize(
    "text",
    [b"", b"{", b"[]", b"null", b"\xff\xfe", b'{"format_version": NaN}', b"[" * 100_000, b" " * 5_000_000],
)
def test_a_card_that_is_no_card(folder: Path, text: bytes) -> None:
    (folder / CARD_FILE).write_bytes(text)
    with pytest.raises(ModelError, match="damaged") as error:
        load_card(folder)
    one_sentence(error)


def test_every_edited_letter_of_the_card_is_noticed(folder: Path) -> None:
    path = folder / CARD_FILE
    good, known = path.read_bytes(), load_card(folder)
    random_numbers = random.Random(5)
    refused = 0
    for _ in range(400):
        bad = bytearray(good)
        bad[random_numbers.randrange(len(bad))] ^= 1 << random_numbers.randrange(8)
        path.write_bytes(bad)
        try:
            # White space between values means nothing in JSON, so a blank may become a tab.
            assert load_card(folder) == known
        except ModelError:
            refused += 1
    assert refused > 200


def test_weights_cut_off_anywhere(folder: Path) -> None:
    path = folder / WEIGHTS_FILE
    good = path.read_bytes()
    for length in [0, 1, 7, 8, 9, *range(16, len(good), 16), len(good) - 1]:
        path.write_bytes(good[:length])
        with pytest.raises(ModelError, match=r"damaged.*bytes, the card says"):
            load_tensors(folder)
    path.write_bytes(good + b"\0")
    with pytest.raises(ModelError, match="bytes, the card says"):
        load_tensors(folder)


def test_every_flipped_bit_of_the_weights_is_noticed(folder: Path) -> None:
    path = folder / WEIGHTS_FILE
    good = path.read_bytes()
    for bit in range(0, 8 * len(good), 5):
        bad = bytearray(good)
        bad[bit // 8] ^= 1 << (bit % 8)
        path.write_bytes(bad)
        with pytest.raises(ModelError, match="damaged") as error:
            load_tensors(folder)
    one_sentence(error)


@pytest.mark.parametrize(
    "weights",
    [
        (2**63).to_bytes(8, "little") + b"{}",
        (10).to_bytes(8, "little") + b'{"a":[1]} ',
        (2).to_bytes(8, "little") + b"[]",
        (0).to_bytes(8, "little"),
    ],
)
def test_weights_that_lie_although_their_hash_is_right(folder: Path, weights: bytes) -> None:
    import hashlib

    (folder / WEIGHTS_FILE).write_bytes(weights)
    digest = hashlib.sha256(weights).hexdigest()
    write_raw(folder, lambda raw: raw.update(weights_sha256=digest, weights_bytes=len(weights)))
    with pytest.raises(ModelError, match="damaged") as error:
        load_tensors(folder)
    one_sentence(error)


@pytest.mark.parametrize("stops_at", ["card", "rename"])
def test_a_save_that_stops_half_way_leaves_one_whole_model(
    folder: Path, monkeypatch: pytest.MonkeyPatch, stops_at: str
) -> None:
    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    before = load_tensors(folder)
    with monkeypatch.context() as patch:
        if stops_at == "card":
            patch.setattr(checkpoint, "write_json", fail)
        else:
            patch.setattr(Path, "replace", lambda path, to: rename(path, to) if path.name[0] == "." else fail())
        with pytest.raises(ModelError, match="no space left"):
            save_model(folder, tensors(seed=1), card())
    found, wanted = load_tensors(folder), before if stops_at == "card" else tensors(seed=1)
    assert {*found} == {*wanted}
    assert all(np.array_equal(found[name], wanted[name]) for name in wanted)
    save_model(folder, tensors(seed=2), card())
    assert np.array_equal(load_tensors(folder)["layer.weight"], tensors(seed=2)["layer.weight"])
    assert {path.name for path in folder.glob("*.safetensors")} == {"model.safetensors"}


rename = Path.rename


def test_an_unreadable_card_is_one_sentence(folder: Path) -> None:
    (folder / CARD_FILE).unlink()
    (folder / CARD_FILE).mkdir()
    with pytest.raises(ModelError, match="cannot be read: is a directory") as error:
        load_card(folder)
    one_sentence(error)


def test_reading_a_model_needs_no_torch(folder: Path) -> None:
    code = (
        "import sys; sys.modules['torch'] = None\n"
        "from pathlib import Path; from sphereface.checkpoint import load_tensors\n"
        "print(sorted(load_tensors(Path(sys.argv[1]))))"
    )
    done = subprocess.run([sys.executable, "-c", code, str(folder)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "layer.bias" in done.stdout
