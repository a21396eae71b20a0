"""Embeddings on disk: a ``.npz`` that any program can write, read without pickle and with limits.

======================  =========================================================================
``embeddings``          (N, d) floats
``identity``            (N,) text: who is in each picture
``name``                (N,) text, optional: what pair lists call it, such as ``person/picture.jpg``
``template, media``     (N,) text, optional
``group``               (N,) text, optional: for rates by group
``quality``             (N,) floats, optional, higher is better
``failed``              (N,) booleans, optional: pictures that could not be embedded
``model``               one text, optional: fingerprint of the model
``preprocessing``       one text, optional: a JSON object of texts, how pictures were read
======================  =========================================================================

``np.savez(path, embeddings=..., identity=np.array([...]))`` writes the smallest one.
"""

from __future__ import annotations

import io
import json
import lzma
import tokenize
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from sphereface.atomic import write_bytes
from sphereface.errors import DataError, nearest, reason_of
from sphereface.evaluation.embedding_set import COLUMNS, EmbeddingSet

_ALONE: Final = ("model", "preprocessing")
_KNOWN: Final = ("embeddings", *COLUMNS, "quality", "failed", *_ALONE)
_MOST_BYTES: Final = 16 << 30  # of any array, before it is read
_LONGEST_TEXT: Final = 4096  # characters of a name
_HEADER: Final = 16 << 10
_UNREADABLE: Final = (  # what zipfile, its decompressors and numpy raise for files that are damaged or made up
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    tokenize.TokenError,
    EOFError,
    KeyError,
    NotImplementedError,
    OverflowError,
    RuntimeError,
    SyntaxError,
    ValueError,
)


def read_embeddings(path: Path) -> EmbeddingSet:
    """Read a file of embeddings; nothing in it is run, and nothing is read before its size is known.

    Raises:
        DataError: If it cannot be read, is damaged, lacks an array, has one that is not known or too large, or
            says something impossible (:func:`~sphereface.evaluation.embedding_set.EmbeddingSet.of`).
    """
    path = Path(path)
    try:
        with zipfile.ZipFile(path) as archive:
            arrays = {name: _read(archive, name, path) for name in _members(archive, path)}
    except FileNotFoundError:
        raise DataError(f"there is no file '{path}'") from None
    except DataError:
        raise
    except OSError as error:
        raise DataError(f"cannot read the embeddings '{path}': {reason_of(error)}") from error
    except _UNREADABLE as error:
        raise DataError(
            f"'{path}' is not a readable .npz file ({error}); write it with numpy.savez(path, embeddings=..., "
            "identity=...)"
        ) from error
    missing = [name for name in ("embeddings", "identity") if name not in arrays]
    if missing:
        raise DataError(f"'{path}' lacks '{missing[0]}'; it needs embeddings (N, d) and identity (N)")
    if "quality" in arrays and arrays["quality"].dtype.kind not in "fiu":
        raise DataError(f"'{path}': 'quality' must hold numbers, not {arrays['quality'].dtype}")
    texts = {name: _texts(arrays[name], name, path) for name in COLUMNS if name in arrays}
    try:
        return EmbeddingSet.of(
            arrays["embeddings"],
            texts["identity"],
            names=texts.get("name"),
            failed=_flags(arrays.get("failed")),
            templates=texts.get("template", ()),
            media=texts.get("media", ()),
            groups=texts.get("group", ()),
            quality=arrays.get("quality"),
            model=_alone(arrays, "model", path),
            preprocessing=_preprocessing(_alone(arrays, "preprocessing", path), path),
            title=path.stem,
        )
    except (DataError, TypeError, ValueError) as error:
        said = str(error)
        raise DataError(said if said.startswith(f"'{path}'") else f"'{path}': {said}") from error


