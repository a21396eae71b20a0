"""Reader of AgeDB-30: 6,000 pairs thirty years apart, in ten folds.

Reference: Moschoglou, Papaioannou, Sagonas, Deng, Kotsia and Zafeiriou 2017, CVPR workshops.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from sphereface.errors import DataError
from sphereface.evaluation.pair_list import NamedPair
from sphereface.evaluation.protocol import Protocol, UnitTable
from sphereface.evaluation.protocols import assemble
from sphereface.evaluation.protocols.listed_pairs import unit_pairs
from sphereface.evaluation.protocols.text_files import read_mat

_CELLS = 4  # around a struct; each may be one


def read_agedb30(files: Path) -> Protocol:
    """Read ``04_FINAL_protocol_30_years.mat``: the cell ``splits``, a struct a fold.

    Its first field is a 2 x n cell of structs that begin with the picture's name, ``Person_..._30_m``; its second
    holds n labels, 1 for one person and -1 (or 0) for two.

    Raises:
        DataError: If the file cannot be read or is laid out otherwise, or names contradict a label.
    """
    (splits,) = read_mat(files, "splits")
    pairs: list[NamedPair] = []
    for fold, split in enumerate(np.atleast_1d(splits).ravel()):
        try:
            cells, labels = _record(split)[0], _record(split)[1]
            first, second = ([str(_record(cell)[0]) for cell in np.atleast_1d(row)] for row in cells)
            same = [{1: True, 0: False, -1: False}[int(label)] for label in np.atleast_1d(labels)]
        except (IndexError, KeyError, TypeError, ValueError) as error:
            raise DataError(
                f"split {fold + 1} of '{files}' is not a struct of 2 x n pictures and n labels; is it the file "
                "04_FINAL_protocol_30_years.mat?"
            ) from error
        if not len(first) == len(second) == len(same):
            raise DataError(f"split {fold + 1} of '{files}' has {len(first)} pairs but {len(same)} labels")
        pairs += [_pair(files, *ends, fold) for ends in zip(first, second, same, strict=True)]
    table = UnitTable()
    listed = unit_pairs("AgeDB-30", pairs, table)
    return assemble("agedb-30", table.units(), pairs=(listed,))


def _record(value: Any) -> Any:
    """Return a struct from the cells around it; its fields are known by their place."""
    for _ in range(_CELLS):
        record = np.asarray(value)
        if record.dtype.names is not None:
            return record.ravel()[0]
        value = record.ravel()[0]
    raise TypeError("not a struct")


def _pair(path: Path, first: str, second: str, same: bool, fold: int) -> NamedPair:
    person_a, person_b = (name.partition("_")[0] for name in (first, second))
    if same != (person_a == person_b):
        claim = "one person" if same else "two people"
        raise DataError(f"split {fold + 1} of '{path}' says '{first}' and '{second}' show {claim}")
    return NamedPair(f"{first}.jpg", f"{second}.jpg", person_a, person_b, same, fold)
