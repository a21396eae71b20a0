"""``sphereface identify IMAGE``."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sphereface.cli.options import (
    Detector,
    Faces,
    GalleryFile,
    Json,
    Limits,
    Model,
    Pictures,
    gallery_file,
    load_model,
)
from sphereface.cli.output import print_json
from sphereface.cli.points import PointFile, cosine_text, end_undecided, point_for, preprocessing
from sphereface.errors import GalleryError

if TYPE_CHECKING:
    from sphereface.embedder import Face
    from sphereface.gallery import Candidate, Identification


def command(
    image: Annotated[Path, typer.Argument(help="A photograph, or an aligned face crop.")],
    model: Model = None,
    gallery: GalleryFile = None,
    candidates: Annotated[int, typer.Option("--candidates", "-k", min=1, help="How many to list.")] = 5,
    pictures: Pictures = "auto",
    faces: Faces = "all",
    detector: Detector = "yunet",
    limits: Limits = None,
    point_file: PointFile = None,
    as_json: Json = False,
) -> None:
    """Name everybody in a picture, or answer *unknown*, at a measured operating point."""
    from sphereface.cli.pictures import embed_everybody, reader_for
    from sphereface.gallery import open_gallery

    embedder, card = load_model(model)
    path = gallery_file(gallery)
    with open_gallery(path, fingerprint=embedder.fingerprint, dimension=embedder.dimension, create=False) as book:
        found, vectors = embed_everybody(embedder, image, reader_for(embedder, pictures, faces, detector, limits))
        point = point_for(card, "fpir", point_file)
        read = preprocessing(pictures, faces, detector, limits)
        try:
            answers = book.identify(vectors, point, k=candidates, preprocessing=read)
        except GalleryError as reason:
            if point is not None:
                raise
            ranked = book.search(vectors, k=candidates)
            lines = [line for face, best in zip(found, ranked, strict=True) for line in _undecided(face, best)]
            listed = [
                {"box": _box(face), "decision": None, "name": None, "candidates": [asdict(one) for one in best]}
                for face, best in zip(found, ranked, strict=True)
            ]
            told = {"image": str(image), "gallery": str(path), "faces": listed}
            end_undecided(reason, lines, told, as_json)
    assert point is not None  # identify refuses to answer without one
    if answers[0].warning:  # about the gallery, so the same for every face
        print(f"warning: {answers[0].warning}", file=sys.stderr)
    if len(found) > 1:
        many = f"{len(found)} faces are {len(found)} searches: a false alarm is up to {len(found)} times as likely"
        print(f"note: {many} as for one", file=sys.stderr)
    for note in answers[0].notes:
        print(f"note: {note}", file=sys.stderr)
    if as_json:
        print_json(
            {
                "image": str(image),
                "gallery": str(path),
                "faces": [
                    {"box": _box(face), **asdict(answer)} for face, answer in zip(found, answers, strict=True)
                ],
                "operating_point": point.model_dump(mode="json"),
            }
        )
        return
    for face, answer in zip(found, answers, strict=True):
        _print_answer(face, answer)
    print(f"  {point.describe()}")


def _print_answer(face: Face, answer: Identification) -> None:
    print(f"{answer.name if answer.name is not None else 'unknown'}{_where(face)}")
    if answer.score is not None:
        relation = "reaches" if answer.name is not None else "is below"
        print(f"  best score {answer.score:.3f} {relation} the threshold {answer.threshold:.3f}")
    for candidate in answer.candidates:
        print(f"  {candidate.score:6.3f}  {candidate.name}")


def _undecided(face: Face, best: Sequence[Candidate]) -> list[str]:
    """Return who is most alike to a face, without a word on whether it is one of them."""
    alike = [f"  {cosine_text(candidate.score)}  {candidate.name}" for candidate in best]
    return [f"most alike{_where(face)}:", *(alike or ["  nobody is enrolled"])]


def _where(face: Face) -> str:
    box = _box(face)
    return "" if box is None else "  (face of {2}x{3} pixels at {0}, {1})".format(*box)


def _box(face: Face) -> list[int] | None:
    """Return x, y, width and height of a face in whole pixels; None for an aligned crop."""
    found: Any = face.detection
    return None if found is None else [round(number) for number in (found.x, found.y, found.width, found.height)]
