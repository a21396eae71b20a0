"""The gallery tried as it is used: people enrolled from files, then searched by themselves and by strangers.

An operating point is a promise. Here it is held against people who took part in no measurement before.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from sphereface.data.manifest import Manifest
from sphereface.embedder.embedder import Embedder, Face, embed_files
from sphereface.errors import GalleryError
from sphereface.evaluation.intervals import clustered
from sphereface.evaluation.operating_point import OperatingPoint
from sphereface.evaluation.results import Rate
from sphereface.gallery.border import picture_hash
from sphereface.gallery.gallery import Gallery, open_any_gallery, open_gallery
from sphereface.gallery.results import Identification
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
        path: The gallery's file. One that holds nobody but people of the trial, as the trial would enrol them, is
            replaced; any other stays as it is.
        embedder: The model.
        point: Its operating point for searches.
        known: People to enrol; each needs more pictures than ``templates``.
        strangers: People who are not enrolled.
        templates: Pictures enrolled of each; the others search.
        progress: Who listens.
    """
    faces = embed_files(embedder, known.paths, progress=progress)
    unknown_faces = embed_files(embedder, strangers.paths, progress=progress)
    fresh = path.with_name(f".{path.name}.trial")
    _remove(fresh)  # of a trial that was killed
    try:
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
            tried = _enrolled(gallery)
        if path.exists() and not _only(path, tried):
            progress.say(f"'{path}' is left as it is, for it does not hold the trial's people alone")
        else:
            _remove(path)
            fresh.replace(path)
    finally:
        _remove(fresh)  # nobody's templates are left behind
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


def _enrolled(gallery: Gallery) -> set[tuple[str, int]]:
    return {(person.name, person.templates) for person in gallery.people()}


def _only(path: Path, tried: set[tuple[str, int]]) -> bool:
    """Say whether a gallery, of whatever model, holds nothing that the trial does not enrol anew."""
    try:
        with open_any_gallery(path, busy_seconds=1.0) as gallery:
            return _enrolled(gallery) <= tried
    except GalleryError:
        return False


def _remove(path: Path) -> None:
    for suffix in ("", "-wal", "-shm"):
        Path(f"{path}{suffix}").unlink(missing_ok=True)


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
