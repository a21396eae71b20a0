"""Readers of IJB-B and IJB-C: templates of pictures and video frames, 1:1 and against two galleries.

The lists are those of the folder ``meta`` that InsightFace gives out with its crops, made from NIST's own.

Reference: Whitelam et al. 2017, CVPR workshops (IJB-B); Maze et al. 2018, ICB (IJB-C).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from sphereface.errors import DataError
from sphereface.evaluation.protocol import Members, Positions, Protocol, UnitPairs, Units, UnitSearch, positions
from sphereface.evaluation.protocols import PROTOCOLS, assemble
from sphereface.evaluation.protocols.number_table import read_numbers
from sphereface.evaluation.protocols.text_files import read_rows, whole, within, wrong


def read_ijbb(files: Path) -> Protocol:
    """Read IJB-B: ``ijbb_face_tid_mid.txt``, ``ijbb_template_pair_label.txt`` and the three ``ijbb_1N_*.csv``.

    Raises:
        DataError: If a list is missing or wrong, or they contradict each other.
    """
    return _protocol("ijbb", files, ("S1", "S2"))


def read_ijbc(files: Path) -> Protocol:
    """Read IJB-C: the lists of :func:`read_ijbb` with ``ijbc`` in their names, and galleries G1 and G2.

    Raises:
        DataError: If a list is missing or wrong, or they contradict each other.
    """
    return _protocol("ijbc", files, ("G1", "G2"))


def _protocol(name: str, files: Path, galleries: tuple[str, str]) -> Protocol:
    if not files.is_dir():
        raise DataError(f"'{files}' is not a folder; name the folder with {name}_face_tid_mid.txt in it")
    meta = within(files, f"{name}_face_tid_mid.txt", f"meta/{name}_face_tid_mid.txt").parent
    # Every list is looked for before the long ones are read.
    enrolled = {gallery: within(meta, f"{name}_1N_gallery_{gallery}.csv") for gallery in galleries}
    mixed = within(meta, f"{name}_1N_probe_mixed.csv")
    labels = within(meta, f"{name}_template_pair_label.txt")

    images, owner, media = _members(meta / f"{name}_face_tid_mid.txt")
    templates, unit = np.unique(owner, return_inverse=True)
    people = np.full(len(templates), -1, dtype=np.int64)
    searched = {gallery: _templates(path, templates, people) for gallery, path in enrolled.items()}
    probes = _templates(mixed, templates, people)
    for gallery, at in searched.items():
        if (both := np.intersect1d(at, probes)).size:
            raise DataError(f"template {templates[both[0]]} is enrolled in {gallery} and searches it ('{mixed}')")
    if (nobody := np.flatnonzero(people < 0)).size:
        raise DataError(
            f"template {templates[nobody[0]]} has pictures, but no gallery or probe list says whose they are; "
            f"the lists in '{meta}' do not belong together"
        )
    title = PROTOCOLS[name].title
    return assemble(
        name,
        Units(
            tuple(f"template {number}" for number in templates.tolist()),
            tuple(map(str, people.tolist())),
            Members(images, unit.astype(np.int64), media),
        ),
        pairs=(_pairs(labels, f"{title} 1:1", templates, people),),
        searches=tuple(UnitSearch(f"{title} gallery {gallery}", at, probes) for gallery, at in searched.items()),
        fmr_targets=(1e-2, 1e-3, 1e-4, 1e-5, 1e-6),
    )


def _members(path: Path) -> tuple[tuple[str, ...], Positions, tuple[str, ...]]:
    """Return the pictures, the number of the template and the medium of each."""
    images: list[str] = []
    owner: list[int] = []
    media: list[str] = []
    for number, (image, template, medium) in read_rows(path, 3):
        images.append(image)
        owner.append(whole(path, number, template))
        media.append(medium)
    return tuple(images), positions(owner), tuple(media)


def _templates(path: Path, templates: Positions, people: Positions) -> Positions:
    """Return where a gallery's or probe list's templates are, and note whose they are."""
    index = {number: at for at, number in enumerate(templates.tolist())}
    found: dict[int, None] = {}
    for number, words in read_rows(path, separator=",", header=True):
        if len(words) < 2:
            raise wrong(path, number, "has 1 column; TEMPLATE_ID,SUBJECT_ID must come first")
        template, person = (whole(path, number, word) for word in words[:2])
        at = index.get(template)
        if at is None:
            raise wrong(path, number, f"names template {template}, which has no pictures")
        if people[at] not in (-1, person):
            raise wrong(
                path, number, f"says template {template} is of subject {person}, but it is of {people[at]}"
            )
        people[at] = person
        found[at] = None
    if not found:
        raise DataError(f"'{path}' names no template")
    return positions(list(found))


def _pairs(path: Path, title: str, templates: Positions, people: Positions) -> UnitPairs:
    first, second, same = [], [], []
    line = 0
    for block in read_numbers(path, 3):
        ends = np.minimum(np.searchsorted(templates, block[:, :2]), len(templates) - 1)
        labels = block[:, 2]
        faults = (
            ((templates[ends] != block[:, :2]).any(axis=1), "names a template without pictures"),
            ((labels != 0) & (labels != 1), "has a label other than 1 (one person) or 0 (two people)"),
            (
                (people[ends[:, 0]] == people[ends[:, 1]]) != (labels == 1),
                "has a label that its subjects contradict",
            ),
        )
        for at, fault in faults:
            if at.any():
                row = int(at.argmax())
                raise wrong(path, line + row + 1, f"{fault}: '{' '.join(map(str, block[row].tolist()))}'")
        first.append(ends[:, 0])
        second.append(ends[:, 1])
        same.append(labels == 1)
        line += len(block)
    return UnitPairs(title, np.concatenate(first), np.concatenate(second), np.concatenate(same), folded=False)
