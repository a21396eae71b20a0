"""The embedder that runs a checkpoint with PyTorch: the only file of this room that imports torch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, get_args

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from sphereface.backbones import build_backbone
from sphereface.checkpoint import ModelCard
from sphereface.device import choose_device
from sphereface.embedder.known_answer import agree, answer_of, summary_of
from sphereface.errors import ConfigurationError, ModelError
from sphereface.faces.contract import FlipFusion, InputContract

Precision = Literal["float32", "bfloat16"]


class TorchEmbedder:
    """A frozen network and its input contract; nothing in it changes after construction.

    Calls from several threads are safe. What a picture embeds to does not depend on the pictures beside it,
    beyond the last bits of float arithmetic.

    Args:
        network: (N, 3, H, W) to raw embeddings (N, d); switched to evaluation mode here.
        card: Its card.
        precision: Arithmetic inside the network. Fusion and normalisation are always float32.
        batch_size: Pictures that go through the network at once.
        device: ``auto`` (a CUDA device if there is one), ``cpu``, ``cuda``, ``cuda:1``...
    """

    def __init__(
        self,
        network: nn.Module,
        card: ModelCard,
        *,
        precision: Precision = "float32",
        batch_size: int = 64,
        device: str = "auto",
    ) -> None:
        if precision not in get_args(Precision):
            raise ConfigurationError(f"precision must be float32 or bfloat16, not '{precision}'")
        if batch_size < 1:
            raise ConfigurationError(f"batch_size must be 1 or more, not {batch_size}")
        self._device = choose_device(device)
        frozen = network.requires_grad_(False).eval()
        self._network = frozen.to(self._device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._precision = precision
        self._batch_size = batch_size
        self._card = card
        self._contract = card.input_contract
        self._fingerprint = card.fingerprint
        both = card.input_contract.flip_fusion == "concatenate"
        self._dimension = card.embedding_dimension * (2 if both else 1)

    @property
    def contract(self) -> InputContract:
        """What the network expects of a picture."""
        return self._contract

    @property
    def fingerprint(self) -> str:
        """The model card's fingerprint."""
        return self._fingerprint

    @property
    def dimension(self) -> int:
        """Width d of the embedding after flip fusion."""
        return self._dimension

    def with_contract(self, contract: InputContract) -> TorchEmbedder:
        """Return the same network, weights shared, behind another contract; its fingerprint is another.

        Raises:
            ConfigurationError: If the contract is for pictures of another size.
        """
        if contract.size != self._contract.size:
            raise ConfigurationError(
                f"this network takes {self._contract.size} pictures, so its contract cannot say {contract.size}"
            )
        return TorchEmbedder(
            self._network,
            self._card.model_copy(update={"input_contract": contract}),
            precision=self._precision,
            batch_size=self._batch_size,
            device=str(self._device),
        )

    def embed(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Map aligned crops (N, H, W, 3), uint8 RGB, to unit vectors (N, d); NaN rows have no direction.

        Raises:
            DataError: If the pictures are not of the contract's size.
        """
        return self.embed_with_norms(images)[0]

    def embed_with_norms(self, images: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return unit vectors (N, d) and the lengths (N,) of the fused vectors before normalisation.

        Raises:
            DataError: If the pictures are not of the contract's size.
        """
        images = self._contract.crop(images)  # a view; here, so that an error names the whole batch
        units = np.empty((len(images), self._dimension), dtype=np.float32)
        norms = np.empty(len(images), dtype=np.float32)
        for start in range(0, len(images), self._batch_size):
            part = slice(start, start + self._batch_size)
            units[part], norms[part] = self._embed_batch(images[part])
        return units, norms

    def _embed_batch(self, images: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        with torch.inference_mode():
            batch = torch.from_numpy(self._contract.normalise(images)).to(self._device)
            fused = self._fuse(batch.contiguous(memory_format=torch.channels_last))
            # Double for the sum of squares: the length of a vector of very large numbers is still finite.
            norms = torch.linalg.vector_norm(fused, dim=1, dtype=torch.float64)
            units = torch.where(
                (norms > 0).unsqueeze(1) & torch.isfinite(norms).unsqueeze(1),
                fused / norms.unsqueeze(1),
                torch.nan,
            )
        return units.to("cpu", torch.float32).numpy(), norms.to("cpu", torch.float32).numpy()

    def _fuse(self, batch: Tensor) -> Tensor:
        """Join the embeddings of (N, 3, H, W) and its mirror image as the contract says."""
        fusion: FlipFusion = self._contract.flip_fusion
        straight = self._forward(batch)
        if fusion == "none":
            return straight
        mirrored = self._forward(batch.flip(3))
        return straight + mirrored if fusion == "sum" else torch.cat([straight, mirrored], dim=1)

    def _forward(self, batch: Tensor) -> Tensor:
        with torch.autocast(self._device.type, dtype=torch.bfloat16, enabled=self._precision == "bfloat16"):
            raw: Tensor = self._network(batch)
        return raw.to(torch.float32)


def build_network(card: ModelCard, tensors: dict[str, NDArray[Any]]) -> nn.Module:
    """Build the card's architecture and fill it with ``tensors``, which must fit name by name.

    The network is first laid out on torch's meta device: nothing is allocated, and no random number is
    drawn, for an architecture whose weights turn out not to fit.

    Raises:
        ModelError: Naming the architecture and the first wrong tensor.
    """
    name, settings = card.architecture.name, card.architecture.settings
    try:
        with torch.device("meta"):
            network = build_backbone(name, **settings)
    except (ConfigurationError, TypeError, ValueError, RuntimeError) as error:
        raise ModelError(f"the model card's architecture cannot be built: {error}") from error
    if reason := misfit(network, tensors):
        raise ModelError(f"these weights are not of a '{name}' as its card describes: {reason}")
    filled = {
        key: torch.from_numpy(np.array(tensors[key])).to(place.dtype)
        for key, place in network.state_dict().items()
    }
    network.load_state_dict(filled, strict=True, assign=True)
    _check_output(card, network)
    return network


def misfit(network: nn.Module, tensors: Mapping[str, NDArray[Any]]) -> str | None:
    """Return the first reason why ``tensors`` are not the weights of a network; None if they may be."""
    wanted = network.state_dict()
    for key, tensor in wanted.items():
        if key not in tensors:
            return f"'{key}' is missing"
        if tuple(tensor.shape) != tensors[key].shape:
            return f"'{key}' should have shape {tuple(tensor.shape)}, not {tensors[key].shape}"
        if tensors[key].dtype.kind not in ("f" if tensor.is_floating_point() else "iub"):
            return f"'{key}' is {tensors[key].dtype}"
    unknown = next((key for key in tensors if key not in wanted), None)
    return None if unknown is None else f"'{unknown}' is unknown"


def _check_output(card: ModelCard, network: nn.Module) -> None:
    """Send one picture through: a card that lies about sizes, and changed code, are caught here and not in use."""
    contract = card.input_contract
    try:
        answer = answer_of(network, contract.height, contract.width)
    except (ConfigurationError, RuntimeError) as error:
        raise ModelError(
            f"architecture '{card.architecture.name}' does not take the {contract.size} pictures "
            f"its input contract promises: {error}"
        ) from error
    if tuple(answer.shape) != (1, card.embedding_dimension):
        raise ModelError(
            f"architecture '{card.architecture.name}' gives {answer.shape[-1]} numbers a picture, "
            f"but its card says {card.embedding_dimension}"
        )
    if card.known_answer and not agree(card.known_answer, summary_of(answer)):
        raise ModelError(
            f"the weights fit '{card.architecture.name}', but it does not give with them what it gave when this "
            "model was saved: the code of the network has changed since; use the code that trained it"
        )
