"""Which input contract fits a model and pictures? The one by which the model separates people best.

Half of the figures that cannot be reproduced come from red and blue exchanged, another template, faces aligned
twice or never, pixels scaled otherwise. None of these raises an error; all of them lower d'. So what a picture is
taken for, the order of colours and the scaling are changed, and d' decides.

A contract has one mean and one standard deviation for all three colours: ImageNet's three are not tried.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from sphereface.data.folders import person_folders
from sphereface.data.sanity import pixel_embedding
from sphereface.embedder.contract_search import Choices, Scaling, Trial, Variant, exceeds, judge, search
from sphereface.embedder.embedder import Embedder
from sphereface.embedder.misreadings import Crops, read_in_every_way
from sphereface.embedder.separation import Interval, Separation, separation
from sphereface.errors import ConfigurationError, NotEnoughDataError
from sphereface.faces.choices import DetectorName, PictureKind
from sphereface.faces.contract import InputContract
from sphereface.progress import SILENT, Progress

Verdict = Literal["fits", "another fits better", "nothing separates"]

LEAST_PEOPLE: Final = 10  # of fewer, leaving one out says little about people who are not here
_SCALINGS: Final = (Scaling(127.5, 128.0), Scaling(127.5, 127.5), Scaling(0.0, 255.0), Scaling(0.0, 1.0))
_BLOCK = 4  # of pixels that the pixels' own embedding averages


@runtime_checkable
class TakesContracts(Protocol):
    """An embedder whose network can be put behind another contract."""

    def with_contract(self, contract: InputContract) -> Embedder:
        """Return the same network behind another contract for pictures of the same size."""


@dataclass(frozen=True, eq=False)
class Diagnosis:
    """What was found.

    Attributes:
        people: How many took part.
        pictures: How many took part.
        undecoded: Files that gave no pixels and took no part.
        choices: What could be changed.
        tried: Every trial, the highest d' first.
        today: The model's contract and today's reading.
        best: What beats today's, or today's.
        pixels: What the pictures' own pixels reach without a model.
        redder: Share of today's crops whose middle is redder than blue, as skin is; NaN without crops.
        skipped: Why no face was looked for, in one sentence; empty if faces were.
    """

    people: int
    pictures: int
    undecoded: tuple[Path, ...]
    choices: Choices
    tried: tuple[Trial, ...]
    today: Trial
    best: Trial
    pixels: Separation
    redder: float
    skipped: str

    @property
    def verdict(self) -> Verdict:
        """Whether today's contract fits."""
        if not exceeds(self.best, self.pixels):
            return "nothing separates"
        return "fits" if self.best is self.today else "another fits better"

    def rise(self, trial: Trial) -> Interval:
        """Return by how much d' of a trial lies above today's; the intervals of all variants hold together."""
        return trial.separation.rise_over(self.today.separation, self.choices.confidence)


def diagnose(
    embedder: Embedder,
    folder: Path,
    *,
    people: int = 60,
    images: int = 4,
    seed: int = 0,
    pictures: PictureKind = "auto",
    detector: DetectorName = "yunet",
    progress: Progress = SILENT,
) -> Diagnosis:
    """Find the contract that fits a model and the pictures of a folder of folders (person / pictures).

    The people may be some that the model has learned from: contracts are compared here, models are not judged.

    Args:
        embedder: The model, with today's contract.
        folder: The data.
        people: How many are looked at; those with more pictures come first.
        images: Pictures of each, at most.
        seed: Of the sample.
        pictures: What a picture is taken for today.
        detector: Who finds faces.
        progress: Who listens.

    Raises:
        DataError: If this is no folder of folders.
        ConfigurationError: If a number is too small.
        NotEnoughDataError: If fewer than 10 people have two pictures that can be decoded.
        ModelError: If today's reading looks for faces and the detector's model file is missing.
        MissingExtraError: If OpenCV is not installed, or the detector that today's reading needs.
    """
    paths, labels = _sample(folder, people, images, seed)
    read = read_in_every_way(paths, embedder.contract.size, pictures, detector, progress=progress)
    kept = read.decoded & (np.bincount(labels, weights=read.decoded)[labels] > 1)
    names, labels = np.unique(labels[kept], return_inverse=True)
    _insist_on_people(len(names), folder)
    crops = {way: each.of(kept) for way, each in read.crops.items()}
    usual = next(iter(crops.values()))
    choices = Choices(tuple(crops), *_contract_choices(embedder))
    pixels = separation(_of_pixels(usual), labels)

    def measure(variant: Variant) -> Trial:
        return judge(variant, _embed(embedder, crops[variant.reading], variant), labels)

    tried, best = search(choices, measure, pixels, progress=progress)
    return Diagnosis(
        people=len(names),
        pictures=len(labels),
        undecoded=tuple(path for path, decoded in zip(paths, read.decoded, strict=True) if not decoded),
        choices=choices,
        tried=tuple(sorted(tried, key=lambda trial: -trial.separation.value)),
        today=tried[0],
        best=best,
        pixels=pixels,
        redder=_redder(usual),
        skipped=read.skipped,
    )


