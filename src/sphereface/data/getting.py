"""Labeled Faces in the Wild, fetched by scikit-learn and laid out as a folder of folders with its pair lists.

Huang, Ramesh, Berg and Learned-Miller 2007, University of Massachusetts technical report 07-49. scikit-learn knows
where the pictures are to be had and checks their SHA-256; the JPEG files it unpacks are taken as they are, not the
arrays it makes of them.
"""

from __future__ import annotations

import shutil
import tarfile
import warnings
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sphereface.data.folders import list_folder
from sphereface.data.new_folder import appearing, insist_on_new
from sphereface.errors import DataError, MissingExtraError, reason_of
from sphereface.progress import SILENT, Progress

LFW_PEOPLE: Final = 5_749
LFW_PICTURES: Final = 13_233

_LISTS = ("pairs.txt", "pairsDevTrain.txt", "pairsDevTest.txt", "peopleDevTrain.txt", "peopleDevTest.txt")
_NEEDED_LISTS = _LISTS[:3]  # scikit-learn does not fetch the others, but somebody may have put them there


Fetch = Callable[[bool], Path]


@dataclass(frozen=True)
class FetchedLfw:
    """What was laid out.

    Attributes:
        folder: One folder a person, the lists beside them.
        people: Number of folders.
        pictures: Number of files in them.
        lists: Names of the lists of pairs and people.
        kept: scikit-learn's own copy, which is not needed any more.
    """

    folder: Path
    people: int
    pictures: int
    lists: tuple[str, ...]
    kept: Path


def get_lfw(
    destination: Path,
    *,
    original: bool = False,
    fetch: Fetch | None = None,
    complete: tuple[int, int] = (LFW_PEOPLE, LFW_PICTURES),
    progress: Progress = SILENT,
) -> FetchedLfw:
    """Lay out LFW as ``destination/Name/Name_0001.jpg``, ``destination/pairs.txt`` and so on.

    Args:
        destination: A folder that does not exist yet, or is empty.
        original: Take the pictures as they were published first. Otherwise the funneled ones: turned, scaled and
            shifted so that faces lie alike (Huang, Jain and Learned-Miller 2007); not the deep-funneled ones.
        fetch: Downloads what is missing for ``original`` and returns scikit-learn's folder of LFW.
        complete: How many people and pictures there have to be.
        progress: Told about every picture.

    Raises:
        MissingExtraError: If scikit-learn is not installed.
        DataError: If the destination is in use, nothing can be fetched, what was fetched is not complete, or it
            cannot be written. The destination is then as it was.
    """
    try:
        insist_on_new(destination)  # before hundreds of megabytes are fetched
        kept = (fetch or fetch_by_scikit_learn)(original)
        pictures = kept / ("lfw" if original else "lfw_funneled")
        people = list_folder(pictures).people
        found = (len(people), sum(len(files) for files in people.values()))
        _insist_on_all(pictures, found, complete)
        lists = {name: where / name for name in _LISTS for where in (pictures, kept) if (where / name).is_file()}
        if missing := [name for name in _NEEDED_LISTS if name not in lists]:
            raise DataError(f"'{kept}' has no {missing[0]}; remove that folder and try again")
        with appearing(destination) as folder:
            _copy(people, lists.values(), folder, progress)
    except OSError as error:
        where = error.filename or destination
        raise DataError(f"LFW cannot be written: {reason_of(error)} ('{where}')") from error
    return FetchedLfw(destination, *found, tuple(lists), kept)


def fetch_by_scikit_learn(original: bool) -> Path:
    """Have scikit-learn download and unpack what it does not have yet, and return its folder of LFW.

    Raises:
        MissingExtraError: If scikit-learn is not installed.
        DataError: If something cannot be downloaded; the message says what to do without a network.
    """
    try:
        from sklearn.datasets import fetch_lfw_people, get_data_home
    except ImportError as missing:
        raise MissingExtraError("getting LFW needs scikit-learn: pip install 'sphereface[lfw]'") from missing
    home = Path(get_data_home()) / "lfw_home"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # it warns of every attempt before it gives up
            # The files are wanted, not the arrays it makes of them, so it may make one of the only person with as
            # many pictures as this.
            fetch_lfw_people(funneled=not original, min_faces_per_person=500, resize=0.1)
    except (ValueError, EOFError, tarfile.TarError, zlib.error) as error:
        raise DataError(f"scikit-learn finds LFW in '{home}' damaged; remove that folder and try again") from error
    except OSError as error:
        archive = "lfw.tgz" if original else "lfw-funneled.tgz"
        inner = getattr(error, "reason", error)
        reason = getattr(inner, "strerror", None) or inner
        raise DataError(
            f"scikit-learn could not get LFW ({reason}); try again with a network, or put {archive} and "
            f"{', '.join(_NEEDED_LISTS)} from its page, http://vis-www.cs.umass.edu/lfw, into '{home}'"
        ) from error
    return home


def _insist_on_all(pictures: Path, found: tuple[int, int], complete: tuple[int, int]) -> None:
    if found != complete:
        raise DataError(
            f"'{pictures}' holds {found[1]:,} pictures of {found[0]:,} people, not the {complete[1]:,} of "
            f"{complete[0]:,} that LFW has; its unpacking was interrupted: remove that folder and try again"
        )


def _copy(people: Mapping[str, Sequence[Path]], lists: Iterable[Path], folder: Path, progress: Progress) -> None:
    with progress.task("Copying", sum(len(files) for files in people.values())) as task:
        for files in people.values():
            for file in files:
                person = folder / file.parent.name
                person.mkdir(exist_ok=True)
                shutil.copyfile(file, person / file.name)
            task.advance(len(files))
    for file in lists:
        shutil.copyfile(file, folder / file.name)
