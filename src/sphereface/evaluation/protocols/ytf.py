"""Reader of YouTube Faces: 5,000 pairs of videos in ten folds; a video is the mean over its frames.

Reference: Wolf, Hassner and Maoz 2011, CVPR.
"""

from __future__ import annotations

from pathlib import Path

from sphereface.evaluation.pair_list import NamedPair
from sphereface.evaluation.protocol import Protocol, UnitTable
from sphereface.evaluation.protocols import assemble
from sphereface.evaluation.protocols.listed_pairs import unit_pairs
from sphereface.evaluation.protocols.text_files import is_same, read_rows, whole, wrong


def read_ytf(files: Path) -> Protocol:
    """Read ``splits.txt`` or ``splits_corrected.txt``.

    A line is ``fold, number, Name/1, Other/0, label``; the corrected list has a sixth column, the corrected
    label, which is then the one that counts, whatever the names of the videos say.

    Raises:
        DataError: If the file cannot be read or a line does not fit; the message gives its number.
    """
    pairs = []
    for number, words in read_rows(files, 5, 6, separator=",", header=True):
        people = []
        for video in words[2:4]:
            person, _, take = video.rpartition("/")
            if not person or not take:
                raise wrong(files, number, f"has '{video[:80]}' where a video, such as 'Name/1', is expected")
            people.append(person)
        fold = whole(files, number, words[0])
        if not 1 <= fold <= 1000:
            raise wrong(files, number, f"has fold {fold}; folds count from 1")
        same = is_same(files, number, words[-1])
        pairs.append(NamedPair(words[2], words[3], people[0], people[1], same, fold - 1))
    table = UnitTable()
    listed = unit_pairs("YouTube Faces", pairs, table)
    return assemble("ytf", table.units(folders=True), pairs=(listed,))
