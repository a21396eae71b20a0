"""Readers of the field's protocol files: names in, galleries, probes, pairs and folds out; nothing is scored here.

``docs/protocols/`` has a page on each: what it compares, where its data is, and what its figures mean.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from sphereface.errors import ConfigurationError, DataError, nearest
from sphereface.evaluation.protocol import Protocol, Units


@dataclass(frozen=True, slots=True)
class Entry:
    """What is known of a protocol before its files are read.

    Attributes:
        reader: Module in this room and function, ``lfw:read_view1``.
        title: As in a sentence.
        citation: Who made it, where it was published.
        page: Page in ``docs/protocols``, without ``.md``.
        files: What the protocol's files are, in words; empty where the pictures themselves define it, and the
            reader takes their names and people instead of a path.
        person_folders: Whether the data lies in one folder a person, so that a picture's folder says who is in it.
    """

    reader: str
    title: str
    citation: str
    page: str
    files: str = ""
    person_folders: bool = True


_LFW: Final = (
    "Huang, Ramesh, Berg and Learned-Miller 2007, University of Massachusetts, Amherst, technical report 07-49"
)
_OPEN: Final = "Günther, Cruz, Rudd and Boult 2017, CVPR workshops, arXiv:1705.01567"
_CFP: Final = "Sengupta, Chen, Castillo, Patel, Chellappa and Jacobs 2016, WACV"

PROTOCOLS: Final[dict[str, Entry]] = {
    "lfw-view1": Entry(
        "lfw:read_view1", "LFW View 1", _LFW, "lfw", "the file pairsDevTrain.txt or pairsDevTest.txt"
    ),
    "lfw-view2": Entry("lfw:read_view2", "LFW View 2", _LFW, "lfw", "the file pairs.txt"),
    "lfw-o1": Entry("lfw_open:read_o1", "LFW open-set o1", _OPEN, "lfw-open"),
    "lfw-o2": Entry("lfw_open:read_o2", "LFW open-set o2", _OPEN, "lfw-open"),
    "lfw-o3": Entry("lfw_open:read_o3", "LFW open-set o3", _OPEN, "lfw-open"),
    "blufr": Entry(
        "blufr:read_blufr",
        "BLUFR",
        "Liao, Lei, Yi and Li 2014, IJCB",
        "blufr",
        "the file blufr_lfw_config.mat",
    ),
    "ytf": Entry(
        "ytf:read_ytf",
        "YouTube Faces",
        "Wolf, Hassner and Maoz 2011, CVPR",
        "ytf",
        "the file splits.txt or splits_corrected.txt",
    ),
    "megaface": Entry(
        "megaface:read_megaface",
        "MegaFace",
        "Kemelmacher-Shlizerman, Seitz, Miller and Brossard 2016, CVPR, arXiv:1512.00596",
        "megaface",
        "the folder with facescrub_features_list.json and megaface_features_list.json_1000000_1, with noise lists "
        "for the refined protocol",
    ),
    "trillion-pairs": Entry(
        "trillion_pairs:read_trillion_pairs",
        "Trillion Pairs",
        "DeepGlint 2018, Trillion Pairs challenge",
        "trillion-pairs",
        "the folder with probes.txt and distractors.txt",
        person_folders=False,
    ),
    "cfp-fp": Entry(
        "cfp:read_fp", "CFP frontal-profile", _CFP, "cfp", "the folder Protocol of CFP", person_folders=False
    ),
    "cfp-ff": Entry(
        "cfp:read_ff", "CFP frontal-frontal", _CFP, "cfp", "the folder Protocol of CFP", person_folders=False
    ),
    "agedb-30": Entry(
        "agedb:read_agedb30",
        "AgeDB-30",
        "Moschoglou, Papaioannou, Sagonas, Deng, Kotsia and Zafeiriou 2017, CVPR workshops",
        "agedb-30",
        "the file 04_FINAL_protocol_30_years.mat",
        person_folders=False,
    ),
    "calfw": Entry(
        "cross_lfw:read_calfw",
        "CALFW",
        "Zheng, Deng and Hu 2017, arXiv:1708.08197",
        "cross-lfw",
        "the file pairs_CALFW.txt",
        person_folders=False,
    ),
    "cplfw": Entry(
        "cross_lfw:read_cplfw",
        "CPLFW",
        "Zheng and Deng 2018, Beijing University of Posts and Telecommunications, technical report 18-01",
        "cross-lfw",
        "the file pairs_CPLFW.txt",
        person_folders=False,
    ),
    "ijbb": Entry(
        "ijb:read_ijbb",
        "IJB-B",
        "Whitelam et al. 2017, CVPR workshops",
        "ijb",
        "the folder meta with ijbb_face_tid_mid.txt and the other lists",
        person_folders=False,
    ),
    "ijbc": Entry(
        "ijb:read_ijbc",
        "IJB-C",
        "Maze et al. 2018, ICB",
        "ijb",
        "the folder meta with ijbc_face_tid_mid.txt and the other lists",
        person_folders=False,
    ),
    "tinyface": Entry(
        "tinyface:read_tinyface",
        "TinyFace",
        "Cheng, Zhu and Gong 2018, ACCV, arXiv:1811.08965",
        "tinyface",
        "the folder Testing_Set with the two .mat lists and Gallery_Distractor",
        person_folders=False,
    ),
    "rfw": Entry(
        "rfw:read_rfw",
        "RFW",
        "Wang, Deng, Hu, Tao and Huang 2019, ICCV, arXiv:1812.00194",
        "rfw",
        "the folder txts with African/African_pairs.txt and its three sisters",
    ),
    "ck-plus": Entry(
        "ck_plus:read_ck_plus",
        "CK+ expressions",
        "Lucey, Cohn, Kanade, Saragih, Ambadar and Matthews 2010, CVPR workshops",
        "ck-plus",
        "the folder Emotion",
        person_folders=False,
    ),
    "folder": Entry(
        "folder:read_folder",
        "one's own folder",
        "open-set search as in ISO/IEC 19795-1",
        "folder",
        person_folders=False,
    ),
    "pairs": Entry("pairs:read_pairs", "one's own pairs", "unpublished", "pairs", "a CSV file of pairs"),
}
"""Every protocol by its name on the command line."""


def read_protocol(
    name: str, files: Path | None = None, names: Sequence[str] = (), identities: Sequence[str] = ()
) -> Protocol:
    """Read a protocol by its name.

    Args:
        name: One of :data:`PROTOCOLS`.
        files: The protocol's own file or folder, as its authors give it out (:attr:`Entry.files`).
        names: What the pictures at hand are called; only protocols that the pictures define look at them.
        identities: Who is in them.

    Raises:
        ConfigurationError: If there is no such protocol, or it needs files and none are named.
        DataError: If its files cannot be read or contradict themselves.
        NotEnoughDataError: If the pictures cannot make up the protocol.

    >>> read_protocol("lfw_view1")
    Traceback (most recent call last):
    sphereface.errors.ConfigurationError: there is no protocol 'lfw_view1'. Did you mean 'lfw-view1'?
    """
    if name not in PROTOCOLS:
        hint = nearest(name, PROTOCOLS) or f" There are {', '.join(PROTOCOLS)}"
        raise ConfigurationError(f"there is no protocol '{name}'.{hint}")
    entry = PROTOCOLS[name]
    module, function = entry.reader.split(":")
    read = getattr(importlib.import_module(f"{__name__}.{module}"), function)
    if not entry.files:
        if len(names) != len(identities):
            raise DataError(f"there are {len(names):,} names of pictures but {len(identities):,} people")
        protocol: Protocol = read(names, identities)
    elif files is None:
        raise ConfigurationError(
            f"the protocol '{name}' needs {entry.files}; say where it is with --protocol-files"
        )
    else:
        protocol = read(Path(files))
    return protocol


def assemble(name: str, units: Units, **more: Any) -> Protocol:
    """Return a protocol with what the table knows of it; ``more`` are other fields of :class:`Protocol`."""
    return Protocol(name, PROTOCOLS[name].title, PROTOCOLS[name].citation, units, **more)
