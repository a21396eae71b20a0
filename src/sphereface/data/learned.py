"""Whom a model has learned from, kept so small that it travels with the model.

A figure measured on people the network has seen is worth nothing, and a training folder may be gone when a
model is judged again. So every run writes eight bytes for each person and each picture it learned from:
enough to recognise them, not enough to show them. (A name can still be guessed and tried: a membership list
of names is what it is, and it should be shared as little as the names.)
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import safetensors.numpy
from numpy.typing import NDArray
from safetensors import SafetensorError

from sphereface.atomic import write_bytes
from sphereface.data.manifest import Manifest, name_digest
from sphereface.errors import DataError, reason_of

LEARNED_FILE = "learned.safetensors"

_LARGEST_FILE = 1 << 31  # a quarter of a billion pictures
_BYTES = 8  # among a million names, two share their first 64 bits once in 37 million data sets


@dataclass(frozen=True, eq=False)
class Learned:
    """The people and pictures of a training set, as hashes.

    Attributes:
        people: Shape (C,), uint64, sorted: the first 64 bits of SHA-256 of each name, as
            :func:`~sphereface.data.manifest.comparable_name` writes it.
        pictures: Shape (N,), uint64, sorted: the first 64 bits of SHA-256 of each file.
    """

    people: NDArray[np.uint64]
    pictures: NDArray[np.uint64]

    @classmethod
    def of(cls, *manifests: Manifest) -> Learned:
        """Return what a network knows after learning from these."""
        names = [name for manifest in manifests for name in manifest.identities]
        hashes = [file_hash for manifest in manifests for file_hash in manifest.hashes]
        return cls(np.unique(_name_codes(names)), np.unique(_picture_codes(hashes)))

    def and_those_of(self, *manifests: Manifest) -> Learned:
        """Return what a network knows that learned from these too."""
        more = Learned.of(*manifests)
        return Learned(np.union1d(self.people, more.people), np.union1d(self.pictures, more.pictures))

    def seen(self, people: Manifest) -> tuple[str, ...]:
        """Return who in ``people`` was learned from: by name, or because one of their pictures was."""
        by_name = np.isin(_name_codes(people.identities), self.people)
        by_picture = np.zeros(len(people.identities), dtype=bool)
        by_picture[people.labels[np.isin(_picture_codes(people.hashes), self.pictures)]] = True
        return tuple(people.identities[number] for number in np.flatnonzero(by_name | by_picture))

    def seen_names(self, names: Iterable[str]) -> tuple[str, ...]:
        """Return which of these names were learned from."""
        listed = tuple(dict.fromkeys(names))
        known = np.isin(_name_codes(listed), self.people)
        return tuple(listed[number] for number in np.flatnonzero(known))

    def seen_pictures(self, hashes: Sequence[str]) -> NDArray[np.bool_]:
        """Say of each picture, by its SHA-256 in hexadecimal, whether it was learned from."""
        return np.isin(_picture_codes(list(hashes)), self.pictures)

    def unseen(self, people: Manifest, what: str = "data") -> tuple[Manifest, tuple[str, ...]]:
        """Leave out everybody who was learned from; return the rest and who was left out.

        Args:
            people: Who is to take no part in training.
            what: What to call them in an error.

        Raises:
            DataError: If nobody is left.
        """
        left_out = self.seen(people)
        if len(left_out) == len(people.identities):
            raise DataError(
                f"everybody in the {what} took part before (by name or by a picture); bring other people"
            )
        return (people.without(left_out) if left_out else people), left_out

    def save(self, folder: Path) -> str:
        """Write ``learned.safetensors`` into a model's folder, whole or not at all; returns its SHA-256."""
        data = safetensors.numpy.save({"people": self.people, "pictures": self.pictures})
        write_bytes(Path(folder) / LEARNED_FILE, data)
        return hashlib.sha256(data).hexdigest()


def read_learned(folder: Path, sha256: str = "") -> Learned | None:
    """Read what :meth:`Learned.save` wrote; None if the folder has no such file.

    Args:
        folder: Of the model.
        sha256: What the model's card says of the file; empty where it says nothing.

    Raises:
        DataError: If the file cannot be read, is damaged, or is another model's.
    """
    path = Path(folder) / LEARNED_FILE
    try:
        size = path.stat().st_size
        data = path.read_bytes() if size <= _LARGEST_FILE else b""
    except (FileNotFoundError, NotADirectoryError):  # the latter beside a model that is one file
        return None
    except OSError as error:
        raise DataError(f"cannot read '{path}': {reason_of(error)}") from error
    if size > _LARGEST_FILE:
        raise DataError(f"'{path}' is larger than any list of learned people; restore it from a copy")
    try:
        tensors = safetensors.numpy.load(data)
    except (SafetensorError, KeyError, ValueError, TypeError) as error:
        raise _damaged(path) from error
    if sha256 and hashlib.sha256(data).hexdigest() != sha256:
        raise DataError(
            f"'{path}' is not the one that this model's card names, so nobody can tell whom the model knows; "
            "restore it from a copy"
        )
    if {name: (array.dtype, array.ndim) for name, array in tensors.items()} != {
        "people": (np.dtype(np.uint64), 1),
        "pictures": (np.dtype(np.uint64), 1),
    }:
        raise _damaged(path)
    return Learned(tensors["people"], tensors["pictures"])


def _damaged(path: Path) -> DataError:
    return DataError(f"'{path}' is damaged, so nobody can tell whom this model knows; restore it from a copy")


def _name_codes(names: list[str] | tuple[str, ...]) -> NDArray[np.uint64]:
    digests = [name_digest(name)[:_BYTES] for name in names]
    return np.frombuffer(b"".join(digests), dtype=">u8").astype(np.uint64)


def _picture_codes(hashes: list[str] | tuple[str, ...]) -> NDArray[np.uint64]:
    heads = bytes.fromhex("".join(file_hash[: 2 * _BYTES] for file_hash in hashes))
    return np.frombuffer(heads, dtype=">u8").astype(np.uint64)
