"""When two names mean one person."""

from __future__ import annotations

import unicodedata


def comparable_name(name: str) -> str:
    """Return a name as collections should compare it: NFC, caseless, underscores as spaces, stripped.

    >>> comparable_name(" Ana_de_Armas")
    'ana de armas'
    """
    folded = unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())
    return " ".join(folded.replace("_", " ").split())
