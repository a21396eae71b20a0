"""The embedder that runs an ONNX file: a network of any maker's on the CPU, without torch.

An ONNX file is a program of its maker's. What it can reach is bounded (no other file, no code beside the runtime's
own), but not the time and memory that it takes: run what you trust.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from sphereface.checkpoint import Architecture, ModelCard, Provenance
from sphereface.embedder.onnx_file import contract_of, read_onnx, read_points
from sphereface.errors import ConfigurationError, MissingExtraError, ModelError
from sphereface.evaluation.fusion import fuse_flips
from sphereface.faces.contract import InputContract

ARCHITECTURE: Final = "onnx"

_EXTRA = "pip install 'sphereface[onnx]'"
_OLDEST = (1, 24)  # older ones read weights from any file that a model names
_NOWHERE = "/dev/null/nowhere"  # no file can be there
_DTYPES: Final[Mapping[str, type[np.floating[Any]]]] = {"tensor(float)": np.float32, "tensor(float16)": np.float16}
_APART = 0.01  # how much a picture beside another may change, of the largest number


class Network:
    """An ONNX graph with one input (N, 3, height, width) and one output (N, d).

    Args:
        data: The ONNX file's bytes.
        title: What to call it in a message.

    Raises:
        ModelError: If it cannot be loaded, or has other inputs or outputs.
        MissingExtraError: If onnxruntime is not installed, or too old.
    """

    def __init__(self, data: bytes, title: str) -> None:
        runtime = _load_runtime()
        options = runtime.SessionOptions()
        options.log_severity_level = 4  # what goes wrong is raised, and told once
        options.add_session_config_entry("session.load_model_format", "ONNX")
        # By default, files that a model names are looked for in the working folder.
        options.add_session_config_entry("session.model_external_initializers_file_folder_path", _NOWHERE)
        self._title = title
        try:
            self._session: Any = runtime.InferenceSession(
                data, options, providers=["CPUExecutionProvider"], enable_fallback=False
            )
            inputs = [(one.name, one.type, one.shape) for one in self._session.get_inputs()]
            outputs = [one.name for one in self._session.get_outputs()]
            self._metadata = dict(self._session.get_modelmeta().custom_metadata_map)
        except Exception as error:  # the runtime has a dozen, without a base of their own
            if _NOWHERE in str(error) or "external data" in str(error).lower():
                raise ModelError(
                    f"'{title}' keeps weights in other files; save it again as a single file"
                ) from error
            raise ModelError(f"'{title}' cannot be loaded as an ONNX model: {_reason(error)}") from error
        if len(inputs) != 1 or len(outputs) != 1:
            raise ModelError(
                f"'{title}' has {len(inputs)} inputs and {len(outputs)} outputs "
                f"({', '.join([name for name, *_ in inputs] + outputs)}); export it with one picture in and its "
                "embedding out"
            )
        self._name, kind, self._shape = inputs[0]
        if kind not in _DTYPES:
            raise ModelError(f"'{title}' takes {kind}; export it with an input of float32 or float16")
        self._dtype = _DTYPES[kind]

    @property
    def metadata(self) -> Mapping[str, str]:
        """What its maker wrote into it."""
        return self._metadata

    def check_input(self, contract: InputContract) -> None:
        """Refuse a contract for pictures of another shape than the network's.

        Raises:
            ModelError: Saying both shapes.
        """
        shape = ", ".join(str(side) if isinstance(side, int) else "any" for side in self._shape)
        if len(self._shape) == 4 and self._shape[3] == 3 and self._shape[1] != 3:
            raise ModelError(
                f"'{self._title}' takes pictures with colours last ({shape}); export it with colours first, "
                f"(N, 3, {contract.height}, {contract.width})"
            )
        wanted = (1, 3, contract.height, contract.width)
        if len(self._shape) != 4 or any(
            isinstance(has, int) and has != wants for has, wants in zip(self._shape, wanted, strict=True)
        ):
            raise ModelError(
                f"'{self._title}' takes input of shape ({shape}), but its input contract promises pictures of "
                f"(N, 3, {contract.height}, {contract.width}), N being 1 or any"
            )

    def forward(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        """Map (N, 3, height, width) to raw embeddings (N, d).

        Raises:
            ModelError: If the network fails, or gives something else.
        """
        try:
            (raw,) = self._session.run(None, {self._name: batch.astype(self._dtype, copy=False)})
        except Exception as error:
            raise ModelError(f"'{self._title}' fails on a picture: {_reason(error)}") from error
        if not (isinstance(raw, np.ndarray) and raw.dtype.kind == "f" and raw.ndim == 2):
            what = f"{raw.dtype} {raw.shape}" if isinstance(raw, np.ndarray) else type(raw).__name__
            raise ModelError(f"'{self._title}' gives {what}, not embeddings (N, d)")
        if len(raw) != len(batch):
            raise ModelError(f"'{self._title}' gives {len(raw)} embeddings for {len(batch)} pictures")
        return raw.astype(np.float32, copy=False)

    def examine(self, contract: InputContract) -> tuple[int, bool]:
        """Try two made-up pictures.

        Returns:
            The width of an embedding, and whether pictures can go through together: some networks take one only,
            and some let those beside it change its embedding.

        Raises:
            ModelError: If the network does not embed even one picture.
        """
        shape = (2, contract.height, contract.width, 3)
        pictures = contract.normalise((np.arange(np.prod(shape)) % 251).astype(np.uint8).reshape(shape))
        alone = self.forward(pictures[:1])
        try:
            together = self.forward(pictures)
        except ModelError:
            return alone.shape[1], False
        same = together.shape[1] == alone.shape[1] and np.allclose(
            together[:1], alone, rtol=0.0, atol=_APART * float(np.abs(alone).max(initial=0.0))
        )
        return alone.shape[1], same


class OnnxEmbedder:
    """A network and its input contract; nothing in it changes after construction, and threads may share it.

    Args:
        network: What runs.
        card: Of the model.
        batch_size: Pictures that go through the network at once.

    Raises:
        ConfigurationError: If the batch size is below 1.
    """

    def __init__(self, network: Network, card: ModelCard, *, batch_size: int = 64) -> None:
        if batch_size < 1:
            raise ConfigurationError(f"batch_size must be 1 or more, not {batch_size}")
        self._network = network
        self._card = card
        self._batch_size = batch_size

    @property
    def contract(self) -> InputContract:
        """What the network expects of a picture."""
        return self._card.input_contract

    @property
    def fingerprint(self) -> str:
        """Names the file's bytes and the contract."""
        return self._card.fingerprint

    @property
    def dimension(self) -> int:
        """Width d of the embedding after flip fusion."""
        return self._card.embedding_dimension * (2 if self.contract.flip_fusion == "concatenate" else 1)

    def with_contract(self, contract: InputContract) -> OnnxEmbedder:
        """Return the same network behind another contract; its fingerprint is another.

        Raises:
            ConfigurationError: If the contract is for pictures of another size.
        """
        if contract.size != self.contract.size:
            raise ConfigurationError(
                f"this network takes {self.contract.size} pictures, so its contract cannot say {contract.size}"
            )
        card = self._card.model_copy(update={"input_contract": contract})
        return OnnxEmbedder(self._network, card, batch_size=self._batch_size)

    def embed(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Map aligned crops (N, H, W, 3), uint8 RGB, to unit vectors (N, d); NaN rows have no direction.

        Raises:
            DataError: If the pictures are not of the contract's size.
            ModelError: If the network fails.
        """
        return self.embed_with_norms(images)[0]

    def embed_with_norms(self, images: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return unit vectors (N, d) and the lengths (N,) of the fused vectors before normalisation.

        Raises:
            DataError: If the pictures are not of the contract's size.
            ModelError: If the network fails.
        """
        images = self.contract.crop(images)  # a view; here, so that an error names the whole batch
        raw = np.empty((len(images), self.dimension), dtype=np.float32)
        for start in range(0, len(images), self._batch_size):
            part = slice(start, start + self._batch_size)
            raw[part] = self._fuse(self.contract.normalise(images[part]))
        norms = np.linalg.norm(raw.astype(np.float64), axis=1)
        with np.errstate(divide="ignore", invalid="ignore"):
            units = np.where(np.isfinite(norms[:, None]) & (norms[:, None] > 0), raw / norms[:, None], np.nan)
        return units.astype(np.float32), norms.astype(np.float32)

    def _fuse(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        """Join the embeddings of (N, 3, H, W) and its mirror image as the contract says."""
        straight = self._network.forward(batch)
        if self.contract.flip_fusion == "none":
            return straight
        mirrored = self._network.forward(np.ascontiguousarray(batch[..., ::-1]))
        return fuse_flips(straight, mirrored, self.contract.flip_fusion)


def load_onnx(path: Path, *, batch_size: int = 64) -> tuple[OnnxEmbedder, ModelCard]:
    """Load an ONNX file; its card is made here, with the operating points that lie beside it.

    A network that takes one picture at a time, or embeds it otherwise beside others, gets them one by one.

    Raises:
        ModelError: If the file is missing, damaged or of another kind of model, or its input contract is.
        MissingExtraError: If onnxruntime is not installed, or too old.
    """
    data = read_onnx(path)
    network = Network(data, str(path))
    contract = contract_of(path, network.metadata)
    network.check_input(contract)
    width, together = network.examine(contract)
    if not 2 <= width <= 65536:
        raise ModelError(f"'{path}' gives {width:,} numbers a picture, which is no embedding")
    card = ModelCard(
        architecture=Architecture(name=ARCHITECTURE),
        embedding_dimension=width,
        parameters=0,  # nobody has counted the trained numbers of a graph
        input_contract=contract,
        provenance=Provenance(licence="as the file's maker says"),
        weights_sha256=hashlib.sha256(data).hexdigest(),
        weights_bytes=len(data),
    )
    card = card.model_copy(update={"operating_points": read_points(path, card.fingerprint)})
    return OnnxEmbedder(network, card, batch_size=batch_size if together else min(batch_size, 1)), card


def _load_runtime() -> Any:
    try:
        import onnxruntime
    except ImportError as missing:
        raise MissingExtraError(f"an ONNX file needs onnxruntime: {_EXTRA}") from missing
    if tuple(map(int, onnxruntime.__version__.split(".")[:2])) < _OLDEST:
        oldest = ".".join(map(str, _OLDEST))
        raise MissingExtraError(
            f"onnxruntime {onnxruntime.__version__} is too old, {oldest} is the oldest that is safe here: {_EXTRA}"
        )
    return onnxruntime


def _reason(error: Exception) -> str:
    """Return the middle of a sentence from what the runtime says: ``[ONNXRuntimeError] : 2 : FAIL : why...``."""
    said = (str(error) or type(error).__name__).partition("\n")[0]
    return said.split(" : ", 3)[-1].strip()[:200].rstrip(". ")
