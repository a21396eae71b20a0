"""Readers of CALFW (cross-age) and CPLFW (cross-pose): 6,000 pairs each of pictures of LFW's people.

Reference: Zheng, Deng and Hu 2017, arXiv:1708.08197; Zheng and Deng 2018, technical report 18-01, Beijing
University of Posts and Telecommunications.
"""

from __future__ import annotations

from pathlib import Path

from sphereface.errors import DataError
from sphereface.evaluation.pair_list import NamedPair
from sphereface.evaluation.protocol import Protocol, UnitTable
from sphereface.evaluation.protocols import PROTOCOLS, assemble
from sphereface.evaluation.protocols.listed_pairs import tenths, unit_pairs
from sphereface.evaluation.protocols.text_files import read_rows, whole, wrong


def read_calfw(files: Path) -> Protocol:
    """Read ``pairs_CALFW.txt``.

    Two lines are a pair, each ``Name_0001.jpg label``; the label is 0 for two people. Folds are the usual ones:
    the k-th tenth of the genuine and the k-th tenth of the impostor pairs.

    Raises:
        DataError: If the file cannot be read or a line does not fit; the message gives its number.
    """
    return _protocol("calfw", files)


def read_cplfw(files: Path) -> Protocol:
    """Read ``pairs_CPLFW.txt``; otherwise as :func:`read_calfw`.

    Raises:
        DataError: If the file cannot be read or a line does not fit; the message gives its number.
    """
    return _protocol("cplfw", files)


def _protocol(name: str, files: Path) -> Protocol:
    rows = list(read_rows(files, 2))
    if len(rows) % 2:
        raise DataError(f"'{files}' has {len(rows):,} lines; two lines are a pair, so their number must be even")
    pairs = []
    for (_, (image_a, label)), (number, (image_b, other)) in zip(rows[::2], rows[1::2], strict=True):
        if other != label:
            raise wrong(
                files, number, f"has the label '{other[:40]}', but the line before it, its pair, '{label[:40]}'"
            )
        same = whole(files, number, label) > 0
        person_a, person_b = _person(image_a), _person(image_b)
        if same != (person_a == person_b):
            claim = "one person" if same else "two people"
            raise wrong(files, number, f"and the one before say {claim}, but show '{image_a}' and '{image_b}'")
        pairs.append(NamedPair(image_a, image_b, person_a, person_b, same))
    table = UnitTable()
    listed = unit_pairs(PROTOCOLS[name].title, tenths(pairs), table)
    return assemble(name, table.units(), pairs=(listed,))


def _person(image: str) -> str:
    """Return who is in a picture.

    >>> _person("Ada_Lovelace_0007.jpg")
    'Ada_Lovelace'
    """
    return image.rpartition("_")[0]
