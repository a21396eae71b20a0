"""``sphereface people``."""

from __future__ import annotations

from dataclasses import asdict

from sphereface.cli.options import GalleryFile, Json, gallery_file
from sphereface.cli.output import print_json


def command(gallery: GalleryFile = None, as_json: Json = False) -> None:
    """List everybody enrolled in the gallery, with the number of their pictures; no model is needed."""
    from sphereface.gallery import open_any_gallery

    path = gallery_file(gallery)
    with open_any_gallery(path) as book:
        info, people = book.info(), book.people()
    if as_json:
        told = {"gallery": str(path), "model_fingerprint": info.fingerprint, "templates": info.templates}
        print_json(told | {"people": [asdict(person) for person in people]})
        return
    for person in people:
        print(f"{person.templates:>5}  {person.name}")
    print(f"gallery: {path} ({len(people)} people, {info.templates} pictures, model {info.fingerprint[:12]})")
