"""Where a user's own things lie if nobody says otherwise."""

from __future__ import annotations

import os
from pathlib import Path


def named_or_own(variable: str, *parts: str) -> Path:
    """Return the path that an environment variable names, else ``sphereface/PARTS`` in the user's data folder.

    The data folder is ``$XDG_DATA_HOME`` if that is an absolute path, else ``~/.local/share`` (XDG Base
    Directory Specification 0.8). Nothing is created.
    """
    named = os.environ.get(variable, "").strip()
    if named:
        return Path(named).expanduser()
    home = os.environ.get("XDG_DATA_HOME", "")
    data = Path(home) if Path(home).is_absolute() else Path.home() / ".local" / "share"
    return data.joinpath("sphereface", *parts)
