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
import math
import tokenize
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from sphereface.atomic import write_bytes
from sphereface.errors import DataError, nearest, reason_of
from sphereface.evaluation.embedding_set import COLUMNS, EmbeddingSet
from sphereface.strict_json import read_json

_ALONE: Final = ("model", "preprocessing")
_KNOWN: Final = ("embeddings", *COLUMNS, "quality", "failed", *_ALONE)
_MOST_BYTES: Final = 16 << 30  # of all arrays together, before any is read
_MOST_TIMES: Final = 200  # that a file may unpack to: embeddings hardly shrink, and columns are small beside them
_SMALL: Final = 64 << 20  # bytes that a file may unpack to, however small it is
_METHODS: Final = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # the others unpack gigabytes from one block
_LONGEST_TEXT: Final = 4096  # characters of a name
_HEADER: Final = 16 << 10
_UNREADABLE: Final = (  # what zipfile, its decompressors and numpy raise for files that are damaged or made up
    zipfile.BadZipFile,
    zlib.error,
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
            names = _members(archive, path)
            arrays = _read_all(archive, names, path)
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
    texts = {name: _texts(arrays[name], name, path) for name in COLUMNS if name in arrays}
    try:
        return EmbeddingSet.of(
            arrays["embeddings"],
            texts["identity"],
            names=texts.get("name"),
            failed=arrays.get("failed"),
            templates=texts.get("template", ()),
            media=texts.get("media", ()),
            groups=texts.get("group", ()),
            quality=arrays.get("quality"),
            model=_alone(arrays, "model"),
            preprocessing=_preprocessing(_alone(arrays, "preprocessing"), path),
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


class _Header(NamedTuple):
    """What an array says of itself; ``start`` is where its numbers begin in the member."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    start: int

    @property
    def size(self) -> int:
        return math.prod(self.shape) * self.dtype.itemsize


def _read_all(archive: zipfile.ZipFile, names: list[str], path: Path) -> dict[str, NDArray[Any]]:
    """Read the arrays after their headers and the archive agree how large each is, and that it fits the others."""
    headers = {name: _header(archive, name, path) for name in names}
    for name in ("embeddings", "identity"):
        if name not in headers:
            raise DataError(f"'{path}' lacks '{name}'; it needs embeddings (N, d) and identity (N)")
    embeddings = headers["embeddings"]
    whole = sum(archive.getinfo(f"{name}.npy").file_size for name in names)
    if whole > _MOST_BYTES:
        raise DataError(f"'{path}' would take {whole / 2**30:,.0f} GiB; at most {_MOST_BYTES >> 30} are read")
    # By the size of the file itself: what an archive says of packed sizes is as made up as the rest of it may be.
    if whole > max(_SMALL, _MOST_TIMES * path.stat().st_size):
        raise DataError(
            f"'{path}' would unpack to more than {_MOST_TIMES} times its size, as embeddings never do; write it "
            "anew with numpy.savez"
        )
    if len(embeddings.shape) != 2 or embeddings.dtype.kind not in "fiu":
        raise DataError(
            f"'{path}': embeddings must be numbers of shape (images, dimension), not {embeddings.shape} "
            f"{embeddings.dtype}"
        )
    for name in names:
        _check_shape(name, headers[name], embeddings.shape[0], path)
    # Embeddings first: columns are as long as they are many, so a file without them costs nothing.
    return {name: _read(archive, name, path) for name in sorted(names, key=lambda name: name != "embeddings")}


def _header(archive: zipfile.ZipFile, name: str, path: Path) -> _Header:
    """Read what an array says of itself, and refuse what it cannot keep."""
    info = archive.getinfo(f"{name}.npy")
    if info.compress_type not in _METHODS:
        raise DataError(f"'{path}': '{name}' is packed as numpy never does; write it with numpy.savez_compressed")
    with archive.open(info) as file:
        version = npy.read_magic(file)
        if version not in ((1, 0), (2, 0)):
            raise ValueError(f"array '{name}' has format {version}")
        read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
        try:
            shape, _, dtype = read(file, max_header_size=_HEADER)
        except MemoryError:  # thus speaks Python's parser of expressions nested too deeply
            raise ValueError(f"the header of array '{name}' cannot be read") from None
        header = _Header(shape, dtype, file.tell())
    if dtype.hasobject:
        raise DataError(f"'{path}': '{name}' holds Python objects, which are not read; write text or numbers")
    if min(shape, default=0) < 0 or not dtype.itemsize:
        raise ValueError(f"array '{name}' has shape {shape} of {dtype}")
    if header.size > _MOST_BYTES:
        raise DataError(
            f"'{path}': '{name}' would take {header.size / 2**30:,.0f} GiB; at most {_MOST_BYTES >> 30} are read"
        )
    if dtype.kind in "US" and dtype.itemsize > 4 * _LONGEST_TEXT:
        raise DataError(f"'{path}': '{name}' has texts of more than {_LONGEST_TEXT} characters")
    if header.start + header.size != info.file_size:
        raise ValueError(f"array '{name}' should have {header.size:,} bytes by its header, but has others")
    return header


def _check_shape(name: str, header: _Header, count: int, path: Path) -> None:
    """Insist on one value a row in a column, and on one text in what is said of all rows."""
    if name in _ALONE:
        if math.prod(header.shape) != 1 or header.dtype.kind != "U":
            raise DataError(f"'{path}': '{name}' must be one text")
        return
    if name in COLUMNS and (len(header.shape) != 1 or header.dtype.kind not in "USiu"):
        raise DataError(f"'{path}': '{name}' must be one line of text a row, not {header.shape} {header.dtype}")
    if name == "quality" and header.dtype.kind not in "fiu":
        raise DataError(f"'{path}': 'quality' must hold numbers, not {header.dtype}")
    if name == "failed" and header.dtype.kind not in "biu":
        raise DataError(f"'{path}': 'failed' must hold true or false, not {header.dtype}")
    if name != "embeddings" and header.shape != (count,):
        entries = f"{header.shape[0]:,} entries" if name in COLUMNS else f"shape {header.shape}"
        raise DataError(f"'{path}': '{name}' has {entries} for {count:,} embeddings; give one for each")


def _read(archive: zipfile.ZipFile, name: str, path: Path) -> NDArray[Any]:
    try:
        with archive.open(f"{name}.npy") as file:
            return np.asarray(npy.read_array(file, allow_pickle=False, max_header_size=_HEADER))
    except MemoryError:
        raise DataError(f"'{path}': there is not enough memory for '{name}'; judge fewer pictures") from None


def _texts(array: NDArray[Any], name: str, path: Path) -> tuple[str, ...]:
    try:
        values = array.tolist()
        texts = tuple(value.decode("utf-8") if isinstance(value, bytes) else str(value) for value in values)
        "".join(texts).encode("utf-8")
    except UnicodeError as error:
        raise DataError(f"'{path}': '{name}' holds text that is not UTF-8") from error
    return texts


def _alone(arrays: Mapping[str, NDArray[Any]], name: str) -> str:
    return str(arrays.get(name, np.array("")).reshape(-1)[0])


def _preprocessing(text: str, path: Path) -> dict[str, str]:
    try:
        values = read_json(text or "{}")
    except ValueError as error:
        raise DataError(f"'{path}': 'preprocessing' is not JSON ({error})") from error
    if not isinstance(values, dict) or not all(isinstance(value, str) for value in values.values()):
        raise DataError(f"'{path}': 'preprocessing' must be a JSON object of texts")
    return values
