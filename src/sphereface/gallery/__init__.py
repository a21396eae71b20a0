"""Names for strangers, or *unknown*: enrol, search, identify, erase. SQLite and numpy, no torch.

Every answer rests on an operating point measured in an evaluation; there is no threshold in the code.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sphereface.gallery.border import clean_name, new_name, picture_hash
    from sphereface.gallery.gallery import Gallery, open_any_gallery, open_gallery
    from sphereface.gallery.location import default_gallery_path
    from sphereface.gallery.results import (
        Candidate,
        Enrolment,
        GalleryCheck,
        GalleryInfo,
        Identification,
        Person,
    )

_PUBLIC = {
    "Candidate": "results",
    "Enrolment": "results",
    "Gallery": "gallery",
    "GalleryCheck": "results",
    "GalleryInfo": "results",
    "Identification": "results",
    "Person": "results",
    "clean_name": "border",
    "default_gallery_path": "location",
    "new_name": "border",
    "open_any_gallery": "gallery",
    "open_gallery": "gallery",
    "picture_hash": "border",
}

__all__ = [
    "Candidate",
    "Enrolment",
    "Gallery",
    "GalleryCheck",
    "GalleryInfo",
    "Identification",
    "Person",
    "clean_name",
    "default_gallery_path",
    "new_name",
    "open_any_gallery",
    "open_gallery",
    "picture_hash",
]


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module 'sphereface.gallery' has no attribute {name!r}")
    return getattr(importlib.import_module(f"sphereface.gallery.{_PUBLIC[name]}"), name)
