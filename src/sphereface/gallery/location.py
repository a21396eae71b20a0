"""Where the gallery lies if nobody says otherwise."""

from __future__ import annotations

from pathlib import Path

from sphereface.user_folder import named_or_own

VARIABLE = "SPHEREFACE_GALLERY"


def default_gallery_path() -> Path:
    """Return ``$SPHEREFACE_GALLERY``, else ``sphereface/gallery.db`` in the user's data folder."""
    return named_or_own(VARIABLE, "gallery.db")
