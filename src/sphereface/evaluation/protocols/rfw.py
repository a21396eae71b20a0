"""Reader of Racial Faces in the Wild: four lists of 6,000 pairs, one a group.

Reference: Wang, Deng, Hu, Tao and Huang 2019, ICCV, arXiv:1812.00194.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from sphereface.evaluation.protocol import Protocol, UnitTable
from sphereface.evaluation.protocols import assemble
from sphereface.evaluation.protocols.listed_pairs import numbered_pair, tenths, unit_pairs
from sphereface.evaluation.protocols.text_files import read_rows, within

GROUPS: Final = ("African", "Asian", "Caucasian", "Indian")


def read_rfw(files: Path) -> Protocol:
    """Read ``African/African_pairs.txt`` and its sisters: lines as LFW's, without a header.

    The list does not say where a fold ends; fold k has the k-th tenth of the genuine and of the impostor pairs.

    Raises:
        DataError: If a list is missing or a line does not fit.
    """
    table = UnitTable()
    lists = []
    for group in GROUPS:
        path = within(files, f"{group}/{group}_pairs.txt", f"txts/{group}/{group}_pairs.txt")
        pairs = [numbered_pair(path, row) for row in read_rows(path, 3, 4)]
        lists.append(unit_pairs(f"RFW {group}", tenths(pairs), table))
    return assemble("rfw", table.units(), pairs=tuple(lists))