def _sample(folder: Path, people: int, images: int, seed: int) -> tuple[list[Path], NDArray[np.int64]]:
    """Draw people with two pictures or more, and some of the pictures of each."""
    if people < LEAST_PEOPLE or images < 2:
        raise ConfigurationError(
            f"contracts are compared on {LEAST_PEOPLE} people or more with 2 pictures or more, "
            f"not on {people} with {images}"
        )
    several = [files for files in person_folders(folder).values() if len(files) > 1]
    _insist_on_people(len(several), folder)
    generator = np.random.default_rng(seed)
    drawn = [several[index] for index in generator.permutation(len(several))]
    drawn = sorted(drawn, key=lambda files: -min(len(files), images))[:people]
    chosen = [[files[index] for index in generator.permutation(len(files))[:images]] for files in drawn]
    labels = np.repeat(np.arange(len(chosen)), [len(files) for files in chosen])
    return [path for files in chosen for path in files], labels


def _insist_on_people(count: int, folder: Path) -> None:
    if count < LEAST_PEOPLE:
        raise NotEnoughDataError(
            f"only {count} people in '{folder}' have two pictures that can be decoded, too few to compare "
            f"contracts; bring {LEAST_PEOPLE} or more"
        )


def _contract_choices(
    embedder: Embedder,
) -> tuple[tuple[Literal["rgb", "bgr"], ...], tuple[Scaling | None, ...]]:
    """Return the orders of colours and the scalings that can be tried, the contract's own first."""
    contract = embedder.contract
    own = Scaling(contract.mean, contract.std)
    scalings = (own, *(scaling for scaling in _SCALINGS if scaling != own))
    return (
        ("rgb", "bgr") if contract.colour == "rgb" else ("bgr", "rgb"),
        scalings if isinstance(embedder, TakesContracts) else (None,),
    )


def _embed(embedder: Embedder, crops: Crops, variant: Variant) -> NDArray[np.float32]:
    """Embed (N, d) crops as a variant has it; NaN where there is no crop, or no direction."""
    contract, pixels = embedder.contract, crops.pixels[crops.ok]
    if variant.colour != contract.colour:
        pixels = np.ascontiguousarray(pixels[..., ::-1])  # does to any model what another contract does to ours
    if variant.scaling is not None and isinstance(embedder, TakesContracts):
        embedder = embedder.with_contract(contract.model_copy(update=variant.scaling._asdict()))
    embeddings = np.full((len(crops.ok), embedder.dimension), np.nan, dtype=np.float32)
    if len(pixels):
        embeddings[crops.ok] = embedder.embed(pixels)
    return embeddings


def _of_pixels(crops: Crops) -> NDArray[np.float32]:
    height, width = (side // _BLOCK * _BLOCK for side in crops.pixels.shape[1:3])
    return np.where(crops.ok[:, None], pixel_embedding(crops.pixels[:, :height, :width]), np.float32(np.nan))


def _redder(crops: Crops) -> float:
    """Return in which share of the crops the middle, which is skin, has more red than blue."""
    if not crops.ok.any():
        return float("nan")
    height, width = crops.pixels.shape[1:3]
    middle = crops.pixels[crops.ok, height // 3 : -height // 3, width // 3 : -width // 3]
    red, _, blue = middle.mean(axis=(1, 2), dtype=np.float64).T
    return float(np.mean(red > blue))
