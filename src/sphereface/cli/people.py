"""``sphereface people``."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from sphereface.cli.options import GalleryFile, Json, gallery_file
from sphereface.cli.output import print_json


def command(
    gallery: GalleryFile = None,
    check: Annotated[
        bool,
        typer.Option("--check", help="Compute every embedding's checksum again; exit code 1 if one is wrong."),
    ] = False,
    as_json: Json = False,
) -> None:
    """List everybody enrolled in the gallery, with the number of their pictures; no model is needed."""
    from sphereface.gallery import open_any_gallery

    path = gallery_file(gallery)
    with open_any_gallery(path) as book:
        info, people = book.info(), book.people()
        problems = book.check().problems if check else ()
    if as_json:
        told = {"gallery": str(path), "model_fingerprint": info.fingerprint, "templates": info.templates}
        found = {"problems": list(problems)} if check else {}
        print_json(told | found | {"people": [asdict(person) for person in people]})
    else:
        for person in people:
            print(f"{person.templates:>5}  {person.name}")
        print(f"gallery: {path} ({len(people)} people, {info.templates} pictures, model {info.fingerprint[:12]})")
        for problem in problems:
            print(f"wrong: {problem}")
        if check and not problems:
            print("every embedding is as it was enrolled")
    if problems:
        raise typer.Exit(1)
