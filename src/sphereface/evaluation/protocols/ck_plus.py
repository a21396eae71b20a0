"""Reader of the Extended Cohn-Kanade set: whether an embedding tells the expression, in person-independent folds.

Reference: Lucey, Cohn, Kanade, Saragih, Ambadar and Matthews 2010, CVPR workshops. The folds are those of Liu,
Li, Shan, Wang and Chen 2014, ACCV: people in the order of their names, every tenth in one fold.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from sphereface.errors import DataError, NotEnoughDataError
from sphereface.evaluation.protocol import Protocol, UnitClasses, UnitTable, positions
from sphereface.evaluation.protocols import assemble
from sphereface.evaluation.protocols.text_files import read_text

EXPRESSIONS: Final = ("neutral", "anger", "contempt", "disgust", "fear", "happiness", "sadness", "surprise")
FOLDS: Final = 10

_LABEL: Final = re.compile(r"(S\d+)_(\d+)_(\d+)_emotion\.txt")


def read_ck_plus(files: Path) -> Protocol:
    """Read the label files ``S005/001/S005_001_00000011_emotion.txt``, each the peak of one sequence.

    A unit is the labelled picture, ``S005/001/S005_001_00000011.png``; sequences without a label are left out.

    Raises:
        DataError: If there is no label file, or one does not hold a number from 0 to 7.
        NotEnoughDataError: If there are fewer than two people or expressions.
    """
    if not files.is_dir():
        raise DataError(f"'{files}' is not a folder; name CK+'s folder 'Emotion'")
    found: dict[str, tuple[str, str]] = {}
    for path in files.rglob("*_emotion.txt"):
        match = _LABEL.fullmatch(path.name)
        if match is None:
            raise DataError(f"'{path}' is not called like a label file, 'S005_001_00000011_emotion.txt'")
        person, sequence, frame = match.groups()
        found[f"{person}/{sequence}/{person}_{sequence}_{frame}.png"] = person, _expression(path)
    if not found:
        raise DataError(f"there is no label file, such as 'S005_001_00000011_emotion.txt', below '{files}'")
    people = sorted({person for person, _ in found.values()})
    labels = {label for _, label in found.values()}
    if len(people) < 2 or len(labels) < 2:
        raise NotEnoughDataError(
            f"'{files}' has {len(people)} people and {len(labels)} expressions; two of each are needed"
        )
    fold = {person: rank % FOLDS for rank, person in enumerate(people)}
    table = UnitTable()
    at = [table.position(name, found[name][0]) for name in sorted(found)]
    return assemble(
        "ck-plus",
        table.units(),
        classes=(
            UnitClasses(
                "expression",
                positions(at),
                tuple(found[name][1] for name in sorted(found)),
                positions([fold[found[name][0]] for name in sorted(found)]),
            ),
        ),
    )


def _expression(path: Path) -> str:
    word = read_text(path).strip()
    try:
        number = float(word)
    except ValueError:
        number = -1.0
    if number not in range(len(EXPRESSIONS)):
        raise DataError(
            f"'{path}' holds '{word[:40]}' where a number from 0 to {len(EXPRESSIONS) - 1} is expected"
        )
    return EXPRESSIONS[int(number)]
