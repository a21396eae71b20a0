"""``sphereface forget NAME``."""

from __future__ import annotations

from typing import Annotated

import typer

from sphereface.cli.options import GalleryFile, Json, gallery_file
from sphereface.cli.output import print_json


def command(
    name: Annotated[
        str, typer.Argument(help="The person, spelt as enrolled; 'sphereface people' lists everybody.")
    ],
    gallery: GalleryFile = None,
    as_json: Json = False,
) -> None:
    """Erase a person from the gallery: no name and no embedding of theirs is left in its files.

    Whatever copies of the file there are keep it. No model is needed.
    """
    from sphereface.gallery import clean_name, open_any_gallery

    name = clean_name(name)
    path = gallery_file(gallery)
    with open_any_gallery(path) as book:
        erased = book.forget(name)
        left = len(book.people())
    if as_json:
        print_json({"gallery": str(path), "name": name, "templates_erased": erased, "people": left})
        return
    print(f"forgotten {name}: {erased} embedding{'s' * (erased != 1)} erased")
    print(f"gallery: {path} ({left} people)")
