"""A finished run read again: whom it learned from, and its prototypes, which live in its checkpoints alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from safetensors import SafetensorError, safe_open
from torch import Tensor

from sphereface.checkpoint import ModelCard, load_card, load_tensors
from sphereface.data.manifest import Manifest, read_manifest
from sphereface.embedder.embedder import Face, embed_files
from sphereface.embedder.torch_embedder import TorchEmbedder, build_network
from sphereface.errors import DataError, ModelError, reason_of
from sphereface.heads.table import HEADS
from sphereface.participants import learners_of
from sphereface.progress import SILENT, Progress
from sphereface.training.recipe import Recipe, parse_recipe
from sphereface.training.snapshot import snapshots_in

_PROTOTYPES = "head.prototypes"


@dataclass(frozen=True, eq=False)
class FinishedRun:
    """A run whose loss has several centres a person.

    Attributes:
        folder: The run folder.
        card: Of its model.
        loss: Name of the loss.
        prototypes: As training left them, (C, K, d).
        learners: Whom it learned from: class i is person i.
    """

    folder: Path
    card: ModelCard
    loss: str
    prototypes: Tensor
    learners: Manifest


def read_finished_run(folder: Path, data: Sequence[Path] = (), progress: Progress = SILENT) -> FinishedRun:
    """Read a run with sub-centres and the pictures it learned from, which must be the same to the byte.

    Args:
        folder: The run folder.
        data: Where its training folders are now; none if they are where they were.
        progress: Who listens.

    Raises:
        ModelError: If the folder holds no finished run, none with sub-centres, or no checkpoint of it.
        DataError: If the pictures are gone or others.
    """
    card = load_card(folder)
    if not card.provenance.recipe:
        raise ModelError(f"'{folder}' does not say what it was trained on, so nobody can look at its pictures")
    recipe = parse_recipe(card.provenance.recipe)
    row = HEADS.get(recipe.head.name)
    centres = recipe.head.settings.get("centres", None if row is None else row.centres)
    if centres is None or centres < 2:
        raise ModelError(
            f"'{folder}' was trained with '{recipe.head.name}' and one centre a person, but outliers are told by "
            "several: train with head.name = 'subcenter-arcface'"
        )
    prototypes = _read_prototypes(folder, card.provenance.steps)
    learners = _read_learners(recipe, card.provenance.data_hash, data, progress)
    return FinishedRun(folder, card, recipe.head.name, prototypes, learners)


def embed_as_trained(run: FinishedRun, progress: Progress = SILENT) -> list[Face]:
    """Embed every picture the run learned from, straight: prototypes know nothing of fused mirror images."""
    contract = run.card.input_contract.model_copy(update={"flip_fusion": "none"})
    network = build_network(run.card, load_tensors(run.folder, run.card))
    embedder = TorchEmbedder(network, run.card.model_copy(update={"input_contract": contract}))
    return embed_files(embedder, run.learners.paths, progress=progress)


def _read_prototypes(folder: Path, steps: int) -> Tensor:
    """Return the prototypes of the newest checkpoint, which must be of the step at which the model was saved."""
    checkpoints = snapshots_in(folder / "checkpoints")
    if not checkpoints:
        raise ModelError(
            f"no checkpoint is left in '{folder / 'checkpoints'}', and the prototypes are nowhere else; "
            "train again and keep that folder"
        )
    newest = checkpoints[-1]
    try:
        with safe_open(newest, framework="pt") as file:
            step = (file.metadata() or {}).get("step")
            prototypes: Tensor | None = file.get_tensor(_PROTOTYPES) if _PROTOTYPES in file.keys() else None  # noqa: SIM118
    except OSError as error:
        raise ModelError(f"the checkpoint '{newest}' cannot be read: {reason_of(error)}") from None
    except SafetensorError as error:
        raise ModelError(f"the checkpoint '{newest}' is damaged ({error}); restore it, or train again") from None
    if prototypes is None:
        raise ModelError(f"the checkpoint '{newest}' holds no prototypes; restore it, or train again")
    if step != str(steps):
        raise ModelError(
            f"the newest checkpoint, '{newest}', is of step {step}, but the model of step {steps}: they are not "
            "of one run; train again"
        )
    return prototypes


def _read_learners(recipe: Recipe, data_hash: str, data: Sequence[Path], progress: Progress) -> Manifest:
    folders = tuple(data) or recipe.data.train
    gone = [path for path in folders if not path.exists()]
    if gone and not data:
        raise DataError(
            f"the pictures this run learned from are no longer at '{gone[0]}'; say with --data where they are"
        )
    learners, _ = learners_of(recipe.data, read_manifest(*folders, progress=progress))
    if learners.data_hash != data_hash:
        raise DataError(
            f"'{folders[0]}' does not hold what this run learned from: names or pictures have changed since; "
            "restore them, name another folder with --data, or train again"
        )
    return learners
