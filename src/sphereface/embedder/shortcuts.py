"""Sanity checks of a data set: how well do things that know nothing about faces tell its people apart?

If plain pixels, skin colour, the background or an untrained network do well, a low error rate of a trained one
proves little. The report prints these figures beside the trained one.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from sphereface.data.manifest import Manifest
from sphereface.data.sanity import blanked, colour_embedding, pixel_embedding
from sphereface.errors import ImageError
from sphereface.evaluation.scores import all_pairs
from sphereface.evaluation.verification import verify
from sphereface.faces.contract import InputContract
from sphereface.faces.image import read_image
from sphereface.report.content import Shortcut

_PEOPLE, _IMAGES = 150, 6
_CONTRACT = InputContract(size="112x96")


def shortcut_rates(people: Manifest, seed: int = 0) -> list[Shortcut]:
    """Measure the shortcuts on some of the people (150 at most, 6 images each); the network only where torch is.

    Args:
        people: Aligned 112x112 crops; pictures of another size are passed over.
        seed: Of the untrained network's weights.
    """
    images, names = _some(people)
    if len(set(names)) < 2 or len(names) == len(set(names)):
        return []
    ways: list[tuple[str, Callable[[], NDArray[np.float32]], str]] = [
        (
            "raw pixels",
            lambda: pixel_embedding(images),
            "cosine between the pictures' own pixels, shrunk and freed of their mean",
        ),
        (
            "colour of the face",
            lambda: colour_embedding(images),
            "mean colour of the middle of the face without its brightness: skin and white balance alone",
        ),
        (
            "background and light",
            lambda: pixel_embedding(blanked(images)),
            "pixels again, with face and hair covered by one grey shape",
        ),
    ]
    if importlib.util.find_spec("torch"):
        explanation = "an SFNet-4 with its initial random weights"
        ways.append(("untrained network", lambda: _untrained(images, seed), explanation))
    return [
        Shortcut(name, verify(all_pairs(embed(), names)).eer, explanation) for name, embed, explanation in ways
    ]


def _some(people: Manifest) -> tuple[NDArray[np.uint8], list[str]]:
    counts = people.images_per_identity()
    several = [name for name, count in zip(people.identities, counts, strict=True) if count > 1]
    if not several:
        return np.empty((0, 112, 112, 3), np.uint8), []
    chosen = people.only(several[:_PEOPLE]).at_most(_IMAGES)
    images, names = [], []
    for path, label in zip(chosen.paths, chosen.labels, strict=True):
        try:
            pixels = read_image(path)
        except ImageError:
            continue
        if pixels.shape == (112, 112, 3):
            images.append(pixels)
            names.append(chosen.identities[label])
    return (np.stack(images) if images else np.empty((0, 112, 112, 3), np.uint8)), names


def _untrained(images: NDArray[np.uint8], seed: int) -> NDArray[np.float32]:
    import torch

    from sphereface.backbones import build_backbone

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = build_backbone("sfnet4", size=_CONTRACT.size)
    with torch.inference_mode():
        parts = [network(torch.from_numpy(_CONTRACT.normalise(part))) for part in np.array_split(images, 16)]
        return torch.nn.functional.normalize(torch.cat(parts)).numpy()
