"""Model files that others publish: which one is meant, where it lies, and how it comes there.

Each is pinned by its SHA-256. A file is checked before it gets its name and again whenever it is read, so what was
measured is what runs.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from sphereface.atomic import write_bytes
from sphereface.download import DownloadError, download
from sphereface.errors import ConfigurationError, ModelError, nearest, reason_of
from sphereface.user_folder import named_or_own

MODELS_VARIABLE: Final = "SPHEREFACE_MODELS"

State = Literal["there", "missing", "unusable"]


@dataclass(frozen=True)
class ModelFile:
    """A file that is downloaded once from its publisher.

    Attributes:
        name: What commands call it.
        what: What it is, for a sentence: ``the face detector``.
        file: Its file name.
        size: In bytes.
        sha256: Of its content, in hexadecimal.
        licence: Of the file, in the publisher's words.
        page: Where a person finds it.
        address: Where a program finds it.
    """

    name: str
    what: str
    file: str
    size: int
    sha256: str
    licence: str
    page: str
    address: str


YUNET: Final = ModelFile(
    name="yunet",
    what="the face detector",
    file="face_detection_yunet_2026may.onnx",
    size=229_738,
    sha256="ebafce4e3c118d6554634be5c27ab333b4c047a9a8c3faf1d7cf93101c22f0f0",
    licence="MIT",
    page="https://github.com/opencv/opencv_zoo/tree/main/models/face_detection_yunet",
    # Of a fixed state of the publisher's repository. Its large files are stored apart, and raw addresses give a
    # pointer to them only; this host gives the file.
    address="https://media.githubusercontent.com/media/opencv/opencv_zoo/47534e27c9851bb1128ccc0102f1145e27f23f98"
    "/models/face_detection_yunet/face_detection_yunet_2026may.onnx",
)
MODEL_FILES: Final = {model.name: model for model in (YUNET,)}


@dataclass(frozen=True)
class Found:
    """How it stands with a model file.

    Attributes:
        path: Where it lies, or would.
        state: ``there`` if its content is the pinned one.
        message: Otherwise what is wrong and what to do.
    """

    path: Path
    state: State
    message: str = ""


def models_folder() -> Path:
    """Return ``$SPHEREFACE_MODELS``, else ``sphereface/models`` in the user's data folder; nothing is made."""
    return named_or_own(MODELS_VARIABLE, "models")


def model_file(name: str, others: Iterable[str] = ()) -> ModelFile:
    """Return the model file of a name.

    Args:
        name: Of the file.
        others: Names of models that are no files, which somebody may have meant.

    Raises:
        ConfigurationError: If there is none.
    """
    if name not in MODEL_FILES:
        known = [*MODEL_FILES, *others]
        raise ConfigurationError(
            f"no model is called '{name}'; known are {', '.join(known)}.{nearest(name, known)}"
        )
    return MODEL_FILES[name]


def read_model_file(model: ModelFile, path: Path | None = None) -> bytes:
    """Read a model file and check that it is the pinned one: the bytes checked are the bytes returned.

    Args:
        model: Which one.
        path: Where it lies, by default in :func:`models_folder`.

    Raises:
        ModelError: If it is missing, unreadable or another one.
    """
    path = models_folder() / model.file if path is None else path
    command = f"sphereface models get {model.name}"
    try:
        with path.open("rb") as file:
            content = file.read(model.size + 1)
    except FileNotFoundError as error:
        raise ModelError(
            f"{model.what} is not there yet ('{path}'); run: {command} (or set {MODELS_VARIABLE} to its folder)"
        ) from error
    except OSError as error:
        reason = reason_of(error)
        raise ModelError(f"{model.what} '{path}' cannot be read ({reason}); check its permissions") from error
    if (complaint := _complaint(model, content)) is not None:
        raise ModelError(
            f"'{path}' is not {model.what} this version was measured with: {complaint}; get it again: {command}"
        )
    return content


def find_model_file(model: ModelFile) -> Found:
    """Say how it stands with a model file; never raises for what is in the folder."""
    path = models_folder() / model.file
    try:
        read_model_file(model, path)
    except ModelError as error:
        missing = isinstance(error.__cause__, FileNotFoundError)
        return Found(path, "missing" if missing else "unusable", str(error))
    return Found(path, "there")


def get_model_file(
    model: ModelFile, *, source: str | None = None, folder: Path | None = None
) -> tuple[Path, bool]:
    """Put a model file into its folder, unless it is there already: then nothing is asked of anybody.

    Args:
        model: Which one.
        source: An address or a file to take it from; by default the publisher's address.
        folder: Where it goes, by default :func:`models_folder`.

    Returns:
        Its path, and whether it had to be fetched.

    Raises:
        ModelError: If the file is not to be had or to be written, or is another one. The message says which file
            to put where; the folder is then as it was.
    """
    folder = models_folder() if folder is None else folder
    path = folder / model.file
    try:
        read_model_file(model, path)
    except ModelError:
        pass
    else:
        return path, False
    advice = f"download {model.file} from {model.page} and put it into '{folder}', or name it with --from FILE"
    origin = model.address if source is None else source
    try:
        content = download(origin, most_bytes=model.size) if "://" in origin else _read(origin, model.size)
    except DownloadError as error:
        raise ModelError(f"{model.what} could not be had from '{origin}' ({error}); {advice}") from error
    if (complaint := _complaint(model, content)) is not None:
        raise ModelError(f"what '{origin}' gives is not {model.what}: {complaint}; {advice}")
    try:
        write_bytes(path, content)
    except OSError as error:
        raise ModelError(
            f"'{path}' cannot be written ({reason_of(error)}); make room or permit it, or name another folder "
            f"with {MODELS_VARIABLE}"
        ) from error
    return path, True


def _read(name: str, size: int) -> bytes:
    path = Path(name).expanduser()
    if not path.is_file():  # opening a pipe would wait for ever
        raise DownloadError("there is no such file")
    try:
        with path.open("rb") as file:
            return file.read(size + 1)
    except OSError as error:
        raise DownloadError(f"it cannot be read: {reason_of(error)}") from error


def _complaint(model: ModelFile, content: bytes) -> str | None:
    """Say how content differs from a model's, as helpfully as it can be seen."""
    digest = hashlib.sha256(content).hexdigest()
    if digest == model.sha256:
        return None
    begin = content[:200].lstrip().lower()
    if begin.startswith((b"<!doctype", b"<html")):
        return "it is a web page, perhaps of a proxy or a login"
    if begin.startswith(b"version https://git-lfs"):
        return "it is a Git LFS pointer, which only names the file"
    if len(content) != model.size:
        count = f"more than {model.size:,}" if len(content) > model.size else f"{len(content):,}"
        return f"it has {count} bytes, not {model.size:,}"
    return f"its SHA-256 begins {digest[:12]}, not {model.sha256[:12]}"
