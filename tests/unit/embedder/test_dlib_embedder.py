"""dlib's network as an embedder: the same numbers as dlib gives, a pinned file, and people told apart by it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from sphereface.checkpoint import ModelCard, load_card
from sphereface.data.manifest import read_manifest
from sphereface.embedder import embed_files, load_embedder
from sphereface.embedder.dlib_embedder import ARCHITECTURE, CONTRACT, DlibEmbedder
from sphereface.embedder.pretrained import PRETRAINED, is_shipped, model_folder, own_copy
from sphereface.errors import ConfigurationError, DataError, MissingExtraError, ModelError
from sphereface.evaluation.scores import all_pairs
from sphereface.evaluation.verification import verify
from sphereface.faces import dlib_files
from sphereface.faces.detectors import reader
from sphereface.faces.dlib_files import RESNET_FILE, dlib_file, load_dlib

FOLDER = model_folder(Path("dlib"))


@pytest.fixture(scope="module")
def card() -> ModelCard:
    return load_card(FOLDER)


@pytest.fixture(scope="module")
def dlib_model(card: ModelCard) -> DlibEmbedder:
    return DlibEmbedder(card)


def chips(count: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (count, 150, 150, 3), dtype=np.uint8)


def test_it_says_what_dlib_says_and_its_card_knows_it(dlib_model: DlibEmbedder, card: ModelCard) -> None:
    images = chips(3)
    network = load_dlib().face_recognition_model_v1(str(dlib_file(RESNET_FILE)))
    wanted = np.array([network.compute_face_descriptor(image) for image in images])
    units, norms = dlib_model.embed_with_norms(images)
    np.testing.assert_allclose(norms, np.linalg.norm(wanted, axis=1), rtol=1e-5)
    np.testing.assert_allclose(units, wanted / np.linalg.norm(wanted, axis=1, keepdims=True), atol=1e-6)
    assert (units.shape[1], dlib_model.dimension) == (card.embedding_dimension, 128)
    assert card.weights_bytes == dlib_file(RESNET_FILE).stat().st_size
    # Four bytes a number, and little else in the file.
    assert 0 < card.weights_bytes - 4 * card.parameters < 10_000


def test_every_operating_point_that_is_shipped_was_measured_for_this_model(card: ModelCard) -> None:
    assert {point.kind for point in card.operating_points} == {"fmr", "fpir"}
    assert {point.model_fingerprint for point in card.operating_points} == {card.fingerprint}


def test_threads_get_what_one_thread_gets(card: ModelCard) -> None:
    model = DlibEmbedder(card, batch_size=2)
    images = chips(4)
    alone = model.embed(images)
    with ThreadPoolExecutor(4) as pool:
        for index, vectors in zip(
            range(4), pool.map(lambda k: model.embed(images[k : k + 1]), range(4)), strict=True
        ):
            np.testing.assert_array_equal(vectors[0], alone[index])


def test_pretrained_names_give_way_to_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert list(PRETRAINED) == ["dlib"]
    assert is_shipped(model_folder(Path("dlib")))
    (tmp_path / "dlib").mkdir()
    assert is_shipped(model_folder(Path("dlib")))  # an empty folder of the name is no model
    (tmp_path / "dlib" / "model.json").write_text("{}")
    assert model_folder(Path("dlib")) == Path("dlib")
    assert not is_shipped(Path("dlib"))


def test_mistakes_are_told(card: ModelCard, dlib_model: DlibEmbedder, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(DataError, match="150x150"):
        dlib_model.embed(np.zeros((1, 112, 112, 3), np.uint8))
    with pytest.raises(ConfigurationError, match="batch_size"):
        DlibEmbedder(card, batch_size=0)
    other = card.model_copy(update={"input_contract": CONTRACT.model_copy(update={"colour": "bgr"})})
    with pytest.raises(ModelError, match="does not describe dlib's network"):
        DlibEmbedder(other)
    monkeypatch.setattr(dlib_files, "find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r"sphereface\[dlib\]"):
        DlibEmbedder(card)


def test_another_file_under_the_name_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Package:
        origin = str(tmp_path / "__init__.py")

    monkeypatch.setattr(dlib_files, "find_spec", lambda name: Package())
    with pytest.raises(ModelError, match="cannot be read"):
        dlib_file(RESNET_FILE)
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / RESNET_FILE).write_bytes(b"something else")
    with pytest.raises(ModelError, match="SHA-256 begins"):
        dlib_file(RESNET_FILE)


def test_real_faces_people_are_told_apart(shared_data: Path) -> None:
    """A hundred crops of people: the model and its alignment are worth nothing if this is not nearly perfect."""
    people = read_manifest(shared_data / "ci" / "lfw112")
    counts = people.images_per_identity()
    several = [name for name, count in zip(people.identities, counts, strict=True) if count >= 4]
    chosen = people.only(several[:25]).at_most(4)
    model = load_embedder(FOLDER)
    faces = embed_files(model, chosen.paths, reader=reader(model.contract.size, "aligned"))
    vectors = np.stack([face.embedding for face in faces])
    names = [chosen.identities[label] for label in chosen.labels]
    assert model.fingerprint == load_card(FOLDER).fingerprint
    assert load_card(FOLDER).architecture.name == ARCHITECTURE
    assert verify(all_pairs(vectors, names)).eer.value < 0.03


def test_a_copy_of_ones_own(tmp_path: Path, card: ModelCard) -> None:
    own_copy("dlib", tmp_path / "mine")
    assert load_card(tmp_path / "mine") == card
    assert load_embedder(tmp_path / "mine").fingerprint == card.fingerprint
    with pytest.raises(ModelError, match="holds a model already"):
        own_copy("dlib", tmp_path / "mine")
