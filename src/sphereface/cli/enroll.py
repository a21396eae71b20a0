"""``sphereface enroll NAME IMAGE...``."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

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
from sphereface.errors import ConfigurationError


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
    from sphereface.gallery import clean_name, open_gallery, picture_hash

    name = clean_name(name)
    embedder, _ = load_model(model)
    if faces == "all":
        raise ConfigurationError("one face of each picture is enrolled: choose --faces error, largest or central")
    vectors = embed_pictures(embedder, images, reader_for(embedder, pictures, faces, detector, limits))
    sources = [picture_hash(path) for path in images]
    path = gallery_file(gallery)
    with open_gallery(
        path, fingerprint=embedder.fingerprint, dimension=embedder.dimension, contract=embedder.contract
    ) as book:
        done = book.enroll(name, vectors, sources)
    if as_json:
        print_json({"gallery": str(path), **asdict(done)})
        return
    known = f", {done.duplicates} were enrolled already" if done.duplicates else ""
    print(f"enrolled {done.name}: {done.added} pictures{known}; {done.person_templates} in all")
    print(f"gallery: {path} ({done.people} people)")
