"""``sphereface enroll NAME IMAGE...``."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from sphereface.cli.options import GalleryFile, Json, Model, gallery_file, load_model
from sphereface.cli.output import print_json


def command(
    name: Annotated[str, typer.Argument(help="The person; spaces and any letters are fine.")],
    images: Annotated[list[Path], typer.Argument(help="Aligned face crops of that person.")],
    model: Model = None,
    gallery: GalleryFile = None,
    as_json: Json = False,
) -> None:
    """Enrol a person in the gallery: all pictures, durably, or none."""
    from sphereface.cli.pictures import embed_pictures
    from sphereface.gallery import clean_name, open_gallery, picture_hash

    name = clean_name(name)
    embedder, _ = load_model(model)
    vectors = embed_pictures(embedder, images)
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
