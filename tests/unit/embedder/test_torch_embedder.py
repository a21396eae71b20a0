"""The torch embedder does what the contract says, and refuses weights that do not fit."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

torch = pytest.importorskip("torch", reason="torch is not installed")

from sphereface.backbones import build_backbone  # noqa: E402
from sphereface.checkpoint import Architecture, ModelCard, load_card, load_tensors, save_model  # noqa: E402
from sphereface.embedder import TellsNorms, load_embedder  # noqa: E402
from sphereface.embedder.torch_embedder import TorchEmbedder  # noqa: E402
from sphereface.errors import ConfigurationError, DataError, ModelError  # noqa: E402
from sphereface.faces.contract import InputContract  # noqa: E402

D = 32
HUGE = {"embedding_dim": 10**9, "size": "112x112", "batch_norm": True}  # 100 TB, were it ever allocated


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def pictures(count: int, width: int = 112) -> NDArray[np.uint8]:
    return np.random.default_rng(0).integers(0, 256, (count, 112, width, 3), dtype=np.uint8)


def save(folder: Path, *, batch_norm: bool = False, **contract: Any) -> Path:
    """Save an untrained sfnet4 with weights that a seed determines."""
    wanted = InputContract(**contract)
    settings = {"embedding_dim": D, "size": wanted.size, "batch_norm": batch_norm}
    with torch.random.fork_rng():
        torch.manual_seed(1)
        network = build_backbone("sfnet4", **settings)
    tensors = {name: tensor.numpy() for name, tensor in network.state_dict().items()}
    save_model(
        folder,
        tensors,
        ModelCard(
            architecture=Architecture(name="sfnet4", settings=settings),
            embedding_dimension=D,
            parameters=sum(parameter.numel() for parameter in network.parameters()),
            input_contract=wanted,
        ),
    )
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save(tmp_path_factory.mktemp("model"), batch_norm=True)


def resave(source: Path, target: Path, change: Any = None, **card_changes: Any) -> Path:
    """Save a model again with changed tensors or card."""
    card, tensors = load_card(source), load_tensors(source)
    if change is not None:
        change(tensors)
    save_model(target, tensors, card.model_copy(update=card_changes))
    return target


def raw(folder: Path, images: NDArray[np.uint8]) -> NDArray[np.float64]:
    """What the network gives without fusion, straight from torch."""
    card = load_card(folder)
    network = build_backbone(card.architecture.name, **card.architecture.settings)
    network.load_state_dict({name: torch.from_numpy(t) for name, t in load_tensors(folder, card).items()})
    network.eval()
    with torch.no_grad():
        out = network(torch.from_numpy(card.input_contract.normalise(images)))
    return out.numpy().astype(np.float64)


def unit(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


@pytest.mark.parametrize(
    ("fusion", "size", "colour"),
    [
        ("none", "112x112", "rgb"),
        ("sum", "112x112", "bgr"),
        ("concatenate", "112x96", "rgb"),
        ("sum", "112x96", "bgr"),
    ],
)
def test_embeds_as_the_contract_says(tmp_path: Path, fusion: str, size: str, colour: str) -> None:
    save(tmp_path, size=size, flip_fusion=fusion, colour=colour)
    embedder = load_embedder(tmp_path)
    images = pictures(3)
    straight, mirrored = raw(tmp_path, images), raw(tmp_path, images[:, :, ::-1])
    fused = {
        "none": straight,
        "sum": straight + mirrored,
        "concatenate": np.concatenate([straight, mirrored], axis=1),
    }[fusion]
    got = embedder.embed(images)
    assert got.dtype == np.float32
    assert got.shape == (3, embedder.dimension) == (3, 2 * D if fusion == "concatenate" else D)
    np.testing.assert_allclose(got, unit(fused), atol=2e-6)
    assert isinstance(embedder, TellsNorms)
    np.testing.assert_allclose(embedder.embed_with_norms(images)[1], np.linalg.norm(fused, axis=1), rtol=1e-5)


def test_the_sum_does_not_know_left_from_right(folder: Path) -> None:
    embedder = load_embedder(folder)
    images = pictures(2)
    np.testing.assert_allclose(embedder.embed(images), embedder.embed(images[:, :, ::-1].copy()), atol=1e-6)


def test_carries_fingerprint_and_contract(folder: Path) -> None:
    embedder, card = load_embedder(folder), load_card(folder)
    assert embedder.fingerprint == card.fingerprint
    assert embedder.contract == card.input_contract


def test_a_picture_embeds_alike_alone_and_in_company(folder: Path) -> None:
    """Batch norm must use its running statistics; a network left in training mode fails here."""
    images = pictures(7)
    together = load_embedder(folder).embed(images)
    np.testing.assert_allclose(together, load_embedder(folder, batch_size=2).embed(images), atol=2e-6)
    alone = np.concatenate([load_embedder(folder).embed(images[i : i + 1]) for i in range(7)])
    np.testing.assert_allclose(together, alone, atol=2e-6)
    backwards = load_embedder(folder).embed(images[::-1].copy())[::-1]
    np.testing.assert_allclose(together, backwards, atol=2e-6)


def test_bfloat16_is_near_and_still_on_the_sphere(folder: Path) -> None:
    images = pictures(4)
    exact, fast = (
        load_embedder(folder).embed(images),
        load_embedder(folder, precision="bfloat16").embed(images),
    )
    assert fast.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(fast, axis=1), 1.0, atol=1e-6)
    assert (np.sum(exact * fast, axis=1) > 0.99).all()
    assert not np.array_equal(exact, fast)


def test_loading_draws_no_random_number(folder: Path) -> None:
    torch.manual_seed(0)
    expected = torch.rand(1)
    torch.manual_seed(0)
    load_embedder(folder)
    assert torch.rand(1) == expected


def test_no_pictures_no_rows(folder: Path) -> None:
    assert load_embedder(folder).embed(pictures(0)).shape == (0, D)


def test_a_zero_vector_becomes_nan_and_disturbs_nobody(tmp_path: Path, folder: Path) -> None:
    def mute(tensors: dict[str, NDArray[Any]]) -> None:
        tensors["embedding.weight"][:] = 0.0
        tensors["embedding.bias"][:] = 0.0

    units, norms = load_embedder(resave(folder, tmp_path, mute)).embed_with_norms(pictures(2))  # type: ignore[attr-defined]
    assert np.isnan(units).all()
    assert (norms == 0).all()


def test_pictures_of_another_size_are_refused(folder: Path) -> None:
    with pytest.raises(DataError, match="112x100"):
        load_embedder(folder).embed(pictures(1, width=100))


def test_one_picture_is_not_a_batch(folder: Path) -> None:
    with pytest.raises(DataError, match=r"not uint8 \(112, 112, 3\); a batch of one is picture\[None\]"):
        load_embedder(folder).embed(pictures(1)[0])


def test_settings_out_of_range(folder: Path) -> None:
    with pytest.raises(ConfigurationError, match="batch_size"):
        load_embedder(folder, batch_size=0)
    with pytest.raises(ConfigurationError, match="float32 or bfloat16"):
        load_embedder(folder, precision="int4")  # type: ignore[arg-type]
    for wrong in ("tpu", "cuda:99", "meta"):
        with pytest.raises(ConfigurationError, match=f"device = '{wrong}' cannot be used here"):
            load_embedder(folder, device=wrong)


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (lambda t: t.pop("embedding.weight"), "'sfnet4'.*'embedding.weight' is missing"),
        (lambda t: t.update(extra=np.zeros(1)), "'sfnet4'.*'extra' is unknown"),
        (
            lambda t: t.update({"embedding.bias": np.zeros(5, np.float32)}),
            r"'sfnet4'.*'embedding.bias' should have shape \(32,\), not \(5,\)",
        ),
        (
            lambda t: t.update({"embedding.bias": np.zeros(D, np.int64)}),
            "'sfnet4'.*'embedding.bias' is int64",
        ),
    ],
)
def test_weights_that_do_not_fit_name_the_first_wrong_tensor(
    tmp_path: Path, folder: Path, change: Any, match: str
) -> None:
    with pytest.raises(ModelError, match=match):
        load_embedder(resave(folder, tmp_path, change))


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"architecture": Architecture(name="sfnet10")}, "'sfnet10'"),
        ({"architecture": Architecture(name="sfnet5")}, "unknown backbone 'sfnet5'"),
        ({"architecture": Architecture(name="sfnet4", settings={"depth": 3})}, "no setting 'depth'"),
        ({"architecture": Architecture(name="sfnet4", settings={"embedding_dim": "x"})}, "cannot be built"),
        (
            {"architecture": Architecture(name="sfnet4", settings=HUGE)},
            "'embedding.weight' should have shape",
        ),
        ({"embedding_dimension": 64}, "gives 32 numbers.*says 64"),
        ({"input_contract": InputContract(size="112x96")}, "does not take the 112x96 pictures"),
    ],
)
def test_a_card_of_another_architecture(tmp_path: Path, folder: Path, changes: dict[str, Any], match: str) -> None:
    with pytest.raises(ModelError, match=match) as error:
        load_embedder(resave(folder, tmp_path, **changes))
    assert "\n" not in str(error.value)


def test_half_precision_weights_are_computed_in_float32(tmp_path: Path, folder: Path) -> None:
    def halve(tensors: dict[str, NDArray[Any]]) -> None:
        for name, tensor in tensors.items():
            if tensor.dtype == np.float32:
                tensors[name] = tensor.astype(np.float16)

    images = pictures(2)
    half = load_embedder(resave(folder, tmp_path, halve)).embed(images)
    np.testing.assert_allclose(half, load_embedder(folder).embed(images), atol=1e-2)


def test_the_network_cannot_be_trained_by_accident(folder: Path) -> None:
    embedder = load_embedder(folder)
    assert isinstance(embedder, TorchEmbedder)
    assert not embedder._network.training
    assert not any(parameter.requires_grad for parameter in embedder._network.parameters())


def run_python(code: str, *arguments: str) -> str:
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_without_torch_the_error_names_the_extra(folder: Path) -> None:
    out = run_python(
        "import sys; sys.modules['torch'] = None\n"
        "from sphereface.embedder import embed_files, load_embedder\n"
        "from sphereface.errors import MissingExtraError\n"
        "try: load_embedder(sys.argv[1])\n"
        "except MissingExtraError as error: print(error)",
        str(folder),
    )
    assert "pip install 'sphereface[train]'" in out


def test_the_room_is_entered_without_torch_or_numpy() -> None:
    code = "import sys, sphereface.embedder; print([m for m in ('torch', 'numpy') if m in sys.modules])"
    assert run_python(code).strip() == "[]"


def test_threads_get_what_one_thread_gets(folder: Path) -> None:
    from concurrent.futures import ThreadPoolExecutor

    embedder = load_embedder(folder)
    images = [pictures(2 + i % 3) for i in range(8)]
    serial = [embedder.embed(batch) for batch in images]
    with ThreadPoolExecutor(4) as pool:
        for expected, got in zip(serial, pool.map(embedder.embed, images), strict=True):
            np.testing.assert_array_equal(expected, got)
