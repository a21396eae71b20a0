"""Reader of BLUFR: ten trials on all of LFW, each with a gallery of a thousand people and strangers.

Reference: Liao, Lei, Yi and Li 2014, IJCB.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from sphereface.errors import DataError
from sphereface.evaluation.protocol import Positions, Protocol, Units, UnitSearch
from sphereface.evaluation.protocols import assemble
from sphereface.evaluation.protocols.text_files import read_mat, texts


def read_blufr(files: Path) -> Protocol:
    """Read ``blufr_lfw_config.mat``; trial k is one search.

    Raises:
        DataError: If the file cannot be read, or its lists contradict each other.
    """
    images, labels, galleries, probes = read_mat(files, "imageList", "labels", "galIndex", "probIndex")
    files_of = texts(images)
    people = [name.rpartition("_")[0] for name in files_of]
    if len(np.atleast_1d(labels)) != len(files_of) or not all(people):
        raise DataError(f"'{files}' must name {len(files_of):,} pictures 'Name_0001.jpg' with a label each")
    if len(galleries) != len(probes):
        raise DataError(f"'{files}' has {len(galleries)} galleries but {len(probes)} lists of probes")
    searches = []
    for trial, (gallery, probe) in enumerate(zip(galleries, probes, strict=True), 1):
        enrolled, searching = (_positions(files, trial, found, len(files_of)) for found in (gallery, probe))
        if (both := np.intersect1d(enrolled, searching)).size:
            raise DataError(f"trial {trial} of '{files}' enrols '{files_of[both[0]]}' and searches with it")
        searches.append(UnitSearch(f"BLUFR trial {trial}", enrolled, searching))
    names = (f"{person}/{file}" for person, file in zip(people, files_of, strict=True))
    return assemble(
        "blufr",
        Units(tuple(names), tuple(people)),
        searches=tuple(searches),
        fmr_targets=(1e-3,),
        fpir_targets=(0.01,),
        note="Papers report the mean minus the standard deviation over the ten trials.",
    )


def _positions(path: Path, trial: int, values: Any, size: int) -> Positions:
    """Return MATLAB's positions, which count from 1, as ours."""
    found = np.atleast_1d(np.asarray(values)).ravel()
    if not found.size or found.dtype.kind not in "iuf" or (found < 1).any() or (found > size).any():
        raise DataError(f"trial {trial} of '{path}' must count its pictures from 1 to {size:,}")
    if len(np.unique(found)) < len(found):
        raise DataError(f"trial {trial} of '{path}' names a picture twice")
    return found.astype(np.int64) - 1