def write_embeddings(path: Path, faces: EmbeddingSet) -> None:
    """Write a file of embeddings as float32, whole or not at all.

    Raises:
        DataError: If the file cannot be written.
    """
    arrays: dict[str, NDArray[Any]] = {
        "embeddings": np.asarray(faces.embeddings, dtype=np.float32),
        "failed": faces.failed,
        "model": np.array(faces.model),
        "preprocessing": np.array(json.dumps(dict(faces.preprocessing), ensure_ascii=False)),
    }
    columns = (faces.identities, faces.names, faces.templates, faces.media, faces.groups)
    arrays |= {name: np.array(values) for name, values in zip(COLUMNS, columns, strict=True) if values}
    if faces.quality is not None:
        arrays["quality"] = faces.quality
    file = io.BytesIO()
    np.savez(file, allow_pickle=False, **arrays)
    try:
        write_bytes(path, file.getvalue())
    except OSError as error:
        raise DataError(f"cannot write the embeddings to '{path}': {reason_of(error)}") from error


def _members(archive: zipfile.ZipFile, path: Path) -> list[str]:
    names = [info.filename for info in archive.infolist()]
    if others := [name for name in names if not name.endswith(".npy")]:
        raise DataError(f"'{path}' holds '{others[0][:40]}', which is no array of numpy.savez")
    for name in names:
        key = name.removesuffix(".npy")
        if key not in _KNOWN:
            raise DataError(f"'{path}' holds an unknown array '{key[:40]}'.{nearest(key, _KNOWN)}")
    if len(set(names)) < len(names):
        raise DataError(f"'{path}' holds an array twice")
    return [name.removesuffix(".npy") for name in names]


def _read(archive: zipfile.ZipFile, name: str, path: Path) -> NDArray[Any]:
    """Read one array after its header has said how large it is going to be."""
    member = f"{name}.npy"
    with archive.open(member) as file:
        version = npy.read_magic(file)
        if version not in ((1, 0), (2, 0)):
            raise ValueError(f"array '{name}' has format {version}")
        read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
        shape, _, dtype = read(file, max_header_size=_HEADER)
    size = dtype.itemsize
    for length in shape:
        size *= length
    if dtype.hasobject:
        raise DataError(f"'{path}': '{name}' holds Python objects, which are not read; write text or numbers")
    if size > _MOST_BYTES or archive.getinfo(member).file_size > _MOST_BYTES + _HEADER:
        raise DataError(f"'{path}': '{name}' would take {size / 2**30:,.0f} GiB; at most 16 are read")
    if dtype.kind in "US" and dtype.itemsize > 4 * _LONGEST_TEXT:
        raise DataError(f"'{path}': '{name}' has texts of more than {_LONGEST_TEXT} characters")
    with archive.open(member) as file:
        return np.asarray(npy.read_array(file, allow_pickle=False, max_header_size=_HEADER))


def _texts(array: NDArray[Any], name: str, path: Path) -> tuple[str, ...]:
    if array.ndim != 1 or array.dtype.kind not in "USiu":
        raise DataError(f"'{path}': '{name}' must be one line of text a row, not {array.shape} {array.dtype}")
    try:
        values = array.tolist()
        texts = tuple(value.decode("utf-8") if isinstance(value, bytes) else str(value) for value in values)
        "".join(texts).encode("utf-8")
    except UnicodeError as error:
        raise DataError(f"'{path}': '{name}' holds text that is not UTF-8") from error
    return texts


def _flags(array: NDArray[Any] | None) -> NDArray[np.bool_] | None:
    if array is not None and array.dtype.kind not in "biu":
        raise DataError(f"'failed' must hold true or false, not {array.dtype}")
    return array


def _alone(arrays: Mapping[str, NDArray[Any]], name: str, path: Path) -> str:
    array = arrays.get(name, np.array(""))
    if array.size != 1 or array.dtype.kind != "U":
        raise DataError(f"'{path}': '{name}' must be one text")
    return str(array.reshape(-1)[0])


def _preprocessing(text: str, path: Path) -> dict[str, str]:
    try:
        values = json.loads(text or "{}")
    except ValueError as error:
        raise DataError(f"'{path}': 'preprocessing' is not JSON ({error})") from error
    if not isinstance(values, dict) or not all(isinstance(value, str) for value in values.values()):
        raise DataError(f"'{path}': 'preprocessing' must be a JSON object of texts")
    return values
