"""Where the gallery lies if nobody says otherwise."""

from __future__ import annotations

import os
from pathlib import Path

VARIABLE = "SPHEREFACE_GALLERY"


def default_gallery_path() -> Path:
    """Return ``$SPHEREFACE_GALLERY``, else ``sphereface/gallery.db`` in the user's data folder.

    The data folder is ``$XDG_DATA_HOME`` if that is an absolute path, else ``~/.local/share`` (XDG Base
    Directory Specification 0.8). Nothing is created.
    """
    named = os.environ.get(VARIABLE, "").strip()
    if named:
        return Path(named).expanduser()
    home = os.environ.get("XDG_DATA_HOME", "")
    data = Path(home) if Path(home).is_absolute() else Path.home() / ".local" / "share"
    return data / "sphereface" / "gallery.db"
