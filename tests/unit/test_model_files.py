"""Model files: only the pinned content ever gets the name, and whoever lacks it is told what to do."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from sphereface.errors import ConfigurationError, ModelError
from sphereface.model_files import (
    MODEL_FILES,
    MODELS_VARIABLE,
    YUNET,
    find_model_file,
    get_model_file,
    model_file,
    models_folder,
    read_model_file,
)
from tests.loopback import CONTENT, Loopback, serving

MODEL = replace(YUNET, file="model.onnx", size=len(CONTENT), sha256=hashlib.sha256(CONTENT).hexdigest())


@pytest.fixture(scope="module")
def server() -> Iterator[Loopback]:
    with serving() as loopback:
        yield loopback


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(MODELS_VARIABLE, str(tmp_path / "models"))
    return tmp_path / "models"


def test_every_file_is_pinned_and_comes_from_its_publisher_over_https() -> None:
    for name, model in MODEL_FILES.items():
        assert model.name == name
        assert len(model.sha256) == 64
        assert int(model.sha256, 16)
        assert model.address.startswith("https://")
        assert model.page.startswith("https://")
        assert model.address.endswith(f"/{model.file}")


def test_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(MODELS_VARIABLE, raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert models_folder() == tmp_path / "sphereface" / "models"
    monkeypatch.setenv("XDG_DATA_HOME", "not/absolute")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert models_folder() == tmp_path / ".local" / "share" / "sphereface" / "models"
    monkeypatch.setenv(MODELS_VARIABLE, "~/nets")
    assert models_folder() == tmp_path / "nets"
    monkeypatch.setenv(MODELS_VARIABLE, "  ")
    assert models_folder() == tmp_path / ".local" / "share" / "sphereface" / "models"


def test_it_is_fetched_once_and_then_nobody_is_asked(server: Loopback, folder: Path) -> None:
    model = replace(MODEL, address=f"{server.address}/file")
    assert get_model_file(model) == (folder / "model.onnx", True)
    assert read_model_file(model) == CONTENT
    assert find_model_file(model).state == "there"
    asked = len(server.asked)
    assert get_model_file(model) == (folder / "model.onnx", False)
    assert len(server.asked) == asked
    assert [path.name for path in folder.iterdir()] == ["model.onnx"]


def test_another_source_and_another_folder(server: Loopback, folder: Path, tmp_path: Path) -> None:
    (tmp_path / "stick.bin").write_bytes(CONTENT)
    for source in (f"{server.address}/redirect/file", str(tmp_path / "stick.bin")):
        place = tmp_path / hashlib.sha256(source.encode()).hexdigest()[:8]
        assert get_model_file(MODEL, source=source, folder=place) == (place / "model.onnx", True)
    assert not folder.exists()


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("/page", "it is a web page, perhaps of a proxy or a login"),
        ("/pointer", "it is a Git LFS pointer, which only names the file"),
        ("/truncated", "broke off after"),
        ("/endless", "more than the 10,240 bytes expected"),
        ("/status/404", "the server answered 404 Not Found"),
        ("/claims/0", "it has 0 bytes, not 10,240"),
    ],
)
def test_a_wrong_answer_leaves_nothing_and_says_what_to_do(
    server: Loopback, folder: Path, path: str, reason: str
) -> None:
    with pytest.raises(ModelError, match=reason) as caught:
        get_model_file(MODEL, source=server.address + path)
    said = str(caught.value)
    assert f"download model.onnx from {MODEL.page} and put it into '{folder}'" in said
    assert "\n" not in said
    assert not folder.exists()


def test_other_content_of_the_right_size(server: Loopback, folder: Path) -> None:
    model = replace(MODEL, sha256="0" * 64)
    with pytest.raises(ModelError, match=rf"its SHA-256 begins {MODEL.sha256[:12]}, not 000000000000"):
        get_model_file(model, source=f"{server.address}/file")
    assert not folder.exists()


def test_a_damaged_file_is_named_replaced_and_kept_if_nothing_better_comes(server: Loopback, folder: Path) -> None:
    folder.mkdir()
    path = folder / "model.onnx"
    path.write_bytes(CONTENT[:-1] + b"?")
    found = find_model_file(MODEL)
    assert found.state == "unusable"
    assert "get it again: sphereface models get yunet" in found.message
    with pytest.raises(ModelError, match="answered 500"):
        get_model_file(MODEL, source=f"{server.address}/status/500")
    assert path.read_bytes() == CONTENT[:-1] + b"?"
    assert get_model_file(MODEL, source=f"{server.address}/file")[1]
    assert path.read_bytes() == CONTENT


def test_sources_on_the_disk_that_are_none(folder: Path, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for source in ("nowhere.onnx", str(tmp_path), str(tmp_path / "pipe")):
        with pytest.raises(ModelError, match=r"could not be had from .* \(there is no such file\)"):
            get_model_file(MODEL, source=source)


def test_a_folder_that_cannot_be_written(server: Loopback, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("here already")
    with pytest.raises(ModelError, match=r"cannot be written \((not a directory|file exists)\).*another folder"):
        get_model_file(MODEL, source=f"{server.address}/file", folder=tmp_path / "file")


def test_a_full_disk(server: Loopback, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(path: Path, content: bytes) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("sphereface.model_files.write_bytes", full)
    with pytest.raises(ModelError, match=r"cannot be written \(no space left on device\); make room"):
        get_model_file(MODEL, source=f"{server.address}/file")


def test_missing_and_unreadable(folder: Path) -> None:
    assert find_model_file(MODEL).state == "missing"
    with pytest.raises(
        ModelError, match=r"is not there yet .*; run: sphereface models get yunet \(or set SPHEREFACE"
    ):
        read_model_file(MODEL)
    (folder / "model.onnx").mkdir(parents=True)
    assert find_model_file(MODEL).state == "unusable"
    with pytest.raises(ModelError, match="cannot be read"):
        read_model_file(MODEL)


def test_names() -> None:
    assert model_file("yunet") is YUNET
    with pytest.raises(ConfigurationError, match=r"no model is called 'yunett'.* Did you mean 'yunet'"):
        model_file("yunett")
