"""Reader of MegaFace: pictures of FaceScrub searched among a million distractors.

Reference: Kemelmacher-Shlizerman, Seitz, Miller and Brossard 2016, CVPR, arXiv:1512.00596.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path, PurePosixPath
from typing import Final

from sphereface.errors import DataError
from sphereface.evaluation.protocol import Protocol, UnitDistractors, UnitTable, positions
from sphereface.evaluation.protocols import assemble
from sphereface.evaluation.protocols.text_files import read_rows, read_text, within
from sphereface.strict_json import read_json

_PROBES: Final = "facescrub"
_CROWD: Final = "megaface"


def read_megaface(files: Path) -> Protocol:
    """Read the lists of probes and distractors; pictures of the noise lists, if there are any, are left out.

    ``megaface_features_list.json_N_k`` is the k-th crowd of N; of several the largest is taken, the first of
    its size. Noise lists are ``facescrub_noises*.txt`` and ``megaface_noises*.txt``, a file a line.

    Raises:
        DataError: If a list is missing or wrong, a picture is listed twice, a distractor shows a probe's person,
            nobody has two pictures, or no picture is in the noise lists.
    """
    if not files.is_dir():
        raise DataError(f"'{files}' is not a folder; name the folder with {_PROBES}_features_list.json in it")
    table = UnitTable()
    noise = {list_: _noise(files, list_) for list_ in (_PROBES, _CROWD)}
    probes, noisy = _pictures(within(files, f"{_PROBES}_features_list.json"), table, noise[_PROBES], people=True)
    distractors, noisy_too = _pictures(_crowd(files), table, noise[_CROWD], people=False)
    units = table.units()
    refined = bool(noise[_PROBES] or noise[_CROWD])
    if refined and not noisy + noisy_too:
        raise DataError(
            f"none of the pictures in the noise lists is listed in '{files}'; do they belong together?"
        )
    count = Counter(units.people[at] for at in probes)
    for at in distractors:
        if units.people[at] in count:
            raise DataError(
                f"the distractor '{units.names[at]}' shows '{units.people[at]}', who is among the probes"
            )
    probes = [at for at in probes if count[units.people[at]] > 1]
    if not probes:
        raise DataError(f"nobody in '{files}' has two probes, so nobody can be enrolled and searched")
    return assemble(
        "megaface",
        units,
        distractors=(
            UnitDistractors(
                f"FaceScrub against {len(distractors):,} distractors{', refined' if refined else ''}",
                positions(probes),
                positions(distractors),
            ),
        ),
        fmr_targets=(1e-6,),
        note="Pictures of the noise lists are left out; other evaluations replace them by a mean or by zeros."
        if refined
        else "",
    )


def _crowd(files: Path) -> Path:
    """Return the list of the largest crowd."""

    def size(path: Path) -> tuple[int, int]:
        words = path.name.rpartition("json")[2].split("_")[1:]
        numbers = [int(word) for word in words if word.isascii() and word.isdigit()]
        return (numbers[0] if numbers else 0, -numbers[1] if len(numbers) > 1 else 0)

    lists = sorted(files.glob(f"{_CROWD}_features_list.json*"))
    return max(lists, key=size) if lists else within(files, f"{_CROWD}_features_list.json_1000000_1")


def _noise(files: Path, list_: str) -> set[str]:
    """Return the noisy pictures of a list by the ends of their names."""
    lists = sorted(files.glob(f"{list_}_noises*.txt"))
    if len(lists) > 1:
        raise DataError(f"'{lists[0]}' and '{lists[1]}' are both noise lists; keep the one that is meant")
    return {_stem(words[-1]) for path in lists for _, words in read_rows(path, separator="\t")}


def _pictures(path: Path, table: UnitTable, noise: set[str], *, people: bool) -> tuple[list[int], int]:
    """Return where the pictures of ``{"path": [...], "id": [...]}`` are that are not noise, and how many are."""
    try:
        found = read_json(read_text(path))
        names = found["path"]
        ids = found["id"] if people else names
    except (ValueError, KeyError, TypeError) as error:
        raise DataError(
            f"'{path}' is not a MegaFace list: a JSON object with 'path'{' and id' if people else ''} ({error})"
        ) from error
    if not (isinstance(names, list) and isinstance(ids, list) and len(names) == len(ids)):
        raise DataError(f"'{path}' must list as many people ('id') as pictures ('path')")
    if not names or not all(isinstance(name, str) and name for name in names):
        raise DataError(f"'{path}' names no picture, or one by something other than text")
    if len(set(names)) < len(names):
        raise DataError(f"'{path}' lists '{Counter(names).most_common(1)[0][0]}' twice")
    at = []
    for name, person in zip(names, ids, strict=True):
        if not (noise and (_stem(name) in noise or _stem(PurePosixPath(name).name) in noise)):
            at.append(table.position(name, str(person) if people else name.rpartition("/")[0].rpartition("/")[2]))
    return at, len(names) - len(at)


def _stem(name: str) -> str:
    """Return a name as noise lists can be compared with it: their extension and their spaces differ.

    >>> _stem("Ada Lovelace_7.jpg") == _stem("Ada_Lovelace_7.png")
    True
    """
    folder, slash, file = name.strip().replace(" ", "_").rpartition("/")
    return f"{folder}{slash}{file.rpartition('.')[0] or file}"
