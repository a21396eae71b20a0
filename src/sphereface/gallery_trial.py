"""The gallery tried as it is used: people enrolled from files, then searched by themselves and by strangers.

An operating point is a promise. Here it is held against people who took part in no measurement before.
"""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from glob import escape
from pathlib import Path

import numpy as np

from sphereface.atomic import held
from sphereface.data.manifest import Manifest
from sphereface.embedder.embedder import Embedder, Face, embed_files
from sphereface.errors import GalleryError
from sphereface.evaluation.intervals import clustered
from sphereface.evaluation.operating_point import OperatingPoint
from sphereface.evaluation.results import Rate
from sphereface.gallery.border import picture_hash
from sphereface.gallery.gallery import Gallery, open_gallery
from sphereface.gallery.results import Identification
from sphereface.gallery.store import put_in_place
from sphereface.progress import SILENT, Progress
from sphereface.report.content import GalleryTrial

_CONFIDENCE = 0.95


def try_gallery(
    path: Path,
    embedder: Embedder,
    point: OperatingPoint,
    known: Manifest,
    strangers: Manifest,
    *,
    templates: int = 1,
    progress: Progress = SILENT,
) -> GalleryTrial:
    """Enrol ``known`` in a new gallery at ``path`` and search it with everybody's other pictures.

    A picture that cannot be embedded is a search that finds nobody; it counts.

    Args:
        path: The gallery's file. One that is there already stays as it is, whoever is enrolled in it.
        embedder: The model.
        point: Its operating point for searches.
        known: People to enrol; each needs more pictures than ``templates``.
        strangers: People who are not enrolled.
        templates: Pictures enrolled of each; the others search.
        progress: Who listens.
    """
    faces = embed_files(embedder, known.paths, progress=progress)
    unknown_faces = embed_files(embedder, strangers.paths, progress=progress)
    with _scratch(path) as fresh:
        with open_gallery(fresh, fingerprint=embedder.fingerprint, dimension=embedder.dimension) as gallery:
            searching: list[int] = []
            for person, name in enumerate(known.identities):
                rows = np.flatnonzero(known.labels == person).tolist()
                _enrol(gallery, name, [faces[row] for row in rows[:templates]])
                searching.extend(rows[templates:])
            answers = _identify(gallery, [faces[row] for row in searching], point)
            alarms = [
                answer is not None and answer.name is not None
                for answer in _identify(gallery, unknown_faces, point)
            ]
            enrolled = gallery.info().people
            tried = gallery.pictures()
        if Path(f"{fresh}-wal").exists():  # closing writes the log into the file, if there is room
            raise GalleryError(f"the trial's gallery cannot be put at '{path}', for its disk is full; make room")
        if not put_in_place(fresh, path) and not _holds(path, embedder, tried):
            progress.say(
                f"'{path}' is left as it is, for it does not hold the trial's people and pictures alone, or it "
                "belongs to another model; delete it before a trial if nobody needs it"
            )
    own = [known.identities[known.labels[row]] for row in searching]
    given = [None if answer is None else answer.name for answer in answers]
    people = known.labels[searching]
    return GalleryTrial(
        gallery_people=enrolled,
        known_searches=len(searching),
        named_correctly=_rate([a == b for a, b in zip(given, own, strict=True)], people),
        named_wrongly=_rate([a not in (b, None) for a, b in zip(given, own, strict=True)], people),
        stranger_people=len(strangers.identities),
        stranger_searches=len(strangers),
        stated_fpir=point.target,
        realised_fpir=_rate(alarms, strangers.labels),
    )


@contextmanager
def _scratch(path: Path) -> Iterator[Path]:
    """Give a place for a gallery beside ``path`` that no other trial uses; nobody's templates are left there."""
    beside, hidden = path.parent, f".{path.name[:100]}."
    busy = GalleryError(f"another trial is clearing up beside '{path}'; try again")
    for left in beside.glob(f"{escape(hidden)}*.trial"):
        # A trial that goes on holds its own; one that was killed does not.
        with suppress(GalleryError, OSError), held(left, busy=busy):
            shutil.rmtree(left)
    folder = beside / f"{hidden}{secrets.token_hex(6)}.trial"
    folder.mkdir(mode=0o700, parents=True)
    try:
        with held(folder, busy=busy):
            if not folder.exists():  # taken for one of a killed trial before it was held
                raise busy
            yield folder / path.name
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _holds(path: Path, embedder: Embedder, tried: dict[str, set[str]]) -> bool:
    """Say whether the gallery at ``path`` is the trial's own: this model, these people, these pictures."""
    try:
        with open_gallery(
            path,
            fingerprint=embedder.fingerprint,
            dimension=embedder.dimension,
            create=False,
            busy_seconds=1.0,
        ) as gallery:
            return gallery.pictures() == tried
    except GalleryError:
        return False


def _enrol(gallery: Gallery, name: str, faces: Sequence[Face]) -> None:
    usable = [face for face in faces if face.embedding is not None]
    if usable:
        vectors = np.stack([face.embedding for face in usable if face.embedding is not None])
        gallery.enroll(name, vectors, [picture_hash(face.path) for face in usable])


def _identify(gallery: Gallery, faces: Sequence[Face], point: OperatingPoint) -> list[Identification | None]:
    usable = [face.embedding for face in faces if face.embedding is not None]
    found = iter(gallery.identify(np.stack(usable), point)) if usable else iter(())
    return [None if face.embedding is None else next(found) for face in faces]


def _rate(events: Sequence[bool], people: np.ndarray[tuple[int], np.dtype[np.int64]]) -> Rate:
    """Return the share of events with an interval clustered by person."""
    happened = np.bincount(people, weights=np.asarray(events, dtype=np.float64)).astype(np.float64)
    totals = np.bincount(people)
    rate = clustered(happened[:, None], totals)
    low, high = rate.band(_CONFIDENCE)
    return Rate(float(rate.rate[0]), float(low[0]), float(high[0]), _CONFIDENCE, float(rate.effective()[0]))
