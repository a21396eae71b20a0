"""``sphereface enroll NAME IMAGE...``."""

from __future__ import annotations

import sys
from collections.abc import Iterator
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
    is_there,
    load_model,
)
from sphereface.cli.output import print_json
from sphereface.errors import ConfigurationError
from sphereface.names import comparable_name

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sphereface.evaluation.operating_point import OperatingPoint


def command(
    name: Annotated[str, typer.Argument(help="The person; spaces and any letters are fine.")],
    images: Annotated[list[Path], typer.Argument(help="Photographs of that person, or aligned face crops.")],
    model: Model = None,
    gallery: GalleryFile = None,
    pictures: Pictures = "auto",
    faces: Faces = "error",
    detector: Detector = "yunet",
    limits: Limits = None,
    as_json: Json = False,
) -> None:
    """Enrol a person in the gallery: all pictures, durably, or none.

    A photograph with several faces is refused: somebody else's face must not be enrolled under this name.
    """
    from sphereface.cli.pictures import embed_pictures, reader_for
    from sphereface.data.folders import is_image_name
    from sphereface.gallery import new_name, open_gallery, picture_hash

    name = new_name(name)
    if is_image_name(Path(name).name) and is_there(name):
        raise ConfigurationError(f"'{name}' is a file; the person comes first: sphereface enroll NAME PICTURE...")
    embedder, card = load_model(model)
    if faces == "all":
        raise ConfigurationError("one face of each picture is enrolled: choose --faces error, largest or central")
    vectors = embed_pictures(embedder, images, reader_for(embedder, pictures, faces, detector, limits))
    sources = [picture_hash(path) for path in images]
    path = gallery_file(gallery)
    with open_gallery(
        path, fingerprint=embedder.fingerprint, dimension=embedder.dimension, contract=embedder.contract
    ) as book:
        done = book.enroll(name, vectors, sources)
        others = [person.name for person in book.people() if person.name != done.name]
    for note in (*_alike(done.name, others), *_unlike(images, vectors, card.point("fmr"))):
        print(f"note: {note}", file=sys.stderr)
    if as_json:
        print_json({"gallery": str(path), **asdict(done)})
        return
    known = f", {done.duplicates} were enrolled already" if done.duplicates else ""
    print(f"enrolled {done.name}: {done.added} pictures{known}; {done.person_templates} in all")
    print(f"gallery: {path} ({done.people} people)")


def _alike(name: str, others: list[str]) -> Iterator[str]:
    """Yield a remark on names that differ from this one by case or spaces alone."""
    for other in others:
        if comparable_name(other) == comparable_name(name):
            yield (
                f"'{name}' and '{other}' are two people to the gallery; if they are one, "
                f"forget one of them (sphereface forget) and enrol the pictures under the other name"
            )


def _unlike(images: list[Path], vectors: NDArray[Any], point: OperatingPoint | None) -> Iterator[str]:
    """Yield a remark on pictures that would not be taken for the person of any other picture given with them."""
    if point is None or len(images) < 2:
        return
    cosines = vectors @ vectors.T
    for at, image in enumerate(images):
        best = max(float(cosine) for other, cosine in enumerate(cosines[at]) if other != at)
        if best < point.threshold:
            yield (
                f"'{image}' is like none of the other pictures ({best:.3f} at most, and {point.threshold:.3f} is "
                "taken for one person): is it the same person?"
            )
