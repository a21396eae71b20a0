"""dlib and its published models, asked for in one place so that their absence is told with the way out.

The models come with the Python package ``face-recognition-models`` (King 2017, https://github.com/davisking/dlib-models)
and never from a network. That package cannot be imported on a current Python, so its files are looked for
beside its source.
"""

from __future__ import annotations

import hashlib
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from sphereface.errors import MissingExtraError, ModelError, reason_of

_EXTRA = "pip install 'sphereface[dlib]'"

RESNET_FILE: Final = "dlib_face_recognition_resnet_model_v1.dat"
LANDMARKS_FILE: Final = "shape_predictor_68_face_landmarks.dat"
SHA256: Final = {
    RESNET_FILE: "55533b28a95800a551ba546ba62fe69625c7e95a7061c338adffead08719da30",
    LANDMARKS_FILE: "fbdc2cb80eb9aa7a758672cbfdda32ba6300efe9b6e6c7a299ff7e736b11b92f",
}


def load_dlib() -> Any:
    """Return the module ``dlib``.

    Raises:
        MissingExtraError: If it is not installed.
    """
    try:
        import dlib
    except ImportError as missing:
        raise MissingExtraError(f"this needs dlib: {_EXTRA}") from missing
    return dlib


def dlib_file(name: str) -> Path:
    """Return the path of a model file after its SHA-256 has been found to be the pinned one.

    Raises:
        MissingExtraError: If the package that brings it is not installed.
        ModelError: If the file is missing, unreadable or another one.
    """
    package = find_spec("face_recognition_models")
    if package is None or package.origin is None:
        raise MissingExtraError(f"this needs dlib's models, the package face-recognition-models: {_EXTRA}")
    path = Path(package.origin).parent / "models" / name
    try:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        reason = reason_of(error)
        raise ModelError(f"dlib's model '{path}' cannot be read ({reason}); install it again: {_EXTRA}") from error
    if digest != SHA256[name]:
        raise ModelError(
            f"'{path}' is not the model this version was measured with: its SHA-256 begins {digest[:12]}, not "
            f"{SHA256[name][:12]}; install it again: {_EXTRA}"
        )
    return path
