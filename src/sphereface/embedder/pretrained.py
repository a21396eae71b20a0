"""Models that come with this package: cards with measured operating points, for weights that others publish."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from sphereface.atomic import write_bytes
from sphereface.checkpoint import CARD_FILE
from sphereface.errors import ModelError, reason_of

_SHIPPED: Final = Path(__file__).parent / "pretrained"
PRETRAINED: Final[dict[str, str]] = {"dlib": "dlib's ResNet of 29 convolutions, 128 numbers, public domain"}


def model_folder(name: Path) -> Path:
    """Return the folder of a model: the one named, or, if it holds none, that of a pretrained model of the name.

    >>> model_folder(Path("dlib")).name, model_folder(Path("runs/demo")).as_posix()
    ('dlib', 'runs/demo')
    """
    return _SHIPPED / name if str(name) in PRETRAINED and not (name / CARD_FILE).exists() else name


def is_shipped(folder: Path) -> bool:
    """Say whether a folder belongs to this package, so that nothing may be written into it."""
    return folder.parent == _SHIPPED


def own_copy(name: str, folder: Path) -> Path:
    """Make a model folder of a pretrained model, so that it can have operating points of its user's own.

    Args:
        name: One of ``PRETRAINED``.
        folder: New or empty. The weights stay in the package that brings them.

    Returns:
        The card written.

    Raises:
        ModelError: If there is a model in the folder already, or it cannot be written.
    """
    path = folder / CARD_FILE
    if path.exists():
        raise ModelError(f"'{folder}' holds a model already; name a new folder with --out")
    try:
        write_bytes(path, (_SHIPPED / name / CARD_FILE).read_bytes())
    except OSError as error:
        raise ModelError(f"'{path}' cannot be written: {reason_of(error)}") from error
    return path
