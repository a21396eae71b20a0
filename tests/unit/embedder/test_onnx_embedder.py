"""An ONNX file embeds as its graph and its contract say, and nothing but a model gets in."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

onnx = pytest.importorskip("onnx", reason="onnx is not installed, so no model can be built")
onnxruntime = pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")

from onnx import TensorProto, helper, numpy_helper  # noqa: E402
from PIL import Image  # noqa: E402

from sphereface.cli.main import app  # noqa: E402
from sphereface.embedder import TellsNorms, load_embedder, load_model, read_card, replace_operating_points  # noqa: E402
from sphereface.embedder.doctor import TakesContracts  # noqa: E402
from sphereface.embedder.onnx_embedder import OnnxEmbedder  # noqa: E402
from sphereface.embedder.onnx_file import CONTRACT_KEY  # noqa: E402
from sphereface.errors import ConfigurationError, DataError, MissingExtraError, ModelError  # noqa: E402
from sphereface.evaluation.operating_point import OperatingPoint  # noqa: E402
from sphereface.faces.contract import InputContract  # noqa: E402

D, CHANNELS, STRIDE = 5, 4, 16
RNG = np.random.default_rng(3)
KERNEL = RNG.normal(size=(CHANNELS, 3, STRIDE, STRIDE)).astype(np.float32)
PLAIN = InputContract(mean=127.5, std=127.5, flip_fusion="none")


def dense(contract: InputContract) -> NDArray[np.float32]:
    """Return the second layer's weights, (features, D)."""
    features = CHANNELS * (contract.height // STRIDE) * (contract.width // STRIDE)
    return np.random.default_rng(4).normal(size=(features, D)).astype(np.float32)


def by_hand(planes: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return conv (stride = kernel) and gemm of (N, 3, H, W), written as plain sums over tiles."""
    n, _, height, width = planes.shape
    tiles = planes.astype(np.float64).reshape(n, 3, height // STRIDE, STRIDE, width // STRIDE, STRIDE)
    convolved = np.einsum("ncyixj,kcij->nkyx", tiles, KERNEL.astype(np.float64))
    contract = PLAIN if width == 112 else PLAIN.model_copy(update={"size": "112x96"})
    return convolved.reshape(n, -1) @ dense(contract)


Change = Callable[[Any], None]


def build(contract: InputContract = PLAIN, *, batch: int | str = "n", half: bool = False) -> Any:
    """Return a network of a convolution and a dense layer."""
    kind, dtype = (TensorProto.FLOAT16, np.float16) if half else (TensorProto.FLOAT, np.float32)
    graph = helper.make_graph(
        [
            helper.make_node("Conv", ["x", "kernel"], ["c"], strides=[STRIDE, STRIDE]),
            helper.make_node("Flatten", ["c"], ["f"]),
            helper.make_node("Gemm", ["f", "dense"], ["y"]),
        ],
        "tiny",
        [helper.make_tensor_value_info("x", kind, [batch, 3, contract.height, contract.width])],
        [helper.make_tensor_value_info("y", kind, [batch, D])],
        [
            numpy_helper.from_array(KERNEL.astype(dtype), "kernel"),
            numpy_helper.from_array(dense(contract).astype(dtype), "dense"),
        ],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def nodes(contract: InputContract, inputs: list[Any], made: list[Any], outputs: list[Any]) -> bytes:
    """Return a model of these nodes, its contract in its metadata."""
    graph = helper.make_graph(made, "tiny", inputs, outputs)
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("acme", 1)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=8)
    helper.set_model_props(model, {CONTRACT_KEY: contract.model_dump_json()})
    return model.SerializeToString()


def value(name: str, *shape: int | str, kind: int = TensorProto.FLOAT) -> Any:
    return helper.make_tensor_value_info(name, kind, shape)


PICTURE = value("x", "n", 3, 112, 112)


def save(folder: Path, contract: InputContract | None = PLAIN, *, inside: bool = True, **how: Any) -> Path:
    """Write the network to ``model.onnx``, its contract inside or beside it."""
    model = build(contract or PLAIN, **how)
    if contract is not None and inside:
        helper.set_model_props(model, {CONTRACT_KEY: contract.model_dump_json()})
    path = folder / "model.onnx"
    path.write_bytes(model.SerializeToString())
    if contract is not None and not inside:
        path.with_suffix(".json").write_text(contract.model_dump_json())
    return path


def pictures(count: int, width: int = 112) -> NDArray[np.uint8]:
    return np.random.default_rng(0).integers(0, 256, (count, 112, width, 3), dtype=np.uint8)


def unit(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


@pytest.mark.parametrize("inside", [True, False])
@pytest.mark.parametrize(
    ("fusion", "size", "colour"),
    [("none", "112x112", "bgr"), ("sum", "112x96", "rgb"), ("concatenate", "112x112", "rgb")],
)
def test_embeds_as_graph_and_contract_say(
    tmp_path: Path, fusion: str, size: str, colour: str, inside: bool
) -> None:
    contract = InputContract(size=size, colour=colour, mean=100.0, std=50.0, flip_fusion=fusion)  # type: ignore[arg-type]
    embedder = load_embedder(save(tmp_path, contract, inside=inside))
    images = pictures(3)
    crop = images if size == "112x112" else images[:, :, 8:104]
    ordered = crop if colour == "rgb" else crop[..., ::-1]
    planes = ((ordered.astype(np.float64) - 100.0) / 50.0).astype(np.float32).transpose(0, 3, 1, 2)
    straight, mirrored = by_hand(planes), by_hand(planes[..., ::-1])
    fused = {"none": straight, "sum": straight + mirrored, "concatenate": np.hstack([straight, mirrored])}[fusion]
    assert isinstance(embedder, OnnxEmbedder)
    assert isinstance(embedder, TellsNorms)
    units, norms = embedder.embed_with_norms(images)
    np.testing.assert_allclose(units, unit(fused), atol=2e-6)
    np.testing.assert_allclose(norms, np.linalg.norm(fused, axis=1), rtol=1e-5)
    assert (units.dtype, norms.dtype, embedder.dimension) == (np.float32, np.float32, fused.shape[1])
    assert embedder.contract == contract
    assert embedder.embed(images[:0]).shape == (0, fused.shape[1])


@pytest.mark.parametrize("batch", [1, "n"])
def test_one_picture_at_a_time_or_many_give_the_same(tmp_path: Path, batch: int | str) -> None:
    embedder = load_embedder(save(tmp_path, batch=batch), batch_size=3)
    images = pictures(7)
    wanted = unit(by_hand(PLAIN.normalise(images)))
    np.testing.assert_allclose(embedder.embed(images), wanted, atol=2e-6)
    with ThreadPoolExecutor(4) as pool:
        alone = list(pool.map(lambda k: embedder.embed(images[k : k + 1])[0], range(7)))
    np.testing.assert_allclose(alone, wanted, atol=2e-6)


def test_a_network_that_mixes_its_pictures_gets_them_one_by_one(tmp_path: Path) -> None:
    """Minus the mean over the pictures beside it: what a batch norm left in training mode does."""
    made = [
        helper.make_node("AveragePool", ["x"], ["p"], kernel_shape=[16, 16], strides=[16, 16]),
        helper.make_node("Flatten", ["p"], ["f"]),
        helper.make_node("ReduceMean", ["f"], ["m"], axes=[0], keepdims=1),
        helper.make_node("Constant", [], ["half"], value_float=0.5),
        helper.make_node("Mul", ["m", "half"], ["h"]),
        helper.make_node("Sub", ["f", "h"], ["y"]),
    ]
    path = tmp_path / "mixing.onnx"
    path.write_bytes(nodes(PLAIN, [PICTURE], made, [value("y", "n", 147)]))
    embedder, images = load_embedder(path), pictures(4)
    pooled = PLAIN.normalise(images).reshape(4, 3, 7, 16, 7, 16).mean(axis=(3, 5)).reshape(4, -1)
    np.testing.assert_allclose(embedder.embed(images), unit(pooled.astype(np.float64)), atol=1e-5)


def test_a_network_that_says_any_and_takes_one(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    made = [
        helper.make_node("GlobalAveragePool", ["x"], ["p"]),
        helper.make_node("Constant", [], ["shape"], value_ints=[1, -1]),
        helper.make_node("Reshape", ["p", "shape"], ["y"]),
    ]
    path = tmp_path / "one.onnx"
    path.write_bytes(nodes(PLAIN, [PICTURE], made, [value("y", 1, 3)]))
    images = pictures(3)
    wanted = unit(PLAIN.normalise(images).mean(axis=(2, 3)).astype(np.float64))
    np.testing.assert_allclose(load_embedder(path).embed(images), wanted, atol=1e-4)
    assert capfd.readouterr() == ("", "")


def test_half_precision(tmp_path: Path) -> None:
    images = pictures(3)
    got = load_embedder(save(tmp_path, half=True)).embed(images)
    np.testing.assert_allclose(got, unit(by_hand(PLAIN.normalise(images))), atol=1e-2)


def test_the_fingerprint_names_bytes_and_contract(tmp_path: Path) -> None:
    for name in "abcd":
        (tmp_path / name).mkdir()
    inside, beside = save(tmp_path / "a"), save(tmp_path / "b", inside=False)
    again = save(tmp_path / "c", inside=False)
    bgr = PLAIN.model_copy(update={"colour": "bgr"})
    other = save(tmp_path / "d", bgr, inside=False)
    prints = [load_embedder(path).fingerprint for path in (inside, beside, again, other)]
    assert prints[1] == prints[2]
    assert len({prints[0], prints[1], prints[3]}) == 3
    embedder = load_embedder(beside)
    assert isinstance(embedder, TakesContracts)
    assert embedder.with_contract(bgr).fingerprint == prints[3]
    images = pictures(2)
    np.testing.assert_array_equal(embedder.with_contract(bgr).embed(images), load_embedder(other).embed(images))
    with pytest.raises(ConfigurationError, match="112x96"):
        embedder.with_contract(PLAIN.model_copy(update={"size": "112x96"}))


def test_a_vector_without_direction_is_nan(tmp_path: Path) -> None:
    """Pixels equal to the mean are all zeros, and so is their maximum; the logarithm of less than zero is NaN."""
    made = [
        helper.make_node("GlobalMaxPool", ["x"], ["p"]),
        helper.make_node("Flatten", ["p"], ["y"]),
    ]
    path = tmp_path / "pool.onnx"
    contract = InputContract(mean=7.0, std=1.0, flip_fusion="none")
    path.write_bytes(nodes(contract, [PICTURE], made, [value("y", "n", 3)]))
    images = pictures(2)
    images[0] = 7
    units, norms = load_embedder(path).embed_with_norms(images)  # type: ignore[attr-defined]
    assert np.isnan(units[0]).all()
    assert norms[0] == 0.0
    assert np.linalg.norm(units[1]) == pytest.approx(1.0)
    made[:1] = [helper.make_node("GlobalAveragePool", ["x"], ["a"]), helper.make_node("Log", ["a"], ["p"])]
    path.write_bytes(nodes(contract, [PICTURE], made, [value("y", "n", 3)]))
    images[0] = 0
    units, norms = load_embedder(path).embed_with_norms(images)  # type: ignore[attr-defined]
    assert np.isnan(units[0]).all()
    assert np.isnan(norms[0])
    assert np.linalg.norm(units[1]) == pytest.approx(1.0)


def test_contract_and_network_must_be_of_one_size(tmp_path: Path) -> None:
    path = save(tmp_path, None)
    path.with_suffix(".json").write_text(PLAIN.model_copy(update={"size": "112x96"}).model_dump_json())
    with pytest.raises(ModelError, match=r"\(any, 3, 112, 112\).*\(N, 3, 112, 96\)"):
        load_embedder(path)


IDENTITY = helper.make_node("Flatten", ["x"], ["y"])
OUTPUT = value("y", "n", "d")


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (nodes(PLAIN, [value("x", "n", 112, 112, 3)], [IDENTITY], [OUTPUT]), "colours last"),
        (nodes(PLAIN, [value("x", "n", 3, 160, 160)], [IDENTITY], [OUTPUT]), r"\(any, 3, 160, 160\)"),
        (nodes(PLAIN, [value("x", 8, 3, 112, 112)], [IDENTITY], [OUTPUT]), r"\(8, 3, 112, 112\).*1 or any"),
        (nodes(PLAIN, [value("x", "n", 37632)], [IDENTITY], [OUTPUT]), r"\(any, 37632\)"),
        (
            nodes(
                PLAIN,
                [value("x", "n", 3, 112, 112, kind=TensorProto.UINT8)],
                [IDENTITY],
                [value("y", "n", "d", kind=TensorProto.UINT8)],
            ),
            "float32 or float16",
        ),
        (
            nodes(
                PLAIN,
                [PICTURE, value("z", 1)],
                [IDENTITY, helper.make_node("Identity", ["z"], ["w"])],
                [OUTPUT, value("w", 1)],
            ),
            r"2 inputs and 2 outputs \(x, z, y, w\)",
        ),
        (
            nodes(PLAIN, [PICTURE], [helper.make_node("Identity", ["x"], ["y"])], [value("y", "n", 3, 112, 112)]),
            r"gives float32 \(1, 3, 112, 112\), not embeddings",
        ),
        (
            nodes(PLAIN, [PICTURE], [helper.make_node("Flatten", ["x"], ["y"], axis=2)], [OUTPUT]),
            "3 embeddings for 1",
        ),
        (
            nodes(PLAIN, [PICTURE], [helper.make_node("Flatten", ["x"], ["y"], axis=4)], [OUTPUT]),
            "37632 embeddings for 1",
        ),
        (
            nodes(PLAIN, [PICTURE], [helper.make_node("Trick", ["x"], ["y"], domain="acme")], [OUTPUT]),
            "cannot be loaded",
        ),
        (
            nodes(PLAIN, [PICTURE], [IDENTITY], [OUTPUT]).replace(b"sphereface.", b"sphereface\xff"),
            "cannot be loaded",
        ),
        (nodes(PLAIN, [PICTURE], [IDENTITY], [OUTPUT]).replace(b"\n\x01x", b"\n\x01\xff"), "cannot be loaded"),
        (b"", "is empty"),
        (b"#!/bin/sh\necho no model\n", "cannot be loaded"),
        (bytes(1000), "cannot be loaded"),
        (b"\x10\x00\x00\x00ORTM" + bytes(100), "cannot be loaded"),
    ],
)
def test_only_a_model_of_pictures_is_taken(
    tmp_path: Path, data: bytes, told: str, capfd: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(data)
    with pytest.raises(ModelError, match=told) as caught:
        load_embedder(path)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 600
    assert capfd.readouterr() == ("", "")


def test_damaged_bytes_are_told(tmp_path: Path) -> None:
    path = save(tmp_path)
    good = path.read_bytes()
    rng = np.random.default_rng(0)
    for bad in [good[:cut] for cut in range(0, len(good), len(good) // 40)] + [rng.bytes(300) for _ in range(20)]:
        path.write_bytes(bad)
        with pytest.raises(ModelError):
            load_embedder(path)


@pytest.mark.parametrize("place", ["beside", "working folder", "absolute", "outside"])
def test_no_other_file_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str) -> None:
    """Weights in other files are a way to read any file; by itself the runtime looks in the working folder."""
    weights, folder = tmp_path / "weights.bin", tmp_path / "here"
    folder.mkdir()
    path = save(folder)
    model = onnx.load(path)
    tensor = model.graph.initializer[1]
    place_of = {
        "beside": (folder / "weights.bin", "weights.bin"),
        "working folder": (tmp_path / "weights.bin", "weights.bin"),
        "absolute": (weights, str(weights)),
        "outside": (weights, os.path.relpath(weights, "/dev/null/nowhere")),
    }
    file, location = place_of[place]
    file.write_bytes(tensor.raw_data)
    monkeypatch.chdir(file.parent)
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    for key, text in {"location": location, "offset": "0", "length": str(file.stat().st_size)}.items():
        entry = tensor.external_data.add()
        entry.key, entry.value = key, text
    path.write_bytes(model.SerializeToString())
    with pytest.raises(ModelError, match="keeps weights in other files; save it again as a single file"):
        load_embedder(path)


def test_settings_and_files_that_are_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ModelError, match=r"there is no ONNX file '.*no\.onnx'"):
        load_embedder(tmp_path / "no.onnx")
    (tmp_path / "folder.onnx").mkdir()
    with pytest.raises(ModelError, match=r"model\.json is missing"):
        load_embedder(tmp_path / "folder.onnx")
    path = save(tmp_path)
    with pytest.raises(ConfigurationError, match="batch_size"):
        load_embedder(path, batch_size=0)
    with pytest.raises(ConfigurationError, match="bfloat16"):
        load_embedder(path, precision="bfloat16")
    with pytest.raises(ConfigurationError, match="cuda"):
        load_embedder(path, device="cuda")
    with pytest.raises(DataError, match="112x112"):
        load_embedder(path).embed(pictures(1, width=100))
    with monkeypatch.context() as patched:
        patched.setattr(onnxruntime, "__version__", "1.23.2")
        with pytest.raises(MissingExtraError, match=r"1\.23\.2 is too old.*sphereface\[onnx\]"):
            load_embedder(path)
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(MissingExtraError, match=r"sphereface\[onnx\]"):
        load_embedder(path)


def test_the_card_is_made_of_the_file(tmp_path: Path, make_point: Callable[..., OperatingPoint]) -> None:
    path = save(tmp_path, inside=False)
    before = path.read_bytes()
    embedder, card = load_model(path)
    assert (card.fingerprint, card.operating_points) == (embedder.fingerprint, ())
    assert (card.architecture.name, card.embedding_dimension, card.provenance.recipe) == ("onnx", D, {})
    assert card.weights_bytes == len(before)
    points = (make_point(card.fingerprint, kind="fmr"), make_point(card.fingerprint))
    replace_operating_points(path, points)
    assert read_card(path) == card.model_copy(update={"operating_points": points})
    assert path.read_bytes() == before
    with pytest.raises(ModelError, match="evaluate this model first"):
        replace_operating_points(path, [make_point("0" * 64, kind="fmr")])
    path.with_suffix(".json").write_text(PLAIN.model_copy(update={"colour": "bgr"}).model_dump_json())
    assert read_card(path).operating_points == ()  # measured for another contract


def test_neither_torch_nor_onnx_is_needed(tmp_path: Path) -> None:
    path = save(tmp_path)
    code = (
        "import sys, numpy as np\n"
        "from sphereface.embedder import load_embedder\n"
        f"load_embedder({str(path)!r}).embed(np.zeros((1, 112, 112, 3), np.uint8))\n"
        "print(sorted({'torch', 'onnx', 'cv2', 'sklearn'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert (done.stdout.strip(), done.stderr) == ("[]", "")


def test_the_verbs_take_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], make_point: Callable[..., OperatingPoint]
) -> None:
    path, book = save(tmp_path), tmp_path / "people.db"
    crops = [str(tmp_path / f"{k}.png") for k in range(2)]
    for crop, pixels in zip(crops, pictures(2), strict=True):
        Image.fromarray(pixels).save(crop)
    told = ["--model", str(path), "--pictures", "aligned"]

    def answer(*words: str) -> Any:
        app([*words, *told, "--json"], standalone_mode=False)
        return json.loads(capsys.readouterr().out)

    assert app(["verify", *crops, *told], standalone_mode=False) == 2
    said = capsys.readouterr()
    assert said.out.startswith("no decision\n")
    assert "evaluate --target-fmr RATE --store" in said.err
    card = read_card(path)
    replace_operating_points(path, [make_point(card.fingerprint, kind=kind) for kind in ("fmr", "fpir")])
    units = load_embedder(path).embed(pictures(2))
    assert answer("verify", *crops)["score"] == pytest.approx(float(units[0] @ units[1]), abs=1e-6)
    assert answer("enroll", "A", crops[0], "--gallery", str(book))["added"] == 1
    found = answer("identify", crops[0], "--gallery", str(book))["faces"][0]
    assert (found["name"], found["score"]) == ("A", pytest.approx(1.0))
