"""What may enter a gallery: names, vectors and picture hashes are checked here, once, and nowhere else."""

from __future__ import annotations

import hashlib
import string
import unicodedata
from collections.abc import Sequence
from numbers import Integral
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sphereface.errors import ConfigurationError, GalleryError, reason_of
from sphereface.gallery.store import MOST_DIMENSIONS

LONGEST_NAME = 200
UNKNOWN = "unknown"

# Control characters, lone surrogates, line and paragraph separators: they break lists, logs and JSON lines.
_REFUSED_CATEGORIES = {"Cc", "Cs", "Zl", "Zp"}
# Characters that turn the direction of text around let one name look like another.
_DIRECTION = {*map(chr, range(0x202A, 0x202F)), *map(chr, range(0x2066, 0x206A))}
# Between two letters of Persian, Hindi and others these are part of the spelling.
_JOINERS = ("\u200c", "\u200d")


def clean_name(name: str) -> str:
    r"""Return ``name`` in Unicode form NFC without outer spaces, so that one spelling is one person.

    Raises:
        GalleryError: If it is empty, too long, or holds control characters.

    >>> clean_name("  Zoe\u0308 Müller ")
    'Zoë Müller'
    """
    if not isinstance(name, str):
        raise GalleryError(f"a name must be text, not {type(name).__name__}")
    cleaned = unicodedata.normalize("NFC", name.strip(" "))
    if not cleaned or cleaned.isspace():
        raise GalleryError("the name of a person is empty; give one")
    if len(cleaned) > LONGEST_NAME:
        raise GalleryError(f"a name may have at most {LONGEST_NAME} characters, not {len(cleaned)}; shorten it")
    for position, letter in enumerate(cleaned, 1):
        if unicodedata.category(letter) in _REFUSED_CATEGORIES or letter in _DIRECTION:
            raise GalleryError(
                f"the name {cleaned!a} holds the control character U+{ord(letter):04X} "
                f"at position {position}; remove it"
            )
    return cleaned


def is_name(name: object) -> bool:
    """Say whether a stored name is one that :func:`clean_name` leaves as it is."""
    try:
        return clean_name(name) == name  # type: ignore[arg-type]
    except GalleryError:
        return False


def shown(name: object) -> str:
    r"""Return a stored name in quotes; what would disturb a terminal or a log is written out.

    >>> print(shown("Zoë"), shown("a\x1b[31m"))
    'Zoë' 'a\x1b[31m'
    """
    return f"'{name}'" if is_name(name) else ascii(name)[: 2 * LONGEST_NAME]


def new_name(name: str) -> str:
    r"""Return :func:`clean_name`, of somebody who is to be enrolled; every kind of space is a plain one.

    Raises:
        GalleryError: As :func:`clean_name`, if the name is the answer for strangers, or if it holds a character
            that nobody sees, which would make two people of one name.

    >>> new_name("Ada\u00a0Lovelace")
    'Ada Lovelace'
    """
    spaced = (" " if unicodedata.category(letter) == "Zs" else letter for letter in clean_name(name))
    cleaned = "".join(spaced).strip(" ")
    for position, letter in enumerate(cleaned):
        inside = 0 < position < len(cleaned) - 1
        if unicodedata.category(letter) == "Cf" and not (inside and letter in _JOINERS):
            raise GalleryError(
                f"the name {cleaned!a} holds the invisible character U+{ord(letter):04X} at position "
                f"{position + 1}; remove it"
            )
    if cleaned.casefold() == UNKNOWN:
        raise GalleryError(f"'{cleaned}' is what a gallery answers of strangers; give the person another name")
    return cleaned


def require_model(fingerprint: object, dimension: Any) -> None:
    """Refuse what is not the fingerprint of a model and the width of its embeddings.

    Raises:
        ConfigurationError: If it is not.
    """
    whole = isinstance(dimension, Integral) and not isinstance(dimension, bool)
    sound = isinstance(fingerprint, str) and fingerprint and fingerprint.isprintable()
    if not sound or not whole or not 1 <= dimension <= MOST_DIMENSIONS:
        raise ConfigurationError(
            "a gallery needs the fingerprint of its model, a text, and its dimension, a whole number from 1 "
            f"to {MOST_DIMENSIONS}, not {fingerprint!r} and {dimension!r}"
        )


def unit_rows(embeddings: ArrayLike, dimension: int) -> NDArray[np.float32]:
    """Return embeddings (N, d), or one of shape (d,), as unit vectors (N, d) in float32.

    Raises:
        GalleryError: If there are none, if they are not d wide, or hold NaN, infinity or a zero vector.
    """
    absent = [row is None for row in embeddings] if isinstance(embeddings, list | tuple) else []
    if any(absent):
        raise GalleryError(
            f"embedding {absent.index(True) + 1} of {len(absent)} is None: the picture was not embedded, and the "
            "message of its face says why; leave it out"
        )
    try:
        rows = np.atleast_2d(np.asarray(embeddings, dtype=np.float64))
    except (TypeError, ValueError) as error:
        raise GalleryError("the embeddings are not numbers of shape (N, d)") from error
    if rows.ndim != 2 or rows.shape[1] != dimension or not len(rows):
        raise GalleryError(
            f"this gallery holds embeddings of {dimension} numbers, but it was given an array of shape "
            f"{np.shape(embeddings)}; embed the picture with the gallery's own model"
        )
    for index, row in enumerate(rows):
        if not np.isfinite(row).all():
            raise GalleryError(f"embedding {index + 1} of {len(rows)} holds NaN or infinity; leave it out")
        if not row.any():
            raise GalleryError(f"embedding {index + 1} of {len(rows)} is zero and has no direction; leave it out")
    rows = rows / np.abs(rows).max(axis=1, keepdims=True)  # so that no square over- or underflows
    unit: NDArray[np.float32] = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
    return unit


def check_sources(sources: Sequence[str] | None, vectors: NDArray[np.float32]) -> list[str]:
    """Return one SHA-256 for each of the vectors (N, d): the pictures', or else the vectors' own.

    Raises:
        GalleryError: If there are not N of them, or one is not 64 hex digits.
    """
    if sources is None:
        return [hashlib.sha256(vector.astype("<f4").tobytes()).hexdigest() for vector in vectors]
    if isinstance(sources, str) or len(sources) != len(vectors):
        raise GalleryError(f"{len(vectors)} embeddings need as many picture hashes, not {len(sources)}")
    for source in sources:
        if len(source) != 64 or set(source) - set(string.hexdigits):
            raise GalleryError(f"a picture hash is a SHA-256 of 64 hex digits, not {source[:80]!r}")
    return [source.lower() for source in sources]


def picture_hash(path: Path) -> str:
    """Return the SHA-256 of a file as 64 hex digits: the ``source`` of a template.

    Raises:
        GalleryError: If the file cannot be read.
    """
    try:
        with Path(path).open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        reason = reason_of(error)
        raise GalleryError(f"'{path}' cannot be read: {reason}") from error
