"""Reader of TinyFace: faces of some twenty pixels searched in a gallery with many distractors.

Reference: Cheng, Zhu and Gong 2018, ACCV, arXiv:1811.08965.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from sphereface.errors import DataError
from sphereface.evaluation.protocol import NOBODY, Protocol, UnitSearch, UnitTable, positions
from sphereface.evaluation.protocols import assemble
from sphereface.evaluation.protocols.text_files import read_mat, texts, within

_DISTRACTORS = "Gallery_Distractor"
_MOST = 10_000_000


def read_tinyface(files: Path) -> Protocol:
    """Read ``gallery_match_img_ID_pairs.mat``, ``probe_img_ID_pairs.mat`` and the files in ``Gallery_Distractor``.

    Every probe's person is in the gallery, so there is no false positive to count: the figure is rank 1.

    Raises:
        DataError: If a list or the folder is missing or wrong.
    """
    if not files.is_dir():
        raise DataError(f"'{files}' is not a folder; name the folder with gallery_match_img_ID_pairs.mat in it")
    table = UnitTable()
    gallery = _listed(within(files, "gallery_match_img_ID_pairs.mat"), "gallery", "Gallery_Match", table)
    probes = _listed(within(files, "probe_img_ID_pairs.mat"), "probe", "Probe", table)
    crowd = []
    for at, path in enumerate(within(files, _DISTRACTORS).iterdir()):
        if at == _MOST:
            raise DataError(f"'{path.parent}' has more than {_MOST:,} files; is it TinyFace's?")
        crowd.append(f"{_DISTRACTORS}/{path.name}")
    if not crowd:
        raise DataError(f"there is no distractor in '{files / _DISTRACTORS}'")
    distractors = [table.position(name, f"{NOBODY}{name}") for name in sorted(crowd)]
    units = table.units()
    enrolled = {units.people[at] for at in gallery}
    absent = [at for at in probes if units.people[at] not in enrolled]
    if absent:
        raise DataError(
            f"the probe '{units.names[absent[0]]}' is of nobody in the gallery, which TinyFace excludes"
        )
    return assemble(
        "tinyface",
        units,
        searches=(
            UnitSearch(
                f"{len(enrolled):,} people and {len(crowd):,} distractors",
                positions([*gallery, *distractors]),
                positions(probes),
            ),
        ),
        note="Every probe is mated, so no false positive rate can be measured; papers report rank 1 and mean AP.",
    )


def _listed(path: Path, kind: str, folder: str, table: UnitTable) -> list[int]:
    images, people = read_mat(path, f"{kind}_set", f"{kind}_ids")
    names, ids = texts(images), np.atleast_1d(people).ravel().tolist()
    if len(names) != len(ids):
        raise DataError(f"'{path}' has {len(names):,} pictures but {len(ids):,} people")
    if len(set(names)) < len(names):
        raise DataError(f"'{path}' lists a picture twice")
    return [table.position(f"{folder}/{name}", f"{number}") for name, number in zip(names, ids, strict=True)]
