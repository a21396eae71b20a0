"""Names of people: what counts as one, and when two mean one person."""

from __future__ import annotations

import numbers
import unicodedata
from collections.abc import Iterable

from sphereface.errors import DataError


def comparable_name(name: str) -> str:
    """Return a name as collections should compare it: NFC, caseless, underscores as spaces, stripped.

    >>> comparable_name(" Ana_de_Armas")
    'ana de armas'
    """
    folded = unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())
    return " ".join(folded.replace("_", " ").split())


def texts_of(what: str, values: Iterable[object]) -> tuple[str, ...]:
    """Return a column of names as text: strings, numbers, and what numpy or torch holds one of.

    Args:
        what: The column, for the message.
        values: One a row; ``""`` stays.

    Raises:
        DataError: If a row is None, NaN, or more than one value.

    >>> texts_of("identity", ["ada", 7])
    ('ada', '7')
    """
    return tuple(value if isinstance(value, str) else _text(what, row, value) for row, value in enumerate(values))


def _text(what: str, row: int, value: object) -> str:
    one = value.item() if hasattr(value, "item") and getattr(value, "ndim", None) == 0 else value
    if isinstance(one, str):
        return one
    if isinstance(one, numbers.Real) and one == one:
        return str(one)
    raise DataError(
        f"'{what}' of row {row} is {str(one)[:40]!r} ({type(value).__name__}); give a name or a number"
    )
