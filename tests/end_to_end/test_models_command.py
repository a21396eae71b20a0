"""``sphereface models`` as a user types it; the network is a server on this machine."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sphereface.model_files import YUNET
from tests.loopback import Loopback, serving

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="module")
def server(shared_data: Path) -> Iterator[Loopback]:
    with serving((shared_data.parent / "models" / YUNET.file).read_bytes()) as loopback:
        yield loopback


def test_got_once_then_offline(sphereface: Run, server: Loopback, tmp_path: Path) -> None:
    done = sphereface("models", "get", "yunet", "--from", f"{server.address}/file")
    path = tmp_path / "home" / "data" / "sphereface" / "models" / YUNET.file
    assert (done.returncode, done.stdout) == (0, f"{path}: fetched, SHA-256 checked\n"), done.stderr
    asked = len(server.asked)
    done = sphereface("models", "get", "yunet", "--from", f"{server.address}/file", "--json")
    assert json.loads(done.stdout) == {
        "name": "yunet",
        "path": str(path),
        "fetched": False,
        "sha256": YUNET.sha256,
    }
    assert sphereface("models", "get", "yunet").stdout == f"{path}: already there, SHA-256 checked\n"
    assert len(server.asked) == asked
    assert f"{path}: there, SHA-256 checked" in sphereface("models", "list").stdout


def test_list_says_what_is_missing_and_what_is_damaged(sphereface: Run, tmp_path: Path) -> None:
    done = sphereface("models", "list")
    assert done.returncode == 0
    assert done.stdout.startswith(f"yunet: the face detector, MIT, from {YUNET.page}\n")
    assert "run: sphereface models get yunet" in done.stdout
    (tmp_path / YUNET.file).write_text("not a network")
    done = sphereface("models", "list", "--json", SPHEREFACE_MODELS=str(tmp_path))
    (model,) = json.loads(done.stdout)["models"]
    assert (model["name"], model["state"], model["path"]) == ("yunet", "unusable", str(tmp_path / YUNET.file))
    assert (model["licence"], model["page"], model["sha256"]) == ("MIT", YUNET.page, YUNET.sha256)
    assert "it has 13 bytes, not 229,738" in model["message"]


def test_a_stick_instead_of_a_network(sphereface: Run, shared_data: Path, tmp_path: Path) -> None:
    source = shared_data.parent / "models" / YUNET.file
    done = sphereface("models", "get", "yunet", "--from", source, "--out", tmp_path / "here")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "here" / YUNET.file).read_bytes() == source.read_bytes()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--from", "{address}/page"), "a web page, perhaps of a proxy or a login"),
        (("--from", "{address}/status/404"), "the server answered 404 Not Found"),
        (("--from", "http://192.0.2.1/file"), "does not begin with https://"),
        (("--from", "nowhere.onnx"), "there is no such file"),
    ],
)
def test_a_failure_is_one_sentence(
    sphereface: Run, server: Loopback, words: tuple[str, ...], said: str, tmp_path: Path
) -> None:
    done = sphereface("models", "get", "yunet", *(word.format(address=server.address) for word in words))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("error: the face detector") or done.stderr.startswith("error: what ")
    assert said in done.stderr
    assert f"download {YUNET.file} from {YUNET.page} and put it into '" in done.stderr
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "home" / "data").exists()


def test_an_unknown_name(sphereface: Run) -> None:
    done = sphereface("models", "get", "yunett")
    assert done.returncode == 2
    assert done.stderr == "error: no model is called 'yunett'; known are yunet, dlib. Did you mean 'yunet'?\n"
