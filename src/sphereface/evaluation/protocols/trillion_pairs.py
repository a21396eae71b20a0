"""Reader of Trillion Pairs as far as it can be run at home: celebrities searched among a crowd of strangers.

The challenge held its labels back and judged on its server, so the lists here are one's own.

Reference: DeepGlint 2018, Trillion Pairs challenge.
"""

from __future__ import annotations

from pathlib import Path

from sphereface.errors import DataError
from sphereface.evaluation.protocol import NOBODY, Protocol, UnitDistractors, UnitTable, positions
from sphereface.evaluation.protocols import assemble
from sphereface.evaluation.protocols.text_files import read_rows, within, wrong


def read_trillion_pairs(files: Path) -> Protocol:
    """Read ``probes.txt``, a line ``picture person`` each, and ``distractors.txt``, a picture a line.

    Raises:
        DataError: If a list is missing or wrong, a picture is listed twice, or nobody has two probes.
    """
    if not files.is_dir():
        raise DataError(f"'{files}' is not a folder; name the folder with probes.txt in it")
    table = UnitTable()
    seen: set[str] = set()
    lists: list[list[int]] = []
    for path, columns in ((within(files, "probes.txt"), 2), (within(files, "distractors.txt"), 1)):
        at = []
        for number, words in read_rows(path, columns):
            if words[0] in seen:
                raise wrong(path, number, f"lists '{words[0]}' a second time")
            seen.add(words[0])
            at.append(table.position(words[0], words[1] if columns == 2 else f"{NOBODY}{words[0]}"))
        lists.append(at)
    probes, distractors = lists
    units = table.units()
    count: dict[str, int] = {}
    for at_probe in probes:
        count[units.people[at_probe]] = count.get(units.people[at_probe], 0) + 1
    probes = [at_probe for at_probe in probes if count[units.people[at_probe]] > 1]
    if not probes:
        raise DataError(f"nobody in '{files}' has two probes, so nobody can be enrolled and searched")
    return assemble(
        "trillion-pairs",
        units,
        distractors=(
            UnitDistractors(
                f"{len(probes):,} probes against {len(distractors):,} distractors",
                positions(probes),
                positions(distractors),
            ),
        ),
        fmr_targets=(1e-3, 1e-6, 1e-9),
        note="The challenge's own labels were never given out; these are one's own lists.",
    )
