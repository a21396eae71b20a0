"""Readers of Celebrities in Frontal-Profile: 7,000 pairs in ten folds, frontal-profile and frontal-frontal.

Reference: Sengupta, Chen, Castillo, Patel, Chellappa and Jacobs 2016, WACV.
"""

from __future__ import annotations

from pathlib import Path

from sphereface.evaluation.pair_list import NamedPair
from sphereface.evaluation.protocol import Protocol, UnitTable
from sphereface.evaluation.protocols import PROTOCOLS, assemble
from sphereface.evaluation.protocols.listed_pairs import unit_pairs
from sphereface.evaluation.protocols.text_files import read_rows, whole, within, wrong

_DEPTH = 3  # 001/frontal/01.jpg


def read_fp(files: Path) -> Protocol:
    """Read the frontal-profile pairs: ``Pair_list_F.txt``, ``Pair_list_P.txt``, ``Split/FP/01..10``.

    Raises:
        DataError: If a file is missing or a line does not fit.
    """
    return _protocol("cfp-fp", files, "FP", "Pair_list_P.txt")


def read_ff(files: Path) -> Protocol:
    """Read the frontal-frontal pairs: ``Pair_list_F.txt``, ``Split/FF/01..10``.

    Raises:
        DataError: If a file is missing or a line does not fit.
    """
    return _protocol("cfp-ff", files, "FF", "Pair_list_F.txt")


def _protocol(name: str, files: Path, kind: str, second: str) -> Protocol:
    root = within(files, "Pair_list_F.txt", "Protocol/Pair_list_F.txt").parent
    left, right = _images(root / "Pair_list_F.txt"), _images(within(root, second))
    folds = sorted(path for path in within(root, f"Split/{kind}").iterdir() if path.is_dir())
    pairs = []
    for fold, folder in enumerate(folds):
        for file, same in (("same.txt", True), ("diff.txt", False)):
            pairs += _pairs(within(folder, file), left, right, same, fold)
    table = UnitTable()
    listed = unit_pairs(PROTOCOLS[name].title, pairs, table)
    return assemble(name, table.units(), pairs=(listed,))


def _images(path: Path) -> dict[int, tuple[str, str]]:
    """Return the picture and the person of every number."""
    images: dict[int, tuple[str, str]] = {}
    for number, (place, image) in read_rows(path, 2):
        parts = image.split("/")[-_DEPTH:]
        if len(parts) < _DEPTH:
            raise wrong(
                path, number, f"has '{image[:80]}' where a picture, such as '001/frontal/01.jpg', is expected"
            )
        if images.setdefault(whole(path, number, place), ("/".join(parts), parts[0])) != (
            "/".join(parts),
            parts[0],
        ):
            raise wrong(path, number, f"gives the number {place} a second time")
    return images


def _pairs(
    path: Path, left: dict[int, tuple[str, str]], right: dict[int, tuple[str, str]], same: bool, fold: int
) -> list[NamedPair]:
    pairs = []
    for number, words in read_rows(path, 2, separator=","):
        images = []
        for word, known in zip(words, (left, right), strict=True):
            if whole(path, number, word) not in known:
                raise wrong(path, number, f"names picture {word}, which the list of pictures does not have")
            images.append(known[int(word)])
        (image_a, person_a), (image_b, person_b) = images
        if same != (person_a == person_b):
            raise wrong(path, number, f"compares '{image_a}' and '{image_b}', but '{path.name}' says otherwise")
        pairs.append(NamedPair(image_a, image_b, person_a, person_b, same, fold))
    return pairs
