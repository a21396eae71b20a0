"""``sphereface identify IMAGE``."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from sphereface.cli.options import GalleryFile, Json, Model, gallery_file, load_model, operating_point
from sphereface.cli.output import print_json


def command(
    image: Annotated[Path, typer.Argument(help="An aligned face crop.")],
    model: Model = None,
    gallery: GalleryFile = None,
    candidates: Annotated[int, typer.Option("--candidates", "-k", min=1, help="How many to list.")] = 5,
    as_json: Json = False,
) -> None:
    """Name the person in a picture, or answer *unknown*, at a measured operating point."""
    from sphereface.cli.pictures import embed_pictures
    from sphereface.gallery import open_gallery

    embedder, card = load_model(model)
    path = gallery_file(gallery)
    with open_gallery(path, fingerprint=embedder.fingerprint, dimension=embedder.dimension, create=False) as book:
        vectors = embed_pictures(embedder, [image])
        point = operating_point(card, "fpir")
        answer = book.identify(vectors, point, k=candidates)[0]
    assert point is not None  # identify refuses to answer without one
    if answer.warning:
        print(f"warning: {answer.warning}", file=sys.stderr)
    for note in answer.notes:
        print(f"note: {note}", file=sys.stderr)
    if as_json:
        print_json(
            {
                "image": str(image),
                "gallery": str(path),
                **asdict(answer),
                "operating_point": point.model_dump(mode="json"),
            }
        )
        return
    print(answer.name if answer.name is not None else "unknown")
    if answer.score is not None:
        relation = "reaches" if answer.name is not None else "is below"
        print(f"  best score {answer.score:.3f} {relation} the threshold {answer.threshold:.3f}")
    print(f"  {point.describe()}")
    for candidate in answer.candidates:
        print(f"  {candidate.score:6.3f}  {candidate.name}")
