"""What goes wrong, said in one sentence that a person can act on.

Every error a user can cause derives from :class:`SpherefaceError`; the command line prints its message
and exits with its ``exit_code``, without a traceback. Anything else that is raised is a bug of ours.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class SpherefaceError(Exception):
    """A mistake in the input or the surroundings: the message says what, where and what to do."""

    exit_code = 2


class DataError(SpherefaceError, ValueError):
    """A dataset, an image or a protocol file cannot be used as it is."""


class ImageError(DataError):
    """One image cannot be decoded or is refused; ``outcome`` is its countable reason."""

    def __init__(self, message: str, outcome: str) -> None:
        super().__init__(message)
        self.outcome = outcome


class ConfigurationError(SpherefaceError, ValueError):
    """A recipe, a setting or an option is unknown, misspelt or out of range."""


class ModelError(SpherefaceError):
    """A model or checkpoint is missing, damaged, or of another architecture."""


class GalleryError(SpherefaceError):
    """A gallery file is damaged, missing, or belongs to another model."""


class NotEnoughDataError(SpherefaceError):
    """An evaluation was asked for a figure that the data cannot give."""


class NonFiniteLossError(SpherefaceError):
    """Training met a NaN or an infinity; the message names the first bad tensor."""


class MissingExtraError(SpherefaceError):
    """An optional dependency is not installed; the message names the extra that brings it."""


def reason_of(error: OSError) -> str:
    """Return what the system says of an error, for the middle of a sentence.

    >>> reason_of(PermissionError(13, "Permission denied"))
    'permission denied'
    """
    return (error.strerror or str(error)).lower()


def nearest(word: str, known: Iterable[str]) -> str:
    """Return ``" Did you mean 'x'?"`` for the closest known word, or an empty string.

    >>> nearest("cosfase", ["cosface", "arcface"])
    " Did you mean 'cosface'?"
    >>> nearest("zzz", ["cosface"])
    ''
    """
    match = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f" Did you mean '{match[0]}'?" if match else ""
